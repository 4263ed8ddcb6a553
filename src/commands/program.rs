//! The program of `-- COMMAND`, `--handler` or `--sample-skill`, and the command line that starts it.

use std::path::{Path, PathBuf};

use crate::{
    exit::{Failure, Problem},
    skill::runtimes::handler::Handler,
};

/// A program to start.
pub(super) enum Program {
    /// A command, and the folder to run it in if that is not the current one.
    Command(Vec<String>, Option<PathBuf>),
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
        folder: Option<&Path>,
    ) -> Result<Option<Self>, Failure> {
        if let Some(text) = handler {
            let handler = Handler::parse(text)
                .map_err(|reason| Problem::new(format!("--handler {text}: {reason}")).usage())?;
            return Ok(Some(Self::Handler(handler)));
        }
        if sample_skill {
            return Ok(Some(Self::SampleSkill));
        }
        let folder = folder.map(Path::to_owned);
        Ok((!command.is_empty()).then(|| Self::Command(command.to_vec(), folder)))
    }

    /// The folder to run it in, if that is not the current one.
    pub(super) fn folder(&self) -> Option<&Path> {
        match self {
            Self::Command(_, folder) => folder.as_deref(),
            Self::Handler(_) | Self::SampleSkill => None,
        }
    }

    /// The command line that starts it. The adapter of a handler is written to `folder`.
    pub(super) fn command_line(&self, folder: &Path) -> Result<Vec<String>, Failure> {
        match self {
            Self::Command(words, _) => Ok(words.clone()),
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
