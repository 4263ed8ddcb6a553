//! A cassette: what is read is written and read back as it was, redacting it twice is redacting it once,
//! entries are added without touching others, and each of its calls is answered from it.

use skillctl::domain::{
    cassette::{
        deck::{Decision, Deck, Mode},
        exchange::{Cassette, Entry},
        har,
        redaction::redacted,
    },
    secret_values::SecretValues,
};

pub(crate) fn check(bytes: &[u8]) {
    let Ok(cassette) = har::read("a.har", bytes.to_vec()) else {
        return;
    };
    let written = har::write(&cassette, "0");
    let back = read(&written);
    assert_eq!(without_times(&back), without_times(&cassette));
    assert_eq!(har::write(&back, "0"), written);

    let text = std::str::from_utf8(bytes).expect("JSON is text");
    let longer = read(&har::append(text, &back.entries));
    let (old, new) = longer.entries.split_at(cassette.entries.len());
    assert_eq!((old, new), (&cassette.entries[..], &back.entries[..]));

    let secrets = SecretValues::default();
    let once = redacted(&cassette, &secrets);
    assert_eq!(redacted(&once, &secrets), once);
    for cassette in [cassette, once] {
        answers_its_calls(&cassette, secrets.clone());
    }
}

fn read(text: &str) -> Cassette {
    har::read("a.har", text.as_bytes().to_vec()).expect("a cassette")
}

/// Times are written with one digit after the point.
fn without_times(cassette: &Cassette) -> Cassette {
    let mut cassette = cassette.clone();
    for entry in &mut cassette.entries {
        if let Entry::Call(exchange) = entry {
            exchange.ms = 0.0;
        }
    }
    cassette
}

fn answers_its_calls(cassette: &Cassette, secrets: SecretValues) {
    let cassettes = std::slice::from_ref(cassette);
    let deck = Deck::new(Mode::Replay, false, cassettes, Vec::new(), secrets);
    for call in cassette.calls() {
        let (decision, _) = deck.decide(&call.request);
        assert!(matches!(decision, Decision::Answer(_)), "{decision:?}");
    }
}
