//! Folders and users.

use serde_json::{Value, json};

use super::world::{World, any, json_of};
use crate::mock_box::http::request::tests::head;

fn names(list: &Value) -> Vec<&str> {
    let entries = list["entries"].as_array().expect("entries");
    entries
        .iter()
        .filter_map(|entry| entry["name"].as_str())
        .collect()
}

#[test]
fn the_root_is_always_there_and_has_no_parent() {
    let mut world = World::open();
    let root = json_of(&world.call("GET /2.0/folders/0", Some(&any())));
    assert_eq!(root["name"], "All Files");
    assert_eq!(root["parent"], Value::Null);
    assert_eq!(root["etag"], Value::Null);
    assert_eq!(root["path_collection"]["total_count"], 0);
    assert_eq!(root["item_collection"]["total_count"], 0);
    assert_eq!(world.call("GET /2.0/folders/1", Some(&any())).status, 404);
}

#[test]
fn the_folder_of_an_event_contains_its_file() {
    let mut world = World::open();
    world.register("talk.txt");
    let folder = json_of(&world.call("GET /2.0/folders/44", Some(&any())));
    assert_eq!(folder["parent"]["id"], "0");
    assert_eq!(folder["item_collection"]["entries"][0]["id"], "42");
}

#[test]
fn new_folders_are_created_and_a_taken_name_is_409() {
    let mut world = World::open();
    let body = json!({"name": "A", "parent": {"id": "0"}});
    let made = world.send("POST /2.0/folders", &any(), &body);
    assert_eq!(made.status, 201);
    let made = json_of(&made);
    assert_eq!(
        (&made["type"], &made["name"]),
        (&json!("folder"), &json!("A"))
    );
    let again = world.send("POST /2.0/folders", &any(), &body);
    assert_eq!(again.status, 409);
    let error = json_of(&again);
    assert_eq!(error["code"], "item_name_in_use");
    assert_eq!(error["context_info"]["conflicts"][0]["id"], made["id"]);

    let inside = json!({"name": "B", "parent": {"id": made["id"]}});
    let inside = json_of(&world.send("POST /2.0/folders", &any(), &inside));
    let way: Vec<&str> = inside["path_collection"]["entries"]
        .as_array()
        .expect("entries")
        .iter()
        .filter_map(|entry| entry["name"].as_str())
        .collect();
    assert_eq!(way, ["All Files", "A"]);
    for (body, status) in [
        (json!({"name": "C"}), 400),
        (json!({"parent": {"id": "0"}}), 400),
        (json!({"name": "C", "parent": {"id": "7"}}), 404),
        (json!({"name": "a/b", "parent": {"id": "0"}}), 400),
        (json!([]), 400),
    ] {
        let refused = world.send("POST /2.0/folders", &any(), &body);
        assert_eq!(refused.status, status, "{body}");
    }
}

#[test]
fn items_are_folders_first_by_name_and_in_pages() {
    let mut world = World::open();
    world.register("b.txt");
    for name in ["z", "y"] {
        let body = json!({"name": name, "parent": {"id": "44"}});
        world.send("POST /2.0/folders", &any(), &body);
    }
    let copy = json!({"name": "a.txt", "parent": {"id": "44"}});
    world.send("POST /2.0/files/42/copy", &any(), &copy);
    let all = json_of(&world.call("GET /2.0/folders/44/items", Some(&any())));
    assert_eq!(names(&all), ["y", "z", "a.txt", "b.txt"]);
    assert_eq!(
        (&all["total_count"], &all["offset"], &all["limit"]),
        (&json!(4), &json!(0), &json!(100))
    );
    let line = "GET /2.0/folders/44/items?offset=1&limit=2&fields=name,size";
    let page = json_of(&world.call(line, Some(&any())));
    assert_eq!(names(&page), ["z", "a.txt"]);
    assert!(page["entries"][1]["size"].is_u64());
    assert!(page["entries"][1].get("sha1").is_none());
    let line = "GET /2.0/folders/44/items?usemarker=true&limit=3";
    let page = json_of(&world.call(line, Some(&any())));
    let next = page["next_marker"].as_str().expect("a marker");
    let line = format!("GET /2.0/folders/44/items?usemarker=true&limit=3&marker={next}");
    let rest = json_of(&world.call(&line, Some(&any())));
    assert_eq!(names(&rest), ["b.txt"]);
    assert!(rest.get("next_marker").is_none());
    let wrong = world.call("GET /2.0/folders/44/items?limit=many", Some(&any()));
    assert_eq!(wrong.status, 400);
}

#[test]
fn items_are_sorted_as_asked_with_folders_first() {
    let mut world = World::open();
    world.register("m.txt");
    let body = json!({"name": "z", "parent": {"id": "44"}});
    world.send("POST /2.0/folders", &any(), &body);
    for (name, bytes) in [("b.txt", &b"22"[..]), ("a.txt", b"333")] {
        world.pass(60);
        let attributes = json!({"name": name, "parent": {"id": "44"}});
        let line = head("POST /api/2.0/files/content", Some(&any()));
        world.upload(line, Some(&attributes), bytes);
    }
    // The placeholder of the event's file is the largest.
    for (query, expected) in [
        ("", ["z", "a.txt", "b.txt", "m.txt"]),
        ("?direction=DESC", ["z", "m.txt", "b.txt", "a.txt"]),
        ("?sort=date", ["z", "m.txt", "b.txt", "a.txt"]),
        ("?sort=size", ["z", "b.txt", "a.txt", "m.txt"]),
        ("?sort=id&direction=desc", ["z", "a.txt", "b.txt", "m.txt"]),
    ] {
        let line = format!("GET /2.0/folders/44/items{query}");
        let list = json_of(&world.call(&line, Some(&any())));
        assert_eq!(names(&list), expected, "{query}");
        let line = format!("GET /2.0/folders/44{query}");
        let folder = json_of(&world.call(&line, Some(&any())));
        assert_eq!(folder["item_collection"], list, "{query}");
    }
    let line = "GET /2.0/folders/44?sort=size&direction=DESC&limit=1&offset=2";
    let list = json_of(&world.call(line, Some(&any())))["item_collection"].clone();
    assert_eq!(names(&list), ["a.txt"]);
    assert_eq!(
        list["order"],
        json!([{"by": "type", "direction": "ASC"}, {"by": "size", "direction": "DESC"}])
    );
    let root = json_of(&world.call("GET /2.0/folders/0/items?sort=size", Some(&any())));
    assert_eq!(root["order"][1]["by"], "name");
}

#[test]
fn what_a_list_cannot_obey_is_400() {
    let mut world = World::open();
    for query in [
        "limit=many",
        "limit=-1",
        "offset=1.5",
        "offset=10001",
        "sort=colour",
        "direction=up",
        "usemarker=true&limit=0",
        "usemarker=true&marker=of-another-list",
    ] {
        let line = format!("GET /2.0/folders/0/items?{query}");
        assert_eq!(world.call(&line, Some(&any())).status, 400, "{query}");
    }
}

#[test]
fn fields_apply_to_the_items_of_a_list() {
    let mut world = World::open();
    world.register("talk.txt");
    let body = json!({"name": "z", "parent": {"id": "44"}});
    world.send("POST /2.0/folders", &any(), &body);
    let metadata = "POST /2.0/files/42/metadata/global/properties";
    world.send(metadata, &any(), &json!({"a": "b"}));
    let fields = "created_at,tags,has_collaborations,metadata.global.properties";
    let line = format!("GET /2.0/folders/44/items?fields={fields}");
    let list = json_of(&world.call(&line, Some(&any())));
    for entry in list["entries"].as_array().expect("entries") {
        assert!(entry["created_at"].is_string() && entry.get("name").is_none());
        assert_eq!(
            (&entry["tags"], &entry["has_collaborations"]),
            (&json!([]), &json!(false))
        );
    }
    assert_eq!(
        list["entries"][1]["metadata"]["global"]["properties"]["a"],
        "b"
    );
    let line = "GET /2.0/folders/44?fields=item_collection,sync_state";
    let folder = json_of(&world.call(line, Some(&any())));
    assert_eq!(folder["item_collection"]["total_count"], 2);
    assert_eq!(folder["sync_state"], "not_synced");
    assert!(folder.get("name").is_none());
}

#[test]
fn the_user_is_returned() {
    let mut world = World::open();
    let me = json_of(&world.call("GET /2.0/users/me", Some(&any())));
    assert_eq!(
        (&me["type"], &me["status"]),
        (&json!("user"), &json!("active"))
    );
    let line = "GET /2.0/users/me?fields=enterprise,login";
    let me = json_of(&world.call(line, Some(&any())));
    assert!(me["enterprise"]["id"].is_string() && me.get("name").is_none());
}
