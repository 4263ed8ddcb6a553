//! The write record file: one JSON line for each metadata write, appended before the answer is sent.
//! It is read when the mock starts again, and for `GET writes`. What a record means is decided
//! elsewhere.

mod error;
mod read;
mod recorded;
mod sync;

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{self, BufRead, BufReader, Read, Write},
    mem,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::Arc,
};

pub(super) use self::recorded::Recorded;
use self::{recorded::Appended, sync::Syncer};
use crate::{
    domain::{call::WriteRecord, json::document::message_of},
    env::file_part::FilePart,
};
pub use error::JournalError;
pub use read::RecordReader;
pub(super) use sync::Ticket;

/// The longest line, in bytes: an instance and its patch are far smaller.
const MAX_LINE: u64 = 128 * 1024 * 1024;
/// The most of the buffer for lines that is kept, in bytes.
const MAX_KEPT: usize = 256 * 1024;
/// The largest number that is read: a mock that continues beyond it could run out of numbers.
const MAX_NUMBER: u64 = u64::MAX / 2;

/// The record file, open for appending.
#[derive(Debug)]
pub(super) struct Journal {
    file: Arc<File>,
    recorded: Arc<Recorded>,
    /// Device and inode of what the path names; nothing for a file without a name.
    named: Option<(u64, u64)>,
    /// The longest line, in bytes.
    pub(super) max_line: u64,
    /// Why appending is over, once it failed in a way that leaves the file uncertain.
    broken: Option<String>,
    syncer: Option<Syncer>,
    /// Buffers, kept for the next append.
    lines: Vec<u8>,
    appended: Vec<Appended>,
}

impl Journal {
    /// Opens or creates `path`, and calls `each` with the records it holds. An incomplete last
    /// line, after a crash, is cut off, since its write was never acknowledged; then a warning is
    /// returned with the journal. The journal locks the file (an advisory lock) until it is
    /// dropped.
    ///
    /// # Errors
    /// Where the file cannot be used, or a line in its middle is not a record.
    pub(super) fn open(
        path: &Path,
        each: impl FnMut(WriteRecord),
    ) -> Result<(Self, Option<String>), JournalError> {
        let fail = |source| JournalError::Io {
            path: path.to_owned(),
            source,
        };
        // A device or a pipe could make opening or reading wait indefinitely.
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
            // Some network file systems have no locks; then nothing keeps others out.
            Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => {}
            Err(TryLockError::Error(error)) => return Err(fail(error)),
        }
        let found = file.metadata().map_err(fail)?;
        let mut journal = Self::over(file, path.to_owned());
        journal.named = Some((found.dev(), found.ino()));
        let warning = journal.resume(each)?;
        // What an earlier mock has written does not count.
        journal.recorded.extent().writes = 0;
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
        let file = Arc::new(file);
        Self {
            recorded: Arc::new(Recorded::new(Arc::clone(&file), path)),
            file,
            named: None,
            max_line: MAX_LINE,
            broken: None,
            syncer: None,
            lines: Vec::new(),
            appended: Vec::new(),
        }
    }

    /// What is in the file, for readers.
    pub(super) fn recorded(&self) -> Arc<Recorded> {
        Arc::clone(&self.recorded)
    }

    /// From now on a record counts as written when it is on the disk itself: [`Journal::append`] returns
    /// a ticket to wait for.
    ///
    /// # Errors
    /// Where the disk refuses a first sync.
    pub(super) fn with_fsync(mut self) -> Result<Self, JournalError> {
        let fail = |source| self.recorded.unusable(source);
        let (file, path) = (&self.file, &self.recorded.path);
        // The name of a new file is on the disk only with its folder.
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        file.sync_all().map_err(fail)?;
        File::open(folder)
            .and_then(|folder| folder.sync_all())
            .map_err(fail)?;
        let file = Arc::clone(file);
        let syncer = Syncer::start(self.last(), move || file.sync_data());
        self.syncer = Some(syncer.map_err(fail)?);
        Ok(self)
    }

    fn resume(
        &mut self,
        mut each: impl FnMut(WriteRecord),
    ) -> Result<Option<String>, JournalError> {
        let recorded = Arc::clone(&self.recorded);
        let path = &recorded.path;
        let fail = |source| recorded.unusable(source);
        let length = self.file.metadata().map_err(fail)?.len();
        let mut reader = BufReader::new(FilePart::new(Arc::clone(&self.file), 0, length));
        let mut line = Vec::new();
        for number in 1.. {
            line.clear();
            let read = (&mut reader)
                .take(self.max_line)
                .read_until(b'\n', &mut line)
                .map_err(fail)?;
            if read == 0 {
                break;
            }
            let start = recorded.extent().end;
            let is_last = start + read as u64 == length;
            if is_last && !line.ends_with(b"\n") {
                self.file.set_len(start).map_err(fail)?;
                return Ok(Some(format!(
                    "{}:{number}: the last line is incomplete after a crash and was removed; its write was never answered",
                    path.display()
                )));
            }
            let record = self.read_line(&line).map_err(|reason| JournalError::Line {
                path: path.clone(),
                line: number,
                reason,
            })?;
            recorded.extent().add(Appended {
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
            return Err(format!("it is longer than {} bytes", self.max_line));
        }
        let record: WriteRecord = serde_json::from_slice(line)
            .map_err(|error| format!("{}, in column {}", message_of(&error), error.column()))?;
        let last = self.last();
        if record.seq <= last || record.seq > MAX_NUMBER {
            return Err(format!("its number {} does not follow {last}", record.seq));
        }
        Ok(record)
    }

    /// Appends records, all or none. When this returns, the system has every line. Under `--fsync` it
    /// gives what to wait for, outside of any lock, before the records may be answered.
    ///
    /// # Errors
    /// Where a line is too long, or the error of the system; the file is then as it was before.
    pub(super) fn append<'a>(
        &mut self,
        records: impl IntoIterator<Item = &'a WriteRecord>,
    ) -> Result<Option<Ticket>, String> {
        let mut lines = mem::take(&mut self.lines);
        let mut appended = mem::take(&mut self.appended);
        let result = self
            .put_lines(records, &mut lines, &mut appended)
            .and_then(|()| self.append_lines(&lines, &appended));
        lines.clear();
        appended.clear();
        // The buffer of one large record is not kept.
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
            let last = appended
                .last()
                .map_or_else(|| self.last(), |before| before.seq);
            debug_assert!(record.seq > last, "{} does not follow {last}", record.seq);
            let start = lines.len();
            record.write_to(lines);
            lines.push(b'\n');
            let length = (lines.len() - start) as u64;
            if length > self.max_line {
                let problem = format!("the record is longer than {} bytes", self.max_line);
                return Err(self.failed(&problem));
            }
            let (seq, op) = (record.seq, record.op);
            appended.push(Appended { seq, op, length });
        }
        Ok(())
    }

    fn append_lines(
        &mut self,
        lines: &[u8],
        appended: &[Appended],
    ) -> Result<Option<Ticket>, String> {
        let Some(last) = appended.last() else {
            return Ok(None);
        };
        self.write(lines)?;
        let mut extent = self.recorded.extent();
        for record in appended {
            extent.add(*record);
        }
        drop(extent);
        Ok(self.syncer.as_ref().map(|syncer| syncer.sync(last.seq)))
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
        let end = self.recorded.extent().end;
        if self.file.set_len(end).is_err() {
            self.broken = Some(reason.clone());
        }
        Err(reason)
    }

    /// A write to a file that was removed or cut by another process succeeds, and is lost.
    fn check_in_place(&self) -> Result<(), String> {
        let Some(named) = self.named else {
            return Ok(());
        };
        let end = self.recorded.extent().end;
        let reason = match self.recorded.path.metadata() {
            Ok(found) if (found.dev(), found.ino()) != named => {
                "another file has taken its place".to_owned()
            }
            Ok(found) if found.len() != end => "another program has changed it".to_owned(),
            Ok(_) => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                "it was removed while the mock was running".to_owned()
            }
            Err(error) => error.to_string(),
        };
        Err(self.failed(&reason))
    }

    fn failed(&self, error: &dyn std::fmt::Display) -> String {
        format!(
            "cannot write to the record file {}: {error}",
            self.recorded.path.display()
        )
    }

    /// The number of the last record; 0 before the first.
    pub(super) fn last(&self) -> u64 {
        self.recorded.last()
    }
}

#[cfg(test)]
mod tests;
