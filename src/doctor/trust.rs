//! Whether each runtime on this machine trusts the certificate of a mock. It is tried: a mock is
//! started on a free port, and the runtime calls it over TLS with the variables that a skill gets.
//! The call is to this machine, so that nothing leaves it whatever the runtime does.

use std::{ffi::OsString, path::Path, process::Stdio, time::Duration};

use tokio::{process::Command, task::JoinSet, time::timeout};

use super::{config::Config, finding::Finding};
use crate::{
    env::{Environment, folder::PrivateFolder, programs::find_program},
    server::mock::{MockBox, MockOptions},
    skill::runtimes::{
        run_folder::{Reach, RunFolder, RunSettings},
        variables::interception,
    },
};

const CODE: &str = "trust";
/// How long a runtime may take to start and call. A JVM compiles its program first.
const TIMEOUT: Duration = Duration::from_secs(15);
/// What the mock answers to a call without a token.
const UNAUTHORISED: &str = "401";

/// A program that prints the status of a GET.
struct Probe {
    runtime: &'static str,
    /// The options before the program.
    options: &'static [&'static str],
    program: &'static str,
    /// The name of the file that holds the program, for a runtime that takes no text.
    file: Option<&'static str>,
}

/// The programs, which read the URL from the last argument.
const PROBES: [Probe; 4] = [
    Probe {
        runtime: "node",
        options: &["-e"],
        program: "require('https').get(process.argv[1], (r) => { console.log(r.statusCode); r.resume(); })",
        file: None,
    },
    Probe {
        runtime: "python3",
        options: &["-c"],
        program: "import sys, urllib.request, urllib.error\n\
            try: print(urllib.request.urlopen(sys.argv[1]).status)\n\
            except urllib.error.HTTPError as error: print(error.code)",
        file: None,
    },
    Probe {
        runtime: "ruby",
        options: &["-rnet/http", "-e"],
        program: "puts Net::HTTP.get_response(URI(ARGV[0])).code",
        file: None,
    },
    Probe {
        runtime: "java",
        options: &[],
        program: "class Probe { public static void main(String[] a) throws Exception { \
            var c = (java.net.HttpURLConnection) new java.net.URL(a[0]).openConnection(); \
            System.out.println(c.getResponseCode()); } }",
        file: Some("Probe.java"),
    },
];

/// Tries every runtime that is installed. One that fails is a problem where the configuration starts it.
pub(super) async fn examine(config: &Config, environment: &Environment) -> Vec<Finding> {
    let installed = PROBES
        .iter()
        .filter(|probe| find_program(probe.runtime, environment).is_some());
    let installed: Vec<&'static Probe> = installed.collect();
    if installed.is_empty() {
        return Vec::new();
    }
    match try_all(installed, config.program.as_deref(), environment).await {
        Ok(findings) => findings,
        Err(reason) => vec![Finding::problem(
            CODE,
            format!("no mock can be started here: {reason}"),
            "make the temporary folder writable, or name another one in TMPDIR",
        )],
    }
}

async fn try_all(
    probes: Vec<&'static Probe>,
    needed: Option<&str>,
    environment: &Environment,
) -> Result<Vec<Finding>, String> {
    let mock = MockBox::start(MockOptions::default())
        .await
        .map_err(|error| error.to_string())?;
    let settings = RunSettings {
        mock: mock.address(),
        certificate: mock.certificate(),
        reach: Reach::Direct,
    };
    let failed = |error: std::io::Error| error.to_string();
    let files = RunFolder::create(&settings, environment).map_err(failed)?;
    let programs = PrivateFolder::new("skillctl-doctor-").map_err(failed)?;
    let variables = interception(&mock.url(), &files.files(), environment);
    let url = format!("https://{}/2.0/users/me", mock.address());
    let mut tried = JoinSet::new();
    for (place, probe) in probes.into_iter().enumerate() {
        let command = command(probe, &url, programs.path(), &variables).map_err(failed)?;
        let is_needed = needed.is_some_and(|it| Path::new(it).ends_with(probe.runtime));
        tried.spawn(async move { (place, finding(probe, command, is_needed).await) });
    }
    let mut findings = tried.join_all().await;
    findings.sort_by_key(|(place, _)| *place);
    Ok(findings.into_iter().map(|(_, finding)| finding).collect())
}

fn command(
    probe: &Probe,
    url: &str,
    folder: &Path,
    variables: &[(String, String)],
) -> std::io::Result<Command> {
    let program: OsString = match probe.file {
        None => probe.program.into(),
        Some(name) => {
            let path = folder.join(name);
            std::fs::write(&path, probe.program)?;
            path.into()
        }
    };
    let mut command = Command::new(probe.runtime);
    command
        .args(probe.options)
        .arg(program)
        .arg(url)
        .envs(variables.iter().map(|(name, value)| (name, value)))
        .current_dir(folder)
        .stdin(Stdio::null())
        .kill_on_drop(true);
    Ok(command)
}

async fn finding(probe: &Probe, mut command: Command, is_needed: bool) -> Finding {
    let runtime = probe.runtime;
    let reason = match timeout(TIMEOUT, command.output()).await {
        Err(_) => format!("no answer within {} s", TIMEOUT.as_secs()),
        Ok(Err(error)) => error.to_string(),
        Ok(Ok(output)) if String::from_utf8_lossy(&output.stdout).trim() == UNAUTHORISED => {
            return Finding::ok(CODE, format!("{runtime} trusts the mock's certificate"));
        }
        Ok(Ok(output)) => last_line(&output.stderr).unwrap_or_else(|| output.status.to_string()),
    };
    let text = format!("{runtime} does not reach the mock over TLS: {reason}");
    let fix = format!(
        "run {runtime} by itself to see its error; docs/interception.md lists the variables that it needs"
    );
    if is_needed {
        Finding::problem(CODE, text, fix)
    } else {
        Finding::note(CODE, text, fix)
    }
}

/// The line of a runtime's complaint that names the error: the last one with the word, or the last.
fn last_line(output: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(output);
    let mut lines = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .rev();
    let last = lines.clone().next()?;
    let named = lines.find(|line| line.to_ascii_lowercase().contains("error"));
    Some(named.unwrap_or(last).chars().take(200).collect())
}
