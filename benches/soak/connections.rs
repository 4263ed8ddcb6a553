//! Very many keep-alive connections at once, compared with a bare server.

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{sync::Barrier, task::JoinSet, time::timeout};

use super::{
    Scale, Table,
    load::{median, runtime, start_bare},
    process::{Mock, mib},
    wire::{Client, get_cards, put_cards, put_file},
};

const CONNECTIONS: usize = 2000;
const FILE: usize = 8001;

pub(super) fn run(scale: &Scale, table: &mut Table) {
    let connections = scale.of(CONNECTIONS, 50);
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
    let mock = Mock::start(folder.path());
    // About as many bytes as the mock answers.
    let (_bare, bare_address) = start_bare(&"x".repeat(500));
    let runtime = runtime();
    runtime.block_on(async {
        put_file(mock.address, FILE, 1).await;
        let mut client = Client::connect(mock.address).await;
        assert_eq!(client.ask(&put_cards(FILE)).await, Some(200));
    });
    let before = mock.at_rest();
    let (served, ms) = runtime.block_on(rounds(bare_address, connections, scale, || {}));
    let bare_served = (served, median(&ms));
    let mut during = before;
    let look = || during = mock.look();
    let (served, ms) = runtime.block_on(rounds(mock.address, connections, scale, look));
    table.row(
        &format!("{connections} keep-alive connections at once, 5 requests on each: fewest served"),
        &format!("{served}"),
        &format!("bare server: {}", bare_served.0),
        "all",
        served == connections,
    );
    table.row_without_goal(
        &format!("from the first request to the last answer on {connections} connections"),
        &format!("{:.0} ms", median(&ms)),
        &format!("bare server: {:.0} ms", bare_served.1),
    );
    let after = mock.rest(before.descriptors);
    table.row_without_goal(
        "memory of the mock with them",
        &mib(during.memory),
        &format!(
            "before: {}, after: {}",
            mib(before.memory),
            mib(after.memory)
        ),
    );
    table.row(
        "descriptors of the mock when all connections are closed",
        &after.descriptors.to_string(),
        &format!(
            "before: {}, with them: {}",
            before.descriptors, during.descriptors
        ),
        "as before",
        after.descriptors <= before.descriptors && during.descriptors > connections,
    );
}

/// All connections ask at the same moment, five times; returns how many were served when fewest
/// were, and the milliseconds of each round. `look` is called while all are open.
async fn rounds(
    address: SocketAddr,
    connections: usize,
    scale: &Scale,
    look: impl FnOnce(),
) -> (usize, Vec<f64>) {
    /// A client that has no answer by then was not served.
    const TIMEOUT: Duration = Duration::from_secs(30);
    let count = scale.of(5, 1);
    let request = get_cards(FILE);
    let barrier = Arc::new(Barrier::new(connections + 1));
    let mut clients = JoinSet::new();
    for _ in 0..connections {
        let (barrier, request) = (Arc::clone(&barrier), request.clone());
        clients.spawn(async move {
            let mut client = Client::connect(address).await;
            let mut served = Vec::new();
            for _ in 0..count {
                barrier.wait().await;
                let status = timeout(TIMEOUT, client.ask(&request)).await;
                served.push(matches!(status, Ok(Some(200))));
                barrier.wait().await;
            }
            barrier.wait().await;
            served
        });
    }
    let mut ms = Vec::new();
    for _ in 0..count {
        barrier.wait().await;
        let begun = Instant::now();
        barrier.wait().await;
        ms.push(begun.elapsed().as_secs_f64() * 1000.0);
    }
    look();
    barrier.wait().await;
    let all = clients.join_all().await;
    let fewest = (0..count).map(|round| all.iter().filter(|served| served[round]).count());
    (fewest.min().unwrap_or(0), ms)
}
