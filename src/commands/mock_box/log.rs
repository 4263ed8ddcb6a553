//! What `mock-box` prints while it runs: a line a call, the events that are sent, and, where that
//! is asked for, the cards as they are written.

use std::{collections::HashMap, sync::Arc, time::Duration};

use jiff::{Timestamp, tz::TimeZone};
use tokio::{
    runtime::Handle,
    sync::watch,
    task::JoinHandle,
    time::{sleep, timeout},
};

use super::context::sends_events;
use crate::{
    cli::{OutputFormat, mock_box::MockBoxArgs},
    domain::{
        call::WriteRecord, card::preview::sidebar, json::tree::Items, notice::Notice,
        outcome::Observed,
    },
    env::local_time_zone,
    render::{
        calls, cards, json, pump,
        text::{Line, Text},
    },
    store::{Store, Subscription},
    terminal::Terminal,
};

/// Files whose invocation's end is waited for, at the most.
const MAX_OPEN: usize = 10_000;
/// Columns that cards are moved right by.
const INDENT: usize = 6;

/// The log, printed on a thread of its own: a reader that stops to read holds up nobody else.
pub(super) struct Log {
    stop: watch::Sender<bool>,
    printed: JoinHandle<()>,
}

impl Log {
    pub(super) fn start(store: &Arc<Store>, arguments: &MockBoxArgs, terminal: &Terminal) -> Self {
        let (stop, stopped) = watch::channel(false);
        let reader = store.subscribe_after(0);
        let (store, terminal) = (Arc::clone(store), terminal.clone());
        let (format, show_cards) = (arguments.format, arguments.show_cards);
        // A command that is no Skill of ours prints where we do.
        let is_beside = arguments.handler.is_some() || !arguments.command.is_empty();
        let beside_a_command = is_beside && !sends_events(arguments);
        let runtime = Handle::current();
        let printed = tokio::task::spawn_blocking(move || {
            let mut printer = Printer {
                terminal: terminal.clone(),
                beside_a_command,
                shown: match format {
                    OutputFormat::Json => None,
                    OutputFormat::Human => {
                        Some(Shown::new(&store, show_cards.then_some(terminal.width)))
                    }
                },
            };
            runtime.block_on(follow(reader, stopped, &mut printer));
        });
        Self { stop, printed }
    }

    /// Prints what is left, unless nobody reads it.
    pub(super) async fn end(self) {
        const PATIENCE: Duration = Duration::from_millis(500);
        self.stop.send_replace(true);
        let _ = timeout(PATIENCE, self.printed).await;
    }
}

/// Hands on what happens, as it happens, until it is told to stop and all is told.
async fn follow(
    mut reader: Subscription,
    mut stopped: watch::Receiver<bool>,
    printer: &mut Printer,
) {
    /// So few that their lines are written over before they are forgotten.
    const AT_ONCE: usize = 192;
    /// Nobody reads faster than that, and being woken for each line costs more than the line.
    const BREATH: Duration = Duration::from_millis(10);
    let mut before = 0;
    loop {
        reader.listen();
        let (notices, last) = reader.read_wanted(AT_ONCE, printer.wants());
        let read = last - before;
        before = last;
        if read == 0 {
            if *stopped.borrow_and_update() {
                return;
            }
            tokio::select! {
                () = reader.notified() => {}
                _ = stopped.changed() => {}
            }
            continue;
        }
        printer.print(&notices);
        if read < AT_ONCE as u64 {
            sleep(BREATH).await;
        }
    }
}

/// Where the log goes, and in which form.
struct Printer {
    terminal: Terminal,
    /// Whether a command runs beside it that prints on stdout itself.
    beside_a_command: bool,
    /// What people are shown; nothing where programs read.
    shown: Option<Shown>,
}

impl Printer {
    /// Which of the next notices there is something to print of.
    fn wants(&self) -> impl FnMut(&Notice) -> bool + use<> {
        let is_for_people = self.shown.is_some();
        let mut shows_writes = self.shown.as_ref().is_none_or(Shown::shows_writes);
        move |notice| match notice {
            Notice::Opened(_) => !is_for_people,
            Notice::Written(_) => shows_writes,
            Notice::Placed(_) => {
                shows_writes = true;
                true
            }
            _ => true,
        }
    }

    fn print(&mut self, notices: &[Notice]) {
        let Some(shown) = &mut self.shown else {
            let object = |notice: &Notice| {
                let text = format!("{{\"{}\":{}}}", notice.kind(), notice.data());
                Line::raw(json::escaped(text))
            };
            return self.terminal.out(&notices.iter().map(object).collect());
        };
        let lines = shown.lines(notices);
        if self.beside_a_command {
            self.terminal.note(&lines);
        } else {
            self.terminal.out(&lines);
        }
    }
}

/// Notices as lines.
struct Shown {
    store: Arc<Store>,
    zone: TimeZone,
    /// The columns for cards, where they are shown.
    width: Option<usize>,
    /// When the files came whose invocations have no end yet.
    open: HashMap<String, Timestamp>,
}

impl Shown {
    fn new(store: &Arc<Store>, width: Option<usize>) -> Self {
        Self {
            store: Arc::clone(store),
            zone: local_time_zone(),
            width,
            open: HashMap::new(),
        }
    }

    /// Whether something is said of a write.
    fn shows_writes(&self) -> bool {
        self.width.is_some() || !self.open.is_empty()
    }

    fn lines(&mut self, notices: &[Notice]) -> Text {
        let mut text = Text::new();
        for notice in notices {
            if let Some(line) = calls::line(notice, &self.zone) {
                text.push(line);
            }
            match notice {
                Notice::Placed(placed) => {
                    if self.open.len() == MAX_OPEN {
                        self.open.clear();
                    }
                    self.open.insert(placed.file_id.clone(), placed.at);
                }
                Notice::Written(written) => self.written(&written.record, &mut text),
                _ => {}
            }
        }
        text
    }

    fn written(&mut self, record: &WriteRecord, text: &mut Text) {
        if self.width.is_none() && !self.open.contains_key(&*record.file_id) {
            // Nothing is said of it, and cards may be large to read.
            return;
        }
        let mut observed = Observed::default();
        observed.written(record, 0.0, 0.0);
        let cards = observed.cards();
        let cards = cards.as_ref().and_then(|cards| cards.tree().as_array());
        if let (Some(width), Some(cards)) = (self.width, cards) {
            let options = cards::text::Options {
                width: width.saturating_sub(INDENT),
                full: false,
            };
            let sidebar = sidebar(cards.iter(), Some(&record.file_version_id));
            text.append(cards::text::render(&sidebar, options), INDENT);
        }
        let Some(status) = observed.status().filter(|status| status.is_final()) else {
            return;
        };
        let came = self.open.remove(&*record.file_id);
        if came.is_some() || self.width.is_some() {
            let ms = came.map(|came| record.at.duration_since(came).as_secs_f64() * 1000.0);
            let count = cards.map_or(0, Items::len);
            text.push(pump::ended(&self.name_of(record), status, count, ms));
        }
    }

    fn name_of(&self, record: &WriteRecord) -> String {
        self.store.read(|state| {
            let file = state.file(&record.file_id);
            file.map_or_else(|| record.file_id.to_string(), |file| file.name.clone())
        })
    }
}
