//! `/oauth2/token`.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::world::{World, json_of};
use crate::domain::{call::NOT_PLAYED, secret::Secret};
use crate::mock_box::http::request::tests::head;

fn ask(world: &mut World, form: &str) -> (u16, Value) {
    let answer = world.ask(head("POST /oauth2/token", None), form.as_bytes());
    (answer.status.as_u16(), json_of(&answer))
}

#[test]
fn client_credentials_get_a_user_token_for_an_hour() {
    let mut world = World::new();
    let form = "grant_type=client_credentials&client_id=any&client_secret=any\
                &box_subject_type=enterprise&box_subject_id=1";
    let (status, answer) = ask(&mut world, form);
    assert_eq!(status, 200);
    assert_eq!(answer["token_type"], "bearer");
    assert_eq!(answer["expires_in"], 3600);
    assert_eq!(answer["restricted_to"], json!([]));
    assert!(answer.get("refresh_token").is_none());

    let token = world.user();
    assert_eq!(world.call("GET /2.0/users/me", Some(&token)).status, 200);
    world.pass(3600);
    assert_eq!(world.call("GET /2.0/users/me", Some(&token)).status, 401);
}

#[test]
fn errors_have_the_form_of_oauth() {
    let mut world = World::new();
    for (form, error) in [
        ("", "invalid_request"),
        ("grant_type=magic", "unsupported_grant_type"),
        ("grant_type=client_credentials", "invalid_client"),
        (
            "grant_type=client_credentials&client_id=a&box_subject_type=robot",
            "invalid_request",
        ),
    ] {
        let (status, answer) = ask(&mut world, form);
        assert_eq!((status, &answer["error"]), (400, &json!(error)), "{form}");
        assert!(answer["error_description"].is_string());
        assert_eq!(answer.as_object().map(serde_json::Map::len), Some(2));
    }
}

#[test]
fn the_authorization_code_grant_is_405_in_the_form_of_oauth() {
    let mut world = World::new();
    let (status, answer) = ask(
        &mut world,
        "grant_type=authorization_code&client_id=a&code=b",
    );
    assert_eq!((status, &answer["error"]), (405, &json!(NOT_PLAYED)));
}

#[test]
fn a_refresh_token_is_good_once_and_the_answer_has_the_next() {
    let mut world = World::new();
    let refresh =
        |token: &str| format!("grant_type=refresh_token&client_id=a&refresh_token={token}");
    let (status, first) = ask(&mut world, &refresh("from-outside"));
    assert_eq!(status, 200);
    let token = Secret::new(first["access_token"].as_str().expect("a token"));
    assert_eq!(world.call("GET /2.0/users/me", Some(&token)).status, 200);
    let (status, again) = ask(&mut world, &refresh("from-outside"));
    assert_eq!((status, &again["error"]), (400, &json!("invalid_grant")));
    let next = first["refresh_token"].as_str().expect("a refresh token");
    assert_eq!(ask(&mut world, &refresh(next)).0, 200);
    let (status, missing) = ask(&mut world, "grant_type=refresh_token&client_id=a");
    assert_eq!(
        (status, &missing["error"]),
        (400, &json!("invalid_request"))
    );
}

/// A JWT with these claims; the signature is any text.
fn jwt(head: &Value, claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.c2lnbmVk", part(head), part(claims))
}

fn claims(world: &World) -> Value {
    json!({
        "iss": "client", "sub": "77", "box_sub_type": "user",
        "aud": "https://api.box.com/oauth2/token", "jti": "0123456789abcdef",
        "exp": world.now.as_second() + 30
    })
}

fn jwt_form(assertion: &str) -> String {
    format!(
        "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&client_id=client\
         &client_secret=s&assertion={assertion}"
    )
}

#[test]
fn a_jwt_of_any_key_gets_a_token_for_its_subject() {
    let mut world = World::new();
    let mut claims = claims(&world);
    let form = jwt_form(&jwt(&json!({"alg": "RS512"}), &claims));
    let (status, answer) = ask(&mut world, &form);
    assert_eq!(status, 200, "{answer}");
    assert!(answer.get("refresh_token").is_none());
    let token = Secret::new(answer["access_token"].as_str().expect("a token"));
    let me = json_of(&world.call("GET /2.0/users/me", Some(&token)));
    assert_eq!(me["id"], "77");
    claims["box_sub_type"] = json!("enterprise");
    claims["aud"] = json!("http://127.0.0.1:7269/oauth2/token");
    let form = jwt_form(&jwt(&json!({"alg": "RS256"}), &claims));
    let (_, answer) = ask(&mut world, &form);
    let token = Secret::new(answer["access_token"].as_str().expect("a token"));
    let me = json_of(&world.call("GET /2.0/users/me", Some(&token)));
    assert_ne!(me["id"], "77", "the service account is another user");
}

#[test]
fn a_jwt_with_a_wrong_claim_is_400_and_the_claim_is_named() {
    let mut world = World::new();
    let head = json!({"alg": "RS512"});
    let now = world.now.as_second();
    let valid = jwt(&head, &claims(&world));
    let mut refuse = |assertion: &str, named: &str| {
        let (status, answer) = ask(&mut world, &jwt_form(assertion));
        assert_eq!(
            (status, &answer["error"]),
            (400, &json!("invalid_grant")),
            "{named}"
        );
        let text = answer["error_description"].as_str().expect("a text");
        assert!(text.contains(named), "{text}");
    };
    for (name, value) in [
        ("iss", json!("another")),
        ("sub", Value::Null),
        ("aud", json!("https://example.com/oauth2/token")),
        ("jti", json!("short")),
        ("exp", json!(now)),
        ("exp", json!(now + 61)),
        ("exp", Value::Null),
        ("box_sub_type", json!("robot")),
    ] {
        let mut wrong = json!({
            "iss": "client", "sub": "77", "box_sub_type": "user",
            "aud": "https://api.box.com/oauth2/token", "jti": "0123456789abcdef", "exp": now + 30
        });
        wrong[name] = value;
        refuse(&jwt(&head, &wrong), &format!("'{name}'"));
    }
    refuse("nonsense", "not a JWT");
    refuse("a.b.c", "not a JWT");
    refuse(valid.rsplit_once('.').expect("three parts").0, "not a JWT");
    refuse(&valid.replace("c2lnbmVk", ""), "signed");
    let unsigned = jwt(&json!({"alg": "none"}), &json!({}));
    refuse(&unsigned, "signed");
}

/// Exchanges a token; the form of the exchange ends with `more`.
fn exchange(world: &mut World, subject: &Secret, more: &str) -> (u16, Value) {
    let form = format!(
        "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange\
         &subject_token={}&subject_token_type=urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Aaccess_token{more}",
        subject.expose()
    );
    ask(world, &form)
}

#[test]
fn a_downscoped_token_obeys_its_scopes_and_its_resource() {
    let mut world = World::new();
    world.register("talk.txt");
    let user = world.user();
    let more =
        "&scope=item_rename+item_preview&resource=https%3A%2F%2Fapi.box.com%2F2.0%2Ffiles%2F42";
    let (status, answer) = exchange(&mut world, &user, more);
    assert_eq!(status, 200, "{answer}");
    assert_eq!(
        answer["issued_token_type"],
        "urn:ietf:params:oauth:token-type:access_token"
    );
    assert!(answer.get("refresh_token").is_none());
    assert_eq!(
        answer["restricted_to"][0],
        json!({"scope": "item_rename", "object": {"type": "file", "id": "42"}})
    );
    let token = Secret::new(answer["access_token"].as_str().expect("a token"));
    let name = json!({"name": "b.txt"});
    assert_eq!(world.send("PUT /2.0/files/42", &token, &name).status, 200);
    assert_eq!(world.call("GET /2.0/files/42", Some(&token)).status, 200);
    let link = json!({"shared_link": {}});
    assert_eq!(world.send("PUT /2.0/files/42", &token, &link).status, 403);
    for line in [
        "DELETE /2.0/files/42",
        "GET /2.0/files/42/content",
        "GET /2.0/folders/0",
    ] {
        assert_eq!(world.call(line, Some(&token)).status, 403, "{line}");
    }
    let other = world.register("other.txt").file_id;
    let of_other = format!("GET /2.0/files/{other}");
    assert_eq!(world.call(&of_other, Some(&token)).status, 403);

    let (status, _) = exchange(&mut world, &token, "&scope=item_preview");
    assert_eq!(status, 200, "a downscoped token may lose more scopes");
    let (status, answer) = exchange(&mut world, &token, "&scope=item_delete");
    assert_eq!((status, &answer["error"]), (400, &json!("invalid_scope")));
}

#[test]
fn a_token_of_a_folder_is_for_what_is_in_it() {
    let mut world = World::new();
    world.register("talk.txt");
    let user = world.user();
    let more = "&scope=root_readwrite&resource=https%3A%2F%2Fapi.box.com%2F2.0%2Ffolders%2F44";
    let (_, answer) = exchange(&mut world, &user, more);
    let token = Secret::new(answer["access_token"].as_str().expect("a token"));
    for (line, status) in [
        ("GET /2.0/folders/44", 200),
        ("GET /2.0/folders/0", 403),
        ("GET /2.0/files/42", 200),
    ] {
        assert_eq!(world.call(line, Some(&token)).status, status, "{line}");
    }
    let root = json!({"name": "A", "parent": {"id": "0"}});
    assert_eq!(world.send("POST /2.0/folders", &token, &root).status, 403);
    let inside = json!({"name": "A", "parent": {"id": "44"}});
    assert_eq!(world.send("POST /2.0/folders", &token, &inside).status, 201);
}

#[test]
fn an_exchange_for_more_than_the_token_has_is_400() {
    let mut world = World::new();
    let event = world.register("talk.txt");
    let unknown = Secret::new("unknown");
    let root = "&scope=root_readonly&resource=https%3A%2F%2Fapi.box.com%2F2.0%2Ffolders%2F0";
    let other = "&scope=item_read&resource=https%3A%2F%2Fapi.box.com%2F2.0%2Ffolders%2F44";
    for (token, more, error) in [
        (&event.read, "&scope=item_upload", "invalid_scope"),
        (&event.write, "&scope=item_read", "invalid_scope"),
        (&event.read, root, "invalid_scope"),
        (&event.read, other, "invalid_resource"),
        (&event.read, "&scope=everything", "invalid_scope"),
        (&event.read, "&scope=+", "invalid_request"),
        (&unknown, "&scope=item_read", "invalid_grant"),
    ] {
        let (status, answer) = exchange(&mut world, token, more);
        assert_eq!((status, &answer["error"]), (400, &json!(error)), "{more}");
    }
    let (status, _) = exchange(&mut world, &event.read, "&scope=item_read&actor_token=x");
    assert_eq!(status, 405);
    let (status, answer) = exchange(&mut world, &event.read, "&scope=item_download");
    assert_eq!(status, 200, "{answer}");
    let token = Secret::new(answer["access_token"].as_str().expect("a token"));
    assert_eq!(
        world.call("GET /2.0/files/42/content", Some(&token)).status,
        302
    );
    assert_eq!(
        world
            .call("GET /2.0/files/42/metadata", Some(&token))
            .status,
        403
    );
}

#[test]
fn the_number_of_granted_tokens_is_bounded() {
    let mut world = World::new();
    let first = world.user();
    for _ in 0..10_000 {
        world.user();
    }
    assert!(world.state.grant(&first).is_none());
    let last = world.user();
    assert!(world.state.grant(&last).is_some());
}
