//! `doctor`: what is set up on this machine, and what stops a replay from working. Each file looks
//! at one subject; a [`Finding`] that is a problem names its fix.

mod config;
mod files;
mod finding;
mod mock;
mod programs;
mod trust;
mod variables;

use url::Url;

pub use config::Config;
pub use finding::{Finding, State};

use crate::{client::Connections, env::Environment};

/// Looks at everything. `url` is where a mock is looked for.
pub async fn examine(
    config: &Config,
    url: &Url,
    environment: &Environment,
    connections: Connections,
) -> Vec<Finding> {
    // Before a mock is started, which removes old run folders.
    let folders = files::folders(environment);
    let mut findings = files::config(config);
    findings.extend(programs::runtimes(config, environment));
    findings.extend(trust::examine(config, environment).await);
    findings.extend(variables::examine(environment).await);
    findings.extend(mock::examine(url, connections).await);
    findings.extend(folders);
    findings
}
