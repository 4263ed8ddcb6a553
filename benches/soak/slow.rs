//! The slow clients, in a process of their own so that they do not slow down the fast ones: half
//! of them send a request a few bytes at a time, the others read a download a few KiB at a time.

use std::{net::SocketAddr, process::ExitCode, time::Duration};

use bytes::Bytes;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
    task::JoinSet,
    time::sleep,
};

use super::{
    SLOW, myself,
    processes::Process,
    wire::{Client, message, put_cards},
};

/// The file that they write to and read, large enough for no download to end.
pub(super) const FILE: usize = 8002;
pub(super) const FILE_BYTES: usize = 32 << 20;
/// A head then takes about eight seconds; the mock allows ten.
const BREATH: Duration = Duration::from_millis(150);
const MORSEL: usize = 4;
const GULP: usize = 4 * 1024;

/// Starts this many of them; all are connected when this returns.
pub(super) fn start(address: SocketAddr, clients: usize) -> Process {
    let mut command = myself(SLOW);
    command.arg(address.to_string()).arg(clients.to_string());
    let mut process = Process(command.spawn().expect("it starts"));
    assert_eq!(process.first_line(), "all connected");
    process
}

/// This program as the slow clients: `ADDRESS CLIENTS`. They continue until they are killed.
pub(super) async fn clients(arguments: &[String]) -> ExitCode {
    let address: SocketAddr = arguments[0].parse().expect("an address");
    let count: u32 = arguments[1].parse().expect("a number");
    let (connected, mut all) = tokio::sync::mpsc::channel(1);
    let mut clients = JoinSet::new();
    for nth in 0..count {
        let connected = connected.clone();
        clients.spawn(async move {
            // Not all in the same moment.
            let mut connected = Some(connected);
            sleep(BREATH * nth / count).await;
            loop {
                if nth % 2 == 0 {
                    dribble(address, connected.take()).await;
                } else {
                    sip(address, connected.take()).await;
                }
            }
        });
    }
    drop(connected);
    // Each of them drops its sender once it is connected.
    while all.recv().await.is_some() {}
    println!("all connected");
    clients.join_all().await;
    ExitCode::SUCCESS
}

type Connected = Option<tokio::sync::mpsc::Sender<()>>;

/// One write, a few bytes at a time.
async fn dribble(address: SocketAddr, connected: Connected) {
    let mut stream = connect(address).await;
    drop(connected);
    let request = put_cards(FILE);
    for morsel in request.chunks(MORSEL) {
        if stream.write_all(morsel).await.is_err() {
            return;
        }
        sleep(BREATH).await;
    }
    let mut answer = vec![0; GULP];
    // Whatever it says, it starts again.
    let _ = stream.read(&mut answer).await;
}

/// One download, a few KiB at a time, with as small a window as there may be.
async fn sip(address: SocketAddr, connected: Connected) {
    let mut client = Client::connect(address).await;
    let content = message("GET", &format!("/2.0/files/{FILE}/content"), "");
    assert_eq!(client.ask(&content).await, Some(302), "{}", client.answer());
    let mut answer = client.answer().lines();
    let location = answer.find_map(|line| line.strip_prefix("location: "));
    let location = location.expect("a location");
    let path = &location[location.find("/d/").expect("a path")..];
    let request: Bytes = message("GET", path, "");
    let mut stream = connect(address).await;
    drop(connected);
    if stream.write_all(&request).await.is_err() {
        return;
    }
    let mut gulp = vec![0; GULP];
    while stream.read(&mut gulp).await.is_ok_and(|read| read > 0) {
        sleep(BREATH).await;
    }
}

async fn connect(address: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().expect("a socket");
    let small = u32::try_from(GULP).expect("it is small");
    socket.set_recv_buffer_size(small).expect("a small window");
    socket.set_nodelay(true).expect("no delay");
    socket.connect(address).await.expect("it accepts")
}
