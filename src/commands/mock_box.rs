//! `skillctl mock-box`: a mock that stands alone until it is ended.

use std::{fs, path::Path, sync::Arc, time::Duration};

use serde_json::{Value, json};

use super::{
    fixtures,
    mock::{self, RunningMock, Start},
};
use crate::{
    cli::{
        OutputFormat,
        mock_box::{MockBoxArgs, SchemaLevel, Tokens},
    },
    domain::{card::validate::Schema, event::wire, secret::Secret},
    env::Environment,
    exit::{Failure, Outcome, Problem},
    host::Host,
    mock_box::{
        content::Content,
        faults::Faults,
        registration::Registering,
        state::{Settings, TokenMode},
    },
    render::{
        calls,
        text::{Line, Role},
    },
    replay::Case,
    server::egress::Egress,
    supervise::{
        process::{Destination, Skill, SkillCommand},
        run_folder::TrustFiles,
        variables::interception,
    },
    terminal::Terminal,
};

/// Runs the command.
pub(super) fn run(
    arguments: &MockBoxArgs,
    environment: &Environment,
    terminal: &Terminal,
) -> Outcome {
    let cases = match arguments.fixtures.as_slice() {
        [] => Vec::new(),
        paths => fixtures::read(paths, terminal)?,
    };
    let settings = settings(arguments, environment)?;
    let admin_token = secret_of(
        arguments.admin_token_env.as_deref(),
        "--admin-token-env",
        environment,
    )?;
    if !arguments.listen.ip().is_loopback() && admin_token.is_none() {
        return Err(Problem::new(format!(
            "{} is beyond loopback: anybody who reaches it could steer the mock",
            arguments.listen
        ))
        .help("name a variable that holds a token for its admin API with --admin-token-env")
        .usage());
    }
    let runtime = super::runtime()?;
    runtime.block_on(serve(
        arguments,
        settings,
        admin_token,
        &cases,
        environment,
        terminal,
    ))
}

/// The secret in the variable that an option names.
fn secret_of(
    name: Option<&str>,
    option: &str,
    environment: &Environment,
) -> Result<Option<Secret>, Failure> {
    let Some(name) = name else {
        return Ok(None);
    };
    let value = environment.var(name).ok_or_else(|| {
        Problem::new(format!("the variable {name} of {option} is not set")).usage()
    })?;
    Ok(Some(Secret::new(value)))
}

fn settings(arguments: &MockBoxArgs, environment: &Environment) -> Result<Settings, Failure> {
    let user_token = secret_of(
        arguments.user_token_env.as_deref(),
        "--user-token-env",
        environment,
    )?;
    Ok(Settings {
        tokens: match arguments.tokens {
            Tokens::Strict => TokenMode::Strict,
            Tokens::Any => TokenMode::Any,
        },
        schema: match arguments.schema {
            SchemaLevel::Box => Schema::Box,
            SchemaLevel::Documented => Schema::Documented,
        },
        user_token,
        ..Settings::default()
    })
}

fn faults(arguments: &MockBoxArgs) -> Result<Faults, Failure> {
    let rules = arguments.faults.iter().map(|text| text.parse());
    let rules: Result<Vec<_>, String> = rules.collect();
    let rules = rules.map_err(|reason| Problem::new(format!("--fault: {reason}")).usage())?;
    Ok(Faults::new(rules, arguments.seed))
}

async fn serve(
    arguments: &MockBoxArgs,
    settings: Settings,
    admin_token: Option<Secret>,
    cases: &[Case],
    environment: &Environment,
    terminal: &Terminal,
) -> Outcome {
    let egress = if arguments.no_egress {
        Egress::none()
    } else {
        Egress::of(environment)
    };
    let mock = mock::start(Start {
        listen: arguments.listen,
        settings,
        record: arguments.record.as_deref(),
        fsync: arguments.fsync,
        faults: faults(arguments)?,
        admin_token,
        egress,
        ca_dir: arguments.ca_dir.as_deref(),
    })?;
    if let Some(warning) = &mock.warning {
        terminal.warn(warning);
    }
    register(&mock.host, cases, arguments.events_dir.as_deref(), terminal)?;
    let folder = mock.trust_files(environment).await?;
    for warning in &folder.warnings {
        terminal.warn(warning);
    }
    if let Some(path) = &arguments.ready_file {
        let ready = json!({
            "url": mock.url(), "ca": folder.files().ca, "pid": std::process::id()
        });
        write(path, format!("{ready}\n").as_bytes())?;
    }
    terminal.note_line(
        Line::from("mock Box on ")
            .with(Role::Strong, mock.url())
            .plain(", ended by Ctrl-C"),
    );
    let told = tokio::spawn(tell(
        Arc::clone(&mock.host),
        arguments.format,
        terminal.clone(),
    ));
    let outcome = if arguments.command.is_empty() {
        ended().await;
        Ok(())
    } else {
        let url = mock.url();
        command(&arguments.command, &url, &folder.files(), environment).await
    };
    end(mock, told, terminal).await;
    outcome
}

/// Runs the command of the command line until it or the user ends it. Its output goes where ours
/// goes.
async fn command(
    words: &[String],
    url: &str,
    files: &TrustFiles,
    environment: &Environment,
) -> Outcome {
    const GRACE: Duration = Duration::from_secs(5);
    let started = Skill::start(&SkillCommand {
        words: words.to_vec(),
        variables: interception(url, files, environment),
        output: Destination::PassedOn,
    });
    let skill = started.map_err(|error| Problem::new(error.to_string()).outside())?;
    let death = tokio::select! {
        death = skill.died() => death,
        () = ended() => {
            skill.stop(GRACE).await;
            return Ok(());
        }
    };
    if death.is_success() {
        return Ok(());
    }
    let message = format!("the command `{}` ended with {death}", words.join(" "));
    Err(Problem::new(message).outside())
}

async fn end(mock: RunningMock, told: tokio::task::JoinHandle<()>, terminal: &Terminal) {
    let writes = mock.host.look(|state| state.next_seq() - 1);
    mock.stop().await;
    told.abort();
    terminal.note_line(Line::from(format!(
        "ended, with {writes} metadata writes recorded"
    )));
}

/// Registers fixtures as if Box had just sent them, and writes them down as they now stand.
fn register(
    host: &Host,
    cases: &[Case],
    events_dir: Option<&Path>,
    terminal: &Terminal,
) -> Result<(), Failure> {
    let mut events = Vec::with_capacity(cases.len());
    for case in cases {
        let content = case
            .content
            .as_deref()
            .map(|path| keep(host, path))
            .transpose()?;
        let how = Registering {
            lasting: true,
            content,
            ..Registering::default()
        };
        events.push((case.captured.event.clone(), how));
    }
    let registered = host.register(&events);
    for (number, (case, event)) in cases.iter().zip(&registered).enumerate() {
        let file = event
            .pointer("/source/id")
            .and_then(Value::as_str)
            .unwrap_or("?");
        terminal.note_line(
            Line::from("registered ")
                .with(Role::Strong, &case.name)
                .plain(format!(" as file {file}")),
        );
        if let Some(folder) = events_dir {
            fs::create_dir_all(folder).map_err(|error| {
                Problem::new(format!("cannot make {}: {error}", folder.display())).outside()
            })?;
            let path = folder.join(format!("{:03}-{file}.json", number + 1));
            write(&path, &wire::encode(event))?;
        }
    }
    Ok(())
}

/// Takes the content beside a fixture into the mock's own folder.
fn keep(host: &Host, path: &Path) -> Result<Content, Failure> {
    let failed = |error: std::io::Error| {
        Problem::new(format!("cannot read {}: {error}", path.display())).outside()
    };
    let bytes = fs::read(path).map_err(failed)?;
    let mut writer = host.spool.writer().map_err(failed)?;
    writer.write(&bytes).map_err(failed)?;
    Ok(Content::from(writer.finish().map_err(failed)?))
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    fs::write(path, bytes).map_err(|error| {
        Problem::new(format!("cannot write {}: {error}", path.display())).outside()
    })
}

/// Prints what happens, as it happens.
async fn tell(host: Arc<Host>, format: OutputFormat, terminal: Terminal) {
    const AT_ONCE: usize = 256;
    let mut bell = host.bus.bell();
    let mut seen = 0;
    loop {
        bell.mark_unchanged();
        let (notices, last) = host.bus.after(seen, AT_ONCE);
        for notice in &notices {
            match format {
                OutputFormat::Human => {
                    if let Some(line) = calls::line(notice) {
                        terminal.out_line(&line);
                    }
                }
                OutputFormat::Json => {
                    let object = format!("{{\"{}\":{}}}", notice.kind(), notice.data());
                    terminal.out_line(&Line::raw(object));
                }
            }
        }
        if last == seen && bell.changed().await.is_err() {
            return;
        }
        seen = last;
    }
}

/// Returns when the user or the system wants an end.
async fn ended() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminated) = signal(SignalKind::terminate()) else {
        // Without the signal there is still Ctrl-C.
        let _ = tokio::signal::ctrl_c().await;
        return;
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminated.recv() => {}
    }
}
