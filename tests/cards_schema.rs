//! The validator of cards against JSON Schemas written from the same facts by other means: they
//! must agree on any card, near the border between right and wrong above all.

use jsonschema::Validator;
use proptest::{prelude::*, test_runner::Config};
use serde_json::{Value, json};
use skillctl::domain::{
    card::validate::{Schema, box_refusal, validate},
    diagnostic::Severity,
};

const BOX: &str = include_str!("schemas/cards.box.schema.json");
const DOCUMENTED: &str = include_str!("schemas/cards.documented.schema.json");

fn validator(schema: &str) -> Validator {
    let schema = serde_json::from_str(schema).expect("a schema is JSON");
    jsonschema::options()
        .should_validate_formats(true)
        .build(&schema)
        .expect("a schema is one")
}

/// A card of each kind that nothing is wrong with.
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
    ]
}

/// Values that stand on one side of some border or the other.
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

/// A change of one place in a card: which one, and to what; beyond the values, it is removed.
#[derive(Clone, Debug)]
struct Change {
    place: usize,
    value: usize,
}

fn change() -> impl Strategy<Value = Change> {
    (any::<usize>(), any::<usize>()).prop_map(|(place, value)| Change { place, value })
}

/// Random cards: good ones, with some places changed.
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
    #![proptest_config(Config { cases: 4096, failure_persistence: None, ..Config::default() })]

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
                let refusal = box_refusal(&cards, *schema);
                prop_assert_eq!(
                    refusal.is_none(),
                    validator.is_valid(&cards),
                    "{:?}: {:?}; the schema says {:?}",
                    schema, refusal, validator.iter_errors(&cards).map(|it| it.to_string()).collect::<Vec<_>>()
                );
                let findings = validate(&cards, *schema);
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
    fn no_value_panics_the_validator(value in any_json()) {
        for schema in [Schema::Box, Schema::Documented] {
            let _ = validate(&value, schema);
            let _ = box_refusal(&value, schema);
        }
    }

    #[test]
    fn one_change_is_one_mistake_or_none(kind in 0..4_usize, change in change()) {
        // A list or an object put in place of a value may hold several mistakes of its own.
        let values = odd_values();
        let choice = change.value % (values.len() + 6);
        if values.get(choice).is_some_and(|it| it.is_array() || it.is_object()) {
            return Ok(());
        }
        let mut card = good_cards().swap_remove(kind);
        apply(&mut card, &change);
        let findings = validate(&json!([card]), Schema::Box);
        prop_assert!(findings.len() <= 1 || is_mistaken_kind(&card, kind), "{card}: {findings:#?}");
    }
}

/// Where the change turned a card into one of another kind, it lacks all that belongs to it.
fn is_mistaken_kind(card: &Value, kind: usize) -> bool {
    let names = ["keyword", "timeline", "transcript", "status"];
    card.get("skill_card_type") != Some(&json!(names[kind]))
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        prop::sample::select(vec!["keyword", "timeline", "transcript", "status"])
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
