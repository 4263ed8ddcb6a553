//! How long fast clients wait, in turns alone and beside slow ones.

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
/// Each fast client asks so often: 3,200 requests a second altogether, which leaves room.
const EVERY: Duration = Duration::from_millis(20);
const TURNS: usize = 7;
const TURN: Duration = Duration::from_secs(5);
/// What was asked for: the p99 beside slow clients in terms of the p99 without.
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
    // The first turn after a start is like no other.
    runtime.block_on(fast(mock.address, turn));
    let (mut alone, mut beside) = (Vec::new(), Vec::new());
    for _ in 0..scale.of(TURNS, 1) {
        alone.push(runtime.block_on(fast(mock.address, turn)));
        let slow_ones = slow::start(mock.address, slow);
        beside.push(runtime.block_on(fast(mock.address, turn)));
        drop(slow_ones);
        mock.rest(before.descriptors);
    }
    let ms = |waits: &[Histogram<u64>], quantile: f64| -> Vec<f64> {
        let of_turn = waits.iter().map(|waits| waits.value_at_quantile(quantile));
        #[allow(clippy::cast_precision_loss, reason = "they are short")]
        of_turn.map(|micros| micros as f64 / 1000.0).collect()
    };
    let ratios = |quantile| -> Vec<f64> {
        let pairs = ms(&beside, quantile).into_iter().zip(ms(&alone, quantile));
        pairs.map(|(beside, alone)| beside / alone).collect()
    };
    for (name, quantile) in [("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999)] {
        let ratio = median(&ratios(quantile));
        let figure = format!("{name} of {FAST} fast clients beside {slow} slow ones");
        let measured = format!("{:.2} ms, {ratio:.2} times", median(&ms(&beside, quantile)));
        let without = format!("without them: {:.2} ms", median(&ms(&alone, quantile)));
        if name == "p99" {
            let wanted = format!("at most {WANTED} times");
            table.row(&figure, &measured, &without, &wanted, ratio <= WANTED);
        } else {
            table.told(&figure, &measured, &without);
        }
    }
}

fn file_of(nth: usize) -> usize {
    8100 + nth
}

/// How long the answers took, in microseconds, counted from when each should have been asked
/// for: whoever is kept waiting asks later, and that is part of it.
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
            let share = EVERY * u32::try_from(nth).expect("few") / FAST.try_into().expect("few");
            let mut due = begin + share;
            // Where it is too much to be answered in time, the end is not put off for ever.
            while due < begin + turn && begin.elapsed() < turn * 2 {
                for request in &requests {
                    sleep_until(due).await;
                    // A timer of this runtime wakes up to a millisecond late, which is nobody's
                    // fault; a client that is later than that was held up by an answer.
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
