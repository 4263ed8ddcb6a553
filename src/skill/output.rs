//! What a child process prints, kept line by line within a bound: enough to show why it failed.

use std::{
    collections::VecDeque,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::io::{AsyncRead, AsyncReadExt};

use super::runtimes::own::is_jvm_notice;

/// Bytes that are kept: the end of the output, where a program says why it failed.
const MAX_KEPT_BYTES: usize = 256 * 1024;
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
}

#[derive(Default)]
struct Lines {
    kept: VecDeque<String>,
    bytes: usize,
    dropped: usize,
}

impl Output {
    /// An empty output; each line is also given to `handler`.
    pub fn with_handler(handler: Option<LineHandler>) -> Self {
        Self {
            lines: Arc::default(),
            handler,
        }
    }

    /// A push that panics leaves consistent lines behind, so a poisoned lock is used.
    fn lines(&self) -> MutexGuard<'_, Lines> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The last `count` lines, oldest first. They may hold any characters.
    pub fn tail(&self, count: usize) -> Vec<String> {
        let lines = self.lines();
        let skipped = lines.kept.len().saturating_sub(count);
        lines.kept.iter().skip(skipped).cloned().collect()
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
        let mut lines = self.lines();
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
        // An error is the end of the pipe.
        while let Ok(read @ 1..) = from.read(&mut buffer).await {
            for part in buffer[..read].split_inclusive(|byte| *byte == b'\n') {
                line.extend_from_slice(part);
                if let Some(whole) = line.strip_suffix(b"\n") {
                    self.push(stream, whole);
                    line.clear();
                } else if line.len() >= MAX_LINE_BYTES {
                    self.push(stream, &line);
                    line.clear();
                }
            }
        }
        if !line.is_empty() {
            self.push(stream, &line);
        }
    }
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
        assert_eq!(output.tail(10), ["one", "two", "", "last"]);
        assert_eq!(output.tail(1), ["last"]);
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
        assert_eq!(output.tail(10), [own, "listening"]);
    }

    #[test]
    fn of_a_long_output_the_end_is_kept_within_the_bound() {
        let text = "x".repeat(99) + "\n";
        let output = read((text.repeat(10_000) + "the reason").as_bytes());
        assert_eq!(output.total(), 10_001);
        let kept = output.tail(usize::MAX);
        assert!(kept.len() < 3000, "{}", kept.len());
        assert_eq!(kept.last().map(String::as_str), Some("the reason"));
        let long = read(&vec![b'y'; 10 * MAX_KEPT_BYTES]);
        let bytes: usize = long.tail(usize::MAX).iter().map(String::len).sum();
        assert!(bytes <= MAX_KEPT_BYTES, "{bytes}");
    }
}
