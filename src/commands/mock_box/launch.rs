//! Starts a program with the variables that point it at the mock.

use std::{path::Path, sync::Arc, time::Duration};

use crate::{
    cli::skill_url::SkillUrl,
    commands::{
        interrupts::Interrupts,
        program::Program,
        skill::{self, RunningSkill, SkillLaunch, SkillLog},
    },
    env::Environment,
    exit::{Failure, Outcome, Problem},
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

/// Runs a program until it ends or the user ends it. The output of a command goes where that of
/// skillctl goes.
pub(super) async fn run_program(
    program: &Program,
    launch: &Launch<'_>,
    interrupts: &Interrupts,
) -> Outcome {
    match program {
        Program::Handler(_) => {
            let skill = tokio::select! {
                skill = launch.skill(program, None) => skill?,
                () = interrupts.stopped() => return Ok(()),
            };
            interrupts.stopped().await;
            skill.stop().await;
            Ok(())
        }
        Program::Command(words, folder) => {
            run_command(words, folder.as_deref(), launch, interrupts).await
        }
    }
}

async fn run_command(
    words: &[String],
    folder: Option<&Path>,
    launch: &Launch<'_>,
    interrupts: &Interrupts,
) -> Outcome {
    const STOP_TIMEOUT: Duration = Duration::from_secs(5);
    let variables = interception(&launch.mock.url(), &launch.files, launch.environment);
    let command = words.join(" ");
    let process = SkillProcess::spawn(&SkillCommand {
        words: words.to_vec(),
        folder: folder.map(Path::to_owned),
        variables,
        output: OutputMode::Inherited,
    })
    .map_err(|error| Problem::new(error.to_string()).outside())?;
    let exit = tokio::select! {
        exit = process.exited() => exit,
        () = interrupts.stopped() => {
            // At the second signal the process is dropped, which kills it.
            tokio::select! {
                _ = process.stop(STOP_TIMEOUT) => {}
                () = interrupts.ended() => {}
            }
            return Ok(());
        }
    };
    if exit.is_success() {
        return Ok(());
    }
    let message = format!("the command `{command}` ended with {exit}");
    Err(Problem::new(message).outside())
}
