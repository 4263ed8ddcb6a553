//! The program of `-- COMMAND`, `--handler` or `--sample-skill`, and the command line that starts it.

use std::path::Path;

use crate::{
    exit::{Failure, Problem},
    skill::runtimes::handler::Handler,
};

/// A program to start.
pub(super) enum Program {
    /// A command.
    Command(Vec<String>),
    /// A Lambda function, run by an adapter.
    Handler(Handler),
    /// The built-in skill.
    SampleSkill,
}

impl Program {
    /// The program of `--handler`, `--sample-skill` or `-- COMMAND`; `None` without any.
    pub(super) fn from_options(
        handler: Option<&str>,
        sample_skill: bool,
        command: &[String],
    ) -> Result<Option<Self>, Failure> {
        if let Some(text) = handler {
            let handler = Handler::parse(text)
                .map_err(|reason| Problem::new(format!("--handler {text}: {reason}")).usage())?;
            return Ok(Some(Self::Handler(handler)));
        }
        if sample_skill {
            return Ok(Some(Self::SampleSkill));
        }
        Ok((!command.is_empty()).then(|| Self::Command(command.to_vec())))
    }

    /// The command line that starts it. The adapter of a handler is written to `folder`.
    pub(super) fn command_line(&self, folder: &Path) -> Result<Vec<String>, Failure> {
        match self {
            Self::Command(words) => Ok(words.clone()),
            Self::Handler(handler) => handler.prepare(folder).map_err(|error| {
                Problem::new(format!("cannot write the adapter for {handler}: {error}")).outside()
            }),
            Self::SampleSkill => {
                let program = std::env::current_exe().map_err(|error| {
                    Problem::new(format!(
                        "cannot find the path of skillctl to start the sample skill: {error}"
                    ))
                    .outside()
                })?;
                let program = program.to_string_lossy().into_owned();
                Ok(vec![program, "sample-skill".to_owned()])
            }
        }
    }
}
