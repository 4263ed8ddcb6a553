//! Uploads, from where their bodies are on disk.

use serde_json::{Value, json};

use super::world::{World, any, header_of, json_of, with};
use crate::mock_box::{Upload, http::request::tests::head, model::content::sha1_hex};

const NEW: &str = "POST /api/2.0/files/content";

#[test]
fn an_uploaded_file_is_in_its_folder() {
    let mut world = World::open();
    let attributes = json!({"name": "new.txt", "parent": {"id": "0"}});
    let made = world.upload(head(NEW, Some(&any())), Some(&attributes), b"words");
    assert_eq!(made.status, 201);
    let list = json_of(&made);
    assert_eq!(list["total_count"], 1);
    let file = &list["entries"][0];
    assert_eq!(
        (&file["name"], &file["size"]),
        (&json!("new.txt"), &json!(5))
    );
    assert_eq!(file["sha1"], sha1_hex(b"words"));
    assert_eq!(
        (&file["etag"], &file["sequence_id"]),
        (&json!("0"), &json!("0"))
    );
    let line = format!("GET /2.0/files/{}", file["id"].as_str().expect("an id"));
    assert_eq!(&json_of(&world.call(&line, Some(&any()))), file);
}

#[test]
fn a_taken_name_is_409_and_names_what_has_it() {
    let mut world = World::open();
    let attributes = json!({"name": "new.txt", "parent": {"id": "0"}});
    let first = json_of(&world.upload(head(NEW, Some(&any())), Some(&attributes), b"1"));
    let second = world.upload(head(NEW, Some(&any())), Some(&attributes), b"2");
    assert_eq!(second.status, 409);
    let error = json_of(&second);
    assert_eq!(error["code"], "item_name_in_use");
    let conflict = &error["context_info"]["conflicts"];
    assert_eq!(conflict["id"], first["entries"][0]["id"]);
    assert_eq!(conflict["file_version"]["type"], "file_version");
}

#[test]
fn a_new_version_keeps_the_id_and_the_old_versions() {
    let mut world = World::open();
    world.register("talk.txt");
    let line = "POST /api/2.0/files/42/content";
    let made = world.upload(head(line, Some(&any())), None, b"second");
    assert_eq!(made.status, 201);
    let file = json_of(&made)["entries"][0].clone();
    assert_eq!((&file["id"], &file["etag"]), (&json!("42"), &json!("1")));
    assert_ne!(file["file_version"]["id"], "43");
    assert_eq!(file["size"], 6);

    let versions = json_of(&world.call("GET /2.0/files/42/versions", Some(&any())));
    assert_eq!(versions["total_count"], 1);
    assert_eq!(versions["entries"][0]["id"], "43");
    let one = world.call("GET /2.0/files/42/versions/43", Some(&any()));
    assert_eq!(json_of(&one)["type"], "file_version");
    let old = world.call("GET /2.0/files/42/content?version=43", Some(&any()));
    assert!(header_of(&old, "location").is_some_and(|url| url.contains("/42.43.")));
    let none = world.call("GET /2.0/files/42/content?version=44", Some(&any()));
    assert_eq!(none.status, 404);
}

#[test]
fn a_preflight_check_answers_where_to_upload_or_why_not() {
    let mut world = World::open();
    world.register("talk.txt");
    let line = "OPTIONS /2.0/files/content";
    let mut check = |line: &str, body: &Value| {
        let answer = world.send(line, &any(), body);
        (answer.status.as_u16(), json_of(&answer))
    };
    let body = json!({"name": "new.txt", "parent": {"id": "44"}, "size": 5});
    let (status, answer) = check(line, &body);
    assert_eq!(status, 200);
    let url = "http://127.0.0.1:7269/api/2.0/files/content";
    assert_eq!(answer["upload_url"], url);
    let (status, answer) = check("OPTIONS /2.0/files/42/content", &json!({"size": 5}));
    assert_eq!(status, 200);
    let url = "http://127.0.0.1:7269/api/2.0/files/42/content";
    assert_eq!(answer["upload_url"], url);
    for (body, status) in [
        (json!({"name": "talk.txt", "parent": {"id": "44"}}), 409),
        (json!({"name": "a", "parent": {"id": "7"}}), 404),
        (json!({"name": "a", "parent": {"id": "0"}, "size": -1}), 400),
        (
            json!({"name": "a", "parent": {"id": "0"}, "size": 1_000_000_000_000_u64}),
            413,
        ),
        (json!({"name": "a/b", "parent": {"id": "0"}}), 400),
        (json!({"name": "a"}), 400),
        (
            json!({"name": "a", "parent": {"id": "0"}, "description": "x"}),
            405,
        ),
    ] {
        assert_eq!(check(line, &body).0, status, "{body}");
    }
    assert_eq!(check("OPTIONS /2.0/files/41/content", &json!({})).0, 404);
}

#[test]
fn an_old_version_is_promoted_or_deleted_and_one_of_another_file_is_404() {
    let mut world = World::open();
    world.register("talk.txt");
    let line = "POST /api/2.0/files/42/content";
    let second = world.upload(head(line, Some(&any())), None, b"second");
    let second = json_of(&second)["entries"][0]["file_version"].clone();
    let other = world.register("other.txt");
    let other = world.state.file(&other.file_id).expect("it is there");
    let of_other = other.current().id.clone();

    let promote = "POST /2.0/files/42/versions/current";
    let body = json!({"type": "file_version", "id": "43"});
    let promoted = world.send(promote, &any(), &body);
    assert_eq!(promoted.status, 201);
    let promoted = json_of(&promoted);
    assert_eq!(promoted["version_number"], "3");
    let file = json_of(&world.call("GET /2.0/files/42", Some(&any())));
    assert_eq!(file["file_version"]["id"], promoted["id"]);
    assert_ne!(file["sha1"], second["sha1"]);

    for (line, body, status) in [
        (
            promote,
            json!({"type": "file_version", "id": of_other}),
            404,
        ),
        (promote, json!({}), 400),
    ] {
        assert_eq!(world.send(line, &any(), &body).status, status, "{body}");
    }
    let id = |version: &Value| version["id"].as_str().expect("an id").to_owned();
    for (version, status) in [
        (of_other, 404),
        (id(&promoted), 400),
        (id(&second), 204),
        (id(&second), 404),
    ] {
        let line = format!("DELETE /2.0/files/42/versions/{version}");
        assert_eq!(world.call(&line, Some(&any())).status, status, "{line}");
    }
    let left = json_of(&world.call("GET /2.0/files/42/versions", Some(&any())));
    assert_eq!(left["total_count"], 1);
    assert_eq!(left["entries"][0]["version_number"], "1");
}

#[test]
fn times_of_the_content_are_kept_and_other_attributes_refused() {
    let mut world = World::open();
    let attributes = json!({
        "name": "new.txt", "parent": {"id": "0"},
        "content_created_at": "2020-01-02T03:04:05Z", "content_modified_at": "2021-01-02T03:04:05-08:00"
    });
    let made = json_of(&world.upload(head(NEW, Some(&any())), Some(&attributes), b"1"));
    let file = &made["entries"][0];
    assert_eq!(file["content_created_at"], "2020-01-02T03:04:05+00:00");
    assert_eq!(file["content_modified_at"], "2021-01-02T11:04:05+00:00");
    for (attributes, status) in [
        (
            json!({"name": "b", "parent": {"id": "0"}, "content_created_at": "soon"}),
            400,
        ),
        (
            json!({"name": "b", "parent": {"id": "0"}, "description": "x"}),
            405,
        ),
    ] {
        let refused = world.upload(head(NEW, Some(&any())), Some(&attributes), b"1");
        assert_eq!(refused.status, status, "{attributes}");
    }
}

#[test]
fn a_new_version_obeys_if_match_and_may_rename() {
    let mut world = World::open();
    world.register("talk.txt");
    let line = head("POST /api/2.0/files/42/content", Some(&any()));
    let stale = world.upload(with(line.clone(), "if-match", "7"), None, b"x");
    assert_eq!(stale.status, 412);
    let attributes = json!({"name": null, "content_modified_at": null});
    let made = world.upload(line.clone(), Some(&attributes), b"x");
    assert_eq!(json_of(&made)["entries"][0]["name"], "talk.txt");
    let attributes = json!({"name": "speech.txt"});
    let made = world.upload(with(line, "if-match", "1"), Some(&attributes), b"x");
    assert_eq!(json_of(&made)["entries"][0]["name"], "speech.txt");
    let missing = head("POST /api/2.0/files/41/content", Some(&any()));
    assert_eq!(world.upload(missing, None, b"x").status, 404);
}

#[test]
fn the_content_md5_header_holds_a_sha1() {
    let mut world = World::open();
    let attributes = json!({"name": "new.txt", "parent": {"id": "0"}});
    let line = head(NEW, Some(&any()));
    let wrong = with(line.clone(), "content-md5", &sha1_hex(b"other"));
    let refused = world.upload(wrong, Some(&attributes), b"words");
    assert_eq!(refused.status, 400);
    assert_eq!(json_of(&refused)["code"], "bad_digest");
    let right = with(line, "content-md5", &sha1_hex(b"words").to_uppercase());
    let taken = world.upload(right, Some(&attributes), b"words");
    assert_eq!(taken.status, 201);
}

#[test]
fn parts_that_are_late_missing_or_malformed_are_400() {
    let mut world = World::open();
    let line = head(NEW, Some(&any()));
    let late = Upload {
        attributes: None,
        attributes_late: true,
        file: None,
    };
    let refused = world.uploading(line.clone(), late);
    assert_eq!(refused.status, 400);
    assert_eq!(json_of(&refused)["code"], "metadata_after_file_contents");
    let without_file = Upload {
        attributes: Some("{}".into()),
        attributes_late: false,
        file: None,
    };
    assert_eq!(world.uploading(line.clone(), without_file).status, 400);
    assert_eq!(world.upload(line.clone(), None, b"x").status, 400);
    for (attributes, status) in [
        (json!({"parent": {"id": "0"}}), 400),
        (json!({"name": "a"}), 400),
        (json!({"name": "a", "parent": {"id": "7"}}), 404),
        (json!("text"), 400),
    ] {
        let refused = world.upload(line.clone(), Some(&attributes), b"x");
        assert_eq!(refused.status, status, "{attributes}");
    }
}

#[test]
fn versions_are_listed_page_by_page_with_the_names_they_had() {
    let mut world = World::open();
    world.register("one.txt");
    let line = head("POST /api/2.0/files/42/content", Some(&any()));
    for name in ["two.txt", "three.txt", "four.txt"] {
        world.upload(line.clone(), Some(&json!({ "name": name })), b"x");
    }
    let list = "GET /2.0/files/42/versions?limit=2&offset=1&fields=name,version_number";
    let list = json_of(&world.call(list, Some(&any())));
    assert_eq!(
        (&list["total_count"], &list["limit"], &list["offset"]),
        (&json!(3), &json!(2), &json!(1))
    );
    let entries = list["entries"].as_array().expect("entries");
    let names: Vec<&Value> = entries.iter().map(|entry| &entry["name"]).collect();
    assert_eq!(names, ["two.txt", "one.txt"]);
    assert!(entries.iter().all(|entry| entry.get("sha1").is_none()));
    let one = "GET /2.0/files/42/versions/43?fields=size";
    let one = json_of(&world.call(one, Some(&any())));
    assert_eq!(one.as_object().expect("an object").len(), 3);
    let wrong = world.call("GET /2.0/files/42/versions?limit=x", Some(&any()));
    assert_eq!(wrong.status, 400);

    // A promotion gives the name back, unless another file has it by now.
    let promote = "POST /2.0/files/42/versions/current";
    let body = json!({"type": "file_version", "id": "43"});
    let promoted = json_of(&world.send(promote, &any(), &body));
    assert_eq!(promoted["name"], "one.txt");
    let file = json_of(&world.call("GET /2.0/files/42", Some(&any())));
    assert_eq!(file["name"], "one.txt");
    let second = json_of(&world.call("GET /2.0/files/42/versions", Some(&any())));
    let second = &second["entries"][2];
    assert_eq!(second["name"], "two.txt");
    let copy = json!({"parent": {"id": "44"}, "name": "two.txt"});
    world.send("POST /2.0/files/42/copy", &any(), &copy);
    let body = json!({"type": "file_version", "id": second["id"]});
    assert_eq!(world.send(promote, &any(), &body).status, 409);
}

#[test]
fn attributes_of_a_new_version_are_kept_or_refused() {
    let mut world = World::open();
    world.register("talk.txt");
    let line = head("POST /api/2.0/files/42/content", Some(&any()));
    let kept = json!({"parent": {"id": "44"}, "content_created_at": "2020-01-02T03:04:05Z"});
    let made = world.upload(line.clone(), Some(&kept), b"x");
    let file = json_of(&made)["entries"][0].clone();
    assert_eq!(file["content_created_at"], "2020-01-02T03:04:05+00:00");
    for (attributes, status) in [
        (json!({"parent": {"id": "0"}}), 405),
        (json!({"description": "x"}), 405),
        (json!({"content_created_at": "yesterday"}), 400),
    ] {
        let refused = world.upload(line.clone(), Some(&attributes), b"x");
        assert_eq!(refused.status, status, "{attributes}");
    }
}
