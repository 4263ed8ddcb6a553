//! What a child process prints, kept line by line within a bound: enough to show why it failed.

use std::{
    collections::{BTreeMap, VecDeque},
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::io::{AsyncRead, AsyncReadExt};

use super::runtimes::own::is_jvm_notice;
use crate::env::activity::Activity;

/// Bytes that are kept of the end of the output, where a program says why it failed.
const MAX_KEPT_BYTES: usize = 256 * 1024;
/// The lines that are kept of its beginning.
const MAX_FIRST_LINES: usize = 20;
/// Bytes of the longest line; a longer one is kept in parts.
const MAX_LINE_BYTES: usize = 8 * 1024;

/// One of a child's two streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// Its standard output.
    Out,
    /// Its standard error.
    Err,
}

/// Called with each line as it is printed, without its line end. It runs on a task of the runtime, so
/// it must not block.
pub type LineHandler = Arc<dyn Fn(Stream, &str) + Send + Sync>;

/// The captured output of a child. Clones share it.
#[derive(Clone, Default)]
pub struct Output {
    lines: Arc<Mutex<Lines>>,
    handler: Option<LineHandler>,
    activity: Activity,
}

/// The beginning and the end of an output. The lines may hold any characters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Excerpt {
    /// The first lines.
    pub head: Vec<String>,
    /// The number of lines between both.
    pub left_out: usize,
    /// The last lines.
    pub tail: Vec<String>,
}

#[derive(Default)]
struct Lines {
    first: Vec<String>,
    kept: VecDeque<String>,
    bytes: usize,
    dropped: usize,
    /// The unfinished last line of each pipe that has one.
    unfinished: BTreeMap<u64, String>,
    /// The number of pipes so far.
    pipes: u64,
}

impl Output {
    /// An empty output; each line is also given to `handler`.
    pub fn with_handler(handler: Option<LineHandler>) -> Self {
        Self {
            lines: Arc::default(),
            handler,
            activity: Activity::default(),
        }
    }

    /// When something was last printed.
    pub fn activity(&self) -> Activity {
        self.activity.clone()
    }

    /// A push that panics leaves consistent lines behind, so a poisoned lock is used.
    fn lines(&self) -> MutexGuard<'_, Lines> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// At most `head` of the first lines (up to 20 are kept), and `tail` of the last ones. A line that
    /// is not finished yet is the last.
    pub fn excerpt(&self, head: usize, tail: usize) -> Excerpt {
        let lines = self.lines();
        let total = lines.kept.len() + lines.dropped + lines.unfinished.len();
        let tail_from = total.saturating_sub(tail).max(lines.dropped);
        let head: Vec<String> = lines
            .first
            .iter()
            .take(head.min(tail_from))
            .cloned()
            .collect();
        let kept = lines.kept.iter().chain(lines.unfinished.values());
        Excerpt {
            left_out: tail_from - head.len(),
            tail: kept.skip(tail_from - lines.dropped).cloned().collect(),
            head,
        }
    }

    /// The number of lines, dropped ones included.
    pub fn total(&self) -> usize {
        let lines = self.lines();
        lines.kept.len() + lines.dropped
    }

    /// Adds a line of skillctl's own, as if the child had printed it.
    pub(super) fn note(&self, line: &str) {
        self.push(Stream::Err, line.as_bytes());
    }

    fn push(&self, stream: Stream, line: &[u8]) {
        let line = String::from_utf8_lossy(line.strip_suffix(b"\r").unwrap_or(line)).into_owned();
        if stream == Stream::Err && is_jvm_notice(&line) {
            return;
        }
        if let Some(handler) = &self.handler {
            handler(stream, &line);
        }
        self.keep(line);
    }

    /// Keeps a line of skillctl's own, to be shown after a failure alone.
    pub(super) fn note_quietly(&self, line: &str) {
        self.keep(line.to_owned());
    }

    fn keep(&self, line: String) {
        let mut lines = self.lines();
        if lines.first.len() < MAX_FIRST_LINES {
            lines.first.push(line.clone());
        }
        lines.bytes += line.len() + size_of::<String>();
        lines.kept.push_back(line);
        while lines.bytes > MAX_KEPT_BYTES {
            let Some(oldest) = lines.kept.pop_front() else {
                break;
            };
            lines.bytes -= oldest.len() + size_of::<String>();
            lines.dropped += 1;
        }
    }

    /// Reads `from` to its end.
    pub(super) async fn read(self, stream: Stream, mut from: impl AsyncRead + Unpin) {
        let mut line = Vec::new();
        let mut buffer = vec![0; MAX_LINE_BYTES];
        let pipe = {
            let mut lines = self.lines();
            lines.pipes += 1;
            lines.pipes
        };
        // An error is the end of the pipe.
        while let Ok(read @ 1..) = from.read(&mut buffer).await {
            self.activity.touch();
            for part in buffer[..read].split_inclusive(|byte| *byte == b'\n') {
                line.extend_from_slice(part);
                if let Some(whole) = line.strip_suffix(b"\n") {
                    self.push(stream, whole);
                    line.clear();
                } else if line.len() >= MAX_LINE_BYTES {
                    let rest = line.split_off(character_boundary(&line));
                    self.push(stream, &line);
                    line = rest;
                }
            }
            self.set_unfinished(pipe, &line);
        }
        self.set_unfinished(pipe, &[]);
        if !line.is_empty() {
            self.push(stream, &line);
        }
    }

    /// Keeps the unfinished line of a pipe, for a program that prints half a line and waits.
    fn set_unfinished(&self, pipe: u64, line: &[u8]) {
        let unfinished = &mut self.lines().unfinished;
        if line.is_empty() {
            unfinished.remove(&pipe);
        } else {
            unfinished.insert(pipe, String::from_utf8_lossy(line).into_owned());
        }
    }
}

/// Where a line can be cut without cutting its last character, of at most four bytes.
fn character_boundary(line: &[u8]) -> usize {
    let is_start = |byte: &u8| byte & 0b1100_0000 != 0b1000_0000;
    let last = line.iter().rev().take(4).position(is_start);
    last.map_or(line.len(), |back| line.len() - 1 - back)
}

impl fmt::Debug for Output {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Output({} lines)", self.total())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &[u8]) -> Output {
        let output = Output::default();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .expect("a runtime");
        runtime.block_on(output.clone().read(Stream::Out, text));
        output
    }

    #[test]
    fn lines_are_kept_without_line_ends_and_the_last_needs_none() {
        let output = read(b"one\r\ntwo\n\nlast");
        assert_eq!(output.excerpt(0, 10).tail, ["one", "two", "", "last"]);
        let excerpt = output.excerpt(1, 1);
        assert_eq!(
            (excerpt.head, excerpt.tail),
            (vec!["one".to_owned()], vec!["last".to_owned()])
        );
        assert_eq!(excerpt.left_out, 2);
    }

    #[test]
    fn the_notice_of_the_jvm_about_its_options_is_left_out() {
        let notice =
            "Picked up JAVA_TOOL_OPTIONS: -Xmx64m -Dskillctl.run=/tmp/a -Dhttp.proxyHost=b";
        let output = Output::default();
        for line in [notice, "Picked up JAVA_TOOL_OPTIONS: -Xmx64m", "listening"] {
            output.push(Stream::Err, line.as_bytes());
        }
        let own = "Picked up JAVA_TOOL_OPTIONS: -Xmx64m";
        assert_eq!(output.excerpt(0, 10).tail, [own, "listening"]);
    }

    #[test]
    fn of_a_long_output_the_end_is_kept_within_the_bound() {
        let text = "x".repeat(99) + "\n";
        let output = read((text.repeat(10_000) + "the reason").as_bytes());
        assert_eq!(output.total(), 10_001);
        let Excerpt {
            head,
            left_out,
            tail,
        } = output.excerpt(10, usize::MAX);
        assert!(tail.len() < 3000, "{}", tail.len());
        assert_eq!(tail.last().map(String::as_str), Some("the reason"));
        assert_eq!(head.len() + left_out + tail.len(), 10_001);
        assert_eq!(head.len(), 10);
        let long = read(&vec![b'y'; 10 * MAX_KEPT_BYTES]);
        let bytes: usize = long
            .excerpt(0, usize::MAX)
            .tail
            .iter()
            .map(String::len)
            .sum();
        assert!(bytes <= MAX_KEPT_BYTES, "{bytes}");
    }

    #[tokio::test]
    async fn half_a_line_is_shown_while_it_is_not_finished() {
        use tokio::io::AsyncWriteExt;
        let output = Output::default();
        let (mut ours, theirs) = tokio::io::duplex(64);
        let reading = tokio::spawn(output.clone().read(Stream::Out, theirs));
        ours.write_all("one\nPassword: ü".as_bytes())
            .await
            .expect("it is read");
        while output.excerpt(0, 9).tail.len() < 2 {
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
        assert_eq!(output.excerpt(0, 9).tail, ["one", "Password: ü"]);
        drop(ours);
        reading.await.expect("it ends");
        assert_eq!(output.excerpt(0, 9).tail, ["one", "Password: ü"]);
    }

    #[test]
    fn long_lines_are_cut_between_characters_and_binary_is_kept_as_text() {
        let output = read("ü".repeat(MAX_LINE_BYTES).as_bytes());
        let tail = output.excerpt(0, 9).tail;
        assert_eq!(tail.concat(), "ü".repeat(MAX_LINE_BYTES));
        let binary = read(&vec![0xff; 3 * MAX_LINE_BYTES]);
        let tail = binary.excerpt(0, 9).tail;
        assert!(tail.concat().chars().all(|it| it == '\u{fffd}'));
        assert_eq!(tail.concat().chars().count(), 3 * MAX_LINE_BYTES);
    }
}
