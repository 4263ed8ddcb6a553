//! `skillctl event verify`: says whether Box signed a captured delivery, and if not, why.

use std::path::Path;

use super::files::MAX_INPUT;
use crate::{
    cli::{OutputFormat, event::VerifyArgs},
    commands::{secret_variables, wrong_input::wrong_input},
    domain::event::{
        delivery::{CapturedDelivery, GivenHeaders, header_lines, headers_in},
        signature::{Age, KeySlot, Keys, verify},
    },
    env::{Environment, input, wall_clock},
    exit::{Failure, Outcome, Problem},
    render::{json, signatures},
    terminal::Terminal,
};

/// Checks the signatures and prints the verdict.
pub(super) fn run(
    arguments: &VerifyArgs,
    environment: &Environment,
    terminal: &Terminal,
) -> Outcome {
    let keys = keys(arguments, environment)?;
    let delivery = match (&arguments.file, &arguments.body) {
        (Some(file), _) => proxy_event(file, terminal.width)?,
        (None, Some(body)) => parts(body, arguments, terminal.width)?,
        (None, None) => return Err(Problem::new("no capture was given").usage()),
    };
    let age = arguments.max_age.map(|allowed| Age {
        now: wall_clock()(),
        allowed: i64::try_from(allowed.as_secs()).unwrap_or(i64::MAX),
    });
    let verdict = verify(&delivery.body, &delivery.signed, &keys, age);
    match arguments.format {
        OutputFormat::Human => {
            let names = [
                (KeySlot::Primary, arguments.primary_key_env.as_deref()),
                (KeySlot::Secondary, arguments.secondary_key_env.as_deref()),
            ];
            terminal.out(&signatures::text(&verdict, &delivery.signed, &names));
        }
        OutputFormat::Json => {
            let verdict = signatures::json(&verdict, &delivery.signed);
            terminal.out_raw(json::line(&verdict).as_bytes());
        }
    }
    if verdict.holds() {
        Ok(())
    } else {
        Err(Failure::Check)
    }
}

fn keys(arguments: &VerifyArgs, environment: &Environment) -> Result<Keys, Failure> {
    let keys = secret_variables::signing_keys(
        arguments.primary_key_env.as_deref(),
        arguments.secondary_key_env.as_deref(),
        environment,
    )?;
    if keys.is_empty() {
        return Err(
            Problem::new("no key was given to verify the signatures with")
                .help(
                    "name a variable that holds one with --primary-key-env or --secondary-key-env",
                )
                .usage(),
        );
    }
    Ok(keys)
}

fn proxy_event(file: &Path, width: usize) -> Result<CapturedDelivery, Failure> {
    let document = input::document(file, MAX_INPUT).map_err(wrong_input(width))?;
    match CapturedDelivery::from_proxy_event(document.tree()) {
        Ok(Some(delivery)) => Ok(delivery),
        Ok(None) => Err(Problem::new(format!(
            "{} is not an API Gateway proxy event: it has no headers, and no signatures",
            document.name
        ))
        .help("give the body and the headers instead: --body FILE --headers FILE")
        .usage()),
        Err(found) => Err(Problem::new(format!("{}: {}", document.name, found.message)).usage()),
    }
}

fn parts(body: &Path, arguments: &VerifyArgs, width: usize) -> Result<CapturedDelivery, Failure> {
    let body = input::bytes(body, MAX_INPUT).map_err(wrong_input(width))?;
    let headers = match &arguments.headers {
        Some(path) => Some(headers(path, width)?),
        None => None,
    };
    let given = GivenHeaders {
        timestamp: arguments.timestamp.clone(),
        primary: arguments.signature_primary.clone(),
        secondary: arguments.signature_secondary.clone(),
    };
    Ok(CapturedDelivery::from_parts(
        body,
        headers.as_deref(),
        given,
    ))
}

/// Headers as one `name: value` a line, or as a JSON object.
fn headers(path: &Path, width: usize) -> Result<Vec<(String, String)>, Failure> {
    let bytes = input::bytes(path, MAX_INPUT).map_err(wrong_input(width))?;
    let text = String::from_utf8_lossy(&bytes);
    if !text.trim_start().starts_with('{') {
        return Ok(header_lines(&text));
    }
    let document = input::parse(input::name(path), bytes).map_err(wrong_input(width))?;
    Ok(headers_in(document.tree()))
}
