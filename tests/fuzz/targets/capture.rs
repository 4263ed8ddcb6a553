//! The body of a delivery to the endpoint of `capture`, at a real port: a case is a folder of its own
//! with an event that can be read again and without its tokens; nothing else is written.

use std::{
    fs,
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use jiff::Timestamp;
use serde_json::Value;
use skillctl::{
    Egress, Environment,
    capture::{Capture, Options},
    client,
    domain::{
        event::{Captured, signature::Keys},
        json::tree::Tape,
    },
    server::{
        certificate_authority::CertificateAuthority,
        listener::{Listener, serve},
        options::ListenerOptions,
    },
};
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// A longer wait counts as a hang.
const TIMEOUT: Duration = Duration::from_secs(5);
/// Shorter tokens occur in other texts by chance.
const MIN_TOKEN: usize = 12;

static ENDPOINT: Mutex<Option<Endpoint>> = Mutex::new(None);

pub(crate) fn check(bytes: &[u8]) {
    let mut slot = ENDPOINT.lock().unwrap_or_else(PoisonError::into_inner);
    let endpoint = slot.take().unwrap_or_else(Endpoint::start);
    let status = endpoint.deliver(bytes);
    assert!([200, 404].contains(&status), "answered with {status}");
    let mut cases = 0;
    for entry in fs::read_dir(endpoint.into.path()).expect("the folder of the cases") {
        let folder = entry.expect("an entry").path();
        check_case(&folder, bytes);
        fs::remove_dir_all(&folder).expect("a folder");
        cases += 1;
    }
    assert_eq!(cases, u32::from(status == 200), "a case for each event");
    let outside = fs::read_dir(endpoint.around.path()).expect("the folder around");
    assert_eq!(outside.count(), 1, "something was written elsewhere");
    *slot = Some(endpoint);
}

fn check_case(folder: &Path, sent: &[u8]) {
    let files: Vec<_> = fs::read_dir(folder).expect("a folder").collect();
    assert_eq!(files.len(), 1, "{files:?}");
    let text = fs::read_to_string(folder.join("event.json")).expect("an event");
    let tape = Tape::read(text.as_bytes()).expect("JSON");
    let event = Captured::read(tape.tree(), Bytes::from(text.clone())).expect("an event");
    assert!(!event.event.invocation().file_id().is_empty());
    let sent = String::from_utf8_lossy(sent);
    let value: Value = serde_json::from_str(&sent).unwrap_or_default();
    for kind in ["read", "write"] {
        let token = value["token"][kind]["access_token"].as_str();
        let token = token.filter(|it| it.len() >= MIN_TOKEN && sent.matches(it).count() == 1);
        assert!(token.is_none_or(|token| !text.contains(token)), "{text}");
    }
}

struct Endpoint {
    /// Kept for its threads.
    _runtime: Runtime,
    address: SocketAddr,
    /// Holds `into` alone.
    around: TempDir,
    into: TempDir,
}

impl Endpoint {
    fn start() -> Self {
        let around = tempfile::tempdir().expect("a folder");
        let into = tempfile::tempdir_in(around.path()).expect("a folder");
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let environment = Environment::from_variables::<String, String>([]);
        let capture = Capture::new(
            Options {
                into: into.path().to_owned(),
                keep_secrets: false,
                content: false,
                keys: Keys::default(),
                root: "http://127.0.0.1:9/2.0/".parse().expect("a URL"),
                client: client::Options::new(&environment),
                forward: None,
                wait: Duration::ZERO,
                settle: Duration::ZERO,
                clock: Arc::new(Timestamp::now),
            },
            |_| {},
        );
        let authority = CertificateAuthority::in_memory(Timestamp::now()).expect("an authority");
        let options = ListenerOptions::new(Arc::new(authority), Egress::no_proxy());
        let listener = {
            let _entered = runtime.enter();
            Listener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).expect("a port")
        };
        let address = listener.local_addr();
        runtime.spawn(serve(
            listener,
            Arc::new(capture),
            options,
            std::future::pending(),
        ));
        Self {
            _runtime: runtime,
            address,
            around,
            into,
        }
    }

    /// The status of the answer.
    fn deliver(&self, body: &[u8]) -> u16 {
        let mut stream = TcpStream::connect(self.address).expect("it accepts");
        stream.set_read_timeout(Some(TIMEOUT)).expect("a time-out");
        let head = format!(
            "POST /skill HTTP/1.1\r\nhost: skill.example\r\ncontent-type: application/json\r\n\
             content-length: {}\r\nconnection: close\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).expect("the head is sent");
        stream.write_all(body).expect("the body is sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        let status = answer.get(9..12).and_then(|digits| digits.parse().ok());
        status.unwrap_or_else(|| panic!("no answer of HTTP: {answer}"))
    }
}
