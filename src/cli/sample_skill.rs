//! `skillctl sample-skill`.

use clap::{Args, ValueEnum};

use super::values;

/// Options of the built-in skill. Hidden: `replay --sample-skill` starts it.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  skillctl sample-skill --port 8080 --box-api http://127.0.0.1:7269")]
pub struct SampleSkillArgs {
    /// The port to listen on; 0 chooses a free one
    #[arg(long, env = "PORT", default_value_t = 0)]
    pub port: u16,
    /// The base URL of Box's API, without /2.0
    #[arg(
        long,
        env = "BOX_API_BASE_URL",
        default_value = "https://api.box.com",
        value_name = "URL",
        value_parser = values::http_url
    )]
    pub box_api: url::Url,
    /// How it writes cards, unless the invocation URL says ?via=invocation or ?via=metadata
    #[arg(long, env = "SAMPLE_SKILL_VIA", value_enum, default_value_t)]
    pub via: SampleSkillVia,
}

/// How the built-in skill writes its cards.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum SampleSkillVia {
    /// With PUT /skill_invocations
    #[default]
    Invocation,
    /// With the metadata API
    Metadata,
}
