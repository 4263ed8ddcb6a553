//! Made-up results of each format, and the cards that are made of them. A file is named for its format,
//! with what is special about it after a point.

use std::{collections::BTreeMap, fs, path::Path};

use serde_json::{Value, json};

use super::{
    cards::{CardOptions, MadeCards, make},
    format::{FORMATS, Format},
    read::{Read, ReadError, ReadOptions, read},
    words::Grouping,
};
use crate::domain::{
    card::validate::{Schema, validate},
    json::tree::Tape,
};

fn fixtures() -> Vec<(String, String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/cards/from");
    let mut files: Vec<_> = fs::read_dir(folder)
        .expect("the folder of fixtures")
        .map(|entry| {
            let path = entry.expect("an entry").path();
            let part = |part: Option<&std::ffi::OsStr>| {
                part.expect("a name").to_string_lossy().into_owned()
            };
            let text = fs::read_to_string(&path).expect("a text");
            (part(path.file_stem()), part(path.extension()), text)
        })
        .collect();
    files.sort();
    files
}

fn options(extension: &str) -> ReadOptions<'_> {
    ReadOptions {
        name: "result",
        extension: Some(extension),
        ..ReadOptions::default()
    }
}

fn made(read: Read) -> MadeCards {
    let mut options = CardOptions::new(read.format.min_confidence);
    options.speakers = true;
    let picture = "data:image/png;base64,iVBORw0KGgo=";
    options.pictures =
        BTreeMap::from(["anna", "ben", "face-1"].map(|name| (name.to_owned(), picture.to_owned())));
    make(read.content, &options)
}

/// Findings of cards, but for members that are filled in when they are written.
fn findings(cards: &[Value]) -> Vec<String> {
    let cards = Value::from(cards.to_vec());
    let findings = validate(Tape::from_value(&cards).tree(), Schema::Box);
    findings
        .into_iter()
        .filter(|finding| finding.code != "missing-member")
        .map(|finding| format!("{} {}", finding.code, finding.pointer))
        .collect()
}

#[test]
fn each_format_is_recognised_and_becomes_its_cards() {
    let mut formats: BTreeMap<&str, usize> = BTreeMap::new();
    for (name, extension, text) in fixtures() {
        let read =
            read(&text, options(&extension)).unwrap_or_else(|error| panic!("{name}: {error:?}"));
        assert_eq!(read.format.name, name.split('.').next().expect("a name"));
        *formats.entry(read.format.name).or_default() += 1;
        let made = made(read);
        assert_eq!(findings(&made.cards), [""; 0], "{name}");
        let shown = json!({"cards": made.cards, "notes": made.notes});
        let shown = serde_json::to_string_pretty(&shown).expect("JSON");
        insta::assert_snapshot!(name.as_str(), shown);
    }
    for format in &FORMATS {
        assert!(
            formats.contains_key(format.name),
            "{} has no file",
            format.name
        );
    }
}

#[test]
fn words_are_grouped_by_second_where_a_result_has_words() {
    let (_, _, text) = fixtures()
        .into_iter()
        .find(|(name, ..)| name == "aws-transcribe")
        .expect("the file");
    let by_second = ReadOptions {
        grouping: Grouping::Second,
        ..options("json")
    };
    let read = read(&text, by_second).expect("a result");
    let lines: Vec<_> = read
        .content
        .lines
        .iter()
        .map(|line| line.text.as_str())
        .collect();
    assert_eq!(lines, ["Good morning.", "Is it ready?"]);
}

#[test]
fn what_is_not_a_result_is_refused_with_the_reason() {
    let refused = |text: &str| read(text, options("json")).expect_err(text);
    assert!(matches!(
        refused(r#"{"spacy": [{"start": 1}]}"#),
        ReadError::UnknownShape
    ));
    assert!(matches!(refused("[1, 2]"), ReadError::UnknownShape));
    assert!(matches!(refused("{"), ReadError::Syntax(_)));
    assert!(matches!(refused("{\"a\": NaN}"), ReadError::Syntax(_)));
    assert!(matches!(
        refused(&format!("{{\"a\": {}", "[".repeat(1000))),
        ReadError::Syntax(_)
    ));
    assert!(matches!(refused("just text"), ReadError::UnreadFormat(_)));
    assert!(
        matches!(refused(r#"{"responses": [{"labelAnnotations": []}]}"#), ReadError::Empty(it) if it.name == "google-vision")
    );
    let two = r#"{"results": [{"alternatives": [{"transcript": "hi"}]}]}"#;
    assert!(
        matches!(refused(two), ReadError::Ambiguous(names) if names == ["google-speech", "watson-speech"])
    );
    let named = |name| ReadOptions {
        format: Format::named(name),
        ..options("json")
    };
    assert!(read(two, named("watson-speech")).is_ok());
    assert!(matches!(
        read(two, named("whisper")),
        Err(ReadError::OtherFormat(_))
    ));
    assert!(matches!(
        read("no JSON", named("whisper")),
        Err(ReadError::Syntax(_))
    ));
}

#[test]
fn an_error_in_a_result_is_reported_as_the_service_words_it() {
    for (result, message) in [
        (
            r#"{"error": "quota exceeded", "status": "error"}"#,
            "quota exceeded",
        ),
        (r#"{"error": {"code": 403, "message": "no key"}}"#, "no key"),
        (
            r#"{"responses": [{"error": {"code": 3, "message": "bad image"}}]}"#,
            "bad image",
        ),
        (
            r#"{"done": true, "response": {"annotationResults": [{"error": {"message": "bad video"}}]}}"#,
            "bad video",
        ),
        (
            r#"{"name": "7", "done": true, "error": {"message": "gone"}}"#,
            "gone",
        ),
        (
            r#"{"__type": "InvalidImageFormatException", "message": "no image"}"#,
            "no image",
        ),
        (
            r#"{"err_code": "INVALID_AUTH", "err_msg": "no such key"}"#,
            "no such key",
        ),
        (
            r#"{"status": {"code": 11102, "description": "Invalid request"}}"#,
            "Invalid request",
        ),
        (
            r#"{"JobStatus": "FAILED", "StatusMessage": "too long"}"#,
            "too long",
        ),
        (r#"{"JobStatus": "IN_PROGRESS"}"#, "not finished"),
        (
            r#"{"status": "queued", "audio_url": "x", "text": null}"#,
            "queued",
        ),
        (
            r#"{"ErrorType": "VIDEO_NOT_FOUND", "Message": "no video"}"#,
            "no video",
        ),
    ] {
        match read(result, options("json")) {
            Err(ReadError::Service(said)) => assert!(said.contains(message), "{result}: {said}"),
            other => panic!("{result}: {other:?}"),
        }
    }
}

#[test]
fn odd_times_make_no_odd_cards() {
    let segment = |start: Value, end: Value| json!({"start": start, "end": end, "text": "a"});
    let result = json!({"duration": 4, "text": "a", "segments": [
        segment(json!(-5), json!(1)),
        segment(json!(3), json!(2)),
        segment(json!("NaN"), json!("inf")),
        segment(json!(1e300), json!(null)),
        segment(json!(734_000), json!(735_000)),
        segment(json!(2.5), json!(2.5)),
    ]});
    let read = read(&result.to_string(), options("json")).expect("a result");
    let made = made(read);
    assert_eq!(findings(&made.cards), [""; 0]);
    let card = &made.cards[0];
    assert_eq!(card["duration"], 735_000);
    assert!(
        made.notes[0].contains("beyond the duration of 4 s"),
        "{:?}",
        made.notes
    );
    let timed = card["entries"].as_array().expect("entries");
    let timed = timed.iter().filter(|entry| entry.get("appears").is_some());
    assert_eq!(timed.count(), 3);
}

#[test]
fn limits_and_confidence_choose_topics_and_faces() {
    let labels: Vec<Value> = (0..40)
        .map(|nth| json!({"Name": format!("L{nth}"), "Confidence": 60 + nth}))
        .collect();
    let result = json!({"Labels": labels}).to_string();
    let cards = |change: fn(&mut CardOptions)| {
        let read = read(&result, options("json")).expect("a result");
        let mut options = CardOptions::new(read.format.min_confidence);
        change(&mut options);
        make(read.content, &options)
    };
    let entries = |made: &MadeCards| made.cards[0]["entries"].as_array().map(Vec::len);
    let by_default = cards(|_| {});
    assert_eq!(entries(&by_default), Some(25));
    assert_eq!(by_default.cards[0]["entries"][0]["text"], "L39");
    assert_eq!(entries(&cards(|it| it.max_topics = 100)), Some(30));
    assert_eq!(entries(&cards(|it| it.min_confidence = 0.98)), Some(2));
    assert_eq!(
        cards(|it| it.min_confidence = 1.1),
        MadeCards {
            cards: vec![],
            notes: vec!["40 entries left out: the confidence is below 1.1".to_owned()],
        }
    );
}

#[test]
fn fractions_are_kept_where_they_are_asked_for() {
    let result =
        json!({"duration": 9.04, "segments": [{"start": 0.1234, "end": 1.6, "text": "a"}]});
    let read = read(&result.to_string(), options("json")).expect("a result");
    let mut options = CardOptions::new(0.0);
    options.fractions = true;
    let made = make(read.content, &options);
    assert_eq!(made.cards[0]["duration"], 9.04);
    assert_eq!(
        made.cards[0]["entries"][0]["appears"],
        json!([{"start": 0.123, "end": 1.6}])
    );
}
