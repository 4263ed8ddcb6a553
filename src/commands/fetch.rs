//! `skillctl fetch`: the file of an event, whole and verified, under its name; or its download
//! URL; or the file in another form.

use std::{
    fs::OpenOptions,
    io::{self, Write},
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};

use super::{box_access, box_failure};
use crate::{
    cli::{
        OutputFormat,
        fetch::{FetchArgs, Form},
    },
    client::{
        BoxClient, BoxError, RetryPause,
        access::{FileAccess, api_root},
        download::{
            BoxSource, Done, Download, DownloadError, Event, FileSelection, PartError, PartialFile,
            Target,
        },
        download_url,
    },
    domain::{event::invocation::Invocation, file_name, token::TokenKind},
    env::{Clock, Environment, input::STDIN, wall_clock},
    exit::{Failure, Outcome, Problem},
    render::{
        json::line,
        text::{Line, Role},
        units,
    },
    terminal::{
        Terminal,
        progress::{Amount, Progress},
    },
};

/// Fetches.
pub(super) fn run(
    arguments: &FetchArgs,
    environment: &Environment,
    terminal: &Terminal,
) -> Outcome {
    let root = api_root(&arguments.at.root);
    let access = box_access::access(&arguments.access, TokenKind::Read, environment, terminal)?;
    if arguments.url {
        let version = arguments.version_id.as_deref();
        let url = download_url(&root, &access.file_id, version, &access.token);
        terminal.out_raw(format!("{url}\n").as_bytes());
        return Ok(());
    }
    let destination = Destination::of(arguments)?;
    let mut options = box_access::client_options(&arguments.at, environment, terminal)?;
    let known = access.event.as_ref().and_then(Invocation::file_name);
    let shown = known.as_deref().unwrap_or(&access.file_id);
    let progress = Arc::new(terminal.progress(shown, Amount::Bytes));
    options.backoff.on_retry = {
        let progress = Arc::clone(&progress);
        Arc::new(move |wait| progress.say(waiting(wait)))
    };
    let client = BoxClient::new(root, access.token.clone(), options);
    let job = Job {
        arguments,
        access: &access,
        client: &client,
        destination,
        progress: &progress,
        terminal,
        clock: wall_clock(),
    };
    let begun = Instant::now();
    // One thread for the network: the bytes are written and hashed on threads of their own, and
    // waking a further one for every piece costs more than it brings.
    let done = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Problem::new(format!("cannot start: {error}")).outside())?
        .block_on(job.run(known));
    // The options hold the progress too; it is taken off the screen with the last of them.
    drop(client);
    drop(progress);
    if let Some((done, place)) = done? {
        report(&done, &place, begun.elapsed(), arguments.format, terminal);
    }
    Ok(())
}

/// Where the bytes are to go.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Destination {
    /// The standard output.
    Stdout,
    /// Something that is no regular file: a pipe, `/dev/null`. It gets the bytes as they come.
    Special(PathBuf),
    /// A file.
    File(PathBuf),
    /// A folder, where the file gets its own name.
    Folder(PathBuf),
}

impl Destination {
    fn of(arguments: &FetchArgs) -> Result<Self, Failure> {
        let Some(path) = arguments.output.as_deref() else {
            return Ok(Self::Folder(PathBuf::new()));
        };
        if path == Path::new(STDIN) {
            if arguments.format == OutputFormat::Json {
                let message = "-o - and --format json both write to stdout";
                return Err(Problem::new(message).usage());
            }
            return Ok(Self::Stdout);
        }
        let about = path.metadata();
        let names_folder = path.as_os_str().to_string_lossy().ends_with('/');
        match about {
            Ok(about) if about.is_dir() => Ok(Self::Folder(path.to_owned())),
            _ if names_folder => {
                Err(Problem::new(format!("there is no folder {}", path.display())).usage())
            }
            Ok(about) if !about.is_file() => Ok(Self::Special(path.to_owned())),
            _ => {
                free(path, arguments.force)?;
                Ok(Self::File(path.to_owned()))
            }
        }
    }
}

/// Refuses to go on towards a file that is already there.
fn free(path: &Path, force: bool) -> Outcome {
    if !force && path.symlink_metadata().is_ok() {
        return Err(exists(path, None));
    }
    Ok(())
}

fn exists(path: &Path, part: Option<&Path>) -> Failure {
    let message = match part {
        None => format!("{} exists", path.display()),
        Some(part) => format!(
            "{} exists by now; the download is whole in {}",
            path.display(),
            part.display()
        ),
    };
    Problem::new(message)
        .help("--force replaces it, -o names another")
        .usage()
}

/// Everything that a download needs around it.
struct Job<'a> {
    arguments: &'a FetchArgs,
    access: &'a FileAccess,
    client: &'a BoxClient,
    destination: Destination,
    progress: &'a Progress,
    terminal: &'a Terminal,
    clock: Clock,
}

impl Job<'_> {
    /// Downloads; `None` where whoever read the bytes has had enough of them.
    async fn run(&self, known: Option<String>) -> Result<Option<(Done, String)>, Failure> {
        let interrupted = interrupted().map_err(|error| {
            Problem::new(format!("cannot listen for Ctrl-C: {error}")).outside()
        })?;
        tokio::pin!(interrupted);
        let source = BoxSource::new(self.client, self.wanted());
        let target = tokio::select! {
            target = self.target(&source, known) => target?,
            () = &mut interrupted => return Err(Failure::Interrupted),
        };
        let (target, place, part) = target;
        let on_event = |event| self.show(event);
        let mut download = Download::new(&source, self.client.backoff(), target, &on_event)
            .map_err(|error| self.failure(&error))?;
        let result = tokio::select! {
            result = download.run() => result.map_err(|error| self.failed(&error)),
            () = &mut interrupted => Err(Some(Failure::Interrupted)),
        };
        match result {
            Ok(done) => Ok(Some((done, place))),
            Err(failure) => {
                let kept = download.keep().await;
                self.say_what_is_kept(kept, part.as_deref(), failure.as_ref());
                failure.map_or(Ok(None), Err)
            }
        }
    }

    fn wanted(&self) -> FileSelection {
        let hint = match self.arguments.form {
            Some(form) => Some(hint_of(form).to_owned()),
            None => self.arguments.hint.clone(),
        };
        FileSelection {
            file_id: self.access.file_id.clone(),
            version: self.arguments.version_id.clone(),
            representation: hint.map(|hint| hint.trim_matches(['[', ']']).to_owned()),
        }
    }

    /// Opens what the bytes go to; asks Box for the file's name only where nobody else says it.
    async fn target(
        &self,
        source: &BoxSource<'_>,
        known: Option<String>,
    ) -> Result<(Target, String, Option<PathBuf>), Failure> {
        let path = match &self.destination {
            Destination::Stdout => {
                let stdout = self
                    .terminal
                    .out_stream()
                    .map_err(|error| cannot("stdout", &error))?;
                return Ok((Target::Stream(Box::new(stdout)), STDIN.to_owned(), None));
            }
            Destination::Special(path) => {
                let name = path.display().to_string();
                let file = OpenOptions::new().write(true).open(path);
                let stream: Box<dyn Write + Send> =
                    Box::new(file.map_err(|error| cannot(&name, &error))?);
                return Ok((Target::Stream(stream), name, None));
            }
            Destination::File(path) => path.clone(),
            Destination::Folder(folder) => {
                let name = match known {
                    Some(name) => Some(name),
                    None => source.name().await.map_err(|error| self.explain(&error))?,
                };
                let path = folder.join(self.file_name(name.as_deref()));
                free(&path, self.arguments.force)?;
                path
            }
        };
        let part = PartialFile::open(&path).map_err(|error| self.failure(&error.into()))?;
        let part_path = part.path().to_owned();
        let force = self.arguments.force;
        let shown = path.display().to_string();
        self.progress.rename(&shown);
        Ok((Target::File { part, force }, shown, Some(part_path)))
    }

    /// The name of the file here, by that which Box gives it.
    fn file_name(&self, given: Option<&str>) -> String {
        let otherwise = format!("file-{}", file_name::safe(&self.access.file_id, "unnamed"));
        let name = file_name::safe(given.unwrap_or_default(), &otherwise);
        match self.wanted().representation {
            Some(hint) => file_name::with_ending(&name, ending_of(&hint)),
            None => name,
        }
    }

    fn show(&self, event: Event) {
        match event {
            Event::Resumed(bytes) => {
                self.progress.start_at(bytes);
                let here = units::bytes(bytes);
                let line = format!("going on after the {here} of an earlier run");
                self.progress.say(Line::from(line));
            }
            Event::Total(total) => self.progress.total(total),
            Event::Position(position) => self.progress.position(position),
            Event::StartedOver => {
                self.progress.start_at(0);
                self.progress.say(Line::from("starting over"));
            }
            Event::Finishing => {}
        }
    }

    fn explain(&self, error: &BoxError) -> Failure {
        box_failure::explain(error, self.access, (self.clock)())
    }

    /// What a failed download ends the command with; `None` where it is no failure that whoever
    /// read has gone.
    fn failed(&self, error: &DownloadError) -> Option<Failure> {
        match error {
            DownloadError::Stream(error) if error.kind() == io::ErrorKind::BrokenPipe => None,
            other => Some(self.failure(other)),
        }
    }

    fn failure(&self, error: &DownloadError) -> Failure {
        let file = format!("file {}", self.access.file_id);
        let message = format!("{file} cannot be fetched: {error}");
        match error {
            DownloadError::Box(error) => return self.explain(error),
            DownloadError::Part(PartError::Exists(path, part)) => {
                return exists(path, Some(part));
            }
            DownloadError::Part(PartError::Busy(_)) => Problem::new(message)
                .help("let the other one finish, or name another destination with -o"),
            DownloadError::Part(PartError::Io { error, .. }) | DownloadError::Stream(error) => {
                let problem = Problem::new(message);
                match error.kind() {
                    io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                        problem.help("free some space; the same command goes on where this ended")
                    }
                    io::ErrorKind::PermissionDenied | io::ErrorKind::NotFound => {
                        problem.help("-o names another place")
                    }
                    _ => problem,
                }
            }
            DownloadError::WrongHash { .. } => Problem::new(message)
                .help("something on the way changes it; nothing was kept. Try again, or --box"),
            DownloadError::Page => Problem::new(message)
                .help("check --box; on a guest network, open a browser and log in to it first"),
            DownloadError::Changed(_) => {
                Problem::new(message).help("with -o FILE it would have started over by itself")
            }
            DownloadError::Odd(_) | DownloadError::WrongLength { .. } => {
                Problem::new(message).help("--retries N tries longer")
            }
        }
        .outside()
    }

    fn say_what_is_kept(&self, kept: Option<u64>, part: Option<&Path>, failure: Option<&Failure>) {
        let interrupted = matches!(failure, Some(Failure::Interrupted));
        let start = if interrupted { "interrupted; " } else { "" };
        let line = match (kept, part) {
            (Some(bytes), Some(part)) => format!(
                "{start}{} are kept in {}: the same command goes on from there",
                units::bytes(bytes),
                part.display()
            ),
            _ if interrupted => "interrupted".to_owned(),
            _ => return,
        };
        self.progress.say(Line::new().with(Role::Warn, line));
    }
}

/// Resolves when the user or the system asks the process to end.
fn interrupted() -> io::Result<impl Future<Output = ()>> {
    let mut ended = signal(SignalKind::terminate())?;
    let mut interrupted = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = ended.recv() => {}
            _ = interrupted.recv() => {}
        }
    })
}

fn cannot(what: &str, error: &io::Error) -> Failure {
    Problem::new(format!("cannot write to {what}: {error}")).outside()
}

fn waiting(wait: &RetryPause<'_>) -> Line {
    Line::new().with(Role::Warn, wait.because.to_string()).with(
        Role::Dim,
        format!("; try {} in {}", wait.next_attempt, units::span(wait.delay)),
    )
}

/// The hint (X-Rep-Hints) for a form; the picture in the largest size that Box makes of all
/// types.
fn hint_of(form: Form) -> &'static str {
    match form {
        Form::Text => "extracted_text",
        Form::Jpg => "jpg?dimensions=1024x1024",
        Form::Mp3 => "mp3",
        Form::Mp4 => "mp4",
        Form::Pdf => "pdf",
    }
}

/// The ending of a file that holds a representation.
fn ending_of(hint: &str) -> &str {
    match hint.split(['?', ']']).next().unwrap_or_default() {
        "extracted_text" => "txt",
        kind if !kind.is_empty() && kind.bytes().all(|byte| byte.is_ascii_alphanumeric()) => kind,
        _ => "bin",
    }
}

fn report(done: &Done, place: &str, spent: Duration, format: OutputFormat, terminal: &Terminal) {
    if format == OutputFormat::Json {
        let seconds = (spent.as_secs_f64() * 1000.0).round() / 1000.0;
        let told = json!({
            "path": place,
            "bytes": done.bytes,
            "sha1": done.sha1,
            "verified": done.verified,
            "seconds": seconds,
        });
        terminal.out_raw(line(&told).as_bytes());
        return;
    }
    let checked = if done.verified {
        "as Box says"
    } else {
        "Box did not say what to compare it with"
    };
    let line = Line::new()
        .with(Role::Good, "fetched ")
        .with(
            Role::Strong,
            if place == STDIN { "to stdout" } else { place },
        )
        .plain(format!(
            ": {} in {}, SHA-1 {} ",
            units::bytes(done.bytes),
            units::span(spent),
            done.sha1
        ))
        .with(Role::Dim, format!("({checked})"));
    if place == STDIN {
        terminal.note_line(line);
    } else {
        terminal.out_line(&line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endings_follow_the_hint() {
        assert_eq!(ending_of("extracted_text"), "txt");
        assert_eq!(ending_of("jpg?dimensions=1024x1024"), "jpg");
        assert_eq!(ending_of("../x"), "bin");
        assert_eq!(ending_of(""), "bin");
    }
}
