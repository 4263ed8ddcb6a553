//! Changes, deletions and copies of folders.

use serde_json::{Value, json};

use super::world::{CARDS, World, any, card, header_of, json_of};
use crate::{
    domain::call::WriteOp,
    mock_box::{Change, State, Write, http::request::tests::head, register::Registering},
};

/// Makes a folder; gives its id.
fn folder(world: &mut World, name: &str, parent: &str) -> String {
    let body = json!({"name": name, "parent": {"id": parent}});
    let made = json_of(&world.send("POST /2.0/folders", &any(), &body));
    made["id"].as_str().expect("an id").to_owned()
}

fn put(world: &mut World, id: &str, body: &Value) -> (u16, Value) {
    let line = format!("PUT /2.0/folders/{id}?fields=name,description,tags,shared_link,parent");
    let answer = world.send(&line, &any(), body);
    (answer.status.as_u16(), json_of(&answer))
}

#[test]
fn a_folder_is_changed_and_moved() {
    let mut world = World::open();
    let (a, b) = (folder(&mut world, "A", "0"), folder(&mut world, "B", "0"));
    let body = json!({
        "name": "C", "description": "about", "tags": ["t"], "parent": {"id": b},
        "shared_link": {"access": "company"}
    });
    let (status, changed) = put(&mut world, &a, &body);
    assert_eq!(status, 200);
    assert_eq!(
        (&changed["name"], &changed["etag"]),
        (&json!("C"), &json!("1"))
    );
    assert_eq!(
        (&changed["tags"], &changed["description"]),
        (&json!(["t"]), &json!("about"))
    );
    assert_eq!(changed["parent"]["id"], b);
    assert_eq!(changed["shared_link"]["access"], "company");
    assert!(changed["shared_link"]["download_url"].is_null());
    let line = format!("GET /2.0/folders/{a}?fields=tags,shared_link");
    assert_eq!(
        json_of(&world.call(&line, Some(&any())))["shared_link"],
        changed["shared_link"]
    );
    // A letter's case may change, and nothing is changed by the same again.
    assert_eq!(put(&mut world, &a, &json!({"name": "c"})).0, 200);
    assert_eq!(put(&mut world, &a, &json!({"name": "c"})).1["etag"], "2");
}

#[test]
fn changes_that_box_refuses_change_nothing() {
    let mut world = World::open();
    let a = folder(&mut world, "A", "0");
    let inside = folder(&mut world, "inside", &a);
    folder(&mut world, "B", "0");
    for (id, body, status, code) in [
        (&a, json!({"name": "b"}), 409, "item_name_in_use"),
        (&a, json!({"name": "x/y"}), 400, "item_name_invalid"),
        (
            &a,
            json!({"parent": {"id": a}}),
            400,
            "cyclical_folder_structure",
        ),
        (
            &a,
            json!({"parent": {"id": inside}}),
            400,
            "cyclical_folder_structure",
        ),
        (&a, json!({"parent": {"id": "7"}}), 404, "not_found"),
        (
            &a,
            json!({"sync_state": "synced"}),
            405,
            "not_played_by_mock",
        ),
        (
            &"0".to_owned(),
            json!({"name": "mine"}),
            403,
            "access_denied_insufficient_permissions",
        ),
        (&"7".to_owned(), json!({"name": "mine"}), 404, "not_found"),
    ] {
        let (found, error) = put(&mut world, id, &body);
        assert_eq!((found, &error["code"]), (status, &json!(code)), "{body}");
    }
    let line = format!("PUT /2.0/folders/{a}");
    let stale = world.with_header(&line, &any(), "if-match", "7");
    assert_eq!(stale.status, 412);
    let line = format!("GET /2.0/folders/{a}");
    let answer = world.call(&line, Some(&any()));
    assert_eq!(header_of(&answer, "etag"), Some("\"0\""));
}

#[test]
fn a_folder_with_items_is_deleted_only_recursively_and_its_metadata_is_recorded() {
    let mut world = World::open();
    world.register("talk.txt");
    let inside = folder(&mut world, "inside", "44");
    let line = format!("POST /2.0/files/42/{CARDS}");
    world.send(&line, &any(), &json!({"cards": [card("a")]}));
    let refused = world.call("DELETE /2.0/folders/44", Some(&any()));
    assert_eq!(json_of(&refused)["code"], "folder_not_empty");
    let line = "DELETE /2.0/folders/44?recursive=true";
    assert_eq!(world.call(line, Some(&any())).status, 204);
    for path in [
        "folders/44".to_owned(),
        format!("folders/{inside}"),
        "files/42".to_owned(),
    ] {
        let line = format!("GET /2.0/{path}");
        assert_eq!(world.call(&line, Some(&any())).status, 404, "{path}");
    }
    let last = world.records.last().expect("a record");
    assert_eq!((last.op, last.file_id.as_str()), (WriteOp::Delete, "42"));
    assert_eq!(
        world.call("DELETE /2.0/folders/0", Some(&any())).status,
        403
    );
}

#[test]
fn a_copy_has_all_that_is_in_the_folder_without_metadata() {
    let mut world = World::open();
    world.register("talk.txt");
    let inside = folder(&mut world, "inside", "44");
    let file = json!({"name": "deep.txt", "parent": {"id": inside}});
    world.send("POST /2.0/files/42/copy", &any(), &file);
    let line = format!("POST /2.0/files/42/{CARDS}");
    world.send(&line, &any(), &json!({"cards": [card("a")]}));
    let body = json!({"name": "copy", "parent": {"id": "0"}});
    let copied = world.send("POST /2.0/folders/44/copy", &any(), &body);
    assert_eq!(copied.status, 201);
    let id = json_of(&copied)["id"].as_str().expect("an id").to_owned();
    let items = |world: &mut World, id: &str| {
        let line = format!("GET /2.0/folders/{id}/items");
        json_of(&world.call(&line, Some(&any())))["entries"].clone()
    };
    let top = items(&mut world, &id);
    assert_eq!(
        (&top[0]["name"], &top[1]["name"]),
        (&json!("inside"), &json!("talk.txt"))
    );
    assert_ne!(top[1]["id"], "42");
    let deep = items(&mut world, top[0]["id"].as_str().expect("an id"));
    assert_eq!(deep[0]["name"], "deep.txt");
    let line = format!(
        "GET /2.0/files/{}/metadata",
        top[1]["id"].as_str().expect("an id")
    );
    assert_eq!(
        json_of(&world.call(&line, Some(&any())))["entries"],
        json!([])
    );
    for (body, status) in [
        (json!({"parent": {"id": "0"}, "name": "COPY"}), 409),
        (json!({"parent": {"id": inside}}), 400),
        (json!({"name": "x"}), 400),
        (json!({"parent": {"id": "0"}, "version": "1"}), 405),
    ] {
        let refused = world.send("POST /2.0/folders/44/copy", &any(), &body);
        assert_eq!(refused.status, status, "{body}");
    }
}

#[test]
fn folders_cannot_be_nested_too_deeply_by_a_move() {
    let mut world = World::open();
    let mut deepest = "0".to_owned();
    for depth in 0..60 {
        deepest = folder(&mut world, &format!("a{depth}"), &deepest);
    }
    let top = folder(&mut world, "top", "0");
    let mut inner = top.clone();
    for depth in 0..60 {
        inner = folder(&mut world, &format!("b{depth}"), &inner);
    }
    let (status, _) = put(&mut world, &top, &json!({"parent": {"id": deepest}}));
    assert_eq!(status, 400);
}

#[test]
fn a_reset_restores_the_folder_of_a_fixture() {
    let mut world = World::open();
    let how = Registering {
        lasting: true,
        ..Registering::default()
    };
    world.register_how("talk.txt", &how);
    assert_eq!(put(&mut world, "44", &json!({"name": "other"})).0, 200);
    world.call("DELETE /2.0/folders/44?recursive=true", Some(&any()));
    reset(&mut world.state);
    let answer = world.ask(head("GET /2.0/folders/44", Some(&any())), b"");
    assert_eq!(json_of(&answer)["name"], "folder-44");
    assert_eq!(json_of(&answer)["item_collection"]["total_count"], 1);
}

fn reset(state: &mut State) {
    let record = crate::domain::call::WriteRecord::bare(
        state.next_seq(),
        jiff::Timestamp::UNIX_EPOCH,
        WriteOp::Reset,
    );
    state.apply(&Change::Write(Write::recorded(record)));
}
