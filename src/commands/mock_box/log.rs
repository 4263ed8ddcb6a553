//! The log of `mock-box`: a line for each call and each sent event and, with `--show-cards`, the cards
//! that are written.

use std::{collections::HashMap, sync::Arc, time::Duration};

use jiff::{Timestamp, tz::TimeZone};
use tokio::{
    runtime::Handle,
    sync::watch,
    task::JoinHandle,
    time::{sleep, timeout},
};

use super::plan::LogOptions;
use crate::{
    cli::OutputFormat,
    domain::{
        call::WriteRecord,
        card::preview::sidebar,
        json::tree::Items,
        notice::Notice,
        outcome::{Findings, Observed},
    },
    env::local_time_zone,
    render::{
        calls, cards,
        findings::{Finding, grouped},
        json, pump,
        text::{Line, Text},
    },
    store::{Store, Subscription},
    terminal::Terminal,
};

/// The most files whose invocation has not ended that are remembered.
const MAX_OPEN: usize = 10_000;
/// The columns that cards are indented by.
const INDENT: usize = 6;

/// The log, printed on a thread of its own, so that a slow reader does not block the mock.
pub(super) struct Log {
    stop: watch::Sender<bool>,
    printed: JoinHandle<()>,
}

impl Log {
    /// Starts to print everything since the start of the mock.
    pub(super) fn start(store: &Arc<Store>, options: LogOptions, terminal: &Terminal) -> Self {
        let (stop, stopped) = watch::channel(false);
        let reader = store.subscribe_after(0);
        let (store, terminal) = (Arc::clone(store), terminal.clone());
        let runtime = Handle::current();
        let printed = tokio::task::spawn_blocking(move || {
            let mut printer = Printer {
                terminal: terminal.clone(),
                to_stderr: options.to_stderr,
                shown: match options.format {
                    OutputFormat::Json => None,
                    OutputFormat::Human => {
                        let width = options.show_cards.then_some(terminal.width);
                        Some(Shown::new(&store, width))
                    }
                },
            };
            runtime.block_on(follow(reader, stopped, &mut printer));
        });
        Self { stop, printed }
    }

    /// Prints the rest, and ends. Does not wait for a reader that has stopped reading.
    pub(super) async fn end(self) {
        const READER_TIMEOUT: Duration = Duration::from_millis(500);
        self.stop.send_replace(true);
        let _ = timeout(READER_TIMEOUT, self.printed).await;
    }
}

/// Prints notices as they arrive, until `stopped` is set and all are printed.
async fn follow(
    mut reader: Subscription,
    mut stopped: watch::Receiver<bool>,
    printer: &mut Printer,
) {
    /// Few enough that the memory for their lines is reused while it is still in the cache.
    const MAX_BATCH: usize = 192;
    /// Waking up for each line would cost more than printing it.
    const PRINT_INTERVAL: Duration = Duration::from_millis(10);
    let mut before = 0;
    loop {
        reader.listen();
        let (notices, last) = reader.read_wanted(MAX_BATCH, printer.wants());
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
        if read < MAX_BATCH as u64 {
            sleep(PRINT_INTERVAL).await;
        }
    }
}

/// Prints notices in one of the two formats.
struct Printer {
    terminal: Terminal,
    to_stderr: bool,
    /// The lines for people; none if the format is JSON.
    shown: Option<Shown>,
}

impl Printer {
    /// Which of the next notices are printed.
    fn wants(&self) -> impl FnMut(&Notice) -> bool + use<> {
        let is_for_people = self.shown.is_some();
        move |notice| match notice {
            Notice::Opened(_) => !is_for_people,
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
        if self.to_stderr {
            self.terminal.note(&lines);
        } else {
            self.terminal.out(&lines);
        }
    }
}

/// What `cards validate` finds in the cards that were written.
fn findings(observed: &Observed) -> Text {
    const MAX_LINES: usize = 3;
    let findings = Findings::from_observed(observed).cards;
    let shown = findings.iter().map(|finding| Finding {
        severity: finding.severity,
        code: finding.code,
        message: &finding.message,
        pointer: finding.pointer.as_str(),
    });
    grouped(shown, MAX_LINES)
}

/// Makes lines of notices.
struct Shown {
    store: Arc<Store>,
    zone: TimeZone,
    /// The width for cards, if they are printed.
    width: Option<usize>,
    /// The time of the event of each file whose invocation has not ended.
    open: HashMap<String, Timestamp>,
    /// Lines about writes whose call has no line yet, by the id of the file.
    held: HashMap<String, Text>,
}

impl Shown {
    fn new(store: &Arc<Store>, width: Option<usize>) -> Self {
        Self {
            store: Arc::clone(store),
            zone: local_time_zone(),
            width,
            open: HashMap::new(),
            held: HashMap::new(),
        }
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
                Notice::Written(written) => {
                    if self.held.len() == MAX_OPEN {
                        self.held.clear();
                    }
                    let lines = self.written(&written.record);
                    self.held.insert(written.record.file_id.to_string(), lines);
                }
                Notice::Closed(record) => {
                    let file = record.file_id.as_deref();
                    if let Some(lines) = file.and_then(|file| self.held.remove(file)) {
                        text.append(lines, 0);
                    }
                }
                _ => {}
            }
        }
        text
    }

    /// What is printed about a write, below the line of its call.
    fn written(&mut self, record: &WriteRecord) -> Text {
        let mut text = Text::new();
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
        text.append(findings(&observed), INDENT);
        let Some(status) = observed.status().filter(|status| status.is_final()) else {
            return text;
        };
        let since = self.open.remove(&*record.file_id);
        if since.is_some() || self.width.is_some() {
            let ms = since.map(|since| record.at.duration_since(since).as_secs_f64() * 1000.0);
            let count = cards.map_or(0, Items::len);
            text.push(pump::ended(&self.name_of(record), status, count, ms));
        }
        text
    }

    fn name_of(&self, record: &WriteRecord) -> String {
        self.store.read(|state| {
            let file = state.file(&record.file_id);
            file.map_or_else(|| record.file_id.to_string(), |file| file.name.clone())
        })
    }
}
