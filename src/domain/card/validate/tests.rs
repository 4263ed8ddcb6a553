use serde_json::{Value, json};

use super::*;
use crate::domain::json::tree::Tape;

fn validate(input: &Value, schema: Schema) -> Vec<Diagnostic> {
    super::validate(Tape::from_value(input).tree(), schema)
}

/// A card that nothing is wrong with.
fn keyword() -> Value {
    json!({
        "type": "skill_card",
        "skill_card_type": "keyword",
        "skill_card_title": {"code": "skills_topics", "message": "Topics"},
        "skill": {"type": "service", "id": "137"},
        "invocation": {"type": "skill_invocation", "id": "1"},
        "created_at": "2018-10-29T11:29:09-07:00",
        "entries": [{"text": "a", "type": "text"}]
    })
}

/// The same card as another type, with other members.
fn card(card_type: &str, members: &Value) -> Value {
    let mut card = keyword();
    card["skill_card_type"] = card_type.into();
    card["skill_card_title"] = json!({"message": "Mine"});
    for (key, value) in members.as_object().expect("members") {
        card[key] = value.clone();
    }
    card
}

fn status(status: &Value) -> Value {
    let mut card = card("status", &json!({"status": status}));
    card.as_object_mut().expect("an object").remove("entries");
    card
}

fn without(mut card: Value, key: &str) -> Value {
    card.as_object_mut().expect("an object").remove(key);
    card
}

fn refusal_of(cards: &Value, schema: Schema) -> Option<Refusal> {
    box_refusal(Tape::from_value(cards).tree(), schema)
}

/// Severity, code and pointer of each finding under Box's rules.
fn found(card: &Value) -> Vec<(&'static str, &'static str, String)> {
    validate(&json!([card]), Schema::Box)
        .into_iter()
        .map(|it| (it.severity.as_str(), it.code, it.pointer.to_string()))
        .collect()
}

fn one(
    severity: &'static str,
    code: &'static str,
    pointer: &str,
) -> Vec<(&'static str, &'static str, String)> {
    vec![(severity, code, pointer.to_owned())]
}

#[test]
fn cards_of_real_skills_have_no_findings() {
    let fine = [
        keyword(),
        card("keyword", &json!({"status": {}, "usage": null})),
        card(
            "transcript",
            &json!({"entries": [{"text": "a", "appears": [{"start": 1}]}, {"text": "b", "appears": []}, {"text": ""}], "duration": 9}),
        ),
        card(
            "timeline",
            &json!({"duration": 9, "entries": [{"type": "image", "text": "a", "image_url": "data:image/png;base64,iVBORw0KGgo=", "appears": [{"start": 1}]}]}),
        ),
        without(keyword(), "created_at"),
        without(keyword(), "skill_card_title"),
        status(&json!({"code": "skills_pending_status"})),
        status(&json!({"code": "custom_error", "message": "No luck"})),
        status(&json!({"code": "success", "message": "Done"})),
    ];
    for card in fine {
        assert_eq!(found(&card), [], "{card}");
        assert_eq!(refusal_of(&json!([card]), Schema::Box), None);
    }
}

#[test]
fn an_integer_id_is_refused_in_the_words_of_box() {
    let card = card("keyword", &json!({"skill": {"type": "service", "id": 137}}));
    assert_eq!(found(&card), one("error", "id-not-a-string", "/0/skill/id"));
    let refusal = refusal_of(&json!([keyword(), card]), Schema::Box).expect("refused");
    assert_eq!(
        refusal.message,
        "instance type (integer) does not match any allowed primitive type \
         (allowed: [\"string\"]) (pointer: /cards/1/skill/id)"
    );
    assert_eq!(refusal.pointer.as_str(), "/cards/1/skill/id");
}

#[test]
fn a_wrong_type_anywhere_is_one_finding() {
    for (card, pointer) in [
        (json!(7), "/0"),
        (
            card("keyword", &json!({"entries": {"text": "a"}})),
            "/0/entries",
        ),
        (card("keyword", &json!({"entries": ["a"]})), "/0/entries/0"),
        (
            card("keyword", &json!({"entries": [{"text": 5}]})),
            "/0/entries/0/text",
        ),
        (card("keyword", &json!({"skill": "137"})), "/0/skill"),
        (
            card("keyword", &json!({"skill_card_title": "Topics"})),
            "/0/skill_card_title",
        ),
        (
            card(
                "transcript",
                &json!({"entries": [{"text": "a", "appears": [{"start": "1"}]}]}),
            ),
            "/0/entries/0/appears/0/start",
        ),
        (
            card(
                "transcript",
                &json!({"entries": [{"text": "a", "appears": [1]}]}),
            ),
            "/0/entries/0/appears/0",
        ),
        (
            card("transcript", &json!({"duration": "60"})),
            "/0/duration",
        ),
        (status(&json!("processing")), "/0/status"),
        (status(&json!({"code": 5})), "/0/status/code"),
        (
            status(&json!({"code": "x", "message": 5})),
            "/0/status/message",
        ),
    ] {
        let findings = found(&card);
        assert_eq!(findings.len(), 1, "{card}: {findings:?}");
        assert_eq!(
            (findings[0].0, findings[0].2.as_str()),
            ("error", pointer),
            "{card}"
        );
        assert!(refusal_of(&json!([card]), Schema::Box).is_some(), "{card}");
    }
}

#[test]
fn the_type_is_chosen_first_and_nothing_cascades() {
    let odd = card("topics", &json!({"entries": 5, "status": 7}));
    assert_eq!(
        found(&odd),
        one("error", "unknown-card-type", "/0/skill_card_type")
    );
    let help = validate(&odd, Schema::Box)[0].help.clone();
    assert_eq!(help.as_deref(), Some("did you mean \"keyword\"?"));
    assert_eq!(
        found(&without(keyword(), "skill_card_type")),
        one("error", "nothing-to-show", "/0/skill_card_type")
    );
}

#[test]
fn a_card_that_shows_nothing_is_an_error_although_box_accepts_it() {
    let mut misspelt = without(keyword(), "entries");
    misspelt["entires"] = json!([]);
    assert_eq!(
        found(&misspelt),
        one("error", "nothing-to-show", "/0/entries")
    );
    let help = validate(&misspelt, Schema::Box)[0].help.clone();
    assert!(help.expect("help").contains("`entires`"));
    assert_eq!(refusal_of(&json!([misspelt]), Schema::Box), None);
    assert_eq!(
        found(&without(status(&json!({})), "status")),
        one("error", "nothing-to-show", "/0/status")
    );
}

#[test]
fn members_that_the_description_requires_are_one_warning_for_an_object() {
    let bare = json!({"skill_card_type": "keyword", "entries": [{"text": "a"}]});
    assert_eq!(found(&bare), one("warning", "missing-member", "/0"));
    let refusal = refusal_of(&json!([bare]), Schema::Documented).expect("refused");
    assert_eq!(
        refusal.message,
        "object has missing required properties ([\"invocation\",\"skill\",\"type\"]) (pointer: /cards/0)"
    );
    let no_id = card("keyword", &json!({"skill": {"type": "service"}}));
    assert_eq!(
        found(&no_id),
        one("warning", "missing-member", "/0/skill/id")
    );
    let refusal = refusal_of(&json!([no_id]), Schema::Documented).expect("refused");
    assert_eq!(refusal.pointer.as_str(), "/cards/0/skill");
}

#[test]
fn a_status_that_shows_as_an_error_is_a_warning() {
    for code in [
        "invoked",
        "processing",
        "success",
        "skills_no_info_found",
        "mine",
    ] {
        let card = status(&json!({"code": code}));
        assert_eq!(
            found(&card),
            one("warning", "status-shows-as-error", "/0/status/code")
        );
    }
    let dotted = status(&json!({"code": "skills_external_auth_error."}));
    let help = validate(&dotted, Schema::Box)[0].help.clone();
    assert_eq!(
        help.as_deref(),
        Some("did you mean \"skills_external_auth_error\"?")
    );
    assert_eq!(
        found(&status(&json!({}))),
        one("warning", "status-shows-as-error", "/0/status")
    );
    let pending = status(&json!({"code": "skills_pending_status", "message": "Hello"}));
    assert_eq!(
        found(&pending),
        one("warning", "message-never-shows", "/0/status/message")
    );
    let own = status(&json!({"code": "error", "message": "No luck"}));
    assert_eq!(
        found(&own),
        one("warning", "unknown-status-code", "/0/status/code")
    );
}

#[test]
fn times_in_another_unit_are_one_finding_that_names_it() {
    let finding = |card_type: &str, start: f64| {
        let entries = json!([
            {"text": "a", "image_url": "https://a.example/b.png", "appears": [{"start": start}]},
            {"text": "b", "image_url": "https://a.example/b.png", "appears": [{"start": start}]},
        ]);
        let card = card(card_type, &json!({"duration": 812, "entries": entries}));
        let mut findings = validate(&json!([card]), Schema::Box);
        assert_eq!(findings.len(), 1, "{findings:#?}");
        findings.remove(0)
    };
    for card_type in ["keyword", "timeline", "transcript"] {
        let found = finding(card_type, 734_000.0);
        assert_eq!(found.code, "beyond-duration");
        assert_eq!(
            found.message,
            "start 734000 is far beyond the duration 812, like 2 times of this card: milliseconds?"
        );
        assert_eq!(
            found.help.as_deref(),
            Some("times are in seconds: divide by 1000, 734000 is 734 s")
        );
    }
    let ticks = finding("transcript", 7_340_000_000.0);
    assert!(
        ticks.message.ends_with("ticks of 100 ns?"),
        "{}",
        ticks.message
    );
}

#[test]
fn numbers_in_strings_are_explained() {
    for (written, seconds) in [("0.5", "0.5"), ("1.2s", "1.2"), ("0:01:02", "62")] {
        let entries = json!([{"text": "a", "appears": [{"start": written}]}]);
        let card = card("transcript", &json!({"duration": 9, "entries": entries}));
        let help = validate(&json!([card]), Schema::Box).remove(0).help;
        let expected = format!("write it in seconds, without quotes: {seconds}");
        assert_eq!(help, Some(expected));
    }
}

#[test]
fn titles_that_are_never_shown_are_a_warning() {
    let mut titled = without(keyword(), "skill_card_title");
    titled["title"] = "Plates".into();
    assert_eq!(found(&titled), one("warning", "title-ignored", "/0/title"));
    let faces = card(
        "timeline",
        &json!({"entries": [],
        "skill_card_title": {"code": "skills_faces", "message": "People"}}),
    );
    let codes: Vec<_> = found(&faces).into_iter().map(|it| it.1).collect();
    assert_eq!(codes, ["title-code-wins", "no-entries"]);
}

#[test]
fn times_without_a_duration_are_reported_once_for_a_card() {
    let entry = json!({"text": "a", "appears": [{"start": 1.5, "end": 2}]});
    let untimed = card("keyword", &json!({"entries": [entry, entry, entry]}));
    let expected = [
        (
            "warning",
            "fractions",
            "/0/entries/0/appears/0/start".to_owned(),
        ),
        ("warning", "no-duration", "/0/entries/0/appears".to_owned()),
    ];
    assert_eq!(found(&untimed), expected);
    let empty = card("keyword", &json!({"entries": [entry], "duration": 0}));
    assert!(found(&empty).contains(&("warning", "empty-duration", "/0/duration".to_owned())));
}

#[test]
fn slices_that_are_not_drawn_are_a_warning() {
    for (appearance, code, member) in [
        (json!({"start": 10, "end": 11}), "beyond-duration", "/start"),
        (json!({"start": -1, "end": 11}), "below-zero", "/start"),
        (json!({"start": 5, "end": 4}), "ends-before-start", "/end"),
        (json!({"end": 4}), "no-start", "/start"),
    ] {
        let card = card(
            "keyword",
            &json!({"duration": 10, "entries": [{"text": "a", "appears": [appearance]}]}),
        );
        let pointer = format!("/0/entries/0/appears/0{member}");
        assert_eq!(found(&card), one("warning", code, &pointer));
    }
    let twice = card(
        "transcript",
        &json!({"entries": [{"text": "a", "appears": [{"start": 1}, {"start": 2}]}]}),
    );
    assert_eq!(
        found(&twice),
        one("warning", "several-times", "/0/entries/0/appears")
    );
}

#[test]
fn images_that_a_browser_cannot_load_are_a_warning() {
    let face = |image: &Value| {
        card(
            "timeline",
            &json!({"entries": [{"text": "a", "image_url": image}]}),
        )
    };
    let at = "/0/entries/0/image_url";
    assert_eq!(
        found(&face(&json!("http://a/b.png"))),
        one("warning", "insecure-image", at)
    );
    assert_eq!(
        found(&face(&json!("data:image/png;base64,a-b"))),
        one("warning", "odd-image", at)
    );
    assert_eq!(
        found(&face(&json!("face.png"))),
        one("warning", "odd-image", at)
    );
    assert_eq!(found(&face(&json!("https://a/b.png"))), []);
    let mut bare = face(&json!(""));
    bare["entries"][0] = json!({"text": "a"});
    assert_eq!(found(&bare), one("warning", "no-image", at));
}

#[test]
fn the_published_description_is_stricter() {
    for card in [
        status(&json!({"code": "skills_pending_status"})),
        card("transcript", &json!({"duration": 1.5})),
        card(
            "keyword",
            &json!({"duration": 9, "entries": [{"text": "a", "appears": [{"start": 1, "end": 1.5}]}]}),
        ),
        card("keyword", &json!({"skill": {"type": "app", "id": "1"}})),
        card("keyword", &json!({"skill": {"type": "service"}})),
        without(keyword(), "invocation"),
        card("keyword", &json!({"created_at": "yesterday"})),
        card("keyword", &json!({"created_at": null})),
    ] {
        let cards = json!([card]);
        assert!(refusal_of(&cards, Schema::Box).is_none(), "{card}");
        assert!(refusal_of(&cards, Schema::Documented).is_some(), "{card}");
        let findings = validate(&cards, Schema::Documented);
        assert!(
            findings.iter().any(|it| it.severity == Severity::Error),
            "{card}"
        );
    }
    assert_eq!(refusal_of(&json!([keyword()]), Schema::Documented), None);
}

#[test]
fn an_invocation_body_is_checked_with_its_cards() {
    let body = json!({"status": "done", "file": {"type": "file", "id": "1"},
        "metadata": {"cards": [keyword(), 5]}, "usage": null});
    let codes: Vec<_> = validate(&body, Schema::Box)
        .into_iter()
        .map(|it| (it.code, it.pointer.to_string()))
        .collect();
    assert_eq!(
        codes,
        [
            ("unknown-status", "/status".to_owned()),
            ("wrong-type", "/metadata/cards/1".to_owned())
        ]
    );
}

#[test]
fn cards_that_are_not_a_list_are_refused() {
    let refusal = refusal_of(&json!({"a": 1}), Schema::Box).expect("refused");
    assert!(
        refusal.message.ends_with("(pointer: /cards)"),
        "{}",
        refusal.message
    );
    assert_eq!(
        validate(&json!({"cards": 5}), Schema::Box)[0]
            .pointer
            .as_str(),
        "/cards"
    );
    assert_eq!(validate(&json!(5), Schema::Box)[0].code, "no-cards");
}
