//! Secrets in environment variables that options name.

use crate::{
    domain::{event::signature::Keys, secret::Secret},
    env::Environment,
    exit::{Failure, Problem},
};

/// The secret in the variable `name`, which was given with `option`; `None` if no name was given.
pub(super) fn secret(
    name: Option<&str>,
    option: &str,
    environment: &Environment,
) -> Result<Option<Secret>, Failure> {
    let Some(name) = name else {
        return Ok(None);
    };
    match environment.var(name) {
        Some(value) => Ok(Some(Secret::new(value))),
        None => Err(Problem::new(format!(
            "{option} {name}: the variable is not set, or empty"
        ))
        .usage()),
    }
}

/// The signing keys in the variables of `--primary-key-env` and `--secondary-key-env`.
pub(super) fn signing_keys(
    primary: Option<&str>,
    secondary: Option<&str>,
    environment: &Environment,
) -> Result<Keys, Failure> {
    Ok(Keys {
        primary: secret(primary, "--primary-key-env", environment)?,
        secondary: secret(secondary, "--secondary-key-env", environment)?,
    })
}
