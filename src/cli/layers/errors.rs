//! Clap's errors, completed: secrets redacted, and where a value that was not typed was given.

use clap::{
    CommandFactory,
    error::{ContextKind, ContextValue},
};
use url::Url;

use crate::{
    cli::{Cli, taken::TakenValue},
    domain::secret::{redact, redact_url, replace_secrets},
};

/// Clap's errors quote the value that was typed. Redacts the secrets in it.
pub(super) fn without_credentials(mut error: clap::Error) -> clap::Error {
    let Some(ContextValue::String(value)) = error.get(ContextKind::InvalidValue) else {
        return error;
    };
    let shown = match Url::parse(value) {
        Ok(url) if url.has_host() => redact_url(&url),
        _ => replace_secrets(value, redact),
    };
    error.insert(ContextKind::InvalidValue, ContextValue::String(shown));
    error
}

/// Adds to the error of an option that was not typed where its value was given.
pub(super) fn with_place(error: clap::Error, added: &[TakenValue]) -> clap::Error {
    let Some(ContextValue::String(about)) = error.get(ContextKind::InvalidArg) else {
        return error;
    };
    let flag = about.split([' ', '=']).next().unwrap_or_default();
    let Some(TakenValue { place, .. }) = added.iter().find(|it| it.name == flag) else {
        return error;
    };
    let said = error.render().to_string();
    let first = said.lines().next().unwrap_or_default();
    let first = first.strip_prefix("error: ").unwrap_or(first);
    Cli::command().error(error.kind(), format!("{first} (from {place})"))
}

/// Adds the files that were left out: without them, arguments may be missing.
pub(super) fn with_left_out(error: clap::Error, left_out: &[String]) -> clap::Error {
    if left_out.is_empty() || !error.use_stderr() {
        return error;
    }
    let text = error.render().to_string();
    let mut text = text.strip_prefix("error: ").unwrap_or(&text).to_owned();
    for line in left_out {
        text.extend(["\nwarning: ", line, "\n"]);
    }
    clap::Error::raw(error.kind(), text)
}
