//! Malformed and random calls, and invariants of all answers.

use bytes::Bytes;
use http::StatusCode;
use proptest::prelude::*;
use serde_json::Value;

use super::world::{World, any, with};
use crate::mock_box::{Answer, AnswerBody, Envelope, Spooled, Upload, http::request::tests::head};

/// Segments of real paths, and others.
const SEGMENTS: [&str; 28] = [
    "2.0",
    "api",
    "files",
    "42",
    "41",
    "0",
    "null",
    "content",
    "metadata",
    "global",
    "boxSkillsCards",
    "enterprise",
    "versions",
    "43",
    "copy",
    "folders",
    "items",
    "users",
    "me",
    "internal_files",
    "representations",
    "jpg_1x1",
    "skill_invocations",
    "oauth2",
    "token",
    "revoke",
    "%2e%2e",
    "%ff",
];

/// Bodies that are almost valid.
const BODIES: [&str; 14] = [
    "",
    "{",
    "[]",
    "{}",
    "null",
    r#"{"cards":[]}"#,
    r#"{"cards":[{"type":7}]}"#,
    r#"{"name":"a","parent":{"id":"0"}}"#,
    r#"{"name":"","parent":{"id":44}}"#,
    r#"{"name":7,"parent":"0"}"#,
    r#"[{"op":"add","path":"/cards","value":[]}]"#,
    r#"[{"op":"remove","path":""}]"#,
    r#"{"status":"success","file":{"id":"42"},"metadata":{"cards":[]}}"#,
    "grant_type=client_credentials&client_id=%ff",
];

fn line() -> impl Strategy<Value = String> {
    let method = prop::sample::select(vec!["GET", "PUT", "POST", "DELETE", "HEAD", "OPTIONS"]);
    let path = prop::collection::vec(prop::sample::select(SEGMENTS.to_vec()), 0..9);
    let query = prop::sample::select(vec![
        "",
        "fields=name,metadata.global.boxSkillsCards,representations",
        "fields=,,metadata.,metadata.a.b",
        "limit=-1",
        "offset=18446744073709551615&limit=18446744073709551615",
        "usemarker=true&marker=9",
        "version=43",
        "version=%00",
        "access_token=",
    ]);
    (method, path, query)
        .prop_map(|(method, path, query)| format!("{method} /{}?{query}", path.join("/")))
}

fn header() -> impl Strategy<Value = (&'static str, String)> {
    let name = prop::sample::select(vec![
        "range",
        "if-range",
        "if-match",
        "if-none-match",
        "x-rep-hints",
        "content-md5",
    ]);
    (
        name,
        "[ -~]{0,20}|bytes=[0-9-]{0,22}|\\[(jpg|mp3)[?=0-9x,]{0,9}\\]",
    )
}

fn check(line: &str, answer: &Answer) {
    let status = answer.status;
    assert!(
        status != StatusCode::INTERNAL_SERVER_ERROR,
        "{line}: {answer:?}"
    );
    match &answer.body {
        AnswerBody::Error(error) => {
            assert!(!status.is_success(), "{line}");
            let body = error.to_json("r");
            let keys = body.as_object().map_or(0, serde_json::Map::len);
            match error.envelope {
                Envelope::Metadata => assert_eq!(keys, 3, "{line}"),
                Envelope::OAuth => assert_eq!(keys, 2, "{line}"),
                Envelope::Client => assert_eq!(body["status"], status.as_u16(), "{line}"),
            }
        }
        AnswerBody::Bytes(bytes) if !bytes.starts_with(b"The mock extracts") => {
            let body: Value = serde_json::from_slice(bytes).expect("JSON");
            assert!(body.is_object(), "{line}: {body}");
        }
        AnswerBody::Content(part) => {
            assert!(
                part.start <= part.end && part.end <= part.content.size,
                "{line}"
            );
        }
        _ => {}
    }
}

proptest! {
    #[test]
    fn every_call_is_answered_as_box_answers(
        calls in prop::collection::vec(
            (line(), header(), prop::sample::select(BODIES.to_vec())), 1..12,
        ),
    ) {
        let mut world = World::open();
        world.register("talk.txt");
        for (line, (name, value), body) in calls {
            let head = with(head(&line, Some(&any())), name, &value);
            let upload = Upload {
                attributes: Some(Bytes::from(body)),
                attributes_late: false,
                file: Some(Spooled { path: "/spool".into(), size: 9, sha1: "s".to_owned() }),
            };
            let answer = world.either(head, body.as_bytes(), upload);
            check(&line, &answer);
        }
    }
}
