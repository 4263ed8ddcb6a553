//! Files and folders: `skillctl.toml`, the folder for temporary files, run folders that were left
//! behind, the home folder.

use std::path::Path;

use super::{config::Config, finding::Finding};
use crate::{
    env::{
        Environment,
        folder::{abandoned_folders, temporary_folder},
    },
    skill::runtimes::own::RUN_PREFIX,
};

/// What is known of `skillctl.toml`.
pub(super) fn config(config: &Config) -> Vec<Finding> {
    const CODE: &str = "config";
    let mut findings: Vec<Finding> = config
        .left_out
        .iter()
        .map(|left_out| {
            let fix =
                "make the file and its folder yours, and writable by you alone (chown, chmod go-w)";
            Finding::problem(CODE, left_out.clone(), fix)
        })
        .collect();
    if let Some(reason) = &config.unreadable {
        findings.push(Finding::problem(
            CODE,
            reason.clone(),
            "correct the file; docs/configuration.md describes it",
        ));
    }
    match &config.used {
        Some(path) => findings.push(Finding::ok(CODE, format!("{} is used", path.display()))),
        None if findings.is_empty() => {
            findings.push(Finding::ok(CODE, "no skillctl.toml is used"));
        }
        None => {}
    }
    let settings = config.settings.iter();
    findings.extend(settings.map(|setting| Finding::ok("setting", setting.clone())));
    findings
}

/// The folders that skillctl writes to.
pub(super) fn folders(environment: &Environment) -> Vec<Finding> {
    let mut findings = vec![temporary()];
    findings.extend(left_behind());
    findings.push(home(environment));
    findings
}

/// Whether a file can be made where temporary files are.
fn temporary() -> Finding {
    const CODE: &str = "temporary-folder";
    let folder = temporary_folder();
    let shown = folder.display();
    match tempfile::tempfile_in(&folder) {
        Ok(_) => Finding::ok(CODE, format!("temporary files can be written to {shown}")),
        Err(error) => Finding::problem(
            CODE,
            format!("temporary files cannot be written to {shown}: {error}"),
            "make the folder writable, free some space, or set TMPDIR to another one",
        ),
    }
}

/// Run folders of processes that were killed.
fn left_behind() -> Option<Finding> {
    let left = abandoned_folders(RUN_PREFIX);
    let first = left.first()?;
    Some(Finding::problem(
        "run-folder",
        format!(
            "{} folder{} of runs that were killed {} left behind: {}{}",
            left.len(),
            if left.len() == 1 { "" } else { "s" },
            if left.len() == 1 { "is" } else { "are" },
            first.display(),
            if left.len() == 1 { "" } else { ", …" },
        ),
        "the next replay or mock-box removes them when it ends; a shell that uses their files needs \
         `skillctl env` again",
    ))
}

fn home(environment: &Environment) -> Finding {
    const CODE: &str = "home";
    match environment.var("HOME").map(Path::new) {
        Some(home) if home.is_dir() => {
            Finding::ok(CODE, format!("the home folder is {}", home.display()))
        }
        Some(home) => Finding::note(
            CODE,
            format!("the home folder {} does not exist", home.display()),
            "replay --last-failed needs HOME or XDG_STATE_HOME to remember what failed",
        ),
        None => Finding::note(
            CODE,
            "HOME is not set",
            "replay --last-failed needs HOME or XDG_STATE_HOME to remember what failed",
        ),
    }
}
