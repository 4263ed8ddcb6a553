//! From the options of a command that calls Box to a file, a token and a client.

use url::Url;

use super::{
    certificates::trust,
    wrong_input::{wrong_document, wrong_input},
};
use crate::{
    cli::box_access::{AccessArgs, BoxArgs},
    client::{
        Options,
        access::{AccessError, FileAccess, FileSource, TokenSource},
    },
    domain::{hosts::is_box, secret::Secret, token::TokenKind},
    env::Environment,
    exit::{Failure, Problem},
    terminal::Terminal,
};

/// The file and the token that the options name, for calls to `root`. An event's token is the one of
/// this `kind`.
pub(super) fn access(
    arguments: &AccessArgs,
    root: &Url,
    kind: TokenKind,
    environment: &Environment,
    terminal: &Terminal,
) -> Result<FileAccess, Failure> {
    let file = match &arguments.event {
        Some(path) => FileSource::Event(path.clone()),
        None => FileSource::Id(arguments.file_id.clone().unwrap_or_default()),
    };
    let token = match (&arguments.token_env, &arguments.token_file) {
        (Some(name), _) => Some(TokenSource::Variable(name.clone())),
        (None, Some(path)) => Some(TokenSource::File(path.clone())),
        (None, None) => arguments
            .token
            .as_ref()
            .map(|token| TokenSource::CommandLine(Secret::new(&token.0))),
    };
    if matches!(token, Some(TokenSource::CommandLine(_))) {
        terminal.warn(
            "--token stays in your shell's history and is shown in the list of processes; \
             prefer --token-env or --token-file",
        );
    }
    let access = FileAccess::resolve(&file, token.as_ref(), kind, environment)
        .map_err(|error| refused(error, terminal.width))?;
    let is_for_box = root.host_str().is_some_and(is_box);
    if is_for_box && access.has_placeholder_token() {
        return Err(Problem::new(format!(
            "{} is a placeholder; Box would refuse it",
            access.origin
        ))
        .help(
            "give a token with --token-env VAR, or call a mock that has the event: \
             skillctl mock-box EVENT --events-dir DIR, then --box http://127.0.0.1:7269",
        )
        .usage());
    }
    Ok(access)
}

fn refused(error: AccessError, width: usize) -> Failure {
    let problem = Problem::new(error.to_string());
    match error {
        AccessError::Input(error) => return wrong_input(width)(error),
        AccessError::NoEvent(found) => {
            let (document, finding) = *found;
            return wrong_document("holds no event", &document, finding, width);
        }
        AccessError::NoToken => problem.help("give one with --token-env VAR or --token-file FILE"),
        AccessError::NotOneEvent { .. } => {
            problem.help("choose one: sed -n 1p FILE | skillctl … --event -")
        }
        AccessError::StdinTwice
        | AccessError::NoEventToken(_)
        | AccessError::Unset(_)
        | AccessError::Unusable { .. } => problem,
    }
    .usage()
}

/// The options of the client, from those of the command.
pub(super) fn client_options(
    arguments: &BoxArgs,
    environment: &Environment,
    terminal: &Terminal,
) -> Result<Options, Failure> {
    let mut options = Options::new(environment);
    options.backoff.policy.retries = arguments.retries;
    options.backoff.policy.patience = arguments.wait;
    options.connections.stall_timeout = arguments.timeout;
    options.connections.connect_timeout =
        options.connections.connect_timeout.min(arguments.timeout);
    if let Some(file) = &arguments.location.ca_cert {
        options.connections = trust(options.connections, "--ca-cert", file, terminal)?;
    }
    Ok(options)
}
