//! What is done with a skill's output: printed at once, written to a log, shown after a failure.

use std::{
    borrow::Cow,
    fs::File,
    io::Write,
    os::unix::fs::FileTypeExt,
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    },
    thread,
    time::Duration,
};

use crate::{
    exit::{Failure, Problem},
    render::{
        ansi,
        text::{Line, Role, Text},
    },
    skill::output::{Excerpt, Output},
    terminal::Terminal,
};

/// The most lines of the beginning and of the end that are shown after a failure.
const MAX_HEAD: usize = 10;
const MAX_TAIL: usize = 30;
/// The most lines of the end that are in a report.
const MAX_REPORTED: usize = 200;
/// Characters of a line that are shown after a failure.
const MAX_SHOWN: usize = 1000;
/// The most lines that wait to be printed.
const MAX_QUEUED: usize = 4096;

/// A file that gets all that a skill prints.
pub(crate) struct SkillLog(Mutex<File>);

impl SkillLog {
    /// Makes the file of `--skill-log`, or empties it.
    ///
    /// # Errors
    /// Exit code 2 if it cannot be written.
    pub(crate) fn create(path: &Path) -> Result<Self, Failure> {
        let refuse = |reason: &dyn std::fmt::Display| {
            Problem::new(format!("--skill-log {}: {reason}", path.display())).usage()
        };
        let kind = path.metadata().map(|found| found.file_type());
        if kind.is_ok_and(|kind| kind.is_fifo() || kind.is_socket()) {
            // Nobody may be reading.
            return Err(refuse(&"a pipe cannot be the log; give a file"));
        }
        let file = File::create(path).map_err(|error| refuse(&error))?;
        Ok(Self(Mutex::new(file)))
    }

    /// Appends a line. A disk that is full must not end the run.
    fn write(&self, line: &str) {
        let mut file = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = file.write_all(format!("{}\n", ansi::plain(line)).as_bytes());
    }
}

/// Prints lines on a thread of its own, so that a terminal that stops reading blocks nothing else.
pub(super) struct LivePrinter {
    sender: SyncSender<Message>,
}

enum Message {
    Line(String),
    /// Everything before it is printed: answered.
    Flush(SyncSender<()>),
}

impl LivePrinter {
    fn start(terminal: &Terminal) -> Arc<Self> {
        let (sender, receiver) = sync_channel(MAX_QUEUED);
        let terminal = terminal.clone();
        thread::spawn(move || print_all(&receiver, &terminal));
        Arc::new(Self { sender })
    }

    /// Whether there was a place in the queue.
    fn print(&self, line: &str) -> bool {
        let sent = self.sender.try_send(Message::Line(line.to_owned()));
        !matches!(sent, Err(TrySendError::Full(_)))
    }

    /// Waits until what was printed so far is out, half a second at most.
    pub(super) fn flush(&self) {
        const FLUSH_TIMEOUT: Duration = Duration::from_millis(500);
        let (done, is_done) = sync_channel(1);
        if self.sender.try_send(Message::Flush(done)).is_ok() {
            let _ = is_done.recv_timeout(FLUSH_TIMEOUT);
        }
    }
}

fn print_all(receiver: &Receiver<Message>, terminal: &Terminal) {
    while let Ok(message) = receiver.recv() {
        match message {
            Message::Line(line) => {
                let mut shown = Line::new().with(Role::Dim, "skill | ");
                shown.append(&ansi::coloured(&line));
                terminal.note_line(shown);
            }
            Message::Flush(done) => drop(done.send(())),
        }
    }
}

/// A capture of a skill's output, which is also written to the log, and printed at once for a
/// `terminal`.
pub(super) fn capture(
    terminal: Option<&Terminal>,
    log: Option<Arc<SkillLog>>,
) -> (Output, Option<Arc<LivePrinter>>) {
    let printer = terminal.map(LivePrinter::start);
    let live = printer.clone();
    let handler = move |_, line: &str| {
        if let Some(log) = &log {
            log.write(line);
        }
        if let Some(live) = &live {
            // A reader that is too slow misses lines; the capture and the log have them.
            let _ = live.print(line);
        }
    };
    (Output::with_handler(Some(Arc::new(handler))), printer)
}

/// The beginning and the end of the output.
pub(super) fn output_of(output: &Output) -> Text {
    let Excerpt {
        head,
        left_out,
        tail,
    } = output.excerpt(MAX_HEAD, MAX_TAIL);
    let shown = |line: &String| {
        let mut shown = Line::new().with(Role::Dim, "| ");
        shown.append(&ansi::coloured(&shortened(line)));
        shown
    };
    let mut text: Text = head.iter().map(shown).collect();
    if left_out > 0 {
        let words =
            format!("… {left_out} lines left out; -v prints all, --skill-log FILE keeps them");
        text.push(Line::new().with(Role::Dim, words));
    }
    text.lines.extend(tail.iter().map(shown));
    text
}

/// The beginning and the end of the output for a report: without colours, tokens redacted.
pub(crate) fn report_lines(output: &Output) -> Vec<String> {
    let Excerpt {
        head,
        left_out,
        tail,
    } = output.excerpt(MAX_HEAD, MAX_REPORTED);
    let shown = |line: &String| ansi::plain(&shortened(line));
    let between = (left_out > 0).then(|| format!("… {left_out} lines left out"));
    head.iter()
        .map(shown)
        .chain(between)
        .chain(tail.iter().map(shown))
        .collect()
}

/// A line without what is beyond [`MAX_SHOWN`].
fn shortened(line: &str) -> Cow<'_, str> {
    match line.char_indices().nth(MAX_SHOWN) {
        None => Cow::Borrowed(line),
        Some((end, _)) => Cow::Owned(format!("{}…", &line[..end])),
    }
}
