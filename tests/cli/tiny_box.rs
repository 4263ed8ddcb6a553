//! A Box of a few lines on raw sockets, whose every answer a test decides, down to the byte at
//! which the connection breaks. For the faults that need none of Box's rules.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex, mpsc},
    thread,
    time::Duration,
};

/// A request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// Path and query; with scheme and host where a proxy was asked.
    pub(crate) target: String,
    /// By lower-case name.
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    /// The first byte of the range asked for.
    pub(crate) fn from(&self) -> Option<usize> {
        let range = self.header("range")?;
        range
            .strip_prefix("bytes=")?
            .strip_suffix('-')?
            .parse()
            .ok()
    }
}

/// How an answer ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// Whole.
    Well,
    /// Closed after this many bytes of the body.
    Cut(usize),
    /// Reset after this many bytes of the body.
    Reset(usize),
    /// Silent after this many bytes of the body, until the client goes.
    Silent(usize),
}

#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    pub(crate) end: End,
}

impl Answer {
    pub(crate) fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: body.into(),
            end: End::Well,
        }
    }

    pub(crate) fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    pub(crate) fn end(mut self, end: End) -> Self {
        self.end = end;
        self
    }
}

/// A running server.
pub(crate) struct TinyBox {
    pub(crate) port: u16,
    requests: Arc<Mutex<Vec<Request>>>,
    silences: Mutex<mpsc::Receiver<()>>,
}

impl TinyBox {
    /// Starts one that answers by `decide`, which gets each request with the number of those of
    /// the same path before it.
    pub(crate) fn start(
        decide: impl Fn(&Request, usize) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let requests: Arc<Mutex<Vec<Request>>> = Arc::default();
        let (silent, silences) = mpsc::channel();
        let (decide, log) = (Arc::new(decide), Arc::clone(&requests));
        thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(stream) = stream else { return };
                let (decide, log, silent) = (Arc::clone(&decide), Arc::clone(&log), silent.clone());
                thread::spawn(move || serve(stream, &*decide, &log, &silent));
            }
        });
        Self {
            port,
            requests,
            silences: Mutex::new(silences),
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.requests.lock().expect("no panic").clone()
    }

    /// The requests whose path begins so.
    pub(crate) fn requests_to(&self, path: &str) -> Vec<Request> {
        let mut requests = self.requests();
        requests.retain(|request| request.target.starts_with(path));
        requests
    }

    /// Waits until an answer has fallen silent.
    pub(crate) fn wait_for_silence(&self) {
        let silences = self.silences.lock().expect("no panic");
        silences
            .recv_timeout(Duration::from_secs(30))
            .expect("an answer falls silent");
    }
}

fn serve(
    mut stream: TcpStream,
    decide: &(dyn Fn(&Request, usize) -> Answer + Send + Sync),
    log: &Mutex<Vec<Request>>,
    silent: &mpsc::Sender<()>,
) {
    let Some(request) = read(&stream) else { return };
    let path = |target: &str| target.split('?').next().unwrap_or_default().to_owned();
    let before = {
        let mut log = log.lock().expect("no panic");
        let same = |other: &&Request| path(&other.target) == path(&request.target);
        let before = log.iter().filter(same).count();
        log.push(request.clone());
        before
    };
    let answer = decide(&request, before);
    let mut head = vec![
        format!("HTTP/1.1 {} X", answer.status),
        "Connection: close".to_owned(),
    ];
    head.extend(
        answer
            .headers
            .iter()
            .map(|(name, value)| format!("{name}: {value}")),
    );
    head.push(format!("Content-Length: {}\r\n\r\n", answer.body.len()));
    let sent = match answer.end {
        End::Well => answer.body.len(),
        End::Cut(at) | End::Reset(at) | End::Silent(at) => at.min(answer.body.len()),
    };
    // The client may go at any time.
    let _ = stream
        .write_all(head.join("\r\n").as_bytes())
        .and_then(|()| stream.write_all(&answer.body[..sent]))
        .and_then(|()| stream.flush());
    match answer.end {
        End::Reset(_) => {
            // Lets what was sent arrive: a reset takes what the client has not read yet with it.
            let _ = stream.set_read_timeout(Some(Duration::from_millis(100)));
            let _ = stream.read(&mut [0]);
            let _ = rustix::net::sockopt::set_socket_linger(&stream, Some(Duration::ZERO));
        }
        End::Silent(_) => {
            let _ = silent.send(());
            let _ = stream.read(&mut [0]);
        }
        End::Well | End::Cut(_) => {}
    }
}

fn read(stream: &TcpStream) -> Option<Request> {
    let mut reader = BufReader::new(stream);
    let mut line = || {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        Some(line.trim_end().to_owned())
    };
    let first = line()?;
    let mut words = first.split(' ');
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = BTreeMap::new();
    loop {
        let line = line()?;
        if line.is_empty() {
            break;
        }
        let (name, value) = line.split_once(':')?;
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let length = headers
        .get("content-length")
        .map_or(Some(0), |length| length.parse().ok())?;
    let mut body = String::new();
    reader.take(length).read_to_string(&mut body).ok()?;
    Some(Request {
        method,
        target,
        headers,
        body,
    })
}
