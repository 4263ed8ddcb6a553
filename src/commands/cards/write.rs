//! `skillctl cards write`: writes cards to a file, with the metadata API or skill_invocations. The
//! rules are in `domain::card::write`, the calls in `client::cards`.

use std::path::Path;

use serde_json::json;

use super::{
    document,
    remote::{Remote, wait_for},
};
use crate::{
    cli::{
        OutputFormat,
        cards::{self as arguments, InvocationStatus, WriteArgs, WriteMode},
    },
    client::{
        BoxError,
        cards::{self, Written},
    },
    commands::wrong_input::wrong_limited_input,
    domain::{
        card::{
            request::{Mode, Request},
            validate::count,
            write::{Via, WriteError, WriteOptions, WritePlan, WriteTarget},
        },
        diagnostic::Diagnostic,
        json::document::Document,
        secret::redact_url,
        token::TokenKind,
    },
    env::{
        Environment,
        input::{self, STDIN},
        wall_clock,
    },
    exit::{Failure, Outcome, Problem},
    render::{
        diagnostic, json,
        text::{Line, Role, Text},
        units::counted,
    },
    terminal::Terminal,
};

/// The most findings with the same code that are printed without `-v`.
const MAX_PER_CODE: usize = 3;

/// Writes the cards, or prints the request that would write them.
pub(super) fn run(
    arguments: &WriteArgs,
    environment: &Environment,
    terminal: &Terminal,
) -> Outcome {
    let options = options(arguments)?;
    let width = terminal.width;
    let document = input::document(&arguments.file, arguments.input.max_input)
        .map_err(wrong_limited_input(width))?;
    document::list(&document, width)?;
    let (access, at) = (&arguments.access, &arguments.at);
    let remote = Remote::new(access, at, TokenKind::Write, environment, terminal)?;
    let target = WriteTarget {
        file_id: &remote.access.file_id,
        event: remote.access.event.as_ref(),
        created_at: &now(),
    };
    let plan = WritePlan::new(document.tree(), &options, target)
        .map_err(|error| not_planned(&document, error, terminal))?;
    if !plan.warnings.is_empty() {
        terminal.note(&excerpts(&document, &plan.warnings, terminal));
    }
    if arguments.dry_run {
        print_request(&plan, &remote, arguments.format, terminal);
        return Ok(());
    }
    let written = wait_for(async {
        cards::write(&remote.client, &plan)
            .await
            .map_err(|error| remote.explain(&error, advice(&error, plan.mode)))
    })?;
    print_written(&plan, &written, arguments.format, terminal);
    Ok(())
}

/// The options, checked for those that contradict each other.
fn options(arguments: &WriteArgs) -> Result<WriteOptions, Failure> {
    let from_stdin = [
        Some(arguments.file.as_path()),
        arguments.access.event.as_deref(),
        arguments.access.token_file.as_deref(),
    ];
    let wrong = |message: &str| Err(Problem::new(message).usage());
    if from_stdin
        .iter()
        .filter(|path| **path == Some(Path::new(STDIN)))
        .count()
        > 1
    {
        return wrong("only one of FILE, --event and --token-file can be - (standard input)");
    }
    let via = match (arguments.via, arguments.mode, arguments.status) {
        (arguments::Via::Invocation, Some(_), _) => {
            return wrong("--mode needs --via metadata: an invocation always replaces all cards");
        }
        (arguments::Via::Metadata, _, Some(_)) => {
            return wrong("--status needs --via invocation: the metadata API has no status");
        }
        (arguments::Via::Metadata, mode, None) => Via::Metadata(match mode.unwrap_or_default() {
            WriteMode::Upsert => Mode::Upsert,
            WriteMode::Create => Mode::Create,
            WriteMode::Replace => Mode::Replace,
            WriteMode::Append => Mode::Append,
        }),
        (arguments::Via::Invocation, None, status) => Via::Invocation {
            status: status.map(|status| status_name(status).to_owned()),
        },
    };
    Ok(WriteOptions {
        via,
        skill_id: arguments.skill_id.clone(),
        invocation_id: arguments.invocation_id.clone(),
        validate: !arguments.no_validate,
    })
}

fn status_name(status: InvocationStatus) -> &'static str {
    match status {
        InvocationStatus::Invoked => "invoked",
        InvocationStatus::Processing => "processing",
        InvocationStatus::Success => "success",
        InvocationStatus::TransientFailure => "transient_failure",
        InvocationStatus::PermanentFailure => "permanent_failure",
    }
}

/// The present time to the second, as cards have it.
fn now() -> String {
    let now = wall_clock()();
    let whole = jiff::Timestamp::from_second(now.as_second()).unwrap_or(now);
    whole.to_string()
}

/// Why nothing is sent. Cards that Box would refuse are shown here, with exit code 1.
fn not_planned(document: &Document, error: WriteError, terminal: &Terminal) -> Failure {
    match error {
        WriteError::Cards(error) => document::no_cards(document, error, terminal.width),
        WriteError::NoSkillId => Problem::new("--via invocation needs the id of the skill")
            .help("give it with --skill-id, or give the event with --event")
            .usage(),
        WriteError::Invalid(findings) => {
            let words = match count(&findings).0 {
                1 => "an error",
                _ => "errors",
            };
            let problem = Problem::new(format!("the cards have {words}; nothing was sent"))
                .excerpt(excerpts(document, &findings, terminal))
                .help("--no-validate sends them unchanged");
            terminal.problem(&problem);
            Failure::Check
        }
    }
}

fn excerpts(document: &Document, findings: &[Diagnostic], terminal: &Terminal) -> Text {
    let max_per_code = if terminal.is_verbose() {
        usize::MAX
    } else {
        MAX_PER_CODE
    };
    diagnostic::findings(
        &document.name,
        &document.text,
        &document.locate(findings),
        terminal.width.saturating_sub(2),
        max_per_code,
    )
}

/// The mode to use instead, if Box refused this one.
fn advice(error: &BoxError, mode: Mode) -> &'static str {
    match (error.status().map(|status| status.as_u16()), mode) {
        (Some(409), _) => "--mode upsert replaces them; --mode append adds to them",
        (Some(404), Mode::Replace | Mode::Append) => "--mode upsert creates them",
        _ => "",
    }
}

fn print_request(plan: &WritePlan, remote: &Remote, format: OutputFormat, terminal: &Terminal) {
    let request = &plan.request;
    let root = redact_url(&remote.root);
    let path = request.path(&plan.file_id);
    let url = format!("{}/{path}", root.trim_end_matches('/'));
    let token = format!("Bearer {}", remote.access.token.redacted());
    if format == OutputFormat::Json {
        let request = json!({"method": request.method(), "url": url, "headers": {
            "authorization": token, "content-type": request.content_type()},
            "body": request.body()});
        terminal.out_raw(json::line(&request).as_bytes());
        return;
    }
    let header = |name: &str, value: &str| {
        Line::new()
            .with(Role::Dim, format!("{name}: "))
            .plain(value)
    };
    terminal.out(&Text::from_iter([
        Line::new()
            .with(Role::Strong, request.method())
            .plain(format!(" {url}")),
        header("Authorization", &token),
        header("Content-Type", request.content_type()),
        Line::new(),
    ]));
    terminal.out_raw(json::pretty(request.body()).as_bytes());
    if plan.mode == Mode::Upsert {
        let line = "if the file has cards (409), a patch follows that replaces them: add /cards";
        terminal.note_line(Line::new().with(Role::Dim, line));
    }
}

fn print_written(plan: &WritePlan, written: &Written, format: OutputFormat, terminal: &Terminal) {
    let file_id = &plan.file_id;
    let effect = written.effect.as_str();
    let member = |name: &str| written.instance.as_ref().and_then(|it| it.get(name));
    if format == OutputFormat::Json {
        let via = match plan.request {
            Request::Create(_) | Request::Patch(_) => "metadata",
            Request::Invocation { .. } => "invocation",
        };
        let result = json!({"ok": true, "file_id": file_id, "via": via, "result": effect,
            "cards": plan.cards, "version": member("$version"), "id": member("$id")});
        terminal.out_raw(json::line(&result).as_bytes());
        return;
    }
    let cards = counted(plan.cards, "card", "cards");
    let mut line = Line::new()
        .with(Role::Good, effect)
        .plain(format!(": {cards} on file {file_id}"));
    if let Some(version) = member("$version") {
        line.push(Role::Plain, format!(", version {version}"));
    }
    terminal.out_line(&line);
}
