//! Upload sessions, from where their parts are on disk.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::world::{World, any, json_of, with};
use crate::mock_box::{
    Answer, Head, Spooled, http::request::tests::head, model::upload_session::PART_SIZE,
};

/// Two whole parts and a shorter one.
const SIZE: u64 = 2 * PART_SIZE + 4_000_000;
const SHA1: &str = "0123456789abcdef0123456789abcdef01234567";
const DIGEST: [u8; 20] = [
    0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef,
    0x01, 0x23, 0x45, 0x67,
];

fn spooled(size: u64) -> Spooled {
    Spooled {
        path: "/spool".into(),
        size,
        sha1: SHA1.to_owned(),
    }
}

fn with_digest(head: Head) -> Head {
    let digest = format!("sha={}", STANDARD.encode(DIGEST));
    with(head, "digest", &digest)
}

/// Opens a session for a new file; its path.
fn open(world: &mut World, size: u64) -> (Answer, String) {
    let body = json!({"folder_id": "0", "file_size": size, "file_name": "big.mp4"});
    let head = head("POST /api/2.0/files/upload_sessions", Some(&any()));
    let answer = world.ask(head, body.to_string().as_bytes());
    let session = json_of(&answer);
    let id = session["id"].as_str().unwrap_or_default().to_owned();
    (answer, format!("/api/2.0/files/upload_sessions/{id}"))
}

fn put(world: &mut World, path: &str, first: u64, size: u64) -> Answer {
    put_of(world, path, first, size, SIZE)
}

fn put_of(world: &mut World, path: &str, first: u64, size: u64, total: u64) -> Answer {
    let range = format!("bytes {first}-{}/{total}", first + size - 1);
    let head = with_digest(head(&format!("PUT {path}"), Some(&any())));
    let head = with(head, "content-range", &range);
    world.part(head, spooled(size))
}

fn put_all(world: &mut World, path: &str) -> Vec<Value> {
    [
        (0, PART_SIZE),
        (PART_SIZE, PART_SIZE),
        (2 * PART_SIZE, 4_000_000),
    ]
    .into_iter()
    .map(|(first, size)| {
        let answer = put(world, path, first, size);
        assert_eq!(answer.status, 200);
        json_of(&answer)["part"].clone()
    })
    .collect()
}

fn commit(world: &mut World, path: &str, parts: &Value, content: Option<Spooled>) -> Answer {
    let head = with_digest(head(&format!("POST {path}/commit"), Some(&any())));
    world.commit(head, &json!({"parts": parts}), content)
}

fn code(answer: &Answer) -> (u16, String) {
    let code = json_of(answer)["code"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    (answer.status.as_u16(), code)
}

#[test]
fn the_parts_of_a_session_become_a_file() {
    let mut world = World::open();
    let (opened, path) = open(&mut world, SIZE);
    assert_eq!(opened.status, 201);
    let session = json_of(&opened);
    assert_eq!(
        (&session["total_parts"], &session["part_size"]),
        (&json!(3), &json!(PART_SIZE))
    );
    let upload_url = session["session_endpoints"]["upload_part"]
        .as_str()
        .expect("a URL");
    assert!(upload_url.ends_with(&path), "{upload_url}");

    let parts = put_all(&mut world, &path);
    let status = json_of(&world.call(&format!("GET {path}"), Some(&any())));
    assert_eq!(status["num_parts_processed"], 3);
    let listed = json_of(&world.call(&format!("GET {path}/parts?limit=2&offset=1"), Some(&any())));
    assert_eq!(listed["entries"], json!(parts[1..]));
    assert_eq!(listed["total_count"], 3);

    let made = commit(&mut world, &path, &json!(parts), Some(spooled(SIZE)));
    assert_eq!(made.status, 201);
    let file = &json_of(&made)["entries"][0];
    assert_eq!(
        (&file["name"], &file["size"]),
        (&json!("big.mp4"), &json!(SIZE))
    );
    assert_eq!(file["sha1"], SHA1);
    assert_eq!(world.placed.len(), 1, "an event is sent for it");
    let again = commit(&mut world, &path, &json!(parts), Some(spooled(SIZE)));
    assert_eq!(again.status, 409);
    assert_eq!(put(&mut world, &path, 0, PART_SIZE).status, 409);
    // Box's SDKs abort a session after its commit.
    for (method, status) in [("GET", 200), ("DELETE", 204), ("GET", 404)] {
        let line = format!("{method} {path}");
        assert_eq!(world.call(&line, Some(&any())).status, status, "{line}");
    }
}

#[test]
fn a_part_that_does_not_fit_is_refused() {
    let mut world = World::open();
    let (_, path) = open(&mut world, SIZE);
    assert_eq!(put(&mut world, &path, 0, PART_SIZE).status, 200);
    let overlapping = put(&mut world, &path, 0, PART_SIZE);
    assert_eq!(
        code(&overlapping),
        (409, "range_overlaps_existing_range".to_owned())
    );
    for (first, size) in [
        (1, PART_SIZE),
        (PART_SIZE, 5),
        (2 * PART_SIZE, PART_SIZE),
        (SIZE, 1),
    ] {
        assert_eq!(
            put(&mut world, &path, first, size).status,
            416,
            "{first} {size}"
        );
    }
    assert_eq!(
        put_of(&mut world, &path, PART_SIZE, PART_SIZE, SIZE + 1).status,
        416
    );
    let head = with_digest(head(&format!("PUT {path}"), Some(&any())));
    let without_range = world.part(head, spooled(PART_SIZE));
    assert_eq!(without_range.status, 400);
    let wrong = Spooled {
        sha1: "0".repeat(40),
        ..spooled(PART_SIZE)
    };
    let range = format!("bytes {PART_SIZE}-{}/{SIZE}", 2 * PART_SIZE - 1);
    let head = with_digest(crate::mock_box::http::request::tests::head(
        &format!("PUT {path}"),
        Some(&any()),
    ));
    let head = with(head, "content-range", &range);
    assert_eq!(
        code(&world.part(head, wrong)),
        (400, "bad_digest".to_owned())
    );
}

#[test]
fn a_commit_needs_every_part_once_and_the_digest_of_the_whole() {
    let mut world = World::open();
    let (_, path) = open(&mut world, SIZE);
    assert_eq!(put(&mut world, &path, 0, PART_SIZE).status, 200);
    let early = commit(&mut world, &path, &json!([]), None);
    assert_eq!(early.status, 400);
    let (_, path) = open(&mut world, SIZE);
    let parts = put_all(&mut world, &path);
    let twice = json!([parts[0], parts[0], parts[2]]);
    let mut unknown = json!(parts);
    unknown[1]["part_id"] = "FFFFFFFF".into();
    for parts in [json!(parts[..2]), twice, unknown, json!("all")] {
        let refused = commit(&mut world, &path, &parts, Some(spooled(SIZE)));
        assert_eq!(refused.status, 400, "{parts}");
    }
    let wrong = Spooled {
        sha1: "f".repeat(40),
        ..spooled(SIZE)
    };
    let refused = commit(&mut world, &path, &json!(parts), Some(wrong));
    assert_eq!(code(&refused), (400, "bad_digest".to_owned()));
    assert_eq!(
        commit(&mut world, &path, &json!(parts), Some(spooled(SIZE))).status,
        201
    );
}

#[test]
fn a_small_file_a_taken_name_and_an_unknown_folder_open_no_session() {
    let mut world = World::open();
    assert_eq!(
        code(&open(&mut world, 19_999_999).0),
        (400, "file_size_too_small".to_owned())
    );
    let attributes = json!({"name": "big.mp4", "parent": {"id": "0"}});
    let new = head("POST /api/2.0/files/content", Some(&any()));
    world.upload(new, Some(&attributes), b"small");
    assert_eq!(
        code(&open(&mut world, SIZE).0),
        (409, "item_name_in_use".to_owned())
    );
    let body = json!({"folder_id": "987", "file_size": SIZE, "file_name": "other.mp4"});
    let head = head("POST /api/2.0/files/upload_sessions", Some(&any()));
    assert_eq!(world.ask(head, body.to_string().as_bytes()).status, 404);
}

#[test]
fn a_session_ends_when_it_is_aborted_and_after_a_week() {
    let mut world = World::open();
    let (_, path) = open(&mut world, SIZE);
    assert_eq!(
        world.call(&format!("DELETE {path}"), Some(&any())).status,
        204
    );
    assert_eq!(put(&mut world, &path, 0, PART_SIZE).status, 404);
    let (_, path) = open(&mut world, SIZE);
    world.pass(7 * 24 * 3600);
    assert_eq!(put(&mut world, &path, 0, PART_SIZE).status, 404);
}

#[test]
fn a_write_token_opens_sessions_for_its_own_file_alone() {
    let mut world = World::new();
    let event = world.register("talk.mp4");
    let body = json!({"file_size": SIZE}).to_string();
    let open = |world: &mut World, id: &str| {
        let line = format!("POST /api/2.0/files/{id}/upload_sessions");
        world.ask(head(&line, Some(&event.write)), body.as_bytes())
    };
    let opened = open(&mut world, "42");
    assert_eq!(opened.status, 201);
    let id = json_of(&opened)["id"].as_str().expect("an id").to_owned();
    let line = format!("GET /api/2.0/files/upload_sessions/{id}");
    assert_eq!(world.call(&line, Some(&event.write)).status, 200);
    assert_eq!(world.call(&line, Some(&event.read)).status, 403);
    let new = json!({"folder_id": "0", "file_size": SIZE, "file_name": "a"}).to_string();
    let head = head("POST /api/2.0/files/upload_sessions", Some(&event.write));
    assert_eq!(world.ask(head, new.as_bytes()).status, 403);
}
