//! `skillctl env`: prints the variables that point a program at a running mock, for a shell, a `.env`
//! file or a program.

use std::fmt::Write;

use serde_json::{Map, Value};
use url::Url;

use crate::{
    cli::env::{EnvArgs, Shell},
    client::Connections,
    commands::{runtime, secret_variables},
    env::Environment,
    exit::{Failure, Outcome, Problem},
    replay::{Mock, MockError},
    skill::runtimes::{
        run_folder::TrustFiles,
        variables::{NAMES, base_urls, interception},
    },
    terminal::Terminal,
};

/// Asks the mock for the paths of its files and prints the variables; or prints what restores the
/// shell.
pub(super) fn run(arguments: &EnvArgs, environment: &Environment, terminal: &Terminal) -> Outcome {
    if arguments.unset {
        return print_unset(arguments.shell, environment, terminal);
    }
    let url = &arguments.box_url;
    let files = trust_files(arguments, environment)?.filter(|files| files.ca.exists());
    if files.is_none() {
        terminal.warn(&format!(
            "the certificates of the mock at {url} are not on this machine: only skills with a \
             configurable base URL reach the mock"
        ));
    }
    let variables = match &files {
        Some(files) => interception(&root(url), files, environment),
        None => base_urls(&root(url)),
    };
    let mut text = print_variables(&variables, arguments.shell);
    if arguments.shell == Shell::Sh {
        text.insert_str(0, &lines_that_keep(&variables, environment));
    }
    terminal.out_raw(text.as_bytes());
    Ok(())
}

/// The variable in which the shell keeps the old value of `name`, for `--unset`.
fn kept_as(name: &str) -> String {
    format!("SKILLCTL_BEFORE_{name}")
}

/// Whether the shell was pointed at a mock before: then its variables are not the user's own.
fn is_pointed_at_a_mock(environment: &Environment) -> bool {
    let to = environment.var("BOX_API_BASE_URL");
    to.is_some() && to == environment.var("SKILLCTL_BOX")
}

/// Lines by which the shell keeps its old values. They name variables only: a value may hold a
/// password.
fn lines_that_keep(variables: &[(String, String)], environment: &Environment) -> String {
    let own = variables
        .iter()
        .filter(|(name, _)| !is_pointed_at_a_mock(environment) && environment.var(name).is_some());
    let mut text = String::new();
    for (name, _) in own {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "export {}=\"${{{name}-}}\"", kept_as(name));
    }
    text
}

/// Prints what restores a shell. No mock is asked: it may have ended.
fn print_unset(shell: Shell, environment: &Environment, terminal: &Terminal) -> Outcome {
    match shell {
        Shell::Sh if is_pointed_at_a_mock(environment) => {
            terminal.out_raw(lines_that_restore(environment).as_bytes());
        }
        Shell::Sh => terminal.warn("this shell is not pointed at a mock; nothing to restore"),
        Shell::Json => terminal.out_raw(format!("{:#}\n", Value::from(&NAMES[..])).as_bytes()),
        Shell::Dotenv => {
            return Err(Problem::new("a .env file cannot unset a variable")
                .help("remove the file; `skillctl env --unset --shell json` lists its variables")
                .usage());
        }
    }
    Ok(())
}

fn lines_that_restore(environment: &Environment) -> String {
    let (kept, new): (Vec<&str>, Vec<&str>) = NAMES
        .into_iter()
        .filter(|name| environment.var(name).is_some())
        .partition(|name| environment.var(&kept_as(name)).is_some());
    let mut text = String::new();
    for name in kept {
        let kept = kept_as(name);
        // Writing to a string cannot fail.
        let _ = writeln!(text, "export {name}=\"${{{kept}-}}\"; unset {kept}");
    }
    if !new.is_empty() {
        let _ = writeln!(text, "unset {}", new.join(" "));
    }
    text
}

/// The paths of the mock's files on its machine, if it has any.
fn trust_files(
    arguments: &EnvArgs,
    environment: &Environment,
) -> Result<Option<TrustFiles>, Failure> {
    let url = &arguments.box_url;
    let name = arguments.admin_token_env.as_deref();
    let token = secret_variables::secret(name, "--admin-token-env", environment)?;
    let mock = Mock::new(Connections::new(environment), url.clone(), token);
    let trust = runtime::runtime()?
        .block_on(mock.trust())
        .map_err(|error| {
            let problem = Problem::new(error.to_string());
            match error {
                MockError::Refused { .. } => problem,
                _ => problem
                    .help("start a mock with `skillctl mock-box`, or give its URL with --box"),
            }
            .outside()
        })?;
    let files = trust.ca.zip(trust.bundle).zip(trust.preload);
    Ok(files.map(|((ca, bundle), preload)| TrustFiles {
        ca,
        bundle,
        preload,
    }))
}

/// Scheme, host and port, without a slash at the end.
fn root(url: &Url) -> String {
    url.origin().ascii_serialization()
}

fn print_variables(variables: &[(String, String)], shell: Shell) -> String {
    match shell {
        Shell::Sh => lines(variables, |name, value| {
            format!("export {name}={}", for_sh(value))
        }),
        Shell::Dotenv => lines(variables, |name, value| {
            format!("{name}={}", for_dotenv(value))
        }),
        Shell::Json => {
            let members: Map<String, Value> = variables
                .iter()
                .map(|(name, value)| (name.clone(), Value::from(value.as_str())))
                .collect();
            format!("{:#}\n", Value::Object(members))
        }
    }
}

fn lines(variables: &[(String, String)], line: impl Fn(&str, &str) -> String) -> String {
    let mut text = String::new();
    for (name, value) in variables {
        text.push_str(&line(name, value));
        text.push('\n');
    }
    text
}

/// Whether shells and readers of .env files need no quotes for the value.
fn is_plain(value: &str) -> bool {
    !value.is_empty()
        && value
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-._/:,@%+=".contains(&byte))
}

/// Quotes a value for sh, in single quotes if it needs any.
fn for_sh(value: &str) -> String {
    if is_plain(value) {
        return value.to_owned();
    }
    format!("'{}'", value.replace('\'', r"'\''"))
}

/// Quotes a value for a .env file, in double quotes if it needs any. Backslash escapes, and `$` would
/// be expanded.
fn for_dotenv(value: &str) -> String {
    if is_plain(value) {
        return value.to_owned();
    }
    let mut text = String::from("\"");
    for character in value.chars() {
        match character {
            '\n' => text.push_str("\\n"),
            '"' | '\\' | '$' => text.extend(['\\', character]),
            _ => text.push(character),
        }
    }
    text.push('"');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn print(value: &str, shell: Shell) -> String {
        print_variables(&[("NAME".to_owned(), value.to_owned())], shell)
    }

    #[test]
    fn plain_values_are_not_quoted() {
        let url = "http://127.0.0.1:7269";
        assert_eq!(print(url, Shell::Sh), format!("export NAME={url}\n"));
        assert_eq!(print(url, Shell::Dotenv), format!("NAME={url}\n"));
    }

    #[test]
    fn values_with_special_characters_are_quoted() {
        let value = "--require /tmp/it's \"a\" $b";
        assert_eq!(
            print(value, Shell::Sh),
            "export NAME='--require /tmp/it'\\''s \"a\" $b'\n"
        );
        assert_eq!(
            print(value, Shell::Dotenv),
            "NAME=\"--require /tmp/it's \\\"a\\\" \\$b\"\n"
        );
        assert_eq!(print("", Shell::Sh), "export NAME=''\n");
        assert_eq!(print("*", Shell::Sh), "export NAME='*'\n");
    }

    #[test]
    fn json_is_one_object() {
        let read: Value = serde_json::from_str(&print("a \"b\"", Shell::Json)).expect("JSON");
        assert_eq!(read, serde_json::json!({"NAME": "a \"b\""}));
    }

    #[test]
    fn a_url_is_taken_without_its_path() {
        let url = Url::parse("http://localhost:9000/2.0/?x").expect("a URL");
        assert_eq!(root(&url), "http://localhost:9000");
    }
}
