//! Rules of the deck: which event a call belongs to, and what answers it.

use serde_json::json;

use super::*;
use crate::domain::{cassette::har, event::invocation::Invocation, json::tree::Tape};

fn values(id: &str) -> EventValues {
    let event = json!({
        "id": format!("event-{id}"), "source": {"id": id},
        "token": {"read": {"access_token": format!("read-{id}")}, "write": {"access_token": "w"}}
    });
    let event = Invocation::read(Tape::from_value(&event)).expect("an event");
    EventValues::new(&event, None)
}

fn get(url: &str) -> ProviderRequest {
    ProviderRequest {
        method: "GET".to_owned(),
        url: url.to_owned(),
        ..ProviderRequest::default()
    }
}

fn exchange(url: &str, body: &str) -> Exchange {
    Exchange {
        request: get(url),
        answer: ProviderAnswer {
            status: 200,
            body: body.to_owned().into(),
            ..ProviderAnswer::default()
        },
        ..Exchange::default()
    }
}

fn deck(mode: Mode, cassettes: &[Cassette]) -> Deck {
    Deck::new(
        mode,
        mode != Mode::Replay,
        cassettes,
        Vec::new(),
        SecretValues::default(),
    )
}

fn cassette(exchanges: &[Exchange]) -> Cassette {
    Cassette {
        entries: exchanges.iter().cloned().map(Entry::Call).collect(),
    }
}

fn body(deck: &Deck, url: &str) -> String {
    match deck.decide(&get(url)).0 {
        Decision::Answer(answer) => String::from_utf8_lossy(&answer.body).into_owned(),
        other => format!("{other:?}"),
    }
}

#[test]
fn what_one_event_recorded_answers_another_with_its_own_values() {
    let recorder = deck(Mode::Record, &[]);
    recorder.begin("one".into(), None, Mode::Record, values("1234567"));
    let url = "https://ml.example/v1?file=1234567&token=read-1234567";
    let (decision, owner) = recorder.decide(&get(url));
    assert_eq!(decision, Decision::Forward { is_recorded: true });
    recorder.record(&exchange(url, "job for 1234567"), owner.as_deref());
    recorder.end("one");
    let Recording { entries, .. } = recorder.take_recording("one");
    let text = har::write(&Cassette { entries }, "0.1.0");
    assert!(!text.contains("1234567"), "{text}");

    let read = har::read("a.har", text.into_bytes()).expect("a cassette");
    let player = deck(Mode::Replay, &[read]);
    player.begin("two".into(), Some(0), Mode::Replay, values("7654321"));
    let url = "https://ml.example/v1?file=7654321&token=read-7654321";
    assert_eq!(body(&player, url), "job for 7654321");
    assert!(body(&player, "https://ml.example/v2").starts_with("Miss"));
}

#[test]
fn equal_calls_are_answered_in_order_and_the_last_again_for_each_event() {
    let url = "https://ml.example/job";
    let cassette = cassette(&[exchange(url, "running"), exchange(url, "done")]);
    let deck = deck(Mode::Replay, &[cassette]);
    for event in ["one", "two"] {
        deck.begin(event.into(), Some(0), Mode::Replay, values("1234567"));
        let polled: Vec<String> = (0..3).map(|_| body(&deck, url)).collect();
        assert_eq!(polled, ["running", "done", "done"]);
        deck.end(event);
    }
}

#[test]
fn the_cassette_of_the_case_in_flight_comes_first() {
    let url = "https://ml.example/job";
    let (one, two) = (
        cassette(&[exchange(url, "one")]),
        cassette(&[exchange(url, "two")]),
    );
    let deck = deck(Mode::Replay, &[one, two]);
    deck.begin("b".into(), Some(1), Mode::Replay, values("1234567"));
    assert_eq!(body(&deck, url), "two");
    deck.end("b");
    deck.begin("c".into(), None, Mode::Replay, values("1234567"));
    assert_eq!(body(&deck, url), "one");
}

#[test]
fn connections_go_where_the_modes_of_the_events_say() {
    let held = cassette(&[exchange("https://ml.example:8443/job", "one")]);
    let deck = deck(Mode::Replay, &[held]);
    assert_eq!(deck.connect("ml.example"), Connect::Here);
    assert!(matches!(deck.connect("other.example"), Connect::Refuse(_)));
    deck.begin("a".into(), None, Mode::Off, values("1234567"));
    assert_eq!(deck.connect("ml.example"), Connect::Through);
    assert_eq!(deck.connect("other.example"), Connect::Through);
}

#[test]
fn a_call_is_open_until_its_answer_is_whole() {
    let deck = Arc::new(deck(Mode::Record, &[]));
    let event: Arc<str> = "one".into();
    deck.begin(Arc::clone(&event), None, Mode::Record, values("1234567"));
    let (first, second) = (deck.open(Some(&event)), deck.open(Some(&event)));
    let of_another = deck.open(Some(&"two".into()));
    drop(first);
    assert!(deck.has_open_calls("one"));
    drop((second, of_another, deck.open(None)));
    assert!(!deck.has_open_calls("one"));
    assert!(!deck.has_open_calls("two"));
}

#[test]
fn calls_that_were_not_recorded_are_named_for_their_event() {
    let deck = deck(Mode::Record, &[]);
    deck.lose("before".to_owned(), None);
    deck.begin("one".into(), None, Mode::Record, values("1234567"));
    deck.lose("a reset".to_owned(), Some("one"));
    deck.end("one");
    assert_eq!(deck.take_recording("one").lost, ["before", "a reset"]);
    assert_eq!(deck.take_recording("one"), Recording::default());
}

#[test]
fn all_that_was_recorded_is_drained_once() {
    let deck = Arc::new(deck(Mode::Record, &[]));
    let url = "https://ml.example/";
    deck.record(&exchange(url, "between"), None);
    for event in ["one", "two"] {
        deck.begin(event.into(), None, Mode::Record, values(event));
        deck.record(&exchange(url, event), Some(event));
    }
    let open = deck.open(Some(&"two".into()));
    assert!(deck.has_any_open_call());
    drop(open);
    deck.end("one");
    deck.lose("a reset".to_owned(), Some("two"));
    let drained = deck.drain();
    assert_eq!(drained.entries.len(), 3);
    assert_eq!(drained.lost, ["a reset"]);
    assert_eq!(deck.drain(), Recording::default());
    assert!(!deck.has_any_open_call());
}
