//! The event pump: what Box does when a file is uploaded, copied or moved. It subscribes to the
//! store's notices, makes the event of each file that they report, and sends it to the skill with
//! signatures, deadline and back-off. Deliveries are independent: a skill that is down delays no
//! other file.

mod callbacks;
mod file_event;

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use jiff::Timestamp;
use tokio::{
    sync::Semaphore,
    task::{JoinHandle, JoinSet},
};

use crate::{
    delivery::{SkillClient, schedule::Schedule},
    domain::{
        event::wire,
        notice::{Attempt, By, Delivered, Notice, Placed},
        outcome::Reply,
    },
    mock_box::model::content::extension,
    store::{Store, Subscription},
};

pub use callbacks::Callbacks;

/// The options of a pump.
#[derive(Debug)]
pub struct PumpOptions {
    /// The skill that gets the events.
    pub skill: SkillClient,
    /// When a failed attempt is repeated.
    pub schedule: Schedule,
    /// The maximum number of simultaneous attempts.
    pub concurrency: usize,
    /// Events are sent for files with these extensions, in lower case; for all files if empty.
    pub extensions: Vec<String>,
    /// The calls of providers to the skill that a cassette holds.
    pub callbacks: Option<Callbacks>,
}

/// A running pump.
#[derive(Debug)]
pub struct Pump {
    counters: Arc<Counters>,
    running: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct Counters {
    in_progress: AtomicUsize,
    delivered: AtomicUsize,
    given_up: AtomicUsize,
}

/// The number of events by their state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PumpTotals {
    /// Events that the skill accepted.
    pub delivered: usize,
    /// Events that the skill did not accept in any attempt.
    pub given_up: usize,
    /// Events whose delivery has not ended.
    pub in_progress: usize,
}

/// What the deliveries share.
#[derive(Debug)]
struct Shared {
    store: Arc<Store>,
    options: PumpOptions,
    slots: Semaphore,
    counters: Arc<Counters>,
}

impl Pump {
    /// Starts a pump: it sends an event for each file that this subscription reports.
    pub fn start(store: Arc<Store>, options: PumpOptions, reader: Subscription) -> Self {
        store.expect_pump();
        let counters = Arc::new(Counters::default());
        let shared = Arc::new(Shared {
            slots: Semaphore::new(options.concurrency),
            store,
            options,
            counters: Arc::clone(&counters),
        });
        Self {
            counters,
            running: tokio::spawn(follow(shared, reader)),
        }
    }

    /// Ends it, and cancels the deliveries in progress.
    pub fn stop(self) -> PumpTotals {
        self.running.abort();
        PumpTotals {
            delivered: self.counters.delivered.load(Ordering::Relaxed),
            given_up: self.counters.given_up.load(Ordering::Relaxed),
            in_progress: self.counters.in_progress.load(Ordering::Relaxed),
        }
    }
}

/// Reads the notices of the store, and starts a delivery for each file.
async fn follow(shared: Arc<Shared>, mut reader: Subscription) {
    const MAX_NOTICES: usize = 1024;
    let mut deliveries = JoinSet::new();
    loop {
        reader.listen();
        let (notices, _) = reader.read(MAX_NOTICES);
        let is_all = notices.is_empty();
        for notice in notices {
            match notice {
                Notice::Placed(placed) if shared.sends_event_of(&placed) => {
                    shared.counters.in_progress.fetch_add(1, Ordering::Relaxed);
                    deliveries.spawn(Arc::clone(&shared).deliver(placed));
                }
                Notice::Gap => shared.store.remark(
                    "watch",
                    String::new(),
                    "too much happened at once, so some events may not have been sent; \
                     POST /_mock/files/ID/fire sends one"
                        .to_owned(),
                ),
                _ => {}
            }
        }
        while deliveries.try_join_next().is_some() {}
        if is_all {
            reader.notified().await;
        }
    }
}

impl Shared {
    /// Whether Box's console would send an event for a file of this name. An event that the admin
    /// API asks for is always sent.
    fn sends_event_of(&self, placed: &Placed) -> bool {
        let extensions = &self.options.extensions;
        placed.by == By::Admin
            || extensions.is_empty()
            || extensions.contains(&extension(&placed.name))
    }

    /// Delivers the event of one file, with repeats, and counts the result.
    async fn deliver(self: Arc<Self>, placed: Arc<Placed>) {
        let before = self.store.newest_notice();
        let accepted = self.send_until_accepted(&placed).await;
        self.counters.in_progress.fetch_sub(1, Ordering::Relaxed);
        match accepted {
            Sent::Accepted(event_id) => {
                self.counters.delivered.fetch_add(1, Ordering::Relaxed);
                if let Some(callbacks) = &self.options.callbacks {
                    callbacks.send(&event_id, &self.store, before).await;
                }
            }
            Sent::GivenUp => {
                self.counters.given_up.fetch_add(1, Ordering::Relaxed);
            }
            Sent::Gone => {}
        }
    }

    /// Sends the event until the skill accepts it, or the last attempt has failed.
    async fn send_until_accepted(&self, placed: &Placed) -> Sent {
        let mut event: Option<PreparedEvent> = None;
        let mut number = 1;
        loop {
            // A slot is held for one attempt only, so that the pauses of one event delay no other.
            let Ok(slot) = self.slots.acquire().await else {
                return Sent::Gone;
            };
            if event.is_none() {
                // Prepared when it can be sent, so that its tokens and times are new.
                event = self.prepare(placed).await;
            }
            let Some(event) = &event else {
                let text = format!("{} was gone before its event could be sent", placed.name);
                self.store.remark("gone", placed.name.clone(), text);
                return Sent::Gone;
            };
            let at = self.store.now();
            let reply = self.options.skill.deliver(&event.body, at).await;
            drop(slot);
            let pause = (!reply.is_good())
                .then(|| self.options.schedule.pause_after(number))
                .flatten();
            self.publish_attempt(placed, event, number, at, &reply, pause);
            match pause {
                Some(pause) => tokio::time::sleep(pause).await,
                None if reply.is_good() => return Sent::Accepted(event.event_id.clone()),
                None => return Sent::GivenUp,
            }
            number += 1;
        }
    }

    async fn prepare(&self, placed: &Placed) -> Option<PreparedEvent> {
        let now = self.store.now();
        let (how, old_parent_id) = (placed.how, placed.old_parent_id.clone());
        let event = self.store.announce(placed.file_id.clone(), move |file| {
            file_event::make(file, how, old_parent_id, now)
        });
        let event = event.await?;
        Some(PreparedEvent {
            event_id: event.id(),
            event_type: event.event_type().unwrap_or_default(),
            name: event.file_name().unwrap_or_default(),
            body: Bytes::from(wire::encode(&event.tree())),
        })
    }

    fn publish_attempt(
        &self,
        placed: &Placed,
        event: &PreparedEvent,
        number: u32,
        at: Timestamp,
        reply: &Reply,
        pause: Option<Duration>,
    ) {
        let (status, ms, error) = match reply {
            Reply::Answered { status, ms } => (Some(*status), Some(*ms), None),
            Reply::Late(ms) => {
                let error = format!("no reply within {} s", ms / 1000.0);
                (None, Some(*ms), Some(error))
            }
            Reply::Failed(reason) => (None, None, Some(reason.clone())),
        };
        let result = match (reply.is_good(), pause) {
            (true, _) => Delivered::Delivered,
            (false, Some(_)) => Delivered::Retrying,
            (false, None) => Delivered::GivenUp,
        };
        self.store.publish(Notice::Attempt(Arc::new(Attempt {
            at,
            event_id: event.event_id.clone(),
            event_type: event.event_type.clone(),
            file_id: placed.file_id.clone(),
            name: event.name.clone(),
            number,
            of: self.options.schedule.attempts(),
            result,
            status,
            ms,
            error,
            next_ms: pause.map(|pause| u64::try_from(pause.as_millis()).unwrap_or(u64::MAX)),
        })));
    }
}

/// The result of all attempts to send an event.
enum Sent {
    /// The skill accepted the event with this id.
    Accepted(String),
    /// It accepted none of the attempts.
    GivenUp,
    /// The file no longer exists.
    Gone,
}

/// An event whose bytes are the same in each attempt.
struct PreparedEvent {
    event_id: String,
    event_type: String,
    name: String,
    body: Bytes,
}
