//! The first bytes of a connection, at a real port with the whole mock behind it: whatever is
//! sent, there is a valid answer or an end, nothing panics, and the mock continues to serve.

use std::{
    io::{ErrorKind, Read, Write},
    net::{Shutdown, SocketAddr, TcpStream},
    panic,
    sync::{
        Mutex, Once, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use skillctl::{MockBox, MockOptions};
use tokio::runtime::Runtime;

/// The name of the threads on which the mock runs.
const SERVING: &str = "fuzzed-port";
/// After this many connections a new mock is started, so that its state stays small.
const MAX_CONNECTIONS: usize = 500;
/// How long the client waits before it ends its side.
const SILENCE: Duration = Duration::from_millis(3);
/// A longer wait counts as a hang.
const TIMEOUT: Duration = Duration::from_secs(5);
/// What delays an answer on purpose, and what goes to other hosts.
const LEFT_OUT: [&[u8]; 5] = [b"wait", b"stream", b"delay", b"slow", b"://"];

static PANICKED: AtomicBool = AtomicBool::new(false);
static MOCK: Mutex<Option<Mock>> = Mutex::new(None);

pub(crate) fn check(bytes: &[u8]) {
    if LEFT_OUT.iter().any(|word| contains(bytes, word)) || connects_elsewhere(bytes) {
        return;
    }
    let mut slot = MOCK.lock().unwrap_or_else(PoisonError::into_inner);
    let mut mock = slot.take().unwrap_or_else(Mock::start);
    let answer = mock.exchange(bytes);
    check_answer(bytes, &answer);
    mock.check_alive();
    assert!(!PANICKED.load(Ordering::SeqCst), "the mock panicked");
    let is_steered = contains(bytes, b"/_mock/");
    if mock.connections < MAX_CONNECTIONS && !is_steered {
        *slot = Some(mock);
    }
}

fn contains(bytes: &[u8], word: &[u8]) -> bool {
    bytes.windows(word.len()).any(|window| window == word)
}

/// A CONNECT to a store that is not Box's would be carried out.
fn connects_elsewhere(bytes: &[u8]) -> bool {
    bytes
        .split(|byte| *byte == b'\n')
        .any(|line| contains(line, b"CONNECT ") && !contains(line, b"box.com:"))
}

struct Mock {
    /// Dropped before the runtime that serves it.
    _served: MockBox,
    /// Kept for its threads.
    _runtime: Runtime,
    address: SocketAddr,
    connections: usize,
}

impl Mock {
    fn start() -> Self {
        watch_for_panics();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name(SERVING)
            .enable_all()
            .build()
            .expect("a runtime");
        let mock = runtime
            .block_on(MockBox::start(MockOptions::default()))
            .expect("a mock");
        let address = mock.address();
        Self {
            _served: mock,
            _runtime: runtime,
            address,
            connections: 0,
        }
    }

    fn connect(&mut self) -> TcpStream {
        self.connections += 1;
        let stream = TcpStream::connect(self.address).expect("the mock accepts");
        stream.set_nodelay(true).expect("no delay");
        stream
    }

    /// Sends the bytes, and returns what is received until the mock ends the connection. The client ends
    /// its side only when nothing more is received: a client that has gone gets no answer.
    fn exchange(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut stream = self.connect();
        // The mock may have ended the connection before the last byte.
        let _ = stream.write_all(bytes);
        stream.set_read_timeout(Some(SILENCE)).expect("a time-out");
        let mut answer = Vec::new();
        let mut buffer = [0; 16 * 1024];
        let mut has_ended = false;
        loop {
            match stream.read(&mut buffer) {
                Ok(0) => return answer,
                Ok(read) => answer.extend_from_slice(&buffer[..read]),
                Err(error)
                    if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) =>
                {
                    assert!(!has_ended, "the connection hangs");
                    has_ended = true;
                    let _ = stream.shutdown(Shutdown::Write);
                    stream.set_read_timeout(Some(TIMEOUT)).expect("a time-out");
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return answer,
            }
        }
    }

    fn check_alive(&mut self) {
        let mut stream = self.connect();
        stream.set_read_timeout(Some(TIMEOUT)).expect("a time-out");
        let request =
            b"GET /2.0/users/me HTTP/1.1\r\nhost: api.box.com\r\nconnection: close\r\n\r\n";
        stream.write_all(request).expect("it is sent");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).expect("an answer");
        assert!(answer.starts_with(b"HTTP/1.1 401 "), "the mock is not well");
    }
}

fn check_answer(sent: &[u8], answer: &[u8]) {
    if answer.is_empty() {
        return;
    }
    let shown = String::from_utf8_lossy(answer);
    if sent.first() == Some(&0x16) {
        // A record of TLS: an alert, or the mock's part of the handshake.
        assert!(matches!(answer[0], 0x15 | 0x16), "{shown}");
        return;
    }
    let status = shown
        .strip_prefix("HTTP/1.")
        .and_then(|rest| rest.get(2..5));
    let status: u16 = status
        .and_then(|digits| digits.parse().ok())
        .unwrap_or_else(|| panic!("no answer of HTTP: {shown}"));
    assert!((100..600).contains(&status), "{shown}");
    assert!(!shown.contains("HTTP/1.1 500"), "{shown}");
}

/// A panic on one of the mock's threads ends no test by itself.
fn watch_for_panics() {
    static HOOKED: Once = Once::new();
    HOOKED.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |panicked| {
            if thread::current().name() == Some(SERVING) {
                PANICKED.store(true, Ordering::SeqCst);
            }
            before(panicked);
        }));
    });
}
