//! `skillctl event new`: an event for a local file, to be replayed.

use std::{
    borrow::Cow,
    fs::{self, File},
    io,
    path::Path,
};

use serde_json::Value;
use url::Url;
use uuid::Uuid;

use super::files::{already_exists, make_folder, write_new};
use crate::{
    cli::event::{NewArgs, Trigger},
    client::Connections,
    commands::{runtime, secret_variables},
    domain::{
        event::synthesis::{self, Blueprint},
        secret::redact_url,
    },
    env::{Environment, wall_clock},
    exit::{Failure, Outcome, Problem},
    render::{json::pretty, text::Line},
    replay::{
        Mock, MockError,
        mock::{Registration, ToRegister},
    },
    terminal::Terminal,
};

/// Makes the event, and prints it or writes it to a file or a case.
pub(super) fn run(arguments: &NewArgs, environment: &Environment, terminal: &Terminal) -> Outcome {
    let mut event = synthesis::make(&blueprint(arguments)?);
    if let Some(folder) = &arguments.case {
        return write_case(folder, &event, arguments, terminal);
    }
    if let Some(path) = arguments.output.as_deref().filter(|path| path.exists()) {
        return Err(already_exists(path));
    }
    if let Some(url) = &arguments.box_url {
        event = register(&event, url, arguments, environment)?;
    }
    let text = pretty(&event);
    if let Some(path) = &arguments.output {
        return write_new(path, text.as_bytes());
    }
    terminal.out_raw(text.as_bytes());
    Ok(())
}

/// Uploads the file to a running mock and registers the event there. Returns the event with the
/// tokens that the mock gave it.
fn register(
    event: &Value,
    url: &Url,
    arguments: &NewArgs,
    environment: &Environment,
) -> Result<Value, Failure> {
    let name = arguments.admin_token_env.as_deref();
    let token = secret_variables::secret(name, "--admin-token-env", environment)?;
    let mock = Mock::new(Connections::new(environment), url.clone(), token);
    let outside = |error: String| Problem::new(error).outside();
    let runtime = runtime::runtime()?;
    runtime.block_on(async {
        let file = tokio::fs::File::open(&arguments.file)
            .await
            .map_err(|error| {
                let message = format!("cannot read {}: {error}", arguments.file.display());
                Problem::new(message).usage()
            })?;
        let refused = |error: MockError| {
            Problem::new(error.to_string())
                .help("start a mock with `skillctl mock-box`")
                .outside()
        };
        let content = mock.put_content(file).await.map_err(refused)?;
        let event = ToRegister {
            event: Cow::Owned(event.to_string().into_bytes()),
            content: Some(&content),
        };
        let registered = mock
            .register(&[event], Registration::default())
            .await
            .map_err(refused)?;
        let event = registered
            .first()
            .and_then(|text| serde_json::from_str(text.get()).ok());
        event.ok_or_else(|| {
            outside(format!(
                "the mock at {} did not register the event",
                redact_url(url)
            ))
        })
    })
}

fn blueprint(arguments: &NewArgs) -> Result<Blueprint, Failure> {
    let cannot = |why: &str| {
        let message = format!(
            "cannot make an event for {}: {why}",
            arguments.file.display()
        );
        Problem::new(message).usage()
    };
    let about = fs::metadata(&arguments.file).map_err(|error| cannot(&error.to_string()))?;
    if !about.is_file() {
        return Err(cannot("not a regular file"));
    }
    let own_name = arguments.file.file_name().and_then(|name| name.to_str());
    let name = match (&arguments.name, own_name) {
        (Some(name), _) => name.clone(),
        (None, Some(name)) => name.to_owned(),
        (None, None) => return Err(cannot("its name is not UTF-8; give one with --name")),
    };
    let created_at = arguments.created_at.unwrap_or_else(|| wall_clock()());
    let upload = Blueprint::upload(name, about.len(), created_at, random_number);
    let event_id = match arguments.trigger {
        Trigger::ConsoleTest => upload.event_id.clone(),
        _ => Uuid::new_v4().to_string(),
    };
    Ok(Blueprint {
        trigger: match arguments.trigger {
            Trigger::Upload => synthesis::Trigger::Upload,
            Trigger::Copy => synthesis::Trigger::Copy,
            Trigger::Move => synthesis::Trigger::Move,
            Trigger::ConsoleTest => synthesis::Trigger::ConsoleTest,
        },
        event_id,
        file_id: arguments.file_id.clone().unwrap_or(upload.file_id),
        // Box counts a move as a change.
        sequence_id: u64::from(arguments.trigger == Trigger::Move),
        folder_id: arguments.folder_id.clone(),
        old_folder_id: (arguments.trigger == Trigger::Move)
            .then(|| arguments.from_folder_id.clone()),
        skill_id: arguments.skill_id.clone(),
        skill_name: arguments.skill_name.clone(),
        enterprise_id: arguments.enterprise_id.clone(),
        ..upload
    })
}

fn random_number() -> u64 {
    Uuid::new_v4().as_u64_pair().0
}

/// Copies to a file that must not exist, not even as a dangling link.
fn copy(from: &Path, to: &Path) -> io::Result<u64> {
    let mut source = File::open(from)?;
    io::copy(&mut source, &mut File::create_new(to)?)
}

/// Writes a case folder for replay: `event.json` and `content.EXT`.
fn write_case(folder: &Path, event: &Value, arguments: &NewArgs, terminal: &Terminal) -> Outcome {
    let extension = Path::new(event["source"]["name"].as_str().unwrap_or_default())
        .extension()
        .and_then(|extension| extension.to_str())
        .unwrap_or("bin");
    let content = folder.join(format!("content.{extension}"));
    if content.exists() {
        return Err(already_exists(&content));
    }
    make_folder(folder)?;
    write_new(&folder.join("event.json"), pretty(event).as_bytes())?;
    copy(&arguments.file, &content).map_err(|error| {
        Problem::new(format!(
            "cannot copy {} to {}: {error}",
            arguments.file.display(),
            content.display()
        ))
        .outside()
    })?;
    terminal.note_line(Line::from(format!(
        "{0} is now a case; run it with: skillctl replay {0} --skill URL",
        folder.display()
    )));
    Ok(())
}
