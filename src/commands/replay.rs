//! `skillctl replay`: fixtures, a mock, a Skill, a run, and what is printed of it.

use std::{fs, net::SocketAddr, path::PathBuf, time::Duration};

use serde_json::json;
use tempfile::TempDir;
use tokio::{
    net::TcpStream,
    sync::{mpsc, watch},
    time::timeout,
};
use unicode_width::UnicodeWidthStr;
use url::Url;

use super::{
    fixtures,
    mock::{self, RunningMock, Start},
    skill::{self, RunningSkill},
};
use crate::{
    cli::{OutputFormat, replay::ReplayArgs},
    client::Connections,
    delivery::{Courier, Envelope},
    domain::{
        card::normalise::normalised,
        event::signature::Keys,
        outcome::{Outcome as Judged, Summary, check::Check},
    },
    env::{Environment, wall_clock},
    exit::{Failure, Outcome, Problem},
    mock_box::{faults::Faults, state::Settings as BoxSettings},
    render::{
        cards, replay as draw, replay_json,
        text::{Line, Role},
    },
    replay::{Case, Mock, Run, Settings, Told, mock::Registration},
    server::egress::Egress,
    supervise::{
        handler::Handler,
        run_folder::{RunFolder, TrustFiles},
    },
    terminal::Terminal,
};

/// Where a mock listens unless it is told otherwise.
const USUAL_PORT: u16 = 7269;

/// Runs the command.
pub(super) fn run(
    arguments: &ReplayArgs,
    environment: &Environment,
    terminal: &Terminal,
) -> Outcome {
    for url in [&arguments.skill, &arguments.box_url].into_iter().flatten() {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(Problem::new(format!("{url} is no http(s) URL")).usage());
        }
    }
    handler(arguments)?;
    let mut cases = fixtures::read(&arguments.fixtures, terminal)?;
    for expected in cases.iter_mut().filter_map(|case| case.expected.as_mut()) {
        expected.tolerance = arguments.tolerance;
    }
    let runtime = super::runtime()?;
    let verdict = runtime.block_on(whole(arguments, cases, environment, terminal));
    // What still waits on a blocking call must not hold the end up.
    runtime.shutdown_timeout(Duration::from_millis(100));
    verdict
}

/// Everything between reading the fixtures and the verdict; what was started is ended again.
async fn whole(
    arguments: &ReplayArgs,
    cases: Vec<Case>,
    environment: &Environment,
    terminal: &Terminal,
) -> Outcome {
    let mut box_side = BoxSide::find(arguments, environment).await?;
    let verdict = match skill_side(arguments, &mut box_side, environment, terminal).await {
        Err(failure) => Err(failure),
        Ok(skill) => {
            let verdict = play(
                arguments,
                cases,
                &box_side.url,
                &skill,
                environment,
                terminal,
            )
            .await;
            if matches!(verdict, Err(Failure::Check))
                && !terminal.is_verbose()
                && let Some(output) = skill.output()
            {
                terminal.note_line(Line::new().with(Role::Strong, "output of the skill"));
                terminal.note(&output);
            }
            skill.stop().await;
            verdict
        }
    };
    if let Some(own) = box_side.own {
        own.stop().await;
    }
    verdict
}

/// The mock of a run: another's, or its own.
struct BoxSide {
    url: Url,
    own: Option<RunningMock>,
    folder: Option<RunFolder>,
}

impl BoxSide {
    /// The one that `--box` names, else the one on the usual port, else one of our own: on the
    /// usual port for a Skill that already runs and can know no other, on a free one for a Skill
    /// that is started here.
    async fn find(arguments: &ReplayArgs, environment: &Environment) -> Result<Self, Failure> {
        let usual = SocketAddr::from(([127, 0, 0, 1], USUAL_PORT));
        if let Some(url) = &arguments.box_url {
            return Ok(Self::other(url.clone()));
        }
        if let Some(url) = answering(usual, environment).await {
            return Ok(Self::other(url));
        }
        let starts_skill =
            arguments.sample_skill || arguments.handler.is_some() || !arguments.command.is_empty();
        let listen = if starts_skill {
            SocketAddr::from(([127, 0, 0, 1], 0))
        } else {
            usual
        };
        let own = mock::start(Start {
            listen,
            settings: BoxSettings::default(),
            record: None,
            fsync: false,
            faults: Faults::default(),
            admin_token: None,
            egress: Egress::of(environment),
            ca_dir: None,
        })?;
        let url = Url::parse(&own.url())
            .map_err(|error| Problem::new(format!("the mock has no URL: {error}")).outside())?;
        Ok(Self {
            url,
            own: Some(own),
            folder: None,
        })
    }

    fn other(url: Url) -> Self {
        Self {
            url,
            own: None,
            folder: None,
        }
    }

    /// The files that lead a Skill's TLS to this mock. Those of another's mock are found where it
    /// says, on the same machine; else the Skill is led by its base URLs alone.
    async fn trust(
        &mut self,
        environment: &Environment,
        terminal: &Terminal,
    ) -> Result<Option<TrustFiles>, Failure> {
        let Some(own) = &self.own else {
            let mock = Mock::new(Connections::new(environment), self.url.clone(), None);
            let trust = mock
                .trust()
                .await
                .map_err(|error| Problem::new(error.to_string()).outside())?;
            return Ok(match (trust.ca, trust.bundle, trust.preload) {
                (Some(ca), Some(bundle), Some(preload)) if ca.exists() => Some(TrustFiles {
                    ca,
                    bundle,
                    preload,
                }),
                _ => None,
            });
        };
        let folder = own.trust_files(environment).await?;
        for warning in &folder.warnings {
            terminal.warn(warning);
        }
        let files = folder.files();
        self.folder = Some(folder);
        Ok(Some(files))
    }
}

/// The mock on the usual port, if one answers there.
async fn answering(address: SocketAddr, environment: &Environment) -> Option<Url> {
    const PATIENCE: Duration = Duration::from_secs(2);
    timeout(PATIENCE, TcpStream::connect(address))
        .await
        .ok()?
        .ok()?;
    let url = Url::parse(&format!("http://{address}")).ok()?;
    let mock = Mock::new(Connections::new(environment), url.clone(), None);
    timeout(PATIENCE, mock.health()).await.ok()?.ok()?;
    Some(url)
}

/// The function that is to be the Skill.
fn handler(arguments: &ReplayArgs) -> Result<Option<Handler>, Failure> {
    let parse = |text: &String| {
        Handler::parse(text)
            .map_err(|reason| Problem::new(format!("--handler {text}: {reason}")).usage())
    };
    arguments.handler.as_ref().map(parse).transpose()
}

/// The command line of the Skill, empty where it runs already, and the folder that holds what it
/// needs.
fn words(arguments: &ReplayArgs) -> Result<(Vec<String>, Option<TempDir>), Failure> {
    if arguments.sample_skill {
        let program = std::env::current_exe().map_err(|error| {
            Problem::new(format!(
                "cannot find this program to start its skill: {error}"
            ))
            .outside()
        })?;
        let program = program.to_string_lossy().into_owned();
        return Ok((vec![program, "sample-skill".to_owned()], None));
    }
    let Some(handler) = handler(arguments)? else {
        return Ok((arguments.command.clone(), None));
    };
    let (words, folder) = tempfile::tempdir()
        .and_then(|folder| Ok((handler.prepare(folder.path())?, folder)))
        .map_err(|error| {
            Problem::new(format!("cannot write the adapter for {handler}: {error}")).outside()
        })?;
    Ok((words, Some(folder)))
}

async fn skill_side(
    arguments: &ReplayArgs,
    box_side: &mut BoxSide,
    environment: &Environment,
    terminal: &Terminal,
) -> Result<RunningSkill, Failure> {
    let (words, adapter) = words(arguments)?;
    if words.is_empty() {
        let url = arguments.skill.clone().ok_or_else(|| {
            Problem::new("no skill to replay to")
                .help("give --skill URL")
                .usage()
        })?;
        return skill::running(url).await;
    }
    let trust = box_side.trust(environment, terminal).await?;
    let url = arguments.skill.clone();
    let mut skill = skill::start(
        words,
        url,
        box_side.url.as_str(),
        trust.as_ref(),
        environment,
        terminal,
    )
    .await?;
    skill.adapter = adapter;
    Ok(skill)
}

async fn play(
    arguments: &ReplayArgs,
    cases: Vec<Case>,
    mock_url: &Url,
    skill: &RunningSkill,
    environment: &Environment,
    terminal: &Terminal,
) -> Outcome {
    let places: Vec<Option<PathBuf>> = cases
        .iter()
        .map(|case| case.expected_path.clone())
        .collect();
    let mut report = Report {
        arguments,
        terminal,
        columns: name_columns(&cases, arguments.repeat),
        places,
        not_updated: 0,
    };
    let connections = Connections::new(environment);
    let run = Run {
        settings: settings(arguments),
        mock: Mock::new(connections.clone(), mock_url.clone(), None),
        courier: Courier::new(
            connections,
            skill.url.clone(),
            Keys::default(),
            Envelope::None,
            arguments.timeout,
        ),
        clock: wall_clock(),
        died: skill.died.clone(),
        stop: interrupted(),
        cases,
    };
    let stop = run.stop.clone();
    let (tell, mut told) = mpsc::channel(64);
    let going = tokio::spawn(run.go(tell));
    while let Some(what) = told.recv().await {
        if let Told::Judged(outcome) = what {
            report.judged(&outcome)?;
        }
    }
    let summary = match going.await {
        Ok(result) => result.map_err(|error| Problem::new(error.to_string()).outside())?,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    };
    let was_interrupted = *stop.borrow();
    report.end(&summary, was_interrupted)
}

fn settings(arguments: &ReplayArgs) -> Settings {
    let mut off: Vec<Check> = arguments
        .no_check
        .iter()
        .map(|name| (*name).into())
        .collect();
    if arguments.update {
        // What is about to be written cannot be what is compared with.
        off.push(Check::Expected);
    }
    Settings {
        concurrency: arguments.concurrency,
        repeat: arguments.repeat,
        wait: arguments.wait,
        settle: arguments.settle,
        registration: Registration {
            keep: arguments.keep,
            same_file: arguments.same_file,
        },
        fail_fast: arguments.fail_fast,
        off,
    }
}

/// Turns true at the first Ctrl-C; what is in flight is then finished. The second ends at once.
fn interrupted() -> watch::Receiver<bool> {
    let (stop, stopped) = watch::channel(false);
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            stop.send_replace(true);
        }
        // Held open: a run asks until its end.
        stop.closed().await;
    });
    stopped
}

fn name_columns(cases: &[Case], repeat: usize) -> usize {
    let number = if repeat > 1 {
        2 + repeat.to_string().len()
    } else {
        0
    };
    cases
        .iter()
        .map(|case| case.name.width())
        .max()
        .unwrap_or(0)
        + number
}

/// What is printed of a run.
struct Report<'a> {
    arguments: &'a ReplayArgs,
    terminal: &'a Terminal,
    columns: usize,
    places: Vec<Option<PathBuf>>,
    not_updated: usize,
}

impl Report<'_> {
    fn judged(&mut self, outcome: &Judged) -> Outcome {
        match self.arguments.format {
            OutputFormat::Json => {
                self.terminal
                    .out_line(&Line::raw(replay_json::outcome(outcome).to_string()));
            }
            OutputFormat::Human => self.draw(outcome),
        }
        if self.arguments.update {
            self.update(outcome)?;
        }
        Ok(())
    }

    fn draw(&self, outcome: &Judged) {
        self.terminal.out_line(&draw::line(outcome, self.columns));
        if !outcome.is_ok() {
            self.terminal.out(&draw::failure(outcome));
        }
        if self.arguments.show_cards
            && let Some(cards) = outcome
                .observed
                .cards
                .as_ref()
                .and_then(|cards| cards.as_array())
        {
            let sections = crate::domain::card::preview::sections(cards, None);
            let options = cards::text::Options {
                width: self.terminal.width.saturating_sub(6),
                full: false,
            };
            let mut text = crate::render::text::Text::new();
            text.append(cards::text::render(&sections, options), 6);
            self.terminal.out(&text);
        }
    }

    /// Writes what came of a case to its `expected.json`, unless a check failed.
    fn update(&mut self, outcome: &Judged) -> Outcome {
        let Some(Some(path)) = self.places.get(outcome.index) else {
            return Ok(());
        };
        // The outcome check compares with the old status, which is about to be replaced.
        if outcome.failures().any(|(check, _)| check != Check::Outcome) {
            self.not_updated += 1;
            let message = format!("{} is left as it was: a check failed", path.display());
            self.terminal.warn(&message);
            return Ok(());
        }
        let cards = outcome.observed.cards.as_ref().map(normalised);
        let expected = json!({ "status": draw::status_word(&outcome.observed), "cards": cards });
        let text = format!("{expected:#}\n");
        fs::write(path, text).map_err(|error| {
            Problem::new(format!("cannot write {}: {error}", path.display())).outside()
        })
    }

    fn end(&self, summary: &Summary, was_interrupted: bool) -> Outcome {
        match self.arguments.format {
            OutputFormat::Json => {
                self.terminal
                    .out_line(&Line::raw(replay_json::summary(summary).to_string()));
            }
            OutputFormat::Human => self.terminal.out(&draw::summary(summary)),
        }
        if was_interrupted {
            return Err(Failure::Interrupted);
        }
        if summary.is_ok() && self.not_updated == 0 {
            Ok(())
        } else {
            Err(Failure::Check)
        }
    }
}
