//! What was observed of one event: its deliveries and replies, the skill's calls, its writes, and
//! whether it is finished. Times are milliseconds since the event was sent, so that nothing here
//! needs a clock.

use std::{collections::BTreeMap, sync::Arc};

use crate::domain::{
    call::{CallRecord, WriteOp, WriteRecord},
    card::reported::{Reported, reported},
    json::tree::Tape,
    metadata::instance::{Instance, SKILLS_TEMPLATE},
    notice::Connection,
    operation::Operation,
};

/// Milliseconds since the event was sent; negative for what happened before.
pub type Millis = f64;

/// The name of the template that holds the cards.
pub(super) const CARDS_NAME: &str = "global/boxSkillsCards";

/// How the Skill replied.
#[derive(Clone, Debug, PartialEq)]
pub enum Reply {
    /// With a status, in time.
    Answered {
        /// The status.
        status: u16,
        /// When the answer was in.
        ms: Millis,
    },
    /// Not within the deadline, which is given in milliseconds.
    Late(Millis),
    /// Not, or not in HTTP; a sentence that says what happened.
    Failed(String),
}

impl Reply {
    /// Whether it is a 2xx in time.
    pub fn is_good(&self) -> bool {
        matches!(
            self,
            Self::Answered {
                status: 200..=299,
                ..
            }
        )
    }
}

/// The status of an invocation, as Box reports it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Taken, or at work.
    Processing,
    /// Done well.
    Success,
    /// Failed; a later try may go well.
    TransientFailure,
    /// Failed for good.
    PermanentFailure,
}

impl Status {
    /// Box's word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Processing => "processing",
            Self::Success => "success",
            Self::TransientFailure => "transient_failure",
            Self::PermanentFailure => "permanent_failure",
        }
    }

    /// Reads Box's word; `invoked` counts as processing.
    pub fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "invoked" | "processing" => Self::Processing,
            "success" => Self::Success,
            "transient_failure" => Self::TransientFailure,
            "permanent_failure" => Self::PermanentFailure,
            _ => return None,
        })
    }

    /// Whether nothing is to come after it.
    pub fn is_final(self) -> bool {
        self != Self::Processing
    }
}

/// A write as the checks look at it.
#[derive(Clone, Debug, PartialEq)]
pub struct WriteSeen {
    /// When.
    pub ms: Millis,
    /// What it did.
    pub op: WriteOp,
    /// What it says of the invocation: the status it carries, or what its cards mean.
    pub status: Option<Status>,
    /// Whether the status was carried rather than read from the cards.
    pub is_explicit: bool,
    /// Whether it wrote the cards, and not metadata of another template.
    pub is_of_cards: bool,
}

/// A call as the timeline shows it.
#[derive(Clone, Debug)]
pub struct CallSeen {
    /// When its head was in.
    pub ms: Millis,
    /// The call.
    pub record: Arc<CallRecord>,
}

/// A call that has no answer yet.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OpenCall {
    /// When its head was in.
    pub ms: Millis,
    /// What it asks for.
    pub operation: Operation,
}

/// A connection of the skill that did not become a call to Box, as the timeline shows it.
#[derive(Clone, Debug)]
pub struct ConnectionSeen {
    /// When.
    pub ms: Millis,
    /// The connection.
    pub connection: Arc<Connection>,
}

/// A call of a provider to the skill, from a cassette.
#[derive(Clone, Debug, PartialEq)]
pub struct CallbackSeen {
    /// When it was sent.
    pub at: Millis,
    /// Its method and its path, secrets redacted.
    pub target: String,
    /// The skill's reply. Its time counts from the sending.
    pub reply: Reply,
}

/// One sending of the event.
#[derive(Clone, Debug, PartialEq)]
pub struct Delivery {
    /// When.
    pub at: Millis,
    /// The reply, once there is one. Its time counts from this delivery.
    pub reply: Option<Reply>,
    /// Whether it is there to see that a second delivery changes nothing.
    pub is_duplicate: bool,
}

/// Calls and writes kept of one event; a skill that polls forever must not fill the memory.
const MAX_KEPT: usize = 500;
/// The same for connections and for metadata of other templates.
const MAX_OTHERS_KEPT: usize = 20;

/// Everything that was seen of one event so far.
#[derive(Clone, Debug, Default)]
pub struct Observed {
    /// When it was sent last; mostly the only time, which then needs no list.
    last: Option<Delivery>,
    /// When it was sent before, where it was repeated.
    earlier: Vec<Delivery>,
    /// Calls that have their answer.
    pub calls: Vec<CallSeen>,
    /// Calls that were not kept.
    pub calls_left_out: usize,
    /// Connections that did not become a call to Box, while the event was in progress.
    pub connections: Vec<ConnectionSeen>,
    /// Writes, in their order.
    pub writes: Vec<WriteSeen>,
    instance: Snapshot,
    /// Instances of other templates, by scope and key.
    metadata: BTreeMap<String, Instance>,
    /// The instance before the event was sent once more on purpose.
    before: Option<Snapshot>,
    /// Calls without an answer, by their number.
    open: BTreeMap<u64, OpenCall>,
    /// When the event itself last made progress: a delivery, a reply, a call or a write.
    last_activity: Millis,
    /// When the skill last opened a connection to another host.
    last_connection: Millis,
    /// Calls to providers that were answered, in a run with cassettes.
    provider_calls: usize,
    /// Calls of providers to the skill, in their order.
    pub callbacks: Vec<CallbackSeen>,
    /// Those that are still to be sent.
    callbacks_left: usize,
}

impl Observed {
    /// When it was sent, in order; once, unless it was repeated.
    pub fn deliveries(&self) -> impl Iterator<Item = &Delivery> {
        self.earlier.iter().chain(&self.last)
    }

    /// It is sent; once more, where it was before.
    pub fn sent(&mut self, at: Millis) {
        let delivery = Delivery {
            at,
            reply: None,
            is_duplicate: false,
        };
        self.earlier.extend(self.last.replace(delivery));
        self.touch(at);
    }

    /// It is sent once more, to see that this changes nothing.
    pub fn sent_again(&mut self, at: Millis) {
        self.before = Some(self.instance.clone());
        self.sent(at);
        if let Some(delivery) = &mut self.last {
            delivery.is_duplicate = true;
        }
    }

    /// The reply to the last delivery is in.
    pub fn replied(&mut self, reply: Reply, now: Millis) {
        if let Some(delivery) = &mut self.last {
            delivery.reply = Some(reply);
        }
        self.touch(now);
    }

    /// The reply to the last delivery, once it is in.
    pub fn reply(&self) -> Option<&Reply> {
        self.last.as_ref()?.reply.as_ref()
    }

    /// How long the Skill went on after its reply, in milliseconds: what to give it once more
    /// when it gets the event once more.
    pub fn went_on_for(&self) -> Millis {
        let replied = self
            .last
            .as_ref()
            .and_then(|delivery| match delivery.reply.as_ref()? {
                Reply::Answered { ms, .. } => Some(delivery.at + ms),
                _ => None,
            });
        replied.map_or(0.0, |at| (self.last_activity - at).max(0.0))
    }

    /// A call opened.
    pub fn opened(&mut self, call: u64, operation: Operation, now: Millis) {
        let ms = now;
        self.open.insert(call, OpenCall { ms, operation });
        self.touch(now);
    }

    /// A call has its answer.
    pub fn closed(&mut self, record: Arc<CallRecord>, ms: Millis, now: Millis) {
        self.open.remove(&record.call);
        self.touch(now);
        if self.calls.len() < MAX_KEPT {
            self.calls.push(CallSeen { ms, record });
        } else {
            self.calls_left_out += 1;
        }
    }

    /// Metadata was written.
    pub fn written(&mut self, record: &WriteRecord, ms: Millis, now: Millis) {
        self.touch(now);
        let is_of_cards = record.template == SKILLS_TEMPLATE;
        if is_of_cards {
            self.instance = Snapshot(record.instance.clone());
        } else {
            self.other_metadata(record);
        }
        if self.writes.len() == MAX_KEPT {
            return;
        }
        let carried = record.status.as_deref().and_then(Status::parse);
        let meaning = || is_of_cards.then(|| self.instance.meaning()).flatten();
        self.writes.push(WriteSeen {
            ms,
            op: record.op,
            status: carried.or_else(meaning),
            is_explicit: carried.is_some(),
            is_of_cards,
        });
    }

    fn other_metadata(&mut self, record: &WriteRecord) {
        let name = format!("{}/{}", record.scope, record.template);
        match &record.instance {
            None => {
                self.metadata.remove(&name);
            }
            Some(instance)
                if self.metadata.len() < MAX_OTHERS_KEPT || self.metadata.contains_key(&name) =>
            {
                self.metadata.insert(name, instance.clone());
            }
            Some(_) => {}
        }
    }

    /// A connection to another host opened or failed, or one to the mock failed.
    pub fn connected(&mut self, connection: Arc<Connection>, ms: Millis, now: Millis) {
        self.last_connection = self.last_connection.max(now);
        if connection
            .provider
            .as_ref()
            .is_some_and(|call| call.from.is_some())
        {
            self.provider_calls += 1;
        }
        let max = match connection.provider {
            Some(_) => MAX_KEPT,
            None => MAX_OTHERS_KEPT,
        };
        // The first call that fails the event is kept, however many calls went well before.
        let is_first_missing =
            connection.is_missing_in_cassette() && self.missing_in_cassette().next().is_none();
        if self.connections.len() < max || is_first_missing {
            self.connections.push(ConnectionSeen { ms, connection });
        }
    }

    /// Calls to providers that no cassette holds.
    pub fn missing_in_cassette(&self) -> impl Iterator<Item = &ConnectionSeen> {
        let connections = self.connections.iter();
        connections.filter(|seen| seen.connection.is_missing_in_cassette())
    }

    /// How many calls to providers were answered.
    pub fn provider_calls(&self) -> usize {
        self.provider_calls
    }

    /// So many calls of providers to the skill are still to be sent.
    pub fn expects_callbacks(&mut self, number: usize) {
        self.callbacks_left = number;
    }

    /// A call of a provider was sent to the skill, and answered.
    pub fn called_back(&mut self, target: String, reply: Reply, at: Millis, now: Millis) {
        self.callbacks_left = self.callbacks_left.saturating_sub(1);
        self.callbacks.push(CallbackSeen { at, target, reply });
        self.touch(now);
    }

    /// Whether calls of providers to the skill are still to be sent.
    pub fn has_callbacks_left(&self) -> bool {
        self.callbacks_left > 0
    }

    /// The instances of other templates that there are now: scope and key, and the fields without
    /// the `$` members.
    pub fn metadata(&self) -> impl Iterator<Item = (&str, Tape<'static>)> {
        self.metadata.iter().filter_map(|(name, instance)| {
            let fields = instance.fields().ok()?;
            Some((name.as_str(), Tape::from_members(&fields).into_owned()))
        })
    }

    /// Whether a write of cards was seen.
    pub fn has_written_cards(&self) -> bool {
        self.writes.iter().any(|write| write.is_of_cards)
    }

    /// Why another host could not be reached, in a sentence; the last, where there were several.
    pub fn unreachable_host(&self) -> Option<&str> {
        let failed = self.connections.iter().rev();
        let mut failed = failed.filter(|seen| seen.connection.is_failed_egress());
        failed.next().map(|seen| seen.connection.text.as_str())
    }

    /// The current cards.
    pub fn cards(&self) -> Option<Tape<'_>> {
        self.instance.cards()
    }

    /// The cards before the event was sent once more on purpose, if it was.
    pub fn cards_before(&self) -> Option<Option<Tape<'_>>> {
        self.before.as_ref().map(Snapshot::cards)
    }

    /// Whether the event was sent once more on purpose.
    pub fn was_sent_again(&self) -> bool {
        self.before.is_some()
    }

    /// The status that counts: the last that was reported.
    pub fn status(&self) -> Option<Status> {
        self.writes.iter().rev().find_map(|write| write.status)
    }

    /// When the last card was written; what an event causes that was sent once more on
    /// purpose does not count.
    pub fn cards_ms(&self) -> Option<Millis> {
        let once_more = self.deliveries().find(|it| it.is_duplicate);
        let end = once_more.map_or(Millis::INFINITY, |delivery| delivery.at);
        let in_time = |write: &&WriteSeen| write.is_of_cards && write.ms < end;
        self.writes.iter().rev().find(in_time).map(|write| write.ms)
    }

    /// The calls that have no answer yet.
    pub fn open_calls(&self) -> impl Iterator<Item = OpenCall> {
        self.open.values().copied()
    }

    /// Whether a call to Box has no answer yet.
    pub fn has_open_calls(&self) -> bool {
        !self.open.is_empty()
    }

    /// When the event last made progress: a delivery, a reply, a call or a write.
    pub fn last_activity(&self) -> Millis {
        self.last_activity
    }

    /// When the skill last opened a connection to another host.
    pub fn last_connection(&self) -> Millis {
        self.last_connection
    }

    /// Calls that reached the mock.
    pub fn box_calls(&self) -> usize {
        self.calls.len() + self.calls_left_out
    }

    /// Whether the content was fetched, by a call that went well.
    pub fn downloaded(&self) -> bool {
        self.calls
            .iter()
            .any(|call| call.record.operation == Operation::Download && call.record.status < 400)
    }

    fn touch(&mut self, now: Millis) {
        self.last_activity = self.last_activity.max(now);
    }
}

/// An instance at some time, if there was one. Its cards are read when the event is judged: those
/// of most writes are never needed.
#[derive(Clone, Debug, Default)]
struct Snapshot(Option<Instance>);

impl Snapshot {
    fn cards(&self) -> Option<Tape<'_>> {
        self.0.as_ref()?.cards()
    }

    /// What its cards say of the invocation.
    fn meaning(&self) -> Option<Status> {
        let cards = self.cards()?;
        Some(match reported(cards.tree().as_array()?.iter())? {
            Reported::Processing => Status::Processing,
            Reported::Success => Status::Success,
            Reported::PermanentFailure => Status::PermanentFailure,
        })
    }
}
