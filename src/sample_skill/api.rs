//! The calls that this skill makes: to Box for the download, skill_invocations and metadata, and to a
//! service that transcribes recordings.

use std::{fmt, io::Read, sync::OnceLock, thread, time::Duration};

use reqwest::{
    Method, StatusCode,
    blocking::{Client, ClientBuilder, RequestBuilder, Response},
    header::{CONTENT_TYPE, LOCATION, RETRY_AFTER},
    redirect::Policy,
};
use serde_json::{Value, json};
use sha1::{Digest, Sha1};
use url::{Host, Url};

use super::{
    cards::{Content, Kind},
    event::Invocation,
};

/// Attempts of a call; the answer to the last one counts.
const MAX_ATTEMPTS: u32 = 4;
/// The pause before the second attempt; doubled for each further one.
const FIRST_BACK_OFF: Duration = Duration::from_millis(200);
/// A longer Retry-After is shortened to this.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(20);
/// Redirects followed on the way to a file.
const MAX_REDIRECTS: usize = 5;
/// Bytes of the largest file that is processed.
const MAX_FILE: u64 = 512 * 1024 * 1024;

/// A client for Box's API.
pub(super) struct BoxApi {
    root: Url,
    /// For this machine, in clear.
    loopback: OnceLock<Client>,
    /// For other machines and TLS.
    remote: OnceLock<Client>,
}

/// Why a call did not succeed. Holds neither tokens nor URLs.
#[derive(Debug)]
pub(super) enum CallError {
    /// Box answered with this status.
    Refused(u16),
    /// The file is larger than this skill processes.
    TooLarge,
    /// There was no complete answer.
    Broken(String),
}

impl fmt::Display for CallError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(status) => write!(formatter, "the answer was {status}"),
            Self::TooLarge => write!(formatter, "it has more than {MAX_FILE} bytes"),
            Self::Broken(why) => formatter.write_str(why),
        }
    }
}

impl From<reqwest::Error> for CallError {
    fn from(error: reqwest::Error) -> Self {
        let error = error.without_url();
        let mut why = error.to_string();
        let mut cause = std::error::Error::source(&error);
        while let Some(deeper) = cause {
            why = format!("{why}: {deeper}");
            cause = deeper.source();
        }
        Self::Broken(why)
    }
}

impl BoxApi {
    pub(super) fn new(root: Url) -> Self {
        Self {
            root,
            loopback: OnceLock::new(),
            remote: OnceLock::new(),
        }
    }

    /// Downloads the file of an event with its read token. An interrupted transfer is started again.
    pub(super) fn download(&self, invocation: &Invocation) -> Result<Content, CallError> {
        let mut attempt = 1;
        loop {
            let outcome = self
                .open(invocation)
                .and_then(|response| read_content(response, &invocation.file_name));
            match outcome {
                Err(CallError::Broken(_)) if attempt < MAX_ATTEMPTS => {
                    thread::sleep(back_off(attempt));
                    attempt += 1;
                }
                other => return other,
            }
        }
    }

    /// Follows Box's 302 to the download URL, which gets no token.
    fn open(&self, invocation: &Invocation) -> Result<Response, CallError> {
        let url = self.url(&["files", &invocation.file_id, "content"]);
        let mut response = self.send(&url, |client| {
            client.get(url.clone()).bearer_auth(&invocation.read_token)
        })?;
        for _ in 0..MAX_REDIRECTS {
            if !response.status().is_redirection() {
                return expect_status(response, &[StatusCode::OK]);
            }
            let target = response
                .headers()
                .get(LOCATION)
                .and_then(|location| location.to_str().ok())
                .and_then(|location| response.url().join(location).ok())
                .ok_or_else(|| CallError::Broken("a redirect without a target".to_owned()))?;
            response = self.send(&target, |client| client.get(target.clone()))?;
        }
        Err(CallError::Broken("too many redirects".to_owned()))
    }

    /// What a service hears in a recording.
    pub(super) fn transcribe(&self, service: &Url, recording: &[u8]) -> Result<Value, CallError> {
        let response = self.send(service, |client| {
            client
                .post(service.clone())
                .bearer_auth("the-key-of-the-sample-skill")
                .header(CONTENT_TYPE, "application/octet-stream")
                .body(recording.to_vec())
        })?;
        let response = expect_status(response, &[StatusCode::OK])?;
        let answer = response.bytes()?;
        serde_json::from_slice(&answer).map_err(|error| CallError::Broken(error.to_string()))
    }

    /// `PUT /skill_invocations/{skill_id}` with the write token.
    pub(super) fn put_invocation(
        &self,
        invocation: &Invocation,
        body: &Value,
    ) -> Result<(), CallError> {
        let url = self.url(&["skill_invocations", &invocation.skill_id]);
        let response = self.write(invocation, &Method::PUT, &url, "application/json", body)?;
        expect_status(response, &[StatusCode::OK]).map(drop)
    }

    /// Writes the cards by the metadata API: creates the instance, or patches the one that exists.
    pub(super) fn put_metadata(
        &self,
        invocation: &Invocation,
        cards: &Value,
    ) -> Result<(), CallError> {
        let url = self.url(&[
            "files",
            &invocation.file_id,
            "metadata",
            "global",
            "boxSkillsCards",
        ]);
        let instance = json!({ "cards": cards });
        let created = self.write(
            invocation,
            &Method::POST,
            &url,
            "application/json",
            &instance,
        )?;
        if created.status() != StatusCode::CONFLICT {
            return expect_status(created, &[StatusCode::CREATED]).map(drop);
        }
        let patch = json!([{"op": "add", "path": "/cards", "value": cards}]);
        let kind = "application/json-patch+json";
        let patched = self.write(invocation, &Method::PUT, &url, kind, &patch)?;
        expect_status(patched, &[StatusCode::OK]).map(drop)
    }

    fn write(
        &self,
        invocation: &Invocation,
        method: &Method,
        url: &Url,
        kind: &'static str,
        body: &Value,
    ) -> Result<Response, CallError> {
        let body = body.to_string();
        self.send(url, |client| {
            client
                .request(method.clone(), url.clone())
                .bearer_auth(&invocation.write_token)
                .header(CONTENT_TYPE, kind)
                .body(body.clone())
        })
    }

    /// Sends a request, and repeats it after an answer that a later attempt may not get.
    fn send(
        &self,
        url: &Url,
        request: impl Fn(&Client) -> RequestBuilder,
    ) -> Result<Response, CallError> {
        let client = self.client(url)?;
        let mut attempt = 1;
        loop {
            let outcome = request(client).send();
            if attempt == MAX_ATTEMPTS {
                return Ok(outcome?);
            }
            let wait = match &outcome {
                Ok(response) if is_temporary(response.status()) => retry_after(response),
                Ok(_) => return Ok(outcome?),
                Err(_) => None,
            };
            thread::sleep(wait.unwrap_or_else(|| back_off(attempt)));
            attempt += 1;
        }
    }

    /// A client for the host of `url`. On this machine neither the system's certificates, which take long
    /// to load, nor a proxy are needed.
    fn client(&self, url: &Url) -> Result<&Client, CallError> {
        let is_local = url.scheme() == "http" && is_loopback(url);
        let cell = if is_local {
            &self.loopback
        } else {
            &self.remote
        };
        if let Some(client) = cell.get() {
            return Ok(client);
        }
        // reqwest needs a provider even without TLS; a second call changes nothing.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let builder = settings();
        let built = if is_local {
            builder.no_proxy().tls_certs_only([]).build()?
        } else {
            builder.build()?
        };
        Ok(cell.get_or_init(|| built))
    }

    fn url(&self, segments: &[&str]) -> Url {
        let mut url = self.root.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().push("2.0").extend(segments);
        }
        url
    }
}

fn settings() -> ClientBuilder {
    Client::builder()
        .redirect(Policy::none())
        .connect_timeout(Duration::from_secs(10))
        .timeout(Duration::from_mins(2))
        .pool_idle_timeout(Duration::from_secs(20))
        .tcp_nodelay(true)
        .user_agent("sample-skill")
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// Whether a later attempt may succeed: not ready yet, too many calls, an outage.
fn is_temporary(status: StatusCode) -> bool {
    matches!(status.as_u16(), 202 | 429 | 500 | 502 | 503 | 504)
}

fn retry_after(response: &Response) -> Option<Duration> {
    let seconds = response.headers().get(RETRY_AFTER)?.to_str().ok()?;
    let wait = Duration::from_secs(seconds.trim().parse().ok()?);
    Some(wait.min(MAX_RETRY_AFTER))
}

fn back_off(attempt: u32) -> Duration {
    FIRST_BACK_OFF * 2_u32.pow(attempt - 1)
}

fn expect_status(response: Response, wanted: &[StatusCode]) -> Result<Response, CallError> {
    if wanted.contains(&response.status()) {
        Ok(response)
    } else {
        Err(CallError::Refused(response.status().as_u16()))
    }
}

/// Reads a file in pieces: all of it is counted and hashed, its kind says how much is kept.
fn read_content(mut response: Response, name: &str) -> Result<Content, CallError> {
    let mut piece = vec![0; 64 * 1024];
    let mut content = Content {
        kind: Kind::detect(name, &[]),
        kept: Vec::new(),
        size: 0,
        sha1: String::new(),
    };
    let mut hash = Sha1::new();
    loop {
        let read = response
            .read(&mut piece)
            .map_err(|error| CallError::Broken(format!("the transfer was interrupted: {error}")))?;
        if read == 0 {
            break;
        }
        let piece = &piece[..read];
        if content.size == 0 {
            content.kind = Kind::detect(name, piece);
        }
        content.size += read as u64;
        if content.size > MAX_FILE {
            return Err(CallError::TooLarge);
        }
        hash.update(piece);
        let missing = content.kind.max_kept() - content.kept.len();
        content.kept.extend_from_slice(&piece[..read.min(missing)]);
    }
    content.sha1 = hex(&hash.finalize());
    Ok(content)
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .map(|digit| char::from(DIGITS[usize::from(digit)]))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_built_below_the_root_with_ids_escaped() {
        for root in ["http://127.0.0.1:7269", "http://127.0.0.1:7269/"] {
            let api = BoxApi::new(Url::parse(root).expect("a URL"));
            assert_eq!(
                api.url(&["files", "4/2", "content"]).as_str(),
                "http://127.0.0.1:7269/2.0/files/4%2F2/content"
            );
        }
    }

    #[test]
    fn only_names_and_addresses_of_this_machine_are_loopback() {
        for (url, is_local) in [
            ("http://127.0.0.1:1", true),
            ("http://localhost", true),
            ("http://[::1]:1", true),
            ("http://127.0.0.1.example.com", false),
            ("https://api.box.com", false),
        ] {
            assert_eq!(
                is_loopback(&Url::parse(url).expect("a URL")),
                is_local,
                "{url}"
            );
        }
    }

    #[test]
    fn digests_are_lower_case_hexadecimal() {
        assert_eq!(hex(&[0x00, 0xaf, 0x5c]), "00af5c");
    }

    #[test]
    fn back_off_doubles() {
        assert_eq!(back_off(1), FIRST_BACK_OFF);
        assert_eq!(back_off(3), FIRST_BACK_OFF * 4);
    }
}
