//! What is in the record file, for those who read while more is appended: none of this waits for the
//! disk.

use std::{
    fs::File,
    io,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::{error::JournalError, read::RecordReader};
use crate::{domain::call::WriteOp, env::file_part::FilePart};

/// The offset of every 64th record is kept, so that a reader skips most of the file, at the cost of
/// 16 bytes each.
const STRIDE: u64 = 64;

/// The record file, and how far it is written.
#[derive(Debug)]
pub(in crate::store) struct Recorded {
    file: Arc<File>,
    /// For messages.
    pub(super) path: PathBuf,
    extent: Mutex<Extent>,
}

/// How far the file is written.
#[derive(Debug, Default)]
pub(super) struct Extent {
    /// Where the next record goes, in bytes.
    pub(super) end: u64,
    /// The number of the last record; 0 before the first.
    pub(super) last: u64,
    /// The number of the last reset: earlier records are not listed any more.
    reset: u64,
    /// How many writes there were since the start, resets left out.
    pub(super) writes: u64,
    /// Number and offset of a record in every stride.
    index: Vec<(u64, u64)>,
}

/// A record whose line is in the file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Appended {
    pub(super) seq: u64,
    pub(super) op: WriteOp,
    /// The length of its line in bytes.
    pub(super) length: u64,
}

impl Recorded {
    pub(super) fn new(file: Arc<File>, path: PathBuf) -> Self {
        Self {
            file,
            path,
            extent: Mutex::default(),
        }
    }

    /// Nothing panics or waits while it holds this lock.
    pub(super) fn extent(&self) -> MutexGuard<'_, Extent> {
        self.extent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The number of the last record; 0 before the first.
    pub(in crate::store) fn last(&self) -> u64 {
        self.extent().last
    }

    /// How many writes there were since the start, resets left out.
    pub(in crate::store) fn writes(&self) -> u64 {
        self.extent().writes
    }

    /// A reader of the records after number `after`, and after the last reset, up to the present end.
    pub(in crate::store) fn reader(&self, after: u64) -> RecordReader {
        let extent = self.extent();
        let after = after.max(extent.reset);
        let start = match extent.index.partition_point(|(seq, _)| *seq <= after) {
            0 => extent
                .index
                .first()
                .map_or(extent.end, |(_, offset)| *offset),
            found => extent.index[found - 1].1,
        };
        let part = FilePart::new(Arc::clone(&self.file), start, extent.end);
        RecordReader::new(part, self.path.clone(), after)
    }

    /// The error of the system, about this file.
    pub(in crate::store) fn unusable(&self, source: io::Error) -> JournalError {
        JournalError::Io {
            path: self.path.clone(),
            source,
        }
    }
}

impl Extent {
    /// Adds a record at the end.
    pub(super) fn add(&mut self, Appended { seq, op, length }: Appended) {
        let is_due = |(last, _): &(u64, u64)| seq >= last + STRIDE;
        if self.index.last().is_none_or(is_due) {
            self.index.push((seq, self.end));
        }
        match op {
            WriteOp::Reset => self.reset = seq,
            _ => self.writes += 1,
        }
        self.last = seq;
        self.end += length;
    }
}
