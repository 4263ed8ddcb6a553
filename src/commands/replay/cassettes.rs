//! The cassettes of a replay: which cases have one, what happens to calls to providers, and the files that
//! are written.

use std::{collections::HashMap, fs::File, path::Path, sync::Arc};

use crate::{
    cli::replay::ReplayArgs,
    commands::cassette_files,
    domain::{
        cassette::{
            deck::{Deck, Mode, Recording},
            key::Ignored,
        },
        outcome::Outcome as Judged,
        secret_values::SecretValues,
        text::counted,
    },
    env::Environment,
    exit::{Failure, Problem},
    render::text::{Line, Role},
    replay::{CaseCassette, Plan},
    terminal::Terminal,
};

/// What the options say of cassettes.
#[derive(Clone, Debug)]
pub(super) struct CassetteOptions {
    /// What happens to calls to providers; if `None`, they are answered from the cassettes that are there.
    mode: Option<Mode>,
    ignored: Vec<Ignored>,
    /// Why cassettes cannot be used, if they cannot.
    unusable: Option<&'static str>,
}

impl CassetteOptions {
    /// Checks the options.
    ///
    /// # Errors
    /// Exit code 2 for options that exclude each other.
    pub(super) fn new(arguments: &ReplayArgs, is_started_here: bool) -> Result<Self, Failure> {
        let mode = arguments.cassette.filter(|mode| *mode != Mode::Off);
        let unusable = if arguments.no_mock || arguments.box_url.is_some() {
            Some("a cassette needs a mock of this run's own")
        } else if !is_started_here {
            Some("a cassette needs a skill that is started here")
        } else {
            None
        };
        if let (Some(_), Some(reason)) = (mode, unusable) {
            return Err(Problem::new(format!("--cassette cannot be used here: {reason}"))
                .help("start the skill with -- COMMAND, --handler or --sample-skill, without --box and --no-mock")
                .usage());
        }
        if mode.is_some_and(Mode::records)
            && let Some(option) = repeats(arguments)
        {
            return Err(Problem::new(format!(
                "{option} cannot be used while recording: a call must belong to one event"
            ))
            .help("record first, and then run with --cassette replay")
            .usage());
        }
        Ok(Self {
            mode: arguments.cassette,
            ignored: arguments.cassette_ignore.clone(),
            unusable,
        })
    }

    /// Whether calls are recorded.
    pub(super) fn records(&self) -> bool {
        self.mode.is_some_and(Mode::records)
    }
}

/// The option that sends an event more than once, or several at a time.
fn repeats(arguments: &ReplayArgs) -> Option<&'static str> {
    [
        (
            arguments.concurrency.is_some_and(|it| it > 1),
            "--concurrency",
        ),
        (arguments.repeat > 1, "--repeat"),
        (arguments.duration.is_some(), "--duration"),
        (arguments.rate.is_some(), "--rate"),
        (arguments.duplicate, "--duplicate"),
        (arguments.watch, "--watch"),
    ]
    .into_iter()
    .find_map(|(is_set, option)| is_set.then_some(option))
}

/// The cassettes of the cases of a run.
pub(super) struct CaseCassettes {
    pub(super) deck: Arc<Deck>,
    pub(super) by_case: Arc<HashMap<Arc<str>, CaseCassette>>,
    /// The mode of cases without a cassette.
    pub(super) without: Mode,
    files: HashMap<Arc<str>, CassetteFile>,
    /// Locked while this run records into them.
    _folders: Vec<File>,
}

/// The file of a cassette that is recorded.
struct CassetteFile {
    path: Arc<Path>,
    /// The text of the file, if it is there.
    text: Option<String>,
    mode: Mode,
}

impl CaseCassettes {
    /// Reads the cassettes of the cases; `None` if the run uses none.
    ///
    /// # Errors
    /// Exit code 2 for a cassette that cannot be used.
    pub(super) fn load(
        options: &CassetteOptions,
        cases: &Plan,
        environment: &Environment,
        terminal: &Terminal,
    ) -> Result<Option<Self>, Failure> {
        if options.mode == Some(Mode::Off) || options.mode.is_none() && !cases.has_cassettes {
            return Ok(None);
        }
        if let Some(reason) = options.unusable {
            terminal.warn(&format!(
                "the cassettes of the cases are left out: {reason}"
            ));
            return Ok(None);
        }
        let mut found = Vec::new();
        for case in cases.cases() {
            let case = case.map_err(|error| {
                crate::commands::fixtures::problem(error, terminal.width.saturating_sub(2))
            })?;
            if let Some(path) = &case.cassette_path {
                found.push((Arc::clone(&case.names.path), Arc::clone(path)));
            } else if options.records() {
                let name = &case.names.path;
                return Err(Problem::new(format!(
                    "{name} is not a case, so it has no place for a cassette"
                ))
                .help("make a case of it: skillctl event new FILE --case cases/NAME")
                .usage());
            }
        }
        Self::read(options, found, environment, terminal).map(Some)
    }

    fn read(
        options: &CassetteOptions,
        found: Vec<(Arc<str>, Arc<Path>)>,
        environment: &Environment,
        terminal: &Terminal,
    ) -> Result<Self, Failure> {
        let without = options.mode.unwrap_or(Mode::Off);
        let folders = if options.records() {
            cassette_files::lock(found.iter().map(|(_, path)| &**path))?
        } else {
            Vec::new()
        };
        let (mut cassettes, mut by_case, mut files) = (Vec::new(), HashMap::new(), HashMap::new());
        for (name, path) in found {
            let bytes = cassette_files::read_file(&path)?;
            let mode = match &bytes {
                Some(_) => options.mode.unwrap_or(Mode::Replay),
                None => without,
            };
            let mut index = None;
            let mut text = None;
            if let Some(bytes) = bytes {
                text = options
                    .records()
                    .then(|| String::from_utf8_lossy(&bytes).into_owned());
                let cassette = cassette_files::parse(&path, bytes, terminal)?;
                index = Some(cassettes.len());
                cassettes.push(cassette);
            }
            by_case.insert(Arc::clone(&name), CaseCassette { index, mode });
            if mode.records() {
                files.insert(name, CassetteFile { path, text, mode });
            }
        }
        let goes_out = options.mode != Some(Mode::Replay)
            && (without == Mode::Off && by_case.values().any(|it| it.mode == Mode::Off)
                || options.records());
        let deck = Deck::new(
            options.mode.unwrap_or(Mode::Replay),
            goes_out,
            &cassettes,
            options.ignored.clone(),
            SecretValues::from_variables(environment.vars()),
        );
        Ok(Self {
            deck: Arc::new(deck),
            by_case: Arc::new(by_case),
            without,
            files,
            _folders: folders,
        })
    }

    /// Writes what was recorded for an event to the cassette of its case, unless a check failed; returns
    /// the lines that say so, and what was not recorded.
    ///
    /// # Errors
    /// Exit code 3 where the file cannot be written.
    pub(super) fn save(&self, outcome: &Judged) -> Result<Vec<Line>, Failure> {
        let mut lines = Vec::new();
        let Recording { entries, lost } = self.deck.take_recording(&outcome.case.names.event_id);
        let warning = |text: String| Line::new().with(Role::Warn, "warning: ").plain(text);
        for reason in lost {
            lines.push(warning(format!("{}: {reason}", outcome.case)));
        }
        let Some(file) = self.files.get(&outcome.case.names.path) else {
            return Ok(lines);
        };
        let shown = file.path.display();
        if entries.is_empty() {
            return Ok(lines);
        }
        if !outcome.is_ok() {
            lines.push(warning(format!("{shown} was not written: a check failed")));
            return Ok(lines);
        }
        let text = cassette_files::recorded_text(file.text.as_deref(), file.mode, &entries);
        cassette_files::write_file(&file.path, &text)?;
        let calls = counted(entries.len(), "call", "calls");
        lines.push(Line::from(format!("wrote {shown}: {calls}")));
        Ok(lines)
    }
}
