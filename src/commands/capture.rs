//! `skillctl capture`: starts the endpoint of `crate::capture`, and the skill behind it.

use std::{path::Path, sync::Arc};

use serde_json::{Value, json};

use super::{
    certificates::trust,
    interrupts::Interrupts,
    program::Program,
    runtime, secret_variables,
    skill::{self, SkillLaunch},
};
use crate::{
    capture::{Capture, Forward, Options, REPLY_TIMEOUT, Report},
    cli::{OutputFormat, capture::CaptureArgs},
    client::{self, access::api_root},
    env::{Environment, wall_clock},
    exit::{Outcome, Problem},
    render::{
        json::line,
        signatures::reasons,
        text::{Line, Role},
        units,
    },
    server::{
        certificate_authority::CertificateAuthority,
        listener::{Listener, serve},
        options::ListenerOptions,
        proxy::egress::Egress,
    },
    terminal::Terminal,
};

/// Captures until Ctrl-C, and then completes what is under way.
pub(super) fn run(
    arguments: &CaptureArgs,
    environment: &Environment,
    terminal: &Terminal,
) -> Outcome {
    let keys = secret_variables::signing_keys(
        arguments.primary_key_env.as_deref(),
        arguments.secondary_key_env.as_deref(),
        environment,
    )?;
    let mut options = client::Options::new(environment);
    if let Some(file) = &arguments.location.ca_cert {
        options.connections = trust(options.connections, "--ca-cert", file, terminal)?;
    }
    std::fs::create_dir_all(&arguments.into).map_err(|error| {
        let folder = arguments.into.display();
        Problem::new(format!("cannot make the folder {folder}: {error}")).outside()
    })?;
    let capture = Options {
        into: arguments.into.clone(),
        keep_secrets: arguments.keep_secrets,
        content: !arguments.no_content,
        keys,
        root: api_root(&arguments.location.root),
        client: options,
        forward: None,
        wait: arguments.wait,
        settle: arguments.settle,
        clock: wall_clock(),
    };
    runtime::runtime()?.block_on(serve_until_interrupted(
        capture,
        arguments,
        environment,
        terminal,
    ))
}

async fn serve_until_interrupted(
    mut options: Options,
    arguments: &CaptureArgs,
    environment: &Environment,
    terminal: &Terminal,
) -> Outcome {
    let interrupts = Interrupts::listen();
    let listener = Listener::bind(arguments.listen).map_err(|error| {
        Problem::new(format!("cannot listen on {}: {error}", arguments.listen))
            .help("choose another address with --listen; port 0 takes a free one")
            .outside()
    })?;
    let started = match arguments.command.as_slice() {
        [] => None,
        words => {
            let launch = SkillLaunch {
                program: &Program::Command(words.to_vec(), None),
                url: None,
                mock_url: None,
                trust: None,
                concurrency: 1,
                handler_timeout: REPLY_TIMEOUT,
                prints_output: terminal.is_verbose(),
                log: None,
                environment,
                terminal,
            };
            Some(skill::start(launch).await?)
        }
    };
    let url = started.as_ref().map(|skill| skill.url.clone());
    options.forward = url
        .or_else(|| arguments.forward.clone())
        .map(|url| Forward::new(options.client.connections.clone(), url));
    announce(&listener, &options, terminal);
    let authority = CertificateAuthority::in_memory((options.clock)())
        .map_err(|error| Problem::new(error.to_string()).outside())?;
    let printer = terminal.clone();
    let format = arguments.format;
    let capture = Arc::new(Capture::new(options, move |report| {
        print(&report, format, &printer);
    }));
    let limits = ListenerOptions::new(Arc::new(authority), Egress::no_proxy());
    let ended = async {
        match &started {
            Some(skill) => skill.failed().await,
            None => std::future::pending().await,
        }
    };
    let mut failure = None;
    serve(listener, Arc::clone(&capture), limits, async {
        tokio::select! {
            () = interrupts.stopped() => {}
            problem = ended => failure = problem,
        }
    })
    .await;
    tokio::select! {
        () = capture.finish() => {}
        () = interrupts.ended() => {}
    }
    if let Some(skill) = started {
        skill.stop().await;
    }
    failure.map_or(Ok(()), |problem| Err(problem.outside()))
}

fn announce(listener: &Listener, options: &Options, terminal: &Terminal) {
    terminal.note_line(Line::from(format!(
        "listening on http://{} (Ctrl-C ends it); cases go to {}",
        listener.local_addr(),
        options.into.display()
    )));
    terminal.note_line(Line::new().with(
        Role::Dim,
        "content and cards are the customer's data: look at them before you commit them",
    ));
    if options.keys.is_empty() {
        terminal.warn(
            "signatures are not verified; name the keys with --primary-key-env and \
             --secondary-key-env",
        );
    }
}

fn print(report: &Report, format: OutputFormat, terminal: &Terminal) {
    match format {
        OutputFormat::Human => terminal.out_line(&human(report)),
        OutputFormat::Json => terminal.out_raw(line(&object(report)).as_bytes()),
    }
}

fn human(report: &Report) -> Line {
    let good = |word: &str, case: &Path| {
        Line::new()
            .with(Role::Good, format!("{word:<9}"))
            .plain(case.display().to_string())
    };
    let bad = |word: &str, text: String| {
        Line::new()
            .with(Role::Bad, format!("{word:<9}"))
            .plain(text)
    };
    match report {
        Report::Saved { case, verified } => good("event", case).with(
            Role::Dim,
            match verified {
                Some(_) => "  signature verified",
                None => "  unverified",
            },
        ),
        Report::Repeated(case) => good("again", case).with(Role::Dim, "  the case exists"),
        Report::Refused(reason) => bad("refused", reason.clone()),
        Report::Forged(verdict) => bad("refused", reasons(verdict).join("; ")),
        Report::NotSaved(reason) => bad("failed", format!("the event was not saved: {reason}")),
        Report::Content(case, bytes) => {
            good("content", case).with(Role::Dim, format!("  {}", units::bytes(*bytes)))
        }
        Report::NoContent(case, reason) => bad(
            "failed",
            format!("{}: no content: {reason}", case.display()),
        ),
        Report::Cards(case, cards) => good("cards", case).with(Role::Dim, format!("  {cards}")),
        Report::NoCards(case, reason) => bad(
            "failed",
            format!("{}: no expected.json: {reason}", case.display()),
        ),
        Report::Answered(Ok(status)) => Line::new().plain(format!(
            "{:<9}the skill replied {}",
            "reply",
            status.as_u16()
        )),
        Report::Answered(Err(reason)) => {
            bad("failed", format!("the skill did not reply: {reason}"))
        }
        Report::Other(method, path, status) => Line::new().with(
            Role::Dim,
            format!("{:<9}{method} {path} {}", "request", status.as_u16()),
        ),
        Report::Connection(text) => Line::new().with(Role::Dim, format!("{:<9}{text}", "error")),
    }
}

fn object(report: &Report) -> Value {
    let case = |case: &Path| case.display().to_string();
    match report {
        Report::Saved {
            case: folder,
            verified,
        } => {
            json!({"kind": "event", "case": case(folder), "verified": verified.unwrap_or(false)})
        }
        Report::Repeated(folder) => json!({"kind": "again", "case": case(folder)}),
        Report::Refused(reason) => json!({"kind": "refused", "reason": reason}),
        Report::Forged(verdict) => {
            json!({"kind": "refused", "reason": reasons(verdict).join("; ")})
        }
        Report::NotSaved(reason) => json!({"kind": "not-saved", "reason": reason}),
        Report::Content(folder, bytes) => {
            json!({"kind": "content", "case": case(folder), "bytes": bytes})
        }
        Report::NoContent(folder, reason) => {
            json!({"kind": "no-content", "case": case(folder), "reason": reason})
        }
        Report::Cards(folder, cards) => {
            json!({"kind": "cards", "case": case(folder), "cards": cards})
        }
        Report::NoCards(folder, reason) => {
            json!({"kind": "no-cards", "case": case(folder), "reason": reason})
        }
        Report::Answered(Ok(status)) => json!({"kind": "reply", "status": status.as_u16()}),
        Report::Answered(Err(reason)) => {
            json!({"kind": "reply", "status": null, "reason": reason})
        }
        Report::Other(method, path, status) => json!({
            "kind": "request", "method": method.as_str(), "path": path, "status": status.as_u16(),
        }),
        Report::Connection(text) => json!({"kind": "connection", "reason": text}),
    }
}
