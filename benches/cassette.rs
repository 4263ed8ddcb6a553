//! The throughput of provider calls that are answered from a cassette, compared with a bare hyper server
//! that returns the same bytes, and the memory that they leave behind: `cargo bench --bench cassette`.
//!
//! 64 keep-alive connections send calls in absolute form, as clients send them to a proxy, in turn to the mock
//! and to the bare server; the median of the rounds' own ratios counts. Then a hundred thousand calls, and
//! how much the memory of the mock grew over them (where there is a /proc). At last, a cassette of 50 MB is
//! opened, from its file until it can answer: each call is put into its normal form. A goal that is missed fails
//! the run.

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
use processes::{MockProcess, Process};
use serde_json::{Value, json};
use skillctl::domain::{
    cassette::{
        deck::{Decision, Deck, Mode},
        exchange::{Cassette, Entry, Exchange, ProviderAnswer, ProviderRequest},
        har,
    },
    secret_values::SecretValues,
};
use table::Table;
use tokio::task::JoinSet;

const CONNECTIONS: usize = 64;
/// Calls that the cassette holds.
const ENTRIES: usize = 200;
const ROUNDS: usize = 7;
const ROUND: Duration = Duration::from_millis(700);
/// The goal: the share of the bare server's throughput.
const GOAL: f64 = 0.5;
/// Bytes of the large cassette, and of one of its bodies.
const LARGE: usize = 50_000_000;
const BODY: usize = 100_000;
/// The longest time in which it may open.
const OPENING: Duration = Duration::from_millis(300);
/// How much memory may grow over the calls, in KiB.
const MAX_GROWTH: u64 = 4 << 10;

fn main() -> ExitCode {
    if serves_bare() {
        return ExitCode::SUCCESS;
    }
    // `cargo test --benches` only wants to know that it runs.
    let is_measured = env::args().any(|argument| argument == "--bench");
    let mut table = Table::start();
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
    let MockProcess {
        process: mock,
        address,
        ..
    } = start_mock(folder.path());
    throughput(address, is_measured, &mut table);
    memory(&mock, address, is_measured, &mut table);
    opening(folder.path(), is_measured, &mut table);
    table.end(is_measured)
}

/// What a service answers: about 1 kB.
fn answer(number: usize) -> String {
    let labels: Vec<Value> = (0..20)
        .map(|nth| json!({"description": format!("label {nth}"), "score": 0.9}))
        .collect();
    json!({ "number": number, "labels": labels }).to_string()
}

fn question(number: usize) -> String {
    json!({ "image": format!("picture {number}"), "features": ["labels", "text"] }).to_string()
}

fn cassette() -> Value {
    let entry = |number: usize| {
        json!({
            "request": {
                "method": "POST",
                "url": "http://ml.example/v1/annotate?language=en",
                "headers": [{"name": "content-type", "value": "application/json"}],
                "postData": {"mimeType": "application/json", "text": question(number)}
            },
            "response": {
                "status": 200,
                "headers": [{"name": "content-type", "value": "application/json"}],
                "content": {"mimeType": "application/json", "text": answer(number)}
            }
        })
    };
    let entries: Vec<Value> = (0..ENTRIES).map(entry).collect();
    json!({"log": {"version": "1.2", "_skillctl": {"format": 1}, "entries": entries}})
}

/// A call, as a client sends it to a proxy.
fn call(number: usize) -> Bytes {
    let body = question(number);
    let length = body.len();
    format!(
        "POST http://ml.example/v1/annotate?language=en HTTP/1.1\r\nhost: ml.example\r\n\
         authorization: Bearer a-key\r\ncontent-type: application/json\r\n\
         content-length: {length}\r\n\r\n{body}"
    )
    .into()
}

/// A mock with the cassette.
fn start_mock(folder: &Path) -> MockProcess {
    let file = folder.join("calls.har");
    fs::write(&file, cassette().to_string()).expect("it is written");
    processes::start_mock(folder, |command| {
        command
            .arg("--cassette-file")
            .arg(&file)
            // The cassette is for a program that is started here.
            .args(["--", "sleep", "86400"]);
    })
}

fn throughput(address: SocketAddr, is_measured: bool, table: &mut Table) {
    let runtime = runtime();
    let calls: Vec<Bytes> = (0..CONNECTIONS).map(call).collect();
    let (_bare, bare) = start_bare(&answer(0));
    let bare = Target::Clear(bare);
    let mock = Target::Clear(address);
    let (mut above, mut below) = (Vec::new(), Vec::new());
    for _ in 0..if is_measured { ROUNDS } else { 1 } {
        above.push(runtime.block_on(rate(&mock, &calls, ROUND)));
        below.push(runtime.block_on(rate(&bare, &calls, ROUND)));
    }
    let shares: Vec<f64> = above.iter().zip(&below).map(|(a, b)| a / b).collect();
    let share = median(&shares);
    table.row(
        "calls answered from a cassette, 64 connections",
        &format!("{:.0}/s", median(&above)),
        &format!("a bare server: {:.0}/s; {share:.2} of it", median(&below)),
        &format!("{GOAL}"),
        share >= GOAL,
    );
}

/// Sends many calls, and compares the memory with that after the first tenth of them.
fn memory(mock: &Process, address: SocketAddr, is_measured: bool, table: &mut Table) {
    let calls = if is_measured { 100_000 } else { 1000 };
    let runtime = runtime();
    let send = |calls: usize| {
        runtime.block_on(async {
            let mut clients = JoinSet::new();
            for connection in 0..CONNECTIONS {
                clients.spawn(async move {
                    let mut client = Client::new(connect(address).await);
                    for nth in 0..calls / CONNECTIONS {
                        client.ask(&call((connection + nth) % ENTRIES)).await;
                    }
                });
            }
            while clients.join_next().await.is_some() {}
        });
        mock.memory("VmRSS")
    };
    let (Some(before), Some(after)) = (send(calls / 10), send(calls)) else {
        println!("no /proc to read the memory from");
        return;
    };
    let growth = after.saturating_sub(before);
    table.row(
        &format!("memory over {calls} calls answered from a cassette"),
        &format!("{} MiB, {growth} KiB more", after >> 10),
        &format!("{} MiB after a tenth of them", before >> 10),
        &format!("{MAX_GROWTH} KiB more"),
        growth <= MAX_GROWTH,
    );
}

/// Opens a large cassette several times.
fn opening(folder: &Path, is_measured: bool, table: &mut Table) {
    let bytes = if is_measured { LARGE } else { 10 * BODY };
    let rounds = if is_measured { ROUNDS } else { 1 };
    let cassette = large(bytes / BODY / 2);
    let last = cassette.calls().last().expect("a call");
    let path = folder.join("large.har");
    fs::write(&path, har::write(&cassette, "0")).expect("it is written");
    let length = fs::metadata(&path).expect("a file").len();
    let open = |_| {
        let start = Instant::now();
        let opened = har::read("large.har", fs::read(&path).expect("a file"));
        let opened = [opened.expect("a cassette")];
        let secrets = SecretValues::default();
        let deck = Deck::new(Mode::Replay, false, &opened, Vec::new(), secrets);
        let ms = start.elapsed().as_secs_f64() * 1000.0;
        let (decision, _) = deck.decide(&last.request);
        assert!(matches!(decision, Decision::Answer(_)), "it is answered");
        ms
    };
    let times: Vec<f64> = (0..rounds).map(open).collect();
    let time = median(&times);
    table.row(
        &format!("a cassette of {} MB opens", length / 1_000_000),
        &format!("{time:.0} ms"),
        "",
        &format!("{} ms", OPENING.as_millis()),
        time <= OPENING.as_secs_f64() * 1000.0,
    );
}

/// A cassette of this many calls, each different: a request with a picture in base64, and a transcript in
/// JSON as its answer.
fn large(calls: usize) -> Cassette {
    let picture = "iVBORw0KGgoAAAANSUhEUgAA/9j+".repeat(BODY / 28);
    let word = r#"{"word":"slow","start":1.25,"end":1.5,"confidence":0.98}"#;
    let words = vec![word; BODY / (word.len() + 1)].join(",");
    let headers = vec![("Content-Type".to_owned(), "application/json".to_owned())];
    let entries = (0..calls).map(|nth| {
        Entry::Call(Exchange {
            request: ProviderRequest {
                method: "POST".to_owned(),
                url: format!("https://ml.example/v1/pictures/{nth}"),
                headers: headers.clone(),
                body: format!("{{\"nth\":{nth},\"image\":\"{picture}\"}}").into(),
            },
            answer: ProviderAnswer {
                status: 200,
                headers: headers.clone(),
                body: format!("{{\"words\":[{words}]}}").into(),
            },
            at: "2026-12-01T10:00:00.000Z".to_owned(),
            ms: 12.5,
        })
    });
    Cassette {
        entries: entries.collect(),
    }
}
