//! The output of a machine-learning service, by its shape and as each format: cards that Box
//! accepts, with times in order.

use serde_json::Value;
use skillctl::domain::{
    card::validate::{Schema, box_refusal, validate},
    cards_from::{
        cards::{CardOptions, make},
        format::FORMATS,
        read::{Read, ReadOptions, read},
        words::Grouping,
    },
    diagnostic::Severity,
    json::tree::Tape,
    subtitles::encoding::decode,
};

pub(crate) fn check(bytes: &[u8]) {
    let Ok(text) = decode(bytes) else {
        return;
    };
    for grouping in [Grouping::Sentence, Grouping::Second] {
        let formats = FORMATS.iter().map(Some);
        for format in formats.chain([None]) {
            let options = ReadOptions {
                name: "result",
                format,
                grouping,
                ..ReadOptions::default()
            };
            if let Ok(result) = read(&text, options) {
                check_cards(result);
            }
        }
    }
}

fn check_cards(result: Read) {
    let mut options = CardOptions::new(result.format.min_confidence);
    options.fractions = true;
    let made = make(result.content, &options);
    for card in &made.cards {
        check_times(card);
    }
    let cards = Value::from(made.cards);
    let tape = Tape::from_value(&cards);
    assert_eq!(box_refusal(tape.tree(), Schema::Box), None);
    let found = validate(tape.tree(), Schema::Box);
    let error = found.iter().find(|it| it.severity == Severity::Error);
    assert_eq!(error, None);
}

fn check_times(card: &Value) {
    let duration = card["duration"].as_f64();
    for entry in card["entries"].as_array().into_iter().flatten() {
        for period in entry["appears"].as_array().into_iter().flatten() {
            let start = period["start"].as_f64().expect("a period has a start");
            let end = period["end"].as_f64().unwrap_or(start);
            assert!(0.0 <= start && start <= end, "{card:#}");
            assert!(duration.is_none_or(|duration| end <= duration), "{card:#}");
        }
    }
}
