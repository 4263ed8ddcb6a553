//! The write record file: one JSON line a metadata write, appended before the reply goes out,
//! read back when the mock starts again and when somebody asks for what was written.

use std::{
    fs::{File, OpenOptions},
    io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use crate::domain::call::WriteRecord;

/// Every so many records the offset of one is kept, so that reading from any number on skips
/// most of the file at 8 bytes a stride.
const STRIDE: u64 = 64;

/// The record file, open for appending.
#[derive(Debug)]
pub struct Journal {
    file: File,
    path: PathBuf,
    /// Where the next record goes, in bytes.
    end: u64,
    /// Offsets of the records with number `first`, `first + STRIDE`, …
    index: Vec<(u64, u64)>,
    /// Why appending is over, once it failed in a way that leaves the file uncertain.
    broken: Option<String>,
    /// Removes the file at the end, where nobody asked for one.
    temporary: Option<tempfile::TempPath>,
}

/// Why a record file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// It cannot be opened, read or written.
    #[error("cannot use the record file {path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A line in its middle is no record.
    #[error("{path}:{line}: this line is no write record: {reason}")]
    Line {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// Why.
        reason: String,
    },
}

impl Journal {
    /// Opens `path`, making it where it is not there, and gives `each` of the records it holds to
    /// the caller. A last line that was torn by a crash is cut off, since its write was never
    /// acknowledged; then a warning comes back beside the journal.
    ///
    /// # Errors
    /// Where the file cannot be used, or a line in its middle is no record.
    pub fn open(
        path: &Path,
        each: impl FnMut(WriteRecord),
    ) -> Result<(Self, Option<String>), JournalError> {
        let fail = |source| JournalError::Io {
            path: path.to_owned(),
            source,
        };
        let file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .open(path)
            .map_err(fail)?;
        let mut journal = Self {
            file,
            path: path.to_owned(),
            end: 0,
            index: Vec::new(),
            broken: None,
            temporary: None,
        };
        let warning = journal.resume(each)?;
        Ok((journal, warning))
    }

    /// A record file of its own that goes away at the end.
    ///
    /// # Errors
    /// Where no temporary file can be made.
    pub fn temporary() -> Result<Self, JournalError> {
        let made = tempfile::Builder::new()
            .prefix("skillctl-writes-")
            .tempfile()
            .map_err(|source| JournalError::Io {
                path: std::env::temp_dir(),
                source,
            })?;
        let (_, temporary) = made.into_parts();
        let (mut journal, _) = Self::open(&temporary, drop)?;
        journal.temporary = Some(temporary);
        Ok(journal)
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
        let mut warning = None;
        let mut reader = BufReader::new(self.file.try_clone().map_err(fail)?);
        let mut line = Vec::new();
        let mut number = 0;
        loop {
            line.clear();
            let read = reader.read_until(b'\n', &mut line).map_err(fail)?;
            if read == 0 {
                break;
            }
            number += 1;
            let whole = line.ends_with(b"\n");
            match serde_json::from_slice::<WriteRecord>(&line) {
                Ok(record) if whole => {
                    self.note_offset(record.seq);
                    self.end += read as u64;
                    each(record);
                }
                _ if !whole => {
                    warning = Some(format!(
                        "{}:{number}: the last line was torn by a crash and is dropped; its write was never answered",
                        path.display()
                    ));
                    self.file.set_len(self.end).map_err(fail)?;
                    break;
                }
                Ok(_) => {}
                Err(error) => {
                    return Err(JournalError::Line {
                        path,
                        line: number,
                        reason: error.to_string(),
                    });
                }
            }
        }
        Ok(warning)
    }

    /// Appends a record. When this returns, the system has the whole line.
    ///
    /// # Errors
    /// What the system said; the file is then as it was before.
    pub fn append(&mut self, record: &WriteRecord) -> Result<(), String> {
        if let Some(reason) = &self.broken {
            return Err(reason.clone());
        }
        let mut line = serde_json::to_vec(record).map_err(|error| error.to_string())?;
        line.push(b'\n');
        if let Err(error) = self.file.write_all(&line) {
            let reason = format!(
                "cannot write to the record file {}: {error}",
                self.path.display()
            );
            // A part of the line may be there: cut it off, or never write again.
            if self.file.set_len(self.end).is_err() {
                self.broken = Some(reason.clone());
            }
            return Err(reason);
        }
        self.note_offset(record.seq);
        self.end += line.len() as u64;
        Ok(())
    }

    fn note_offset(&mut self, seq: u64) {
        let due = self
            .index
            .last()
            .is_none_or(|(last, _)| seq >= last + STRIDE);
        if due {
            self.index.push((seq, self.end));
        }
    }

    /// A reader of the records after number `after`, independent of what is appended meanwhile.
    ///
    /// # Errors
    /// Where the file cannot be read.
    pub fn reader(&self, after: u64) -> Result<RecordReader, JournalError> {
        let start = match self.index.partition_point(|(seq, _)| *seq <= after) {
            0 => self.index.first().map_or(self.end, |(_, offset)| *offset),
            found => self.index[found - 1].1,
        };
        let fail = |source| JournalError::Io {
            path: self.path.clone(),
            source,
        };
        let mut file = File::open(&self.path).map_err(fail)?;
        file.seek(SeekFrom::Start(start)).map_err(fail)?;
        Ok(RecordReader {
            lines: BufReader::new(file.take(self.end - start)),
            after,
        })
    }
}

/// Records read back from the file, in their order.
#[derive(Debug)]
pub struct RecordReader {
    lines: BufReader<io::Take<File>>,
    after: u64,
}

impl Iterator for RecordReader {
    type Item = WriteRecord;

    fn next(&mut self) -> Option<WriteRecord> {
        loop {
            let mut line = Vec::new();
            let read = self.lines.read_until(b'\n', &mut line).ok()?;
            if read == 0 {
                return None;
            }
            let record: WriteRecord = serde_json::from_slice(&line).ok()?;
            if record.seq > self.after {
                return Some(record);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use jiff::Timestamp;

    use super::*;
    use crate::domain::call::WriteOp;

    fn record(seq: u64) -> WriteRecord {
        WriteRecord {
            seq,
            at: Timestamp::UNIX_EPOCH,
            op: WriteOp::Delete,
            file_id: "1".to_owned(),
            file_version_id: "2".to_owned(),
            scope: "global".to_owned(),
            template: "boxSkillsCards".to_owned(),
            skill_id: None,
            invocation_id: None,
            status: None,
            usage: None,
            token: None,
            patch: None,
            instance: None,
        }
    }

    fn numbers(journal: &Journal, after: u64) -> Vec<u64> {
        let reader = journal.reader(after).expect("it reads");
        reader.map(|record| record.seq).collect()
    }

    #[test]
    fn records_are_read_back_from_any_number_on() {
        let mut journal = Journal::temporary().expect("a journal");
        for seq in 1..=200 {
            journal.append(&record(seq)).expect("it appends");
        }
        assert_eq!(numbers(&journal, 0).len(), 200);
        assert_eq!(numbers(&journal, 197), [198, 199, 200]);
        assert_eq!(numbers(&journal, 64)[0], 65);
        assert_eq!(numbers(&journal, 200), [0; 0]);
    }

    #[test]
    fn a_torn_last_line_is_dropped_and_said() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("writes.jsonl");
        let (mut journal, _) = Journal::open(&path, drop).expect("a journal");
        journal.append(&record(1)).expect("it appends");
        drop(journal);
        let mut text = fs::read_to_string(&path).expect("it reads");
        text.push_str("{\"seq\":2,\"at\":\"19");
        fs::write(&path, &text).expect("it writes");

        let mut found = Vec::new();
        let (mut journal, warning) =
            Journal::open(&path, |record| found.push(record.seq)).expect("a journal");
        assert_eq!(found, [1]);
        assert!(
            warning
                .expect("a warning")
                .contains(":2: the last line was torn")
        );
        journal.append(&record(2)).expect("it appends");
        let lines = fs::read_to_string(&path).expect("it reads");
        assert_eq!(lines.lines().count(), 2);
        assert_eq!(numbers(&journal, 1), [2]);
    }

    #[test]
    fn a_broken_line_in_the_middle_is_an_error_with_its_number() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("writes.jsonl");
        fs::write(&path, "{}\n").expect("it writes");
        let error = Journal::open(&path, drop).expect_err("no journal");
        assert!(error.to_string().contains("writes.jsonl:1:"), "{error}");
    }

    #[test]
    fn a_temporary_file_goes_away() {
        let journal = Journal::temporary().expect("a journal");
        let path = journal.path.clone();
        assert!(path.exists());
        drop(journal);
        assert!(!path.exists());
    }
}
