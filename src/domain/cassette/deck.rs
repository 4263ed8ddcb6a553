//! The cassettes of a run, shared by the proxy that answers or records calls and by the run that knows
//! which events are in flight.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{
    exchange::{Callback, Cassette, Entry, Exchange, ProviderAnswer, ProviderRequest},
    key::{Ignored, NormalForm},
    player::Player,
    redaction::Redactor,
    values::EventValues,
};
use crate::domain::secret_values::SecretValues;

/// What happens to the calls of an event to providers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// They go to the provider, as without a cassette.
    Off,
    /// They go to the provider and are recorded.
    Record,
    /// They are answered from the cassette; those that it lacks go to the provider and are recorded.
    Auto,
    /// They are answered from the cassette alone.
    Replay,
}

impl Mode {
    /// Whether calls may be recorded.
    pub fn records(self) -> bool {
        matches!(self, Self::Record | Self::Auto)
    }
}

/// What to do with a connection to a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Connect {
    /// Its calls are answered or recorded here.
    Here,
    /// It goes to the host.
    Through,
    /// It is refused, with the reason.
    Refuse(String),
}

/// What to do with a call.
#[derive(Clone, Debug, PartialEq)]
pub enum Decision {
    /// It has this answer, from a cassette.
    Answer(ProviderAnswer),
    /// It goes to the provider. Where it is to be recorded, [`Deck::record`] gets its answer.
    Forward {
        /// Whether it is recorded.
        is_recorded: bool,
    },
    /// It has no answer, with the reason.
    Miss(String),
}

/// The cassettes and what is in flight.
#[derive(Debug)]
pub struct Deck {
    /// The mode between events.
    mode: Mode,
    /// Whether calls of some events go to their providers.
    goes_out: bool,
    secrets: SecretValues,
    ignored: Vec<Ignored>,
    hosts: Vec<String>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    player: Player,
    callbacks: Vec<Vec<Callback>>,
    in_flight: Vec<InFlight>,
    /// What was recorded for events that have ended.
    ended: Vec<(Arc<str>, Recording)>,
    /// What was recorded while no event was in flight: a skill may ask for a token as it starts.
    between: Recording,
}

/// What was recorded for an event.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Recording {
    /// The new entries, in their order.
    pub entries: Vec<Entry>,
    /// Why calls were not recorded, a sentence for each.
    pub lost: Vec<String>,
}

/// Calls of one event that were not recorded, and are kept for its report.
const MAX_LOST: usize = 20;

impl State {
    fn find(&mut self, event_id: &str) -> Option<&mut InFlight> {
        let mut in_flight = self.in_flight.iter_mut();
        in_flight.find(|event| &*event.event_id == event_id)
    }

    /// What is recorded for an event, or between events.
    fn recording(&mut self, event_id: Option<&str>) -> &mut Recording {
        let mut in_flight = self.in_flight.iter_mut();
        let owner = event_id.and_then(|id| in_flight.find(|event| &*event.event_id == id));
        owner.map_or(&mut self.between, |event| &mut event.recorded)
    }
}

/// An event that the skill works on.
#[derive(Debug)]
struct InFlight {
    event_id: Arc<str>,
    case: Option<usize>,
    mode: Mode,
    values: Arc<EventValues>,
    recorded: Recording,
    /// Calls to providers whose answer is not whole.
    open: usize,
    /// Whether all that it waited for has happened: the next event is under way.
    is_settling: bool,
}

impl Deck {
    /// A deck of cassettes, each of one case; [`Deck::begin`] names the case by its number here.
    /// `goes_out` says whether calls of some events go to their providers.
    pub fn new(
        mode: Mode,
        goes_out: bool,
        cassettes: &[Cassette],
        ignored: Vec<Ignored>,
        secrets: SecretValues,
    ) -> Self {
        let mut player = Player::default();
        let redactor = Redactor {
            values: &EventValues::default(),
            secrets: &secrets,
        };
        let mut hosts = Vec::new();
        for (case, cassette) in cassettes.iter().enumerate() {
            player.add(case, cassette, redactor, &ignored);
            hosts.extend(cassette.calls().map(|call| host_name(call.request.host())));
        }
        hosts.sort();
        hosts.dedup();
        let callbacks = cassettes.iter().map(|it| it.callbacks().cloned().collect());
        Self {
            mode,
            goes_out,
            secrets,
            ignored,
            hosts,
            state: Mutex::new(State {
                player,
                callbacks: callbacks.collect(),
                ..State::default()
            }),
        }
    }

    /// The hosts that the cassettes hold calls to.
    pub fn hosts(&self) -> &[String] {
        &self.hosts
    }

    /// Whether calls may go to their providers, which may be any host.
    pub fn goes_out(&self) -> bool {
        self.goes_out
    }

    /// An event is about to be sent. `case` is the number of its cassette, if it has one.
    pub fn begin(&self, event_id: Arc<str>, case: Option<usize>, mode: Mode, values: EventValues) {
        let mut state = self.lock();
        let recorded = std::mem::take(&mut state.between);
        state.in_flight.push(InFlight {
            event_id,
            case,
            mode,
            values: Arc::new(values),
            recorded,
            open: 0,
            is_settling: false,
        });
    }

    /// An event settles: calls that name no event belong to the next one.
    pub fn settle(&self, event_id: &str) {
        let mut state = self.lock();
        if let Some(event) = state.find(event_id) {
            event.is_settling = true;
        }
    }

    /// An event has its verdict. What was recorded for it is kept for [`Deck::take_recording`].
    pub fn end(&self, event_id: &str) {
        let mut state = self.lock();
        state.player.forget(event_id);
        let place = state
            .in_flight
            .iter()
            .position(|it| &*it.event_id == event_id);
        if let Some(place) = place {
            let ended = state.in_flight.remove(place);
            if ended.mode.records() {
                state.ended.push((ended.event_id, ended.recorded));
            }
        }
    }

    /// What was recorded for an event that has ended.
    pub fn take_recording(&self, event_id: &str) -> Recording {
        let mut state = self.lock();
        let place = state.ended.iter().position(|(id, _)| &**id == event_id);
        place.map_or_else(Recording::default, |place| state.ended.swap_remove(place).1)
    }

    /// What was recorded since the last time, whichever event it belongs to.
    pub fn drain(&self) -> Recording {
        let mut state = self.lock();
        let State {
            in_flight,
            ended,
            between,
            ..
        } = &mut *state;
        let mut drained = std::mem::take(between);
        let of_ended = ended.drain(..).map(|(_, recording)| recording);
        let of_others = in_flight
            .iter_mut()
            .map(|it| std::mem::take(&mut it.recorded));
        for recording in of_ended.chain(of_others) {
            drained.entries.extend(recording.entries);
            drained.lost.extend(recording.lost);
        }
        drained
    }

    /// Whether a call to a provider has no whole answer yet.
    pub fn has_any_open_call(&self) -> bool {
        self.lock().in_flight.iter().any(|event| event.open > 0)
    }

    /// A call of an event begins. It is open until what this returns is dropped.
    pub fn open(self: &Arc<Self>, event_id: Option<&Arc<str>>) -> OpenCall {
        let mut state = self.lock();
        if let Some(event) = event_id.and_then(|id| state.find(id)) {
            event.open += 1;
        }
        drop(state);
        OpenCall {
            deck: Arc::clone(self),
            event_id: event_id.cloned(),
        }
    }

    /// Whether an event waits for the answer of a provider.
    pub fn has_open_calls(&self, event_id: &str) -> bool {
        self.lock()
            .find(event_id)
            .is_some_and(|event| event.open > 0)
    }

    /// The calls to the skill that belong to an event, with its values.
    pub fn callbacks(&self, event_id: &str) -> Vec<Callback> {
        let state = self.lock();
        let Some(event) = state.in_flight.iter().find(|it| &*it.event_id == event_id) else {
            return Vec::new();
        };
        if event.mode == Mode::Off {
            return Vec::new();
        }
        let of_case = event.case.and_then(|case| state.callbacks.get(case));
        let revealed = of_case.into_iter().flatten().map(|callback| Callback {
            request: revealed_request(&callback.request, &event.values),
            ..callback.clone()
        });
        revealed.collect()
    }

    /// What to do with a connection to `host`.
    pub fn connect(&self, host: &str) -> Connect {
        let state = self.lock();
        let mut modes: Vec<Mode> = state.in_flight.iter().map(|it| it.mode).collect();
        if modes.is_empty() {
            modes.push(self.mode);
        }
        let is_held = self.hosts.iter().any(|it| it.eq_ignore_ascii_case(host));
        if modes.iter().all(|mode| *mode == Mode::Off) {
            Connect::Through
        } else if self.mode.records() || is_held {
            Connect::Here
        } else if modes.contains(&Mode::Off) {
            Connect::Through
        } else {
            Connect::Refuse(format!("the cassette has no call to {host}"))
        }
    }

    /// What to do with a call, and the event that it belongs to, where that is known. Calls arrive on many
    /// connections: the lock is not held while a body is read.
    pub fn decide(&self, request: &ProviderRequest) -> (Decision, Option<Arc<str>>) {
        let Caller {
            event_id,
            case,
            mode,
            values,
        } = self.caller(request);
        let decision = match mode {
            Mode::Off => Decision::Forward { is_recorded: false },
            Mode::Record => Decision::Forward { is_recorded: true },
            Mode::Auto | Mode::Replay => {
                let redactor = Redactor {
                    values: &values,
                    secrets: &self.secrets,
                };
                let form = NormalForm::of_request(&redactor.request(request), &self.ignored);
                let key = form.key();
                let caller = event_id.as_deref().unwrap_or_default();
                let mut state = self.lock();
                let answer = state.player.answer(&form, key, case, caller).cloned();
                drop(state);
                match answer {
                    Ok(answer) => Decision::Answer(revealed_answer(&answer, &values)),
                    Err(_) if mode == Mode::Auto => Decision::Forward { is_recorded: true },
                    Err(reason) => Decision::Miss(reason),
                }
            }
        };
        (decision, event_id)
    }

    /// Who makes a call.
    fn caller(&self, request: &ProviderRequest) -> Caller {
        let state = self.lock();
        match owner(&state.in_flight, request) {
            Some(event) => Caller {
                event_id: Some(Arc::clone(&event.event_id)),
                case: event.case,
                mode: event.mode,
                values: Arc::clone(&event.values),
            },
            None => Caller {
                event_id: None,
                case: None,
                mode: self.mode_between(&state.in_flight),
                values: Arc::default(),
            },
        }
    }

    /// Records a call with its whole answer, for the event that it belongs to.
    pub fn record(&self, exchange: &Exchange, event_id: Option<&str>) {
        let owner =
            event_id.and_then(|id| self.lock().find(id).map(|event| Arc::clone(&event.values)));
        let redactor = Redactor {
            values: &owner.unwrap_or_default(),
            secrets: &self.secrets,
        };
        // Bodies may be long: the lock is not held meanwhile.
        let entry = Entry::Call(redactor.exchange(exchange));
        self.lock().recording(event_id).entries.push(entry);
    }

    /// A call was not recorded, for this reason: a sentence.
    pub fn lose(&self, reason: String, event_id: Option<&str>) {
        let mut state = self.lock();
        let lost = &mut state.recording(event_id).lost;
        if lost.len() < MAX_LOST {
            lost.push(reason);
        }
    }

    /// The mode of a call that belongs to no event that is known.
    fn mode_between(&self, in_flight: &[InFlight]) -> Mode {
        let any = |wanted: Mode| in_flight.iter().any(|event| event.mode == wanted);
        if in_flight.is_empty() {
            self.mode
        } else if any(Mode::Replay) {
            Mode::Replay
        } else {
            in_flight[0].mode
        }
    }

    /// Nothing panics while holding this lock.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Who makes a call: an event, where it is known.
struct Caller {
    event_id: Option<Arc<str>>,
    case: Option<usize>,
    mode: Mode,
    values: Arc<EventValues>,
}

/// A call to a provider whose answer is not whole.
#[derive(Debug)]
pub struct OpenCall {
    deck: Arc<Deck>,
    event_id: Option<Arc<str>>,
}

impl Drop for OpenCall {
    fn drop(&mut self) {
        let Some(id) = &self.event_id else {
            return;
        };
        if let Some(event) = self.deck.lock().find(id) {
            event.open = event.open.saturating_sub(1);
        }
    }
}

/// The event that a call belongs to: the only one, or the one whose values it holds, or the only one that
/// does not settle.
fn owner<'a>(in_flight: &'a [InFlight], request: &ProviderRequest) -> Option<&'a InFlight> {
    if let [only] = in_flight {
        return Some(only);
    }
    let body = String::from_utf8_lossy(&request.body);
    let is_named = |event: &&InFlight| {
        event.values.is_named_in(&request.url) || event.values.is_named_in(&body)
    };
    in_flight.iter().find(is_named).or_else(|| {
        let mut at_work = in_flight.iter().filter(|event| !event.is_settling);
        at_work.next().filter(|_| at_work.next().is_none())
    })
}

fn revealed_answer(answer: &ProviderAnswer, values: &EventValues) -> ProviderAnswer {
    let headers = answer.headers.iter();
    ProviderAnswer {
        status: answer.status,
        headers: headers
            .map(|(name, value)| (name.clone(), values.reveal(value).into_owned()))
            .collect(),
        body: revealed_body(&answer.body, values),
    }
}

fn revealed_request(request: &ProviderRequest, values: &EventValues) -> ProviderRequest {
    let headers = request.headers.iter();
    ProviderRequest {
        method: request.method.clone(),
        url: values.reveal(&request.url).into_owned(),
        headers: headers
            .map(|(name, value)| (name.clone(), values.reveal(value).into_owned()))
            .collect(),
        body: revealed_body(&request.body, values),
    }
}

fn revealed_body(body: &bytes::Bytes, values: &EventValues) -> bytes::Bytes {
    match std::str::from_utf8(body).map(|text| values.reveal(text)) {
        Ok(std::borrow::Cow::Owned(text)) => text.into(),
        _ => body.clone(),
    }
}

/// A host without its port.
fn host_name(host: &str) -> String {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|it| it.is_ascii_digit()) => name,
        _ => host,
    };
    name.to_ascii_lowercase()
}

#[cfg(test)]
mod tests;
