//! `skillctl env`: prints the variables that point a program at a running mock, for a shell, a `.env`
//! file or a program.

use serde_json::{Map, Value};
use url::Url;

use crate::{
    cli::env::{EnvArgs, Shell},
    client::Connections,
    commands::{runtime, secret_variables},
    env::Environment,
    exit::{Failure, Outcome, Problem},
    render::shell::{ShellSyntax, dotenv},
    replay::{Mock, MockError},
    skill::runtimes::{
        own::{NAMES, kept_as, points_at_mock},
        persistent::keep_for_shell,
        run_folder::RunFiles,
        variables::{base_urls, interception},
    },
    terminal::Terminal,
};

/// The first lines of a `.env` file.
const DOTENV_HEAD: &str = "\
# Written by skillctl env. Valid on this machine, as long as the mock runs.
# NODE_OPTIONS, PYTHONPATH, RUBYOPT, JAVA_TOOL_OPTIONS and SSL_CERT_FILE are read when a runtime starts: they
# work where this file is read before (node --env-file, foreman, a shell), not with a dotenv library.
";

/// Asks the mock for the paths of its files and prints the variables; or prints what restores the
/// shell.
pub(super) fn run(arguments: &EnvArgs, environment: &Environment, terminal: &Terminal) -> Outcome {
    if arguments.unset {
        return print_unset(arguments.shell, environment, terminal);
    }
    let url = &arguments.mock.box_url;
    let found = run_files(arguments, environment).inspect_err(|_| {
        if arguments.shell == Shell::Sh {
            // `eval "$(skillctl env)" && COMMAND` must not start the command without a mock.
            terminal.out_raw(b"false\n");
        }
    })?;
    let variables = if let Some(files) = found {
        let files = for_shell(files, environment, terminal);
        interception(&root(url), &files, environment)
    } else {
        terminal.warn(&format!(
            "the certificates of the mock at {url} are not on this machine: only skills with a \
             configurable base URL reach the mock"
        ));
        base_urls(&root(url))
    };
    let text = print_variables(&variables, arguments.shell, environment);
    terminal.out_raw(text.as_bytes());
    Ok(())
}

/// The files for a shell: those that a runtime needs to start are copies that outlive the mock.
fn for_shell(files: RunFiles, environment: &Environment, terminal: &Terminal) -> RunFiles {
    keep_for_shell(&files, environment).unwrap_or_else(|error| {
        terminal.warn(&format!(
            "no folder for files that outlive the mock: {error}. When the mock has ended, Node and \
             Ruby do not start in this shell until it is restored (skillctl env --unset)"
        ));
        files
    })
}

fn print_variables(
    variables: &[(String, String)],
    shell: Shell,
    environment: &Environment,
) -> String {
    let lines = |line: &dyn Fn(&str, &str) -> String| -> String {
        let lines = variables.iter().map(|(name, value)| line(name, value));
        lines.collect()
    };
    let for_shell = |syntax: ShellSyntax| {
        keep_old_values(variables, syntax, environment)
            + &lines(&|name, value| syntax.set(name, value))
    };
    match shell {
        Shell::Sh => for_shell(ShellSyntax::Sh),
        Shell::Fish => for_shell(ShellSyntax::Fish),
        Shell::Dotenv => DOTENV_HEAD.to_owned() + &lines(&dotenv),
        Shell::Json => {
            let members: Map<String, Value> = variables
                .iter()
                .map(|(name, value)| (name.clone(), Value::from(value.as_str())))
                .collect();
            format!("{:#}\n", Value::Object(members))
        }
    }
}

/// Lines by which the shell keeps its old values. A shell that points at a mock has kept them
/// already.
fn keep_old_values(
    variables: &[(String, String)],
    syntax: ShellSyntax,
    environment: &Environment,
) -> String {
    if points_at_mock(environment) {
        return String::new();
    }
    let own = variables
        .iter()
        .filter(|(name, _)| environment.is_set(name));
    own.map(|(name, _)| syntax.copy(&kept_as(name), name))
        .collect()
}

/// Prints what restores a shell. No mock is asked: it may have ended.
fn print_unset(shell: Shell, environment: &Environment, terminal: &Terminal) -> Outcome {
    let syntax = match shell {
        Shell::Sh => ShellSyntax::Sh,
        Shell::Fish => ShellSyntax::Fish,
        Shell::Json => {
            terminal.out_raw(format!("{:#}\n", Value::from(&NAMES[..])).as_bytes());
            return Ok(());
        }
        Shell::Dotenv => {
            return Err(Problem::new("a .env file cannot unset a variable")
                .help("remove the file; `skillctl env --unset --shell json` lists its variables")
                .usage());
        }
    };
    if points_at_mock(environment) {
        terminal.out_raw(restore_old_values(syntax, environment).as_bytes());
    } else {
        terminal.warn("this shell is not pointed at a mock; nothing to restore");
    }
    Ok(())
}

fn restore_old_values(syntax: ShellSyntax, environment: &Environment) -> String {
    let (kept, new): (Vec<&str>, Vec<&str>) = NAMES
        .into_iter()
        .filter(|name| environment.is_set(name))
        .partition(|name| environment.is_set(&kept_as(name)));
    let mut text = String::new();
    for name in kept {
        let kept = kept_as(name);
        text.push_str(&syntax.copy(name, &kept));
        text.push_str(&syntax.unset(&[&kept]));
    }
    if !new.is_empty() {
        text.push_str(&syntax.unset(&new));
    }
    text
}

/// The files of the mock, if they are on this machine.
fn run_files(arguments: &EnvArgs, environment: &Environment) -> Result<Option<RunFiles>, Failure> {
    let url = &arguments.mock.box_url;
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
    Ok(trust.ca.as_deref().and_then(RunFiles::next_to))
}

/// Scheme, host and port, without a slash at the end.
fn root(url: &Url) -> String {
    url.origin().ascii_serialization()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_one_object() {
        let variables = [("NAME".to_owned(), "a \"b\"".to_owned())];
        let environment = Environment::from_variables([("A", "b")]);
        let text = print_variables(&variables, Shell::Json, &environment);
        let read: Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(read, serde_json::json!({"NAME": "a \"b\""}));
    }

    #[test]
    fn a_url_is_taken_without_its_path() {
        let url = Url::parse("http://localhost:9000/2.0/?x").expect("a URL");
        assert_eq!(root(&url), "http://localhost:9000");
    }
}
