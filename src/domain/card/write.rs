//! The plan of a write: missing members are filled in, the cards are checked, and the request is built.
//! `client` sends it.

use serde_json::{Map, Value};

use super::{
    build::{self, Filling},
    request::{Mode, Request},
    shape::{self, CardsError, Recognised, Shape},
    validate::{Schema, count, validate},
};
use crate::domain::{
    diagnostic::Diagnostic,
    event::invocation::Invocation,
    json::tree::{Tape, Tree},
};

/// By which call cards are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Via {
    /// The metadata API.
    Metadata(Mode),
    /// `PUT /skill_invocations/{skill_id}`, which replaces all cards of the file.
    Invocation {
        /// The status to report. By default that of the body that the cards came in, else
        /// `success`.
        status: Option<String>,
    },
}

/// How cards are to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WriteOptions {
    /// By which call.
    pub via: Via,
    /// The skill's id; by default the event's.
    pub skill_id: Option<String>,
    /// The invocation's id; by default the event's.
    pub invocation_id: Option<String>,
    /// Whether cards are filled in and checked, or sent as they are.
    pub validate: bool,
}

/// What is known about the file that gets the cards.
#[derive(Clone, Copy, Debug)]
pub struct WriteTarget<'a> {
    /// The id of the file.
    pub file_id: &'a str,
    /// The event of the file, where there is one.
    pub event: Option<&'a Invocation<'a>>,
    /// `created_at` of cards without one, as RFC 3339.
    pub created_at: &'a str,
}

/// A write that can be sent.
#[derive(Clone, Debug, PartialEq)]
pub struct WritePlan {
    /// The id of the file.
    pub file_id: String,
    /// The first call. [`Request::overwriting`] is what an upsert sends on a 409.
    pub request: Request,
    /// What happens to cards that are already on the file.
    pub mode: Mode,
    /// How many cards are written.
    pub cards: usize,
    /// What Box accepts but does not document, or displays differently.
    pub warnings: Vec<Diagnostic>,
}

/// Why cards cannot be written.
#[derive(Clone, Debug, PartialEq)]
pub enum WriteError {
    /// The input has no list of cards.
    Cards(CardsError),
    /// Box would refuse the cards: all findings, warnings too.
    Invalid(Vec<Diagnostic>),
    /// A call by skill_invocations needs the id of the skill.
    NoSkillId,
}

impl WritePlan {
    /// Plans to write the cards in `input`, in any of their shapes. Findings point into the input.
    ///
    /// # Errors
    /// [`WriteError`], before anything is sent.
    pub fn new(
        input: Tree<'_>,
        options: &WriteOptions,
        target: WriteTarget<'_>,
    ) -> Result<Self, WriteError> {
        let recognised = shape::recognise_list(input).map_err(WriteError::Cards)?;
        let mut filled = Value::from(input);
        let mut warnings = Vec::new();
        if options.validate {
            fill(cards_in(&mut filled, &recognised), options, target);
            let findings = validate(Tape::from_value(&filled).tree(), Schema::Box);
            if count(&findings).0 > 0 {
                return Err(WriteError::Invalid(findings));
            }
            warnings = findings;
        }
        let cards = cards_in(&mut filled, &recognised).to_vec();
        let (request, mode) = match &options.via {
            Via::Metadata(mode) => (Request::by_metadata(&cards, *mode), *mode),
            Via::Invocation { status } => {
                let skill_id = skill_id(options, target, &cards).ok_or(WriteError::NoSkillId)?;
                let body = invocation_body(&filled);
                let status = status.as_deref().unwrap_or_else(|| status_of(body));
                let request =
                    Request::by_invocation(&cards, &skill_id, target.file_id, status, body);
                (request, Mode::Replace)
            }
        };
        Ok(Self {
            file_id: target.file_id.to_owned(),
            request,
            mode,
            cards: cards.len(),
            warnings,
        })
    }
}

/// The cards of an input, to be edited.
fn cards_in<'a>(input: &'a mut Value, recognised: &Recognised<'_>) -> &'a mut [Value] {
    match input.pointer_mut(recognised.at.as_str()) {
        Some(card) if recognised.shape == Shape::Card => std::slice::from_mut(card),
        Some(Value::Array(cards)) => cards,
        _ => &mut [],
    }
}

/// Fills in what the cards leave out.
fn fill(cards: &mut [Value], options: &WriteOptions, target: WriteTarget<'_>) {
    let filling = Filling {
        skill_id: options
            .skill_id
            .clone()
            .or_else(|| target.event.and_then(Invocation::skill_id)),
        invocation_id: options
            .invocation_id
            .clone()
            .or_else(|| target.event.map(Invocation::id)),
        created_at: Some(target.created_at.to_owned()),
    };
    for card in cards {
        build::fill(card, &filling);
    }
}

/// The skill that is named, else the event's, else that of the first card.
fn skill_id(options: &WriteOptions, target: WriteTarget<'_>, cards: &[Value]) -> Option<String> {
    let in_cards = || Some(cards.first()?.get("skill")?.get("id")?.as_str()?.to_owned());
    options
        .skill_id
        .clone()
        .or_else(|| target.event.and_then(Invocation::skill_id))
        .or_else(in_cards)
}

/// The body of a skill_invocations call, if the cards came in one.
fn invocation_body(input: &Value) -> Option<&Map<String, Value>> {
    input
        .as_object()
        .filter(|members| members.contains_key("metadata"))
}

fn status_of(body: Option<&Map<String, Value>>) -> &str {
    body.and_then(|body| body.get("status")?.as_str())
        .unwrap_or("success")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const TARGET: WriteTarget<'_> = WriteTarget {
        file_id: "7",
        event: None,
        created_at: "2026-11-21T10:00:00Z",
    };

    fn options(via: Via) -> WriteOptions {
        WriteOptions {
            via,
            skill_id: Some("137".to_owned()),
            invocation_id: Some("7_1".to_owned()),
            validate: true,
        }
    }

    fn plan(input: &Value, options: &WriteOptions) -> Result<WritePlan, WriteError> {
        WritePlan::new(Tape::from_value(input).tree(), options, TARGET)
    }

    fn keyword() -> Value {
        build::keyword("Topics", &["Budget".to_owned()])
    }

    #[test]
    fn cards_are_filled_in_before_they_are_checked_and_sent() {
        let plan = plan(
            &json!({"cards": [keyword()]}),
            &options(Via::Metadata(Mode::Upsert)),
        )
        .expect("a plan");
        let Request::Create(fields) = &plan.request else {
            panic!("{:?}", plan.request);
        };
        assert_eq!(fields["cards"][0]["skill"]["id"], "137");
        assert_eq!(fields["cards"][0]["created_at"], TARGET.created_at);
        assert_eq!((plan.cards, plan.warnings), (1, Vec::new()));
    }

    #[test]
    fn cards_that_box_refuses_make_no_plan_unless_unchecked() {
        let mut options = options(Via::Metadata(Mode::Create));
        let wrong = json!([{"skill_card_type": "keyword", "entries": 7}]);
        assert!(matches!(
            plan(&wrong, &options),
            Err(WriteError::Invalid(_))
        ));
        options.validate = false;
        let unchecked = plan(&wrong, &options).expect("a plan");
        assert_eq!(unchecked.request.body(), &json!({"cards": wrong}));
    }

    #[test]
    fn an_invocation_takes_status_and_skill_from_the_input_where_none_is_given() {
        let mut options = options(Via::Invocation { status: None });
        options.skill_id = None;
        let mut card = keyword();
        assert_eq!(
            plan(&json!([card]), &options),
            Err(WriteError::NoSkillId),
            "no skill anywhere"
        );
        card["skill"] = json!({"type": "service", "id": "9"});
        let body = json!({"status": "processing", "metadata": {"cards": [card]}});
        let plan = plan(&body, &options).expect("a plan");
        assert_eq!(plan.request.path("7"), "2.0/skill_invocations/9");
        assert_eq!(plan.request.body()["status"], "processing");
    }

    #[test]
    fn an_input_without_a_list_of_cards_makes_no_plan() {
        let options = options(Via::Metadata(Mode::Upsert));
        for input in [json!({}), json!(7)] {
            assert!(matches!(
                plan(&input, &options),
                Err(WriteError::Cards(CardsError::NoCards(_)))
            ));
        }
        assert!(matches!(
            plan(&json!({"cards": {}}), &options),
            Err(WriteError::Cards(CardsError::NotAList(_)))
        ));
    }
}
