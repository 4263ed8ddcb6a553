//! Box's calls, one function each: what goes out, what must come back. Facts: the API reference
//! of developer.box.com for each endpoint. Sending, trying again and reading are in `call`.

use std::fmt;

use http::{HeaderName, HeaderValue, Method, header};
use reqwest::Response;
use serde_json::Value;
use url::Url;

use super::{
    call::{Call, Repeat},
    error::{BoxError, ErrorKind},
    file::{FileInfo, Representation},
    http::{Connections, Http},
    pace::Pace,
};
use crate::{
    domain::secret::Secret,
    env::{Clock, Environment, wall_clock},
};

/// How a client calls.
#[derive(Clone)]
pub struct Options {
    /// Proxies, certificates and time limits.
    pub connections: Connections,
    /// When a call is tried again.
    pub pace: Pace,
    /// The present, for a `Retry-After` that names a date.
    pub clock: Clock,
}

impl Options {
    /// The usual policy and limits, in these surroundings; nobody is told of pauses.
    pub fn new(environment: &Environment) -> Self {
        Self {
            connections: Connections::new(environment),
            pace: Pace::default(),
            clock: wall_clock(),
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.debug_struct("Options")
            .field("connections", &self.connections)
            .field("pace", &self.pace)
            .finish_non_exhaustive()
    }
}

/// A metadata instance as Box answers it: `$version` and the like beside the template's fields.
pub type Instance = Value;

/// Box, as one token may call it.
#[derive(Debug)]
pub struct BoxClient {
    pub(super) http: Http,
    pub(super) root: Url,
    pub(super) token: Secret,
    pub(super) options: Options,
}

const JSON_PATCH: HeaderValue = HeaderValue::from_static("application/json-patch+json");
const JSON: HeaderValue = HeaderValue::from_static("application/json");

impl BoxClient {
    /// A client of the API at `root` (`https://api.box.com`, without `/2.0`).
    pub fn new(root: Url, token: Secret, options: Options) -> Self {
        Self {
            http: Http::new(options.connections.clone()),
            root,
            token,
            options,
        }
    }

    /// `GET /files/{id}`: what a download needs to know. With `hint`, the representations that
    /// match it too (`X-Rep-Hints`).
    pub async fn file_info(&self, id: &str, hint: Option<&str>) -> Result<FileInfo, BoxError> {
        let mut url = self.endpoint(&["files", id]);
        let fields = "name,size,sha1,etag,file_version";
        let mut call = Call::new(Method::GET, url.clone());
        if let Some(hint) = hint {
            url.set_query(Some(&format!("fields={fields},representations")));
            call.headers.push((
                HeaderName::from_static("x-rep-hints"),
                in_brackets(hint, &url)?,
            ));
        } else {
            url.set_query(Some(&format!("fields={fields}")));
        }
        call.url = url;
        self.typed(&call, "a file object of Box's").await
    }

    /// `GET /files/{id}/versions/{version}`: the same about another version than the current.
    pub async fn version_info(&self, id: &str, version: &str) -> Result<FileInfo, BoxError> {
        let mut url = self.endpoint(&["files", id, "versions", version]);
        url.set_query(Some("fields=name,size,sha1"));
        self.typed(&Call::new(Method::GET, url), "a file version of Box's")
            .await
    }

    /// `GET` of a representation's `info.url`: how far it is.
    pub async fn representation(&self, url: &Url) -> Result<Representation, BoxError> {
        let call = Call::new(Method::GET, url.clone()).named_by_box();
        self.typed(&call, "a representation of Box's").await
    }

    /// `GET /files/{id}/metadata/{scope}/{template}`.
    pub async fn get_metadata(
        &self,
        id: &str,
        scope: &str,
        template: &str,
    ) -> Result<Instance, BoxError> {
        let url = self.endpoint(&["files", id, "metadata", scope, template]);
        self.typed(&Call::new(Method::GET, url), INSTANCE).await
    }

    /// `POST /files/{id}/metadata/{scope}/{template}`: makes the instance; a second one is
    /// answered with 409. Tried again after a broken connection too, as there can be only one:
    /// a 409 may then be the echo of the first try.
    pub async fn create_metadata(
        &self,
        id: &str,
        scope: &str,
        template: &str,
        fields: &Value,
    ) -> Result<Instance, BoxError> {
        let url = self.endpoint(&["files", id, "metadata", scope, template]);
        let call = Call::new(Method::POST, url).body(JSON, fields);
        self.typed(&call, INSTANCE).await
    }

    /// `PUT /files/{id}/metadata/{scope}/{template}` with a JSON Patch (RFC 6902). A patch that
    /// would add twice when sent twice is only tried again when the first try had no effect.
    pub async fn patch_metadata(
        &self,
        id: &str,
        scope: &str,
        template: &str,
        patch: &Value,
    ) -> Result<Instance, BoxError> {
        let url = self.endpoint(&["files", id, "metadata", scope, template]);
        let mut call = Call::new(Method::PUT, url).body(JSON_PATCH, patch);
        if !may_be_sent_twice(patch) {
            call.repeat = Repeat::WithoutEffect;
        }
        self.typed(&call, INSTANCE).await
    }

    /// `DELETE /files/{id}/metadata/{scope}/{template}`.
    pub async fn delete_metadata(
        &self,
        id: &str,
        scope: &str,
        template: &str,
    ) -> Result<(), BoxError> {
        let url = self.endpoint(&["files", id, "metadata", scope, template]);
        self.done(&Call::new(Method::DELETE, url)).await
    }

    /// `PUT /skill_invocations/{skill_id}`: replaces all cards of the file that `invocation`
    /// names.
    pub async fn put_invocation(&self, skill: &str, invocation: &Value) -> Result<(), BoxError> {
        let url = self.endpoint(&["skill_invocations", skill]);
        self.done(&Call::new(Method::PUT, url).body(JSON, invocation))
            .await
    }

    /// Where the bytes of a file are: `GET /files/{id}/content`.
    pub fn content(&self, id: &str, version: Option<&str>) -> Place {
        Place {
            url: content(&self.root, id, version),
            named_by_box: false,
        }
    }

    /// Where the bytes of a representation are. Of one with several pages, the first.
    pub fn representation_content(&self, representation: &Representation) -> Option<Place> {
        let paged = representation
            .properties
            .get("paged")
            .is_some_and(|paged| paged == "true" || paged == true);
        let asset = if paged {
            format!("1.{}", representation.kind)
        } else {
            String::new()
        };
        let url = representation
            .content
            .url_template
            .replace("{+asset_path}", &asset);
        Some(Place {
            url: self.root.join(&url).ok().filter(|_| !url.is_empty())?,
            named_by_box: true,
        })
    }

    /// Opens the bytes at a place, from `range` on where it is given: one try, which follows
    /// redirections with no token sent to another host. The answer is a 200, 206 or 416.
    pub async fn open(&self, place: &Place, range: Option<&Range>) -> Result<Response, BoxError> {
        let mut call = Call::new(Method::GET, place.url.clone());
        call.headers = vec![(
            header::ACCEPT_ENCODING,
            HeaderValue::from_static("identity"),
        )];
        if place.named_by_box {
            call = call.named_by_box();
        }
        if let Some(range) = range {
            let from = HeaderValue::try_from(format!("bytes={}-", range.from));
            call.headers.extend(from.map(|from| (header::RANGE, from)));
            if let Some(validator) = &range.if_range {
                let validator = HeaderValue::try_from(validator);
                call.headers
                    .extend(validator.map(|value| (header::IF_RANGE, value)));
            }
        }
        self.opened(&call).await
    }

    /// When calls are tried again.
    pub fn pace(&self) -> &Pace {
        &self.options.pace
    }

    fn endpoint(&self, segments: &[&str]) -> Url {
        endpoint(&self.root, segments)
    }
}

/// Where bytes can be fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    url: Url,
    named_by_box: bool,
}

impl Place {
    pub(super) fn url(&self) -> &Url {
        &self.url
    }
}

/// A part of the bytes: all from one on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Range {
    /// The first byte wanted, from 0.
    pub from: u64,
    /// What the bytes before it were labelled with (a strong ETag or a date): the server is to
    /// answer with everything where that has changed.
    pub if_range: Option<String>,
}

fn in_brackets(hint: &str, url: &Url) -> Result<HeaderValue, BoxError> {
    HeaderValue::from_str(&format!("[{}]", hint.trim_matches(['[', ']']))).map_err(|_| {
        let reason = "the hint holds characters that no header can".to_owned();
        BoxError::new(&Method::GET, url, ErrorKind::Setup { reason })
    })
}

const INSTANCE: &str = "a metadata instance of Box's";

/// The URL of a call below `root`, each segment escaped.
fn endpoint(root: &Url, segments: &[&str]) -> Url {
    let mut url = root.clone();
    url.set_query(None);
    url.set_fragment(None);
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().push("2.0").extend(segments);
    }
    url
}

fn content(root: &Url, id: &str, version: Option<&str>) -> Url {
    let mut url = endpoint(root, &["files", id, "content"]);
    if let Some(version) = version {
        url.query_pairs_mut().append_pair("version", version);
    }
    url
}

/// The URL that downloads a file without a header, as the payload's documentation builds it.
/// Whoever has it can read the file while the token lives.
pub fn download_url(root: &Url, id: &str, version: Option<&str>, token: &Secret) -> String {
    let mut url = content(root, id, version);
    url.query_pairs_mut()
        .append_pair("access_token", token.expose());
    url.into()
}

/// Whether a patch leaves the same behind when it is applied twice: it only tests, replaces and
/// sets members by name, and neither appends, inserts, removes nor moves.
fn may_be_sent_twice(patch: &Value) -> bool {
    patch.as_array().is_some_and(|operations| {
        operations.iter().all(|operation| {
            let text = |name: &str| operation.get(name).and_then(Value::as_str);
            match text("op") {
                Some("replace") => true,
                Some("add") => text("path")
                    .and_then(|path| path.rsplit('/').next())
                    .is_some_and(|last| last != "-" && last.parse::<u64>().is_err()),
                _ => false,
            }
        })
    })
}

/// The media type of what is sent or wanted.
pub(super) fn accept_json() -> (HeaderName, HeaderValue) {
    (header::ACCEPT, JSON)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).expect("a URL")
    }

    #[test]
    fn endpoints_lie_below_the_root_whatever_its_path_and_no_segment_escapes() {
        let at = |root: &str, id: &str| endpoint(&url(root), &["files", id]).to_string();
        assert_eq!(at("http://h:1", "7"), "http://h:1/2.0/files/7");
        assert_eq!(at("http://h:1/", "7"), "http://h:1/2.0/files/7");
        assert_eq!(at("http://h:1/box/", "7"), "http://h:1/box/2.0/files/7");
        assert_eq!(
            at("http://h:1/?x=1", "../a?b#c"),
            "http://h:1/2.0/files/..%2Fa%3Fb%23c"
        );
    }

    #[test]
    fn the_download_url_is_the_documented_one() {
        assert_eq!(
            download_url(
                &url("https://api.box.com"),
                "12345",
                None,
                &Secret::new("to ken&")
            ),
            "https://api.box.com/2.0/files/12345/content?access_token=to+ken%26"
        );
    }

    #[test]
    fn patches_that_add_up_are_told_from_those_that_settle() {
        let settles = json!([
            {"op": "replace", "path": "/cards/0", "value": {}},
            {"op": "add", "path": "/cards", "value": []}
        ]);
        assert!(may_be_sent_twice(&settles));
        for path in ["/cards/-", "/cards/0"] {
            let appends = json!([{"op": "add", "path": path, "value": {}}]);
            assert!(!may_be_sent_twice(&appends), "{path}");
        }
        for op in ["remove", "move", "copy", "test"] {
            let patch = json!([{"op": op, "path": "/cards/0"}]);
            assert!(!may_be_sent_twice(&patch), "{op}");
        }
        assert!(!may_be_sent_twice(&json!({})));
    }
}
