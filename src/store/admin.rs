//! Changes of the state other than by calls to Box: events, files that a script puts and removes,
//! faults, and the reset.

use std::sync::Arc;

use serde_json::Value;

use super::{
    core::Store,
    journal::Ticket,
    writer::{ChangeSet, register_all},
};
use crate::{
    domain::{
        call::{EventIds, WriteOp, WriteRecord},
        event::invocation::Invocation,
    },
    mock_box::{Change, Content, File, Write, contents, faults::Rule, register::Registering},
};

impl Store {
    /// Registers events in one step.
    pub async fn register(
        &self,
        events: Vec<(Invocation<'static>, Registering)>,
    ) -> Vec<Invocation<'static>> {
        let now = self.now();
        let registered = self.change(move |writer| register_all(writer, events, now));
        let registered = registered.await;
        self.registered(&registered);
        registered
    }

    /// Forgets events, their tokens and files: their run is over.
    pub async fn retire(&self, event_ids: Vec<String>) {
        self.change(move |writer| {
            let (mut state, mut faults) = (writer.shared.lock_state(), writer.shared.lock_faults());
            for id in event_ids {
                faults.forget(&id);
                state.apply(&Change::RetireEvent(id));
            }
        })
        .await;
    }

    /// Sets the content of a file, which is created if it does not exist; returns whether it was.
    pub async fn put_file(
        &self,
        id: String,
        name: Option<String>,
        content: Content,
    ) -> (Box<File>, bool) {
        let now = self.now();
        self.change(move |writer| {
            let state = writer.shared.state();
            let is_new = state.file(&id).is_none();
            let file = contents::put(&state, &id, name, content, now, &mut writer.ids);
            drop(state);
            let file = Box::new(file);
            writer
                .shared
                .lock_state()
                .apply(&Change::EditFile(file.clone()));
            (file, is_new)
        })
        .await
    }

    /// Removes a file and its metadata; returns whether it existed.
    ///
    /// # Errors
    /// Where the records of that cannot be written; nothing is changed then.
    pub async fn remove_file(&self, id: String) -> Result<bool, String> {
        let now = self.now();
        let removed = self.change(move |writer| {
            let state = writer.shared.state();
            let events = EventIds::new(None, state.event_of_file(Some(&id)));
            let removed = contents::remove(&state, &id, now);
            drop(state);
            removed.map(|decision| {
                writer.commit(vec![ChangeSet {
                    changes: decision.changes,
                    events,
                    placed: None,
                }])
            })
        });
        match removed.await {
            None => Ok(false),
            Some(ticket) => synced(ticket?).await.map(|()| true),
        }
    }

    /// Restores the initial state of the mock, and records that.
    ///
    /// # Errors
    /// Where the record cannot be written; nothing is changed then.
    pub async fn reset(&self) -> Result<(), String> {
        let now = self.now();
        let ticket = self.change(move |writer| {
            let write = Write {
                record: Arc::new(WriteRecord::bare(0, now, WriteOp::Reset)),
                instance: None,
            };
            let mut sets = vec![ChangeSet {
                changes: vec![Change::Write(write)],
                ..ChangeSet::default()
            }];
            let ticket = writer.record(&mut sets)?;
            // Before the notice: its readers must find no earlier fault and no earlier call.
            writer.shared.lock_faults().reset();
            writer.shared.call_log.clear();
            writer.publish(sets);
            Ok(ticket)
        });
        let ticket: Result<_, String> = ticket.await;
        synced(ticket?).await
    }

    /// Adds faults to the current ones.
    ///
    /// # Errors
    /// Where there would be too many.
    pub fn add_faults(&self, rules: Vec<Rule>) -> Result<(), String> {
        self.shared.lock_faults().add(rules)
    }

    /// Ends all faults.
    pub fn clear_faults(&self) {
        self.shared.lock_faults().clear();
    }

    /// The current faults, each with how often it was applied.
    pub fn faults(&self) -> Value {
        self.shared.lock_faults().to_json()
    }
}

/// Waits until a change is on the disk, under `--fsync`.
async fn synced(ticket: Option<Ticket>) -> Result<(), String> {
    match ticket {
        None => Ok(()),
        Some(ticket) => ticket.wait().await,
    }
}
