//! The JSON Schemas for editors and the readers of the same files give the same answers.

use std::{fs, path::PathBuf, process::Command};

use jsonschema::Validator;
use proptest::{prelude::*, test_runner::Config};
use serde_json::{Value, json};
use skillctl::domain::{
    card::validate::{Schema, box_refusal},
    event::Captured,
    json::tree::Tape,
    outcome::Expected,
    schema,
};
use walkdir::WalkDir;

fn validator(schema: &Value) -> Validator {
    jsonschema::options()
        .should_validate_formats(true)
        .build(schema)
        .expect("a schema")
}

fn is_event(value: &Value) -> bool {
    let bytes = value.to_string().into();
    Captured::read(Tape::from_value(value).tree(), bytes).is_ok()
}

fn fixtures(folder: &str, name: &str) -> Vec<(PathBuf, Value)> {
    let top = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(folder);
    let files = WalkDir::new(top)
        .into_iter()
        .map(|entry| entry.expect("an entry").into_path());
    let files = files.filter(|path| path.to_string_lossy().ends_with(name));
    files
        .filter_map(|path| {
            // Some of the bad ones are not even JSON.
            let bytes = fs::read(&path).expect("it is there");
            Some((path, serde_json::from_slice(&bytes).ok()?))
        })
        .collect()
}

#[test]
fn every_fixture_follows_its_schema() {
    let event = validator(&schema::event());
    let expected = validator(&schema::expected());
    let events = fixtures("fixtures/events", "event.json");
    let results = fixtures("fixtures/events", "expected.json");
    assert!(events.len() > 5 && results.len() > 5);
    for (path, value) in events {
        assert!(event.is_valid(&value), "{}", path.display());
    }
    for (path, value) in results {
        assert!(expected.is_valid(&value), "{}", path.display());
    }
}

#[test]
fn files_with_cards_are_accepted_in_every_form() {
    let card = validator(&schema::card(Schema::Box));
    for (path, value) in fixtures("fixtures/cards", ".json") {
        let cards = value.get("cards").cloned().unwrap_or_else(|| match &value {
            Value::Array(_) => value.clone(),
            other => json!([other]),
        });
        // A record and the body of a call are read too; they are not files that people write.
        if value.get("metadata").is_some() || !cards.is_array() {
            continue;
        }
        let refused = box_refusal(Tape::from_value(&cards).tree(), Schema::Box).is_some();
        assert_eq!(card.is_valid(&value), !refused, "{}", path.display());
    }
}

#[test]
fn the_schema_of_the_configuration_accepts_and_refuses_what_the_reader_does() {
    let output = Command::new(env!("CARGO_BIN_EXE_skillctl"))
        .args(["schema", "config"])
        .output()
        .expect("it runs");
    let config = validator(&serde_json::from_slice(&output.stdout).expect("JSON"));
    for (text, value) in [
        (
            "[replay]\nwait = \"1m\"\nconcurrency = 8\nreport = [\"junit=a.xml\"]\n",
            json!({"replay": {"wait": "1m", "concurrency": 8, "report": ["junit=a.xml"]}}),
        ),
        (
            "color = \"never\"\n[replay]\nfail-fast = true\ncommand = [\"node\", \"a.js\"]\n",
            json!({"color": "never", "replay": {"fail-fast": true, "command": ["node", "a.js"]}}),
        ),
        (
            "[replay]\nwiat = \"1m\"\n",
            json!({"replay": {"wiat": "1m"}}),
        ),
        ("[replya]\n", json!({"replya": {}})),
        (
            "[replay]\ncommand = \"node\"\n",
            json!({"replay": {"command": "node"}}),
        ),
        ("[fetch]\ntoken = \"a\"\n", json!({"fetch": {"token": "a"}})),
        (
            "[replay]\nfail-fast = 3\n",
            json!({"replay": {"fail-fast": 3}}),
        ),
        ("color = \"pink\"\n", json!({"color": "pink"})),
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("skillctl.toml"), text).expect("it is written");
        fs::write(folder.path().join("none.json"), "{}").expect("it is written");
        // An invalid event is refused after the configuration was read.
        let read = Command::new(env!("CARGO_BIN_EXE_skillctl"))
            .args(["replay", "--sample-skill", "none.json"])
            .current_dir(folder.path())
            .output()
            .expect("it runs");
        let said = String::from_utf8_lossy(&read.stderr).into_owned();
        let is_read = !said.contains("skillctl.toml:");
        assert_eq!(config.is_valid(&value), is_read, "{text}: {said}");
    }
}

/// An event, with one of its members replaced or left out.
fn events() -> impl Strategy<Value = Value> {
    let odd = prop_oneof![
        Just(Value::Null),
        Just(json!(7)),
        Just(json!("")),
        Just(json!("a_1-b")),
        Just(json!("a b")),
        Just(json!({})),
        Just(json!([])),
        Just(json!("skill_invocation")),
        Just(json!("x".repeat(101))),
    ];
    let pointer = prop_oneof![
        Just("/type"),
        Just("/source"),
        Just("/source/id"),
        Just("/source/name"),
        Just("/token"),
        Just("/token/read"),
        Just("/token/read/access_token"),
        Just("/token/write"),
        Just("/token/write/access_token"),
    ];
    (pointer, proptest::option::of(odd)).prop_map(|(pointer, odd)| {
        let mut event = json!({
            "type": "skill_invocation",
            "id": "a_1",
            "source": {"id": "7", "name": "a.txt"},
            "token": {"read": {"access_token": "r"}, "write": {"access_token": "w"}}
        });
        let (parent, name) = pointer.rsplit_once('/').expect("a pointer");
        let members = event.pointer_mut(parent).and_then(Value::as_object_mut);
        let members = members.expect("an object");
        match odd {
            Some(odd) => members.insert(name.to_owned(), odd),
            None => members.remove(name),
        };
        event
    })
}

/// An expected result, with members that may be wrong.
fn expected() -> impl Strategy<Value = Value> {
    let name = prop_oneof![
        Just("status"),
        Just("cards"),
        Just("metadata"),
        Just("outcome"),
    ];
    let value = prop_oneof![
        Just(Value::Null),
        Just(json!("success")),
        Just(json!("processing")),
        Just(json!("invoked")),
        Just(json!("<any>")),
        Just(json!([])),
        Just(json!([{"type": "skill_card"}])),
        Just(json!({})),
        Just(json!({"global/properties": {"a": 1}})),
        Just(json!({"global/properties": "<any>"})),
        Just(json!({"global/properties": 1})),
        Just(json!({"global/boxSkillsCards": {}})),
        Just(json!({"properties": {}})),
        Just(json!({"/a": {}})),
        Just(json!({"a/b/c": {}})),
    ];
    let members = proptest::collection::btree_map(name, value, 0..3);
    members.prop_map(|members| json!(members))
}

proptest! {
    #![proptest_config(Config { cases: 512, failure_persistence: None, ..Config::default() })]

    #[test]
    fn the_reader_of_expected_results_agrees_with_the_schema(expected in expected()) {
        thread_local! {
            static EXPECTED: Validator = validator(&schema::expected());
        }
        let valid = EXPECTED.with(|schema| schema.is_valid(&expected));
        let read = Expected::read(Tape::from_value(&expected).tree());
        prop_assert_eq!(valid, read.is_ok(), "{}: {:?}", expected, read);
    }

    #[test]
    fn the_reader_of_events_agrees_with_the_schema(event in events()) {
        thread_local! {
            static EVENT: Validator = validator(&schema::event());
        }
        let valid = EVENT.with(|schema| schema.is_valid(&event));
        prop_assert_eq!(valid, is_event(&event), "{}", event);
    }
}
