//! Reading records back, beside whoever appends: by offset, so that neither the file's name nor
//! its cursor matters.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read},
    os::unix::fs::FileExt,
    path::PathBuf,
    sync::Arc,
};

use super::JournalError;
use crate::domain::call::WriteRecord;

/// The bytes of a file from one offset to before another.
#[derive(Debug)]
pub(super) struct Part {
    file: Arc<File>,
    at: u64,
    end: u64,
}

impl Part {
    pub(super) fn new(file: Arc<File>, at: u64, end: u64) -> Self {
        Self { file, at, end }
    }
}

impl Read for Part {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.end - self.at).unwrap_or(usize::MAX);
        let most = buffer.len().min(left);
        let read = self.file.read_at(&mut buffer[..most], self.at)?;
        self.at += read as u64;
        Ok(read)
    }
}

/// Records read back from the file, in their order.
#[derive(Debug)]
pub struct RecordReader {
    lines: BufReader<Part>,
    path: PathBuf,
    after: u64,
}

impl RecordReader {
    pub(super) fn new(part: Part, path: PathBuf, after: u64) -> Self {
        Self {
            lines: BufReader::new(part),
            path,
            after,
        }
    }

    fn next_line(&mut self) -> io::Result<Option<WriteRecord>> {
        let mut line = Vec::new();
        loop {
            line.clear();
            if self.lines.read_until(b'\n', &mut line)? == 0 {
                return Ok(None);
            }
            let record: WriteRecord = serde_json::from_slice(&line).map_err(io::Error::from)?;
            if record.seq > self.after {
                return Ok(Some(record));
            }
        }
    }
}

impl Iterator for RecordReader {
    type Item = Result<WriteRecord, JournalError>;

    fn next(&mut self) -> Option<Self::Item> {
        let path = &self.path.clone();
        self.next_line()
            .map_err(|source| JournalError::Io {
                path: path.clone(),
                source,
            })
            .transpose()
    }
}
