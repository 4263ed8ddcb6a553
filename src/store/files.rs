//! Files that come and change beside the API: those of a served folder, and the events that are
//! made for any of them.

use std::sync::{Arc, atomic::Ordering};

use serde_json::Value;

use super::{core::Store, writer::ChangeSet};
use crate::{
    domain::{
        call::EventIds,
        event::invocation::Invocation,
        json::tree::Tape,
        notice::{By, Notice, Placed, Placement, Remark},
    },
    mock_box::{
        File,
        folder_sync::{self, FolderChange},
        register::{Registering, register},
    },
};

/// Why an event cannot be fired.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotFired {
    /// Nobody would send it.
    #[error("this mock sends no events: start it with --skill URL, or with a command")]
    NoPump,
    /// There is no such file.
    #[error("there is no such file")]
    NoFile,
}

impl Store {
    /// Takes over what changed in the served folder.
    ///
    /// # Errors
    /// Where the records of what goes with it cannot be written; nothing is changed then.
    pub fn sync_folder(&self, change: FolderChange) -> Result<(), String> {
        let now = self.now();
        let mut writer = self.writer();
        let synced = folder_sync::sync(&self.state(), change, now);
        let set = ChangeSet {
            changes: synced.changes,
            events: EventIds::default(),
            placed: synced.placed.map(Arc::new),
        };
        // Nobody waits for an answer, so nobody waits for the disk.
        self.commit(&mut writer, vec![set]).map(|_| ())
    }

    /// Makes and registers the event of a file as it is now: `make` gives it with placeholders for
    /// tokens. `None` where there is no such file any more.
    pub fn announce(
        &self,
        file_id: &str,
        make: impl FnOnce(&File) -> Value,
    ) -> Option<Invocation<'static>> {
        let now = self.now();
        let mut writer = self.writer();
        let mut state = self.state_to_change();
        let value = make(state.file(file_id)?);
        let event = Invocation::read(Tape::from_value(&value)).ok()?;
        let how = Registering {
            same_file: true,
            ..Registering::default()
        };
        let registered = register(&state, event, &how, now, &mut writer.ids);
        for change in &registered.changes {
            state.apply(change);
        }
        Some(registered.event.into_owned())
    }

    /// From now on somebody sends events for files that come and change.
    pub fn expect_pump(&self) {
        self.has_pump.store(true, Ordering::Relaxed);
    }

    /// Asks for an event of a file, as if somebody had done this to it; gives the number of the
    /// notice before those that come of it.
    ///
    /// # Errors
    /// Where there is no such file, or nobody to send an event.
    pub fn fire(&self, file_id: &str, how: Placement) -> Result<u64, NotFired> {
        if !self.has_pump.load(Ordering::Relaxed) {
            return Err(NotFired::NoPump);
        }
        let now = self.now();
        let state = self.state();
        let file = state.file(file_id).ok_or(NotFired::NoFile)?;
        let before = self.activity.notices.newest();
        self.publish(Notice::Placed(Arc::new(Placed {
            at: now,
            how,
            by: By::Admin,
            file_id: file.id.clone(),
            name: file.name.clone(),
            old_parent_id: (how == Placement::Move).then(|| file.parent_id.clone()),
        })));
        Ok(before)
    }

    /// Publishes a remark for a person about something in the served folder.
    pub fn remark(&self, kind: &str, path: String, text: String) {
        self.publish(Notice::Remark(Arc::new(Remark {
            at: self.now(),
            kind: kind.to_owned(),
            path,
            text,
        })));
    }
}
