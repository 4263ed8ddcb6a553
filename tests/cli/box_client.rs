//! The client's calls on the wire: what goes out, and when it goes out again. The library is
//! called itself here, as every command that writes to Box does.

use std::time::Duration;

use serde_json::{Value, json};
use skillctl::{
    client::{BoxClient, BoxError, Options},
    domain::secret::Secret,
    env::Environment,
};

use crate::tiny_box::{Answer, End, TinyBox};

const CARDS: &str = "/2.0/files/7/metadata/global/boxSkillsCards";

fn client(tiny: &TinyBox) -> BoxClient {
    let mut options = Options::new(&Environment::read());
    options.backoff.policy.retries = 2;
    options.backoff.policy.base = Duration::from_millis(1);
    let root = tiny.url().parse().expect("a URL");
    BoxClient::new(root, Secret::new("write-token-0123456789"), options)
}

fn call<T>(future: impl Future<Output = Result<T, BoxError>>) -> Result<T, BoxError> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime")
        .block_on(future)
}

/// Answers the first requests as given, and the rest with an instance.
fn answering(first: Vec<Answer>) -> TinyBox {
    TinyBox::start(move |_, before| {
        let instance = json!({"$version": 1, "cards": []}).to_string();
        first
            .get(before)
            .cloned()
            .unwrap_or_else(|| Answer::new(200, instance))
    })
}

#[test]
fn each_call_goes_out_as_box_documents_it() {
    let tiny = answering(Vec::new());
    let client = client(&tiny);
    let cards = json!({"cards": []});
    let patch = json!([{"op": "replace", "path": "/cards", "value": []}]);
    call(async {
        let template = ("7", "global", "boxSkillsCards");
        let (file, scope, key) = template;
        client.get_metadata(file, scope, key).await?;
        client.create_metadata(file, scope, key, &cards).await?;
        client.patch_metadata(file, scope, key, &patch).await?;
        client.delete_metadata(file, scope, key).await?;
        client.put_invocation("12", &cards).await
    })
    .expect("all are answered");
    let sent: Vec<(String, String, Option<String>, String)> = tiny
        .requests()
        .into_iter()
        .map(|request| {
            assert_eq!(
                request.header("authorization"),
                Some("Bearer write-token-0123456789")
            );
            let media_type = request.header("content-type").map(str::to_owned);
            (request.method, request.target, media_type, request.body)
        })
        .collect();
    let json_type = || Some("application/json".to_owned());
    let patch_type = || Some("application/json-patch+json".to_owned());
    let expected = [
        ("GET", CARDS, None, String::new()),
        ("POST", CARDS, json_type(), cards.to_string()),
        ("PUT", CARDS, patch_type(), patch.to_string()),
        ("DELETE", CARDS, None, String::new()),
        (
            "PUT",
            "/2.0/skill_invocations/12",
            json_type(),
            cards.to_string(),
        ),
    ]
    .map(|(method, target, media_type, body)| {
        (method.to_owned(), target.to_owned(), media_type, body)
    });
    assert_eq!(sent, expected);
}

#[test]
fn the_short_envelope_of_the_metadata_calls_is_read() {
    let body =
        r#"{"message":"Tuple already exists","code":"tuple_already_exists","request_id":"r1"}"#;
    let tiny = answering(vec![Answer::new(409, body)]);
    let client = client(&tiny);
    let error = call(client.create_metadata("7", "global", "boxSkillsCards", &json!({})))
        .expect_err("a conflict");
    let refusal = error.refusal().expect("Box answered");
    assert_eq!(refusal.status, 409);
    assert_eq!(refusal.code.as_deref(), Some("tuple_already_exists"));
    assert_eq!(refusal.request_id.as_deref(), Some("r1"));
    assert_eq!(tiny.requests().len(), 1, "409 is final");
}

fn patched(first: Answer, path: &str) -> (Result<Value, BoxError>, usize) {
    let tiny = answering(vec![first]);
    let client = client(&tiny);
    let appending = json!([{"op": "add", "path": path, "value": {}}]);
    let result = call(client.patch_metadata("7", "global", "boxSkillsCards", &appending));
    (result, tiny.requests().len())
}

#[test]
fn a_patch_that_appends_is_not_sent_twice_unless_it_was_turned_away() {
    let busy = || Answer::new(503, "").header("Retry-After", "0");
    let limited = || Answer::new(429, "").header("Retry-After", "0");
    let failed = || Answer::new(500, "");
    let reset = || Answer::new(200, "{}").end(End::Reset(0));
    for turned_away in [busy(), limited()] {
        assert_eq!(patched(turned_away, "/cards/-").1, 2);
    }
    for unclear in [failed(), reset()] {
        let (result, requests) = patched(unclear, "/cards/-");
        assert!(result.is_err());
        assert_eq!(requests, 1);
    }
    for unclear in [failed(), reset()] {
        let (result, requests) = patched(unclear, "/cards");
        assert!(result.is_ok(), "{result:?}");
        assert_eq!(requests, 2);
    }
}
