//! What is removed, what is still equal, and what stays.

use super::*;
use crate::domain::event::Event;

fn captured() -> Value {
    json!({
        "type": "skill_invocation",
        "skill": {"id": "137", "type": "skill", "name": "Acme Reader", "api_key": "hxel2s12wd2h9r8n"},
        "token": {
            "write": {"access_token": "1!writetoken", "expires_in": 1, "restricted_to":
                "[{\"scope\":\"item_upload\",\"object_id\":340708371275,\"object_type\":\"file\"}]"},
            "read": {"access_token": "1!readtoken", "expires_in": 1}
        },
        "skill_rules": [{"id": "7", "config": "{\"notify\":\"ann@acme.test\",\"file\":\"340708371275\"}"}],
        "id": "fd1d2e53-35f5-41fb-9c25-4ba326daf2f9_341016304",
        "created_at": "2018-10-29T11:29:09-07:00",
        "enterprise": {"type": "enterprise", "id": "94713934", "name": "Acme"},
        "source": {
            "type": "file", "id": "340708371275", "name": "Ann's passport.jpg", "sequence_id": "3",
            "owner_enterprise_id": "94713934", "old_parent_id": "", "size": 150_031,
            "collab_accessible_by": {"type": "", "id": "", "name": "", "login": ""}
        },
        "event": {
            "event_id": "fd1d2e53-35f5-41fb-9c25-4ba326daf2f9",
            "created_by": {"type": "user", "id": "6122733934", "name": "Ann Acme", "login": "ann@acme.test"},
            "source": {"id": 340_708_371_275_u64, "name": "Ann's passport.jpg"}
        },
        "parameters": {"note": "for bob@acme.test at Acme and Ann's passport.jpg"}
    })
}

fn scrub(value: &Value) -> Value {
    Scrubber::new(Keep::default()).scrub(value).0
}

#[test]
fn no_personal_data_is_left() {
    let text = scrub(&captured()).to_string();
    for leak in [
        "137\"",
        "Acme",
        "acme",
        "hxel",
        "writetoken",
        "readtoken",
        "340708371275",
        "fd1d2e53",
        "341016304",
        "94713934",
        "Ann",
        "6122733934",
        "bob@",
    ] {
        assert!(!text.contains(leak), "{leak} is left in {text}");
    }
}

#[test]
fn what_was_equal_stays_equal() {
    let event = scrub(&captured());
    let file = event["source"]["id"].as_str().expect("still a string");
    assert_eq!(
        event["event"]["source"]["id"],
        file.parse::<u64>().expect("digits"),
        "a number stays one"
    );
    assert_eq!(
        event["token"]["write"]["restricted_to"],
        format!(r#"[{{"scope":"item_upload","object_id":{file},"object_type":"file"}}]"#)
    );
    assert_eq!(
        event["enterprise"]["id"],
        event["source"]["owner_enterprise_id"]
    );
    let id = event["id"].as_str().expect("a string");
    let event_id = event["event"]["event_id"].as_str().expect("a string");
    assert!(id.starts_with(&format!("{event_id}_")), "{id}");
    let config = event["skill_rules"][0]["config"]
        .as_str()
        .expect("a string");
    assert!(config.contains(file), "{config}");
    let login = event["event"]["created_by"]["login"]
        .as_str()
        .expect("a string");
    assert!(config.contains(login), "{config}");
}

#[test]
fn the_shape_stays() {
    let event = scrub(&captured());
    assert_eq!(event["source"]["name"], "File 1.jpg");
    assert_eq!(event["source"]["sequence_id"], "3");
    assert_eq!(event["source"]["old_parent_id"], "");
    assert_eq!(event["source"]["collab_accessible_by"]["login"], "");
    assert_eq!(event["source"]["size"], 150_031);
    assert_eq!(event["created_at"], "2018-10-29T11:29:09-07:00");
    assert_eq!(event["token"]["read"]["access_token"], NO_TOKEN);
    assert_eq!(
        event["parameters"]["note"],
        "for person-2@example.com at Enterprise 1 and File 1.jpg"
    );
    assert!(Event::from_value(&event).is_ok());
}

#[test]
fn short_names_are_found_as_words_of_their_own() {
    assert_eq!(
        replace_words("Ann, Anna and Joann; (Ann)", "Ann", "X"),
        "X, Anna and Joann; (X)"
    );
}

#[test]
fn scrubbing_twice_changes_nothing_more() {
    let once = scrub(&captured());
    let again = scrub(&once);
    assert_eq!(scrub(&again), again);
    assert_eq!(again["token"], once["token"]);
}

#[test]
fn two_events_of_one_file_stay_of_one_file() {
    let mut scrubber = Scrubber::new(Keep::default());
    let (first, _) = scrubber.scrub(&captured());
    let mut other = captured();
    other["event"]["event_id"] = json!("00d1d2e5-35f5-41fb-9c25-4ba326daf2f9");
    let (second, _) = scrubber.scrub(&other);
    assert_eq!(first["source"], second["source"]);
    assert_ne!(first["event"]["event_id"], second["event"]["event_id"]);
}

#[test]
fn ids_and_names_are_kept_on_request() {
    let mut scrubber = Scrubber::new(Keep {
        ids: true,
        names: true,
    });
    let (event, _) = scrubber.scrub(&captured());
    assert_eq!(event["source"], captured()["source"]);
    assert_eq!(event["skill"]["api_key"], NO_TOKEN);
    assert_eq!(
        event["event"]["created_by"]["login"],
        "person-1@example.com"
    );
}

#[test]
fn a_proxy_event_loses_its_signatures_and_its_sender() {
    let headers = json!({
        "Host": "abc123.execute-api.us-east-1.amazonaws.com", "Authorization": "Bearer zzz",
        "X-Forwarded-For": "198.51.100.7", "Content-Length": "999",
        "box-delivery-timestamp": "2026-01-01T00:00:00Z", "box-signature-version": "1",
        "box-signature-primary": "c2ln", "box-signature-secondary": "c2ln",
        "User-Agent": "Box-Skills-Client/0.1"
    });
    let proxy = json!({
        "path": "/prod/skill", "httpMethod": "POST", "headers": headers,
        "multiValueHeaders": {"box-signature-primary": ["c2ln"], "X-Key": ["zzz"]},
        "stageVariables": {"secret": "zzz"},
        "requestContext": {"accountId": "123456789012", "identity": {"sourceIp": "198.51.100.7"}},
        "body": captured().to_string(), "isBase64Encoded": false
    });
    let (scrubbed, losses) = Scrubber::new(Keep::default()).scrub(&proxy);
    assert!(losses.signatures);
    let text = scrubbed.to_string();
    for leak in [
        "zzz",
        "c2ln",
        "198.51",
        "amazonaws",
        "1234567",
        "Ann",
        "writetoken",
    ] {
        assert!(!text.contains(leak), "{leak} is left in {text}");
    }
    assert_eq!(scrubbed["path"], "/prod/skill");
    assert_eq!(scrubbed["headers"]["User-Agent"], "Box-Skills-Client/0.1");
    assert_eq!(scrubbed["headers"]["box-signature-version"], "1");
    let inner: Value =
        serde_json::from_str(scrubbed["body"].as_str().expect("a string")).expect("still JSON");
    assert_eq!(inner["source"]["name"], "File 1.jpg");
}

#[test]
fn fixed_words_of_box_stay_even_if_they_are_also_a_name() {
    let mut event = captured();
    event["event"]["created_by"]["name"] = json!("user");
    event["enterprise"]["name"] = json!("file");
    let scrubbed = scrub(&event);
    assert_eq!(scrubbed["event"]["created_by"]["type"], "user");
    assert_eq!(scrubbed["event"]["created_by"]["name"], "Person 1");
    assert_eq!(scrubbed["source"]["type"], "file");
}

#[test]
fn no_person_of_a_large_event_keeps_a_name() {
    let mut event = captured();
    let people: Vec<Value> = (0..20_000)
        .map(|number| json!({"id": format!("5{number:09}"), "name": format!("Somebody {number}")}))
        .collect();
    event["parameters"] = json!({ "people": people });
    let scrubbed = scrub(&event);
    assert!(!scrubbed.to_string().contains("Somebody"));
}

#[test]
fn a_token_inside_a_string_is_replaced() {
    let event = json!({
        "source": {"id": "1"},
        "note": "https://x/?access_token=0123456789abcdef&a=b",
        "config": r#"{"retries":3,"client_secret":"0123456789abcdef"}"#
    });
    let (scrubbed, _) = Scrubber::new(Keep::default()).scrub(&event);
    let text = scrubbed.to_string();
    assert!(!text.contains("abcdef"), "{text}");
    assert!(text.contains("&a=b") && text.contains("retries"), "{text}");
}

#[test]
fn a_redacted_name_does_not_replace_a_token() {
    let mut event = captured();
    event["source"]["name"] = json!(NO_TOKEN);
    let event = scrub(&event);
    assert_eq!(event["source"]["name"], NO_TOKEN);
    assert_eq!(event["token"]["read"]["access_token"], NO_TOKEN);
}

#[test]
fn an_id_that_equals_a_name_is_replaced_as_an_id() {
    let mut event = captured();
    event["skill"]["name"] = json!("340708371275");
    event["enterprise"]["name"] = json!("94713934");
    event["event"]["created_by"]["name"] = json!("0");
    event["source"]["sequence_id"] = json!("0");
    event["source"]["parent"] = json!({"id": "0"});
    let event = scrub(&event);
    assert_eq!(event["source"]["sequence_id"], "0");
    assert_eq!(event["source"]["parent"]["id"], "0");
    let id = event["source"]["id"].as_str().expect("text");
    assert!(is_digits(id) && id != "340708371275", "{id}");
    assert!(Event::from_value(&event).is_ok());
}

#[test]
fn many_addresses_are_replaced_in_one_pass() {
    let mut event = captured();
    let addresses: Vec<String> = (0..50_000)
        .map(|nth| format!("..u{nth}@acme.test."))
        .collect();
    event["parameters"] = json!({"note": addresses.join(" ")});
    // A pass for each would take minutes.
    let event = scrub(&event);
    let note = event["parameters"]["note"].as_str().expect("text");
    assert!(!note.contains("acme"));
    let ends: Vec<_> = note
        .split(' ')
        .filter(|it| it.starts_with("..person-"))
        .collect();
    assert_eq!(ends.len(), addresses.len());
    assert!(
        note.ends_with("@example.com."),
        "{}",
        &note[note.len() - 40..]
    );
}

#[test]
fn a_member_with_the_name_of_a_secret_is_replaced() {
    for name in [
        "password",
        "privateKey",
        "client_secret",
        "assertion",
        "token",
    ] {
        let mut event = captured();
        event["parameters"] = json!({ name: "hunter2hunter2" });
        let scrubbed = scrub(&event);
        assert_eq!(scrubbed["parameters"][name], NO_TOKEN, "{name}");
    }
}
