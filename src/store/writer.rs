//! What only the holder of the writer's lock uses: the journal and the ids that are given out. What
//! is written, and when, is decided elsewhere.

use std::sync::Arc;

use super::journal::{Journal, RecordReader, Ticket};
use crate::{
    domain::{
        call::{EventIds, WriteOp},
        notice::Placed,
    },
    mock_box::{Change, Ids},
};

/// The journal and the ids.
#[derive(Debug)]
pub(super) struct Writer {
    journal: Journal,
    /// New ids.
    pub(super) ids: Ids,
    /// How many writes there were since the start, resets left out.
    writes: u64,
}

/// Changes that are made together, and what is published of them.
#[derive(Debug, Default)]
pub(super) struct ChangeSet {
    pub(super) changes: Vec<Change>,
    /// The events that the records among the changes belong to.
    pub(super) events: EventIds,
    /// The file that came into a folder by it.
    pub(super) placed: Option<Arc<Placed>>,
}

impl Writer {
    pub(super) fn new(journal: Journal, ids: Ids) -> Self {
        Self {
            journal,
            ids,
            writes: 0,
        }
    }

    /// Gives the records among the changes their numbers, and appends them, all or none; returns
    /// what to wait for under `--fsync`.
    ///
    /// # Errors
    /// Where they cannot be appended; the file is then as it was before.
    pub(super) fn append(&mut self, sets: &mut [ChangeSet]) -> Result<Option<Ticket>, String> {
        let before = self.journal.last();
        let changes = sets.iter_mut().flat_map(|set| &mut set.changes);
        let mut resets = 0;
        for (seq, record) in (before + 1..).zip(changes.filter_map(Change::record_mut)) {
            record.seq = seq;
            resets += u64::from(record.op == WriteOp::Reset);
        }
        let changes = sets.iter().flat_map(|set| &set.changes);
        let records = changes.filter_map(Change::record);
        self.journal.append(records.map(|record| &**record))?;
        let written = self.journal.last() - before;
        self.writes += written - resets;
        Ok(if written == 0 {
            None
        } else {
            self.journal.ticket()
        })
    }

    pub(super) fn writes(&self) -> u64 {
        self.writes
    }

    /// The number of the last record; 0 before the first.
    pub(super) fn last(&self) -> u64 {
        self.journal.last()
    }

    /// A reader of the records after number `after`, and after the last reset.
    pub(super) fn records(&self, after: u64) -> RecordReader {
        self.journal.reader(after)
    }

    /// From now on a record of more than so many bytes cannot be appended.
    #[cfg(test)]
    pub(super) fn limit_lines(&mut self, bytes: u64) {
        self.journal.longest = bytes;
    }
}
