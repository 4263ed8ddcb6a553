//! Files that are added and changed without a call to Box: those of a served folder, and the events
//! that are made for any of them.

use std::sync::{Arc, atomic::Ordering, mpsc};

use serde_json::Value;

use super::{
    core::Store,
    writer::{ChangeSet, Job, register_all},
};
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
        register::Registering,
    },
};

/// Why an event cannot be fired.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotFired {
    /// There is no pump to send it.
    #[error("this mock sends no events: start it with --skill URL, or with a command")]
    NoPump,
    /// There is no such file.
    #[error("there is no such file")]
    NoFile,
}

impl Store {
    /// Applies a change of the served folder. Waits for the writer: not for a thread that serves.
    ///
    /// # Errors
    /// Where the records of it cannot be written; nothing is changed then.
    pub fn sync_folder(&self, change: FolderChange) -> Result<(), String> {
        let now = self.now();
        let (reply, result) = mpsc::channel();
        self.writer.submit(Job::Change(Box::new(move |writer| {
            let synced = folder_sync::sync(&writer.shared.state(), change, now);
            // No call waits for an answer, so the sync of the disk is not awaited.
            let committed = writer.commit(vec![ChangeSet {
                changes: synced.changes,
                events: EventIds::default(),
                placed: synced.placed.map(Arc::new),
            }]);
            // The caller waits.
            let _ = reply.send(committed.map(|_| ()));
        })));
        result
            .recv()
            .unwrap_or_else(|_| Err("the mock did not update its files from the folder".to_owned()))
    }

    /// Makes and registers the event of a file as it is now: `make` gives it with placeholders for
    /// tokens. `None` where there is no such file any more.
    pub async fn announce(
        &self,
        file_id: String,
        make: impl FnOnce(&File) -> Value + Send + 'static,
    ) -> Option<Invocation<'static>> {
        let now = self.now();
        let announced = self.change(move |writer| {
            let value = make(writer.shared.state().file(&file_id)?);
            let event = Invocation::read(Tape::from_value(&value))
                .ok()?
                .into_owned();
            let how = Registering {
                same_file: true,
                ..Registering::default()
            };
            register_all(writer, vec![(event, how)], now).pop()
        });
        let announced = announced.await;
        self.registered(announced.as_slice());
        announced
    }

    /// Records that a pump sends events of files from now on.
    pub fn expect_pump(&self) {
        self.has_pump.store(true, Ordering::Relaxed);
    }

    /// Whether a pump sends events of files.
    pub fn has_pump(&self) -> bool {
        self.has_pump.load(Ordering::Relaxed)
    }

    /// Requests an event of a file, as if a user had done this to it. Returns the number of the last
    /// notice before those of the event.
    ///
    /// # Errors
    /// Where there is no such file, or no pump to send an event.
    pub fn fire(&self, file_id: &str, how: Placement) -> Result<u64, NotFired> {
        if !self.has_pump.load(Ordering::Relaxed) {
            return Err(NotFired::NoPump);
        }
        let now = self.now();
        let state = self.shared.state();
        let file = state.file(file_id).ok_or(NotFired::NoFile)?;
        let before = self.shared.notices.newest();
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
