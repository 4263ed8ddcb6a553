//! Representations.

use serde_json::{Value, json};

use super::world::{World, bytes_of, header_of, json_of};
use crate::mock_box::AnswerBody;

const LIST: &str = "GET /2.0/files/42?fields=representations";

fn entries(world: &mut World, name: &str, hints: &str) -> Vec<Value> {
    let event = world.register(name);
    let line = LIST.replace("42", &event.file_id);
    let file = world.with_header(&line, &event.read, "x-rep-hints", hints);
    json_of(&file)["representations"]["entries"]
        .as_array()
        .expect("entries")
        .clone()
}

#[test]
fn a_hint_gets_an_entry_with_urls_of_info_and_content() {
    let mut world = World::new();
    let event = world.register("film.mp4");
    let hints = "[jpg?dimensions=1024x1024]";
    let file = world.with_header(LIST, &event.read, "x-rep-hints", hints);
    let entry = json_of(&file)["representations"]["entries"][0].clone();
    let place = "/2.0/internal_files/42/versions/43/representations/jpg_1024x1024";
    assert_eq!(
        entry,
        json!({
            "representation": "jpg",
            "properties": {"dimensions": "1024x1024", "paged": "false", "thumb": "false"},
            "info": {"url": format!("http://127.0.0.1:7269{place}")},
            "status": {"state": "success"},
            "content": {
                "url_template": format!("http://127.0.0.1:7269{place}/content/{{+asset_path}}")
            }
        })
    );
    let info = world.call(&format!("GET {place}"), Some(&event.read));
    assert_eq!(json_of(&info), entry);
    for asset in ["content", "content/", "content/1.jpg"] {
        let line = format!("GET {place}/{asset}?access_token={}", event.read.expose());
        let content = world.call(&line, None);
        assert_eq!(content.status, 200, "{asset}");
        assert_eq!(header_of(&content, "content-type"), Some("image/jpeg"));
        assert_eq!(
            bytes_of(&content),
            include_bytes!("../../../fixtures/files/placeholder.jpg")
        );
    }
}

#[test]
fn a_client_of_boxs_hosts_gets_urls_of_boxs_hosts() {
    let mut world = World::new();
    world.origin = "https://api.box.com".to_owned();
    let entry = entries(&mut world, "talk.wav", "[mp3]").remove(0);
    let place = "2.0/internal_files/42/versions/43/representations/mp3";
    assert_eq!(entry["info"]["url"], format!("https://api.box.com/{place}"));
    assert_eq!(
        entry["content"]["url_template"],
        format!("https://dl.boxcloud.com/api/{place}/content/{{+asset_path}}")
    );
    assert_eq!(entry["properties"], json!({}));
}

#[test]
fn each_known_hint_gets_one_entry_and_unknown_ones_none() {
    let mut world = World::new();
    let kinds = |entries: &[Value]| -> Vec<String> {
        let kinds = entries
            .iter()
            .filter_map(|entry| entry["representation"].as_str());
        kinds.map(str::to_owned).collect()
    };
    let hints = "[mp3][mp4][jpg?dimensions=1024x1024][extracted_text][pdf]";
    let all = entries(&mut world, "talk.mp4", hints);
    assert_eq!(kinds(&all), ["mp3", "mp4", "jpg", "extracted_text", "pdf"]);
    let choice = entries(&mut world, "talk.mp4", "[dash,mp4][hologram]");
    assert_eq!(kinds(&choice), ["mp4"]);
    for hints in ["[3d]", "", "[]", "]["] {
        assert!(entries(&mut world, "talk.mp4", hints).is_empty(), "{hints}");
    }
}

#[test]
fn a_file_of_the_type_is_its_own_representation() {
    let mut world = World::new();
    let event = world.register("talk.md");
    let line = "GET /2.0/internal_files/42/versions/43/representations/extracted_text/content/";
    let text = world.call(line, Some(&event.read));
    assert_eq!(
        header_of(&text, "content-type"),
        Some("text/plain; charset=utf-8")
    );
    assert_eq!(
        bytes_of(&text),
        include_bytes!("../../../fixtures/files/placeholder.txt")
    );
}

#[test]
fn a_picture_is_converted_while_it_is_sent() {
    let mut world = World::new();
    let event = world.register("photo.png");
    let place = "GET /2.0/internal_files/42/versions/43/representations";
    let made = world.call(&format!("{place}/jpg_32x16/content"), Some(&event.read));
    assert_eq!(header_of(&made, "content-type"), Some("image/jpeg"));
    let AnswerBody::Picture(picture) = made.body else {
        panic!("no picture: {made:?}");
    };
    assert_eq!(
        (picture.width, picture.height, picture.is_png),
        (32, 16, false)
    );
    assert_eq!(
        Some(&picture.content),
        world.state.file("42").map(|file| &file.current().content)
    );
    let same = world.call(&format!("{place}/png_32x16/content"), Some(&event.read));
    assert!(matches!(same.body, AnswerBody::Picture(picture) if picture.is_png));
    for name in ["scan.tiff", "photo.webp", "drawing.bmp", "talk.mp3"] {
        let event = world.register(name);
        let id = &event.file_id;
        let version = world
            .state
            .file(id)
            .expect("it is there")
            .current()
            .id
            .clone();
        let line = format!(
            "GET /2.0/internal_files/{id}/versions/{version}/representations/jpg_32x32/content"
        );
        let made = world.call(&line, Some(&event.read));
        assert!(matches!(made.body, AnswerBody::Content(_)), "{name}");
        assert!(
            made.note.is_some_and(|note| note.contains("placeholder")),
            "{name}"
        );
    }
}

#[test]
fn a_thumbnail_is_the_largest_within_the_bounds_and_other_sizes_are_400() {
    let mut world = World::new();
    let event = world.register("photo.jpg");
    for (query, pixels) in [
        ("thumbnail.jpg", 320),
        ("thumbnail.png", 256),
        ("thumbnail.jpg?max_width=160&max_height=320", 160),
        (
            "thumbnail.png?min_width=32&min_height=32&max_height=100",
            64,
        ),
    ] {
        let line = format!("GET /2.0/files/42/{query}");
        let made = world.call(&line, Some(&event.read));
        let AnswerBody::Picture(picture) = made.body else {
            panic!("no picture: {made:?}");
        };
        assert_eq!((picture.width, picture.height), (pixels, pixels), "{query}");
        assert_eq!(picture.is_png, query.contains("png"));
    }
    for query in [
        "max_width=31",
        "max_width=321",
        "min_height=many",
        "min_width=100&max_width=120",
        "min_width=160&max_width=32",
    ] {
        let line = format!("GET /2.0/files/42/thumbnail.jpg?{query}");
        assert_eq!(world.call(&line, Some(&event.read)).status, 400, "{query}");
    }
    let line = "GET /2.0/files/42/thumbnail.jpg";
    assert_eq!(world.call(line, Some(&event.write)).status, 403);
}

#[test]
fn text_that_cannot_be_extracted_is_a_named_placeholder() {
    let mut world = World::new();
    let event = world.register("talk.mp3");
    let line = "GET /2.0/internal_files/42/versions/43/representations/extracted_text/content/";
    let text = world.call(line, Some(&event.read));
    assert_eq!(text.status, 200);
    assert_eq!(
        header_of(&text, "content-type"),
        Some("text/plain; charset=utf-8")
    );
    let text = String::from_utf8(bytes_of(&text)).expect("text");
    assert!(
        text.contains("placeholder for the text of talk.mp3"),
        "{text}"
    );
}

#[test]
fn an_unknown_representation_is_404_and_a_write_token_is_403() {
    let mut world = World::new();
    let event = world.register("talk.txt");
    let place = "GET /2.0/internal_files/42/versions";
    for path in ["43/representations/hologram", "44/representations/mp3"] {
        let line = format!("{place}/{path}");
        assert_eq!(world.call(&line, Some(&event.read)).status, 404, "{path}");
        let line = format!("{line}/content");
        assert_eq!(world.call(&line, Some(&event.read)).status, 404, "{path}");
    }
    let line = format!("{place}/43/representations/mp3/content");
    assert_eq!(world.call(&line, Some(&event.write)).status, 403);
}
