//! `skillctl mock-box`: a mock that serves until a signal, or until the program that it was started
//! with ends.

mod cassette;
mod events;
mod files;
mod launch;
mod log;
mod plan;
mod program_files;
mod registration;

use std::{path::Path, sync::Arc, time::Duration};

use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};

use super::{changed_files, interrupts::Interrupts, mock};
use crate::{
    cli::{OutputFormat, mock_box::MockBoxArgs},
    env::Environment,
    exit::{self, Failure, Outcome, Problem},
    render::{
        calls,
        text::{Line, Role},
    },
    server::mock::MockOptions,
    skill::runtimes::run_folder::Reach,
    store::Store,
    terminal::Terminal,
};
use events::SkillWithEvents;
use launch::Launch;
use log::Log;
use plan::{Companion, MockBoxPlan};
use program_files::{ProgramFiles, changed};

/// The warning for a mock that listens beyond loopback.
const BEYOND_LOOPBACK: &str = "listening beyond loopback without TLS: everyone who reaches this \
    port can take tokens, read files, write cards, and (without --no-egress) reach other hosts \
    through this machine's network";

/// Runs the command.
pub(super) fn run(
    arguments: &MockBoxArgs,
    environment: &Environment,
    terminal: &Terminal,
) -> Outcome {
    let plan = MockBoxPlan::new(arguments, environment, terminal)?;
    if let Some(folder) = plan.files {
        events::check_folder(folder)?;
    }
    let runtime = super::runtime::runtime()?;
    let outcome = runtime.block_on(serve(plan, environment, terminal));
    // A reader of the log that has stopped reading must not delay the end.
    runtime.shutdown_timeout(Duration::from_millis(100));
    outcome
}

async fn serve(plan: MockBoxPlan<'_>, environment: &Environment, terminal: &Terminal) -> Outcome {
    // Before the mock listens: a client that sees it listen may send a signal.
    let interrupts = Interrupts::listen();
    catch_file_size_signal()?;
    let is_beyond_loopback = !plan.mock.listen.ip().is_loopback();
    let cassette = match &plan.cassette {
        Some(cassette) => Some(cassette.open(environment, terminal)?),
        None => None,
    };
    let deck = cassette.as_ref().map(|cassette| Arc::clone(&cassette.deck));
    let mock = mock::start(MockOptions {
        deck: deck.clone(),
        ..plan.mock
    })
    .await?;
    if let Some(cassette) = &cassette {
        // Before the fixtures are registered.
        cassette.follow_events(&mock);
    }
    if is_beyond_loopback {
        terminal.warn(BEYOND_LOOPBACK);
    }
    if let Some(warning) = mock.warning() {
        terminal.warn(warning);
    }
    registration::register(mock.store(), &plan.cases, plan.events_dir, terminal).await?;
    let reach = match &cassette {
        Some(cassette) => cassette.reach(),
        None if plan.no_egress => Reach::NoOther,
        None => Reach::Direct,
    };
    let folder = mock::trust_files(&mock, reach, environment).await?;
    for warning in &folder.warnings {
        terminal.warn(warning);
    }
    let cassette = cassette.map(|cassette| cassette.start(&mock, terminal));
    let log = Log::start(mock.store(), plan.log, terminal);
    let launch = Launch {
        mock: &mock,
        files: folder.files(),
        concurrency: plan.concurrency,
        skill_log: plan.skill_log,
        deck,
        handler_timeout: plan.handler_timeout,
        environment,
        terminal,
    };
    let watched = match plan.watch {
        Some(watch) => Some(ProgramFiles::new(changed_files::watch(
            watch.config,
            Vec::new(),
            watch.excluded,
        )?)),
        None => None,
    };
    let running = Running {
        files: plan.files,
        ready_file: plan.ready_file,
        launch: &launch,
        interrupts: &interrupts,
    };
    let outcome = running.run(plan.companion, watched).await;
    let store = Arc::clone(mock.store());
    mock.stop().await;
    log.end().await;
    let written = match cassette {
        Some(cassette) => cassette.end().await,
        None => Ok(()),
    };
    print_totals(&store, plan.log.format, terminal);
    outcome.and(written)
}

/// A write beyond the limit on file sizes should fail, and not end the process by SIGXFSZ.
fn catch_file_size_signal() -> Result<(), Failure> {
    let kind = SignalKind::from_raw(rustix::process::Signal::XFSZ.as_raw());
    // The handler stays installed when the stream of signals is dropped.
    signal(kind).map(drop).map_err(|error| {
        Problem::new(format!("cannot install a signal handler: {error}")).outside()
    })
}

/// A mock that serves.
struct Running<'a> {
    files: Option<&'a Path>,
    ready_file: Option<&'a Path>,
    launch: &'a Launch<'a>,
    interrupts: &'a Interrupts,
}

impl Running<'_> {
    /// Serves the folder, starts the program, and waits for the end.
    async fn run(&self, companion: Companion, watched: Option<ProgramFiles>) -> Outcome {
        let Launch { mock, terminal, .. } = self.launch;
        // Before the folder is served: a change from here on has its event.
        let reader = mock.store().subscribe();
        let _served = match self.files {
            None => None,
            Some(path) => tokio::select! {
                served = events::serve_folder(mock.store(), path, terminal) => Some(served?),
                () = self.interrupts.stopped() => return Ok(()),
            },
        };
        match companion {
            Companion::None => {
                self.ready()?;
                self.interrupts.stopped().await;
                Ok(())
            }
            Companion::Program(program) => {
                self.ready()?;
                launch::run_program(&program, self.launch, self.interrupts, watched).await
            }
            Companion::Skill(plan) => {
                let mut skill = tokio::select! {
                    skill = SkillWithEvents::start(*plan, reader, self.launch) => skill?,
                    () = self.interrupts.stopped() => return Ok(()),
                };
                let outcome = match self.ready() {
                    Ok(()) => self.until_the_end_of(&mut skill, watched).await,
                    Err(failure) => Err(failure),
                };
                skill.stop(terminal).await;
                outcome
            }
        }
    }

    /// Reports that the mock is ready.
    fn ready(&self) -> Result<(), Failure> {
        let Launch {
            mock,
            files,
            terminal,
            ..
        } = self.launch;
        let url = mock.url();
        if let Some(path) = self.ready_file {
            let ready = json!({ "url": url, "ca": files.ca(), "pid": std::process::id() });
            files::write_whole(path, format!("{ready}\n").as_bytes())?;
        }
        terminal.note_line(
            Line::from("mock Box on ")
                .with(Role::Strong, &url)
                .plain("; Ctrl-C ends it"),
        );
        let page = format!("{url}/_mock/");
        terminal.note_line(Line::from("inspector: ").with(Role::Accent, page));
        Ok(())
    }

    /// Waits until the skill ends, or for a signal. With `watched`, starts it again after each change.
    async fn until_the_end_of(
        &self,
        events: &mut SkillWithEvents,
        mut watched: Option<ProgramFiles>,
    ) -> Outcome {
        let terminal = self.launch.terminal;
        if let Some(watched) = &mut watched {
            watched.start();
        }
        loop {
            let failed = async {
                match &events.skill {
                    Some(skill) => skill.failed().await,
                    None => std::future::pending().await,
                }
            };
            let ended = tokio::select! {
                ended = failed => ended,
                change = changed(&mut watched, terminal) => {
                    launch::say_again(&change, terminal);
                    self.restart(events, &mut watched).await;
                    continue;
                }
                () = self.interrupts.stopped() => return Ok(()),
            };
            if watched.is_none() {
                return ended.map_or(Ok(()), |problem| Err(problem.outside()));
            }
            events.skill = None;
            match ended {
                Some(problem) => terminal.problem(&problem),
                None => terminal.note_line(Line::from("the skill ended")),
            }
            terminal.note_line(Line::from("waiting for changes"));
        }
    }

    /// Starts the skill again, and once more if a file changes before it listens.
    async fn restart(&self, events: &mut SkillWithEvents, watched: &mut Option<ProgramFiles>) {
        let terminal = self.launch.terminal;
        loop {
            if let Some(watched) = watched {
                watched.start();
            }
            let started = tokio::select! {
                started = events.restart(self.launch) => started,
                change = changed(watched, terminal) => {
                    launch::say_again(&change, terminal);
                    continue;
                }
                () = self.interrupts.stopped() => return,
            };
            if let Some(problem) = exit::problem(&started) {
                terminal.problem(problem);
                terminal.note_line(Line::from("waiting for changes"));
            }
            return;
        }
    }
}

/// Prints the totals of a mock that has ended.
fn print_totals(store: &Store, format: OutputFormat, terminal: &Terminal) {
    let totals = store.call_totals();
    let writes = store.writes();
    match format {
        OutputFormat::Human => terminal.note_line(calls::totals(&totals, writes)),
        OutputFormat::Json => {
            let mut summary = json!(totals);
            summary["writes"] = writes.into();
            let object = json!({ "summary": summary });
            terminal.out_line(&Line::raw(object.to_string()));
        }
    }
}
