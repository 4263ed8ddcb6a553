//! The calls of the mock Box where a socket matters: uploads as they come in, bodies that are too
//! large, answers without a body, documents that are read from disk.

use std::{
    io::{Read, Write},
    net::TcpStream,
};

use reqwest::blocking::Response;
use serde_json::{Value, json};

use crate::world::{MockBox, http};

const BOUNDARY: &str = "----the boundary-1";

fn open() -> MockBox {
    MockBox::with(&["--tokens", "any"])
}

/// A part of a multipart body: the text after `form-data`, and its content.
fn part(disposition: &str, content: &[u8]) -> Vec<u8> {
    let mut part = format!("--{BOUNDARY}\r\nContent-Disposition: form-data; {disposition}\r\n\r\n")
        .into_bytes();
    part.extend_from_slice(content);
    part.extend_from_slice(b"\r\n");
    part
}

fn whole(parts: &[Vec<u8>]) -> Vec<u8> {
    let mut body = parts.concat();
    body.extend_from_slice(format!("--{BOUNDARY}--\r\n").as_bytes());
    body
}

fn upload(mock: &MockBox, path: &str, body: Vec<u8>) -> Response {
    http()
        .post(format!("{}{path}", mock.url))
        .bearer_auth("any")
        .header(
            "content-type",
            format!("multipart/form-data; boundary=\"{BOUNDARY}\""),
        )
        .body(body)
        .send()
        .expect("an answer")
}

fn get(mock: &MockBox, path: &str) -> Response {
    let url = format!("{}{path}", mock.url);
    http()
        .get(url)
        .bearer_auth("any")
        .send()
        .expect("an answer")
}

fn json_of(response: Response) -> Value {
    serde_json::from_str(&response.text().expect("a body")).expect("JSON")
}

/// Uploads `content` to the root; returns the file.
fn uploaded(mock: &MockBox, name: &str, content: &[u8]) -> Value {
    let attributes = json!({"name": name, "parent": {"id": "0"}}).to_string();
    let body = whole(&[
        part("name=\"attributes\"", attributes.as_bytes()),
        part("name=\"file\"; filename=\"unused\"", content),
    ]);
    let answer = upload(mock, "/api/2.0/files/content", body);
    assert_eq!(answer.status(), 201);
    json_of(answer)["entries"][0].clone()
}

#[test]
fn an_upload_comes_back_byte_for_byte() {
    let mock = open();
    // Line breaks and dashes as in a boundary, and more than one read can hold.
    let content: Vec<u8> = (0..300_000_u32)
        .flat_map(|number| format!("\r\n--{number}").into_bytes())
        .collect();
    let file = uploaded(&mock, "large.bin", &content);
    assert_eq!(file["size"], content.len());
    let id = file["id"].as_str().expect("an id");
    let back = get(&mock, &format!("/2.0/files/{id}/content"));
    assert!(back.bytes().expect("bytes") == content, "other bytes");

    let second = whole(&[part("name=\"anything\"; filename=\"\"", b"")]);
    let answer = upload(&mock, &format!("/api/2.0/files/{id}/content"), second);
    assert_eq!(answer.status(), 201);
    assert_eq!(json_of(answer)["entries"][0]["size"], 0);
    let old = file["file_version"]["id"].as_str().expect("a version");
    let back = get(&mock, &format!("/2.0/files/{id}/content?version={old}"));
    assert_eq!(back.bytes().expect("bytes").len(), content.len());
}

#[test]
fn an_upload_with_its_parts_in_the_wrong_order_is_400() {
    let mock = open();
    let body = whole(&[
        part("name=\"file\"; filename=\"a\"", b"words"),
        part("name=\"attributes\"", b"{}"),
    ]);
    let answer = upload(&mock, "/api/2.0/files/content", body);
    assert_eq!(answer.status(), 400);
    assert_eq!(json_of(answer)["code"], "metadata_after_file_contents");
}

#[test]
fn malformed_uploads_are_400_and_leave_nothing() {
    let mock = open();
    let endless = [
        b"--".as_slice(),
        BOUNDARY.as_bytes(),
        b"\r\nX: ",
        &vec![b'x'; 1_000_000],
    ]
    .concat();
    for body in [
        b"no multipart at all".to_vec(),
        part("name=\"attributes\"", b"{}"),
        whole(&[part("name=\"attributes\"", &vec![b' '; 100_000])]),
        endless,
        vec![b'\r'; 1_000_000],
        Vec::new(),
    ] {
        let start = String::from_utf8_lossy(&body[..body.len().min(40)]).into_owned();
        let answer = upload(&mock, "/api/2.0/files/content", body);
        assert_eq!(answer.status(), 400, "{start}");
        assert!(answer.headers().contains_key("box-request-id"));
        assert_eq!(json_of(answer)["type"], "error", "{start}");
    }
    let items = json_of(get(&mock, "/2.0/folders/0/items"));
    assert_eq!(items["total_count"], 0);
}

/// Sends a head alone, and returns the answer's.
fn head_alone(mock: &MockBox, head: &str) -> String {
    let address = mock.url.trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).expect("a connection");
    let head = format!("{head}Host: {address}\r\nAuthorization: Bearer any\r\n\r\n");
    stream.write_all(head.as_bytes()).expect("it is sent");
    let mut answer = Vec::new();
    let mut byte = [0];
    while !answer.ends_with(b"\r\n\r\n") && stream.read(&mut byte).expect("an answer") == 1 {
        answer.push(byte[0]);
    }
    String::from_utf8(answer).expect("text")
}

#[test]
fn a_body_that_is_too_large_is_413_at_once_by_its_head() {
    let mock = open();
    for path in [
        "/api/2.0/files/content",
        "/2.0/files/1/metadata/global/boxSkillsCards",
    ] {
        let head = format!(
            "POST {path} HTTP/1.1\r\nContent-Type: multipart/form-data; boundary=x\r\n\
             Content-Length: 100000000000000\r\n"
        );
        let answer = head_alone(&mock, &head);
        assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
        assert!(answer.to_ascii_lowercase().contains("box-request-id:"));
    }
}

#[test]
fn an_upload_beyond_max_body_is_413_while_it_comes_in() {
    let mock = MockBox::with(&["--tokens", "any", "--max-body", "10KiB"]);
    let attributes = json!({"name": "a", "parent": {"id": "0"}}).to_string();
    let body = whole(&[
        part("name=\"attributes\"", attributes.as_bytes()),
        part("name=\"file\"; filename=\"a\"", &vec![b'x'; 20_000]),
    ]);
    let answer = http()
        .post(format!("{}/api/2.0/files/content", mock.url))
        .bearer_auth("any")
        .header(
            "content-type",
            format!("multipart/form-data; boundary=\"{BOUNDARY}\""),
        )
        // A reader has no length, so that none is promised in the head.
        .body(reqwest::blocking::Body::new(std::io::Cursor::new(body)))
        .send()
        .expect("an answer");
    assert_eq!(answer.status(), 413);
    assert_eq!(json_of(answer)["code"], "request_entity_too_large");
    assert_eq!(uploaded(&mock, "b", &[b'x'; 9000])["size"], 9000);
}

#[test]
fn head_is_answered_as_get_is_without_the_body() {
    let mock = open();
    let file = uploaded(&mock, "a.txt", b"words");
    let id = file["id"].as_str().expect("an id");
    let url = format!("{}/2.0/files/{id}", mock.url);
    let head = http()
        .head(&url)
        .bearer_auth("any")
        .send()
        .expect("an answer");
    assert_eq!(head.status(), 200);
    let length = head.headers()["content-length"].clone();
    assert_eq!(head.bytes().expect("bytes").len(), 0);
    let got = get(&mock, &format!("/2.0/files/{id}"));
    assert_eq!(got.headers()["content-length"], length);
    let content = http()
        .head(format!("{url}/content"))
        .bearer_auth("any")
        .send()
        .expect("an answer");
    assert_eq!(content.headers()["content-length"], "5");
}

#[test]
fn the_text_of_a_document_is_extracted() {
    let mock = open();
    let docx = include_bytes!("../../fixtures/files/placeholder.docx");
    for (content, text) in [
        (docx.as_slice(), "A placeholder of one paragraph\n"),
        (
            b"not really",
            "The mock Box found no text in this document: it is not a zip archive.\n",
        ),
    ] {
        let name = format!("{}.docx", content.len());
        let file = uploaded(&mock, &name, content);
        let place = format!(
            "/2.0/internal_files/{}/versions/{}/representations/extracted_text/content/",
            file["id"].as_str().expect("an id"),
            file["file_version"]["id"].as_str().expect("a version")
        );
        let answer = get(&mock, &place);
        assert_eq!(
            answer.headers()["content-type"],
            "text/plain; charset=utf-8"
        );
        assert_eq!(answer.text().expect("text"), text);
    }
}

#[test]
fn a_picture_is_made_into_the_representation_that_is_asked_for() {
    let mock = open();
    let png = include_bytes!("../../fixtures/cards/anna.png");
    for (name, content) in [("a.png", png.as_slice()), ("b.png", b"no picture")] {
        let file = uploaded(&mock, name, content);
        let place = format!(
            "/2.0/internal_files/{}/versions/{}/representations/jpg_16x16/content/1.jpg",
            file["id"].as_str().expect("an id"),
            file["file_version"]["id"].as_str().expect("a version")
        );
        let answer = get(&mock, &place);
        assert_eq!(answer.headers()["content-type"], "image/jpeg");
        let bytes = answer.bytes().expect("bytes");
        assert!(bytes.starts_with(b"\xff\xd8"), "{name} is not a JPEG");
        let is_placeholder = bytes == include_bytes!("../../fixtures/files/placeholder.jpg")[..];
        assert_eq!(is_placeholder, name == "b.png");
    }
}
