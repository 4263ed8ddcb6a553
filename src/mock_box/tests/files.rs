//! The files API.

use serde_json::{Value, json};

use super::world::{CARDS, World, any, bytes_of, card, header_of, json_of, with};
use crate::domain::{call::NOT_PLAYED, notice::Placement};
use crate::mock_box::{Change, State, Write, http::request::tests::head, register::Registering};

#[test]
fn a_file_has_the_fields_of_box_by_default() {
    let mut world = World::new();
    let event = world.register("talk.txt");
    let answer = world.call("GET /2.0/files/42", Some(&event.read));
    assert_eq!(answer.status, 200);
    assert_eq!(header_of(&answer, "etag"), Some("\"0\""));
    let file = json_of(&answer);
    let names: Vec<&str> = file
        .as_object()
        .expect("an object")
        .keys()
        .map(String::as_str)
        .collect();
    assert_eq!(
        names,
        [
            "type",
            "id",
            "file_version",
            "sequence_id",
            "etag",
            "sha1",
            "name",
            "description",
            "size",
            "path_collection",
            "created_at",
            "modified_at",
            "trashed_at",
            "purged_at",
            "content_created_at",
            "content_modified_at",
            "created_by",
            "modified_by",
            "owned_by",
            "shared_link",
            "parent",
            "item_status"
        ]
    );
    assert_eq!(file["file_version"]["id"], "43");
    assert_eq!(file["name"], "talk.txt");
    assert_eq!(file["parent"]["id"], "44");
    let path = &file["path_collection"];
    assert_eq!(path["total_count"], 2);
    assert_eq!(path["entries"][0]["id"], "0");
    assert_eq!(path["entries"][1]["id"], "44");
    assert_eq!(file["sha1"], file["file_version"]["sha1"]);
}

#[test]
fn every_host_and_prefix_form_reaches_the_same_file() {
    let mut world = World::new();
    let event = world.register("talk.txt");
    for origin in [
        "http://127.0.0.1:7269",
        "https://api.box.com",
        "https://upload.box.com",
        "https://dl.boxcloud.com",
    ] {
        world.origin = origin.to_owned();
        for prefix in ["/2.0", "", "/api/2.0", "/2.0/2.0"] {
            let line = format!("GET {prefix}/files/42");
            let answer = world.call(&line, Some(&event.read));
            assert_eq!(json_of(&answer)["id"], "42", "{origin} {line}");
        }
    }
}

#[test]
fn requested_fields_are_returned_with_type_id_and_etag_only() {
    let mut world = World::new();
    let event = world.register("talk.final.TXT");
    let line = "GET /2.0/files/42?fields=name,extension,unknown,version_number";
    let file = json_of(&world.call(line, Some(&event.read)));
    assert_eq!(
        file,
        json!({
            "type": "file", "id": "42", "etag": "0", "name": "talk.final.TXT", "extension": "txt",
            "version_number": "1"
        })
    );
}

#[test]
fn metadata_is_returned_as_a_field() {
    let mut world = World::new();
    let event = world.register("talk.txt");
    let line = "GET /2.0/files/42?fields=metadata.global.boxSkillsCards";
    let before = json_of(&world.call(line, Some(&event.read)));
    assert_eq!(before, json!({"type": "file", "id": "42", "etag": "0"}));
    let body = json!({"cards": [card("a")]});
    world.send(&format!("POST /2.0/files/42/{CARDS}"), &event.write, &body);
    let after = json_of(&world.call(line, Some(&event.read)));
    let instance = &after["metadata"]["global"]["boxSkillsCards"];
    assert_eq!(instance["cards"], body["cards"]);
    assert_eq!(instance["$template"], "boxSkillsCards");
}

#[test]
fn if_none_match_answers_304_for_the_etag_that_the_client_has() {
    let mut world = World::new();
    let event = world.register("talk.txt");
    for (known, status) in [("0", 304), ("\"0\"", 304), ("\"1\"", 200), ("*", 304)] {
        let line = "GET /2.0/files/42";
        let answer = world.with_header(line, &event.read, "if-none-match", known);
        assert_eq!(answer.status, status, "{known}");
    }
}

#[test]
fn if_match_distinguishes_four_cases() {
    let mut world = World::open();
    world.register("talk.txt");
    let update = "PUT /2.0/files/42";
    for (etag, status) in [("0", 200), ("\"0\"", 200), ("7", 412)] {
        let answer = world.with_header(update, &any(), "if-match", etag);
        assert_eq!(answer.status, status, "found, {etag}");
    }
    let kept = world.with_header("DELETE /2.0/files/42", &any(), "if-match", "7");
    assert_eq!(json_of(&kept)["code"], "precondition_failed");
    assert_eq!(world.call("DELETE /2.0/files/42", Some(&any())).status, 204);
    for (etag, status) in [("0", 412), ("7", 404)] {
        let answer = world.with_header(update, &any(), "if-match", etag);
        assert_eq!(answer.status, status, "missing, {etag}");
    }
}

#[test]
fn content_is_a_302_to_a_url_that_works_without_a_token_for_a_time() {
    let mut world = World::new();
    let event = world.register("talk.txt");
    let found = world.call("GET /2.0/files/42/content", Some(&event.read));
    assert_eq!(found.status, 302);
    assert!(matches!(found.body, crate::mock_box::AnswerBody::Empty));
    let url = header_of(&found, "location")
        .expect("a location")
        .to_owned();
    let path = url
        .strip_prefix("http://127.0.0.1:7269")
        .expect("of this mock");
    let bytes = world.call(&format!("GET {path}"), None);
    assert_eq!(bytes.status, 200);
    assert_eq!(
        bytes_of(&bytes),
        include_bytes!("../../../fixtures/files/placeholder.txt")
    );
    assert_eq!(
        header_of(&bytes, "content-type"),
        Some("text/plain; charset=utf-8")
    );

    let guessed = format!("GET {}", path.replace("/d/1/42.", "/d/1/41."));
    assert_eq!(world.call(&guessed, None).status, 404);
    world.pass(15 * 60 + 1);
    assert_eq!(world.call(&format!("GET {path}"), None).status, 403);
}

#[test]
fn a_client_of_boxs_hosts_is_sent_to_its_download_host() {
    let mut world = World::new();
    let event = world.register("talk.txt");
    world.origin = "https://api.box.com".to_owned();
    let found = world.call("GET /2.0/files/42/content", Some(&event.read));
    let url = header_of(&found, "location").expect("a location");
    assert!(url.starts_with("https://dl.boxcloud.com/d/1/"), "{url}");
}

#[test]
fn ranges_and_conditions_hold_for_the_bytes() {
    let mut world = World::open();
    world.register("talk.txt");
    let whole = include_bytes!("../../../fixtures/files/placeholder.txt");
    let found = world.call("GET /2.0/files/42/content", Some(&any()));
    let url = header_of(&found, "location")
        .expect("a location")
        .to_owned();
    let line = format!(
        "GET {}",
        url.strip_prefix("http://127.0.0.1:7269").expect("here")
    );
    let etag = format!("\"{}\"", crate::mock_box::model::content::sha1_hex(whole));
    let size = whole.len();

    let part = world.with_header(&line, &any(), "range", "bytes=2-4");
    assert_eq!(part.status, 206);
    assert_eq!(bytes_of(&part), whole[2..5]);
    assert_eq!(
        header_of(&part, "content-range"),
        Some(format!("bytes 2-4/{size}").as_str())
    );
    let end = world.with_header(&line, &any(), "range", "bytes=-3");
    assert_eq!(bytes_of(&end), whole[size - 3..]);
    let outside = world.with_header(&line, &any(), "range", "bytes=99999-");
    assert_eq!(outside.status, 416);

    for (known, status) in [(etag.as_str(), 206), ("\"other\"", 200)] {
        let head = with(
            with(head(&line, None), "range", "bytes=2-"),
            "if-range",
            known,
        );
        assert_eq!(world.ask(head, b"").status, status, "If-Range: {known}");
    }
    for (name, value, status) in [
        ("if-none-match", etag.as_str(), 304),
        ("if-none-match", "\"other\"", 200),
        ("if-match", etag.as_str(), 200),
        ("if-match", "\"other\"", 412),
    ] {
        let answer = world.with_header(&line, &any(), name, value);
        assert_eq!(answer.status, status, "{name}: {value}");
    }
}

#[test]
fn a_change_increments_the_etag_and_an_idle_one_does_not() {
    let mut world = World::open();
    world.register("talk.txt");
    let line = "PUT /2.0/files/42";
    let body = json!({"name": "speech.txt", "description": "held at noon"});
    let renamed = json_of(&world.send(line, &any(), &body));
    assert_eq!(
        (&renamed["name"], &renamed["etag"]),
        (&json!("speech.txt"), &json!("1"))
    );
    assert_eq!(renamed["sequence_id"], "1");
    assert_eq!(renamed["description"], "held at noon");
    assert_eq!(renamed["file_version"]["id"], "43");
    let again = json_of(&world.send(line, &any(), &body));
    assert_eq!(again["etag"], "1");
    let long = json!({"description": "x".repeat(257)});
    assert_eq!(world.send(line, &any(), &long).status, 400);
    for (name, code) in [
        ("a/b", "item_name_invalid"),
        ("", "item_name_invalid"),
        ("..", "item_name_invalid"),
    ] {
        let refused = world.send(line, &any(), &json!({"name": name}));
        assert_eq!(refused.status, 400);
        assert_eq!(json_of(&refused)["code"], code);
    }
}

#[test]
fn tags_lock_and_shared_link_are_kept_and_returned() {
    let mut world = World::open();
    world.register("talk.txt");
    let line = "PUT /2.0/files/42?fields=tags,lock,shared_link";
    let body = json!({
        "tags": ["a", "b"],
        "lock": {"access": "lock", "expires_at": "2030-01-01T00:00:00Z", "is_download_prevented": true},
        "shared_link": {
            "access": "company", "password": "secret", "permissions": {"can_download": false}
        }
    });
    let set = json_of(&world.send(line, &any(), &body));
    assert_eq!((&set["etag"], &set["tags"]), (&json!("1"), &body["tags"]));
    assert_eq!(set["lock"]["expired_at"], "2030-01-01T00:00:00Z");
    assert_eq!(set["lock"]["is_download_prevented"], true);
    let shared = &set["shared_link"];
    assert_eq!(shared["access"], "company");
    assert_eq!(shared["is_password_enabled"], true);
    assert_eq!(shared["permissions"]["can_download"], false);
    let url = shared["url"].as_str().expect("a URL").to_owned();

    let open = json!({"shared_link": {"access": "open"}});
    let changed = json_of(&world.send(line, &any(), &open));
    assert_eq!(changed["shared_link"]["url"], url, "a link keeps its URL");
    assert_eq!(changed["shared_link"]["access"], "open");
    assert_eq!(changed["tags"], body["tags"]);
    let cleared = json!({"tags": [], "lock": null, "shared_link": null});
    let cleared = json_of(&world.send(line, &any(), &cleared));
    assert_eq!(cleared["tags"], json!([]));
    assert_eq!(
        (&cleared["lock"], &cleared["shared_link"]),
        (&Value::Null, &Value::Null)
    );
}

#[test]
fn a_member_that_is_not_kept_is_refused_by_name_and_changes_nothing() {
    let mut world = World::open();
    world.register("talk.txt");
    let folder = json!({"name": "A", "parent": {"id": "0"}, "sync_state": "synced"});
    for (line, body, member) in [
        (
            "PUT /2.0/files/42",
            json!({"name": "b.txt", "collections": [{"id": "1"}]}),
            "collections",
        ),
        (
            "PUT /2.0/files/42",
            json!({"name": "b.txt", "nonsense": 1}),
            "nonsense",
        ),
        (
            "PUT /2.0/files/42",
            json!({"lock": {"reason": "x"}}),
            "reason",
        ),
        (
            "PUT /2.0/files/42",
            json!({"shared_link": {"color": "x"}}),
            "color",
        ),
        (
            "POST /2.0/files/42/copy",
            json!({"parent": {"id": "0"}, "tags": ["a"]}),
            "tags",
        ),
        ("POST /2.0/folders", folder, "sync_state"),
    ] {
        let refused = world.send(line, &any(), &body);
        assert_eq!(refused.status, 405, "{line} {body}");
        let error = json_of(&refused);
        assert_eq!(error["code"], NOT_PLAYED);
        let message = error["message"].as_str().expect("a message");
        assert!(message.contains(&format!("'{member}'")), "{message}");
    }
    let file = world.state.file("42").expect("it is there");
    assert_eq!((file.name.as_str(), file.etag), ("talk.txt", 0));
    let nothing = json!({"name": null, "collections": [], "disposition_at": null});
    assert_eq!(
        world.send("PUT /2.0/files/42", &any(), &nothing).status,
        200
    );
    for body in [
        json!({"tags": "a"}),
        json!({"tags": [1]}),
        json!({"shared_link": "open"}),
        json!({"shared_link": {"access": "everybody"}}),
        json!({"lock": true}),
        json!({"lock": {"access": "x"}}),
    ] {
        let refused = world.send("PUT /2.0/files/42", &any(), &body);
        assert_eq!(refused.status, 400, "{body}");
    }
}

#[test]
fn metadata_follows_a_move_and_is_not_copied() {
    let mut world = World::open();
    world.register("talk.txt");
    let cards = json!({"cards": [card("a")]});
    world.send(&format!("POST /2.0/files/42/{CARDS}"), &any(), &cards);
    let folder = json!({"name": "There", "parent": {"id": "0"}});
    let folder = json_of(&world.send("POST /2.0/folders", &any(), &folder));
    let there = json!({"parent": {"id": folder["id"]}});

    let copied = world.send("POST /2.0/files/42/copy", &any(), &there);
    assert_eq!(copied.status, 201);
    let copy = json_of(&copied);
    assert_ne!(copy["id"], "42");
    assert_ne!(copy["file_version"]["id"], "43");
    assert_eq!(
        (&copy["etag"], &copy["name"]),
        (&json!("0"), &json!("talk.txt"))
    );
    let id = copy["id"].as_str().expect("an id");
    let of_copy = world.call(&format!("GET /2.0/files/{id}/{CARDS}"), Some(&any()));
    assert_eq!(json_of(&of_copy)["code"], "instance_not_found");

    let taken = world.send("PUT /2.0/files/42", &any(), &there);
    assert_eq!(taken.status, 409);
    assert_eq!(json_of(&taken)["code"], "item_name_in_use");
    let conflict = &json_of(&taken)["context_info"]["conflicts"];
    assert_eq!(conflict["id"], copy["id"]);

    let mut moving = there.clone();
    moving["name"] = json!("moved.txt");
    let moved = json_of(&world.send("PUT /2.0/files/42", &any(), &moving));
    assert_eq!(moved["parent"]["name"], "There");
    assert_eq!(moved["path_collection"]["entries"][1]["id"], folder["id"]);
    let of_moved = world.call(&format!("GET /2.0/files/42/{CARDS}"), Some(&any()));
    assert_eq!(of_moved.status, 200);

    let nowhere = json!({"parent": {"id": "999"}});
    assert_eq!(
        world.send("PUT /2.0/files/42", &any(), &nowhere).status,
        404
    );
    assert_eq!(
        world
            .send("POST /2.0/files/42/copy", &any(), &nowhere)
            .status,
        404
    );
    assert_eq!(
        world
            .send("POST /2.0/files/42/copy", &any(), &json!({}))
            .status,
        400
    );
}

#[test]
fn a_file_put_into_a_folder_is_published_and_a_rename_is_not() {
    let mut world = World::open();
    world.register("talk.txt");
    let attributes = json!({"name": "new.txt", "parent": {"id": "0"}});
    let upload = head("POST /api/2.0/files/content", Some(&any()));
    let made = json_of(&world.upload(upload, Some(&attributes), b"words"));
    world.send("PUT /2.0/files/42", &any(), &json!({"name": "other.txt"}));
    let root = json!({"parent": {"id": "0"}});
    let copy = json_of(&world.send("POST /2.0/files/42/copy", &any(), &root));
    let moving = json!({"name": "moved.txt", "parent": {"id": "0"}});
    world.send("PUT /2.0/files/42", &any(), &moving);
    let placed: Vec<_> = world
        .placed
        .iter()
        .map(|one| (one.how, one.file_id.as_str(), one.old_parent_id.as_deref()))
        .collect();
    let id = |file: &Value| file["id"].as_str().expect("an id").to_owned();
    assert_eq!(
        placed,
        [
            (Placement::Upload, id(&made["entries"][0]).as_str(), None),
            (Placement::Copy, id(&copy).as_str(), None),
            (Placement::Move, "42", Some("44")),
        ]
    );
}

#[test]
fn a_deleted_file_is_gone_with_its_metadata_and_the_record_says_so() {
    let mut world = World::open();
    world.register("talk.txt");
    for place in ["global/boxSkillsCards", "global/properties"] {
        let line = format!("POST /2.0/files/42/metadata/{place}");
        assert_eq!(world.send(&line, &any(), &json!({"cards": []})).status, 201);
    }
    assert_eq!(world.call("DELETE /2.0/files/42", Some(&any())).status, 204);
    for line in [
        "GET /2.0/files/42",
        "GET /2.0/files/42/content",
        "DELETE /2.0/files/42",
    ] {
        let gone = world.call(line, Some(&any()));
        assert_eq!(json_of(&gone)["code"], "not_found", "{line}");
    }
    let deleted: Vec<_> = world.records[2..]
        .iter()
        .map(|record| (record.seq, record.op.as_str(), record.template.as_str()))
        .collect();
    assert_eq!(
        deleted,
        [(3, "delete", "boxSkillsCards"), (4, "delete", "properties")]
    );
    assert_eq!(world.state.next_seq(), 5);
}

#[test]
fn numbers_of_an_event_are_not_assigned_again() {
    let mut world = World::open();
    let next = world.ids.clone().number().to_string();
    world.register_id(&next, "talk.txt", &Registering::default());
    assert_ne!(world.ids.number().to_string(), next);
}

#[test]
fn a_reset_restores_lasting_files() {
    let mut world = World::open();
    let lasting = Registering {
        lasting: true,
        ..Registering::default()
    };
    let event = world.register_how("talk.txt", &lasting);
    world.send("PUT /2.0/files/42", &any(), &json!({"name": "other.txt"}));
    world.call("DELETE /2.0/files/42", Some(&any()));
    let user = world.user();
    let copy = json!({"name": "New", "parent": {"id": "0"}});
    let folder = json_of(&world.send("POST /2.0/folders", &any(), &copy));
    reset(&mut world.state);

    let file = world.state.file("42").expect("it is back");
    assert_eq!((file.name.as_str(), file.etag), ("talk.txt", 0));
    assert!(world.state.grant(&event.read).is_some());
    assert!(world.state.grant(&user).is_none());
    let id = folder["id"].as_str().expect("an id");
    assert!(world.state.folder(id).is_none());
    assert!(world.state.folder("44").is_some() && world.state.folder("0").is_some());
}

fn reset(state: &mut State) {
    let record = json!({"seq": 99, "at": "2026-11-21T00:00:00Z", "op": "reset"});
    let record = serde_json::from_value(record).expect("a record");
    state.apply(&Change::Write(Write::recorded(record)));
}
