//! `replay --watch`: the time from a save of a Node skill to the verdict, compared with the start of the
//! skill alone; and what a thousand saves leave behind.
//!
//! `cargo bench --bench watch` makes 20 saves; `-- thousand` makes 1,000, and checks memory,
//! descriptors and processes.

mod table;

use std::{
    error::Error,
    fs,
    io::{BufRead, BufReader},
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, ExitCode, Stdio},
    sync::mpsc::{self, Receiver},
    thread,
    time::{Duration, Instant},
};

use table::Table;

type Res<T> = Result<T, Box<dyn Error>>;

/// Replies 200 to everything; `VERSION` changes with each save.
const SKILL: &str = "const VERSION = 0;
require('http').createServer((request, response) => {
  request.resume().on('end', () => response.end(String(VERSION)));
}).listen(process.env.PORT, '127.0.0.1');
";
const GOAL: Duration = Duration::from_millis(200);
const MAX_GROWTH_MIB: u64 = 8;

fn main() -> Res<ExitCode> {
    let is_thousand = std::env::args().any(|word| word == "thousand");
    // `cargo test --benches` runs this too.
    let is_measured = std::env::args().any(|word| word == "--bench");
    let saves = match (is_measured, is_thousand) {
        (false, _) => 1,
        (true, false) => 20,
        (true, true) => 1000,
    };
    let folder = tempfile::tempdir()?;
    fs::create_dir_all(folder.path().join("cases/a"))?;
    let event = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/events/minimal/event.json");
    fs::copy(event, folder.path().join("cases/a/event.json"))?;
    let skill = folder.path().join("skill.js");
    fs::write(&skill, SKILL)?;
    let start = median((0..5).map(|_| start_of(&skill)).collect::<Res<Vec<_>>>()?);
    let mut watch = Watching::start(folder.path())?;
    watch.verdict()?;
    let before = watch.usage()?;
    let mut times = Vec::new();
    for version in 1..=saves {
        let text = SKILL.replace("VERSION = 0", &format!("VERSION = {version}"));
        let edited = Instant::now();
        fs::write(&skill, text)?;
        watch.verdict()?;
        times.push(edited.elapsed());
    }
    let after = watch.usage()?;
    let mut table = Table::start();
    let time = median(times);
    table.row(
        "an edit of a Node skill, to the verdict",
        &format!("{} ms", time.as_millis()),
        &format!(
            "the skill's own start: {} ms; {} ms more",
            start.as_millis(),
            time.saturating_sub(start).as_millis()
        ),
        "its own start and 200 ms",
        time <= start + GOAL,
    );
    if is_thousand {
        table.row(
            "memory after 1,000 saves",
            &format!("{} MiB", after.mib),
            &format!("after the first run: {} MiB", before.mib),
            "8 MiB more",
            after.mib <= before.mib + MAX_GROWTH_MIB,
        );
        table.row(
            "descriptors and processes after 1,000 saves",
            &format!("{} and {}", after.descriptors, after.children),
            &format!(
                "after the first run: {} and {}",
                before.descriptors, before.children
            ),
            "the same",
            after.descriptors <= before.descriptors + 2 && after.children == before.children,
        );
    }
    watch.end()?;
    Ok(table.end(is_measured))
}

/// The time from the start of a skill until it accepts connections.
fn start_of(skill: &Path) -> Res<Duration> {
    let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let start = Instant::now();
    let mut node = Command::new("node")
        .arg(skill)
        .env("PORT", port.to_string())
        .spawn()?;
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        if start.elapsed() > Duration::from_secs(20) {
            return Err("the skill does not listen".into());
        }
        thread::sleep(Duration::from_millis(1));
    }
    let time = start.elapsed();
    node.kill()?;
    node.wait()?;
    Ok(time)
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

struct Watching {
    child: Child,
    lines: Receiver<String>,
}

/// What a process uses.
struct Usage {
    mib: u64,
    descriptors: usize,
    children: usize,
}

impl Watching {
    fn start(folder: &Path) -> Res<Self> {
        let mut child = Command::new(env!("CARGO_BIN_EXE_skillctl"))
            .current_dir(folder)
            .args([
                "replay",
                "cases",
                "--watch",
                "--no-mock",
                "--",
                "node",
                "skill.js",
            ])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let out = BufReader::new(child.stdout.take().ok_or("no pipe")?);
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || {
            for line in out.lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Ok(Self { child, lines })
    }

    /// Waits for the summary of a run.
    fn verdict(&mut self) -> Res<()> {
        loop {
            let line = self.lines.recv_timeout(Duration::from_secs(30))?;
            if line.contains("FAIL") {
                return Err(line.into());
            }
            if line.contains("1 event: 1 passed") {
                return Ok(());
            }
        }
    }

    #[cfg(target_os = "linux")]
    fn usage(&self) -> Res<Usage> {
        let of = |name: &str| format!("/proc/{}/{name}", self.child.id());
        let status = fs::read_to_string(of("status"))?;
        let rss = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib: u64 = rss
            .and_then(|text| text.trim().trim_end_matches(" kB").parse().ok())
            .ok_or("no VmRSS")?;
        let task = of(&format!("task/{}/children", self.child.id()));
        let mut children = fs::read_to_string(task)?.split_whitespace().count();
        for thread in fs::read_dir(of("task"))?.flatten() {
            if thread.file_name() != *self.child.id().to_string() {
                let path = thread.path().join("children");
                let text = fs::read_to_string(path).unwrap_or_default();
                children += text.split_whitespace().count();
            }
        }
        Ok(Usage {
            mib: kib / 1024,
            descriptors: fs::read_dir(of("fd"))?.count(),
            children,
        })
    }

    #[cfg(not(target_os = "linux"))]
    fn usage(&self) -> Res<Usage> {
        Err("memory is read from /proc".into())
    }

    fn end(mut self) -> Res<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }
}
