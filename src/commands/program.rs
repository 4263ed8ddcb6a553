//! The program of `-- COMMAND`, `--handler` or `--sample-skill`.

use std::path::{Path, PathBuf};

use crate::{
    exit::{Failure, Problem},
    skill::runtimes::handler::Handler,
};

/// A program to start.
pub(super) enum Program {
    /// A command, and the folder to run it in if that is not the current one.
    Command(Vec<String>, Option<PathBuf>),
    /// A Lambda function.
    Handler(Handler),
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
            return sample_skill_command().map(|words| Some(Self::Command(words, None)));
        }
        let folder = folder.map(Path::to_owned);
        Ok((!command.is_empty()).then(|| Self::Command(command.to_vec(), folder)))
    }
}

/// The command line of the built-in skill.
fn sample_skill_command() -> Result<Vec<String>, Failure> {
    let program = std::env::current_exe().map_err(|error| {
        Problem::new(format!(
            "cannot find the path of skillctl to start the sample skill: {error}"
        ))
        .outside()
    })?;
    let program = program.to_string_lossy().into_owned();
    Ok(vec![program, "sample-skill".to_owned()])
}
