//! The cassette of a `mock-box`: it answers the calls of the program to providers, and is written when
//! nothing happens for a moment, and at the end.

use std::{
    collections::VecDeque,
    fs::File,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{sync::watch, task::JoinHandle, time::sleep};

use crate::{
    cli::mock_box::MockBoxArgs,
    commands::cassette_files,
    domain::{
        cassette::{
            deck::{Deck, Mode, Recording},
            exchange::Entry,
            key::Ignored,
            values::EventValues,
        },
        event::invocation::Invocation,
        notice::Notice,
        outcome::{Observed, Status},
        secret_values::SecretValues,
        text::counted,
    },
    env::Environment,
    exit::{self, Failure, Outcome, Problem},
    render::text::Line,
    server::mock::MockBox,
    skill::runtimes::run_folder::Reach,
    store::Subscription,
    terminal::Terminal,
};

/// Events that calls may belong to; older ones are forgotten.
const MAX_EVENTS: usize = 256;
/// How long nothing may happen before what was recorded is written.
const QUIET: Duration = Duration::from_secs(1);
/// Bytes of all bodies that are recorded: as text they become a cassette of at most 200 MiB.
const MAX_BODIES: usize = 100 << 20;

/// What the options say of the cassette.
pub(super) struct CassettePlan<'a> {
    pub(super) mode: Mode,
    file: &'a Path,
    ignored: &'a [Ignored],
}

impl<'a> CassettePlan<'a> {
    /// Checks the options. `None` where there is no cassette.
    ///
    /// # Errors
    /// Exit code 2 for options that exclude each other.
    pub(super) fn new(arguments: &'a MockBoxArgs) -> Result<Option<Self>, Failure> {
        let mode = arguments.cassette.unwrap_or(Mode::Replay);
        let Some(file) = arguments.cassette_file.as_deref() else {
            return Ok(None);
        };
        if mode == Mode::Off {
            return Ok(None);
        }
        let refused = |message: &str, help: &str| Err(Problem::new(message).help(help).usage());
        if arguments.handler.is_none() && arguments.command.is_empty() {
            return refused(
                "a cassette needs a program that is started here",
                "give a command after --, or a --handler",
            );
        }
        if !arguments.listen.ip().is_loopback() {
            return refused(
                "a cassette needs a mock on a loopback address: its certificates are good for the hosts of providers",
                "leave out --listen, or give 127.0.0.1 and a port",
            );
        }
        if mode.records() && arguments.concurrency.is_some_and(|events| events > 1) {
            return refused(
                "--concurrency cannot be used while recording: a call must belong to one event",
                "record first, and then run with --cassette replay",
            );
        }
        Ok(Some(Self {
            mode,
            file,
            ignored: &arguments.cassette_ignore,
        }))
    }

    /// Reads the cassette, and locks it where it is to be recorded.
    ///
    /// # Errors
    /// Exit code 2 for a cassette that cannot be used, 3 where another process records it.
    pub(super) fn open(
        &self,
        environment: &Environment,
        terminal: &Terminal,
    ) -> Result<MockCassette, Failure> {
        let locked = if self.mode.records() {
            cassette_files::lock([self.file].into_iter())?
        } else {
            Vec::new()
        };
        let bytes = cassette_files::read_file(self.file)?;
        if bytes.is_none() && self.mode == Mode::Replay {
            let message = format!("there is no cassette {}", self.file.display());
            return Err(Problem::new(message)
                .help("record one with --cassette record")
                .usage());
        }
        let text = bytes
            .as_deref()
            .map(String::from_utf8_lossy)
            .map(String::from);
        let cassette = match bytes {
            Some(bytes) => Some(cassette_files::parse(self.file, bytes, terminal)?),
            None => None,
        };
        let deck = Arc::new(Deck::new(
            self.mode,
            self.mode.records(),
            cassette.as_slice(),
            self.ignored.to_vec(),
            SecretValues::from_variables(environment.vars()),
        ));
        Ok(MockCassette {
            mode: self.mode,
            path: self.file.to_owned().into(),
            has_calls: cassette.is_some(),
            deck,
            recorded: Arc::new(Mutex::new(Recorded {
                text,
                entries: Vec::new(),
                bytes: 0,
                left_out: 0,
                is_written: true,
            })),
            _locked: locked,
        })
    }
}

/// The cassette of a mock that runs.
pub(super) struct MockCassette {
    mode: Mode,
    path: Arc<Path>,
    has_calls: bool,
    pub(super) deck: Arc<Deck>,
    recorded: Arc<Mutex<Recorded>>,
    _locked: Vec<File>,
}

/// What was recorded since the start.
struct Recorded {
    /// The text of the file at the start, if it was there.
    text: Option<String>,
    entries: Vec<Entry>,
    /// Bytes of the bodies.
    bytes: usize,
    /// Calls for which there was no space.
    left_out: usize,
    is_written: bool,
}

impl Recorded {
    /// Adds calls, as long as there is space in a cassette.
    fn add(&mut self, entries: Vec<Entry>) {
        for entry in entries {
            let bytes = match &entry {
                Entry::Call(call) => call.request.body.len() + call.answer.body.len(),
                Entry::Callback(callback) => callback.request.body.len(),
            };
            if self.bytes + bytes > MAX_BODIES {
                self.left_out += 1;
                continue;
            }
            self.bytes += bytes;
            self.entries.push(entry);
            self.is_written = false;
        }
    }

    /// Writes the file, unless it holds everything; returns the number of calls that were written.
    fn write(&mut self, path: &Path, mode: Mode) -> Result<Option<usize>, Failure> {
        if self.is_written {
            return Ok(None);
        }
        let text = cassette_files::recorded_text(self.text.as_deref(), mode, &self.entries);
        cassette_files::write_file(path, &text)?;
        self.is_written = true;
        Ok(Some(self.entries.len()))
    }
}

impl MockCassette {
    /// What programs reach without the mock.
    pub(super) fn reach(&self) -> Reach {
        if self.deck.goes_out() {
            Reach::ThroughMock
        } else {
            Reach::MockAlone
        }
    }

    /// From now on every event that is registered has its values in calls replaced by placeholders.
    pub(super) fn follow_events(&self, mock: &MockBox) {
        let (deck, mode, url) = (Arc::clone(&self.deck), self.mode, mock.url());
        let case = self.has_calls.then_some(0);
        let known: Mutex<VecDeque<Arc<str>>> = Mutex::default();
        mock.store()
            .observe_events(Box::new(move |event: &Invocation<'_>| {
                let id: Arc<str> = event.id().into();
                let values = EventValues::new(event, Some(&url));
                // Nothing panics while holding this lock.
                let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
                if known.len() == MAX_EVENTS
                    && let Some(oldest) = known.pop_front()
                {
                    deck.end(&oldest);
                }
                known.push_back(Arc::clone(&id));
                deck.begin(id, case, mode, values);
            }));
    }

    /// Starts to write what is recorded whenever nothing happens for a moment.
    pub(super) fn start(self, mock: &MockBox, terminal: &Terminal) -> RunningCassette {
        let reader = mock.store().subscribe();
        let (stop, stopped) = watch::channel(false);
        let writing = tokio::spawn(self.run(reader, stopped, terminal.clone()));
        RunningCassette { stop, writing }
    }

    async fn run(
        self,
        mut reader: Subscription,
        mut stopped: watch::Receiver<bool>,
        terminal: Terminal,
    ) -> Outcome {
        const MAX_NOTICES: usize = 256;
        let mut has_failed = false;
        loop {
            reader.listen();
            let (notices, _) = reader.read(MAX_NOTICES);
            self.settle(&notices);
            let is_stopped = *stopped.borrow_and_update();
            let is_quiet = notices.is_empty() && !self.deck.has_any_open_call();
            if is_stopped && notices.is_empty() {
                return self.save(&terminal).await;
            }
            if is_quiet {
                let outcome = self.save(&terminal).await;
                if let Some(problem) = exit::problem(&outcome).filter(|_| !has_failed) {
                    has_failed = true;
                    terminal.problem(problem);
                }
            }
            let wake = async {
                if notices.is_empty() {
                    reader.notified().await;
                }
                sleep(QUIET).await;
            };
            tokio::select! {
                () = wake => {}
                _ = stopped.changed(), if !is_stopped => {}
            }
        }
    }

    /// An event whose skill has reported its end settles: calls that name no event belong to another.
    fn settle(&self, notices: &[Notice]) {
        for notice in notices {
            let Notice::Written(written) = notice else {
                continue;
            };
            let mut observed = Observed::default();
            observed.written(&written.record, 0.0, 0.0);
            if observed.status().is_some_and(Status::is_final) {
                written.events.iter().for_each(|id| self.deck.settle(id));
            }
        }
    }

    /// Writes what was recorded since the last time, if anything was.
    async fn save(&self, terminal: &Terminal) -> Outcome {
        let Recording { entries, lost } = self.deck.drain();
        for reason in lost {
            terminal.warn(&reason);
        }
        let (path, mode) = (Arc::clone(&self.path), self.mode);
        let recorded = Arc::clone(&self.recorded);
        let written = tokio::task::spawn_blocking(move || {
            // Nothing panics while holding this lock.
            let mut recorded = recorded.lock().unwrap_or_else(PoisonError::into_inner);
            recorded.add(entries);
            let left_out = std::mem::take(&mut recorded.left_out);
            recorded
                .write(&path, mode)
                .map(|written| (written, left_out))
        });
        let (written, left_out) = match written.await {
            Ok(written) => written?,
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        };
        let shown = self.path.display();
        if let Some(calls) = written {
            let calls = counted(calls, "call", "calls");
            terminal.note_line(Line::from(format!("wrote {shown}: {calls}")));
        }
        if left_out > 0 {
            let calls = counted(left_out, "call", "calls");
            let limit = MAX_BODIES >> 20;
            terminal.warn(&format!(
                "{calls} not recorded: {shown} holds bodies of {limit} MiB"
            ));
        }
        Ok(())
    }
}

/// Writes the cassette of a mock.
pub(super) struct RunningCassette {
    stop: watch::Sender<bool>,
    writing: JoinHandle<Outcome>,
}

impl RunningCassette {
    /// Writes the rest.
    ///
    /// # Errors
    /// Exit code 3 where the file cannot be written.
    pub(super) async fn end(self) -> Outcome {
        self.stop.send_replace(true);
        match self.writing.await {
            Ok(outcome) => outcome,
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
    }
}
