//! The mock and replay under a long load: `cargo bench --bench soak`.
//!
//! ```sh
//! cargo bench --bench soak                              # all parts, about 25 minutes
//! cargo bench --bench soak -- connections slow          # these alone: two minutes
//! cargo bench --bench soak -- writes replay --minutes 2 # the long ones, shorter
//! ```
//!
//! - `connections`: 2,000 keep-alive connections ask at once, compared with a bare hyper server.
//! - `slow`: 64 fast clients, alternately alone and with 500 slow ones; the medians of the rounds'
//!   ratios count.
//! - `writes`: a million writes in ten minutes (in fewer, fewer), among idle, slow and short-lived
//!   connections; memory and descriptors after the warm-up, at the end, and when all have gone.
//! - `replay`: ten minutes of `--duration` with the mock, 64 events at a time; memory and
//!   descriptors of replay and of the skill.
//!
//! Each figure is a row of a Markdown table. A missed goal fails the run.

#![allow(
    clippy::print_stdout,
    reason = "a benchmark's result is what it prints"
)]

mod connections;
mod latency;
#[path = "../load/mod.rs"]
mod load;
mod process;
#[path = "../processes/mod.rs"]
mod processes;
mod replay;
mod slow;
#[path = "../table/mod.rs"]
mod table;
mod wire;
mod writes;

use std::{
    env,
    process::{Command, ExitCode, Stdio},
    time::Duration,
};

use load::{median, runtime, serves_bare};
use table::Table;

/// The argument that makes this program the slow clients.
const SLOW: &str = "slow-clients";
const PARTS: [&str; 4] = ["connections", "slow", "writes", "replay"];

/// How long and how much.
struct Scale {
    /// `cargo test --benches` only wants to know that it runs.
    is_measured: bool,
    /// Of each of the long parts.
    long: Duration,
}

impl Scale {
    /// `full` where it is measured, `short` where not.
    fn of<T>(&self, full: T, short: T) -> T {
        if self.is_measured { full } else { short }
    }
}

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    process::allow_many_files();
    if serves_bare() {
        return ExitCode::SUCCESS;
    }
    if arguments.first().is_some_and(|it| it == SLOW) {
        return runtime().block_on(slow::clients(&arguments[1..]));
    }
    let (scale, parts) = match asked(&arguments) {
        Ok(asked) => asked,
        Err(reason) => {
            println!("{reason}");
            return ExitCode::from(2);
        }
    };
    let mut table = Table::start();
    for part in parts {
        match part {
            "connections" => connections::run(&scale, &mut table),
            "slow" => latency::run(&scale, &mut table),
            "writes" => writes::run(&scale, &mut table),
            _ => replay::run(&scale, &mut table),
        }
    }
    table.end(scale.is_measured)
}

/// What the command line asks for: `[PART…] [--minutes N]`.
fn asked(arguments: &[String]) -> Result<(Scale, Vec<&'static str>), String> {
    let mut scale = Scale {
        is_measured: false,
        long: Duration::from_secs(3),
    };
    let mut minutes = 10.0;
    let mut parts = Vec::new();
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            // What cargo adds where it is to be measured.
            "--bench" => scale.is_measured = true,
            "--minutes" => {
                let given = arguments.next().and_then(|text| text.parse().ok());
                minutes = given.ok_or("--minutes takes a number")?;
            }
            other => match PARTS.iter().find(|part| **part == other) {
                Some(part) => parts.push(*part),
                None => return Err(format!("no part is called {other}: {}", PARTS.join(", "))),
            },
        }
    }
    if scale.is_measured {
        scale.long = Duration::from_secs_f64(minutes * 60.0);
    }
    if parts.is_empty() {
        parts = PARTS.to_vec();
    }
    Ok((scale, parts))
}

/// This program again, as something else.
fn myself(as_what: &str) -> Command {
    let mut command = Command::new(env::current_exe().expect("this program"));
    command.arg(as_what).stdout(Stdio::piped());
    command
}
