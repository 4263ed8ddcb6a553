//! Reads records back while others are appended.

use std::{
    io::{self, BufRead, BufReader},
    path::PathBuf,
};

use super::error::JournalError;
use crate::{domain::call::WriteRecord, env::file_part::FilePart};

/// Records read back from the file, in their order.
#[derive(Debug)]
pub struct RecordReader {
    lines: BufReader<FilePart>,
    path: PathBuf,
    after: u64,
}

impl RecordReader {
    pub(super) fn new(part: FilePart, path: PathBuf, after: u64) -> Self {
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
