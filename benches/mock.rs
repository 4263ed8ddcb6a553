//! The throughput of the mock Box compared with a bare hyper server that returns the same bytes, and
//! the memory it holds: `cargo bench --bench mock`.
//!
//! 64 keep-alive connections ask for an instance (GET) and write one (PUT of an invocation,
//! recorded to a file), in turn to the mock in clear, to the bare server, and to the mock over
//! TLS; the medians of the rounds' own ratios count, for other work on the machine strikes
//! neighbours alike. Then a million writes (or as many as `MOCK_BENCH_WRITES` says), and the most
//! memory that the mock held (`VmHWM`, where there is a /proc). Then how soon after its start an
//! embedded mock answers. A goal that is missed fails the run.

#![allow(
    clippy::print_stdout,
    reason = "a benchmark's result is what it prints"
)]

mod load;
mod processes;
mod table;

use std::{
    env, fs,
    net::SocketAddr,
    path::Path,
    process::ExitCode,
    time::{Duration, Instant},
};

use bytes::Bytes;
use load::{Client, Target, connect, median, rate, runtime, serves_bare, start_bare};
use processes::{MockProcess, Process, start_mock};
use serde_json::{Value, json};
use skillctl::{MockBox, MockOptions};
use table::Table;
use tokio::{net::TcpStream, task::JoinSet};

const CONNECTIONS: usize = 64;
const ROUNDS: usize = 7;
const ROUND: Duration = Duration::from_millis(700);
/// Goals: shares of the bare server's throughput, and of the throughput without TLS.
const GET_GOAL: f64 = 0.7;
const PUT_GOAL: f64 = 0.45;
const TLS_GOAL: f64 = 0.6;
/// The most memory that the mock may hold, in KiB.
const MAX_MEMORY: u64 = 64 << 10;
/// The longest time until an embedded mock answers.
const MAX_START: Duration = Duration::from_millis(20);

fn main() -> ExitCode {
    if serves_bare() {
        return ExitCode::SUCCESS;
    }
    // `cargo test --benches` only wants to know that it runs.
    let is_measured = env::args().any(|argument| argument == "--bench");
    let mut verdict = Verdict {
        is_measured,
        table: Table::start(),
    };
    ready(&mut verdict);
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
    let mock = Mock::start(folder.path());
    throughput(&mock, &mut verdict);
    drop(mock);
    memory(folder.path(), &mut verdict);
    verdict.table.end(is_measured)
}

/// The results, compared with the goals.
struct Verdict {
    is_measured: bool,
    table: Table,
}

impl Verdict {
    fn rounds(&self) -> usize {
        if self.is_measured { ROUNDS } else { 1 }
    }
}

/// A mock as a process of its own, recording, with an event for each connection.
struct Mock {
    process: Process,
    address: SocketAddr,
    certificate: String,
    events: Vec<(String, String)>,
}

impl Mock {
    fn start(folder: &Path) -> Self {
        let MockProcess {
            process,
            address,
            certificate,
        } = start_mock(folder, |command| {
            command.arg("--record").arg(folder.join("writes.jsonl"));
        });
        let events = runtime().block_on(register(address));
        Self {
            process,
            address,
            certificate,
            events,
        }
    }

    fn gets(&self) -> Vec<Bytes> {
        let request = |(id, token): &(String, String)| {
            let path = format!("/2.0/files/{id}/metadata/global/boxSkillsCards");
            message("GET", &path, token, "")
        };
        self.events.iter().map(request).collect()
    }

    fn puts(&self) -> Vec<Bytes> {
        let request = |(id, token): &(String, String)| {
            message("PUT", "/2.0/skill_invocations/137", token, &invocation(id))
        };
        self.events.iter().map(request).collect()
    }
}

fn message(method: &str, path: &str, token: &str, body: &str) -> Bytes {
    let length = body.len();
    format!(
        "{method} {path} HTTP/1.1\r\nhost: api.box.com\r\nauthorization: Bearer {token}\r\n\
         content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    )
    .into()
}

fn invocation(file_id: &str) -> String {
    let entries: Vec<Value> = (0..12)
        .map(|nth| {
            json!({"type": "text", "text": format!("keyword {nth}"),
            "appears": [{"start": nth, "end": nth + 1}]})
        })
        .collect();
    json!({
        "status": "success",
        "file": {"type": "file", "id": file_id},
        "metadata": {"cards": [{
            "type": "skill_card", "skill_card_type": "keyword",
            "created_at": "2018-10-29T11:29:09-07:00",
            "skill": {"type": "service", "id": "137"},
            "invocation": {"type": "skill_invocation", "id": "1"},
            "skill_card_title": {"code": "skills_topics", "message": "Topics"},
            "duration": 60, "entries": entries
        }]},
        "usage": {"unit": "files", "value": 1}
    })
    .to_string()
}

/// Registers an event for each connection; returns the file and the write token of each.
async fn register(address: SocketAddr) -> Vec<(String, String)> {
    let event = |nth: usize| {
        json!({
            "id": "e", "skill": {"id": "137"},
            "source": {"id": (1000 + nth).to_string(), "name": "a.txt", "size": 1},
            "token": {"read": {"access_token": ""}, "write": {"access_token": ""}}
        })
    };
    let body = json!((0..CONNECTIONS).map(event).collect::<Vec<_>>()).to_string();
    let request = format!(
        "POST /_mock/events HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut client = Client::new(TcpStream::connect(address).await.expect("it accepts"));
    let answer = client.ask(request.as_bytes()).await;
    let events: Vec<Value> = serde_json::from_slice(answer).expect("events");
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    events
        .iter()
        .map(|event| {
            let token = &event["token"]["write"]["access_token"];
            (text(&event["source"]["id"]), text(token))
        })
        .collect()
}

fn throughput(mock: &Mock, verdict: &mut Verdict) {
    let runtime = runtime();
    let (gets, puts) = (mock.gets(), mock.puts());
    let instance = runtime.block_on(async {
        let mut client = Client::new(connect(mock.address).await);
        for put in &puts {
            client.ask(put).await;
        }
        String::from_utf8(client.ask(&gets[0]).await.to_vec()).expect("text")
    });
    let (_bare, bare) = start_bare(&instance);
    let bare = Target::Clear(bare);
    let (clear, tls) = (
        Target::Clear(mock.address),
        Target::tls(mock.address, &mock.certificate),
    );
    for (name, requests, wanted) in [("GET", &gets, GET_GOAL), ("PUT", &puts, PUT_GOAL)] {
        let mut rates = [const { Vec::new() }; 3];
        for _ in 0..verdict.rounds() {
            for (way, rates) in [&bare, &clear, &tls].into_iter().zip(&mut rates) {
                rates.push(runtime.block_on(rate(way, requests, ROUND)));
            }
        }
        let [bare, clear, tls] = rates;
        for (what, above, baseline, below, wanted) in [
            ("", &clear, "a bare server", &bare, wanted),
            (" over TLS", &tls, "in clear", &clear, TLS_GOAL),
        ] {
            let shares: Vec<f64> = above.iter().zip(below).map(|(a, b)| a / b).collect();
            let share = median(&shares);
            verdict.table.row(
                &format!("{name}, 64 connections{what}"),
                &format!("{:.0}/s", median(above)),
                &format!("{baseline}: {:.0}/s; {share:.2} of it", median(below)),
                &format!("{wanted}"),
                share >= wanted,
            );
        }
    }
}

fn memory(folder: &Path, verdict: &mut Verdict) {
    let writes = match env::var("MOCK_BENCH_WRITES") {
        Ok(text) => text.parse().expect("MOCK_BENCH_WRITES is a number"),
        Err(_) if verdict.is_measured => 1_000_000,
        Err(_) => 1000,
    };
    let mock = Mock::start(&{
        let own = folder.join("memory");
        fs::create_dir(&own).expect("a folder");
        own
    });
    let puts = mock.puts();
    let begun = Instant::now();
    runtime().block_on(async {
        let mut clients = JoinSet::new();
        for put in puts {
            let address = mock.address;
            clients.spawn(async move {
                let mut client = Client::new(connect(address).await);
                for _ in 0..writes / CONNECTIONS {
                    client.ask(&put).await;
                }
            });
        }
        while clients.join_next().await.is_some() {}
    });
    let seconds = begun.elapsed().as_secs_f64();
    match mock.process.memory("VmHWM") {
        None => println!("{writes} writes in {seconds:.0} s; no /proc to read the memory from"),
        Some(kibibytes) => {
            verdict.table.row(
                &format!("memory over {writes} recorded writes"),
                &format!("{} MiB", kibibytes >> 10),
                &format!("they took {seconds:.0} s"),
                &format!("{} MiB", MAX_MEMORY >> 10),
                kibibytes <= MAX_MEMORY,
            );
        }
    }
}

/// From nothing to the first answer of an embedded mock.
fn ready(verdict: &mut Verdict) {
    let runtime = runtime();
    let times: Vec<f64> = (0..verdict.rounds())
        .map(|_| {
            let begun = Instant::now();
            runtime.block_on(first_answer());
            begun.elapsed().as_secs_f64()
        })
        .collect();
    let found = median(&times) * 1000.0;
    let wanted = MAX_START.as_secs_f64() * 1000.0;
    verdict.table.row(
        "an embedded mock, from nothing to its first answer",
        &format!("{found:.1} ms"),
        "",
        &format!("{wanted:.0} ms"),
        found <= wanted,
    );
}

async fn first_answer() {
    let mock = MockBox::start(MockOptions::default())
        .await
        .expect("a mock");
    let mut client = Client::new(connect(mock.address()).await);
    let asked = b"GET /_mock/health HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n";
    client.ask(asked).await;
}
