//! `skillctl cards write`: cards onto a file, by the metadata API or by skill_invocations.

use std::path::Path;

use serde_json::{Map, Value, json};

use super::{
    document::{cards, document, recognise},
    remote::{Remote, wait_for},
};
use crate::{
    cli::{
        OutputFormat,
        cards::{InvocationStatus, Via, WriteArgs, WriteMode},
    },
    client::BoxError,
    commands::input::STDIN,
    domain::{
        card::{
            build::{self, Filling},
            request::{Mode, Request},
            shape::{Recognised, Shape},
            validate::{Schema, count, validate},
        },
        event::invocation::Invocation,
        json::{document::Document, tree::Tape},
        metadata::instance::{SKILLS_SCOPE, SKILLS_TEMPLATE},
        secret::redact_url,
        token::TokenKind,
    },
    env::{Environment, wall_clock},
    exit::{Failure, Outcome, Problem},
    render::{
        diagnostic, json,
        text::{Line, Role, Text},
    },
    terminal::Terminal,
};

/// Findings of one kind that are drawn.
const MOST_OF_A_KIND: usize = 3;

/// Writes the cards, or prints the request that would.
pub(super) fn run(
    arguments: &WriteArgs,
    environment: &Environment,
    terminal: &Terminal,
) -> Outcome {
    fits_together(arguments)?;
    let document = document(&arguments.file, arguments.input.max_input, terminal)?;
    cards(&document, terminal.width)?;
    let recognised = recognise(&document, terminal.width)?;
    let mut value = Value::from(document.tree());
    let remote = Remote::new(
        &arguments.access,
        &arguments.at,
        TokenKind::Write,
        environment,
        terminal,
    )?;
    if !arguments.no_validate {
        fill(cards_in(&mut value, &recognised), arguments, &remote);
        check(&document, &value, terminal)?;
    }
    let cards = &*cards_in(&mut value, &recognised).to_vec();
    let request = request(arguments, &value, cards, &remote)?;
    if arguments.dry_run {
        print_request(&request, arguments, &remote, terminal);
        return Ok(());
    }
    let written = wait_for(send(arguments, &request, cards, &remote))?;
    report(arguments, cards.len(), &written, &remote, terminal);
    Ok(())
}

/// Options that contradict each other.
fn fits_together(arguments: &WriteArgs) -> Outcome {
    let is_stdin = |path: Option<&Path>| path == Some(Path::new(STDIN));
    let access = &arguments.access;
    let from_stdin = [
        Some(arguments.file.as_path()),
        access.event.as_deref(),
        access.token_file.as_deref(),
    ];
    let problem = match (arguments.via, arguments.mode, arguments.status) {
        _ if from_stdin
            .into_iter()
            .filter(|path| is_stdin(*path))
            .count()
            > 1 =>
        {
            "only one of cards, event and token can come from stdin"
        }
        (Via::Invocation, Some(_), _) => {
            "--mode is for --via metadata: an invocation replaces all cards"
        }
        (Via::Metadata, _, Some(_)) => {
            "--status is for --via invocation: the metadata API knows none"
        }
        _ => return Ok(()),
    };
    Err(Problem::new(problem).usage())
}

/// The cards of an input, to be edited.
fn cards_in<'a>(value: &'a mut Value, recognised: &Recognised<'_>) -> &'a mut [Value] {
    match value.pointer_mut(recognised.at.as_str()) {
        Some(card) if recognised.shape == Shape::Card => std::slice::from_mut(card),
        Some(Value::Array(cards)) => cards,
        _ => &mut [],
    }
}

/// Fills in what the cards leave out.
fn fill(cards: &mut [Value], arguments: &WriteArgs, remote: &Remote) {
    let event = remote.access.event.as_ref();
    let skill_id = event.and_then(Invocation::skill_id);
    let filling = Filling {
        skill_id: arguments.skill_id.clone().or(skill_id),
        invocation_id: arguments
            .invocation_id
            .clone()
            .or_else(|| event.map(Invocation::id)),
        created_at: Some(now()),
    };
    for card in cards {
        build::fill(card, &filling);
    }
}

/// The present to the second, as cards have it.
fn now() -> String {
    let now = wall_clock()();
    let whole = jiff::Timestamp::from_second(now.as_second()).unwrap_or(now);
    whole.to_string()
}

/// Shows what is wrong with the cards; an error ends the command before anything is sent.
fn check(document: &Document, filled: &Value, terminal: &Terminal) -> Outcome {
    let findings = validate(Tape::from_value(filled).tree(), Schema::Box);
    if findings.is_empty() {
        return Ok(());
    }
    let located = document.locate(&findings);
    let most = if terminal.is_verbose() {
        usize::MAX
    } else {
        MOST_OF_A_KIND
    };
    let text = diagnostic::findings(
        &document.name,
        &document.text,
        &located,
        terminal.width.saturating_sub(2),
        most,
    );
    let errors = count(&findings).0;
    if errors == 0 {
        terminal.note(&text);
        return Ok(());
    }
    let words = if errors == 1 { "an error" } else { "errors" };
    let problem = Problem::new(format!("the cards have {words}, and nothing was sent"))
        .excerpt(text)
        .help("--no-validate sends them as they are");
    terminal.problem(&problem);
    Err(Failure::Check)
}

fn request(
    arguments: &WriteArgs,
    filled: &Value,
    cards: &[Value],
    remote: &Remote,
) -> Result<Request, Failure> {
    if arguments.via == Via::Metadata {
        return Ok(Request::by_metadata(cards, mode(arguments)));
    }
    let given = filled
        .as_object()
        .filter(|members| members.contains_key("metadata"));
    let in_cards = || Some(cards.first()?.get("skill")?.get("id")?.as_str()?.to_owned());
    let event = remote.access.event.as_ref();
    let skill_id = arguments
        .skill_id
        .clone()
        .or_else(|| event.and_then(Invocation::skill_id))
        .or_else(in_cards)
        .ok_or_else(|| {
            Problem::new("--via invocation needs the skill's id")
                .help("name it with --skill-id, or the event with --event")
                .usage()
        })?;
    Ok(Request::by_invocation(
        cards,
        &skill_id,
        &remote.access.file_id,
        status(arguments, given),
        given,
    ))
}

fn mode(arguments: &WriteArgs) -> Mode {
    match arguments.mode.unwrap_or_default() {
        WriteMode::Upsert => Mode::Upsert,
        WriteMode::Create => Mode::Create,
        WriteMode::Replace => Mode::Replace,
        WriteMode::Append => Mode::Append,
    }
}

/// The status that is asked for, else that of the body that the cards came in, else success.
fn status<'a>(arguments: &WriteArgs, given: Option<&'a Map<String, Value>>) -> &'a str {
    match arguments.status {
        Some(InvocationStatus::Invoked) => "invoked",
        Some(InvocationStatus::Processing) => "processing",
        Some(InvocationStatus::Success) => "success",
        Some(InvocationStatus::TransientFailure) => "transient_failure",
        Some(InvocationStatus::PermanentFailure) => "permanent_failure",
        None => given
            .and_then(|given| given.get("status")?.as_str())
            .unwrap_or("success"),
    }
}

fn print_request(request: &Request, arguments: &WriteArgs, remote: &Remote, terminal: &Terminal) {
    let root = redact_url(&remote.root);
    let url = format!(
        "{}/{}",
        root.trim_end_matches('/'),
        request.path(&remote.access.file_id)
    );
    let token = format!("Bearer {}", remote.access.token.redacted());
    if arguments.format == OutputFormat::Json {
        let request = json!({"method": request.method(), "url": url, "headers": {
            "authorization": token, "content-type": request.content_type()},
            "body": request.body()});
        terminal.out_raw(json::line(&request).as_bytes());
        return;
    }
    let mut text = Text::new();
    text.push(
        Line::new()
            .with(Role::Strong, request.method())
            .plain(format!(" {url}")),
    );
    for (name, value) in [
        ("Authorization", token.as_str()),
        ("Content-Type", request.content_type()),
    ] {
        text.push(
            Line::new()
                .with(Role::Dim, format!("{name}: "))
                .plain(value),
        );
    }
    text.push(Line::new());
    terminal.out(&text);
    terminal.out_raw(json::pretty(request.body()).as_bytes());
    if arguments.via == Via::Metadata && mode(arguments) == Mode::Upsert {
        let line = "where the file has cards (409), they go out as a patch: add /cards";
        terminal.note_line(Line::new().with(Role::Dim, line));
    }
}

/// What became of the cards.
struct Written {
    /// In a word: created, replaced, appended.
    how: &'static str,
    /// The instance as it now stands; none where Box would not show it.
    instance: Option<Value>,
}

async fn send(
    arguments: &WriteArgs,
    request: &Request,
    cards: &[Value],
    remote: &Remote,
) -> Result<Written, Failure> {
    let file_id = &remote.access.file_id;
    let client = &remote.client;
    let patch = async |patch: &Value| {
        client
            .patch_metadata(file_id, SKILLS_SCOPE, SKILLS_TEMPLATE, patch)
            .await
    };
    let explain = |error: &BoxError| {
        let help = match (error.status().map(|it| it.as_u16()), mode(arguments)) {
            (Some(409), _) => "--mode upsert replaces them, --mode append adds to them",
            (Some(404), Mode::Replace | Mode::Append) => "--mode upsert makes them",
            _ => "",
        };
        remote.explain(error, help)
    };
    let (how, instance) = match request {
        Request::Create(fields) => {
            let created = client
                .create_metadata(file_id, SKILLS_SCOPE, SKILLS_TEMPLATE, fields)
                .await;
            match created {
                Ok(instance) => ("created", Ok(instance)),
                Err(error) if is_conflict(&error) => match mode(arguments) {
                    Mode::Upsert => ("replaced", patch(Request::overwrite(cards).body()).await),
                    _ => ("created", own_echo(error, fields, remote).await),
                },
                Err(error) => ("", Err(error)),
            }
        }
        Request::Patch(body) => {
            let how = match mode(arguments) {
                Mode::Append => "appended",
                _ => "replaced",
            };
            (how, patch(body).await)
        }
        Request::Invocation { skill_id, body } => {
            client
                .put_invocation(skill_id, body)
                .await
                .map_err(|error| explain(&error))?;
            // The answer is empty; what the file has now is asked for, and is no failure if the
            // token may not.
            let instance = remote.instance().await.ok();
            return Ok(Written {
                how: "replaced",
                instance,
            });
        }
    };
    let instance = instance.map_err(|error| explain(&error))?;
    Ok(Written {
        how,
        instance: Some(instance),
    })
}

fn is_conflict(error: &BoxError) -> bool {
    error.status().is_some_and(|status| status.as_u16() == 409)
}

/// A 409 after a try whose answer was lost may be the echo of that very try: then the file has
/// just these cards.
async fn own_echo(error: BoxError, fields: &Value, remote: &Remote) -> Result<Value, BoxError> {
    if error.tries > 1
        && let Ok(instance) = remote.instance().await
        && instance.get("cards") == fields.get("cards")
    {
        return Ok(instance);
    }
    Err(error)
}

fn report(
    arguments: &WriteArgs,
    cards: usize,
    written: &Written,
    remote: &Remote,
    terminal: &Terminal,
) {
    let file_id = &remote.access.file_id;
    let version = written.instance.as_ref().and_then(|it| it.get("$version"));
    let via = match arguments.via {
        Via::Metadata => "metadata",
        Via::Invocation => "invocation",
    };
    if arguments.format == OutputFormat::Json {
        let result = json!({"ok": true, "file_id": file_id, "via": via, "result": written.how,
            "cards": cards, "version": version,
            "id": written.instance.as_ref().and_then(|it| it.get("$id"))});
        terminal.out_raw(json::line(&result).as_bytes());
        return;
    }
    let counted = if cards == 1 {
        "1 card".to_owned()
    } else {
        format!("{cards} cards")
    };
    let mut line = Line::new()
        .with(Role::Good, written.how)
        .plain(format!(": {counted} on file {file_id}"));
    if let Some(version) = version {
        line.push(Role::Plain, format!(", version {version}"));
    }
    terminal.out_line(&line);
}
