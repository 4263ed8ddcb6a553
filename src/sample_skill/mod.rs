//! A small real skill. It replies to Box's event at once, then downloads the file with the read token
//! and writes cards made from its content with the write token. It plays a user's program: it runs as a
//! process of its own, shares no code with the rest of the crate, and knows only the POSTed event and
//! the address of Box.

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

/// Threads that read requests and reply. A request that stalls occupies one of them.
const RECEIVERS: usize = 16;
/// Events worked on at the same time; each has a thread while it runs.
const MAX_WORKERS: usize = 64;
/// Events that wait for a worker. Beyond that the answer is 503, and Box tries again later.
const MAX_QUEUED: usize = 1024;
/// Bytes of a request body that are read. Real events have about 3 kB.
const MAX_BODY: u64 = 1024 * 1024;

/// Called with each line of the log. The lines hold no tokens.
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
    /// Gets a line for each event that failed.
    pub log: Log,
}

/// The skill, listening but not yet answering.
pub struct Skill {
    listener: TcpListener,
    settings: Settings,
}

impl Skill {
    /// Binds the port.
    ///
    /// # Errors
    /// Where the port cannot be bound, for example because another program has it.
    pub fn bind(settings: Settings) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", settings.port))?;
        // Accepted sockets inherit it, and tiny_http gives no access to them. Without it, replies wait
        // for the peer's delayed acknowledgement.
        rustix::net::sockopt::set_tcp_nodelay(&listener, true)?;
        Ok(Self { listener, settings })
    }

    /// The address that it listens on.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Replies to requests until the process ends.
    ///
    /// # Errors
    /// Where listening fails.
    pub fn run(self) -> io::Result<()> {
        let shared = Shared {
            api: Arc::new(api::BoxApi::new(self.settings.box_api)),
            pool: Pool::new(MAX_WORKERS, MAX_QUEUED),
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
            // tiny_http stops accepting at the first connection that was closed before it was accepted,
            // although the listener still works.
        }
    }
}

/// The state that the receivers share.
struct Shared {
    api: Arc<api::BoxApi>,
    pool: Pool,
    via: Via,
    log: Log,
}

impl Shared {
    /// Replies to requests until the server stops accepting.
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
        // One receiver gets the error; wake the others too.
        server.unblock();
    }

    /// Checks an event and gives it to the pool. The reply is sent before the work is done: Box expects
    /// it within ten seconds, and a file may take longer.
    fn take(&self, request: &tiny_http::Request, body: &[u8]) -> Answer {
        if *request.method() != tiny_http::Method::Post {
            return Answer::new(405, "Method Not Allowed", "POST a skill event here");
        }
        let invocation = match Invocation::read(body) {
            Ok(invocation) => invocation,
            Err(Refusal(why)) => return Answer::new(400, "Bad Request", why),
        };
        let via = Via::from_target(request.url()).unwrap_or(self.via);
        let (api, log) = (Arc::clone(&self.api), Arc::clone(&self.log));
        let taken = self.pool.run(move || {
            if let Err(reason) = work::process(&api, &invocation, via) {
                log(&reason);
            }
        });
        if taken {
            Answer::new(200, "OK", "event received")
        } else {
            Answer::new(503, "Service Unavailable", "too many events are waiting")
        }
    }
}

/// The reply to a request.
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

/// Replies 413 without reading the body.
fn refuse_unread(request: tiny_http::Request) {
    let connection = request.upgrade("none", tiny_http::Response::empty(413));
    // Dropping it would make tiny_http allocate a buffer for all that Content-Length announces; a
    // hostile client can abort the process that way. The socket is leaked instead.
    std::mem::forget(connection);
}

/// Writes the reply with one call and closes the connection: tiny_http has a thread for every open
/// connection, and does not serve new ones while too many are idle.
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
    // The client may be gone.
    let _ = writer
        .write_all(whole.as_bytes())
        .and_then(|()| writer.flush());
}
