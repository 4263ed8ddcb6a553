//! What a cassette holds: calls to providers with their answers, and calls of providers to the skill.

use bytes::Bytes;

/// Names and values, in their order.
pub type Headers = Vec<(String, String)>;

/// A call of the skill to a provider.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProviderRequest {
    /// The method, in upper case.
    pub method: String,
    /// The whole URL. In a cassette it may hold placeholders.
    pub url: String,
    /// The headers.
    pub headers: Headers,
    /// The body.
    pub body: Bytes,
}

impl ProviderRequest {
    /// The host of its URL, with a port where one is named; empty without one.
    pub fn host(&self) -> &str {
        let rest = self.url.split_once("://").map_or("", |(_, rest)| rest);
        rest.split(['/', '?', '#']).next().unwrap_or_default()
    }

    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        header(&self.headers, name)
    }
}

/// The answer of a provider.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProviderAnswer {
    /// The status.
    pub status: u16,
    /// The headers, without those that belong to one connection.
    pub headers: Headers,
    /// The body.
    pub body: Bytes,
}

impl ProviderAnswer {
    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        header(&self.headers, name)
    }
}

/// A call and its answer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Exchange {
    /// The call.
    pub request: ProviderRequest,
    /// The answer.
    pub answer: ProviderAnswer,
    /// When it was called, as RFC 3339.
    pub at: String,
    /// Milliseconds to the whole answer.
    pub ms: f64,
}

/// A call of a provider to the skill, after the skill has replied to the event.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Callback {
    /// It is sent when this many calls to providers were answered.
    pub after: usize,
    /// Milliseconds that pass before it is sent.
    pub delay_ms: u64,
    /// The call. Of its URL only path and query count: the skill listens elsewhere each time.
    pub request: ProviderRequest,
}

/// An entry of a cassette.
#[derive(Clone, Debug, PartialEq)]
pub enum Entry {
    /// A call of the skill.
    Call(Exchange),
    /// A call to the skill.
    Callback(Callback),
}

/// The recorded calls of one case.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Cassette {
    /// The entries, in their order.
    pub entries: Vec<Entry>,
}

impl Cassette {
    /// The calls of the skill.
    pub fn calls(&self) -> impl Iterator<Item = &Exchange> {
        self.entries.iter().filter_map(|entry| match entry {
            Entry::Call(exchange) => Some(exchange),
            Entry::Callback(_) => None,
        })
    }

    /// The calls to the skill.
    pub fn callbacks(&self) -> impl Iterator<Item = &Callback> {
        self.entries.iter().filter_map(|entry| match entry {
            Entry::Callback(callback) => Some(callback),
            Entry::Call(_) => None,
        })
    }
}

fn header<'h>(headers: &'h Headers, name: &str) -> Option<&'h str> {
    let found = headers
        .iter()
        .find(|(own, _)| own.eq_ignore_ascii_case(name));
    found.map(|(_, value)| value.as_str())
}
