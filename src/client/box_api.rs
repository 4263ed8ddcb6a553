//! The calls to Box, one function each: what is sent, and what must come back. The source is the API
//! reference of developer.box.com for each endpoint. Sending and retrying are in `transport`.

use http::{HeaderName, HeaderValue, Method, header};
use reqwest::Response;
use serde_json::Value;
use url::Url;

use super::{
    backoff::Backoff,
    call::{Call, JSON, Repeat},
    error::{BoxError, ErrorKind},
    file::{FileInfo, Representation},
    transport::{Options, Transport},
};
use crate::domain::secret::Secret;

/// A metadata instance as Box answers it: the template's fields, and `$version` and the like.
pub type Instance = Value;

/// Box, as one token may call it.
#[derive(Debug)]
pub struct BoxClient {
    transport: Transport,
}

const JSON_PATCH: HeaderValue = HeaderValue::from_static("application/json-patch+json");

impl BoxClient {
    /// A client of the API at `root` (`https://api.box.com`, without `/2.0`).
    pub fn new(root: Url, token: Secret, options: Options) -> Self {
        Self {
            transport: Transport::new(root, token, options),
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
        self.transport.typed(&call, "a file object of Box").await
    }

    /// `GET /files/{id}/versions/{version}`: the same about another version than the current.
    pub async fn version_info(&self, id: &str, version: &str) -> Result<FileInfo, BoxError> {
        let mut url = self.endpoint(&["files", id, "versions", version]);
        url.set_query(Some("fields=name,size,sha1"));
        self.transport
            .typed(&Call::new(Method::GET, url), "a file version of Box")
            .await
    }

    /// `GET` of a representation's `info.url`: its state.
    pub async fn representation(&self, url: &Url) -> Result<Representation, BoxError> {
        let call = Call::new(Method::GET, url.clone()).named_by_box();
        self.transport.typed(&call, "a representation of Box").await
    }

    /// `GET /files/{id}/metadata/{scope}/{template}`.
    pub async fn get_metadata(
        &self,
        id: &str,
        scope: &str,
        template: &str,
    ) -> Result<Instance, BoxError> {
        let url = self.endpoint(&["files", id, "metadata", scope, template]);
        self.transport
            .typed(&Call::new(Method::GET, url), INSTANCE)
            .await
    }

    /// `POST /files/{id}/metadata/{scope}/{template}`: creates the instance; Box answers a second
    /// one with 409. Retried after a broken connection too, since a file has one instance of a
    /// template: a 409 may then be caused by the first attempt.
    pub async fn create_metadata(
        &self,
        id: &str,
        scope: &str,
        template: &str,
        fields: &Value,
    ) -> Result<Instance, BoxError> {
        let url = self.endpoint(&["files", id, "metadata", scope, template]);
        let call = Call::new(Method::POST, url).body(JSON, fields);
        self.transport.typed(&call, INSTANCE).await
    }

    /// `PUT /files/{id}/metadata/{scope}/{template}` with a JSON Patch (RFC 6902). A patch that
    /// would add twice is retried only where the first attempt had no effect.
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
        self.transport.typed(&call, INSTANCE).await
    }

    /// `DELETE /files/{id}/metadata/{scope}/{template}`.
    pub async fn delete_metadata(
        &self,
        id: &str,
        scope: &str,
        template: &str,
    ) -> Result<(), BoxError> {
        let url = self.endpoint(&["files", id, "metadata", scope, template]);
        self.transport.done(&Call::new(Method::DELETE, url)).await
    }

    /// `PUT /skill_invocations/{skill_id}`: replaces all cards of the file that `invocation`
    /// names.
    pub async fn put_invocation(&self, skill: &str, invocation: &Value) -> Result<(), BoxError> {
        let url = self.endpoint(&["skill_invocations", skill]);
        self.transport
            .done(&Call::new(Method::PUT, url).body(JSON, invocation))
            .await
    }

    /// Where the bytes of a file are: `GET /files/{id}/content`.
    pub fn content(&self, id: &str, version: Option<&str>) -> ContentLocation {
        ContentLocation {
            url: content(self.transport.root(), id, version),
            named_by_box: false,
        }
    }

    /// Where the bytes of a representation are. Of one with several pages, the first.
    pub fn representation_content(
        &self,
        representation: &Representation,
    ) -> Option<ContentLocation> {
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
        Some(ContentLocation {
            url: self
                .transport
                .root()
                .join(&url)
                .ok()
                .filter(|_| !url.is_empty())?,
            named_by_box: true,
        })
    }

    /// Opens the bytes at a location, from `range` on where it is given: one attempt, which follows
    /// redirections and sends the token to no other host. The answer is a 200, 206 or 416.
    pub async fn open(
        &self,
        location: &ContentLocation,
        range: Option<&Range>,
    ) -> Result<Response, BoxError> {
        let mut call = Call::new(Method::GET, location.url.clone());
        call.headers = vec![(
            header::ACCEPT_ENCODING,
            HeaderValue::from_static("identity"),
        )];
        if location.named_by_box {
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
        self.transport.opened(&call).await
    }

    /// When calls are retried.
    pub fn backoff(&self) -> &Backoff {
        self.transport.backoff()
    }

    /// The error that Box is still preparing what is at `url`.
    pub(super) fn not_ready(&self, url: &Url) -> BoxError {
        let kind = ErrorKind::NotReady { retry_after: None };
        self.transport.error_at(url, kind)
    }

    /// The error that there is no such representation of a file.
    pub(super) fn no_representation(&self, file_id: &str, reason: String) -> BoxError {
        let url = self.content(file_id, None).url;
        self.transport
            .error_at(&url, ErrorKind::Representation { reason })
    }

    fn endpoint(&self, segments: &[&str]) -> Url {
        endpoint(self.transport.root(), segments)
    }
}

/// Where bytes can be fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContentLocation {
    url: Url,
    named_by_box: bool,
}

/// A part of the bytes: all from one on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Range {
    /// The first byte wanted, from 0.
    pub from: u64,
    /// The strong ETag or the date of the bytes before it: the server answers with everything if
    /// that has changed.
    pub if_range: Option<String>,
}

fn in_brackets(hint: &str, url: &Url) -> Result<HeaderValue, BoxError> {
    HeaderValue::from_str(&format!("[{}]", hint.trim_matches(['[', ']']))).map_err(|_| {
        let reason = "the hint holds characters that no header can".to_owned();
        BoxError::new(&Method::GET, url, ErrorKind::Setup { reason })
    })
}

const INSTANCE: &str = "a metadata instance of Box";

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
/// It grants access to the file while the token is valid.
pub fn download_url(root: &Url, id: &str, version: Option<&str>, token: &Secret) -> String {
    let mut url = content(root, id, version);
    url.query_pairs_mut()
        .append_pair("access_token", token.expose());
    url.into()
}

/// Whether a patch that is applied twice has the effect of applying it once: it only replaces values
/// and sets members by name. A `test` could fail the second time, and the rest adds up or fails.
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
    fn a_patch_is_repeatable_only_if_it_replaces_values_and_sets_members() {
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
