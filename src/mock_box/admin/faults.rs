//! Faults: rules by which the mock fails calls. This module decides which calls a rule applies to and
//! what it does; [`parse`] reads rules, and the server applies the wire faults of an answer.
//!
//! Whether a rule applies depends only on the event of a call and on the number of earlier calls of the
//! same kind for that event, so a run is repeatable under concurrency.

mod answers;
pub mod parse;

use std::{collections::HashMap, num::NonZeroU64, sync::Arc, time::Duration};

use http::StatusCode;
use serde_json::{Value, json};

use crate::{
    domain::operation::Operation,
    mock_box::{
        http::{
            answer::Answer,
            errors,
            request::Head,
            wire_faults::{Cut, CutPoint, End, WireFaults},
        },
        model::ids::mix,
    },
};
use answers::{not_ready, pending, refusal};

/// The most rules.
pub const MAX_RULES: usize = 1000;

/// The calls that a rule applies to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// The content of a file. Statuses apply to the API call, wire faults to the bytes.
    Download,
    /// Writing metadata.
    Cards,
    /// `PUT /skill_invocations/{id}`.
    Invocation,
    /// The file object.
    Info,
    /// Representations: their list, their info, their content.
    Representation,
    /// Tokens.
    Token,
    /// Every call.
    Any,
}

/// What a rule does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// Answers with this status; the call changes nothing.
    Status {
        /// The status.
        status: StatusCode,
        /// Seconds of `Retry-After`.
        retry_after: Option<u64>,
    },
    /// Delays the answer.
    Delay(Duration),
    /// Limits the body to this many bytes per second.
    Slow(NonZeroU64),
    /// Closes the connection in the middle of the body.
    Truncate,
    /// Resets the connection in the middle of the body.
    Reset,
    /// Not ready for this many attempts: 202 for content, `pending` for a representation.
    Pending(u32),
    /// Expires the token of the call.
    Expire,
}

/// How often a rule applies.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Often {
    /// Each time.
    Always,
    /// To the first N calls of a kind of an event.
    First(u32),
    /// To this percentage of calls.
    Percent(f64),
}

/// One fault.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// Its text.
    pub text: Arc<str>,
    /// The calls it applies to.
    pub call: Call,
    /// What it does.
    pub what: What,
    /// How often.
    pub often: Often,
}

/// A call that a fault may apply to.
#[derive(Clone, Copy, Debug)]
pub struct Attempt<'a> {
    /// Its operation.
    pub operation: Operation,
    /// Whether it asks for the bytes behind a download URL.
    pub is_bytes: bool,
    /// Whether it asks for representations, directly or as a field of the file.
    pub is_representation: bool,
    /// Its event, else its file, else empty.
    pub event: &'a str,
}

/// The faults that apply to a call.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Strike {
    /// The answer of the fault, if it has one.
    pub answer: Option<Answer>,
    /// The wire faults.
    pub wire: WireFaults,
    /// Whether representations are not ready yet.
    pub pending: bool,
    /// Whether the token of the call expires now.
    pub expire: bool,
    /// The texts of the rules.
    pub fault: Arc<str>,
}

/// The active rules, with the number of calls they applied to.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    rules: Vec<(Rule, u64)>,
    /// The initial rules, which a reset restores.
    own: Vec<Rule>,
    seed: u64,
    /// For each event, the number of calls of each kind that reached each rule.
    attempts: HashMap<String, HashMap<(usize, &'static str), u32>>,
}

impl<'a> Attempt<'a> {
    /// A call by its head.
    pub fn new(operation: Operation, is_bytes: bool, head: &Head, event: &'a str) -> Self {
        let is_representation = operation == Operation::Representation
            || operation == Operation::Info
                && head.query("fields").is_some_and(|fields| {
                    fields.split(',').any(|field| field == "representations")
                });
        Self {
            operation,
            is_bytes,
            is_representation,
            event,
        }
    }

    /// The kind under which it is counted.
    fn kind(&self) -> &'static str {
        if self.is_representation {
            Operation::Representation.as_str()
        } else {
            self.operation.as_str()
        }
    }
}

impl Call {
    fn covers(self, attempt: &Attempt<'_>) -> bool {
        match self {
            Self::Any => true,
            Self::Representation => attempt.is_representation,
            Self::Download => attempt.operation == Operation::Download,
            Self::Cards => attempt.operation == Operation::Cards,
            Self::Invocation => attempt.operation == Operation::Invocation,
            Self::Info => attempt.operation == Operation::Info,
            Self::Token => attempt.operation == Operation::Token,
        }
    }
}

impl Rule {
    fn covers(&self, attempt: &Attempt<'_>) -> bool {
        if !self.call.covers(attempt) {
            return false;
        }
        let is_download = attempt.operation == Operation::Download;
        match self.what {
            // Of the two calls of a download, the wire is that of the bytes.
            What::Slow(_) | What::Truncate | What::Reset => !is_download || attempt.is_bytes,
            What::Pending(_) => attempt.is_representation || is_download && !attempt.is_bytes,
            What::Status { .. } | What::Delay(_) | What::Expire => !attempt.is_bytes,
        }
    }

    /// Whether it applies to the attempt with this number, from 1.
    fn strikes(&self, number: u32, seed: u64, index: usize, attempt: &Attempt<'_>) -> bool {
        if let What::Pending(times) = self.what {
            return number <= times;
        }
        match self.often {
            Often::Always => true,
            Often::First(times) => number <= times,
            Often::Percent(percent) => {
                let mut hash = mix(seed ^ mix(index as u64));
                let kind = attempt.kind().bytes();
                for byte in attempt.event.bytes().chain([0]).chain(kind) {
                    hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
                }
                #[allow(clippy::cast_precision_loss, reason = "of 53 bits, all are kept")]
                let share = (mix(hash ^ u64::from(number)) >> 11) as f64 / (1_u64 << 53) as f64;
                share * 100.0 < percent
            }
        }
    }
}

impl Faults {
    /// The initial rules; `seed` decides which calls percentages apply to.
    pub fn new(rules: Vec<Rule>, seed: u64) -> Self {
        Self {
            rules: rules.iter().map(|rule| (rule.clone(), 0)).collect(),
            own: rules,
            seed,
            attempts: HashMap::new(),
        }
    }

    /// Whether there are no rules.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// Adds rules.
    ///
    /// # Errors
    /// If there would be too many.
    pub fn add(&mut self, rules: Vec<Rule>) -> Result<(), String> {
        if self.rules.len() + rules.len() > MAX_RULES {
            return Err(format!("there are at most {MAX_RULES} faults"));
        }
        self.rules.extend(rules.into_iter().map(|rule| (rule, 0)));
        Ok(())
    }

    /// Removes all rules, the initial ones too.
    pub fn clear(&mut self) {
        self.rules.clear();
        self.attempts.clear();
    }

    /// Restores the initial rules and counts.
    pub fn reset(&mut self) {
        *self = Self::new(std::mem::take(&mut self.own), self.seed);
    }

    /// Drops the counts of an event.
    pub fn forget(&mut self, event: &str) {
        self.attempts.remove(event);
    }

    /// The rules, each with the number of calls it applied to.
    pub fn to_json(&self) -> Value {
        self.rules
            .iter()
            .map(|(rule, struck)| json!({ "fault": &*rule.text, "struck": struck }))
            .collect()
    }

    /// The faults that apply to a call. A rule counts the calls that reach it; a call that an earlier rule
    /// has answered does not.
    pub fn strike(&mut self, attempt: &Attempt<'_>) -> Option<Strike> {
        let mut strike = Strike::default();
        let mut texts: Vec<&str> = Vec::new();
        for (index, (rule, struck)) in self.rules.iter_mut().enumerate() {
            if !rule.covers(attempt) {
                continue;
            }
            let number = count(&mut self.attempts, attempt, index);
            if !rule.strikes(number, self.seed, index, attempt) {
                continue;
            }
            *struck += 1;
            texts.push(&rule.text);
            strike.add(rule.what, attempt);
            if strike.answer.is_some() {
                break;
            }
        }
        if texts.is_empty() {
            return None;
        }
        strike.fault = texts.join("; ").into();
        Some(strike)
    }
}

/// Counts an attempt, and returns its number.
fn count(
    attempts: &mut HashMap<String, HashMap<(usize, &'static str), u32>>,
    attempt: &Attempt<'_>,
    index: usize,
) -> u32 {
    if !attempts.contains_key(attempt.event) {
        attempts.insert(attempt.event.to_owned(), HashMap::new());
    }
    let Some(of_event) = attempts.get_mut(attempt.event) else {
        return 1;
    };
    let count = of_event.entry((index, attempt.kind())).or_default();
    *count = count.saturating_add(1);
    *count
}

impl Strike {
    fn add(&mut self, what: What, attempt: &Attempt<'_>) {
        let cut = |end| Cut {
            at: CutPoint::Half,
            end,
        };
        let wire = &mut self.wire;
        match what {
            What::Status {
                status,
                retry_after,
            } => self.answer = Some(refusal(status, retry_after, attempt.operation)),
            What::Delay(delay) => {
                wire.delay = Some(wire.delay.unwrap_or_default().saturating_add(delay));
            }
            What::Slow(rate) => {
                wire.rate = Some(wire.rate.map_or(rate, |other| other.min(rate)));
            }
            What::Truncate => wire.cut = wire.cut.or(Some(cut(End::Close))),
            What::Reset => wire.cut = wire.cut.or(Some(cut(End::Reset))),
            What::Pending(_) if attempt.is_representation => self.pending = true,
            What::Pending(_) => self.answer = Some(not_ready()),
            What::Expire => {
                self.expire = true;
                self.answer = Some(errors::unauthorised());
            }
        }
    }

    /// The answer as the fault leaves it.
    pub fn on(&self, answer: Answer) -> Answer {
        let mut answer = if self.pending {
            pending(answer)
        } else {
            answer
        };
        answer.wire = (!self.wire.is_none()).then(|| Box::new(self.wire));
        answer.fault = Some(Arc::clone(&self.fault));
        answer
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderValue, header};

    use super::*;
    use crate::mock_box::http::answer::AnswerBody;

    fn faults(rules: &[&str]) -> Faults {
        seeded(rules, 0)
    }

    fn seeded(rules: &[&str], seed: u64) -> Faults {
        let rules = rules
            .iter()
            .map(|text| text.parse().expect("a fault"))
            .collect();
        Faults::new(rules, seed)
    }

    fn attempt(operation: Operation, event: &str) -> Attempt<'_> {
        Attempt {
            operation,
            is_bytes: false,
            is_representation: operation == Operation::Representation,
            event,
        }
    }

    fn statuses(faults: &mut Faults, operation: Operation, event: &str, times: usize) -> Vec<u16> {
        (0..times)
            .map(|_| {
                let strike = faults.strike(&attempt(operation, event));
                let answer = strike.and_then(|strike| strike.answer);
                answer.map_or(0, |answer| answer.status.as_u16())
            })
            .collect()
    }

    #[test]
    fn the_first_calls_of_each_event_are_struck_whatever_the_others_do() {
        let mut faults = faults(&["cards=429,x2"]);
        assert_eq!(statuses(&mut faults, Operation::Cards, "a", 1), [429]);
        assert_eq!(
            statuses(&mut faults, Operation::Cards, "b", 3),
            [429, 429, 0]
        );
        assert_eq!(statuses(&mut faults, Operation::Cards, "a", 2), [429, 0]);
        assert_eq!(statuses(&mut faults, Operation::Info, "c", 1), [0]);
        assert_eq!(
            faults.to_json(),
            json!([{"fault": "cards=429,x2", "struck": 4}])
        );
    }

    #[test]
    fn a_rule_counts_only_the_calls_that_reach_it() {
        let mut faults = faults(&["info=429,x1", "*=503,x2"]);
        let found = statuses(&mut faults, Operation::Info, "a", 4);
        assert_eq!(found, [429, 503, 503, 0]);
        // Each kind of call is counted by itself, or the order of calls made at once would matter.
        assert_eq!(
            statuses(&mut faults, Operation::Cards, "a", 3),
            [503, 503, 0]
        );
    }

    #[test]
    fn percentages_repeat_with_their_seed_in_any_order() {
        let events: Vec<String> = (0..400).map(|number| format!("event-{number}")).collect();
        let struck = |faults: &mut Faults, event: &str| {
            faults.strike(&attempt(Operation::Cards, event)).is_some()
        };
        let mut first = faults(&["cards=503,p25%"]);
        let mut second = faults(&["cards=503,p25%"]);
        let forth: Vec<bool> = events
            .iter()
            .map(|event| struck(&mut first, event))
            .collect();
        let mut back: Vec<bool> = events
            .iter()
            .rev()
            .map(|event| struck(&mut second, event))
            .collect();
        back.reverse();
        assert_eq!(forth, back);
        let hits = forth.iter().filter(|hit| **hit).count();
        assert!((60..140).contains(&hits), "{hits} of 400");
        let mut other = seeded(&["cards=503,p25%"], 1);
        let others: Vec<bool> = events
            .iter()
            .map(|event| struck(&mut other, event))
            .collect();
        assert_ne!(forth, others);
    }

    #[test]
    fn of_a_download_answers_strike_the_call_and_the_wire_its_bytes() {
        let mut faults = faults(&["download=503,x1", "download=truncate", "*=slow=1000/s"]);
        let call = attempt(Operation::Download, "a");
        let bytes = Attempt {
            is_bytes: true,
            ..call
        };
        let strike = faults.strike(&bytes).expect("it strikes");
        assert_eq!(strike.answer, None);
        assert_eq!(&*strike.fault, "download=truncate; *=slow=1000/s");
        assert_eq!(strike.wire.rate, NonZeroU64::new(1000));
        assert_eq!(strike.wire.cut.map(|cut| cut.end), Some(End::Close));
        let strike = faults.strike(&call).expect("it strikes");
        assert!(strike.answer.is_some() && strike.wire.is_none());
        assert_eq!(faults.strike(&call), None);
    }

    #[test]
    fn refusals_have_the_form_of_their_endpoint() {
        let of = |text: &str, operation| {
            let strike = faults(&[text]).strike(&attempt(operation, "a"));
            strike.and_then(|strike| strike.answer).expect("an answer")
        };
        let limited = of("*=429", Operation::Info);
        assert_eq!(
            limited.refusal().map(|(code, _)| code),
            Some("rate_limit_exceeded")
        );
        let again = |answer: &Answer| {
            let found = answer
                .headers
                .iter()
                .find(|(name, _)| name == header::RETRY_AFTER);
            found.map(|(_, value)| value.clone())
        };
        assert_eq!(again(&limited), Some(HeaderValue::from(1)));
        assert_eq!(
            again(&of("*=503:7", Operation::Info)),
            Some(HeaderValue::from(7))
        );
        assert_eq!(again(&of("*=503", Operation::Info)), None);
        assert_eq!(of("*=401", Operation::Info).body, AnswerBody::Empty);
        let conflict = of("cards=conflict", Operation::Cards);
        assert_eq!(
            conflict.refusal().map(|(code, _)| code),
            Some("tuple_already_exists")
        );
    }

    #[test]
    fn pending_says_so_for_as_many_attempts() {
        let mut faults = faults(&["representation=pending=2", "download=pending=1"]);
        let list = json!({"representations": {"entries": [{"status": {"state": "success"}}]}});
        let ready = Answer::json(StatusCode::OK, &list);
        for expected in [Some("pending"), Some("pending"), None] {
            let strike = faults.strike(&attempt(Operation::Representation, "a"));
            let state = strike.map(|strike| match strike.on(ready.clone()).body {
                AnswerBody::Bytes(bytes) => {
                    let value: Value = serde_json::from_slice(&bytes).expect("JSON");
                    value["representations"]["entries"][0]["status"]["state"].clone()
                }
                other => panic!("no list: {other:?}"),
            });
            assert_eq!(state, expected.map(Value::from));
        }
        assert_eq!(statuses(&mut faults, Operation::Download, "a", 2), [202, 0]);
    }

    #[test]
    fn a_reset_restores_the_initial_rules() {
        let mut faults = faults(&["info=503,x1"]);
        assert_eq!(statuses(&mut faults, Operation::Info, "a", 2), [503, 0]);
        faults
            .add(vec!["cards=401".parse().expect("a fault")])
            .expect("under the limit");
        faults.reset();
        assert_eq!(statuses(&mut faults, Operation::Info, "a", 2), [503, 0]);
        assert_eq!(statuses(&mut faults, Operation::Cards, "a", 1), [0]);
        faults.clear();
        assert_eq!(faults.to_json(), json!([]));
    }
}
