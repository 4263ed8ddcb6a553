//! Properties of cards. The validator must agree with JSON Schemas that state the same rules in another
//! form, on random cards that are mostly near the border between valid and invalid. And no input may
//! panic a reader or a renderer.

use std::{fs, path::Path, sync::LazyLock};

use jsonschema::Validator;
use proptest::{prelude::*, test_runner::Config};
use serde_json::{Value, json};
use skillctl::{
    domain::{
        card::{
            breakage::breakage,
            normalise::{difference, normalised},
            preview::sidebar,
            validate::{Schema, box_refusal, validate},
        },
        cards_from::{
            self,
            cards::{CardOptions, make},
            read::ReadOptions,
            words::Grouping,
        },
        diagnostic::Severity,
        json::{document::Document, tree::Tape},
        subtitles::{Format, read},
    },
    render::{
        cards::{html, json as card_json, markdown, text},
        diagnostic::{findings, syntax_excerpt},
        wrap::{cut, wrap},
    },
};
use unicode_width::UnicodeWidthStr;

const BOX: &str = include_str!("../src/domain/schema/cards.box.json");
const DOCUMENTED: &str = include_str!("../src/domain/schema/cards.documented.json");

fn validator(schema: &str) -> Validator {
    let schema = serde_json::from_str(schema).expect("a schema is JSON");
    jsonschema::options()
        .should_validate_formats(true)
        .build(&schema)
        .expect("a schema is one")
}

/// A valid card of each type.
fn good_cards() -> Vec<Value> {
    let card = |kind: &str, members: Value| {
        let mut card = json!({
            "type": "skill_card",
            "skill_card_type": kind,
            "skill_card_title": {"code": "mine", "message": "Mine"},
            "skill": {"type": "service", "id": "137"},
            "invocation": {"type": "skill_invocation", "id": "7_1"},
            "created_at": "2018-10-29T11:29:09-07:00"
        });
        if let (Some(card), Value::Object(members)) = (card.as_object_mut(), members) {
            card.extend(members);
        }
        card
    };
    vec![
        card(
            "keyword",
            json!({"entries": [{"type": "text", "text": "a"}, {"text": "b"}]}),
        ),
        card(
            "timeline",
            json!({"duration": 60, "entries": [{"text": "a",
                "image_url": "https://a.example/b.png", "appears": [{"start": 1, "end": 5}]}]}),
        ),
        card(
            "transcript",
            json!({"duration": 60, "entries": [{"text": "a", "appears": [{"start": 1}]}]}),
        ),
        card(
            "status",
            json!({"status": {"code": "processing", "message": "Listening"}}),
        ),
        card(
            "face",
            json!({"duration": 60, "entries": [{"text": "a",
                "image_url": "https://a.example/b.png", "appears": [{"start": 1, "end": 5}]}]}),
        ),
    ]
}

/// Values that are valid in some places and invalid in others.
fn odd_values() -> Vec<Value> {
    vec![
        json!(null),
        json!(true),
        json!(0),
        json!(137),
        json!(-1),
        json!(1.5),
        json!(60.0),
        json!(""),
        json!("x"),
        json!("137"),
        json!("keyword"),
        json!("timeline"),
        json!("status"),
        json!("skill_card"),
        json!("service"),
        json!("success"),
        json!("skills_pending_status"),
        json!("2018-10-29"),
        json!("2018-10-29T11:29:09Z"),
        json!([]),
        json!([1]),
        json!([{}]),
        json!([{"start": 2}]),
        json!({}),
        json!({"id": "1"}),
        json!({"type": "service", "id": 5}),
        json!({"code": "success"}),
        json!({"message": null}),
    ]
}

/// A change of one place in a card: `value` selects the new value, or removal if it is beyond them.
#[derive(Clone, Debug)]
struct Change {
    place: usize,
    value: usize,
}

fn change() -> impl Strategy<Value = Change> {
    (any::<usize>(), any::<usize>()).prop_map(|(place, value)| Change { place, value })
}

/// Random cards: valid ones with some places changed.
fn cards() -> impl Strategy<Value = Value> {
    let card = (0..good_cards().len(), prop::collection::vec(change(), 0..4)).prop_map(
        |(kind, changes)| {
            let mut card = good_cards().swap_remove(kind);
            for change in changes {
                apply(&mut card, &change);
            }
            card
        },
    );
    prop::collection::vec(card, 0..3).prop_map(Value::from)
}

fn apply(card: &mut Value, change: &Change) {
    let mut pointers = Vec::new();
    collect(card, String::new(), &mut pointers);
    let pointer = &pointers[change.place % pointers.len()];
    let mut values = odd_values();
    let choice = change.value % (values.len() + 6);
    if choice < values.len() {
        if let Some(place) = card.pointer_mut(pointer) {
            *place = values.swap_remove(choice);
        }
    } else if let Some((parent, key)) = pointer.rsplit_once('/') {
        match card.pointer_mut(parent) {
            Some(Value::Object(members)) => {
                members.remove(key);
            }
            Some(Value::Array(items)) => {
                if let Ok(index) = key.parse::<usize>() {
                    items.remove(index);
                }
            }
            _ => {}
        }
    }
}

fn collect(value: &Value, at: String, pointers: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (key, member) in members {
                collect(member, format!("{at}/{key}"), pointers);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                collect(item, format!("{at}/{index}"), pointers);
            }
        }
        _ => {}
    }
    pointers.push(at);
}

proptest! {
    #![proptest_config(Config { cases: 2048, failure_persistence: None, ..Config::default() })]

    #[test]
    fn the_validator_agrees_with_the_schemas(cards in cards()) {
        thread_local! {
            static SCHEMAS: [(Schema, Validator); 2] = [
                (Schema::Box, validator(BOX)),
                (Schema::Documented, validator(DOCUMENTED)),
            ];
        }
        SCHEMAS.with(|schemas| -> Result<(), TestCaseError> {
            for (schema, validator) in schemas {
                let refusal = box_refusal(Tape::from_value(&cards).tree(), *schema);
                prop_assert_eq!(
                    refusal.is_none(),
                    validator.is_valid(&cards),
                    "{:?}: {:?}; the schema says {:?}",
                    schema, refusal, validator.iter_errors(&cards).map(|it| it.to_string()).collect::<Vec<_>>()
                );
                let findings = validate(Tape::from_value(&cards).tree(), *schema);
                let has_error = findings.iter().any(|it| it.severity == Severity::Error);
                if let Some(refusal) = refusal {
                    prop_assert!(has_error, "refused and no error: {refusal:?}");
                    let instance = json!({"cards": cards});
                    prop_assert!(instance.pointer(refusal.pointer.as_str()).is_some(), "{refusal:?}");
                }
            }
            Ok(())
        })?;
    }

    #[test]
    fn a_card_that_breaks_the_sidebar_is_an_error_that_says_so(cards in cards(), null in any::<bool>()) {
        let mut cards = cards;
        if null && let Some(Value::Object(card)) = cards.as_array_mut().and_then(|it| it.last_mut()) {
            card.insert("entries".to_owned(), json!([{"text": "a"}, null]));
        }
        let tape = Tape::from_value(&cards);
        let list = tape.tree().as_array().expect("a list");
        let broken = list.iter().filter(|card| breakage(*card).is_some()).count();
        let findings = validate(tape.tree(), Schema::Box);
        let found = findings.iter().filter(|it| it.code == "breaks-sidebar").count();
        prop_assert_eq!(found, broken, "{:?}", findings);
    }

    #[test]
    fn no_value_panics_the_validator(value in any_json()) {
        for schema in [Schema::Box, Schema::Documented] {
            let _ = validate(Tape::from_value(&value).tree(), schema);
            let _ = box_refusal(Tape::from_value(&value).tree(), schema);
        }
    }

    #[test]
    fn no_value_panics_a_renderer_or_exceeds_the_width(value in any_json(), width in 20_usize..120) {
        let list = match value {
            Value::Array(cards) => cards.into(),
            other => json!([other]),
        };
        let list = Tape::from_value(&list);
        let cards: Vec<_> = list.tree().as_array().expect("a list").iter().collect();
        let shown = sidebar(cards.iter().copied(), None);
        for full in [false, true] {
            let text = text::render(&shown, text::Options { width, full }).to_plain();
            for line in text.lines() {
                prop_assert!(line.width() <= width, "{} columns: {line}", line.width());
            }
        }
        let page = html::render("x", &shown);
        prop_assert_eq!(page.matches("<script").count(), 1);
        let _ = markdown::render(&shown);
        let _ = card_json::render(&cards);
        let once = normalised(list.tree());
        let twice = normalised(once.tree());
        prop_assert!(difference(once.tree(), twice.tree(), 0.0).is_empty());
    }

    #[test]
    fn no_bytes_panic_the_reader_and_every_error_can_be_printed(
        bytes in json_like(), width in 0_usize..100
    ) {
        match Document::parse("x.json", bytes) {
            Ok(document) => {
                let found = validate(document.tree(), Schema::Documented);
                let located = document.locate(&found);
                let _ = findings(&document.name, &document.text, &located, width, usize::MAX);
            }
            Err(error) => {
                prop_assert!(error.range.end <= error.text.len().max(error.range.start));
                let _ = syntax_excerpt(&error, width);
            }
        }
    }

    #[test]
    fn cards_of_any_result_have_no_findings_and_times_in_order(
        (extension, text) in changed_result(),
        speakers in any::<bool>(),
        fractions in any::<bool>(),
        duration in prop::option::of(0.1_f64..100.0),
        by_second in any::<bool>(),
    ) {
        let options = ReadOptions {
            name: "result",
            extension: Some(&extension),
            format: None,
            grouping: if by_second { Grouping::Second } else { Grouping::Sentence },
        };
        let Ok(result) = cards_from::read::read(&text, options) else {
            return Ok(());
        };
        let mut options = CardOptions::new(result.format.min_confidence);
        options.speakers = speakers;
        options.fractions = fractions;
        options.duration = duration;
        options.pictures.insert("anna".to_owned(), "data:image/png;base64,iVBORw0KGgo=".to_owned());
        let made = make(result.content, &options);
        for card in &made.cards {
            prop_assert!(times_are_in_order(card), "{card:#}");
        }
        let cards = Value::from(made.cards);
        for finding in validate(Tape::from_value(&cards).tree(), Schema::Box) {
            let is_allowed = finding.code == "missing-member" || (fractions && finding.code == "fractions");
            prop_assert!(is_allowed, "{finding:#?} in {cards:#}");
        }
    }

    #[test]
    fn no_text_panics_the_reader_of_subtitles(text in subtitle_like()) {
        for format in [Format::Srt, Format::Vtt, Format::Sbv, Format::Plain] {
            for cue in read(&text, format).cues {
                prop_assert!(!cue.text.is_empty());
                prop_assert!(cue.start.is_none_or(f64::is_finite));
            }
        }
    }

    #[test]
    fn wrapped_lines_fit_and_lose_nothing(text in "[a-z日👩\u{301}\u{200d} ]{0,60}", width in 2_usize..30) {
        let lines = wrap(&text, width);
        for line in &lines {
            prop_assert!(line.width() <= width, "{line:?} in {width}");
        }
        let kept: String = lines.concat().split_whitespace().collect();
        let all: String = text.split_whitespace().collect();
        prop_assert_eq!(kept, all);
        prop_assert!(cut(&text, width).width() <= width);
    }

    #[test]
    fn one_change_is_at_most_one_finding(card_type in 0..5_usize, change in change()) {
        // A list or an object in place of a value may contain several mistakes.
        let values = odd_values();
        let choice = change.value % (values.len() + 6);
        if values.get(choice).is_some_and(|it| it.is_array() || it.is_object()) {
            return Ok(());
        }
        let mut card = good_cards().swap_remove(card_type);
        apply(&mut card, &change);
        let findings = validate(Tape::from_value(&json!([card])).tree(), Schema::Box);
        // The type `face` is a finding of its own.
        let allowed = if card_type == 4 { 2 } else { 1 };
        prop_assert!(findings.len() <= allowed || has_another_type(&card, card_type), "{card}: {findings:#?}");
    }
}

/// A card that the change turned into one of another type lacks all members of that type.
fn has_another_type(card: &Value, card_type: usize) -> bool {
    let names = ["keyword", "timeline", "transcript", "status", "face"];
    card.get("skill_card_type") != Some(&json!(names[card_type]))
}

/// The results of services that are fixtures, JSON and text, with their extensions.
fn results() -> &'static [(String, String)] {
    static RESULTS: LazyLock<Vec<(String, String)>> = LazyLock::new(|| {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/cards/from");
        let mut paths: Vec<_> = fs::read_dir(folder)
            .expect("the folder of fixtures")
            .map(|entry| entry.expect("an entry").path())
            .collect();
        paths.sort();
        let extension = |path: &Path| path.extension().map(|it| it.to_string_lossy().into_owned());
        paths
            .iter()
            .map(|path| {
                let text = fs::read_to_string(path).expect("a text");
                (extension(path).unwrap_or_default(), text)
            })
            .collect()
    });
    &RESULTS
}

/// Values that services do not write, and the times that they should not.
fn odd_result_values() -> Vec<Value> {
    let mut values = odd_values();
    values.extend([
        json!(-5),
        json!(0.0004),
        json!(1e300),
        json!(734_000),
        json!("NaN"),
        json!("inf"),
        json!("-1.5s"),
        json!("1:02:03.4567891"),
        json!("PT1H"),
        json!(" \n\t "),
        json!("\u{202e}\u{0}x"),
        json!([[["x"]]]),
    ]);
    values
}

/// A result with some values replaced.
fn changed_result() -> impl Strategy<Value = (String, String)> {
    let changes = prop::collection::vec((any::<usize>(), any::<usize>()), 0..6);
    (0..results().len(), changes).prop_map(|(nth, changes)| {
        let (extension, text) = results()[nth].clone();
        let Ok(mut result) = serde_json::from_str::<Value>(&text) else {
            let keep = changes
                .first()
                .map_or(text.len(), |(at, _)| at % (text.len() + 1));
            let text = text.chars().take(keep).collect();
            return (extension, text);
        };
        let values = odd_result_values();
        for (place, value) in changes {
            let mut pointers = Vec::new();
            collect(&result, String::new(), &mut pointers);
            if let Some(place) = result.pointer_mut(&pointers[place % pointers.len()]) {
                *place = values[value % values.len()].clone();
            }
        }
        (extension, result.to_string())
    })
}

/// The starts and ends of the entries of a card, and whether they are in order and within its duration.
fn times_are_in_order(card: &Value) -> bool {
    let duration = card["duration"].as_f64().unwrap_or(f64::INFINITY);
    let entries = card["entries"].as_array().map_or(&[][..], Vec::as_slice);
    let periods = |entry: &Value| -> Vec<(f64, f64)> {
        let appears = entry["appears"].as_array().cloned().unwrap_or_default();
        let time = |it: &Value, name: &str| it[name].as_f64();
        appears
            .iter()
            .map(|it| {
                let start = time(it, "start").expect("a start");
                (start, time(it, "end").unwrap_or(start))
            })
            .collect()
    };
    let is_within = |(start, end): &(f64, f64)| {
        *start >= 0.0 && start <= end && *start < duration && *end <= duration
    };
    let within = entries
        .iter()
        .flat_map(periods)
        .all(|period| is_within(&period));
    let is_sorted = |periods: &[(f64, f64)]| periods.is_sorted_by(|one, other| one.0 <= other.0);
    let is_transcript = card["skill_card_type"] == "transcript";
    let all_timed = entries.iter().all(|entry| entry.get("appears").is_some());
    let starts: Vec<_> = entries.iter().flat_map(periods).collect();
    within
        && entries.iter().all(|entry| is_sorted(&periods(entry)))
        && (!is_transcript || !all_timed || is_sorted(&starts))
}

/// Bytes that are often close to valid JSON.
fn json_like() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop::sample::select(vec![
        &b"{"[..],
        b"}",
        b"[",
        b"]",
        b",",
        b":",
        b"\n",
        b" ",
        b"\r\n",
        b"\t",
        b"\"a\"",
        b"\"id\":5",
        b"\"skill_card_type\":\"keyword\"",
        b"\"entries\":[",
        b"\"\\ud83d\"",
        b"\"\\u0061\"",
        b"null",
        b"1e999",
        b"\xff",
        b"\xe6\x97\xa5",
        b"\xe6",
        b"\"",
        b"\\",
        b"\x1b[2J",
        b"\"a\":1,\"a\":2",
        b"[[[[[[[[[[[[[[[[",
    ]);
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

/// Text that is often close to valid subtitles.
fn subtitle_like() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "1",
        "\n",
        "\n\n",
        "\r\n",
        "\r",
        "00:00:01,000",
        " --> ",
        "-->",
        "00:02.5",
        "WEBVTT",
        "NOTE ",
        "<v Anna>",
        "<",
        ">",
        "{\\an8}",
        "{\\",
        "&amp;",
        "&",
        "text",
        "日本",
        "\u{feff}",
        " ",
        "99999999999:00",
        "[0:05] ",
        "0:05: ",
    ]);
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        prop::sample::select(vec!["keyword", "timeline", "transcript", "status", "face"])
            .prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 5, |inner| {
        let keys = prop::sample::select(vec![
            "cards",
            "skill_card_type",
            "skill_card_title",
            "entries",
            "appears",
            "start",
            "end",
            "text",
            "image_url",
            "duration",
            "status",
            "code",
            "message",
            "skill",
            "id",
            "type",
            "metadata",
            "file",
            "seq",
            "op",
            "instance",
            "$id",
        ]);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map(keys, inner, 0..8).prop_map(|members| {
                Value::Object(
                    members
                        .into_iter()
                        .map(|(key, value)| (key.to_owned(), value))
                        .collect(),
                )
            }),
        ]
    })
}
