//! The clients' side of a connection, with as little as possible between them and the socket.

use std::net::SocketAddr;

use bytes::Bytes;
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// One connection that asks and reads.
pub(super) struct Client {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Client {
    pub(super) async fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.expect("it accepts");
        stream.set_nodelay(true).expect("no delay");
        Self {
            stream,
            buffer: Vec::with_capacity(4 * 1024),
        }
    }

    /// Sends a whole request, and reads the whole answer; returns its status. Nothing where the
    /// connection ends before.
    pub(super) async fn ask(&mut self, request: &[u8]) -> Option<u16> {
        self.stream.write_all(request).await.ok()?;
        self.buffer.clear();
        loop {
            if self.stream.read_buf(&mut self.buffer).await.ok()? == 0 {
                return None;
            }
            let head = self
                .buffer
                .windows(4)
                .position(|window| window == b"\r\n\r\n");
            let Some(head) = head else {
                continue;
            };
            if self.buffer.len() >= head + 4 + length(&self.buffer[..head]) {
                let status = std::str::from_utf8(&self.buffer[9..12]).ok()?;
                return status.parse().ok();
            }
        }
    }

    /// The last answer.
    pub(super) fn answer(&self) -> &str {
        std::str::from_utf8(&self.buffer).expect("text")
    }
}

/// The length of a body; none is named for a 204.
fn length(head: &[u8]) -> usize {
    const NAME: &[u8] = b"content-length: ";
    let start = head.windows(NAME.len()).position(|window| window == NAME);
    let digits = start.map_or(&[][..], |start| &head[start + NAME.len()..]);
    let digits = digits.iter().take_while(|byte| byte.is_ascii_digit());
    digits.fold(0, |number, digit| number * 10 + usize::from(digit - b'0'))
}

pub(super) fn message(method: &str, path: &str, body: &str) -> Bytes {
    let length = body.len();
    format!(
        "{method} {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer soak-0123456789abcdef\
         \r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    )
    .into()
}

/// Makes a file of this many bytes.
pub(super) async fn put_file(address: SocketAddr, id: usize, bytes: usize) {
    let path = format!("/_mock/files/{id}?name=soak.txt");
    let mut client = Client::connect(address).await;
    let put = message("PUT", &path, &"x".repeat(bytes));
    assert_eq!(client.ask(&put).await, Some(201), "{}", client.answer());
}

/// Reads the cards of a file.
pub(super) fn get_cards(id: usize) -> Bytes {
    let path = format!("/2.0/files/{id}/metadata/global/boxSkillsCards");
    message("GET", &path, "")
}

/// Sets the cards of a file: a write that is recorded.
pub(super) fn put_cards(id: usize) -> Bytes {
    let body = json!({
        "status": "success", "file": {"type": "file", "id": id.to_string()},
        "metadata": {"cards": [{
            "type": "skill_card", "skill_card_type": "keyword",
            "skill": {"type": "service", "id": "137"},
            "invocation": {"type": "skill_invocation", "id": "1"},
            "skill_card_title": {"code": "skills_topics", "message": "Topics"},
            "entries": [{"type": "text", "text": "a keyword"}]
        }]},
        "usage": {"unit": "files", "value": 1}
    });
    message("PUT", "/2.0/skill_invocations/137", &body.to_string())
}
