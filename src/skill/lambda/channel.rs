//! The messages between skillctl and a sandbox: a length of four bytes (big-endian) and that many
//! bytes of JSON, over a socket that the sandbox has as file descriptor 3.

use std::{
    io,
    os::{fd::OwnedFd, unix::net},
    process::Stdio,
};

use serde::Deserialize;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::UnixStream,
};

/// Bytes of the largest answer. Lambda's own limit is 6 MB.
const MAX_ANSWER: u32 = 8 * 1024 * 1024;

/// An invocation, as the sandbox gets it.
#[derive(Clone, Debug)]
pub(super) struct Invocation {
    /// The id of the request.
    pub(super) id: String,
    /// Unix time in milliseconds at which it times out.
    pub(super) deadline_ms: i64,
    /// The API Gateway proxy event.
    pub(super) event: Value,
}

/// A message of the sandbox.
#[derive(Debug, Deserialize)]
pub(super) struct Answer {
    /// The function is loaded.
    #[serde(default)]
    pub(super) ready: bool,
    /// What the function returned.
    #[serde(default)]
    pub(super) result: Value,
    /// Why it failed.
    #[serde(default)]
    pub(super) error: Option<String>,
    /// Whether the sandbox exits after this answer.
    #[serde(default)]
    pub(super) exits: bool,
    /// Timers, sockets and threads that were open when it answered, by the runtime's names.
    #[serde(default)]
    pub(super) open: Vec<String>,
}

/// skillctl's end of the socket.
#[derive(Debug)]
pub(super) struct Channel(UnixStream);

impl Channel {
    /// A channel, and the other end as the standard input of a process.
    pub(super) fn open() -> io::Result<(Self, Stdio)> {
        let (ours, theirs) = net::UnixStream::pair()?;
        ours.set_nonblocking(true)?;
        let theirs = Stdio::from(OwnedFd::from(theirs));
        Ok((Self(UnixStream::from_std(ours)?), theirs))
    }

    pub(super) async fn send(&mut self, invocation: &Invocation) -> io::Result<()> {
        let body = json!({
            "id": invocation.id,
            "deadline_ms": invocation.deadline_ms,
            "event": invocation.event
        })
        .to_string();
        let length = u32::try_from(body.len()).map_err(io::Error::other)?;
        self.0.write_all(&length.to_be_bytes()).await?;
        self.0.write_all(body.as_bytes()).await
    }

    /// The next message.
    ///
    /// # Errors
    /// Where the sandbox has exited, or what it sent is not a message.
    pub(super) async fn receive(&mut self) -> io::Result<Answer> {
        let length = self.0.read_u32().await?;
        if length > MAX_ANSWER {
            return Err(io::Error::other(format!(
                "the result is larger than Lambda allows: {length} bytes"
            )));
        }
        let mut body = vec![0; length as usize];
        self.0.read_exact(&mut body).await?;
        serde_json::from_slice(&body).map_err(|error| {
            io::Error::other(format!("the result cannot be read as JSON: {error}"))
        })
    }
}
