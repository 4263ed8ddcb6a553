//! `skillctl sample-skill`: runs the built-in skill until the process ends.

use std::sync::Arc;

use crate::{
    cli::sample_skill::{SampleSkillArgs, SampleSkillVia},
    exit::{Outcome, Problem},
    render::text::{Line, Role},
    sample_skill::{Settings, Skill, Via},
    terminal::Terminal,
};

/// Listens, prints the address, and serves until the process ends.
pub(super) fn run(arguments: &SampleSkillArgs, terminal: &Terminal) -> Outcome {
    let log = {
        let terminal = terminal.clone();
        Arc::new(move |what: &str| terminal.warn(what))
    };
    let failed = |what: &str, error: &std::io::Error| {
        Problem::new(format!("{what} on port {}: {error}", arguments.port)).outside()
    };
    let skill = Skill::bind(Settings {
        port: arguments.port,
        box_api: arguments.box_api.clone(),
        via: match arguments.via {
            SampleSkillVia::Invocation => Via::Invocation,
            SampleSkillVia::Metadata => Via::Metadata,
        },
        log,
    })
    .map_err(|error| failed("the sample skill cannot listen", &error))?;
    let address = skill
        .address()
        .map_err(|error| failed("the sample skill has no address", &error))?;
    let mut line = Line::from(format!("listening on http://{address}"));
    if terminal.out_is_terminal {
        line.push(Role::Dim, " (Ctrl-C ends it)");
    }
    terminal.out_line(&line);
    skill
        .run()
        .map_err(|error| failed("the sample skill stopped listening", &error))
}
