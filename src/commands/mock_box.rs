//! `skillctl mock-box`: a mock that serves until a signal, or until the program that it was started
//! with ends.

mod events;
mod files;
mod launch;
mod log;
mod plan;
mod registration;

use std::{path::Path, sync::Arc, time::Duration};

use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};

use super::{interrupts::Interrupts, mock, skill::RunningSkill};
use crate::{
    cli::{OutputFormat, mock_box::MockBoxArgs},
    env::Environment,
    exit::{Failure, Outcome, Problem},
    render::{
        calls,
        text::{Line, Role},
    },
    store::Store,
    terminal::Terminal,
};
use events::SkillWithEvents;
use launch::Launch;
use log::Log;
use plan::{Companion, MockBoxPlan};

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
    let mock = mock::start(plan.mock).await?;
    if is_beyond_loopback {
        terminal.warn(BEYOND_LOOPBACK);
    }
    if let Some(warning) = mock.warning() {
        terminal.warn(warning);
    }
    registration::register(mock.store(), &plan.cases, plan.events_dir, terminal).await?;
    let folder = mock::trust_files(&mock, plan.no_egress, environment).await?;
    for warning in &folder.warnings {
        terminal.warn(warning);
    }
    let log = Log::start(mock.store(), plan.log, terminal);
    let launch = Launch {
        mock: &mock,
        files: folder.files(),
        concurrency: plan.concurrency,
        skill_log: plan.skill_log,
        handler_timeout: plan.handler_timeout,
        environment,
        terminal,
    };
    let running = Running {
        files: plan.files,
        ready_file: plan.ready_file,
        launch: &launch,
        interrupts: &interrupts,
    };
    let outcome = running.run(plan.companion).await;
    let store = Arc::clone(mock.store());
    mock.stop().await;
    log.end().await;
    print_totals(&store, plan.log.format, terminal);
    outcome
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
    async fn run(&self, companion: Companion) -> Outcome {
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
                launch::run_program(&program, self.launch, self.interrupts).await
            }
            Companion::Skill(plan) => {
                let skill = tokio::select! {
                    skill = SkillWithEvents::start(*plan, reader, self.launch) => skill?,
                    () = self.interrupts.stopped() => return Ok(()),
                };
                let outcome = match self.ready() {
                    Ok(()) => self.until_the_end_of(skill.skill.as_ref()).await,
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

    /// Waits until the skill ends, or for a signal.
    async fn until_the_end_of(&self, skill: Option<&RunningSkill>) -> Outcome {
        let Some(skill) = skill else {
            self.interrupts.stopped().await;
            return Ok(());
        };
        tokio::select! {
            failure = skill.failed() => match failure {
                None => Ok(()),
                Some(problem) => Err(problem.outside()),
            },
            () = self.interrupts.stopped() => Ok(()),
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
