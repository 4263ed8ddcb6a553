//! Finds the violations of a card, except those of its entries, which are in `entries`. The message of
//! a violation is in `violation`. The walk allocates nothing, so that the mock can check every write
//! with it.
//!
//! The type of a card is checked first and decides which rules follow. Below a value of the wrong
//! type nothing more is reported: one finding for each error.

use std::ops::ControlFlow;

use super::{
    codes::{DOCUMENTED_STATUSES, KIT_STATUSES, known_status, known_title, nearest_known_status},
    entries,
    members::{
        Flow, Reporter, constant, nothing_to_show, optional, reference, required, text, wrong_type,
    },
    model::{self, Card, CardType},
    path::Path,
    types::Type,
    violation::Violation,
};
use crate::domain::json::tree::{Members, Tree};

/// Walks through what should be a list of cards.
pub(super) fn cards(path: &Path<'_>, value: Tree<'_>, reporter: &mut impl Reporter) -> Flow {
    let Tree::Array(cards) = value else {
        return wrong_type(path, value, Type::Array, reporter);
    };
    for (index, value) in cards.iter().enumerate() {
        card(&path.index(index), value, reporter)?;
    }
    Flow::Continue(())
}

/// Walks through one card.
pub(super) fn card(path: &Path<'_>, value: Tree<'_>, reporter: &mut impl Reporter) -> Flow {
    let Tree::Object(members) = value else {
        return wrong_type(path, value, Type::Object, reporter);
    };
    let card_type = card_type(path, members, reporter)?;
    required(path, members, &["invocation", "skill", "type"], reporter)?;
    constant(path, members, "type", "skill_card", reporter)?;
    reference(path, members, "skill", "service", reporter)?;
    reference(path, members, "invocation", "skill_invocation", reporter)?;
    created_at(path, members, reporter)?;
    title(path, members, card_type, reporter)?;
    if reporter.wants_display_rules() && Card(value).is_error() {
        reporter.report(&path.key("error"), &Violation::ErrorMember)?;
    }
    match card_type {
        Some(CardType::Status) => status(path, members, reporter),
        Some(card_type) => entries::check(path, members, card_type, reporter),
        None => Flow::Continue(()),
    }
}

/// Walks through the body of a skill_invocations call around its cards.
pub(super) fn invocation(path: &Path<'_>, body: Tree<'_>, reporter: &mut impl Reporter) -> Flow {
    let Tree::Object(members) = body else {
        return Flow::Continue(());
    };
    required(path, members, &["file", "status"], reporter)?;
    if let Some(status) = text(path, members, "status", reporter)?
        && !DOCUMENTED_STATUSES.contains(&status)
    {
        reporter.report(
            &path.key("status"),
            &Violation::UnknownStatus { found: status },
        )?;
    }
    reference(path, members, "file", "file", reporter)
}

/// The type of a card. None where it is missing or unknown: the remaining rules depend on it.
fn card_type(
    path: &Path<'_>,
    members: Members<'_>,
    reporter: &mut impl Reporter,
) -> ControlFlow<(), Option<CardType>> {
    const NAME: &str = "skill_card_type";
    match members.get(NAME) {
        Some(Tree::String(name)) => {
            let card_type = CardType::parse(name);
            let violation = match card_type {
                None => Some(Violation::UnknownCardType { found: name }),
                Some(known) if !known.is_documented() => {
                    Some(Violation::UndocumentedCardType { found: name })
                }
                Some(_) => None,
            };
            if let Some(violation) = violation {
                reporter.report(&path.key(NAME), &violation)?;
            }
            return ControlFlow::Continue(card_type);
        }
        Some(other) => wrong_type(&path.key(NAME), other, Type::String, reporter)?,
        None => nothing_to_show(path, members, NAME, reporter)?,
    }
    ControlFlow::Continue(None)
}

fn created_at(path: &Path<'_>, members: Members<'_>, reporter: &mut impl Reporter) -> Flow {
    const NAME: &str = "created_at";
    let value = optional(path, members, NAME, Type::String, reporter)?;
    match value.and_then(Tree::as_str) {
        Some(found) if reporter.wants_description_rules() && !is_date_time(found) => {
            reporter.report(&path.key(NAME), &Violation::NoDateTime { found })
        }
        _ => Flow::Continue(()),
    }
}

/// Whether a text is a date and time by RFC 3339.
fn is_date_time(text: &str) -> bool {
    let separated = matches!(text.as_bytes().get(10), Some(b'T' | b't'));
    separated && text.parse::<jiff::Timestamp>().is_ok() && !text.contains('[')
}

fn title(
    path: &Path<'_>,
    members: Members<'_>,
    card_type: Option<CardType>,
    reporter: &mut impl Reporter,
) -> Flow {
    const NAME: &str = "skill_card_title";
    let here = path.key(NAME);
    let value = optional(path, members, NAME, Type::Object, reporter)?;
    let Some(Tree::Object(title)) = value else {
        if !members.contains_key(NAME) && members.contains_key("title") {
            let shown = card_type.map_or(model::UNTITLED, CardType::default_title);
            reporter.report(&path.key("title"), &Violation::TitleIgnored { shown })?;
        }
        return Flow::Continue(());
    };
    let code = optional(&here, title, "code", Type::String, reporter)?.and_then(Tree::as_str);
    required(&here, title, &["message"], reporter)?;
    let message = text(&here, title, "message", reporter)?;
    if reporter.wants_display_rules()
        && let (Some(shown), Some(message)) = (code.and_then(known_title), message)
        && !message.trim().eq_ignore_ascii_case(shown)
    {
        reporter.report(&here.key("message"), &Violation::TitleCodeWins { shown })?;
    }
    Flow::Continue(())
}

fn status(path: &Path<'_>, members: Members<'_>, reporter: &mut impl Reporter) -> Flow {
    const NAME: &str = "status";
    let here = path.key(NAME);
    let status = match members.get(NAME) {
        // With a list of entries, even a status card without a status is shown.
        None if members
            .get("entries")
            .is_some_and(|it| it.as_array().is_some()) =>
        {
            return required(path, members, &[NAME], reporter);
        }
        None => return nothing_to_show(path, members, NAME, reporter),
        Some(Tree::Object(status)) => status,
        Some(other) => return wrong_type(&here, other, Type::Object, reporter),
    };
    let message = optional(&here, status, "message", Type::String, reporter)?
        .and_then(Tree::as_str)
        .filter(|message| !message.is_empty());
    if status
        .get("message")
        .is_some_and(|it| it.as_str().is_none())
    {
        // How the preview shows it follows from a violation that was already reported.
        return text(&here, status, "code", reporter).map_continue(|_| ());
    }
    if !status.contains_key("code") {
        let violation = Violation::ShowsAsError {
            code: None,
            near: None,
            documented: false,
        };
        // With a message it is shown as intended; only the description requires the code.
        return match message {
            None => reporter.report(&here, &violation),
            Some(_) => required(&here, status, &["code"], reporter),
        };
    }
    match text(&here, status, "code", reporter)? {
        Some(code) => status_code(&here, code, message, reporter),
        None => Flow::Continue(()),
    }
}

fn status_code(
    path: &Path<'_>,
    code: &str,
    message: Option<&str>,
    reporter: &mut impl Reporter,
) -> Flow {
    let documented = DOCUMENTED_STATUSES.contains(&code);
    let shown = known_status(code);
    let here = path.key("code");
    if shown.is_none() && message.is_none() {
        let near = reporter
            .wants_display_rules()
            .then(|| nearest_known_status(code))
            .flatten();
        let violation = Violation::ShowsAsError {
            code: Some(code),
            near,
            documented,
        };
        return reporter.report(&here, &violation);
    }
    if !documented {
        let official = shown.is_some() || KIT_STATUSES.contains(&code);
        let violation = Violation::UnknownStatusCode {
            found: code,
            official,
        };
        reporter.report(&here, &violation)?;
    }
    match (shown, message) {
        (Some(shown), Some(message)) if message != shown => {
            reporter.report(&path.key("message"), &Violation::MessageIgnored { shown })
        }
        _ => Flow::Continue(()),
    }
}
