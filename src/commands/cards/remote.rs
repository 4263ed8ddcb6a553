//! What `cards write`, `get` and `delete` share: the client, Ctrl-C, and Box's refusals explained
//! for cards.

use std::{future::Future, sync::Arc};

use url::Url;

use crate::{
    cli::box_access::{AccessArgs, BoxArgs},
    client::{
        BoxClient, BoxError,
        access::{FileAccess, api_root},
    },
    commands::{box_access, box_failure, runtime},
    domain::token::TokenKind,
    env::{Environment, wall_clock},
    exit::{Failure, Problem},
    render::text::{Line, Role},
    terminal::Terminal,
};

/// A file at Box, and how to call it.
pub(super) struct Remote {
    pub(super) client: BoxClient,
    pub(super) access: FileAccess,
    pub(super) root: Url,
}

impl Remote {
    /// The file that the options name, by its token of this kind.
    pub(super) fn new(
        access: &AccessArgs,
        at: &BoxArgs,
        kind: TokenKind,
        environment: &Environment,
        terminal: &Terminal,
    ) -> Result<Self, Failure> {
        let root = api_root(&at.location.root);
        let access = box_access::access(access, &root, kind, environment, terminal)?;
        let mut options = box_access::client_options(at, environment, terminal)?;
        let printer = terminal.clone();
        options.backoff.on_retry = Arc::new(move |pause| {
            let delay = pause.delay.as_secs_f64();
            let line = format!(
                "{}; attempt {} in {delay:.1} s",
                pause.because, pause.next_attempt
            );
            printer.note_line(Line::new().with(Role::Dim, line));
        });
        Ok(Self {
            client: BoxClient::new(root.clone(), access.token.clone(), options),
            access,
            root,
        })
    }

    /// The failure of a call about cards. `help` says what to do if the file has cards already, or
    /// has none; it may be empty.
    pub(super) fn explain(&self, error: &BoxError, help: &str) -> Failure {
        let code = error.refusal().and_then(|refusal| refusal.code.as_deref());
        let reason = match code {
            Some("instance_not_found") => "the file has no cards",
            Some("schema_validation_failed") => "`skillctl cards validate` lists what Box refuses",
            Some("tuple_already_exists" | "conflict") => "the file has cards already",
            _ => return box_failure::explain(error, &self.access, wall_clock()()),
        };
        let help = match (code, help) {
            (Some("schema_validation_failed"), _) | (_, "") => reason.to_owned(),
            _ => format!("{reason}: {help}"),
        };
        Problem::new(error.to_string()).help(help).outside()
    }
}

/// Runs calls to their end, unless the user interrupts them.
pub(super) fn wait_for<T>(calls: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    runtime::runtime()?.block_on(async {
        tokio::select! {
            result = calls => result,
            Ok(()) = tokio::signal::ctrl_c() => Err(Failure::Interrupted),
        }
    })
}
