//! `skillctl doctor`: prints what `crate::doctor` finds.

use serde_json::json;

use crate::{
    cli::{Cli, Command, OutputFormat, doctor::DoctorArgs, taken::Layers},
    client::Connections,
    commands::runtime,
    doctor::{Config, Finding, State, examine},
    env::{Environment, config_file},
    exit::{Failure, Outcome},
    render::{
        json::pretty,
        text::{Line, Role, Text},
    },
    skill::runtimes::handler::Handler,
    terminal::Terminal,
};

/// Prints the findings; a problem makes the exit code 1.
pub(super) fn run(
    arguments: &DoctorArgs,
    layers: &Layers,
    environment: &Environment,
    terminal: &Terminal,
) -> Outcome {
    let connections = Connections::new(environment);
    let config = config(layers, environment);
    let findings = runtime::runtime()?.block_on(examine(
        &config,
        &arguments.mock.box_url,
        environment,
        connections,
    ));
    let problems = findings
        .iter()
        .filter(|finding| finding.state == State::Problem)
        .count();
    match arguments.format {
        OutputFormat::Human => terminal.out(&human(&findings, problems)),
        OutputFormat::Json => {
            let result = json!({
                "version": env!("CARGO_PKG_VERSION"),
                "ok": problems == 0,
                "findings": findings,
            });
            terminal.out_raw(pretty(&result).as_bytes());
        }
    }
    if problems > 0 {
        return Err(Failure::Check);
    }
    Ok(())
}

/// What `skillctl.toml` and variables say of a replay.
fn config(layers: &Layers, environment: &Environment) -> Config {
    let mut config = Config {
        used: layers.file.clone(),
        left_out: layers.left_out.clone(),
        unreadable: layers.unusable.clone(),
        ..Config::default()
    };
    let variable = |name: &str| environment.var(name).map(str::to_owned);
    // Nothing is replayed: this reads what a replay would take from the file.
    let words = ["skillctl", "replay"].map(Into::into);
    let replay = Cli::read(words, variable, config_file::find(environment));
    if let Ok(cli) = replay
        && let Command::Replay(arguments) = cli.command
    {
        let taken = cli.layers.taken.iter();
        config.settings = taken
            .map(|value| format!("replay {} is set by {}", value.name, value.place))
            .collect();
        config.program = match &arguments.handler {
            Some(handler) => Handler::parse(handler).ok().map(|handler| handler.program),
            None => arguments.command.first().cloned(),
        };
    }
    config
}

/// A line for each finding, its fix below it, and how many problems there are.
fn human(findings: &[Finding], problems: usize) -> Text {
    let mut lines = Vec::new();
    for finding in findings {
        let (role, word) = match finding.state {
            State::Ok => (Role::Good, "ok       "),
            State::Note => (Role::Dim, "note     "),
            State::Problem => (Role::Bad, "problem  "),
        };
        lines.push(Line::new().with(role, word).plain(finding.text.clone()));
        if let Some(fix) = &finding.fix {
            lines.push(Line::new().with(Role::Dim, format!("         {fix}")));
        }
    }
    lines.push(Line::new());
    lines.push(match problems {
        0 => Line::new().with(Role::Good, "no problem found"),
        1 => Line::new().with(Role::Bad, "1 problem found"),
        many => Line::new().with(Role::Bad, format!("{many} problems found")),
    });
    Text::from_iter(lines)
}
