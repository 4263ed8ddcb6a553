//! What a `PUT` changes in a file, and a copy.

use serde_json::json;

use super::world::{World, any, json_of};

#[test]
fn values_of_another_type_are_400_and_change_nothing() {
    let mut world = World::open();
    world.register("talk.txt");
    let before = json_of(&world.call("GET /2.0/files/42", Some(&any())));
    for (body, status) in [
        (json!({"lock": {"access": 1}}), 400),
        (json!({"lock": {"expires_at": "soon"}}), 400),
        (json!({"lock": {"expires_at": 7}}), 400),
        (json!({"lock": {"is_download_prevented": "yes"}}), 400),
        (json!({"shared_link": {"unshared_at": "soon"}}), 400),
        (json!({"shared_link": {"permissions": "all"}}), 400),
        (
            json!({"shared_link": {"permissions": {"can_download": "yes"}}}),
            400,
        ),
        (
            json!({"shared_link": {"permissions": {"can_preview": false}}}),
            400,
        ),
        (
            json!({"shared_link": {"permissions": {"can_fly": true}}}),
            405,
        ),
        (json!({"shared_link": {"vanity_name": 1}}), 400),
    ] {
        let refused = world.send("PUT /2.0/files/42", &any(), &body);
        assert_eq!(refused.status, status, "{body}");
    }
    assert_eq!(
        json_of(&world.call("GET /2.0/files/42", Some(&any()))),
        before
    );
    for (version, status) in [
        (json!(true), 400),
        (json!({"id": "43"}), 400),
        (json!("44"), 404),
        (json!(43), 201),
    ] {
        let name = format!("{version}.txt").replace(['"', '{', '}', ':'], "");
        let body = json!({"parent": {"id": "0"}, "name": name, "version": version});
        let answer = world.send("POST /2.0/files/42/copy", &any(), &body);
        assert_eq!(answer.status, status, "{body}");
    }
}
