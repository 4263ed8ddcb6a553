//! The runtimes of skills, and the program that `skillctl.toml` starts.

use super::{config::Config, finding::Finding};
use crate::env::{Environment, programs::find_program};

/// Programs that run skills, with what needs them.
const RUNTIMES: [(&str, &str); 5] = [
    ("node", "skills for Node and `--handler node:…`"),
    ("python3", "skills for Python and `--handler python:…`"),
    ("ruby", "skills for Ruby"),
    ("java", "skills for the JVM"),
    ("go", "skills for Go that are run from source"),
];

pub(super) fn runtimes(config: &Config, environment: &Environment) -> Vec<Finding> {
    let mut findings = Vec::new();
    let (found, missing): (Vec<_>, Vec<_>) = RUNTIMES
        .into_iter()
        .map(|(name, purpose)| (name, purpose, find_program(name, environment)))
        .partition(|(_, _, path)| path.is_some());
    for (name, _, path) in found {
        let path = path.unwrap_or_default();
        findings.push(Finding::ok(
            "runtime",
            format!("{name}: {}", path.display()),
        ));
    }
    for (name, purpose, _) in missing {
        findings.push(Finding::note(
            "runtime",
            format!("{name} is not on the PATH"),
            format!("install it to run {purpose}"),
        ));
    }
    if let Some(program) = &config.program
        && find_program(program, environment).is_none()
    {
        findings.push(Finding::problem(
            "program",
            format!("skillctl.toml starts {program}, which is not on the PATH"),
            format!("install {program}, or change `command` or `handler` in skillctl.toml"),
        ));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::{super::finding::State, *};

    #[test]
    fn a_missing_program_is_a_problem_only_where_the_configuration_needs_it() {
        let environment = Environment::from_variables([("PATH", "/no/such/folder")]);
        let without = runtimes(&Config::default(), &environment);
        assert!(without.iter().all(|finding| finding.state == State::Note));
        let config = Config {
            program: Some("node".to_owned()),
            ..Config::default()
        };
        let with = runtimes(&config, &environment);
        assert!(with.iter().any(|finding| finding.code == "program"));
    }
}
