//! `skillctl cards get` and `skillctl cards delete`: the cards of a file at Box.

use serde_json::json;

use super::remote::{Remote, wait_for};
use crate::{
    cli::{
        OutputFormat,
        cards::{DeleteArgs, GetArgs},
    },
    client::cards,
    domain::token::TokenKind,
    env::Environment,
    exit::Outcome,
    render::{
        json,
        text::{Line, Role},
    },
    terminal::Terminal,
};

/// Prints the instance that holds the cards.
pub(super) fn get(arguments: &GetArgs, environment: &Environment, terminal: &Terminal) -> Outcome {
    let (access, at) = (&arguments.access, &arguments.at);
    let remote = Remote::new(access, at, TokenKind::Read, environment, terminal)?;
    let instance = wait_for(async {
        cards::get(&remote.client, &remote.access.file_id)
            .await
            .map_err(|error| remote.explain(&error, ""))
    })?;
    terminal.out_raw(json::pretty(&instance).as_bytes());
    Ok(())
}

/// Deletes the cards.
pub(super) fn delete(
    arguments: &DeleteArgs,
    environment: &Environment,
    terminal: &Terminal,
) -> Outcome {
    let (access, at) = (&arguments.access, &arguments.at);
    let remote = Remote::new(access, at, TokenKind::Write, environment, terminal)?;
    let file_id = &remote.access.file_id;
    wait_for(async {
        cards::delete(&remote.client, file_id)
            .await
            .map_err(|error| remote.explain(&error, ""))
    })?;
    match arguments.format {
        OutputFormat::Json => {
            let result = json!({"ok": true, "file_id": file_id, "result": "deleted"});
            terminal.out_raw(json::line(&result).as_bytes());
        }
        OutputFormat::Human => terminal.out_line(
            &Line::new()
                .with(Role::Good, "deleted")
                .plain(format!(" the cards of file {file_id}")),
        ),
    }
    Ok(())
}
