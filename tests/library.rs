//! The work of the commands, called as a library does: without a command line, a process or a
//! terminal, and without a socket.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use skillctl::{
    client::{
        access::{FileAccess, FileSource, TokenSource},
        download::{
            FileSelection,
            plan::{Destination, FetchPlan, Form},
        },
    },
    domain::{
        card::{
            build,
            preview::sidebar,
            request::Mode,
            validate::{Schema, count, validate},
            write::{Via, WriteOptions, WritePlan, WriteTarget},
        },
        event::{
            delivery::{CapturedDelivery, GivenHeaders},
            signature::{Keys, sign, verify},
        },
        json::tree::Tape,
        secret::Secret,
        token::TokenKind,
    },
    env::Environment,
    render::{cards::markdown, signatures},
    replay::{Plan, plan::Selection},
};

fn fixture(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures/events")
        .join(path)
}

fn keyword_card() -> Value {
    build::keyword("Topics", &["Budget".to_owned()])
}

#[test]
fn cards_are_validated_and_rendered() {
    let input = json!({"cards": [keyword_card()]});
    let input = Tape::from_value(&input);
    let (errors, _) = count(&validate(input.tree(), Schema::Documented));
    assert!(errors > 0, "an unfinished card lacks members");
    let card = keyword_card();
    let card = Tape::from_value(&card);
    let page = markdown::render(&sidebar([card.tree()], None));
    assert!(page.contains("Budget"), "{page}");
}

#[test]
fn a_card_write_is_planned_for_the_file_of_an_event() {
    let environment = Environment::from_variables([("BOX_TOKEN", "a-token-0123456789")]);
    let event = FileSource::Event(fixture("upload-text"));
    let token = TokenSource::Variable("BOX_TOKEN".to_owned());
    let access = FileAccess::resolve(&event, Some(&token), TokenKind::Write, &environment)
        .expect("a file and a token");
    let options = WriteOptions {
        via: Via::Metadata(Mode::Append),
        skill_id: None,
        invocation_id: None,
        validate: true,
    };
    let target = WriteTarget {
        file_id: &access.file_id,
        event: access.event.as_ref(),
        created_at: "2026-11-21T10:00:00Z",
    };
    let input = json!([keyword_card()]);
    let input = Tape::from_value(&input);
    let plan = WritePlan::new(input.tree(), &options, target).expect("a plan");
    assert_eq!(plan.request.method(), "PUT");
    assert_eq!(plan.request.body()[0]["path"], "/cards/-");
    let skill = &plan.request.body()[0]["value"]["skill"]["id"];
    assert!(skill.is_string(), "filled in from the event: {skill}");
}

#[test]
fn a_fetch_is_planned_without_asking_box() {
    let folder = tempfile::tempdir().expect("a folder");
    let plan = FetchPlan {
        selection: FileSelection {
            file_id: "7".to_owned(),
            version: None,
            representation: Some(Form::Text.hint().to_owned()),
        },
        file_name: Some("talk.mp4".to_owned()),
        destination: Destination::resolve(Some(folder.path()), false).expect("a destination"),
        force: false,
    };
    assert_eq!(
        plan.destination,
        Destination::Folder(folder.path().to_owned())
    );
}

#[test]
fn a_signed_delivery_is_verified_and_the_verdict_rendered() {
    let (key, body, time) = (Secret::new("a key"), b"{}", "2026-03-02T09:15:01-08:00");
    let given = GivenHeaders {
        timestamp: Some(time.to_owned()),
        primary: Some(sign(&key, body, time)),
        secondary: None,
    };
    let delivery = CapturedDelivery::from_parts(body.to_vec(), None, given);
    let keys = Keys {
        primary: Some(key),
        secondary: None,
    };
    let verdict = verify(&delivery.body, &delivery.signed, &keys, None);
    assert!(verdict.holds());
    let shown = signatures::json(&verdict, &delivery.signed);
    assert_eq!(shown["matched"], json!(["primary"]));
}

#[test]
fn the_cases_of_a_replay_are_planned() {
    let selection = Selection::filtered(&["*upload*".to_owned()]).expect("a glob");
    let plan = Plan::read(&[fixture("")], selection).expect("cases");
    assert_eq!(plan.count, 4);
}
