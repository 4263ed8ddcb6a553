//! Calls of skills to their providers in a run with cassettes: answered from a cassette, or sent on and
//! recorded with their answers.

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode, header};
use jiff::Timestamp;
use url::Url;

use super::{egress::Egress, forward::forward, kept_body::KeptBody};
use crate::{
    domain::{
        cassette::{
            coding::decoded,
            deck::{Decision, Deck, OpenCall},
            exchange::{Exchange, Headers, ProviderAnswer, ProviderRequest},
        },
        hosts::HostPort,
        notice::{AnsweredFrom, ProviderCall},
        secret::redact_url,
    },
    server::{
        body::{RequestBody, ResponseBody},
        handler::{ConnectionReport, ReportKind, Scheme},
        limit::{ReadError, collect},
    },
};

/// Bytes of the largest body of a call or an answer that is answered from a cassette or recorded.
const MAX_BODY: u64 = 64 << 20;

/// Reports what happened to a call.
pub(in crate::server) type Reporter = Arc<dyn Fn(ConnectionReport) + Send + Sync>;

/// What a call to a provider is answered with.
pub(in crate::server) struct Providers<'a> {
    pub(in crate::server) deck: &'a Arc<Deck>,
    pub(in crate::server) egress: &'a Egress,
    /// How long reaching a provider may take.
    pub(in crate::server) limit: Duration,
    pub(in crate::server) report: Reporter,
}

/// A call whose body is in.
struct Call {
    peer: SocketAddr,
    scheme: Scheme,
    target: HostPort,
    request: ProviderRequest,
    /// The head and the body as they arrived, to be sent on.
    head: http::request::Parts,
    body: Bytes,
    started: Instant,
    at: Timestamp,
    event_id: Option<Arc<str>>,
}

impl Providers<'_> {
    /// Answers a call to `target`, whose request has the origin form.
    pub(in crate::server) async fn answer(
        &self,
        peer: SocketAddr,
        scheme: Scheme,
        target: HostPort,
        request: Request<RequestBody>,
    ) -> Response<ResponseBody> {
        let (head, body) = request.into_parts();
        let mut call = Call {
            peer,
            scheme,
            request: ProviderRequest {
                method: head.method.to_string(),
                url: url(scheme, &target, &head.uri),
                headers: list(&head.headers),
                body: Bytes::new(),
            },
            target,
            head,
            body: Bytes::new(),
            started: Instant::now(),
            at: Timestamp::now(),
            event_id: None,
        };
        if call.head.headers.contains_key(header::UPGRADE) {
            let reason =
                "WebSockets and other upgrades are neither recorded nor answered from a cassette";
            return self.miss(&call, StatusCode::NOT_IMPLEMENTED, reason);
        }
        match collect(body, MAX_BODY).await {
            Ok(body) => call.take(body),
            Err(error @ ReadError::TooLarge(_)) => {
                return self.miss(&call, StatusCode::PAYLOAD_TOO_LARGE, &error.to_string());
            }
            Err(error) => return plain_text(StatusCode::BAD_REQUEST, &error.to_string()),
        }
        let (decision, event_id) = self.deck.decide(&call.request);
        let open = self.deck.open(event_id.as_ref());
        call.event_id = event_id;
        match decision {
            Decision::Answer(answer) => {
                let report = call.answered(answer.status, AnsweredFrom::Cassette);
                (self.report)(report);
                from_cassette(&answer)
            }
            Decision::Miss(reason) => self.miss(&call, StatusCode::BAD_GATEWAY, &reason),
            Decision::Forward { is_recorded } => self.send_on(call, open, is_recorded).await,
        }
    }

    /// The answer to a call that has none, and its report.
    fn miss(&self, call: &Call, status: StatusCode, reason: &str) -> Response<ResponseBody> {
        let shown = call.shown_url();
        let message = format!(
            "{} {shown} is not in the cassette: {reason}",
            call.request.method
        );
        (self.report)(call.report(ReportKind::ProviderMissing, 0, None, &message));
        plain_text(status, &message)
    }

    /// Sends a call to its provider. Its answer is given back as it arrives, and recorded when it is whole.
    async fn send_on(
        &self,
        call: Call,
        open: OpenCall,
        is_recorded: bool,
    ) -> Response<ResponseBody> {
        let mut request =
            Request::from_parts(call.head.clone(), ResponseBody::bytes(call.body.clone()));
        if is_recorded && !signs_accept_encoding(request.headers()) {
            // A cassette holds answers as text where they are text.
            let identity = HeaderValue::from_static("identity");
            request
                .headers_mut()
                .insert(header::ACCEPT_ENCODING, identity);
        }
        let (egress, limit) = (self.egress, self.limit);
        let sent = {
            let mut unanswered = Unanswered {
                call: Some(&call),
                recorder: is_recorded.then_some(self.deck),
                report: &self.report,
            };
            let sent = forward(egress, limit, call.peer, call.scheme, &call.target, request).await;
            unanswered.call = None;
            sent
        };
        let answer = match sent {
            Ok(answer) => answer,
            Err(refusal) => {
                let reason = refusal.to_string();
                if is_recorded {
                    self.deck
                        .lose(call.not_recorded(&reason), call.event_id.as_deref());
                }
                (self.report)(call.report(refusal.kind(), 0, None, &reason));
                return plain_text(refusal.status(), &reason);
            }
        };
        let status = answer.status().as_u16();
        if !is_recorded {
            (self.report)(call.answered(status, AnsweredFrom::Provider));
            return answer;
        }
        let mut headers = list(answer.headers());
        let (deck, report) = (Arc::clone(self.deck), Arc::clone(&self.report));
        let end = move |body: Result<Bytes, String>| {
            let body = body.and_then(|body| without_coding(&mut headers, body));
            let message = match body {
                Ok(body) => {
                    let answer = ProviderAnswer {
                        status,
                        headers,
                        body,
                    };
                    deck.record(&call.exchange(answer), call.event_id.as_deref());
                    // Before the report, which wakes the run that waits for this call.
                    drop(open);
                    return report(call.answered(status, AnsweredFrom::Provider));
                }
                Err(reason) => call.not_recorded(&reason),
            };
            deck.lose(message.clone(), call.event_id.as_deref());
            drop(open);
            report(call.report(ReportKind::EgressFailed, 0, None, &message));
        };
        answer.map(|body| ResponseBody::streaming(KeptBody::new(body, MAX_BODY, Box::new(end))))
    }
}

/// A call that its provider has not answered. Dropped with the call, it reports that the skill went away.
struct Unanswered<'a> {
    call: Option<&'a Call>,
    /// What records the call, if it is to be recorded.
    recorder: Option<&'a Arc<Deck>>,
    report: &'a Reporter,
}

impl Drop for Unanswered<'_> {
    fn drop(&mut self) {
        let Some(call) = self.call else {
            return;
        };
        let after = call.started.elapsed().as_secs_f64();
        let message = call.not_recorded(&format!(
            "the skill did not wait for it longer than {after:.1} s"
        ));
        if let Some(deck) = self.recorder {
            deck.lose(message.clone(), call.event_id.as_deref());
        }
        (self.report)(call.report(ReportKind::EgressFailed, 0, None, &message));
    }
}

/// A body as it was before it was compressed. Its headers then name no coding.
///
/// # Errors
/// Why it cannot be decoded.
fn without_coding(headers: &mut Headers, body: Bytes) -> Result<Bytes, String> {
    let is_coding = |name: &str| name.eq_ignore_ascii_case(header::CONTENT_ENCODING.as_str());
    let codings: Vec<&str> = headers
        .iter()
        .filter(|(name, _)| is_coding(name))
        .map(|(_, value)| value.as_str())
        .collect();
    let plain = decoded(&body, &codings.join(","), MAX_BODY)?;
    headers.retain(|(name, _)| !is_coding(name));
    Ok(plain.map_or(body, Bytes::from))
}

/// Whether a signature covers the Accept-Encoding header, which then has to stay as it is.
fn signs_accept_encoding(headers: &HeaderMap) -> bool {
    let authorization = headers.get(header::AUTHORIZATION);
    let authorization = authorization.and_then(|value| value.to_str().ok());
    authorization.is_some_and(|text| {
        let signed = text.split_once("SignedHeaders=").map(|(_, signed)| signed);
        let mut signed = signed.unwrap_or_default().split([';', ',']);
        signed.any(|name| name.eq_ignore_ascii_case("accept-encoding"))
    })
}

impl Call {
    /// Takes the body, which is matched and recorded as it was before it was compressed.
    fn take(&mut self, body: Bytes) {
        self.body = body.clone();
        let mut headers = self.request.headers.clone();
        // A body in a coding that is not known is matched as it is.
        if let Ok(plain) = without_coding(&mut headers, body.clone()) {
            self.request.headers = headers;
            self.request.body = plain;
        } else {
            self.request.body = body;
        }
    }

    fn answered(&self, status: u16, from: AnsweredFrom) -> ConnectionReport {
        let place = match from {
            AnsweredFrom::Cassette => "from the cassette",
            AnsweredFrom::Provider => "by the provider",
        };
        let shown = self.shown_url();
        let message = format!(
            "{} {shown} was answered {status} {place}",
            self.request.method
        );
        self.report(ReportKind::Provider, status, Some(from), &message)
    }

    fn report(
        &self,
        kind: ReportKind,
        status: u16,
        from: Option<AnsweredFrom>,
        message: &str,
    ) -> ConnectionReport {
        let host = self.target.host.to_string();
        ConnectionReport {
            provider: Some(ProviderCall {
                method: self.request.method.clone(),
                url: self.shown_url(),
                status,
                ms: self.ms(),
                from,
            }),
            event_id: self.event_id.clone(),
            ..ConnectionReport::new(Some(self.peer), kind, Some(host), message)
        }
    }

    /// A sentence about an answer that was not recorded.
    fn not_recorded(&self, reason: &str) -> String {
        let (method, shown) = (&self.request.method, self.shown_url());
        format!("the answer to {method} {shown} was not recorded: {reason}")
    }

    fn exchange(&self, answer: ProviderAnswer) -> Exchange {
        Exchange {
            request: self.request.clone(),
            answer,
            at: format!("{:.3}", self.at),
            ms: self.ms(),
        }
    }

    fn ms(&self) -> f64 {
        self.started.elapsed().as_secs_f64() * 1000.0
    }

    /// The URL without its secrets.
    fn shown_url(&self) -> String {
        match Url::parse(&self.request.url) {
            Ok(url) => redact_url(&url),
            Err(_) => format!("{}://{}", self.scheme.as_str(), self.target),
        }
    }
}

fn url(scheme: Scheme, target: &HostPort, uri: &http::Uri) -> String {
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let default = match scheme {
        Scheme::Clear => 80,
        Scheme::Tls => 443,
    };
    let port = match target.port {
        Some(port) if port != default => format!(":{port}"),
        _ => String::new(),
    };
    let host = if target.host.contains(':') {
        format!("[{}]", target.host)
    } else {
        target.host.to_string()
    };
    format!("{}://{host}{port}{path}", scheme.as_str())
}

fn list(headers: &HeaderMap) -> Headers {
    let headers = headers.iter();
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    headers
        .map(|(name, value)| (name.to_string(), text(value)))
        .collect()
}

fn from_cassette(answer: &ProviderAnswer) -> Response<ResponseBody> {
    let mut response = Response::new(ResponseBody::bytes(answer.body.clone()));
    *response.status_mut() =
        StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    for (name, value) in &answer.headers {
        let is_length = name.eq_ignore_ascii_case("content-length")
            || name.eq_ignore_ascii_case("transfer-encoding")
            || name.eq_ignore_ascii_case("connection");
        if let (false, Ok(name), Ok(value)) = (
            is_length,
            name.parse::<HeaderName>(),
            HeaderValue::from_str(value),
        ) {
            response.headers_mut().append(name, value);
        }
    }
    response
}

/// An answer of the proxy's own, in plain text: it is not from the provider.
pub(in crate::server) fn plain_text(status: StatusCode, reason: &str) -> Response<ResponseBody> {
    let mut answer = Response::new(ResponseBody::bytes(format!("skillctl: {reason}\n")));
    *answer.status_mut() = status;
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    answer.headers_mut().insert(header::CONTENT_TYPE, plain);
    answer
}
