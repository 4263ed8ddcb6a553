//! How a run was started, as reports say it at their head.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The head of a report: one run of `replay`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunRecord {
    /// When the run began.
    pub at: Timestamp,
    /// The version of skillctl.
    pub version: String,
    /// The command line, secrets redacted.
    pub command: Vec<String>,
    /// The settings that were in effect, whether typed, in a variable or in a file.
    #[serde(default)]
    pub options: BTreeMap<String, String>,
    /// The part of the cases that was taken: `2/5`.
    #[serde(default)]
    pub shard: Option<String>,
    /// The mock; none with `--no-mock`.
    #[serde(default)]
    pub mock: Option<MockUsed>,
    /// The skill.
    pub skill: SkillUsed,
}

/// The mock of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MockUsed {
    /// Its URL.
    pub url: String,
    /// Whether the run started it.
    pub own: bool,
}

/// The skill of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SkillUsed {
    /// Its invocation URL.
    pub url: String,
    /// What started it: a command, `--handler` or `--sample-skill`.
    #[serde(default)]
    pub started: Option<String>,
    /// The first and the last lines of its output, tokens redacted, with a line for those left out. Empty
    /// for a skill that was not started by the run.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub output: Vec<String>,
}

impl RunRecord {
    /// The head as rows of a name and a text, for people.
    pub fn rows(&self) -> Vec<(&'static str, String)> {
        let mut rows = vec![
            (
                "date",
                self.at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string(),
            ),
            ("version", format!("skillctl {}", self.version)),
            ("command", self.command.join(" ")),
        ];
        let options: Vec<String> = self
            .options
            .iter()
            .map(|(name, value)| format!("{name} {value}"))
            .collect();
        rows.push(("options", options.join(", ")));
        if let Some(shard) = &self.shard {
            rows.push(("shard", shard.clone()));
        }
        rows.push(match &self.mock {
            Some(mock) if mock.own => ("mock", "started by this run".to_owned()),
            Some(mock) => ("mock", mock.url.clone()),
            None => ("mock", "none".to_owned()),
        });
        let skill = self.skill.started.as_ref().unwrap_or(&self.skill.url);
        rows.push(("skill", skill.clone()));
        rows
    }
}
