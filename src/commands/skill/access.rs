//! How a skill is reached: the options that concern its URL, checked before anything is started.

use std::{path::Path, sync::Arc};

use super::output::SkillLog;
use crate::{
    cli::skill_url::SkillUrl,
    client::Connections,
    commands::{certificates::trust, program::Program},
    env::Environment,
    exit::{Failure, Problem},
    terminal::Terminal,
};

/// The connections to a skill, which trust the certificates of `--skill-ca`.
///
/// # Errors
/// Exit code 2 for a file that holds no certificate, and for a URL that is not https.
pub(crate) fn connections(
    url: Option<&SkillUrl>,
    certificates: Option<&Path>,
    environment: &Environment,
    terminal: &Terminal,
) -> Result<Connections, Failure> {
    let connections = Connections::new(environment);
    let Some(file) = certificates else {
        return Ok(connections);
    };
    if !matches!(url, Some(SkillUrl::Url(url)) if url.scheme() == "https") {
        return Err(Problem::new(
            "--skill-ca is for a skill behind TLS, and --skill is not an https URL",
        )
        .help("try --skill https://localhost:8443/")
        .usage());
    }
    trust(connections, "--skill-ca", file, terminal)
}

/// The file of `--skill-log`.
///
/// # Errors
/// Exit code 2 without a program whose output could be logged, and for a file that cannot be written.
pub(crate) fn log(
    path: Option<&Path>,
    program: Option<&Program>,
) -> Result<Option<Arc<SkillLog>>, Failure> {
    match (path, program) {
        (None, _) => Ok(None),
        (Some(path), Some(_)) => Ok(Some(Arc::new(SkillLog::create(path)?))),
        (Some(_), None) => Err(
            Problem::new("--skill-log needs a skill that is started here")
                .help("start it with -- COMMAND or --handler")
                .usage(),
        ),
    }
}

/// The failure for a path in `--skill` without a program.
pub(crate) fn path_alone(path: &str) -> Failure {
    Problem::new(format!("--skill {path} is a path, and no skill is started"))
        .help("give the whole URL, or start the skill: -- COMMAND, or --handler")
        .usage()
}
