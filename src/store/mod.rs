//! The running mock without its sockets. The store owns the state, the journal, the clock, the ids
//! and the notices.
//!
//! Its interface is small. [`Store::read`] looks into the state. [`Store::execute`] submits a call to
//! the one writer and waits for the answer; what else changes the state (events, files, faults, a
//! reset) has a method each. [`Store::subscribe`] follows what happens. No read of the state waits for
//! the disk: the state is locked against readers only while changes are applied. Reading the record
//! file, or the number of its last record, waits for an append that is under way.
//!
//! Locks are taken in this order: the writer, the queue, the state, the faults.

mod activity;
mod admin;
mod call;
mod call_log;
mod capture;
pub mod content;
mod core;
mod execute;
mod files;
mod follow;
mod journal;
mod notices;
mod queue;
mod writer;

#[cfg(test)]
mod tests;

pub use self::{
    call::OpenCall,
    call_log::Entry,
    core::{Options, Store},
    files::NotFired,
    journal::{JournalError, RecordReader},
    notices::{Listener, Subscription},
};
