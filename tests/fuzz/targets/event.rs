//! A captured event: read, refreshed, redacted, wrapped in an envelope and unwrapped again.

use bytes::Bytes;
use jiff::Timestamp;
use serde_json::Value;
use skillctl::{
    domain::{
        event::{
            Captured, Event,
            envelope::wrap,
            invocation::Invocation,
            redaction::{Keep, Scrubber},
            refresh::{Fresh, refresh},
            signature::{Keys, Signed, sign, verify},
            wire,
        },
        json::{document::Document, tree::Tape},
        secret::Secret,
        token::TokenKind,
    },
    render::diagnostic::{finding, syntax_excerpt},
};

pub(crate) fn check(bytes: &[u8]) {
    let document = match Document::parse("event.json", bytes.to_vec()) {
        Ok(document) => document,
        Err(error) => {
            let _ = syntax_excerpt(&error, 80);
            return;
        }
    };
    let text = Bytes::from(document.text.clone());
    let captured = match Captured::read(document.tree(), text.clone()) {
        Ok(captured) => captured,
        Err(found) => {
            let found = [*found];
            let located = document.locate(&found);
            let _ = finding(&document.name, &document.text, &located[0], 80);
            return;
        }
    };
    let event = &captured.event;
    if document.tree().get("body").is_none() {
        assert_eq!(event.body(), &text, "the exact bytes are kept");
    }
    assert!(!event.invocation().file_id().is_empty());
    let _ = format!("{captured:?}");
    written_as_box_writes_it(event);
    refreshed(event);
    scrubbed(&document.tree().into());
    wrapped(event);
    signed(&captured);
}

fn written_as_box_writes_it(event: &Event) {
    let tree = event.invocation().tree();
    let written = wire::encode(&tree);
    assert!(written.iter().all(u8::is_ascii));
    assert_eq!(Tape::from_value(&read_back(&written)).tree(), tree);
}

/// Not with serde_json's `Value`, which treats one private name in a special way.
fn read_back(bytes: &[u8]) -> Value {
    let document = Document::parse("written", bytes.to_vec()).expect("JSON");
    document.tree().into()
}

fn refreshed(event: &Event) {
    let fresh = Fresh {
        event_id: "11111111-2222-3333-4444-555555555555".to_owned(),
        digits: 77,
        created_at: Timestamp::from_second(1_800_000_000).expect("in range"),
        file_id: "42".to_owned(),
        file_version_id: "43".to_owned(),
        size: Some(9),
        read: Secret::new("new-read"),
        write: Secret::new("new-write"),
    };
    let renewed = refresh(event.invocation().clone(), &fresh);
    assert_eq!(refresh(renewed.clone(), &fresh), renewed, "twice is once");
    let renewed = Invocation::read(renewed.tree().to_tape()).expect("it stays an event");
    assert_eq!(renewed.file_id(), "42");
    let token = |kind| renewed.token(kind).expect("a token").access_token;
    assert_eq!(token(TokenKind::Read), fresh.read);
    assert_eq!(token(TokenKind::Write), fresh.write);
}

fn scrubbed(captured: &Value) {
    let mut scrubber = Scrubber::new(Keep::default());
    let (once, _) = scrubber.scrub(captured);
    let bytes = Bytes::from(wire::encode(&once));
    let read = Captured::read(Tape::from_value(&once).tree(), bytes).expect("it stays an event");
    for kind in [TokenKind::Read, TokenKind::Write] {
        let token = read
            .event
            .invocation()
            .token(kind)
            .expect("a token")
            .access_token;
        assert!(matches!(token.expose(), "" | "REDACTED"), "a token is left");
    }
    let (twice, _) = scrubber.scrub(&once);
    assert_eq!(twice, once, "what is scrubbed stays");
}

fn wrapped(event: &Event) {
    let headers = vec![("box-signature-version".to_owned(), "1".to_owned())];
    let proxy = wrap(&headers, event.body());
    let bytes = Bytes::from(proxy.to_string());
    let back = Captured::read(Tape::from_value(&proxy).tree(), bytes).expect("it stays an event");
    assert_eq!(back.event.body(), event.body());
    assert_eq!(back.headers, headers);
}

fn signed(captured: &Captured) {
    let keys = Keys {
        primary: Some(Secret::new("key")),
        secondary: None,
    };
    let body = captured.event.body();
    let _ = verify(body, &Signed::from_headers(&captured.headers), &keys, None);
    let timestamp = "2026-11-21T10:00:00Z";
    let signed = Signed {
        timestamp: Some(timestamp.to_owned()),
        algorithm: Some("HmacSHA256".to_owned()),
        version: Some("1".to_owned()),
        primary: Some(sign(&Secret::new("key"), body, timestamp)),
        secondary: None,
    };
    assert!(verify(body, &signed, &keys, None).holds());
}
