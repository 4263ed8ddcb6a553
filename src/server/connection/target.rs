//! What the head of a request says about its target: the host that is meant, and how long the
//! request is.

use http::{Request, Uri, header};
use hyper::body::{Body, Incoming};

use crate::{domain::hosts::HostPort, server::handler::Scheme};

/// The length in bytes of a request with a body, with its head as short as a client can write it;
/// nothing for one without a body.
pub(super) fn length_with_body(request: &Request<Incoming>) -> Option<u64> {
    const AROUND_THE_TARGET: usize = "  HTTP/1.1\r\n\r\n".len();
    const AROUND_A_VALUE: usize = ": \r\n".len();
    if request.body().is_end_stream() {
        return None;
    }
    let target = request
        .uri()
        .path_and_query()
        .map_or(0, |it| it.as_str().len());
    let lines = request.headers().iter();
    let lines = lines.map(|(name, value)| name.as_str().len() + value.len() + AROUND_A_VALUE);
    let head = request.method().as_str().len() + target + AROUND_THE_TARGET + lines.sum::<usize>();
    // A chunked body has no length beforehand.
    let body = request.body().size_hint().exact().unwrap_or(u64::MAX);
    Some(body.saturating_add(head as u64))
}

/// The scheme and host of an absolute-form target; nothing for an origin form.
pub(super) fn absolute_form(uri: &Uri) -> Result<Option<(Scheme, HostPort)>, &'static str> {
    let Some(authority) = uri.authority() else {
        return Ok(None);
    };
    let scheme = match uri.scheme_str() {
        Some("http") => Scheme::Clear,
        Some("https") => Scheme::Tls,
        _ => return Err("the request's target has a scheme that is neither http nor https"),
    };
    // Credentials in a target are for the origin; no Box client sends any.
    let host = authority.as_str().rsplit('@').next().unwrap_or_default();
    HostPort::parse(host)
        .map(|target| Some((scheme, target)))
        .ok_or("the request's target names no host")
}

/// The host of the Host header. Two of them, or one that can be no host, is a malformed head.
pub(super) fn host_header<B>(request: &Request<B>) -> Result<Option<HostPort>, &'static str> {
    let mut hosts = request.headers().get_all(header::HOST).iter();
    let Some(host) = hosts.next() else {
        return Ok(None);
    };
    if hosts.next().is_some() {
        return Err("the request has more than one Host header");
    }
    match host.to_str() {
        Ok("") => Ok(None),
        Ok(text) => HostPort::parse(text)
            .map(Some)
            .ok_or("the Host header names no host"),
        Err(_) => Err("the Host header names no host"),
    }
}
