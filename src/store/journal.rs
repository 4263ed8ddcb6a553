//! The write record file: one JSON line a metadata write, appended before the reply goes out,
//! read back when the mock starts again and when somebody asks for what was written. What a
//! record means is decided elsewhere.

mod error;
mod read;
mod sync;

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{self, BufRead, BufReader, Read, Write},
    mem,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::{
    domain::{
        call::{WriteOp, WriteRecord},
        json::document::message_of,
    },
    env::file_part::FilePart,
};
pub use error::JournalError;
pub use read::RecordReader;
use sync::Syncer;
pub(super) use sync::Ticket;

/// Every so many records the offset of one is kept, so that reading from any number on skips
/// most of the file at 16 bytes a stride.
const STRIDE: u64 = 64;
/// The longest line that is written and read, in bytes: an instance and its patch are far smaller.
const MAX_LINE: u64 = 128 * 1024 * 1024;
/// What is kept of the buffer for lines, in bytes.
const MAX_KEPT: usize = 256 * 1024;
/// Numbers that are no mock's: going on from there would run out of them.
const MAX_NUMBER: u64 = u64::MAX / 2;

/// The record file, open for appending.
#[derive(Debug)]
pub(super) struct Journal {
    file: Arc<File>,
    /// The file, for people.
    path: PathBuf,
    /// Device and inode of what `path` names; nothing for a file without a name.
    named: Option<(u64, u64)>,
    /// Where the next record goes, in bytes.
    end: u64,
    /// What a line may have, in bytes.
    pub(super) longest: u64,
    /// Number and offset of a record in every stride.
    index: Vec<(u64, u64)>,
    /// The number of the last record.
    last: u64,
    /// The number of the last reset: earlier records are history.
    reset: u64,
    /// Why appending is over, once it failed in a way that leaves the file uncertain.
    broken: Option<String>,
    syncer: Option<Syncer>,
    /// Room for the lines that are appended together.
    lines: Vec<u8>,
    /// Room for what is to be known of them.
    appended: Vec<Appended>,
}

/// What is to be known of a record when its line has been appended.
#[derive(Clone, Copy, Debug)]
struct Appended {
    seq: u64,
    op: WriteOp,
    /// Of its line, in bytes.
    length: u64,
}

impl Journal {
    /// Opens `path`, making it where it is not there, and gives `each` of the records it holds to
    /// the caller. A last line that was torn by a crash is cut off, since its write was never
    /// acknowledged; then a warning comes back with the journal. The file is this journal's
    /// alone as long as it lives (by an advisory lock).
    ///
    /// # Errors
    /// Where the file cannot be used, or a line in its middle is no record.
    pub(super) fn open(
        path: &Path,
        each: impl FnMut(WriteRecord),
    ) -> Result<(Self, Option<String>), JournalError> {
        let fail = |source| JournalError::Io {
            path: path.to_owned(),
            source,
        };
        // A device or a pipe could make opening or reading wait for ever.
        if path.metadata().is_ok_and(|found| !found.is_file()) {
            return Err(JournalError::NoFile {
                path: path.to_owned(),
            });
        }
        let file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .open(path)
            .map_err(fail)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(JournalError::Taken {
                    path: path.to_owned(),
                });
            }
            // Some network file systems know no locks; then nobody is kept out.
            Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => {}
            Err(TryLockError::Error(error)) => return Err(fail(error)),
        }
        let found = file.metadata().map_err(fail)?;
        let mut journal = Self::over(file, path.to_owned());
        journal.named = Some((found.dev(), found.ino()));
        let warning = journal.resume(each)?;
        Ok((journal, warning))
    }

    /// A record file of its own, without a name: it is gone with the process, however that ends.
    ///
    /// # Errors
    /// Where no temporary file can be made.
    pub(super) fn temporary() -> Result<Self, JournalError> {
        let folder = std::env::temp_dir();
        match tempfile::tempfile_in(&folder) {
            Ok(file) => Ok(Self::over(file, folder.join("(temporary)"))),
            Err(source) => Err(JournalError::Io {
                path: folder,
                source,
            }),
        }
    }

    fn over(file: File, path: PathBuf) -> Self {
        Self {
            file: Arc::new(file),
            path,
            named: None,
            end: 0,
            longest: MAX_LINE,
            index: Vec::new(),
            last: 0,
            reset: 0,
            broken: None,
            syncer: None,
            lines: Vec::new(),
            appended: Vec::new(),
        }
    }

    /// From now on a record counts as written when it is on the disk itself: see
    /// [`Journal::ticket`].
    ///
    /// # Errors
    /// Where the disk refuses already.
    pub(super) fn with_fsync(mut self) -> Result<Self, JournalError> {
        let fail = |source| JournalError::Io {
            path: self.path.clone(),
            source,
        };
        // The name of a new file is on the disk only with its folder.
        let folder = match self.path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        self.file.sync_all().map_err(fail)?;
        File::open(folder)
            .and_then(|folder| folder.sync_all())
            .map_err(fail)?;
        let file = Arc::clone(&self.file);
        self.syncer = Some(Syncer::start(self.last, move || file.sync_data()).map_err(fail)?);
        Ok(self)
    }

    fn resume(
        &mut self,
        mut each: impl FnMut(WriteRecord),
    ) -> Result<Option<String>, JournalError> {
        let path = self.path.clone();
        let fail = |source| JournalError::Io {
            path: path.clone(),
            source,
        };
        let length = self.file.metadata().map_err(fail)?.len();
        let mut reader = BufReader::new(FilePart::new(Arc::clone(&self.file), 0, length));
        let mut line = Vec::new();
        for number in 1.. {
            line.clear();
            let read = (&mut reader)
                .take(self.longest)
                .read_until(b'\n', &mut line)
                .map_err(fail)?;
            if read == 0 {
                break;
            }
            let is_last = self.end + read as u64 == length;
            if is_last && !line.ends_with(b"\n") {
                self.file.set_len(self.end).map_err(fail)?;
                return Ok(Some(format!(
                    "{}:{number}: the last line was torn by a crash and is dropped; its write was never answered",
                    path.display()
                )));
            }
            let record = self.read_line(&line).map_err(|reason| JournalError::Line {
                path: path.clone(),
                line: number,
                reason,
            })?;
            self.note(Appended {
                seq: record.seq,
                op: record.op,
                length: read as u64,
            });
            each(record);
        }
        Ok(None)
    }

    fn read_line(&self, line: &[u8]) -> Result<WriteRecord, String> {
        if !line.ends_with(b"\n") {
            return Err(format!("it is longer than {} bytes", self.longest));
        }
        let record: WriteRecord = serde_json::from_slice(line)
            .map_err(|error| format!("{}, in column {}", message_of(&error), error.column()))?;
        if record.seq <= self.last || record.seq > MAX_NUMBER {
            return Err(format!(
                "its number {} does not follow {}",
                record.seq, self.last
            ));
        }
        Ok(record)
    }

    /// Appends records, all or none. When this returns, the system has every line.
    ///
    /// # Errors
    /// Where a line is too long, or what the system said; the file is then as it was before.
    pub(super) fn append<'a>(
        &mut self,
        records: impl IntoIterator<Item = &'a WriteRecord>,
    ) -> Result<(), String> {
        let mut lines = mem::take(&mut self.lines);
        let mut appended = mem::take(&mut self.appended);
        let result = self
            .put_lines(records, &mut lines, &mut appended)
            .and_then(|()| self.append_lines(&lines, &appended));
        lines.clear();
        appended.clear();
        // One large record is no reason to hold as much from then on.
        lines.shrink_to(MAX_KEPT);
        (self.lines, self.appended) = (lines, appended);
        result
    }

    /// Writes out the lines of records.
    fn put_lines<'a>(
        &self,
        records: impl IntoIterator<Item = &'a WriteRecord>,
        lines: &mut Vec<u8>,
        appended: &mut Vec<Appended>,
    ) -> Result<(), String> {
        for record in records {
            let last = appended.last().map_or(self.last, |before| before.seq);
            debug_assert!(record.seq > last, "{} does not follow {last}", record.seq);
            let start = lines.len();
            record.write_to(lines);
            lines.push(b'\n');
            let length = (lines.len() - start) as u64;
            if length > self.longest {
                let problem = format!("the record is longer than {} bytes", self.longest);
                return Err(self.failed(&problem));
            }
            let (seq, op) = (record.seq, record.op);
            appended.push(Appended { seq, op, length });
        }
        Ok(())
    }

    fn append_lines(&mut self, lines: &[u8], appended: &[Appended]) -> Result<(), String> {
        let Some(last) = appended.last() else {
            return Ok(());
        };
        self.write(lines)?;
        for it in appended {
            self.note(*it);
        }
        if let Some(syncer) = &self.syncer {
            syncer.ask(last.seq);
        }
        Ok(())
    }

    fn write(&mut self, lines: &[u8]) -> Result<(), String> {
        if let Some(reason) = &self.broken {
            return Err(reason.clone());
        }
        if let Some(failure) = self.syncer.as_ref().and_then(Syncer::failure) {
            return Err(self.failed(&failure));
        }
        self.check_in_place()?;
        let Err(error) = (&*self.file).write_all(lines) else {
            return Ok(());
        };
        let reason = self.failed(&error);
        // A part of them may be there: cut it off, or never write again.
        if self.file.set_len(self.end).is_err() {
            self.broken = Some(reason.clone());
        }
        Err(reason)
    }

    /// A write to a file that was taken away, or that somebody else has cut, succeeds and is lost.
    fn check_in_place(&self) -> Result<(), String> {
        let Some(named) = self.named else {
            return Ok(());
        };
        let reason = match self.path.metadata() {
            Ok(found) if (found.dev(), found.ino()) != named => {
                "another file has taken its place".to_owned()
            }
            Ok(found) if found.len() != self.end => "somebody else has changed it".to_owned(),
            Ok(_) => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                "it was taken away while the mock runs".to_owned()
            }
            Err(error) => error.to_string(),
        };
        Err(self.failed(&reason))
    }

    /// What to wait for, outside of any lock, before the last record may be answered; nothing
    /// where the system's word is enough.
    pub(super) fn ticket(&self) -> Option<Ticket> {
        Some(self.syncer.as_ref()?.ticket(self.last))
    }

    fn failed(&self, error: &dyn std::fmt::Display) -> String {
        format!(
            "cannot write to the record file {}: {error}",
            self.path.display()
        )
    }

    /// A record stands at the end.
    fn note(&mut self, Appended { seq, op, length }: Appended) {
        let due = self
            .index
            .last()
            .is_none_or(|(last, _)| seq >= last + STRIDE);
        if due {
            self.index.push((seq, self.end));
        }
        if op == WriteOp::Reset {
            self.reset = seq;
        }
        self.last = seq;
        self.end += length;
    }

    /// The number of the last record; 0 before the first.
    pub(super) fn last(&self) -> u64 {
        self.last
    }

    /// A reader of the records after number `after`, and after the last reset; independent of
    /// what is appended meanwhile.
    pub(super) fn reader(&self, after: u64) -> RecordReader {
        let after = after.max(self.reset);
        let start = match self.index.partition_point(|(seq, _)| *seq <= after) {
            0 => self.index.first().map_or(self.end, |(_, offset)| *offset),
            found => self.index[found - 1].1,
        };
        let part = FilePart::new(Arc::clone(&self.file), start, self.end);
        RecordReader::new(part, self.path.clone(), after)
    }
}

#[cfg(test)]
mod tests;
