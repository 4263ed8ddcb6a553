//! Tokens, and calls that are refused for every caller.

use serde_json::json;

use super::world::{CARDS, World, any, card, header_of, json_of};
use crate::{
    domain::{call::NOT_PLAYED, secret::Secret, token::LIFETIME_SECONDS},
    mock_box::{Answer, AnswerBody, Handler, endpoints, http::request::tests::head},
};

fn is_401(answer: &Answer) -> bool {
    answer.status == 401
        && answer.body == AnswerBody::Empty
        && header_of(answer, "www-authenticate").is_some_and(|value| {
            value.contains("error=\"invalid_token\"")
                && value.ends_with("error_description=\"The access token provided is invalid.\"")
        })
}

fn is_scope_403(answer: &Answer) -> bool {
    answer.status == 403
        && answer.body == AnswerBody::Empty
        && header_of(answer, "www-authenticate")
            .is_some_and(|value| value.contains("error=\"insufficient_scope\""))
}

#[test]
fn no_token_an_unknown_one_an_expired_one_and_a_revoked_one_are_401_and_empty() {
    let mut world = World::new();
    let event = world.register("talk.txt");
    let line = "GET /2.0/files/42";
    assert!(is_401(&world.call(line, None)));
    assert!(is_401(&world.call(line, Some(&Secret::new("unknown")))));
    assert_eq!(world.call(line, Some(&event.read)).status, 200);

    let form = format!("token={}", event.write.expose());
    let head = head("POST /oauth2/revoke", None);
    let revoked = world.ask(head, form.as_bytes());
    assert_eq!(
        (revoked.status.as_u16(), revoked.body),
        (200, AnswerBody::Empty)
    );
    assert!(is_401(&world.call(line, Some(&event.write))));

    world.pass(LIFETIME_SECONDS - 1);
    assert_eq!(world.call(line, Some(&event.read)).status, 200);
    world.pass(1);
    assert!(is_401(&world.call(line, Some(&event.read))));
}

#[test]
fn a_token_in_the_query_is_accepted() {
    let mut world = World::new();
    let event = world.register("talk.txt");
    let line = format!(
        "GET /2.0/files/42/content?access_token={}",
        event.read.expose()
    );
    assert_eq!(world.call(&line, None).status, 302);
}

#[test]
fn each_token_permits_its_own_calls() {
    let mut world = World::new();
    let event = world.register("talk.txt");
    let (cards, list) = (
        format!("/2.0/files/42/{CARDS}"),
        "GET /2.0/files/42/metadata",
    );
    let create = json!({"cards": [card("a")]});
    assert_eq!(world.call(list, Some(&event.read)).status, 200);
    assert_eq!(world.call(list, Some(&event.write)).status, 200);
    let by_reader = world.send(&format!("POST {cards}"), &event.read, &create);
    assert!(is_scope_403(&by_reader));
    let by_writer = world.call("GET /2.0/files/42/content", Some(&event.write));
    assert!(is_scope_403(&by_writer));
    for line in [
        "POST /2.0/files/42/copy",
        "PUT /2.0/files/42",
        "DELETE /2.0/files/42",
        "POST /api/2.0/files/content",
        "GET /2.0/folders/0",
        "GET /2.0/users/me",
    ] {
        for token in [&event.read, &event.write] {
            assert!(is_scope_403(&world.call(line, Some(token))), "{line}");
        }
    }
    let version = head("POST /api/2.0/files/42/content", Some(&event.read));
    assert!(is_scope_403(&world.upload(version, None, b"x")));
    let version = head("POST /api/2.0/files/42/content", Some(&event.write));
    assert_eq!(world.upload(version, None, b"x").status, 201);
}

#[test]
fn a_token_permits_its_one_file() {
    let mut world = World::new();
    let first = world.register("a.txt");
    let second = world.register("b.txt");
    assert_ne!(first.file_id, second.file_id);
    let (info, cards) = (
        format!("GET /2.0/files/{}", second.file_id),
        format!("GET /2.0/files/{}/{CARDS}", second.file_id),
    );
    let refused = world.call(&info, Some(&first.read));
    assert_eq!(refused.status, 403);
    let code = "access_denied_insufficient_permissions";
    assert_eq!(json_of(&refused)["code"], code);
    assert_eq!(json_of(&refused)["type"], "error");
    let refused = world.call(&cards, Some(&first.read));
    assert_eq!(json_of(&refused)["code"], code);
    assert!(json_of(&refused).get("type").is_none());
    let body = json!({
        "status": "success", "metadata": {"cards": []}, "file": {"type": "file", "id": second.file_id}
    });
    let refused = world.send("PUT /2.0/skill_invocations/46", &first.write, &body);
    assert_eq!(refused.status, 403);
    assert!(world.records.is_empty());
}

#[test]
fn any_bearer_may_do_everything_if_tokens_are_not_checked() {
    let mut world = World::open();
    world.register("talk.txt");
    assert_eq!(
        world.call("GET /2.0/files/42/content", Some(&any())).status,
        302
    );
    assert_eq!(world.call("GET /2.0/users/me", Some(&any())).status, 200);
    assert!(is_401(&world.call("GET /2.0/users/me", None)));
}

#[test]
fn other_methods_and_malformed_ids_are_405() {
    let mut world = World::new();
    let event = world.register("talk.txt");
    for line in [
        "POST /2.0/files/42/metadata",
        "PATCH /2.0/files/42",
        "POST /2.0/skill_invocations/46",
        "GET /2.0/files/not-a-number",
        "GET /2.0/files/4x2/content",
        "GET /2.0/files/null",
    ] {
        let refused = world.call(line, Some(&event.read));
        assert_eq!(refused.status, 405, "{line}");
        assert_eq!(json_of(&refused)["code"], "method_not_allowed");
    }
    let refused = world.call(
        &format!("GET /2.0/files/undefined/{CARDS}"),
        Some(&event.read),
    );
    assert_eq!(refused.status, 405);
    assert!(json_of(&refused).get("type").is_none());
}

#[test]
fn an_unknown_path_is_404_and_the_log_names_the_closest_call() {
    let mut world = World::open();
    let missed = world.call("GET /2.0/file/42", Some(&any()));
    assert_eq!(missed.status, 404);
    let note = missed.note.expect("a note");
    assert!(note.contains("GET /2.0/files/"), "{note}");
}

#[test]
fn a_body_that_is_too_large_is_refused_by_its_head() {
    let mut world = World::open();
    world.register("talk.txt");
    for line in [
        format!("POST /2.0/files/42/{CARDS}"),
        "POST /api/2.0/files/content".to_owned(),
    ] {
        let refused = world.with_header(&line, &any(), "content-length", "100000000000000");
        assert_eq!(refused.status, 413, "{line}");
        assert_eq!(json_of(&refused)["type"], "error");
    }
}

#[test]
fn a_call_that_is_not_played_is_405_for_every_token_and_says_so() {
    let mut world = World::new();
    let event = world.register("talk.txt");
    for endpoint in endpoints() {
        let Handler::NotPlayed(what) = endpoint.handler else {
            continue;
        };
        let path = endpoint
            .path
            .replace("{file_id}", "42")
            .replace(['{', '}'], "");
        let line = &format!("{} /2.0/{path}", endpoint.method);
        for token in [None, Some(&event.read), Some(&Secret::new("unknown"))] {
            let answer = world.call(line, token);
            assert_eq!(answer.status, 405, "{line}");
            let error = json_of(&answer);
            assert_eq!(error["type"], "error");
            assert_eq!(error["code"], NOT_PLAYED);
            assert_eq!(
                error["message"],
                format!("Box has this call, the mock does not play it: {what}")
            );
        }
    }
    let other_method = world.call("PATCH /2.0/webhooks", Some(&event.read));
    assert_eq!(json_of(&other_method)["code"], "method_not_allowed");
}
