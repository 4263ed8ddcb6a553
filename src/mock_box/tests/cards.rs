//! The metadata API and skill_invocations.

use serde_json::{Value, json, value::RawValue};

use super::world::{CARDS, World, any, bytes_of, card, json_of};
use crate::{
    domain::{call::WriteOp, card::validate::Schema},
    mock_box::{AnswerBody, Settings, http::request::tests::head},
};

#[test]
fn an_instance_is_created_read_changed_and_deleted() {
    let mut world = World::new();
    let event = world.register("talk.txt");
    let place = format!("/2.0/files/{}/{CARDS}", event.file_id);
    let made = world.send(
        &format!("POST {place}"),
        &event.write,
        &json!({"cards": [card("a")]}),
    );
    assert_eq!(made.status, 201);
    let made = json_of(&made);
    assert_eq!(made["$version"], 0);
    assert_eq!(made["$parent"], "file_42");
    assert_eq!(made["$scope"], "global");
    assert_eq!(made["$canEdit"], true);
    assert_eq!(made["cards"][0]["entries"][0]["text"], "a");

    let read = world.call(&format!("GET {place}"), Some(&event.read));
    assert_eq!((read.status.as_u16(), json_of(&read)), (200, made));

    for (version, patch) in [
        json!([{"op": "replace", "path": "/cards/0", "value": card("b")}]),
        json!([{"op": "add", "path": "/cards/-", "value": card("c")}]),
        json!([{"op": "add", "path": "/cards", "value": [card("d")]}]),
        json!([
            {"op": "test", "path": "/cards/0", "value": card("d")},
            {"op": "add", "path": "/cards/0/entries/-", "value": {"text": "e"}},
            {"op": "remove", "path": "/cards/0/entries/0"}
        ]),
        json!([{"op": "copy", "from": "/cards/0", "path": "/cards/-"},
               {"op": "move", "from": "/cards/1", "path": "/cards/0"}]),
    ]
    .into_iter()
    .enumerate()
    {
        let changed = world.send(&format!("PUT {place}"), &event.write, &patch);
        assert_eq!(changed.status, 200, "{patch}");
        assert_eq!(json_of(&changed)["$version"], version + 1);
    }
    let read = json_of(&world.call(&format!("GET {place}"), Some(&event.write)));
    assert_eq!(read["cards"].as_array().map(Vec::len), Some(2));
    assert_eq!(read["cards"][0]["entries"], json!([{"text": "e"}]));

    let gone = world.call(&format!("DELETE {place}"), Some(&event.write));
    assert_eq!((gone.status.as_u16(), gone.body), (204, AnswerBody::Empty));
    let read = world.call(&format!("GET {place}"), Some(&event.read));
    assert_eq!(read.status, 404);
    assert_eq!(
        json_of(&read),
        json!({
            "code": "instance_not_found", "message": "Instance is not found",
            "request_id": "the-request"
        })
    );
}

#[test]
fn bodies_of_many_lines_are_recorded_on_one() {
    let mut world = World::new();
    let event = world.register("talk.txt");
    let place = format!("/2.0/files/42/{CARDS}");
    let pretty = |body: &Value| format!("{body:#}\n").into_bytes();
    let patch = json!([{"op": "replace", "path": "/cards", "value": []}]);
    let report = json!({
        "status": "success", "file": {"id": "42"}, "metadata": {"cards": []},
        "usage": {"unit": "files", "value": 1}
    });
    let invocation = "PUT /2.0/skill_invocations/1".to_owned();
    let cards = json!({"cards": [card("a")]});
    for (line, status, note, body) in [
        (format!("POST {place}"), 201, "1 card (keyword)", cards),
        (format!("PUT {place}"), 200, "no cards", patch.clone()),
        (invocation, 200, "success: no cards", report),
    ] {
        let asked = world.ask(head(&line, Some(&event.write)), &pretty(&body));
        assert_eq!(asked.status, status, "{line}");
        assert_eq!(asked.note.as_deref(), Some(note));
    }
    for record in &world.records {
        let mut text = Vec::new();
        record.write_to(&mut text);
        assert!(!text.contains(&b'\n'), "{record:?}");
    }
    let kept = |text: &Option<_>| text.as_deref().map(RawValue::get).map(str::to_owned);
    assert_eq!(kept(&world.records[1].patch), Some(patch.to_string()));
    let usage = r#"{"unit":"files","value":1}"#.to_owned();
    assert_eq!(kept(&world.records[2].usage), Some(usage));
}

#[test]
fn the_last_of_duplicate_members_of_a_report_is_used() {
    let mut world = World::new();
    let event = world.register("talk.txt");
    let mut put = |body: &str| {
        let line = "PUT /2.0/skill_invocations/1";
        world
            .ask(head(line, Some(&event.write)), body.as_bytes())
            .status
            .as_u16()
    };
    let rest = r#""file":{"id":"42"},"metadata":{"cards":[]}"#;
    assert_eq!(
        put(&format!(r#"{{"status":"x","status":"success",{rest}}}"#)),
        200
    );
    assert_eq!(
        put(&format!(
            r#"{{"status":"success",{rest},"usage":null,"more":1}}"#
        )),
        200
    );
    assert_eq!(put(r#"["success",{"cards":[]},{"id":"42"},null]"#), 400);
    assert_eq!(put("null"), 400);
    let statuses: Vec<_> = world
        .records
        .iter()
        .map(|it| it.status.as_deref())
        .collect();
    assert_eq!(statuses, [Some("success"); 2]);
}

#[test]
fn the_list_contains_each_instance_as_it_is_answered() {
    let mut world = World::new();
    let event = world.register("talk.txt");
    let list = |world: &mut World| {
        let answer = world.call("GET /2.0/files/42/metadata", Some(&event.read));
        String::from_utf8(bytes_of(&answer)).expect("text")
    };
    assert_eq!(list(&mut world), r#"{"entries":[],"limit":100}"#);
    let mut each = Vec::new();
    for place in [CARDS, "metadata/global/properties"] {
        let place = format!("/2.0/files/42/{place}");
        let body = json!({"cards": []});
        let user = world.user();
        assert_eq!(
            world.send(&format!("POST {place}"), &user, &body).status,
            201
        );
        let answer = world.call(&format!("GET {place}"), Some(&user));
        each.push(String::from_utf8(bytes_of(&answer)).expect("text"));
    }
    let entries = each.join(",");
    assert_eq!(
        list(&mut world),
        format!(r#"{{"entries":[{entries}],"limit":100}}"#)
    );
}

#[test]
fn a_second_post_of_cards_answers_409() {
    let mut world = World::new();
    let event = world.register("talk.txt");
    let line = format!("POST /2.0/files/42/{CARDS}");
    let body = json!({"cards": [card("a")]});
    assert_eq!(world.send(&line, &event.write, &body).status, 201);
    let second = world.send(&line, &event.write, &body);
    assert_eq!(second.status, 409);
    let error = json_of(&second);
    assert_eq!(error["code"], "tuple_already_exists");
    assert_eq!(error.as_object().map(serde_json::Map::len), Some(3));
}

#[test]
fn a_patch_that_fails_changes_nothing() {
    let mut world = World::new();
    let event = world.register("talk.txt");
    let place = format!("/2.0/files/42/{CARDS}");
    let body = json!({"cards": [card("a")]});
    world.send(&format!("POST {place}"), &event.write, &body);
    for (patch, message) in [
        (
            json!([
                {"op": "replace", "path": "/cards/0", "value": card("b")},
                {"op": "test", "path": "/cards/0", "value": 1}
            ]),
            "value differs from expectations",
        ),
        (
            json!([{"op": "remove", "path": "/cards/7"}]),
            "no such path in target JSON document",
        ),
        (
            json!([{"op": "add", "path": "/a/b", "value": 1}]),
            "parent of node to add does not exist",
        ),
    ] {
        let refused = world.send(&format!("PUT {place}"), &event.write, &patch);
        assert_eq!(refused.status, 400);
        assert_eq!(json_of(&refused)["code"], "bad_request");
        assert_eq!(json_of(&refused)["message"], message);
    }
    let read = json_of(&world.call(&format!("GET {place}"), Some(&event.read)));
    assert_eq!(
        (&read["$version"], &read["cards"]),
        (&json!(0), &body["cards"])
    );
    assert_eq!(world.records.len(), 1);
}

#[test]
fn cards_that_box_refuses_are_refused_with_its_messages() {
    let mut world = World::new();
    let event = world.register("talk.txt");
    let mut integer_id = card("a");
    integer_id["skill"]["id"] = json!(7);
    let message = "instance type (integer) does not match any allowed primitive type \
                   (allowed: [\"string\"]) (pointer: /cards/0/skill/id)";
    let place = format!("/2.0/files/42/{CARDS}");
    let posted = world.send(
        &format!("POST {place}"),
        &event.write,
        &json!({"cards": [integer_id]}),
    );
    let invoked = world.send(
        "PUT /2.0/skill_invocations/46",
        &event.write,
        &invocation("success", &json!([integer_id])),
    );
    world.send(
        &format!("POST {place}"),
        &event.write,
        &json!({"cards": [card("a")]}),
    );
    let patched = world.send(
        &format!("PUT {place}"),
        &event.write,
        &json!([{"op": "replace", "path": "/cards/0", "value": integer_id}]),
    );
    for refused in [posted, invoked, patched] {
        assert_eq!(refused.status, 400);
        let error = json_of(&refused);
        assert_eq!(error["code"], "schema_validation_failed");
        assert_eq!(error["message"], message);
    }
}

fn invocation(status: &str, cards: &Value) -> Value {
    json!({
        "status": status, "file": {"type": "file", "id": "42"}, "metadata": {"cards": cards},
        "usage": null
    })
}

#[test]
fn an_invocation_sets_all_cards_and_answers_200_without_a_body() {
    let mut world = World::new();
    let event = world.register("talk.txt");
    let place = format!("/2.0/files/42/{CARDS}");
    let line = "PUT /2.0/skill_invocations/46";
    let two = json!([card("a"), card("b")]);
    let first = world.send(line, &event.write, &invocation("processing", &two));
    assert_eq!(
        (first.status.as_u16(), first.body),
        (200, AnswerBody::Empty)
    );
    let mut of_kit = card("c");
    of_kit["status"] = json!({});
    let one = json!([of_kit]);
    let second = world.send(line, &event.write, &invocation("success", &one));
    assert_eq!(second.status, 200);
    let read = json_of(&world.call(&format!("GET {place}"), Some(&event.read)));
    assert_eq!((&read["$version"], &read["cards"]), (&json!(1), &one));

    let [first, second] = world.records.as_slice() else {
        panic!("two records: {:?}", world.records);
    };
    assert_eq!((first.seq, second.seq), (1, 2));
    assert_eq!(second.op, WriteOp::Invocation);
    assert_eq!(second.status.as_deref(), Some("success"));
    assert_eq!(second.skill_id.as_deref(), Some("46"));
    assert_eq!(second.usage.as_ref().map(|usage| usage.get()), None);
    assert_eq!(second.invocation_id.as_deref(), Some("i"));
}

#[test]
fn invocations_that_lack_what_box_requires_are_400() {
    let mut world = World::new();
    let event = world.register("talk.txt");
    let whole = invocation("success", &json!([card("a")]));
    for missing in ["status", "file", "metadata"] {
        let mut body = whole.clone();
        body.as_object_mut().expect("an object").remove(missing);
        let refused = world.send("PUT /2.0/skill_invocations/46", &event.write, &body);
        assert_eq!(refused.status, 400, "{missing}");
        assert_eq!(json_of(&refused)["type"], "error");
    }
    let other = invocation("done", &json!([]));
    let refused = world.send("PUT /2.0/skill_invocations/46", &event.write, &other);
    assert_eq!(refused.status, 400);
}

#[test]
fn the_documented_schema_refuses_what_the_official_kit_sends() {
    let mut world = World::with(Settings {
        schema: Schema::Documented,
        ..Settings::default()
    });
    let event = world.register("talk.txt");
    let line = format!("POST /2.0/files/42/{CARDS}");
    let mut of_kit = card("a");
    of_kit["status"] = json!({});
    of_kit["skill_card_type"] = json!("timeline");
    of_kit["duration"] = json!(1.5);
    let refused = world.send(&line, &event.write, &json!({"cards": [of_kit]}));
    assert_eq!(refused.status, 400);
    assert_eq!(json_of(&refused)["code"], "schema_validation_failed");
    let taken = world.send(&line, &event.write, &json!({"cards": [card("a")]}));
    assert_eq!(taken.status, 201);

    let line = "PUT /2.0/skill_invocations/46";
    let of_kit = invocation("success", &json!([card("a")]));
    let refused = world.send(line, &event.write, &of_kit);
    assert_eq!(
        json_of(&refused)["message"],
        "'usage' must be an object of a unit and a value"
    );
    let mut documented = of_kit;
    documented["usage"] = json!({"unit": "file", "value": 1});
    assert_eq!(world.send(line, &event.write, &documented).status, 200);
    documented["file"] = json!({"id": "42"});
    assert_eq!(world.send(line, &event.write, &documented).status, 400);
}

#[test]
fn any_template_can_be_used_and_all_are_listed() {
    let mut world = World::open();
    world.register("talk.txt");
    for place in [
        "global/properties",
        "enterprise/audit",
        "enterprise_7/audit",
    ] {
        let line = format!("POST /2.0/files/42/metadata/{place}");
        let made = world.send(&line, &any(), &json!({"by": "me"}));
        assert_eq!(made.status, 201, "{place}");
    }
    let list = json_of(&world.call("GET /2.0/files/42/metadata", Some(&any())));
    assert_eq!(list["limit"], 100);
    let scopes: Vec<&str> = list["entries"]
        .as_array()
        .expect("entries")
        .iter()
        .filter_map(|entry| entry["$scope"].as_str())
        .collect();
    assert_eq!(scopes, ["enterprise_7", "enterprise_801234", "global"]);
    let own = "GET /2.0/files/42/metadata/enterprise_801234/audit";
    assert_eq!(world.call(own, Some(&any())).status, 200);
}

#[test]
fn missing_metadata_is_404_with_three_codes() {
    let mut world = World::open();
    world.register("talk.txt");
    for (path, code) in [
        ("files/41/metadata/global/boxSkillsCards", "not_found"),
        ("files/41/metadata", "not_found"),
        (
            "files/42/metadata/global/boxSkillsCards",
            "instance_not_found",
        ),
        (
            "files/42/metadata/global/noSuchTemplate",
            "instance_tuple_not_found",
        ),
        ("files/42/metadata/somewhere/x", "instance_tuple_not_found"),
    ] {
        let missing = world.call(&format!("GET /2.0/{path}"), Some(&any()));
        assert_eq!(missing.status, 404, "{path}");
        let error = json_of(&missing);
        assert_eq!(error["code"], code, "{path}");
        assert!(error.get("type").is_none(), "three keys only: {error}");
    }
    let delete = format!("DELETE /2.0/files/42/{CARDS}");
    assert_eq!(world.call(&delete, Some(&any())).status, 404);
}
