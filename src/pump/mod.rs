//! The event pump: what Box does when a file is uploaded, copied or moved. It subscribes to the
//! store's notices, makes the event of each file that they report, and sends it to the skill with
//! signatures, deadline and back-off. Deliveries are independent: a skill that is down delays no
//! other file.

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

/// How events are sent.
#[derive(Debug)]
pub struct Settings {
    /// Where they go.
    pub skill: SkillClient,
    /// When an attempt that failed is followed by another.
    pub schedule: Schedule,
    /// How many attempts are made at the same time.
    pub concurrency: usize,
    /// The endings of names that events are sent for, in lower case; all where there is none.
    pub extensions: Vec<String>,
}

/// A pump that runs.
#[derive(Debug)]
pub struct Pump {
    tally: Arc<Tally>,
    running: JoinHandle<()>,
}

/// How the events stand.
#[derive(Debug, Default)]
struct Tally {
    waiting: AtomicUsize,
    delivered: AtomicUsize,
    given_up: AtomicUsize,
}

/// How the events stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Those that the Skill took.
    pub delivered: usize,
    /// Those that it did not take, after all attempts.
    pub given_up: usize,
    /// Those that are still under way.
    pub waiting: usize,
}

/// What the deliveries share.
#[derive(Debug)]
struct Works {
    store: Arc<Store>,
    settings: Settings,
    slots: Semaphore,
    tally: Arc<Tally>,
}

impl Pump {
    /// Starts a pump: it sends an event for each file that this subscription reports.
    pub fn start(store: Arc<Store>, settings: Settings, reader: Subscription) -> Self {
        store.expect_pump();
        let tally = Arc::new(Tally::default());
        let works = Arc::new(Works {
            slots: Semaphore::new(settings.concurrency),
            store,
            settings,
            tally: Arc::clone(&tally),
        });
        Self {
            tally,
            running: tokio::spawn(listen(works, reader)),
        }
    }

    /// Ends it; what is under way is broken off.
    pub fn stop(self) -> Standing {
        self.running.abort();
        Standing {
            delivered: self.tally.delivered.load(Ordering::Relaxed),
            given_up: self.tally.given_up.load(Ordering::Relaxed),
            waiting: self.tally.waiting.load(Ordering::Relaxed),
        }
    }
}

/// Takes what the bus tells, and starts a delivery for each file.
async fn listen(works: Arc<Works>, mut reader: Subscription) {
    const AT_ONCE: usize = 1024;
    let mut deliveries = JoinSet::new();
    loop {
        reader.listen();
        let (notices, _) = reader.read(AT_ONCE);
        let is_all = notices.is_empty();
        for notice in notices {
            match notice {
                Notice::Placed(placed) if works.wants(&placed) => {
                    works.tally.waiting.fetch_add(1, Ordering::Relaxed);
                    deliveries.spawn(Arc::clone(&works).deliver(placed));
                }
                Notice::Gap => works.store.remark(
                    "watch",
                    String::new(),
                    "too much happened at once: some files may be without their events; \
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

impl Works {
    /// Whether Box's console would send an event for a file of this name. Who asks for one by hand
    /// gets it.
    fn wants(&self, placed: &Placed) -> bool {
        let wanted = &self.settings.extensions;
        placed.by == By::Admin || wanted.is_empty() || wanted.contains(&extension(&placed.name))
    }

    /// Brings the event of one file to the Skill, as often as it takes.
    async fn deliver(self: Arc<Self>, placed: Arc<Placed>) {
        let is_delivered = self.bring(&placed).await;
        self.tally.waiting.fetch_sub(1, Ordering::Relaxed);
        match is_delivered {
            Some(true) => self.tally.delivered.fetch_add(1, Ordering::Relaxed),
            Some(false) => self.tally.given_up.fetch_add(1, Ordering::Relaxed),
            None => 0,
        };
    }

    /// Whether the Skill took the event; `None` where there was nothing to send any more.
    async fn bring(&self, placed: &Placed) -> Option<bool> {
        let mut parcel: Option<Parcel> = None;
        let mut number = 1;
        loop {
            // A slot is held for one attempt only: pauses hold nobody up.
            let slot = self.slots.acquire().await.ok()?;
            if parcel.is_none() {
                // Made when it can go out: its tokens and times are fresh then.
                parcel = self.parcel(placed);
            }
            let Some(parcel) = &parcel else {
                let text = format!("{} was gone before its event could be sent", placed.name);
                self.store.remark("gone", placed.name.clone(), text);
                return None;
            };
            let at = self.store.now();
            let reply = self.settings.skill.deliver(&parcel.body, at).await;
            drop(slot);
            let pause = (!reply.is_good())
                .then(|| self.settings.schedule.pause_after(number))
                .flatten();
            self.tell(placed, parcel, number, at, &reply, pause);
            match pause {
                Some(pause) => tokio::time::sleep(pause).await,
                None => return Some(reply.is_good()),
            }
            number += 1;
        }
    }

    fn parcel(&self, placed: &Placed) -> Option<Parcel> {
        let now = self.store.now();
        let event = self.store.announce(&placed.file_id, |file| {
            file_event::make(file, placed.how, placed.old_parent_id.clone(), now)
        })?;
        Some(Parcel {
            event_id: event.id(),
            event_type: event.event_type().unwrap_or_default(),
            name: event.file_name().unwrap_or_default(),
            body: Bytes::from(wire::encode(&event.tree())),
        })
    }

    fn tell(
        &self,
        placed: &Placed,
        parcel: &Parcel,
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
            event_id: parcel.event_id.clone(),
            event_type: parcel.event_type.clone(),
            file_id: placed.file_id.clone(),
            name: parcel.name.clone(),
            number,
            of: self.settings.schedule.attempts(),
            result,
            status,
            ms,
            error,
            next_ms: pause.map(|pause| u64::try_from(pause.as_millis()).unwrap_or(u64::MAX)),
        })));
    }
}

/// An event as it goes out, each time with the same bytes.
struct Parcel {
    event_id: String,
    event_type: String,
    name: String,
    body: Bytes,
}
