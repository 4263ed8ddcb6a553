//! Writes for a long time, with other connections of every kind; the memory of the mock at the end.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use bytes::Bytes;
use serde_json::Value;
use tokio::{
    task::JoinSet,
    time::{Instant, sleep, sleep_until},
};

use super::{
    Scale, Table,
    process::{Looks, Mock, is_flat, mib},
    runtime, slow,
    wire::{Client, get_cards, message, put_cards, put_file},
};

const WRITERS: usize = 64;
const IDLE: usize = 1500;
const SLOW: usize = 200;
/// Clients that open a connection for each request.
const SHORT: usize = 4;
/// A million in ten minutes.
const WRITES_PER_SECOND: f64 = 1_000_000.0 / 600.0;

pub(super) fn run(scale: &Scale, table: &mut Table) {
    let (idle, slow) = scale.of((IDLE, SLOW), (20, 4));
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
    let mock = Mock::start(folder.path());
    let runtime = runtime();
    runtime.block_on(async {
        put_file(mock.address, slow::FILE, slow::FILE_BYTES).await;
        for nth in 0..WRITERS {
            put_file(mock.address, file_of(nth), 1).await;
            let mut client = Client::connect(mock.address).await;
            assert_eq!(client.ask(&put_cards(file_of(nth))).await, Some(200));
        }
    });
    let before = mock.at_rest();
    let slow_ones = slow::start(mock.address, slow);
    let watched = Arc::new(mock);
    let watching = thread::spawn({
        let (mock, long) = (Arc::clone(&watched), scale.long);
        move || watch(&mock, long)
    });
    let written = runtime.block_on(load(watched.address, idle, scale.long));
    let looks = watching.join().expect("it watches");
    drop(slow_ones);
    let after = watched.rest(before.descriptors);
    let recorded = runtime.block_on(records(watched.address));
    table.row(
        "writes that are recorded, each once",
        // Each file was written once before.
        &format!("{}", recorded - WRITERS),
        &format!("acknowledged: {written}"),
        "all",
        recorded - WRITERS == written,
    );
    let minutes = scale.long.as_secs_f64() / 60.0;
    #[allow(
        clippy::cast_precision_loss,
        reason = "they are far from the largest number"
    )]
    let share = written as f64 / (WRITES_PER_SECOND * scale.long.as_secs_f64());
    table.row(
        &format!("writes acknowledged in {minutes:.1} minutes"),
        &written.to_string(),
        &format!("{:.0} % of the load", share * 100.0),
        "99 % of the load, which is 1,000,000 in 10 minutes",
        share >= 0.99,
    );
    let (early, late) = (looks.early(), looks.late());
    table.row(
        &format!("memory of the mock at the end of {minutes:.1} minutes"),
        &mib(late.memory),
        &format!(
            "before: {}, after the warm-up: {}",
            mib(before.memory),
            mib(early.memory)
        ),
        "flat: 1.1 times, or 2 MiB",
        is_flat(early.memory, late.memory),
    );
    table.row_without_goal(
        "memory of the mock, the median of each tenth of the time",
        &looks.memory(),
        "",
    );
    table.row(
        "memory of the mock when all connections are closed",
        &mib(after.memory),
        &format!("at the end of the load: {}", mib(late.memory)),
        "no more",
        is_flat(late.memory, after.memory),
    );
    table.row(
        "descriptors of the mock at the end",
        &late.descriptors.to_string(),
        &format!("after the warm-up: {}", early.descriptors),
        "flat: 1.02 times",
        late.descriptors * 100 <= early.descriptors * 102,
    );
    table.row(
        "descriptors of the mock when all connections are closed",
        &after.descriptors.to_string(),
        &format!("before any: {}", before.descriptors),
        "as before",
        after.descriptors <= before.descriptors,
    );
}

fn file_of(nth: usize) -> usize {
    8100 + nth
}

fn watch(mock: &Mock, long: Duration) -> Looks {
    let every = Duration::from_secs(1).min(long / 20);
    let begun = std::time::Instant::now();
    let mut looks = Looks::default();
    while begun.elapsed() < long {
        looks.add(mock.look());
        thread::sleep(every);
    }
    looks
}

/// All clients but the slow ones, until `long` has passed; returns how many writes were answered.
async fn load(address: SocketAddr, idle: usize, long: Duration) -> usize {
    let until = Instant::now() + long;
    let written = Arc::new(AtomicUsize::new(0));
    let mut clients = JoinSet::new();
    for nth in 0..WRITERS {
        let written = Arc::clone(&written);
        clients.spawn(async move {
            let count = write(address, &put_cards(file_of(nth)), until).await;
            written.fetch_add(count, Ordering::Relaxed);
        });
    }
    for nth in 0..idle {
        clients.spawn(async move { rarely(address, nth, until).await });
    }
    for nth in 0..SHORT {
        clients.spawn(async move { shortly(address, nth, until).await });
    }
    while let Some(ended) = clients.join_next().await {
        ended.expect("no client fails");
    }
    written.load(Ordering::Relaxed)
}

/// Writes at its share of the rate; one that was held up makes up for it.
async fn write(address: SocketAddr, request: &Bytes, until: Instant) -> usize {
    #[allow(clippy::cast_precision_loss, reason = "they are few")]
    let every = Duration::from_secs_f64(WRITERS as f64 / WRITES_PER_SECOND);
    let mut client = Client::connect(address).await;
    let mut due = Instant::now();
    let mut count = 0;
    while due < until && Instant::now() < until {
        sleep_until(due).await;
        assert_eq!(client.ask(request).await, Some(200), "{}", client.answer());
        count += 1;
        due += every;
    }
    count
}

/// Keeps its connection, and asks every ten seconds.
async fn rarely(address: SocketAddr, nth: usize, until: Instant) {
    const EVERY: Duration = Duration::from_secs(10);
    let request = get_cards(file_of(nth % WRITERS));
    let start = u64::try_from(nth).expect("few") % 1000;
    sleep(Duration::from_millis(start)).await;
    let mut client = Client::connect(address).await;
    loop {
        assert_eq!(client.ask(&request).await, Some(200), "{}", client.answer());
        if Instant::now() + EVERY > until {
            return sleep_until(until).await;
        }
        sleep(EVERY).await;
    }
}

/// Connects for each request: a file that comes and goes, cards, and what is refused.
async fn shortly(address: SocketAddr, nth: usize, until: Instant) {
    const EVERY: Duration = Duration::from_millis(100);
    let file = 8200 + nth;
    let content = "y".repeat(64 * 1024);
    let path = format!("/_mock/files/{file}?name=a.txt");
    let requests = [
        (message("PUT", &path, &content), 201),
        (get_cards(file), 404),
        (get_cards(file_of(nth)), 200),
        (message("GET", "/2.0/none", ""), 404),
        // With its versions, which would be kept.
        (message("DELETE", &path, ""), 200),
    ];
    for (request, expected) in requests.iter().cycle() {
        if Instant::now() > until {
            return;
        }
        let mut client = Client::connect(address).await;
        let status = client.ask(request).await.expect("an answer");
        assert_eq!(status, *expected, "{}", client.answer());
        sleep(EVERY).await;
    }
}

/// How many records there are, those of the slow clients left out.
async fn records(address: SocketAddr) -> usize {
    let slow_file = slow::FILE.to_string();
    let mut client = Client::connect(address).await;
    let mut after = 0;
    let mut count = 0;
    loop {
        let request = message("GET", &format!("/_mock/writes?after={after}"), "");
        assert_eq!(client.ask(&request).await, Some(200));
        let answer = client.answer();
        let body = &answer[answer.find("\r\n\r\n").expect("a head")..];
        let listed: Value = serde_json::from_str(body.trim()).expect("JSON");
        let writes = listed["writes"].as_array().expect("a list");
        if writes.is_empty() {
            return count;
        }
        for write in writes {
            let seq = write["seq"].as_u64().expect("a number");
            assert_eq!(seq, after + 1, "the numbers have no gap");
            after = seq;
            count += usize::from(write["file_id"] != slow_file.as_str());
        }
    }
}
