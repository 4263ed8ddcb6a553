//! Uploads in parts, over the wire.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use sha1::{Digest, Sha1};

use crate::world::{MockBox, http};

fn digest(bytes: &[u8]) -> String {
    format!("sha={}", STANDARD.encode(Sha1::digest(bytes)))
}

#[test]
fn a_large_file_arrives_in_parts_and_comes_back_whole() {
    let mock = MockBox::with(&["--tokens", "any"]);
    let file: Vec<u8> = (0..20_000_000_u32).map(|at| (at % 251) as u8).collect();
    let client = http();
    let open = client
        .post(format!("{}/api/2.0/files/upload_sessions", mock.url))
        .bearer_auth("any")
        .body(
            json!({"folder_id": "0", "file_size": file.len(), "file_name": "big.bin"}).to_string(),
        )
        .send()
        .expect("an answer");
    assert_eq!(open.status(), 201);
    let session: Value = serde_json::from_str(&open.text().expect("text")).expect("JSON");
    let endpoint = |name: &str| {
        let url = session["session_endpoints"][name].as_str();
        url.expect("a URL").to_owned()
    };
    let part_size =
        usize::try_from(session["part_size"].as_u64().expect("a number")).expect("small");
    let mut parts = Vec::new();
    // Parts may arrive in any order.
    for (nth, part) in file
        .chunks(part_size)
        .enumerate()
        .collect::<Vec<_>>()
        .into_iter()
        .rev()
    {
        let first = nth * part_size;
        let range = format!("bytes {first}-{}/{}", first + part.len() - 1, file.len());
        let put = client
            .put(endpoint("upload_part"))
            .bearer_auth("any")
            .header("content-range", range)
            .header("digest", digest(part))
            .body(part.to_vec())
            .send()
            .expect("an answer");
        assert_eq!(put.status(), 200);
        let put: Value = serde_json::from_str(&put.text().expect("text")).expect("JSON");
        parts.push(put["part"].clone());
    }
    let commit = client
        .post(endpoint("commit"))
        .bearer_auth("any")
        .header("digest", digest(&file))
        .body(json!({"parts": parts}).to_string())
        .send()
        .expect("an answer");
    assert_eq!(commit.status(), 201);
    let made: Value = serde_json::from_str(&commit.text().expect("text")).expect("JSON");
    let id = made["entries"][0]["id"].as_str().expect("an id");
    let back = client
        .get(format!("{}/2.0/files/{id}/content", mock.url))
        .bearer_auth("any")
        .send()
        .expect("an answer");
    assert!(back.bytes().expect("the content") == file.as_slice());
    let too_long = client
        .put(endpoint("upload_part"))
        .bearer_auth("any")
        .body(vec![0; part_size + 1])
        .send();
    // The connection may break while the rest is sent: the answer is there before it.
    assert!(
        too_long.is_err()
            || too_long.is_ok_and(|answer| matches!(answer.status().as_u16(), 404 | 413))
    );
}
