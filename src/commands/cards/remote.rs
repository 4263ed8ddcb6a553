//! What `cards write`, `get` and `delete` share: the client, Ctrl-C, Box's refusals in words that
//! fit cards; and the two short ones of them.

use std::{future::Future, sync::Arc};

use serde_json::{Value, json};
use url::Url;

use crate::{
    cli::{
        OutputFormat,
        box_access::{AccessArgs, BoxArgs},
        cards::{DeleteArgs, GetArgs},
    },
    client::{BoxClient, BoxError},
    commands::{
        self,
        box_access::{self, Access},
    },
    domain::{
        metadata::instance::{SKILLS_SCOPE, SKILLS_TEMPLATE},
        token::TokenKind,
    },
    env::{Environment, wall_clock},
    exit::{Failure, Outcome, Problem},
    render::{
        json,
        text::{Line, Role},
    },
    terminal::Terminal,
};

/// A file at Box, and how to call it.
pub(super) struct Remote {
    pub(super) client: BoxClient,
    pub(super) access: Access,
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
        let root = box_access::root(at);
        let access = box_access::access(access, kind, environment, terminal)?;
        let mut options = box_access::options(at, environment)?;
        let said = terminal.clone();
        options.backoff.on_retry = Arc::new(move |wait| {
            let delay = wait.delay.as_secs_f64();
            let line = format!(
                "{}; try {} in {delay:.1} s",
                wait.because, wait.next_attempt
            );
            said.note_line(Line::new().with(Role::Dim, line));
        });
        Ok(Self {
            client: BoxClient::new(root.clone(), access.token.clone(), options),
            access,
            root,
        })
    }

    /// The instance of the file's cards.
    pub(super) async fn instance(&self) -> Result<Value, BoxError> {
        self.client
            .get_metadata(&self.access.file_id, SKILLS_SCOPE, SKILLS_TEMPLATE)
            .await
    }

    /// What Box answered, in words that say what to do about cards; else in those of every call.
    pub(super) fn explain(&self, error: &BoxError, help: &str) -> Failure {
        let code = error.refusal().and_then(|it| it.code.as_deref());
        let mended = match code {
            Some("instance_not_found") => "there are no cards on the file",
            Some("schema_validation_failed") => "`skillctl cards validate` shows what Box refuses",
            Some("tuple_already_exists" | "conflict") => "there are cards on the file already",
            _ => return box_access::explain(error, &self.access, wall_clock()()),
        };
        let help = match (code, help) {
            (Some("schema_validation_failed"), _) | (_, "") => mended.to_owned(),
            _ => format!("{mended}: {help}"),
        };
        Problem::new(error.to_string()).help(help).outside()
    }
}

/// Runs calls to their end, unless the user ends them first.
pub(super) fn wait_for<T>(calls: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    commands::runtime::runtime()?.block_on(async {
        tokio::select! {
            result = calls => result,
            Ok(()) = tokio::signal::ctrl_c() => Err(Failure::Interrupted),
        }
    })
}

/// `skillctl cards get`.
pub(super) fn get(arguments: &GetArgs, environment: &Environment, terminal: &Terminal) -> Outcome {
    let remote = Remote::new(
        &arguments.access,
        &arguments.at,
        TokenKind::Read,
        environment,
        terminal,
    )?;
    let instance = wait_for(async {
        remote
            .instance()
            .await
            .map_err(|error| remote.explain(&error, ""))
    })?;
    terminal.out_raw(json::pretty(&instance).as_bytes());
    Ok(())
}

/// `skillctl cards delete`.
pub(super) fn delete(
    arguments: &DeleteArgs,
    environment: &Environment,
    terminal: &Terminal,
) -> Outcome {
    let remote = Remote::new(
        &arguments.access,
        &arguments.at,
        TokenKind::Write,
        environment,
        terminal,
    )?;
    let file_id = &remote.access.file_id;
    wait_for(async {
        remote
            .client
            .delete_metadata(file_id, SKILLS_SCOPE, SKILLS_TEMPLATE)
            .await
            .map_err(|error| remote.explain(&error, ""))
    })?;
    if arguments.format == OutputFormat::Json {
        let result = json!({"ok": true, "file_id": file_id, "result": "deleted"});
        terminal.out_raw(json::line(&result).as_bytes());
        return Ok(());
    }
    terminal.out_line(
        &Line::new()
            .with(Role::Good, "deleted")
            .plain(format!(" the cards of file {file_id}")),
    );
    Ok(())
}
