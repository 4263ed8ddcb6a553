//! The event pump of `mock-box`: the folder that is served, the skill that gets the events, and the
//! pump that sends them.

use std::{fmt::Write, path::Path, sync::Arc, time::Duration};

use url::Url;

use super::{launch::Launch, plan::SkillPlan};
use crate::{
    cli::skill_url::SkillUrl,
    client::Http,
    commands::{
        program::Program,
        skill::{self, RunningSkill},
    },
    delivery::{CallbackClient, Envelope, SkillClient},
    exit::{Failure, Problem},
    pump::{Callbacks, Pump, PumpOptions, PumpTotals},
    render::{text::Line, units::counted},
    store::{Store, Subscription},
    terminal::Terminal,
    watch::folder::{self, FolderError, ServedFolder},
};

/// How long a skill may take to reply (`docs/box/events.md`, "Delivery").
const REPLY_TIMEOUT: Duration = Duration::from_secs(10);

/// Checks that a folder can be served.
///
/// # Errors
/// Exit code 2 if it cannot.
pub(super) fn check_folder(path: &Path) -> Result<(), Failure> {
    folder::usable(path)
        .map(drop)
        .map_err(|error| unusable(&error))
}

/// Puts the files of a folder into the mock, and follows its changes.
pub(super) async fn serve_folder(
    store: &Arc<Store>,
    path: &Path,
    terminal: &Terminal,
) -> Result<ServedFolder, Failure> {
    let (store, folder) = (Arc::clone(store), path.to_owned());
    let opened = tokio::task::spawn_blocking(move || ServedFolder::open(store, &folder));
    let served = match opened.await {
        Ok(served) => served.map_err(|error| unusable(&error))?,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    };
    let files = counted(served.files, "file", "files");
    terminal.note_line(Line::from(format!("serving {files} of {}", path.display())));
    Ok(served)
}

fn unusable(error: &FolderError) -> Failure {
    let problem = Problem::new(error.to_string());
    match error {
        FolderError::Unusable { .. } => problem.help("--files takes a folder").usage(),
        FolderError::Unwatched { .. } => problem
            .help("raise the system's limit on watched folders: fs.inotify.max_user_watches")
            .outside(),
    }
}

/// A skill that gets events.
pub(super) struct SkillWithEvents {
    /// The skill, if it was started here.
    pub(super) skill: Option<RunningSkill>,
    pump: Pump,
    program: Option<Program>,
    url: Url,
}

impl SkillWithEvents {
    /// Starts the skill, and then the pump. `reader` holds the events since before the folder was
    /// served, so that none is missed.
    pub(super) async fn start(
        plan: SkillPlan,
        reader: Subscription,
        launch: &Launch<'_>,
    ) -> Result<Self, Failure> {
        let (skill, url) = start_skill(&plan, launch).await?;
        let own_url = url.clone();
        let callbacks = launch.deck.as_ref().map(|deck| Callbacks {
            deck: Arc::clone(deck),
            client: CallbackClient {
                http: Arc::new(Http::new(plan.connections.clone())),
                skill: url.clone(),
                deadline: REPLY_TIMEOUT,
            },
        });
        let options = PumpOptions {
            skill: SkillClient::new(
                plan.connections,
                url,
                plan.keys,
                Envelope::None,
                REPLY_TIMEOUT,
            ),
            schedule: plan.schedule,
            concurrency: launch.concurrency,
            extensions: plan.extensions,
            callbacks,
        };
        let pump = Pump::start(Arc::clone(launch.mock.store()), options, reader);
        Ok(Self {
            skill,
            pump,
            program: plan.program,
            url: own_url,
        })
    }

    /// Stops the program, and starts it again at the same URL. Events wait meanwhile: they are retried.
    pub(super) async fn restart(&mut self, launch: &Launch<'_>) -> Result<(), Failure> {
        if let Some(skill) = self.skill.take() {
            skill.stop().await;
        }
        if let Some(program) = &self.program {
            self.skill = Some(
                launch
                    .skill(program, Some(SkillUrl::Url(self.url.clone())))
                    .await?,
            );
        }
        Ok(())
    }

    /// Stops the pump and the skill, and prints the number of events.
    pub(super) async fn stop(self, terminal: &Terminal) {
        let PumpTotals {
            delivered,
            given_up,
            in_progress,
        } = self.pump.stop();
        let mut line = format!("{} delivered", counted(delivered, "event", "events"));
        for (number, state) in [(given_up, "given up"), (in_progress, "in progress")] {
            if number > 0 {
                // Writing to a string cannot fail.
                let _ = write!(line, ", {number} {state}");
            }
        }
        terminal.note_line(Line::from(line));
        if let Some(skill) = self.skill {
            skill.stop().await;
        }
    }
}

/// Starts the skill's program, if there is one. Returns the invocation URL too.
async fn start_skill(
    plan: &SkillPlan,
    launch: &Launch<'_>,
) -> Result<(Option<RunningSkill>, Url), Failure> {
    let Some(program) = &plan.program else {
        return match &plan.url {
            Some(SkillUrl::Url(url)) => Ok((None, url.clone())),
            Some(SkillUrl::Path(path)) => Err(skill::path_alone(path)),
            None => Err(Problem::new("there is no skill to send events to").usage()),
        };
    };
    let skill = launch.skill(program, plan.url.clone()).await?;
    let url = skill.url.clone();
    Ok((Some(skill), url))
}
