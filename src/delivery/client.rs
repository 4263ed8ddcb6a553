//! The client of a Skill: headers and signatures, the envelope, one POST with a deadline.

use std::{
    borrow::Cow,
    pin::pin,
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use jiff::Timestamp;
use url::Url;

use super::{
    answer::{Answer, Exchange},
    direct::{Pool, Sender},
    general,
    headers::{CachedHeaders, Header, delivery_headers},
    resettable_timeout::ResettableTimeout,
};
use crate::{
    client::{Connections, Http},
    domain::{
        event::{envelope, signature::Keys},
        outcome::Reply,
    },
};

/// The envelope around an event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Envelope {
    /// None: headers are sent as headers, the body as the body.
    #[default]
    None,
    /// An API Gateway proxy event that holds both, for the Lambda runtime interface emulator.
    AwsProxy,
}

/// Delivers events to one Skill.
#[derive(Debug)]
pub struct SkillClient {
    transport: Transport,
    url: Url,
    keys: Keys,
    envelope: Envelope,
    deadline: Duration,
}

/// Delivers one event after the other, over a connection that it keeps.
#[derive(Debug)]
pub struct SkillConnection<'a> {
    client: &'a SkillClient,
    transport: ConnectionTransport<'a>,
    timeout: ResettableTimeout,
    cached: CachedHeaders,
}

/// How a connection reaches the Skill.
#[derive(Debug)]
enum ConnectionTransport<'a> {
    Direct(Sender<'a>),
    General(&'a Http),
}

/// How a client reaches the Skill.
#[derive(Debug)]
enum Transport {
    /// In clear, without a proxy.
    Direct(Pool),
    /// Over TLS or through a proxy.
    General(Http),
}

/// An event to be delivered.
#[derive(Clone, Copy, Debug)]
pub struct Delivery<'a> {
    /// The exact bytes.
    pub body: &'a Bytes,
    /// The headers of the capture, if it had some.
    pub captured: &'a [(String, String)],
    /// Whether the bytes are those of the capture, so that its signatures are still valid.
    pub is_exact: bool,
    /// When it should have been sent: the time of the reply is measured from here.
    pub due: Instant,
    /// The delivery timestamp: not after the current second, since newer SDKs refuse a time in the
    /// future.
    pub now: Timestamp,
}

impl SkillClient {
    /// A client of the Skill at `url`, which has `deadline` for each reply.
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
            transport: match direct {
                Some(pool) => Transport::Direct(pool),
                None => Transport::General(Http::new(connections)),
            },
            url,
            keys,
            envelope,
            deadline,
        }
    }

    /// A connection, which opens with the first delivery.
    pub fn connection(&self) -> SkillConnection<'_> {
        SkillConnection {
            client: self,
            transport: match &self.transport {
                Transport::Direct(pool) => ConnectionTransport::Direct(pool.sender()),
                Transport::General(http) => ConnectionTransport::General(http),
            },
            timeout: ResettableTimeout::default(),
            cached: CachedHeaders::default(),
        }
    }

    /// The invocation URL.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// How long the skill has for each reply.
    pub fn deadline(&self) -> Duration {
        self.deadline
    }

    /// Whether deliveries are signed.
    pub fn is_signed(&self) -> bool {
        !self.keys.is_empty()
    }

    /// Delivers `body` once, now.
    pub async fn deliver(&self, body: &Bytes, now: Timestamp) -> Reply {
        let delivery = Delivery {
            body,
            captured: &[],
            is_exact: false,
            due: Instant::now(),
            now,
        };
        self.connection().deliver(delivery).await
    }

    /// The headers of a delivery without an envelope.
    fn headers(&self, delivery: &Delivery<'_>) -> HeaderMap {
        let headers = delivery_headers(
            delivery.captured,
            delivery.is_exact,
            &self.keys,
            delivery.body,
            delivery.now,
        );
        self.header_map(headers, delivery.body)
    }

    fn header_map<'a>(&'a self, mut headers: Vec<Header<'a>>, body: &Bytes) -> HeaderMap {
        // The general client adds the host and the length itself.
        if let Transport::Direct(pool) = &self.transport {
            headers.push((header::HOST.as_str(), Cow::Borrowed(pool.host_header())));
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

    /// Posts, and reads the answer to its end: an incomplete answer does not count. The deadline starts
    /// now, since a late delivery is not the fault of the Skill.
    async fn post(
        &self,
        transport: &mut ConnectionTransport<'_>,
        timeout: &mut ResettableTimeout,
        body: &Bytes,
        headers: &HeaderMap,
        due: Instant,
    ) -> (Reply, Bytes) {
        // Reading the clock is expensive enough to do it only before and after.
        let now = Instant::now();
        let late = timeout.after(self.deadline, now.into());
        let exchange = pin!(transport.exchange(&self.url, body, headers, now));
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

impl ConnectionTransport<'_> {
    async fn exchange(
        &mut self,
        url: &Url,
        body: &Bytes,
        headers: &HeaderMap,
        now: Instant,
    ) -> Exchange {
        match self {
            ConnectionTransport::Direct(sender) => sender.post(body, headers, now).await,
            ConnectionTransport::General(http) => general::post(http, url, body, headers).await,
        }
    }
}

impl SkillConnection<'_> {
    /// Returns the connection to the pool, before waiting for something other than the next delivery.
    pub fn release(&mut self) {
        if let ConnectionTransport::Direct(sender) = &mut self.transport {
            sender.release();
        }
    }

    /// Delivers an event once.
    pub async fn deliver(&mut self, delivery: Delivery<'_>) -> Reply {
        let Self {
            client,
            transport,
            timeout,
            cached,
        } = self;
        let (body, due) = (delivery.body, delivery.due);
        match client.envelope {
            Envelope::None if delivery.captured.is_empty() && client.keys.is_empty() => {
                let headers =
                    cached.get_or_make(delivery.now, body.len(), || client.headers(&delivery));
                client.post(transport, timeout, body, headers, due).await.0
            }
            Envelope::None => {
                let headers = client.headers(&delivery);
                client.post(transport, timeout, body, &headers, due).await.0
            }
            Envelope::AwsProxy => {
                let headers = delivery_headers(
                    delivery.captured,
                    delivery.is_exact,
                    &client.keys,
                    body,
                    delivery.now,
                );
                let wrapped = Bytes::from(envelope::wrap(&headers, body).to_string());
                let json = vec![("content-type", Cow::Borrowed("application/json"))];
                let headers = client.header_map(json, &wrapped);
                let (reply, answer) = client
                    .post(transport, timeout, &wrapped, &headers, due)
                    .await;
                unwrapped(reply, &answer)
            }
        }
    }
}

/// The reply of a function, extracted from its envelope.
fn unwrapped(reply: Reply, answer: &[u8]) -> Reply {
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
