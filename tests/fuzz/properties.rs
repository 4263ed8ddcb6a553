//! The same targets with generated inputs, which are close to valid ones, so that they get far.
//! Cards, subtitles and .docx have properties of their own next to their code.

use std::fs;

use proptest::{collection::vec, prelude::*, sample::select, test_runner::Config};
use serde_json::{Value, json};
use skillctl::domain::{
    cassette::{
        exchange::{Callback, Cassette, Entry, Exchange, Headers, ProviderAnswer, ProviderRequest},
        har,
        redaction::redacted,
    },
    secret_values::SecretValues,
};

use crate::{corpus_of, targets::run};

/// Values on either side of some limit.
fn odd() -> impl Strategy<Value = Value> {
    select(vec![
        json!(null),
        json!(true),
        json!(0),
        json!(-7),
        json!(1.5),
        json!(18_446_744_073_709_551_615_u64),
        json!(""),
        json!("0"),
        json!("42"),
        json!("../x"),
        json!("REDACTED"),
        json!("talk 1.mp4"),
        json!("Übersicht/会議 😀"),
        json!("somebody@example.org, Some.Body@mail.example.net"),
        json!("2018-10-29T11:29:09-07:00"),
        json!([]),
        json!([{"id": "42"}]),
        json!({}),
        json!({"id": 42, "name": "a", "access_token": "b"}),
    ])
}

/// The pointer to some value below `value`, by a number.
fn pointer_to(value: &Value, nth: usize) -> String {
    fn collect(value: &Value, at: String, found: &mut Vec<String>) {
        match value {
            Value::Object(members) => members.iter().for_each(|(name, member)| {
                let name = name.replace('~', "~0").replace('/', "~1");
                collect(member, format!("{at}/{name}"), found);
            }),
            Value::Array(items) => items
                .iter()
                .enumerate()
                .for_each(|(index, item)| collect(item, format!("{at}/{index}"), found)),
            _ => {}
        }
        found.push(at);
    }
    let mut found = Vec::new();
    collect(value, String::new(), &mut found);
    found.swap_remove(nth % found.len())
}

const EVENTS: [&str; 4] = [
    include_str!("../../fixtures/events/upload-image/event.json"),
    include_str!("../../fixtures/events/console-test-event/event.json"),
    include_str!("../../fixtures/events/minimal/event.json"),
    include_str!("../../fixtures/events/api-gateway/event.json"),
];

/// Real events with some places changed, within the envelope too.
fn event() -> impl Strategy<Value = Value> {
    (select(EVENTS.to_vec()), vec((any::<usize>(), odd()), 0..5)).prop_map(|(text, changes)| {
        let mut event: Value = serde_json::from_str(text).expect("JSON");
        let inner = event.get("body").and_then(Value::as_str);
        let mut inner: Option<Value> = inner.and_then(|body| serde_json::from_str(body).ok());
        for (place, value) in changes {
            let changed = inner.as_mut().unwrap_or(&mut event);
            let pointer = pointer_to(changed, place);
            *changed.pointer_mut(&pointer).expect("it is there") = value;
        }
        if let Some(inner) = inner {
            event["body"] = inner.to_string().into();
        }
        event
    })
}

/// The output of a service with some places changed.
fn service_output() -> impl Strategy<Value = Value> {
    let times = select(vec![
        json!(1e300),
        json!(-1),
        json!("0.5s"),
        json!("1:02:03.5"),
        json!("NaN"),
    ]);
    let changes = vec((any::<usize>(), prop_oneof![odd(), times]), 0..6);
    (any::<usize>(), changes).prop_map(|(nth, changes)| {
        let outputs = corpus_of("services");
        let outputs = outputs
            .iter()
            .filter(|it| it.extension() == Some("json".as_ref()));
        let outputs: Vec<_> = outputs.collect();
        let text = fs::read(outputs[nth % outputs.len()]).expect("it can be read");
        let mut output: Value = serde_json::from_slice(&text).expect("JSON");
        for (place, value) in changes {
            let pointer = pointer_to(&output, place);
            *output.pointer_mut(&pointer).expect("it is there") = value;
        }
        output
    })
}

/// A path into an instance, right or nearly so.
fn path() -> impl Strategy<Value = String> {
    vec(
        select(vec![
            "cards", "a", "b", "0", "1", "-", "entries", "text", "$id",
        ]),
        0..4,
    )
    .prop_map(|tokens| {
        let tokens = tokens.iter().map(|token| format!("/{token}"));
        tokens.collect::<Vec<_>>().concat()
    })
}

fn operation() -> impl Strategy<Value = Value> {
    let op = select(vec!["add", "remove", "replace", "move", "copy", "test"]);
    (op, path(), path(), odd()).prop_map(
        |(op, path, from, value)| json!({"op": op, "path": path, "from": from, "value": value}),
    )
}

fn fields() -> Value {
    json!({"cards": [{"entries": [{"text": "a"}]}, []], "a": {"b": {"0": 1}}, "b": "text"})
}

/// A card that Box takes.
fn card() -> Value {
    json!({
        "type": "skill_card", "skill_card_type": "keyword", "entries": [{"text": "a"}],
        "skill": {"type": "service", "id": "s"}, "invocation": {"type": "skill_invocation", "id": "i"}
    })
}

/// One step of a script for the state machine.
fn step() -> impl Strategy<Value = String> {
    let file = select(vec!["42", "52", "7000000000001", "7000000000002", "0"]);
    let template = select(vec![
        "global/boxSkillsCards",
        "enterprise/notes",
        "global/properties",
    ]);
    let token = select(vec!["r1", "w1", "r2", "w2", "w3", "u", "g", "x", "-"]);
    let cards = select(vec![
        json!([]),
        json!([card()]),
        json!([card(), card()]),
        json!([7]),
    ]);
    let name = select(vec!["a.txt", "b.png", "talk.txt", ""]);
    let operations = vec(operation(), 0..4);
    (file, template, token, cards, name, operations, 0..22_usize).prop_map(
        |(file, template, token, cards, name, operations, kind)| {
            let place = format!("/2.0/files/{file}/metadata/{template}");
            let named = json!({"name": name, "parent": {"id": "0"}});
            match kind {
                0..4 => format!(
                    "POST {place} {token}\n\n{}",
                    json!({"cards": cards, "$id": 1})
                ),
                4..8 => format!("PUT {place} {token}\n\n{}", Value::from(operations)),
                8..11 => {
                    let body = json!({
                        "status": "success", "file": {"type": "file", "id": file},
                        "metadata": {"cards": cards, "$version": 9}, "usage": null
                    });
                    format!("PUT /2.0/skill_invocations/1 {token}\n\n{body}")
                }
                11 => format!("DELETE {place} {token}"),
                12 => format!("GET {place} {token}"),
                13 => {
                    format!("GET /2.0/files/{file}/content {token}\n%%\nGET $ -\nrange: bytes=-3")
                }
                14 => format!("DELETE /2.0/files/{file} {token}\nif-match: 1"),
                15 => format!("POST /2.0/files/{file}/copy {token}\n\n{named}"),
                16 => format!("PUT /2.0/files/{file} {token}\n\n{named}"),
                17 => format!("POST /api/2.0/files/content {token}\n\n{named}"),
                18 => format!("POST /2.0/folders {token}\n\n{named}"),
                19 => format!("event keep\n\n{}", EVENTS[2]),
                20 => {
                    "POST /oauth2/token -\n\ngrant_type=client_credentials&client_id=c".to_owned()
                }
                _ => select_waiting(name),
            }
        },
    )
}

fn select_waiting(name: &str) -> String {
    if name.is_empty() {
        "reset".to_owned()
    } else {
        "wait 50000".to_owned()
    }
}

/// JSON with whitespace wherever it is allowed, and names that need escapes.
fn spaced() -> impl Strategy<Value = String> {
    let blank = || select(vec!["", " ", "\n", "\r\n\t"]);
    let leaf = select(vec![
        "1",
        "-0.5e3",
        "null",
        "\"é😀\"",
        "\"\\ud83d\\ude00\\n\"",
        "\"\"",
    ]);
    let leaf = leaf.prop_map(str::to_owned);
    leaf.prop_recursive(4, 30, 4, move |inner| {
        let name = select(vec![
            "a", "a~b", "x/y", "", "é", "\\u0061b", "\\\"", "0", "1",
        ]);
        let list = (vec(inner.clone(), 0..4), blank()).prop_map(|(items, blank)| {
            format!("[{blank}{}{blank}]", items.join(&format!("{blank},")))
        });
        let object = (vec((name, inner), 0..4), blank()).prop_map(|(members, blank)| {
            let members = members
                .iter()
                .map(|(name, member)| format!("\"{name}\"{blank}:{blank}{member}"));
            format!(
                "{{{blank}{}}}",
                members.collect::<Vec<_>>().join(&format!(",{blank}"))
            )
        });
        prop_oneof![list, object]
    })
}

/// An upload whose parts may hold anything, boundaries and nearly boundaries included.
fn upload() -> impl Strategy<Value = String> {
    let content = vec(
        select(vec![
            "\r\n",
            "--",
            "----x",
            "words",
            "{\"name\":\"a\"}",
            "\r",
            "\n",
            "-",
        ]),
        0..6,
    );
    let head = select(vec![
        "Content-Disposition: form-data; name=\"attributes\"",
        "Content-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\nContent-Type: text/plain",
        "content-disposition: form-data; name=content",
        "Content-Disposition: form-data; name=\"note\"",
        "X: y",
    ]);
    let parts = vec((head, content), 0..4);
    let lengths = vec(1..40_usize, 0..5);
    let end = select(vec!["------x--\r\n", "------x--", "------x\r\n", ""]);
    (parts, lengths, end).prop_map(|(parts, lengths, end)| {
        let parts = parts
            .iter()
            .map(|(head, content)| format!("------x\r\n{head}\r\n\r\n{}\r\n", content.concat()));
        let lengths: Vec<String> = lengths.iter().map(ToString::to_string).collect();
        let (lengths, parts) = (lengths.join(" "), parts.collect::<String>());
        format!("multipart/form-data; boundary=----x\n{lengths}\n{parts}{end}")
    })
}

/// What a client may send first, whole or in pieces that do not belong together.
fn first_bytes() -> impl Strategy<Value = Vec<u8>> {
    let piece = select(vec![
        &b"GET /2.0/users/me HTTP/1.1\r\n"[..],
        b"PUT /2.0/skill_invocations/1 HTTP/1.1\r\n",
        b"POST /_mock/reset HTTP/1.1\r\n",
        b"CONNECT api.box.com:443 HTTP/1.1\r\n",
        b"OPTIONS * HTTP/1.0\r\n",
        b"host: api.box.com\r\n",
        b"host: 127.0.0.1\r\n",
        b"content-length: 2\r\n",
        b"content-length: x\r\n",
        b"transfer-encoding: chunked\r\n",
        b"authorization: Bearer x\r\n",
        b"\r\n",
        b"\r\n",
        b"{}",
        b"2\r\n{}\r\n0\r\n\r\n",
        b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00",
        b"\0\xff",
    ]);
    vec(piece, 1..8).prop_map(|pieces| pieces.concat())
}

fn settings() -> impl Strategy<Value = String> {
    let line = select(vec![
        "[replay]",
        "[mock-box]",
        "[event.new]",
        "[[replay]]",
        "[cards]",
        "wait = \"1m\"",
        "wait = 5",
        "no-check = [\"cards\", 1]",
        "fail-fast = true",
        "concurrency = 1_0",
        "color = \"never\"",
        "token = \"t\"",
        "tolerance = -inf",
        "report = { a = 1 }",
        "x = 1979-05-27",
        "verbose = 300",
        "help = true",
    ]);
    vec(line, 0..6).prop_map(|lines| lines.join("\n"))
}

fn archive() -> impl Strategy<Value = String> {
    let name = select(vec![
        "event.json",
        "expected.json",
        "many.jsonl",
        "one.json",
        "many/1.expected.json",
    ]);
    let content = prop_oneof![
        3 => event().prop_map(|event| event.to_string()),
        1 => select(vec!["", "{}", "{\"status\":\"success\",\"cards\":[]}", "{\"cards\":1}", "{\"a\":}"])
            .prop_map(str::to_owned),
    ];
    vec((name, vec(content, 1..3)), 0..4).prop_map(|files| {
        let files = files
            .iter()
            .map(|(name, lines)| format!("-- {name} --\n{}\n", lines.join("\n")));
        files.collect::<Vec<_>>().concat()
    })
}

fn headers() -> impl Strategy<Value = Headers> {
    let names = select(vec![
        "Content-Type",
        "X-A",
        "authorization",
        "Location",
        "Set-Cookie",
    ]);
    let values = prop_oneof![
        select(vec![
            "application/json",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=b",
            "https://a.example/?sig=1",
        ])
        .prop_map(str::to_owned),
        any::<String>(),
    ];
    vec((names.prop_map(str::to_owned), values), 0..4)
}

fn provider_body() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        vec(any::<u8>(), 0..40),
        any::<String>().prop_map(String::into_bytes),
        spaced().prop_map(String::into_bytes),
        vec(
            select(vec![
                "<Token>",
                "</Token>",
                "{\"token\":\"",
                "\"}",
                "a=b",
                "&",
                "?sig=",
                "&amp;key=",
                "\n",
                "--b\r\n",
                "\r\n\r\n",
                "é",
                "://",
                "@",
                "{{file_id}}",
                "REDACTED",
                "1733050000",
            ]),
            0..12
        )
        .prop_map(|parts| parts.concat().into_bytes()),
    ]
}

fn provider_request() -> impl Strategy<Value = ProviderRequest> {
    let method = select(vec!["GET", "POST", "PUT", "PURGE"]);
    let path = select(vec![
        "",
        "/",
        "/v1/a?x=1&sig=2",
        "/?a=https://b@c",
        "/{{file_id}}#f",
        "/é?token={{read_token}}",
    ]);
    (method, path, headers(), provider_body()).prop_map(|(method, path, headers, body)| {
        ProviderRequest {
            method: method.to_owned(),
            url: format!("https://ml.example{path}"),
            headers,
            body: body.into(),
        }
    })
}

fn cassette() -> impl Strategy<Value = Cassette> {
    let answer = (200..600_u16, headers(), provider_body());
    let answer = answer.prop_map(|(status, headers, body)| ProviderAnswer {
        status,
        headers,
        body: body.into(),
    });
    let call = (provider_request(), answer).prop_map(|(request, answer)| {
        Entry::Call(Exchange {
            request,
            answer,
            at: "2026-12-01T10:00:00.000Z".to_owned(),
            ms: 12.5,
        })
    });
    let callback = (0..9_usize, any::<u32>(), provider_request());
    let callback = callback.prop_map(|(after, delay_ms, request)| {
        Entry::Callback(Callback {
            after,
            delay_ms: delay_ms.into(),
            request,
        })
    });
    vec(prop_oneof![4 => call, 1 => callback], 0..5).prop_map(|entries| Cassette { entries })
}

/// Places of a call and its answer that hold a secret: the URL, a header, a type of body and a body.
const SECRET_PLACES: [(&str, &str, &str, &str); 12] = [
    ("https://ml.example/?key=SECRET", "", "", ""),
    (
        "https://USER:USER@ml.example/?x-amz-signature=SECRET&X-Goog-Credential=SECRET",
        "",
        "",
        "",
    ),
    ("", "Authorization", "", ""),
    ("", "Set-Cookie", "", ""),
    ("", "x-goog-api-key", "", ""),
    ("", "X-Amz-Security-Token", "", ""),
    (
        "",
        "",
        "application/json",
        r#"{"a":[{"id_token":"SECRET"}],"b":"{\"clientSecret\":\"SECRET\"}"}"#,
    ),
    (
        "",
        "",
        "application/json",
        r#"{"uri":"https://b.example/?a=1\u0026X-Amz-Signature=SECRET"}"#,
    ),
    (
        "",
        "",
        "application/x-ndjson",
        "{\"n\":1}\n{\"refresh_token\":\"SECRET\"}",
    ),
    (
        "",
        "",
        "text/xml",
        "<A><SecretAccessKey>SECRET</SecretAccessKey><U>?x=1&amp;sig=SECRET</U></A>",
    ),
    (
        "",
        "",
        "application/x-www-form-urlencoded",
        "a=1&client_secret=SECRET&assertion=SECRET",
    ),
    (
        "",
        "",
        "multipart/form-data; boundary=b",
        "--b\r\nContent-Disposition: form-data; name=\"api_key\"\r\n\r\nSECRET\r\n--b--",
    ),
];

/// A secret as the user of a URL, where a slash would end the host.
fn as_user(secret: &str) -> String {
    secret.replace('/', "_")
}

/// A call with `secret` in one place.
fn planted(place: usize, secret: &str) -> Cassette {
    let (url, header, kind, body) = SECRET_PLACES[place];
    let url = if url.is_empty() {
        "https://ml.example/"
    } else {
        url
    };
    let mut headers = vec![("Content-Type".to_owned(), kind.to_owned())];
    if !header.is_empty() {
        headers.push((header.to_owned(), secret.to_owned()));
    }
    let body = body.replace("SECRET", secret);
    let request = ProviderRequest {
        method: "POST".to_owned(),
        url: url
            .replace("SECRET", secret)
            .replace("USER", &as_user(secret)),
        headers: headers.clone(),
        body: body.clone().into(),
    };
    let answer = ProviderAnswer {
        status: 200,
        headers,
        body: body.into(),
    };
    let call = Exchange {
        request,
        answer,
        ..Exchange::default()
    };
    Cassette {
        entries: vec![Entry::Call(call)],
    }
}

fn config(cases: u32) -> Config {
    Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    }
}

proptest! {
    #![proptest_config(config(256))]

    #[test]
    fn an_event_with_odd_places_is_refused_or_stays_one(event in event()) {
        run("event", event.to_string().as_bytes());
    }

    #[test]
    fn any_output_of_a_service_makes_cards_that_box_accepts(output in service_output()) {
        run("services", output.to_string().as_bytes());
    }

    #[test]
    fn any_calls_are_a_cassette_that_answers_them(cassette in cassette()) {
        let text = har::write(&cassette, "0");
        let back = har::read("a.har", text.clone().into_bytes()).expect("a cassette");
        prop_assert_eq!(back, cassette);
        run("har", text.as_bytes());
    }

    #[test]
    fn a_planted_secret_is_never_in_the_file(
        place in 0..SECRET_PLACES.len(),
        secret in "[A-Za-z0-9_.~+/-]{12,60}",
    ) {
        let cassette = redacted(&planted(place, &secret), &SecretValues::default());
        let text = har::write(&cassette, "0");
        let is_left = text.contains(&secret) || text.contains(&as_user(&secret));
        prop_assert!(!is_left, "{}", text);
        run("har", text.as_bytes());
    }

    #[test]
    fn a_patch_is_applied_whole_and_reads_back(operations in vec(operation(), 0..6)) {
        let text = format!("{}\n{}", fields(), Value::from(operations));
        run("patch", text.as_bytes());
    }

    #[test]
    fn every_value_of_a_text_is_found_in_its_place(text in spaced()) {
        run("position", text.as_bytes());
    }

    #[test]
    fn the_state_machine_stays_whole_under_any_calls(
        setup in select(vec!["box strict", "box strict documented", "box any"]),
        steps in vec(step(), 1..14),
    ) {
        let script = format!("{setup}\n%%\n{}", steps.join("\n%%\n"));
        run("state", script.as_bytes());
    }

    #[test]
    fn an_upload_is_the_same_in_whatever_chunks_it_comes(upload in upload()) {
        run("multipart", upload.as_bytes());
    }
}

proptest! {
    // Each of these starts or makes much.
    #![proptest_config(config(48))]

    #[test]
    fn every_connection_is_answered_or_ended(bytes in first_bytes()) {
        run("port", &bytes);
    }

    #[test]
    fn a_captured_event_becomes_one_case_without_its_tokens(event in event()) {
        run("capture", event.to_string().as_bytes());
    }

    #[test]
    fn a_configuration_is_accepted_or_refused_with_a_message(text in settings()) {
        run("config", text.as_bytes());
    }

    #[test]
    fn a_folder_of_fixtures_is_read_or_refused_with_its_place(archive in archive()) {
        run("fixtures", archive.as_bytes());
    }
}
