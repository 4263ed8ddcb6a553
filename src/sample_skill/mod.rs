//! A small real skill: answers Box's event at once, then downloads the file with the read token
//! and writes cards made from what is in it with the write token. It stands in for a user's own
//! program, so it runs as a process of its own, shares no code with the rest of the crate, and
//! knows nothing but the POSTed event and the address of Box.

mod api;
mod captions;
mod cards;
mod event;
mod picture;
mod pool;
mod text;
mod work;

use std::{
    io::{self, Read, Write},
    net::{SocketAddr, TcpListener},
    sync::Arc,
    thread,
};

use self::{
    event::{Invocation, Refusal},
    pool::Pool,
};

pub use self::work::Via;

/// Threads that read requests and answer them. A request that stalls holds one of them.
const RECEIVERS: usize = 16;
/// Events worked on at the same time; each has a thread while it runs.
const WORKERS: usize = 64;
/// Events that wait for a worker. Beyond that the answer is 503, and Box tries again later.
const WAITING: usize = 1024;
/// Bytes of a request body that are read. Real events have about 3 kB.
const MAX_BODY: u64 = 1024 * 1024;

/// Takes what the skill has to say: lines without tokens in them.
pub type Log = Arc<dyn Fn(&str) + Send + Sync>;

/// The options of the skill.
#[derive(Clone)]
pub struct Settings {
    /// The port to listen on at 127.0.0.1; 0 takes a free one.
    pub port: u16,
    /// The root of Box's API, without `/2.0`.
    pub box_api: url::Url,
    /// How cards are written when the invocation path does not say `?via=`.
    pub via: Via,
    /// Where it says what went wrong.
    pub log: Log,
}

/// The skill, listening but not yet answering.
pub struct Skill {
    listener: TcpListener,
    settings: Settings,
}

impl Skill {
    /// Binds the port; fails when it is taken.
    pub fn bind(settings: Settings) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", settings.port))?;
        // Accepted connections take this over from the listener, and tiny_http gives no access
        // to them: without it, answers wait for the peer's delayed acknowledgement.
        rustix::net::sockopt::set_tcp_nodelay(&listener, true)?;
        Ok(Self { listener, settings })
    }

    /// Where it listens.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Answers requests until the process ends; returns only where listening itself fails.
    pub fn run(self) -> io::Result<()> {
        let shared = Shared {
            api: Arc::new(api::BoxApi::new(self.settings.box_api)),
            pool: Pool::new(WORKERS, WAITING),
            via: self.settings.via,
            log: self.settings.log,
        };
        loop {
            let listener = self.listener.try_clone()?;
            let server =
                tiny_http::Server::from_listener(listener, None).map_err(io::Error::other)?;
            thread::scope(|scope| {
                for _ in 0..RECEIVERS {
                    scope.spawn(|| shared.receive(&server));
                }
            });
            // tiny_http stops accepting at the first connection that is gone before it could be
            // accepted; the listener itself is well.
        }
    }
}

/// What the receivers share.
struct Shared {
    api: Arc<api::BoxApi>,
    pool: Pool,
    via: Via,
    log: Log,
}

impl Shared {
    /// Answers requests until the server stops accepting.
    fn receive(&self, server: &tiny_http::Server) {
        while let Ok(mut request) = server.recv() {
            match read_body(&mut request) {
                Ok(body) => {
                    let answer = self.take(&request, &body);
                    respond(request, &answer);
                }
                Err(Unread::TooLong) => refuse_unread(request),
                Err(Unread::Broken) => {}
            }
        }
        // One receiver gets the error; the others must not wait for a request that cannot come.
        server.unblock();
    }

    /// Verifies an event and hands it to the pool. The answer goes out before the work is done:
    /// Box wants it within ten seconds, and a file may take longer.
    fn take(&self, request: &tiny_http::Request, body: &[u8]) -> Answer {
        if *request.method() != tiny_http::Method::Post {
            return Answer::new(405, "Method Not Allowed", "POST a skill event here");
        }
        let invocation = match Invocation::read(body) {
            Ok(invocation) => invocation,
            Err(Refusal(why)) => return Answer::new(400, "Bad Request", why),
        };
        let via = Via::asked_for(request.url()).unwrap_or(self.via);
        let (api, log) = (Arc::clone(&self.api), Arc::clone(&self.log));
        let taken = self.pool.run(move || {
            if let Err(what) = work::process(&api, &invocation, via) {
                log(&what);
            }
        });
        if taken {
            Answer::new(200, "OK", "event received")
        } else {
            Answer::new(503, "Service Unavailable", "too many events are waiting")
        }
    }
}

/// What goes back to whoever sent a request.
struct Answer {
    status: u16,
    reason: &'static str,
    message: String,
}

impl Answer {
    fn new(status: u16, reason: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            reason,
            message: message.into(),
        }
    }
}

/// Why a body was not read.
enum Unread {
    TooLong,
    Broken,
}

fn read_body(request: &mut tiny_http::Request) -> Result<Vec<u8>, Unread> {
    if request
        .body_length()
        .is_some_and(|length| length as u64 > MAX_BODY)
    {
        return Err(Unread::TooLong);
    }
    let mut body = Vec::new();
    match request
        .as_reader()
        .take(MAX_BODY + 1)
        .read_to_end(&mut body)
    {
        Ok(_) if body.len() as u64 > MAX_BODY => Err(Unread::TooLong),
        Ok(_) => Ok(body),
        Err(_) => Err(Unread::Broken),
    }
}

/// Refuses a request whose body is not worth reading.
fn refuse_unread(request: tiny_http::Request) {
    let connection = request.upgrade("none", tiny_http::Response::empty(413));
    // When it is dropped, tiny_http sets memory aside for the whole rest that the head
    // announced, which a hostile one can make to abort the process. The socket is given up.
    std::mem::forget(connection);
}

/// Writes the answer in one piece, and ends the connection with it: tiny_http gives every open
/// connection a thread, and leaves new ones unserved while idle ones hold on.
fn respond(request: tiny_http::Request, answer: &Answer) {
    let Answer {
        status,
        reason,
        message,
    } = answer;
    let body = serde_json::json!({ "message": message }).to_string();
    let whole = format!(
        "HTTP/1.1 {status} {reason}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n{body}",
        body.len()
    );
    let mut writer = request.into_writer();
    // Whoever does not wait for the answer does not get one.
    let _ = writer
        .write_all(whole.as_bytes())
        .and_then(|()| writer.flush());
}
