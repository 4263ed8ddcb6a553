//! The head of the reports: how the run was started.

use std::{collections::BTreeMap, path::Path, time::Duration};

use super::plan::ReplayPlan;
use crate::{
    cli::replay::ReplayArgs,
    domain::{
        outcome::{
            Check,
            run_record::{RunRecord, SkillUsed},
        },
        secret_values::redact_arguments,
    },
    env::{Environment, wall_clock},
    replay::{Rounds, RunOptions},
};

/// The head of the reports of a run. Its time, mock and URL of the skill are known when it begins.
pub(super) fn run_record(
    arguments: &ReplayArgs,
    plan: &ReplayPlan<'_>,
    environment: &Environment,
) -> RunRecord {
    let redacted = |words: &[String]| redact_arguments(words.iter().map(String::as_str));
    let started = if !arguments.command.is_empty() {
        Some(redacted(&arguments.command).join(" "))
    } else if arguments.sample_skill {
        Some("--sample-skill".to_owned())
    } else {
        let handler = arguments.handler.as_ref();
        handler.map(|handler| format!("--handler {handler}"))
    };
    RunRecord {
        at: wall_clock()(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        command: command_line(environment),
        options: options(&plan.options, plan.output.update, plan.timeout),
        shard: arguments
            .shard
            .map(|shard| format!("{}/{}", shard.index, shard.count)),
        mock: None,
        skill: SkillUsed {
            url: String::new(),
            started,
            output: Vec::new(),
        },
    }
}

/// The words of the command line, secrets redacted, and the program without its folder.
fn command_line(environment: &Environment) -> Vec<String> {
    let mut words = redact_arguments(environment.command_line.iter().map(String::as_str));
    if let Some(program) = words.first_mut()
        && let Some(name) = Path::new(program.as_str()).file_name()
    {
        *program = name.to_string_lossy().into_owned();
    }
    words
}

/// The settings of a run by the names of their options. Times are always there, others where they
/// are not the default.
fn options(options: &RunOptions, update: bool, timeout: Duration) -> BTreeMap<String, String> {
    let time = |duration| humantime::format_duration(duration).to_string();
    let off: Vec<&str> = options
        .off
        .iter()
        .map(|check| Check::as_str(*check))
        .collect();
    let (repeat, duration) = match options.rounds {
        Rounds::Times(1) => (None, None),
        Rounds::Times(times) => (Some(times.to_string()), None),
        Rounds::For(duration) => (None, Some(time(duration))),
    };
    let flag = |is_set: bool| is_set.then(|| "on".to_owned());
    [
        ("timeout", Some(time(timeout))),
        ("wait", Some(time(options.wait))),
        ("settle", Some(time(options.settle))),
        ("give-up", Some(time(options.give_up))),
        ("concurrency", Some(options.concurrency.to_string())),
        ("repeat", repeat),
        ("duration", duration),
        ("rate", options.rate.map(|rate| rate.to_string())),
        (
            "retries",
            (options.retries > 0).then(|| options.retries.to_string()),
        ),
        ("no-check", (!off.is_empty()).then(|| off.join(","))),
        ("duplicate", flag(options.duplicate)),
        ("strict", flag(options.strict)),
        ("fail-fast", flag(options.fail_fast)),
        ("keep", flag(options.registration.keep)),
        ("same-file", flag(options.registration.same_file)),
        ("update", flag(update)),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some((name.to_owned(), value?)))
    .collect()
}
