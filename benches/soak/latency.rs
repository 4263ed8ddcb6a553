//! How long fast clients wait, alternately alone and together with slow ones.

use std::{net::SocketAddr, time::Duration};

use hdrhistogram::Histogram;
use tokio::{
    task::JoinSet,
    time::{Instant, sleep_until},
};

use super::{
    Scale, Table, median,
    process::Mock,
    runtime, slow,
    wire::{Client, get_cards, put_cards, put_file},
};

const FAST: usize = 64;
const SLOW: usize = 500;
/// The interval of each fast client: 3,200 requests a second in all, well below the capacity.
const EVERY: Duration = Duration::from_millis(20);
const TURNS: usize = 7;
const TURN: Duration = Duration::from_secs(5);
/// The goal: the p99 with slow clients, divided by the p99 without.
const WANTED: f64 = 2.0;

pub(super) fn run(scale: &Scale, table: &mut Table) {
    let (slow, turn) = scale.of((SLOW, TURN), (20, Duration::from_millis(300)));
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
    let mock = Mock::start(folder.path());
    let runtime = runtime();
    runtime.block_on(async {
        put_file(mock.address, slow::FILE, slow::FILE_BYTES).await;
        for nth in 0..FAST {
            put_file(mock.address, file_of(nth), 1).await;
        }
    });
    let before = mock.at_rest();
    // The first round after a start is not typical.
    runtime.block_on(fast(mock.address, turn));
    let (mut alone, mut together) = (Vec::new(), Vec::new());
    for _ in 0..scale.of(TURNS, 1) {
        alone.push(runtime.block_on(fast(mock.address, turn)));
        let slow_ones = slow::start(mock.address, slow);
        together.push(runtime.block_on(fast(mock.address, turn)));
        drop(slow_ones);
        mock.rest(before.descriptors);
    }
    let ms = |waits: &[Histogram<u64>], quantile: f64| -> Vec<f64> {
        let of_turn = waits.iter().map(|waits| waits.value_at_quantile(quantile));
        #[allow(clippy::cast_precision_loss, reason = "they are short")]
        of_turn.map(|micros| micros as f64 / 1000.0).collect()
    };
    let ratios = |quantile| -> Vec<f64> {
        let pairs = ms(&together, quantile)
            .into_iter()
            .zip(ms(&alone, quantile));
        pairs.map(|(together, alone)| together / alone).collect()
    };
    for (name, quantile) in [("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999)] {
        let ratio = median(&ratios(quantile));
        let figure = format!("{name} of {FAST} fast clients with {slow} slow ones");
        let measured = format!(
            "{:.2} ms, {ratio:.2} times",
            median(&ms(&together, quantile))
        );
        let without = format!("without them: {:.2} ms", median(&ms(&alone, quantile)));
        if name == "p99" {
            let wanted = format!("at most {WANTED} times");
            table.row(&figure, &measured, &without, &wanted, ratio <= WANTED);
        } else {
            table.row_without_goal(&figure, &measured, &without);
        }
    }
}

fn file_of(nth: usize) -> usize {
    8100 + nth
}

/// How long the answers took, in microseconds, from the time at which each request was due: a client
/// that has to wait sends its next request late, and the delay counts.
async fn fast(address: SocketAddr, turn: Duration) -> Histogram<u64> {
    let begin = Instant::now() + Duration::from_millis(200);
    let mut clients = JoinSet::new();
    for nth in 0..FAST {
        clients.spawn(async move {
            let mut waits = Histogram::new(3).expect("three digits");
            let requests = [put_cards(file_of(nth)), get_cards(file_of(nth))];
            let mut client = Client::connect(address).await;
            // Warm, so that no first touch is counted.
            assert_eq!(client.ask(&requests[0]).await, Some(200));
            let share =
                EVERY * u32::try_from(nth).expect("few") / u32::try_from(FAST).expect("few");
            let mut due = begin + share;
            // The end has a time-out, in case the answers take too long.
            while due < begin + turn && begin.elapsed() < turn * 2 {
                for request in &requests {
                    sleep_until(due).await;
                    // A timer of this runtime wakes up to a millisecond late; a client that is later
                    // than that was delayed by an answer.
                    let late = Duration::from_millis(2);
                    let since = if due.elapsed() > late {
                        due
                    } else {
                        Instant::now()
                    };
                    assert_eq!(client.ask(request).await, Some(200), "{}", client.answer());
                    let micros = u64::try_from(since.elapsed().as_micros()).expect("short");
                    waits.record(micros).expect("it fits");
                    due += EVERY;
                }
            }
            waits
        });
    }
    let mut all = Histogram::new(3).expect("three digits");
    while let Some(waits) = clients.join_next().await {
        all.add(waits.expect("no client fails")).expect("it fits");
    }
    all
}
