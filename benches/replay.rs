//! The speed of replay compared with a minimal loop over hyper's own client in the same run, and its
//! memory. Measures the program as people run it, not a library:
//!
//! ```sh
//! cargo bench --bench replay                 # throughput at 1, 16 and 64 connections, latency
//! cargo bench --bench replay -- million      # and a million events from a file of lines
//! ```
//!
//! The aims: at least 0.8 of the loop, under 10 ms of its own for one event, under 40 MiB for a
//! million events, and no more than 64 MiB with the mock and all checks, 64 events at a time, where
//! the skill should take more of the processor than skillctl.

#![allow(clippy::print_stdout, reason = "a benchmark prints what it measured")]

mod processes;
mod table;

use std::{
    collections::BTreeMap,
    convert::Infallible,
    fs::{self, File},
    io::{BufRead, BufReader, BufWriter, Read, Seek, SeekFrom, Write},
    net::SocketAddr,
    path::Path,
    process::{Child, Command, ExitCode, Stdio},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::{client::conn::http1 as client, server::conn::http1 as server, service::service_fn};
use hyper_util::rt::TokioIo;
use processes::start_mock;
use table::Table;
use tokio::net::{TcpListener, TcpStream};

const EVENT: &str = "fixtures/events/upload-text/event.json";
/// The argument that makes this program the server.
const SERVE: &str = "serve";
const CONNECTIONS: [usize; 3] = [1, 16, 64];
const ROUNDS: usize = 7;
/// The goals: a share of the loop's events, milliseconds of one event, and MiB.
const WANTED: f64 = 0.8;
const ONE_EVENT: f64 = 10.0;
/// Seconds.
const SAMPLE_CASES: f64 = 1.0;
const VERDICT: f64 = 5.0;
const OF_A_MILLION: u64 = 40;
const WITH_ALL_CHECKS: u64 = 64;

fn main() -> ExitCode {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    if std::env::args().any(|argument| argument == SERVE) {
        runtime.block_on(serve());
        return ExitCode::SUCCESS;
    }
    let (mut server, skill) = start_server();
    let body = Bytes::from(fs::read(EVENT).expect("the fixture"));
    let mut table = Table::start();
    for connections in CONNECTIONS {
        let events = if connections == 1 { 20_000 } else { 100_000 };
        let (mut loops, mut replays, mut shares, mut most) = (vec![], vec![], vec![], 0);
        for _ in 0..ROUNDS {
            let bare = runtime.block_on(bare(skill, &body, connections, events));
            let (replayed, kib) = replay(skill, connections, events);
            shares.push(replayed / bare);
            loops.push(bare);
            replays.push(replayed);
            most = most.max(kib);
        }
        let share = median(&shares);
        table.row(
            &format!("events to a bare server, {connections} at a time"),
            &format!("{:.0}/s, {} MiB", median(&replays), most / 1024),
            &format!(
                "a loop over hyper's client: {:.0}/s; {share:.2} of it",
                median(&loops)
            ),
            &WANTED.to_string(),
            share >= WANTED,
        );
    }
    one_event(skill, &mut table);
    start_of_python(&mut table);
    waiting(&mut table);
    with_all_checks(&mut table);
    processor_time(&mut table);
    if std::env::args().any(|argument| argument == "million") {
        million(skill, &mut table);
    }
    server.kill().expect("the server ends");
    server.wait().expect("it has ended");
    table.end(true)
}

/// The server as a process of its own, for the loop and for replay alike.
fn start_server() -> (Child, SocketAddr) {
    let mut server = Command::new(std::env::current_exe().expect("this program"))
        .arg(SERVE)
        .stdout(Stdio::piped())
        .spawn()
        .expect("the server starts");
    let mut address = String::new();
    BufReader::new(server.stdout.take().expect("its output"))
        .read_line(&mut address)
        .expect("its address");
    (server, address.trim().parse().expect("an address"))
}

/// A bare server that answers 200 to everything.
async fn serve() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    println!("{}", listener.local_addr().expect("an address"));
    while let Ok((stream, _)) = listener.accept().await {
        let _ = stream.set_nodelay(true);
        let answer = service_fn(|request: Request<hyper::body::Incoming>| async move {
            let _ = request.into_body().collect().await;
            Ok::<_, Infallible>(Response::new(Full::new(Bytes::new())))
        });
        tokio::spawn(server::Builder::new().serve_connection(TokioIo::new(stream), answer));
    }
}

/// Events per second of a minimal client.
async fn bare(skill: SocketAddr, body: &Bytes, connections: usize, events: usize) -> f64 {
    let left = Arc::new(AtomicUsize::new(events));
    let began = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..connections {
        let (left, body) = (Arc::clone(&left), body.clone());
        tasks.spawn(async move {
            let stream = TcpStream::connect(skill).await.expect("it connects");
            stream.set_nodelay(true).expect("no delay");
            let (mut sender, connection) = client::handshake(TokioIo::new(stream))
                .await
                .expect("a connection");
            tokio::spawn(connection);
            let take = || {
                left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
                    left.checked_sub(1)
                })
            };
            while take().is_ok() {
                sender.ready().await.expect("it goes on");
                let request = Request::post("/")
                    .header("host", "127.0.0.1")
                    .header("content-type", "application/json; charset=UTF-8")
                    .body(Full::new(body.clone()))
                    .expect("a request");
                let response = sender.send_request(request).await.expect("an answer");
                response.into_body().collect().await.expect("a body");
            }
        });
    }
    tasks.join_all().await;
    rate(events, began.elapsed())
}

#[allow(clippy::cast_precision_loss, reason = "a number of events")]
fn rate(events: usize, spent: Duration) -> f64 {
    events as f64 / spent.as_secs_f64()
}

/// Runs replay without a mock; events a second by its own count, and its memory in KiB.
fn replay(skill: SocketAddr, connections: usize, events: usize) -> (f64, u64) {
    let (connections, events) = (connections.to_string(), events.to_string());
    let skill = format!("http://{skill}/");
    run(&[
        "replay",
        "--no-mock",
        "--skill",
        &skill,
        EVENT,
        "--concurrency",
        &connections,
        "--repeat",
        &events,
    ])
}

/// Runs a replay; events a second by its own summary, and its largest memory in KiB.
fn run(arguments: &[&str]) -> (f64, u64) {
    let mut most = 0;
    let (total, seconds) = watched(arguments, |process| {
        most = most.max(memory(&format!("/proc/{process}/status")));
    });
    (total / seconds, most)
}

/// Runs a replay, and looks at its process again and again; how many events it counted, and in how
/// many seconds.
fn watched(arguments: &[&str], mut look: impl FnMut(u32)) -> (f64, f64) {
    let folder = tempfile::tempdir().expect("a folder");
    let report = folder.path().join("out.jsonl");
    let mut child = Command::new(env!("CARGO_BIN_EXE_skillctl"))
        .args(arguments)
        .args(["--format", "json", "-q"])
        .stdin(Stdio::null())
        .stdout(File::create(&report).expect("a file"))
        .spawn()
        .expect("replay starts");
    while child.try_wait().expect("a state").is_none() {
        look(child.id());
        std::thread::sleep(Duration::from_millis(20));
    }
    let summary = last_line(&report);
    let summary: serde_json::Value = serde_json::from_str(&summary).expect("a summary");
    let summary = &summary["summary"];
    assert_eq!(summary["ok"], true, "{summary}");
    let total = summary["total"].as_f64().expect("a count");
    (total, summary["seconds"].as_f64().expect("seconds"))
}

/// The most memory that the process had so far, in KiB; 0 where the system does not say.
fn memory(status: &str) -> u64 {
    let text = fs::read_to_string(status).unwrap_or_default();
    text.lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .and_then(|line| line.split_whitespace().next()?.parse().ok())
        .unwrap_or(0)
}

/// The summary: of a million lines only the end is read.
fn last_line(path: &Path) -> String {
    let mut file = File::open(path).expect("it opens");
    let length = file.metadata().expect("its length").len();
    file.seek(SeekFrom::Start(length.saturating_sub(1 << 16)))
        .expect("its end");
    let mut end = Vec::new();
    file.read_to_end(&mut end).expect("it reads");
    let end = String::from_utf8_lossy(&end);
    end.lines().last().expect("a line").to_owned()
}

/// What one event costs from start to end, and what of it is the program's own: `--version` does
/// nothing, a replay without a mock does all but wait for cards.
fn one_event(skill: SocketAddr, table: &mut Table) {
    const TIMES: u32 = 50;
    let skill = format!("http://{skill}/");
    let time = |arguments: &[&str]| {
        let began = Instant::now();
        for _ in 0..TIMES {
            let status = Command::new(env!("CARGO_BIN_EXE_skillctl"))
                .args(arguments)
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status()
                .expect("it runs");
            assert!(status.success());
        }
        began.elapsed().as_secs_f64() * 1000.0 / f64::from(TIMES)
    };
    let nothing = time(&["--version"]);
    let whole = time(&["replay", "--no-mock", "--skill", &skill, EVENT]);
    table.row(
        "one replay of one event, without a mock",
        &format!("{:.1} ms of its own", whole - nothing),
        &format!("{whole:.1} ms whole, --version {nothing:.1} ms"),
        &format!("{ONE_EVENT} ms"),
        whole - nothing < ONE_EVENT,
    );
    let sample = time(&["replay", "--sample-skill", "--settle", "0s", EVENT]);
    table.row_without_goal(
        "one replay of one event, mock and skill started for it",
        &format!("{sample:.1} ms whole"),
        "",
    );
}

/// What the variables of a mock add to the start of a Python skill, which serves HTTP. Without python3
/// there is no row.
fn start_of_python(table: &mut Table) {
    const TIMES: usize = 41;
    const MOST_ADDED: f64 = 20.0;
    let home = tempfile::tempdir().expect("a folder");
    let mock = start_mock(home.path(), |_| {});
    let variables = Command::new(env!("CARGO_BIN_EXE_skillctl"))
        .args(["env", "--shell", "json", "--box"])
        .arg(format!("http://{}", mock.address))
        .env("HOME", home.path())
        .output()
        .expect("it runs");
    let variables: BTreeMap<String, String> =
        serde_json::from_slice(&variables.stdout).expect("an object of texts");
    let start = |variables: &BTreeMap<String, String>| {
        let began = Instant::now();
        let status = Command::new("python3")
            .args(["-c", "import http.server"])
            .envs(variables)
            .status()
            .ok()?;
        assert!(status.success());
        Some(began.elapsed().as_secs_f64() * 1000.0)
    };
    let (mut plain, mut redirected) = (vec![], vec![]);
    for _ in 0..TIMES {
        plain.extend(start(&BTreeMap::new()));
        redirected.extend(start(&variables));
    }
    drop(mock);
    if plain.is_empty() {
        return;
    }
    let (plain, redirected) = (median(&plain), median(&redirected));
    table.row(
        "the start of a Python skill with the variables of a mock",
        &format!("{:.1} ms more", redirected - plain),
        &format!("{plain:.1} ms without"),
        &format!("{MOST_ADDED} ms"),
        redirected - plain <= MOST_ADDED,
    );
}

/// How long whole runs take whose time is mostly waiting: the twelve sample cases, which overlap while
/// they settle, and an event that cannot pass any more, since its read token is wrong.
fn waiting(table: &mut Table) {
    let seconds = |arguments: &[&str], code: i32| {
        let began = Instant::now();
        let status = Command::new(env!("CARGO_BIN_EXE_skillctl"))
            .args(arguments)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .expect("it runs");
        assert_eq!(status.code(), Some(code), "{arguments:?}");
        began.elapsed().as_secs_f64()
    };
    let cases = seconds(&["replay", "--sample-skill", "fixtures/events"], 0);
    table.row(
        "the twelve sample cases, mock and skill started for them",
        &format!("{cases:.2} s"),
        "one at a time, each settling for 0.3 s: 3.6 s",
        &format!("{SAMPLE_CASES} s"),
        cases < SAMPLE_CASES,
    );
    let wrong_token = "/token/read/access_token=wrong";
    let verdict = seconds(
        &["replay", "--sample-skill", EVENT, "--set", wrong_token],
        1,
    );
    table.row(
        "an event with a wrong read token, from its start to its verdict",
        &format!("{verdict:.2} s"),
        "--wait: 30 s",
        &format!("{VERDICT} s"),
        verdict < VERDICT,
    );
}

/// A replay of many events through the sample skill, 64 at a time, each settled after so long.
fn through_the_sample_skill(settle: &str) -> [&str; 9] {
    [
        "replay",
        "--sample-skill",
        "fixtures/events/upload-text",
        "--concurrency",
        "64",
        "--repeat",
        "10000",
        "--settle",
        settle,
    ]
}

/// All checks, 64 events at a time, through the sample skill.
fn with_all_checks(table: &mut Table) {
    let (rate, kib) = run(&through_the_sample_skill("50ms"));
    table.row(
        "events through the sample skill, mock and all checks, 64 at a time",
        &format!("{} MiB", kib / 1024),
        &format!("{rate:.0}/s"),
        &format!("{WITH_ALL_CHECKS} MiB"),
        kib / 1024 <= WITH_ALL_CHECKS,
    );
}

/// Which of the two uses more CPU time for an event, when neither waits: skillctl with its mock and
/// all checks, or the sample skill.
fn processor_time(table: &mut Table) {
    let (mut own, mut skills, mut skill) = (0, 0, None);
    let (total, seconds) = watched(&through_the_sample_skill("0s"), |process| {
        skill = skill.or_else(|| child_of(process));
        own = own.max(ticks(process));
        skills = skills.max(skill.map_or(0, ticks));
    });
    let each = |ticks: u64| f64::from(u32::try_from(ticks).expect("few")) * MS_OF_A_TICK / total;
    table.row(
        "processor time of an event, mock and all checks, 64 at a time",
        &format!("{:.2} ms, {:.0}/s", each(own), total / seconds),
        &format!(
            "the sample skill: {:.2} ms; {:.2} times",
            each(skills),
            each(own) / each(skills)
        ),
        "less than the skill's",
        own < skills,
    );
}

/// How long the system's ticks are, in which it counts the time of processes.
const MS_OF_A_TICK: f64 = 10.0;

/// The processor time of a process so far, in ticks.
fn ticks(process: u32) -> u64 {
    let text = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    // The name, which may hold anything, is in brackets; the times are the 12th and 13th behind it.
    let behind = text.rsplit(')').next().unwrap_or_default();
    let times = behind.split_whitespace().skip(11).take(2);
    times.filter_map(|time| time.parse::<u64>().ok()).sum()
}

/// A process that was started by any thread of another.
fn child_of(process: u32) -> Option<u32> {
    let threads = fs::read_dir(format!("/proc/{process}/task")).ok()?;
    threads.flatten().find_map(|thread| {
        let children = fs::read_to_string(thread.path().join("children")).ok()?;
        children.split_whitespace().next()?.parse().ok()
    })
}

/// A million events, one a line.
fn million(skill: SocketAddr, table: &mut Table) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("million.jsonl");
    let event: serde_json::Value =
        serde_json::from_slice(&fs::read(EVENT).expect("the fixture")).expect("JSON");
    let line = event.to_string();
    let mut file = BufWriter::new(File::create(&path).expect("a file"));
    for _ in 0..1_000_000 {
        writeln!(file, "{line}").expect("it writes");
    }
    file.flush().expect("it writes");
    drop(file);
    let skill = format!("http://{skill}/");
    let path = path.display().to_string();
    let (rate, kib) = run(&[
        "replay",
        "--no-mock",
        "--skill",
        &skill,
        &path,
        "--concurrency",
        "64",
    ]);
    table.row(
        "a million events from a file, 64 at a time",
        &format!("{} MiB", kib / 1024),
        &format!("{rate:.0}/s"),
        &format!("{OF_A_MILLION} MiB"),
        kib / 1024 <= OF_A_MILLION,
    );
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}
