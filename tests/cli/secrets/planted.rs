//! The secrets that are planted, each unmistakable and in the form of a Box token, and the
//! inputs that carry them.

use std::{fs, path::Path};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use crate::support::project;

/// Everything that is planted, by name.
const NAMES: [&str; 21] = [
    "Read",
    "Write",
    "ApiKey",
    "InText",
    "NestedRead",
    "NestedWrite",
    "Primary",
    "Secondary",
    "ByEnv",
    "ByFile",
    "ByFlag",
    "ByQuery",
    "ByHeader",
    "BySet",
    "ClientId",
    "ClientSecret",
    "Admin",
    "User",
    "Proxy",
    "SkillUrl",
    "BoxUrl",
];

/// The secret of this name: 32 letters and digits.
pub(super) fn secret(name: &str) -> String {
    assert!(
        NAMES.contains(&name),
        "{name} is not among those looked for"
    );
    format!("{:0<29}x9Z", format!("LEAK{name}"))
}

/// What must be found nowhere, by name: each secret without its last letters, which may be shown,
/// and what goes over the wire in its place.
pub(super) fn marks() -> Vec<(String, String)> {
    let mut marks: Vec<(String, String)> = NAMES
        .iter()
        .map(|name| ((*name).to_owned(), secret(name)[..26].to_owned()))
        .collect();
    for name in ["Proxy", "SkillUrl", "BoxUrl"] {
        let pair = STANDARD.encode(format!("user:{}", secret(name)));
        marks.push((name.to_owned(), pair[..30].to_owned()));
    }
    marks
}

/// `http://user:PASSWORD@address`, with a key in its query.
pub(super) fn url_with(name: &str, address: &str) -> String {
    let secret = secret(name);
    format!("http://user:{secret}@{address}/?code={secret}")
}

/// A captured event with the planted tokens and key.
fn event(read: &str, write: &str) -> Value {
    let text = fs::read(project("fixtures/events/upload-text/event.json")).expect("the fixture");
    let mut event: Value = serde_json::from_slice(&text).expect("JSON");
    event["token"]["read"]["access_token"] = json!(secret(read));
    event["token"]["write"]["access_token"] = json!(secret(write));
    event["skill"]["api_key"] = json!(secret("ApiKey"));
    // Skills and proxies write such notes: the token is in a string inside a string.
    event["status"]["additional_info"] = json!(
        json!({"retry": format!("https://x/?access_token={}", secret("InText"))}).to_string()
    );
    event
}

/// The event inside an API Gateway event, whose headers hold secrets.
fn gateway() -> Value {
    json!({
        "httpMethod": "POST", "path": "/", "isBase64Encoded": false,
        "headers": {
            "Authorization": format!("Bearer {}", secret("ByHeader")),
            "Cookie": format!("session={}", secret("ByHeader")),
            "X-Api-Key": secret("ByHeader"),
            "Content-Type": "application/json"
        },
        "body": event("NestedRead", "NestedWrite").to_string()
    })
}

/// Writes the inputs to a folder: valid events, an event in an envelope, damaged and useless ones,
/// a token, and a skill in Python that prints secrets.
pub(super) fn write(folder: &Path) {
    let put = |name: &str, text: &str| {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().expect("it has one")).expect("a folder");
        fs::write(path, text).expect("it writes");
    };
    let whole = event("Read", "Write");
    put("case/event.json", &whole.to_string());
    put("gateway.json", &gateway().to_string());
    let line = whole.to_string();
    put("torn.json", &line[..line.len() - 3]);
    put(
        "twice.json",
        &line.replacen("\"expires_in\"", "\"access_token\"", 1),
    );
    let mut odd = whole;
    odd["source"] = json!("none");
    put("odd.json", &odd.to_string());
    put("token", &secret("ByFile"));
    put("served/a.txt", "words");
    put(
        "app.py",
        "import json\ndef handler(event, context):\n    print(event)\n    \
         raise RuntimeError('no luck with ' + event['body'])\n",
    );
}
