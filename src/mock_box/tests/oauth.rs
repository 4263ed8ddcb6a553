//! `/oauth2/token`.

use serde_json::json;

use super::world::{World, json_of};
use crate::mock_box::http::request::tests::head;

fn ask(world: &mut World, form: &str) -> (u16, serde_json::Value) {
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
fn grants_that_are_not_played_are_501_in_boxs_envelope() {
    let mut world = World::new();
    for grant in [
        "refresh_token",
        "urn:ietf:params:oauth:grant-type:jwt-bearer",
        "urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange",
    ] {
        let (status, answer) = ask(&mut world, &format!("grant_type={grant}&client_id=a"));
        assert_eq!((status, &answer["type"]), (501, &json!("error")), "{grant}");
    }
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
