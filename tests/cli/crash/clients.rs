//! The clients: each writes as long as the mock answers, and keeps the answers.

use std::{
    io::{self, Read, Write},
    net::{SocketAddr, TcpStream},
    sync::atomic::{AtomicU64, AtomicUsize, Ordering},
    thread,
    time::Duration,
};

use serde_json::{Value, json};

use crate::world::keyword;

/// How many there are.
pub(super) const CLIENTS: usize = 16;
/// The file that the last of them share; each of the others has one of its own.
const COMMON: &str = "7999";
const SHARING: usize = 4;

/// The files of all clients.
pub(super) fn files() -> impl Iterator<Item = String> {
    (0..=CLIENTS - SHARING).map(file_of)
}

fn file_of(who: usize) -> String {
    if who < CLIENTS - SHARING {
        (7000 + who).to_string()
    } else {
        COMMON.to_owned()
    }
}

/// Numbers that repeat with their seed.
pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn below(&mut self, limit: u64) -> u64 {
        // splitmix64
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % limit
    }

    pub(super) fn one_in(&mut self, many: u64) -> bool {
        self.below(many) == 0
    }
}

/// What all clients of a round have in common.
pub(super) struct Load {
    pub(super) address: SocketAddr,
    /// Ticks when a call is sent and when its answer is in.
    pub(super) ticks: AtomicU64,
    pub(super) acknowledged: AtomicUsize,
    pub(super) failed: AtomicUsize,
    /// Clients that are done.
    ended: AtomicUsize,
    /// Bytes that are added to every write: large ones are torn more easily.
    pub(super) padding: usize,
    /// Whether the mock may say that it could not write.
    pub(super) may_fail: bool,
}

impl Load {
    pub(super) fn on(address: SocketAddr, padding: usize, may_fail: bool) -> Self {
        Self {
            address,
            ticks: AtomicU64::new(1),
            acknowledged: AtomicUsize::new(0),
            failed: AtomicUsize::new(0),
            ended: AtomicUsize::new(0),
            padding,
            may_fail,
        }
    }

    /// Waits until something is so, or a client has ended: as long as the mock runs, none should.
    pub(super) fn wait(&self, is_so: impl Fn() -> bool) {
        while !is_so() && self.ended.load(Ordering::SeqCst) == 0 {
            thread::sleep(Duration::from_micros(100));
        }
    }
}

/// Counts a client as done, also where it fails.
struct Ending<'a>(&'a Load);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.0.ended.fetch_add(1, Ordering::SeqCst);
    }
}

/// One write, as its client saw it.
pub(super) struct Attempt {
    /// As the record names it.
    pub(super) op: &'static str,
    pub(super) file: String,
    /// Nothing for a deletion.
    pub(super) marker: Option<String>,
    pub(super) sent: u64,
    pub(super) answered: u64,
    pub(super) outcome: Outcome,
}

pub(super) enum Outcome {
    /// The mock accepted it; with the instance where the answer shows it.
    Acknowledged(Option<Value>),
    /// The mock refused it.
    Refused,
    /// The mock was gone before it answered.
    Unknown,
}

/// One client, over all rounds.
pub(super) struct Client {
    who: usize,
    file: String,
    random: Random,
    writes: usize,
}

impl Client {
    pub(super) fn new(who: usize, seed: u64) -> Self {
        Self {
            who,
            file: file_of(who),
            random: Random(seed ^ (who as u64) << 32),
            writes: 0,
        }
    }

    fn is_alone(&self) -> bool {
        self.file != COMMON
    }

    /// Writes until the connection is cut.
    pub(super) fn write_until_cut(&mut self, load: &Load) -> Vec<Attempt> {
        let _ending = Ending(load);
        let mut attempts = Vec::new();
        let Ok(mut wire) = Wire::connect(load.address, self.who) else {
            return attempts;
        };
        let Ok((status, _)) = wire.ask("GET", &self.path(), "") else {
            return attempts;
        };
        let mut exists = status == 200;
        loop {
            let (attempt, status) = self.write(&mut wire, load, exists);
            if self.is_alone() {
                exists = match (&attempt.outcome, attempt.op) {
                    (Outcome::Acknowledged(_), op) => op != "delete",
                    _ => exists,
                };
                let may_fail = load.may_fail && status == Some(500);
                let is_refused = matches!(attempt.outcome, Outcome::Refused);
                assert!(may_fail || !is_refused, "{} {status:?}", attempt.op);
            }
            let is_over = matches!(attempt.outcome, Outcome::Unknown);
            attempts.push(attempt);
            if is_over {
                return attempts;
            }
        }
    }

    /// One write, of any kind that can go well.
    fn write(&mut self, wire: &mut Wire, load: &Load, exists: bool) -> (Attempt, Option<u16>) {
        let op = self.choose(exists);
        let marker = (op != "delete").then(|| format!("c{}-{}", self.who, self.writes));
        self.writes += 1;
        let padding = match self.random.below(20) {
            0 => 8 * 1024,
            _ => load.padding,
        };
        let text = marker
            .as_ref()
            .map(|marker| format!("{marker} {}", "x".repeat(padding)));
        let (method, path, body) = self.request(op, &text.unwrap_or_default());
        let sent = load.ticks.fetch_add(1, Ordering::SeqCst);
        let answer = wire.ask(method, &path, &body);
        let answered = load.ticks.fetch_add(1, Ordering::SeqCst);
        let status = answer.as_ref().ok().map(|(status, _)| *status);
        let outcome = match answer {
            Err(_) => Outcome::Unknown,
            Ok((status, body)) => self.outcome(op, status, &body, load),
        };
        let attempt = Attempt {
            op,
            file: self.file.clone(),
            marker,
            sent,
            answered,
            outcome,
        };
        (attempt, status)
    }

    fn choose(&mut self, exists: bool) -> &'static str {
        let any = ["update", "invocation", "create", "delete", "update"];
        let fitting: &[&str] = match (self.is_alone(), exists) {
            (false, _) => &any,
            (true, true) => &["update", "update", "invocation", "delete"],
            (true, false) => &["create", "invocation"],
        };
        let chosen = self.random.below(fitting.len() as u64);
        fitting[usize::try_from(chosen).expect("it is small")]
    }

    fn request(&self, op: &str, text: &str) -> (&'static str, String, String) {
        let cards = json!([keyword(text)]);
        match op {
            "create" => ("POST", self.path(), json!({ "cards": cards }).to_string()),
            "update" => {
                let at = "/cards/0/entries/0/text";
                let patch = json!([{"op": "replace", "path": at, "value": text}]);
                ("PUT", self.path(), patch.to_string())
            }
            "delete" => ("DELETE", self.path(), String::new()),
            _ => {
                let body = json!({
                    "status": "success", "file": {"type": "file", "id": self.file},
                    "metadata": {"cards": cards}, "usage": null
                });
                let path = "/2.0/skill_invocations/1".to_owned();
                ("PUT", path, body.to_string())
            }
        }
    }

    fn path(&self) -> String {
        instance_path(&self.file)
    }

    fn outcome(&self, op: &str, status: u16, body: &[u8], load: &Load) -> Outcome {
        match (op, status) {
            ("create", 201) | ("update", 200) => {
                load.acknowledged.fetch_add(1, Ordering::SeqCst);
                let instance = serde_json::from_slice(body).expect("an instance");
                Outcome::Acknowledged(Some(instance))
            }
            ("invocation", 200) | ("delete", 204) => {
                load.acknowledged.fetch_add(1, Ordering::SeqCst);
                Outcome::Acknowledged(None)
            }
            ("create", 409) | ("update" | "delete", 404) if !self.is_alone() => Outcome::Refused,
            (_, 500) if load.may_fail => {
                load.failed.fetch_add(1, Ordering::SeqCst);
                let error: Value = serde_json::from_slice(body).expect("Box's envelope");
                assert_eq!(error["code"], "internal_server_error");
                let message = error["message"].as_str().expect("a message");
                assert!(
                    message.contains("cannot write to the record file"),
                    "{error}"
                );
                Outcome::Refused
            }
            _ => panic!("{op} by client {} is answered {status}", self.who),
        }
    }
}

/// Where the cards of a file are.
pub(super) fn instance_path(file: &str) -> String {
    format!("/2.0/files/{file}/metadata/global/boxSkillsCards")
}

/// One connection that is kept open.
pub(super) struct Wire {
    stream: TcpStream,
    token: String,
    buffer: Vec<u8>,
}

impl Wire {
    pub(super) fn connect(address: SocketAddr, who: usize) -> io::Result<Self> {
        /// Long enough for a busy machine; nothing waits for it to pass.
        const TIMEOUT: Duration = Duration::from_mins(1);
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(TIMEOUT))?;
        Ok(Self {
            stream,
            // The record shows the last four characters.
            token: format!("crash-test-of-a-client-{who:04}"),
            buffer: Vec::new(),
        })
    }

    /// One call; returns the status and the body of the answer.
    pub(super) fn ask(
        &mut self,
        method: &str,
        path: &str,
        body: &str,
    ) -> io::Result<(u16, Vec<u8>)> {
        let media_type = match body.as_bytes().first() {
            Some(b'[') => "application/json-patch+json",
            _ => "application/json",
        };
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {}\r\n\
             content-type: {media_type}\r\ncontent-length: {}\r\n\r\n{body}",
            self.token,
            body.len()
        );
        self.stream.write_all(request.as_bytes())?;
        self.buffer.clear();
        let mut chunk = [0; 16 * 1024];
        loop {
            if let Some(answer) = whole(&self.buffer) {
                return Ok(answer);
            }
            let read = self.stream.read(&mut chunk)?;
            if read == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            self.buffer.extend_from_slice(&chunk[..read]);
        }
    }
}

/// Status and body, once all of them is there.
fn whole(bytes: &[u8]) -> Option<(u16, Vec<u8>)> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&bytes[..end])
        .expect("a head")
        .to_lowercase();
    let status = head[9..12].parse().expect("a status");
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))
        .map_or(0, |digits| digits.parse().expect("a length"));
    let body = bytes.get(end + 4..end + 4 + length)?;
    Some((status, body.to_vec()))
}
