//! Bringing an event to a Skill as Box does: headers, signatures, envelope, deadline. One attempt
//! at a time, each with what came of it; whoever repeats them does so by the one [`schedule`].

mod alarm;
mod headers;
mod load;
mod pool;
pub mod schedule;

use std::{
    borrow::Cow,
    pin::pin,
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use jiff::Timestamp;
use url::Url;

use crate::{
    client::{Connections, Http},
    domain::{
        event::{envelope, signature::Keys},
        outcome::Reply,
    },
};
use alarm::Alarm;
use headers::{Header, Usual};
use pool::{Pool, Sender};

/// The most that is read of a reply, in bytes: nobody looks at more.
const MOST_OF_A_REPLY: usize = 64 * 1024;

/// What goes around the body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Envelope {
    /// Nothing: headers are headers, the body is the body.
    #[default]
    None,
    /// An API Gateway proxy event around both, for the Lambda runtime interface emulator.
    AwsProxy,
}

/// Where events go, and how.
#[derive(Debug)]
pub struct Courier {
    way: Way,
    url: Url,
    keys: Keys,
    envelope: Envelope,
    deadline: Duration,
}

/// Who brings one parcel after the other for a courier.
#[derive(Debug)]
pub struct Runner<'a> {
    courier: &'a Courier,
    legs: Legs<'a>,
    alarm: Alarm,
    usual: Usual,
}

/// What a runner reaches the Skill by.
#[derive(Debug)]
enum Legs<'a> {
    Direct(Sender<'a>),
    General(&'a Http),
}

/// How the Skill is reached.
#[derive(Debug)]
enum Way {
    /// In clear, without a proxy.
    Direct(Pool),
    /// By TLS or a proxy.
    General(Http),
}

/// What is to be brought.
#[derive(Clone, Copy, Debug)]
pub struct Parcel<'a> {
    /// The exact bytes.
    pub body: &'a Bytes,
    /// The headers of the capture, if it had some.
    pub captured: &'a [(String, String)],
    /// When it should have been sent: the time of the reply counts from here.
    pub due: Instant,
    /// What becomes the delivery timestamp: at or before the present second, since newer SDKs
    /// refuse a time ahead.
    pub now: Timestamp,
}

/// An answer, or a sentence that says why there is none.
type Exchange = Result<Answer, String>;

/// An answer that was read to its end.
#[derive(Debug)]
struct Answer {
    status: u16,
    /// The start of its body.
    body: Bytes,
    /// When its end was in.
    at: Instant,
}

impl Courier {
    /// A courier to the Skill at `url`, which has `deadline` for each reply.
    pub fn new(
        connections: Connections,
        url: Url,
        keys: Keys,
        envelope: Envelope,
        deadline: Duration,
    ) -> Self {
        let direct = (url.scheme() == "http" && connections.is_direct(&url))
            .then(|| Pool::new(&url))
            .flatten();
        Self {
            way: match direct {
                Some(pool) => Way::Direct(pool),
                None => Way::General(Http::new(connections)),
            },
            url,
            keys,
            envelope,
            deadline,
        }
    }

    /// A runner, who has no parcel yet.
    pub fn runner(&self) -> Runner<'_> {
        Runner {
            courier: self,
            legs: match &self.way {
                Way::Direct(pool) => Legs::Direct(pool.sender()),
                Way::General(http) => Legs::General(http),
            },
            alarm: Alarm::default(),
            usual: Usual::default(),
        }
    }

    /// The invocation URL.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// Delivers `body` once, now.
    pub async fn deliver(&self, body: &Bytes, now: Timestamp) -> Reply {
        let parcel = Parcel {
            body,
            captured: &[],
            due: Instant::now(),
            now,
        };
        self.runner().bring(parcel).await
    }

    /// The headers that go with a parcel whose body stays as it is.
    fn headers(&self, parcel: &Parcel<'_>) -> HeaderMap {
        let headers = headers::of(parcel.captured, &self.keys, parcel.body, parcel.now);
        self.header_map(headers, parcel.body)
    }

    fn header_map<'a>(&'a self, mut headers: Vec<Header<'a>>, body: &Bytes) -> HeaderMap {
        // The general client knows the host and the length itself.
        if let Way::Direct(pool) = &self.way {
            headers.push((header::HOST.as_str(), Cow::Borrowed(pool.named())));
            let length = body.len().to_string();
            headers.push((header::CONTENT_LENGTH.as_str(), Cow::Owned(length)));
        }
        let mut map = HeaderMap::with_capacity(headers.len());
        for (name, value) in headers {
            if let (Ok(name), Ok(value)) =
                (HeaderName::try_from(name), HeaderValue::try_from(&*value))
            {
                map.append(name, value);
            }
        }
        map
    }

    /// Posts, and reads the answer to its end: half an answer is none. The deadline counts from
    /// now, since the Skill cannot help a delivery that goes out late.
    async fn post(
        &self,
        legs: &mut Legs<'_>,
        alarm: &mut Alarm,
        body: &Bytes,
        headers: &HeaderMap,
        due: Instant,
    ) -> (Reply, Bytes) {
        // To look at the clock is dear enough to do it once before and once after.
        let now = Instant::now();
        let late = alarm.after(self.deadline, now.into());
        let exchange = pin!(legs.exchange(&self.url, body, headers, now));
        let result = tokio::select! {
            biased;
            result = exchange => result,
            () = late => {
                let deadline = self.deadline.as_secs_f64() * 1000.0;
                return (Reply::Late(deadline), Bytes::new());
            }
        };
        match result {
            Ok(Answer { status, body, at }) => {
                let ms = at.saturating_duration_since(due).as_secs_f64() * 1000.0;
                (Reply::Answered { status, ms }, body)
            }
            Err(reason) => (Reply::Failed(reason), Bytes::new()),
        }
    }
}

impl Legs<'_> {
    async fn exchange(
        &mut self,
        url: &Url,
        body: &Bytes,
        headers: &HeaderMap,
        now: Instant,
    ) -> Exchange {
        match self {
            Legs::Direct(sender) => sender.post(body, headers, now).await,
            Legs::General(http) => general(http, url, body, headers).await,
        }
    }
}

impl Runner<'_> {
    /// Leaves the connection to others, before it waits for something else than its next parcel.
    pub fn rest(&mut self) {
        if let Legs::Direct(sender) = &mut self.legs {
            sender.rest();
        }
    }

    /// Delivers a parcel once.
    pub async fn bring(&mut self, parcel: Parcel<'_>) -> Reply {
        let Self {
            courier,
            legs,
            alarm,
            usual,
        } = self;
        let (body, due) = (parcel.body, parcel.due);
        match courier.envelope {
            Envelope::None if parcel.captured.is_empty() && courier.keys.is_empty() => {
                let headers = usual.of(parcel.now, body.len(), || courier.headers(&parcel));
                courier.post(legs, alarm, body, headers, due).await.0
            }
            Envelope::None => {
                let headers = courier.headers(&parcel);
                courier.post(legs, alarm, body, &headers, due).await.0
            }
            Envelope::AwsProxy => {
                let headers = headers::of(parcel.captured, &courier.keys, body, parcel.now);
                let wrapped = Bytes::from(envelope::wrap(&headers, body).to_string());
                let json = vec![("content-type", Cow::Borrowed("application/json"))];
                let headers = courier.header_map(json, &wrapped);
                let (reply, answer) = courier.post(legs, alarm, &wrapped, &headers, due).await;
                unwrap(reply, &answer)
            }
        }
    }
}

async fn general(http: &Http, url: &Url, body: &Bytes, headers: &HeaderMap) -> Exchange {
    let client = http.client(url).map_err(|error| error.to_string())?;
    let request = client.post(url.clone());
    let request = request.headers(headers.clone()).body(body.clone());
    let mut response = request.send().await.map_err(|error| sentence(&error))?;
    let status = response.status().as_u16();
    let mut answer = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| {
        format!(
            "the skill answered {status}, but broke off in the middle: {}",
            cause(&error)
        )
    })? {
        if answer.len() < MOST_OF_A_REPLY {
            answer.extend_from_slice(&chunk);
        }
    }
    Ok(Answer {
        status,
        body: Bytes::from(answer),
        at: Instant::now(),
    })
}

/// What became of a request that got no answer, for a newcomer.
fn sentence(error: &reqwest::Error) -> String {
    let cause = cause(error);
    if error.is_connect() {
        format!("could not connect to the skill: {cause}")
    } else if cause.contains("closed before message completed") || cause.contains("reset") {
        "the skill closed the connection without an answer".to_owned()
    } else {
        format!("what the skill sent is no HTTP answer: {cause}")
    }
}

/// The innermost cause.
fn cause(error: &dyn std::error::Error) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}

/// The answer of a function, out of its envelope.
fn unwrap(reply: Reply, answer: &[u8]) -> Reply {
    match reply {
        Reply::Answered {
            status: 200..=299,
            ms,
        } => match envelope::unwrap_answer(answer) {
            Ok(status) => Reply::Answered { status, ms },
            Err(reason) => Reply::Failed(reason),
        },
        other => other,
    }
}
