//! What changes the state besides the calls of Box's: events, files that a script puts and removes,
//! faults, and the reset.

use std::sync::Arc;

use serde_json::Value;

use super::{
    core::{Store, event_of_file},
    writer::ChangeSet,
};
use crate::{
    domain::{
        call::{EventIds, WriteOp, WriteRecord},
        event::invocation::Invocation,
    },
    mock_box::{
        Change, Content, File, Write, contents,
        faults::Rule,
        register::{Registering, register},
    },
};

impl Store {
    /// Registers events in one step.
    pub fn register<'a>(&self, events: Vec<(Invocation<'a>, Registering)>) -> Vec<Invocation<'a>> {
        let now = self.now();
        let mut writer = self.writer();
        let mut state = self.state_to_change();
        let register_one = |(event, how): (Invocation<'a>, Registering)| {
            let registered = register(&state, event, &how, now, &mut writer.ids);
            for change in &registered.changes {
                state.apply(change);
            }
            registered.event
        };
        events.into_iter().map(register_one).collect()
    }

    /// Forgets events, their tokens and files: their run is over.
    pub fn retire(&self, event_ids: &[String]) {
        let _writer = self.writer();
        let (mut state, mut faults) = (self.state_to_change(), self.faults_now());
        for id in event_ids {
            state.apply(&Change::RetireEvent(id.clone()));
            faults.forget(id);
        }
    }

    /// Gives a file this content, and makes the file where there is none; says whether it did.
    pub fn put_file(&self, id: &str, name: Option<String>, content: Content) -> (Box<File>, bool) {
        let now = self.now();
        let mut writer = self.writer();
        let mut state = self.state_to_change();
        let is_new = state.file(id).is_none();
        let file = contents::put(&state, id, name, content, now, &mut writer.ids);
        let file = Box::new(file);
        state.apply(&Change::EditFile(file.clone()));
        (file, is_new)
    }

    /// Removes a file and its metadata; says whether there was one.
    ///
    /// # Errors
    /// Where the records of that cannot be written; nothing is changed then.
    pub async fn remove_file(&self, id: &str) -> Result<bool, String> {
        let ticket = {
            let now = self.now();
            let mut writer = self.writer();
            let (events, removed) = {
                let state = self.state();
                let events = EventIds::new(None, event_of_file(&state, Some(id)));
                (events, contents::remove(&state, id, now))
            };
            let Some(decision) = removed else {
                return Ok(false);
            };
            let set = ChangeSet {
                changes: decision.changes,
                events,
                placed: None,
            };
            self.commit(&mut writer, vec![set])?
        };
        if let Some(ticket) = ticket {
            ticket.wait().await?;
        }
        Ok(true)
    }

    /// Puts the mock back to how it started. A record says so.
    ///
    /// # Errors
    /// Where the record cannot be written; nothing is changed then.
    pub async fn reset(&self) -> Result<(), String> {
        let ticket = {
            let mut writer = self.writer();
            let write = Write {
                record: Arc::new(WriteRecord::bare(0, self.now(), WriteOp::Reset)),
                instance: None,
            };
            let set = ChangeSet {
                changes: vec![Change::Write(write)],
                ..ChangeSet::default()
            };
            let ticket = self.commit(&mut writer, vec![set])?;
            self.faults_now().reset();
            self.activity.call_log.clear();
            ticket
        };
        match ticket {
            None => Ok(()),
            Some(ticket) => ticket.wait().await,
        }
    }

    /// Adds faults to the present ones.
    ///
    /// # Errors
    /// Where there would be too many.
    pub fn add_faults(&self, rules: Vec<Rule>) -> Result<(), String> {
        self.faults_now().add(rules)
    }

    /// Ends all faults.
    pub fn clear_faults(&self) {
        self.faults_now().clear();
    }

    /// The present faults, each with how often it has struck.
    pub fn faults(&self) -> Value {
        self.faults_now().to_json()
    }
}
