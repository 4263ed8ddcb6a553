//! `capture`: real events become cases. An endpoint behind a tunnel is used as the invocation URL of a
//! skill. Each event is saved as a case before it is answered; its content and its cards are fetched
//! afterwards. With a skill behind it, events and all other requests are forwarded.

mod case_folder;
mod content;
mod forward;
mod options;

use std::{
    fmt, io,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use tokio::{sync::Semaphore, task::JoinSet};

use crate::{
    domain::{
        event::{
            Captured,
            invocation::Invocation,
            signature::{Age, MAX_AGE_SECONDS, Signed, Verdict, verify},
        },
        json::tree::Tape,
    },
    server::{
        body::{RequestBody, ResponseBody},
        handler::{ConnectionReport, Origin, RequestHandler},
        limit::{ReadError, collect},
    },
};

use case_folder::{NewCase, Saved};
pub use forward::{Forward, REPLY_TIMEOUT};
pub use options::Options;

/// The largest body that is accepted, in bytes. Events are a few KiB.
const MAX_BODY: u64 = 8 << 20;
/// How many cases are completed at the same time.
const MAX_AT_ONCE: usize = 8;
/// How many cases may wait to be completed. Beyond that, Box is asked to send the event again.
const MAX_WAITING: usize = 1000;

/// What happened, for the log.
#[derive(Debug)]
pub enum Report {
    /// An event was saved.
    Saved {
        /// The folder of the case.
        case: PathBuf,
        /// Whether a key made its signature; `None` without keys.
        verified: Option<bool>,
    },
    /// An event that has a case already arrived again.
    Repeated(PathBuf),
    /// A request was refused, with the reason.
    Refused(String),
    /// A delivery was refused because its signature does not hold.
    Forged(Verdict),
    /// An event could not be saved; Box is asked to send it again.
    NotSaved(String),
    /// The content of a case is complete: its size in bytes.
    Content(PathBuf, u64),
    /// The content of a case could not be downloaded, with the reason.
    NoContent(PathBuf, String),
    /// The cards of a case are its expected result: how many.
    Cards(PathBuf, usize),
    /// No final cards appeared, with the reason.
    NoCards(PathBuf, String),
    /// The skill answered an event, or it did not, with the reason.
    Answered(Result<StatusCode, String>),
    /// A request that is not an event: method, path, and the status of the answer.
    Other(Method, String, StatusCode),
    /// A connection failed before it was a request.
    Connection(String),
}

/// The endpoint.
pub struct Capture {
    options: Options,
    report: Box<dyn Fn(Report) + Send + Sync>,
    slots: Semaphore,
    work: Mutex<JoinSet<()>>,
}

impl fmt::Debug for Capture {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Capture({})", self.options.into.display())
    }
}

impl Capture {
    /// An endpoint that reports what happens to `report`.
    pub fn new(options: Options, report: impl Fn(Report) + Send + Sync + 'static) -> Self {
        Self {
            options,
            report: Box::new(report),
            slots: Semaphore::new(MAX_AT_ONCE),
            work: Mutex::default(),
        }
    }

    /// Waits until every case is complete. Called when no more events arrive.
    pub async fn finish(&self) {
        let mut work = std::mem::take(&mut *self.lock());
        while work.join_next().await.is_some() {}
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, JoinSet<()>> {
        self.work.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn report(&self, report: Report) {
        (self.report)(report);
    }

    /// Answers an event: it is saved first, then the skill gets it, then the case is completed.
    async fn event(
        self: &Arc<Self>,
        event: Captured,
        request: &http::request::Parts,
        body: &Bytes,
    ) -> Response<ResponseBody> {
        let verified = match self.verified(&event, body) {
            Ok(verified) => verified,
            Err(verdict) => {
                self.report(Report::Forged(verdict));
                return empty(StatusCode::FORBIDDEN);
            }
        };
        if self.waiting() >= MAX_WAITING {
            let reason = format!("{MAX_WAITING} cases are still being completed");
            self.report(Report::NotSaved(reason));
            return empty(StatusCode::SERVICE_UNAVAILABLE);
        }
        let new = match self.save(&event, body).await {
            Ok(Saved::New(case)) => {
                let folder = case.folder.clone();
                self.report(Report::Saved {
                    case: folder,
                    verified,
                });
                Some(case)
            }
            Ok(Saved::Exists(folder)) => {
                self.report(Report::Repeated(folder));
                None
            }
            Err(error) => {
                self.report(Report::NotSaved(error.to_string()));
                return empty(StatusCode::INTERNAL_SERVER_ERROR);
            }
        };
        if let Some(case) = &new {
            let (this, case) = (Arc::clone(self), case.clone());
            self.spawn(async move { this.download(case).await });
        }
        let Some(forward) = &self.options.forward else {
            return empty(StatusCode::OK);
        };
        let answer = forward.event(&request.headers, body.clone()).await;
        self.report(Report::Answered(match &answer {
            Ok(answer) => Ok(answer.status()),
            Err(reason) => Err(reason.clone()),
        }));
        if let Some(case) = new {
            let this = Arc::clone(self);
            self.spawn(async move { this.follow_cards(case).await });
        }
        answer.unwrap_or_else(|_| empty(StatusCode::BAD_GATEWAY))
    }

    /// Whether a key made the signature.
    ///
    /// # Errors
    /// Why none of the keys did.
    fn verified(&self, event: &Captured, body: &Bytes) -> Result<Option<bool>, Verdict> {
        let keys = &self.options.keys;
        if keys.is_empty() {
            return Ok(None);
        }
        let age = Age {
            now: (self.options.clock)(),
            allowed: MAX_AGE_SECONDS,
        };
        let signed = Signed::from_headers(&event.headers);
        let verdict = verify(body, &signed, keys, Some(age));
        if verdict.holds() {
            Ok(Some(true))
        } else {
            Err(verdict)
        }
    }

    async fn save(&self, event: &Captured, body: &Bytes) -> io::Result<Saved> {
        let (event, body) = (event.clone(), body.clone());
        let (into, keep_secrets) = (self.options.into.clone(), self.options.keep_secrets);
        let saved = tokio::task::spawn_blocking(move || {
            case_folder::save(&into, &event, &body, keep_secrets)
        });
        saved.await.map_err(io::Error::other)?
    }

    /// How many tasks complete cases. Those that have ended are removed from the set first.
    fn waiting(&self) -> usize {
        let mut running = self.lock();
        while running.try_join_next().is_some() {}
        running.len()
    }

    fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        self.lock().spawn(work);
    }

    async fn download(&self, case: NewCase) {
        if !self.options.content {
            return;
        }
        let Ok(_slot) = self.slots.acquire().await else {
            return;
        };
        let folder = case.folder.clone();
        self.report(match content::download(&case, &self.options).await {
            Ok(bytes) => Report::Content(folder, bytes),
            Err(reason) => Report::NoContent(folder, reason),
        });
    }

    async fn follow_cards(&self, case: NewCase) {
        let folder = case.folder.clone();
        self.report(match content::expect_cards(&case, &self.options).await {
            Ok(cards) => Report::Cards(folder, cards),
            Err(reason) => Report::NoCards(folder, reason),
        });
    }

    /// Answers what is not an event: the skill does, or 404 without one.
    async fn other(&self, request: &http::request::Parts, body: Bytes) -> Response<ResponseBody> {
        let answer = match &self.options.forward {
            Some(forward) => forward
                .request(request, body)
                .await
                .unwrap_or_else(|_| empty(StatusCode::BAD_GATEWAY)),
            None => empty(StatusCode::NOT_FOUND),
        };
        let path = request.uri.path().to_owned();
        self.report(Report::Other(request.method.clone(), path, answer.status()));
        answer
    }
}

impl RequestHandler for Capture {
    async fn call(
        self: Arc<Self>,
        _: Origin,
        request: Request<RequestBody>,
    ) -> Response<ResponseBody> {
        let (head, body) = request.into_parts();
        let body = match collect(body, MAX_BODY).await {
            Ok(body) => body,
            Err(error) => {
                self.report(Report::Refused(error.to_string()));
                return empty(match error {
                    ReadError::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
                    ReadError::Body(_) => StatusCode::BAD_REQUEST,
                });
            }
        };
        match event_in(&head, &body) {
            Some(event) => self.event(event, &head, &body).await,
            None => self.other(&head, body).await,
        }
    }

    fn refuse(&self, status: StatusCode, reason: &str) -> Response<Bytes> {
        let mut response = Response::new(Bytes::from(format!("{reason}\n")));
        *response.status_mut() = status;
        response
    }

    fn report(&self, report: ConnectionReport) {
        Capture::report(self, Report::Connection(report.text));
    }
}

/// The event in a request, if it is one.
fn event_in(head: &http::request::Parts, body: &Bytes) -> Option<Captured> {
    if head.method != Method::POST {
        return None;
    }
    let tape = Tape::read(body).ok()?;
    // A provider that calls back may send JSON of any kind; Box always names the type.
    tape.tree().get("type")?.as_str()?;
    let invocation = Invocation::read(tape).ok()?;
    let mut event = Captured::read(invocation.tree(), body.clone()).ok()?;
    event.headers = header_list(&head.headers);
    Some(event)
}

fn header_list(headers: &HeaderMap) -> Vec<(String, String)> {
    let text = |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    headers
        .iter()
        .map(|(name, value)| (name.to_string(), text(value)))
        .collect()
}

fn empty(status: StatusCode) -> Response<ResponseBody> {
    let mut response = Response::new(ResponseBody::empty());
    *response.status_mut() = status;
    response
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::*;
    use crate::{
        client,
        domain::event::signature::Keys,
        env::{Environment, wall_clock},
    };

    fn capture(into: &std::path::Path) -> Arc<Capture> {
        let none = Environment::from_variables([("A", "b")]);
        let options = Options {
            into: into.to_owned(),
            keep_secrets: false,
            content: false,
            keys: Keys::default(),
            root: "http://127.0.0.1:9/".parse().expect("a URL"),
            client: client::Options::new(&none),
            forward: None,
            wait: Duration::ZERO,
            settle: Duration::ZERO,
            clock: wall_clock(),
        };
        Arc::new(Capture::new(options, |_| {}))
    }

    async fn deliver(capture: &Arc<Capture>) -> StatusCode {
        let event = json!({
            "type": "skill_invocation", "id": "a_1",
            "source": {"id": "7", "name": "a.txt"},
            "token": {"read": {"access_token": "r"}, "write": {"access_token": "w"}}
        });
        let body = Bytes::from(event.to_string());
        let request = Request::post("/").body(()).expect("a request");
        let (head, ()) = request.into_parts();
        let event = event_in(&head, &body).expect("an event");
        capture.event(event, &head, &body).await.status()
    }

    #[tokio::test]
    async fn events_are_taken_again_when_the_cases_that_waited_are_complete() {
        let into = tempfile::tempdir().expect("a folder");
        let capture = capture(into.path());
        let (done, _) = tokio::sync::watch::channel(false);
        for _ in 0..MAX_WAITING {
            let mut done = done.subscribe();
            capture.spawn(async move { assert!(done.wait_for(|done| *done).await.is_ok()) });
        }
        let full = deliver(&capture).await;
        assert_eq!(full, StatusCode::SERVICE_UNAVAILABLE);
        done.send_replace(true);
        done.closed().await;
        assert_eq!(deliver(&capture).await, StatusCode::OK);
    }
}
