//! The event pump of `mock-box`: the folder that is served, the Skill that gets the events, and
//! the keys that sign them.

use std::{path::Path, sync::Arc, time::Duration};

use url::Url;

use super::context::{Context, sends_events};
use crate::{
    cli::mock_box::MockBoxArgs,
    client::Connections,
    commands::{
        secret_variables::signing_keys,
        skill::{self, RunningSkill},
    },
    delivery::{Envelope, SkillClient, schedule::Schedule},
    domain::event::signature::Keys,
    env::Environment,
    exit::{Failure, Problem},
    pump::{Pump, PumpOptions, PumpTotals},
    render::{text::Line, units::counted},
    server::mock::MockBox,
    store::Store,
    terminal::Terminal,
    watch::folder::{self, FolderError, ServedFolder},
};

/// How long a Skill has for its reply (`docs/box/events.md`, "Delivery").
const DEADLINE: Duration = Duration::from_secs(10);

/// What was asked for, checked before anything is started.
pub(super) struct Wanted {
    keys: Keys,
}

/// What is to be started beside the mock.
pub(super) struct Side {
    /// The Skill, where it is a command of ours.
    pub(super) skill: Option<RunningSkill>,
    pump: Option<Pump>,
    _folder: Option<ServedFolder>,
}

impl Wanted {
    /// Reads the keys, and looks at the folder.
    ///
    /// # Errors
    /// Exit code 2 for a variable that is not set, a folder that is none, and options that do
    /// nothing without a Skill.
    pub(super) fn of(arguments: &MockBoxArgs, environment: &Environment) -> Result<Self, Failure> {
        let keys = signing_keys(
            arguments.primary_key_env.as_deref(),
            arguments.secondary_key_env.as_deref(),
            environment,
        )?;
        if !keys.is_empty() && !sends_events(arguments) {
            return Err(Problem::new("there is no skill to sign events for")
                .help("give --skill URL, or a folder (--files) and a command")
                .usage());
        }
        if let Some(folder) = &arguments.files {
            folder::usable(folder).map_err(|error| refused(&error))?;
        }
        Ok(Self { keys })
    }
}

impl Side {
    /// Puts the folder into the mock, starts the Skill, and then the pump. What changes in the
    /// folder meanwhile gets its event.
    pub(super) async fn start(
        mock: &MockBox,
        wanted: Wanted,
        context: &Context<'_>,
    ) -> Result<Self, Failure> {
        let (store, arguments) = (mock.store(), context.arguments);
        let reader = store.subscribe();
        let folder = match &arguments.files {
            None => None,
            Some(path) => Some(open(store, path, context.terminal).await?),
        };
        let (skill, url) = if sends_events(arguments) {
            skill_of(&mock.url(), context).await?
        } else {
            (None, None)
        };
        let pump = url.map(|url| {
            let options = pump_options(arguments, wanted.keys, url, context.environment);
            Pump::start(Arc::clone(store), options, reader)
        });
        Ok(Self {
            skill,
            pump,
            _folder: folder,
        })
    }

    /// Ends what was started, and says what became of the events.
    pub(super) async fn stop(self, terminal: &Terminal) {
        if let Some(pump) = self.pump {
            let PumpTotals {
                delivered,
                given_up,
                in_progress,
            } = pump.stop();
            let others = [(given_up, "given up"), (in_progress, "in progress")]
                .into_iter()
                .filter(|(number, _)| *number > 0)
                .map(|(number, what)| format!("{number} {what}"));
            let said: Vec<String> = [format!(
                "{} delivered",
                counted(delivered, "event", "events")
            )]
            .into_iter()
            .chain(others)
            .collect();
            terminal.note_line(Line::from(said.join(", ")));
        }
        if let Some(skill) = self.skill {
            skill.stop().await;
        }
    }
}

fn refused(error: &FolderError) -> Failure {
    let problem = Problem::new(error.to_string());
    match error {
        FolderError::Unusable { .. } => problem.help("--files takes a folder").usage(),
        FolderError::Unwatched { .. } => problem
            .help("the system may watch too few folders: see fs.inotify.max_user_watches")
            .outside(),
    }
}

async fn open(
    store: &Arc<Store>,
    path: &Path,
    terminal: &Terminal,
) -> Result<ServedFolder, Failure> {
    let (store, folder) = (Arc::clone(store), path.to_owned());
    let opened = tokio::task::spawn_blocking(move || ServedFolder::open(store, &folder));
    let served = match opened.await {
        Ok(served) => served.map_err(|error| refused(&error))?,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    };
    let files = counted(served.files, "file", "files");
    terminal.note_line(Line::from(format!("serving {files} of {}", path.display())));
    Ok(served)
}

/// The Skill, where it is to be started, and its URL.
async fn skill_of(
    mock_url: &str,
    context: &Context<'_>,
) -> Result<(Option<RunningSkill>, Option<Url>), Failure> {
    let arguments = context.arguments;
    let Some(program) = &context.program else {
        return Ok((None, arguments.skill.clone()));
    };
    let words = program.command_line(context.folder)?;
    let skill = skill::start(
        words,
        arguments.skill.clone(),
        Some(mock_url),
        Some(&context.files),
        context.environment,
        context.terminal,
    )
    .await?;
    let url = skill.url.clone();
    Ok((Some(skill), Some(url)))
}

fn pump_options(
    arguments: &MockBoxArgs,
    keys: Keys,
    url: Url,
    environment: &Environment,
) -> PumpOptions {
    let ending = |text: &String| text.trim().trim_start_matches('.').to_ascii_lowercase();
    PumpOptions {
        skill: SkillClient::new(
            Connections::new(environment),
            url,
            keys,
            Envelope::None,
            DEADLINE,
        ),
        schedule: Schedule::new(arguments.retries),
        concurrency: arguments.concurrency,
        extensions: arguments.extensions.iter().map(ending).collect(),
    }
}
