//! How fast `skillctl fetch` is over loopback, compared with curl: `cargo bench --bench fetch`.
//!
//! One file (1 GiB, or as many MiB as `FETCH_BENCH_MIB` says) from a server in this process,
//! three ways in turn, five rounds, the medians:
//!
//! - `skillctl fetch`: length and SHA-1 checked, on the disk, under its final name;
//! - `curl -L -o`, then `sha1sum`, then `sync` of the file: the same by hand;
//! - `curl -L -o` alone: nothing checked, nothing on the disk for certain.
//!
//! And the most memory that `skillctl fetch` held (`VmHWM`, where there is a /proc).

#![allow(
    clippy::print_stdout,
    reason = "a benchmark's result is what it prints"
)]

mod table;

use std::{
    env, fs,
    fs::File,
    io::{self, BufRead, BufReader, Seek, SeekFrom, Write},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, ExitCode, Stdio},
    thread,
    time::{Duration, Instant},
};

use sha1::{Digest, Sha1};
use table::Table;

const ROUNDS: usize = 5;
/// The goal: at least this many times as fast as curl, sha1sum and sync.
const WANTED: f64 = 1.2;
/// The goal: at most this much memory, in KiB.
const MAX_KIB: u64 = 32 << 10;

fn main() -> ExitCode {
    let mebibytes: usize = env::var("FETCH_BENCH_MIB")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(1024);
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
    let source = folder.path().join("source");
    let sha1 = write_source(&source, mebibytes);
    let url = serve(source, &sha1);
    let target = folder.path().join("got");

    let ways: [(&str, &dyn Fn() -> u64); 3] = [
        ("skillctl fetch", &|| fetch(&url, &target)),
        ("curl, sha1sum, sync", &|| by_hand(&url, &target)),
        ("curl", &|| curl(&url, &target)),
    ];
    let mut times = [const { Vec::new() }; 3];
    let mut memory = 0;
    for _ in 0..ROUNDS {
        for ((_, way), times) in ways.iter().zip(&mut times) {
            // The pages that the previous way has not written yet do not count.
            run(Command::new("sync"));
            let begun = Instant::now();
            memory = way().max(memory);
            times.push(begun.elapsed());
            fs::remove_file(&target).expect("it was fetched");
        }
    }
    let medians = times.map(median);
    let seconds = medians.map(|median| median.as_secs_f64());
    let mut table = Table::start();
    let ratio = |other: Duration| other.as_secs_f64() / medians[0].as_secs_f64();
    let (by_hand, bare) = (ratio(medians[1]), ratio(medians[2]));
    let figure = format!("fetch of {mebibytes} MiB, checked and synced");
    table.row(
        &figure,
        &format!("{:.2} s", seconds[0]),
        &format!(
            "curl, sha1sum, sync: {:.2} s; {by_hand:.2} times as fast",
            seconds[1]
        ),
        &WANTED.to_string(),
        by_hand >= WANTED,
    );
    table.row_without_goal(
        &figure,
        &format!("{:.2} s", seconds[0]),
        &format!(
            "curl alone, which checks and syncs nothing: {:.2} s; {bare:.2} times as fast",
            seconds[2]
        ),
    );
    table.row(
        "memory of that",
        &format!("{} MiB", memory >> 10),
        "",
        &format!("{} MiB", MAX_KIB >> 10),
        memory <= MAX_KIB,
    );
    table.end(true)
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

fn fetch(url: &str, target: &Path) -> u64 {
    let mut command = Command::new(env!("CARGO_BIN_EXE_skillctl"));
    command
        .env("BENCH_TOKEN", "a-token-for-the-bench")
        .args([
            "fetch",
            "-q",
            "--file-id",
            "7",
            "--token-env",
            "BENCH_TOKEN",
        ])
        .args(["--box", url, "-o"])
        .arg(target);
    run(command)
}

fn curl(url: &str, target: &Path) -> u64 {
    let mut command = Command::new("curl");
    command
        .args([
            "-sSfL",
            "-H",
            "Authorization: Bearer a-token-for-the-bench",
            "-o",
        ])
        .arg(target)
        .arg(format!("{url}/2.0/files/7/content"));
    run(command);
    0
}

fn by_hand(url: &str, target: &Path) -> u64 {
    curl(url, target);
    for program in ["sha1sum", "sync"] {
        let mut command = Command::new(program);
        command.arg(target);
        run(command);
    }
    0
}

/// Runs a command to its end; returns the most memory it held, in KiB.
fn run(mut command: Command) -> u64 {
    let mut child = command
        .stdout(Stdio::null())
        .spawn()
        .expect("the program is installed");
    let mut memory = 0;
    loop {
        memory = held(&child).unwrap_or(memory);
        if let Some(status) = child.try_wait().expect("it can be waited for") {
            assert!(status.success(), "{command:?} failed");
            return memory;
        }
        thread::sleep(Duration::from_millis(5));
    }
}

fn held(child: &Child) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

/// Writes a file that no layer can compress, and returns its SHA-1.
fn write_source(path: &Path, mebibytes: usize) -> String {
    let mut file = File::create(path).expect("a file");
    let mut hasher = Sha1::new();
    let mut block = vec![0; 1 << 20];
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    for _ in 0..mebibytes {
        for word in block.chunks_exact_mut(8) {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            word.copy_from_slice(&state.to_le_bytes());
        }
        hasher.update(&block);
        file.write_all(&block).expect("it is written");
    }
    let hex = |text: String, byte: &u8| text + &format!("{byte:02x}");
    hasher.finalize().iter().fold(String::new(), hex)
}

/// A Box with one file: the info, the redirection, the bytes.
fn serve(source: PathBuf, sha1: &str) -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let size = fs::metadata(&source).expect("it is there").len();
    let info = format!(
        r#"{{"type":"file","id":"7","etag":"0","name":"got","size":{size},"sha1":"{sha1}","file_version":{{"type":"file_version","id":"70"}}}}"#
    );
    let root = url.clone();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (source, info, root) = (source.clone(), info.clone(), root.clone());
            // A client may go at any time.
            thread::spawn(move || answer(stream, &source, &info, &root).ok());
        }
    });
    url
}

fn answer(stream: TcpStream, source: &Path, info: &str, root: &str) -> io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let mut stream = stream;
    while let Some(first) = lines.next() {
        let first = first?;
        for line in lines.by_ref() {
            if line?.is_empty() {
                break;
            }
        }
        let target = first.split(' ').nth(1).unwrap_or_default();
        if target.starts_with("/2.0/files/7?") {
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", info.len());
            stream.write_all(format!("{head}{info}").as_bytes())?;
        } else if target.starts_with("/2.0/files/7/content") {
            let head = "HTTP/1.1 302 Found\r\nContent-Length: 0\r\n";
            stream.write_all(format!("{head}Location: {root}/dl\r\n\r\n").as_bytes())?;
        } else {
            let mut file = File::open(source)?;
            let length = file.seek(SeekFrom::End(0))?;
            file.rewind()?;
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n");
            stream.write_all(head.as_bytes())?;
            // sendfile on Linux, so that the server takes little of what is measured.
            io::copy(&mut file, &mut stream)?;
        }
    }
    Ok(())
}
