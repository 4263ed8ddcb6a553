//! The running mock without its sockets: the state, the journal, the clock, the ids and the notices.
//!
//! [`Store::read`] looks into the state. [`Store::execute`] submits a call to the writer, a thread that
//! owns the journal, and waits for the answer. Every other change (events, files, a reset) has a method
//! and takes the same way. [`Store::subscribe`] follows what happens. Only the writer waits for the
//! disk: reads of the state, of the records and of their numbers do not wait for it.

mod admin;
mod call;
mod call_log;
mod capture;
pub mod content;
mod core;
mod execute;
mod files;
mod follow;
mod joined_parts;
mod journal;
mod notices;
mod shared;
mod writer;

#[cfg(test)]
mod tests;

pub use self::{
    call::OpenCall,
    call_log::Entry,
    core::{EventObserver, Options, Store},
    files::NotFired,
    journal::{JournalError, RecordReader},
    notices::{Listener, Subscription},
};
