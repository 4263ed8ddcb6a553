//! Starts a program with the variables that point it at the mock.

use std::{path::Path, sync::Arc, time::Duration};

use super::program_files::{ProgramFiles, changed};
use crate::{
    cli::skill_url::SkillUrl,
    commands::{
        interrupts::Interrupts,
        program::Program,
        skill::{self, RunningSkill, SkillLaunch, SkillLog},
    },
    domain::cassette::deck::Deck,
    env::Environment,
    exit::{self, Failure, Outcome, Problem},
    render::text::Line,
    server::mock::MockBox,
    skill::{
        process::{OutputMode, SkillCommand, SkillProcess},
        runtimes::{run_folder::RunFiles, variables::interception},
    },
    terminal::Terminal,
};

/// What is needed to start a program that uses the mock.
pub(super) struct Launch<'a> {
    pub(super) mock: &'a MockBox,
    /// The files by which a program reaches and trusts the mock.
    pub(super) files: RunFiles,
    /// The most events in progress at once.
    pub(super) concurrency: usize,
    /// The file that gets the skill's output.
    pub(super) skill_log: Option<Arc<SkillLog>>,
    /// What answers and records calls to providers.
    pub(super) deck: Option<Arc<Deck>>,
    /// How long a function may take to answer.
    pub(super) handler_timeout: Duration,
    pub(super) environment: &'a Environment,
    pub(super) terminal: &'a Terminal,
}

impl Launch<'_> {
    /// Starts a skill, whose output is printed at once.
    pub(super) async fn skill(
        &self,
        program: &Program,
        url: Option<SkillUrl>,
    ) -> Result<RunningSkill, Failure> {
        skill::start(SkillLaunch {
            program,
            url,
            mock_url: Some(&self.mock.url()),
            trust: Some(&self.files),
            concurrency: self.concurrency,
            handler_timeout: self.handler_timeout,
            prints_output: true,
            log: self.skill_log.clone(),
            environment: self.environment,
            terminal: self.terminal,
        })
        .await
    }
}

/// Runs a program until it ends or the user ends it; with `files`, again after each change. The output
/// of a command goes where that of skillctl goes.
pub(super) async fn run_program(
    program: &Program,
    launch: &Launch<'_>,
    interrupts: &Interrupts,
    mut files: Option<ProgramFiles>,
) -> Outcome {
    loop {
        if let Some(files) = &mut files {
            files.start();
        }
        let change = changed(&mut files, launch.terminal);
        let outcome = match run_to_the_end(program, launch, interrupts, change).await {
            Ended::ByUser => return Ok(()),
            Ended::ByChange(change) => {
                say_again(&change, launch.terminal);
                continue;
            }
            Ended::Exited(outcome) => outcome,
        };
        if files.is_none() {
            return outcome;
        }
        match exit::problem(&outcome) {
            Some(problem) => launch.terminal.problem(problem),
            None => launch.terminal.note_line(Line::from("the command ended")),
        }
        launch.terminal.note_line(Line::from("waiting for changes"));
        tokio::select! {
            change = changed(&mut files, launch.terminal) => say_again(&change, launch.terminal),
            () = interrupts.stopped() => return Ok(()),
        }
    }
}

/// Prints why the program is started again.
pub(super) fn say_again(change: &str, terminal: &Terminal) {
    terminal.note_line(Line::from(format!("{change}; starting again")));
}

/// How a program ended.
enum Ended {
    ByUser,
    ByChange(String),
    Exited(Outcome),
}

/// Starts a program, and stops it at a signal or a change.
async fn run_to_the_end(
    program: &Program,
    launch: &Launch<'_>,
    interrupts: &Interrupts,
    change: impl Future<Output = String>,
) -> Ended {
    match program {
        Program::Handler(_) => run_function(program, launch, interrupts, change).await,
        Program::Command(words, folder) => match spawn(words, folder.as_deref(), launch) {
            Ok(process) => run_command(process, interrupts, change).await,
            Err(failure) => Ended::Exited(Err(failure)),
        },
    }
}

async fn run_function(
    program: &Program,
    launch: &Launch<'_>,
    interrupts: &Interrupts,
    change: impl Future<Output = String>,
) -> Ended {
    let skill = tokio::select! {
        skill = launch.skill(program, None) => match skill {
            Ok(skill) => skill,
            Err(failure) => return Ended::Exited(Err(failure)),
        },
        () = interrupts.stopped() => return Ended::ByUser,
    };
    let ended = tokio::select! {
        change = change => Ended::ByChange(change),
        () = interrupts.stopped() => Ended::ByUser,
    };
    skill.stop().await;
    ended
}

fn spawn(
    words: &[String],
    folder: Option<&Path>,
    launch: &Launch<'_>,
) -> Result<SkillProcess, Failure> {
    SkillProcess::spawn(&SkillCommand {
        words: words.to_vec(),
        folder: folder.map(Path::to_owned),
        variables: interception(&launch.mock.url(), &launch.files, launch.environment),
        output: OutputMode::Inherited,
    })
    .map_err(|error| Problem::new(error.to_string()).outside())
}

async fn run_command(
    process: SkillProcess,
    interrupts: &Interrupts,
    change: impl Future<Output = String>,
) -> Ended {
    const STOP_TIMEOUT: Duration = Duration::from_secs(5);
    let command = process.command().to_owned();
    let exit = tokio::select! {
        exit = process.exited() => exit,
        change = change => {
            process.stop(STOP_TIMEOUT).await;
            return Ended::ByChange(change);
        }
        () = interrupts.stopped() => {
            // At the second signal the process is dropped, which kills it.
            tokio::select! {
                _ = process.stop(STOP_TIMEOUT) => {}
                () = interrupts.ended() => {}
            }
            return Ended::ByUser;
        }
    };
    if exit.is_success() {
        return Ended::Exited(Ok(()));
    }
    let message = format!("the command `{command}` ended with {exit}");
    Ended::Exited(Err(Problem::new(message).outside()))
}
