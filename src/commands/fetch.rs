//! `skillctl fetch`: downloads the file of an event or a representation of it, or prints its download
//! URL. The work is in `client::download`.

use std::{
    io,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use serde_json::json;

use super::{box_access, box_failure, interrupts::Interrupts};
use crate::{
    cli::{
        OutputFormat,
        fetch::{FetchArgs, Form as FormName},
    },
    client::{
        BoxClient, RetryPause,
        access::{FileAccess, api_root},
        download::{
            DownloadError, Event, FileSelection, PartError,
            fetch::{FetchError, FetchEvent, FetchFailure, Fetched, Kept, Place, fetch},
            plan::{Destination, DestinationError, FetchPlan, Form},
        },
        download_url,
    },
    domain::{event::invocation::Invocation, token::TokenKind},
    env::{Environment, input::STDIN, wall_clock},
    exit::{Failure, Outcome, Problem},
    render::{
        json,
        text::{Line, Role},
        units,
    },
    terminal::{
        Terminal,
        progress::{Amount, Progress},
    },
};

/// Fetches the file, or prints its download URL.
pub(super) fn run(
    arguments: &FetchArgs,
    environment: &Environment,
    terminal: &Terminal,
) -> Outcome {
    let root = api_root(&arguments.at.location.root);
    let access = box_access::access(
        &arguments.access,
        &root,
        TokenKind::Read,
        environment,
        terminal,
    )?;
    if arguments.url {
        let version = arguments.version_id.as_deref();
        let url = download_url(&root, &access.file_id, version, &access.token);
        terminal.out_raw(format!("{url}\n").as_bytes());
        return Ok(());
    }
    let plan = plan(arguments, &access)?;
    let mut options = box_access::client_options(&arguments.at, environment, terminal)?;
    let name = plan.file_name.as_deref().unwrap_or(&access.file_id);
    let progress = Arc::new(terminal.progress(name, Amount::Bytes));
    options.backoff.on_retry = {
        let progress = Arc::clone(&progress);
        Arc::new(move |pause| progress.print_line(retry_line(pause)))
    };
    let client = BoxClient::new(root, access.token.clone(), options);
    let start = Instant::now();
    let on_event = |event: FetchEvent<'_>| show(event, &progress);
    // One thread for the network: the bytes are written and hashed on threads of their own, and
    // waking another one for each piece costs more than it gains.
    let result = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Problem::new(format!("cannot start the runtime: {error}")).outside())?
        .block_on(async {
            let interrupts = Interrupts::listen();
            let stdout = || terminal.out_stream();
            fetch(&client, &plan, stdout, &on_event, interrupts.stopped()).await
        });
    if let Err(failure) = &result {
        report_kept_part(failure, &progress);
    }
    // The options hold the progress too; it leaves the screen with the last of them.
    drop(client);
    drop(progress);
    match result {
        Ok(fetched) => print(&fetched, start.elapsed(), arguments.format, terminal),
        Err(failure) => return ended_early(&failure.error, &access),
    }
    Ok(())
}

fn plan(arguments: &FetchArgs, access: &FileAccess) -> Result<FetchPlan, Failure> {
    let output = arguments.output.as_deref();
    if output == Some(Path::new(STDIN)) && arguments.format == OutputFormat::Json {
        return Err(Problem::new("-o - and --format json both write to stdout").usage());
    }
    let form = arguments.form.map(|form| match form {
        FormName::Text => Form::Text,
        FormName::Jpg => Form::Jpg,
        FormName::Mp3 => Form::Mp3,
        FormName::Mp4 => Form::Mp4,
        FormName::Pdf => Form::Pdf,
    });
    let hint = form.map(Form::hint).or(arguments.hint.as_deref());
    Ok(FetchPlan {
        selection: FileSelection {
            file_id: access.file_id.clone(),
            version: arguments.version_id.clone(),
            representation: hint.map(|hint| hint.trim_matches(['[', ']']).to_owned()),
        },
        file_name: access.event.as_ref().and_then(Invocation::file_name),
        destination: Destination::resolve(output, arguments.force)
            .map_err(|error| unusable(&error))?,
        force: arguments.force,
    })
}

fn unusable(error: &DestinationError) -> Failure {
    match error {
        DestinationError::NoFolder(_) => Problem::new(error.to_string()).usage(),
        DestinationError::Exists(path) => exists(path, None),
    }
}

fn exists(path: &Path, part: Option<&Path>) -> Failure {
    let message = match part {
        None => format!("{} already exists", path.display()),
        Some(part) => format!(
            "{} was created in the meantime; the complete download is in {}",
            path.display(),
            part.display()
        ),
    };
    Problem::new(message)
        .help("replace it with --force, or choose another name with -o")
        .usage()
}

fn show(event: FetchEvent<'_>, progress: &Progress) {
    match event {
        FetchEvent::Opened(Place::Path(path)) => progress.rename(&path.display().to_string()),
        FetchEvent::Download(Event::Resumed(bytes)) => {
            progress.start_at(bytes);
            let bytes = units::bytes(bytes);
            let line = format!("resuming an earlier download after {bytes}");
            progress.print_line(Line::from(line));
        }
        FetchEvent::Download(Event::Total(total)) => progress.set_total(total),
        FetchEvent::Download(Event::Position(position)) => progress.set_position(position),
        FetchEvent::Download(Event::StartedOver) => {
            progress.start_at(0);
            progress.print_line(Line::from("starting over"));
        }
        FetchEvent::Opened(Place::Stdout) | FetchEvent::Download(Event::Finishing) => {}
    }
}

fn retry_line(pause: &RetryPause<'_>) -> Line {
    Line::new()
        .with(Role::Warn, pause.because.to_string())
        .with(
            Role::Dim,
            format!(
                "; attempt {} in {}",
                pause.next_attempt,
                units::span(pause.delay)
            ),
        )
}

fn report_kept_part(failure: &FetchFailure, progress: &Progress) {
    let interrupted = matches!(failure.error, FetchError::Interrupted);
    let prefix = if interrupted { "interrupted; " } else { "" };
    let line = match &failure.kept {
        Some(Kept { bytes, path }) => format!(
            "{prefix}{} are kept in {}; the same command resumes the download",
            units::bytes(*bytes),
            path.display()
        ),
        None if interrupted => "interrupted".to_owned(),
        None => return,
    };
    progress.print_line(Line::new().with(Role::Warn, line));
}

/// The outcome of a fetch that ended early. A closed output stream is not a failure.
fn ended_early(error: &FetchError, access: &FileAccess) -> Outcome {
    match error {
        FetchError::Closed => Ok(()),
        FetchError::Interrupted => Err(Failure::Interrupted),
        FetchError::Destination(error) => Err(unusable(error)),
        FetchError::Open { .. } => Err(Problem::new(error.to_string()).outside()),
        FetchError::Download(error) => Err(failed(error, access)),
    }
}

fn failed(error: &DownloadError, access: &FileAccess) -> Failure {
    let problem = Problem::new(format!("cannot download file {}: {error}", access.file_id));
    match error {
        DownloadError::Box(error) => return box_failure::explain(error, access, wall_clock()()),
        DownloadError::Part(PartError::Exists(path, part)) => return exists(path, Some(part)),
        DownloadError::Part(PartError::Busy(_)) => {
            problem.help("wait for the other download, or choose another destination with -o")
        }
        DownloadError::Part(PartError::Io { error, .. }) | DownloadError::Stream(error) => {
            match error.kind() {
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                    problem.help("free some space; the same command resumes the download")
                }
                io::ErrorKind::PermissionDenied | io::ErrorKind::NotFound => {
                    problem.help("choose another destination with -o")
                }
                _ => problem,
            }
        }
        DownloadError::WrongHash { .. } => problem.help(
            "the content was changed on the way, and was deleted here; try again, or check --box",
        ),
        DownloadError::Page => {
            problem.help("check --box; on a guest network, log in with a browser first")
        }
        DownloadError::Changed(_) => {
            problem.help("run it again; with -o FILE it starts over by itself")
        }
        DownloadError::Odd(_) | DownloadError::WrongLength { .. } => {
            problem.help("--retries N retries more often")
        }
    }
    .outside()
}

fn print(fetched: &Fetched, spent: Duration, format: OutputFormat, terminal: &Terminal) {
    let Fetched { done, place } = fetched;
    if format == OutputFormat::Json {
        let seconds = (spent.as_secs_f64() * 1000.0).round() / 1000.0;
        let result = json!({
            "path": place.to_string(),
            "bytes": done.bytes,
            "sha1": done.sha1,
            "verified": done.verified,
            "seconds": seconds,
        });
        terminal.out_raw(json::line(&result).as_bytes());
        return;
    }
    let verified = if done.verified {
        "verified"
    } else {
        "not verified: Box sent no hash"
    };
    let shown = match place {
        Place::Stdout => "to stdout".to_owned(),
        Place::Path(path) => path.display().to_string(),
    };
    let line = Line::new()
        .with(Role::Good, "downloaded ")
        .with(Role::Strong, shown)
        .plain(format!(
            ": {} in {}, SHA-1 {} ",
            units::bytes(done.bytes),
            units::span(spent),
            done.sha1
        ))
        .with(Role::Dim, format!("({verified})"));
    match place {
        Place::Stdout => terminal.note_line(line),
        Place::Path(_) => terminal.out_line(&line),
    }
}
