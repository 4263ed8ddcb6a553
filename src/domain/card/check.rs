//! The walk through cards that looks for mistakes: the rules themselves, told to whoever wants to
//! hear of them. It allocates nothing, so that the mock can judge every write with it.
//!
//! The type of a card is chosen first and the rest judged by it, and below a value of the wrong
//! type nothing more is said: one finding per mistake.

use std::ops::ControlFlow;

use super::{
    entries,
    mistake::{Mistake, Type},
    model::{self, DOCUMENTED_STATUSES, Kind},
    path::Path,
};
use crate::domain::json::tree::{Members, Tree};

/// Goes on, or ends the walk because enough was heard.
pub(super) type Flow = ControlFlow<()>;

/// Who hears of mistakes.
pub(super) trait Listener {
    /// Hears of a mistake in the value at `path`.
    fn hear(&mut self, path: &Path<'_>, mistake: &Mistake<'_>) -> Flow;

    /// Whether it wants to hear of what Box's schema has no word on: how things are shown.
    fn wants_doubts(&self) -> bool;

    /// Whether it wants to hear of what the published description alone forbids. Box refuses
    /// wrong types and no more, and every write is judged.
    fn wants_description(&self) -> bool;
}

/// Codes that the official kit writes and that neither the description nor the preview knows.
const KIT_CODES: [&str; 3] = [
    "custom_error",
    "skills_invalid_event_error",
    "skills_no_info_found",
];

/// Walks through what should be a list of cards.
pub(super) fn cards(path: &Path<'_>, value: Tree<'_>, listener: &mut impl Listener) -> Flow {
    let Tree::Array(cards) = value else {
        return wrong(path, value, Type::Array, listener);
    };
    for (index, value) in cards.iter().enumerate() {
        card(&path.index(index), value, listener)?;
    }
    Flow::Continue(())
}

/// Walks through one card.
pub(super) fn card(path: &Path<'_>, value: Tree<'_>, listener: &mut impl Listener) -> Flow {
    let Tree::Object(members) = value else {
        return wrong(path, value, Type::Object, listener);
    };
    let kind = kind(path, members, listener)?;
    required(path, members, &["invocation", "skill", "type"], listener)?;
    constant(path, members, "type", "skill_card", listener)?;
    reference(path, members, "skill", "service", listener)?;
    reference(path, members, "invocation", "skill_invocation", listener)?;
    created_at(path, members, listener)?;
    title(path, members, kind, listener)?;
    match kind {
        Some(Kind::Status) => status(path, members, listener),
        Some(kind) => entries::check(path, members, kind, listener),
        None => Flow::Continue(()),
    }
}

/// Walks through the body of a skill_invocations call around its cards.
pub(super) fn invocation(path: &Path<'_>, body: Tree<'_>, listener: &mut impl Listener) -> Flow {
    let Tree::Object(members) = body else {
        return Flow::Continue(());
    };
    required(path, members, &["file", "status"], listener)?;
    if let Some(status) = text(path, members, "status", listener)?
        && !DOCUMENTED_STATUSES.contains(&status)
    {
        listener.hear(&path.key("status"), &Mistake::OtherStatus { found: status })?;
    }
    reference(path, members, "file", "file", listener)
}

pub(super) fn wrong(
    path: &Path<'_>,
    found: Tree<'_>,
    should: Type,
    listener: &mut impl Listener,
) -> Flow {
    listener.hear(path, &Mistake::WrongType { found, should })
}

/// The kind of a card. None where that is already the mistake: the rest cannot be judged by it.
fn kind(
    path: &Path<'_>,
    members: Members<'_>,
    listener: &mut impl Listener,
) -> ControlFlow<(), Option<Kind>> {
    const NAME: &str = "skill_card_type";
    match members.get(NAME) {
        Some(Tree::String(name)) => {
            let kind = Kind::parse(name);
            if kind.is_none() {
                let mistake = Mistake::UnknownKind { found: name };
                listener.hear(&path.key(NAME), &mistake)?;
            }
            return ControlFlow::Continue(kind);
        }
        Some(other) => wrong(&path.key(NAME), other, Type::String, listener)?,
        None => nothing(path, members, NAME, listener)?,
    }
    ControlFlow::Continue(None)
}

/// The member `name`, without which nothing is shown, is missing.
pub(super) fn nothing(
    path: &Path<'_>,
    members: Members<'_>,
    name: &'static str,
    listener: &mut impl Listener,
) -> Flow {
    let near = members
        .keys()
        .find(|key| listener.wants_doubts() && is_misspelling(key, name));
    listener.hear(&path.key(name), &Mistake::Nothing { name, near })
}

/// Members that the description requires; those that are missing are one mistake.
fn required(
    path: &Path<'_>,
    members: Members<'_>,
    names: &[&'static str],
    listener: &mut impl Listener,
) -> Flow {
    if !listener.wants_description() {
        return Flow::Continue(());
    }
    let mut missing = [""; 3];
    let mut count = 0;
    for name in names {
        if !members.contains_key(name) && count < missing.len() {
            missing[count] = name;
            count += 1;
        }
    }
    match &missing[..count] {
        [] => Flow::Continue(()),
        [only] => listener.hear(
            &path.key(only),
            &Mistake::Missing {
                names: &missing[..1],
            },
        ),
        names => listener.hear(path, &Mistake::Missing { names }),
    }
}

/// The text of a member that must be a string where it stands.
fn text<'a>(
    path: &Path<'_>,
    members: Members<'a>,
    key: &str,
    listener: &mut impl Listener,
) -> ControlFlow<(), Option<&'a str>> {
    match members.get(key) {
        None => {}
        Some(Tree::String(text)) => return ControlFlow::Continue(Some(text)),
        Some(other) => wrong(&path.key(key), other, Type::String, listener)?,
    }
    ControlFlow::Continue(None)
}

/// A member that may be left out, and so perhaps null.
pub(super) fn optional<'a>(
    path: &Path<'_>,
    members: Members<'a>,
    key: &str,
    should: Type,
    listener: &mut impl Listener,
) -> ControlFlow<(), Option<Tree<'a>>> {
    fitting(path, key, members.get(key), should, listener)
}

/// The same of a member that was looked up.
pub(super) fn fitting<'a>(
    path: &Path<'_>,
    key: &str,
    found: Option<Tree<'a>>,
    should: Type,
    listener: &mut impl Listener,
) -> ControlFlow<(), Option<Tree<'a>>> {
    match found {
        None => {}
        Some(Tree::Null) => listener.hear(&path.key(key), &Mistake::Null { should })?,
        Some(value) if should.fits(value) => return ControlFlow::Continue(Some(value)),
        Some(other) => wrong(&path.key(key), other, should, listener)?,
    }
    ControlFlow::Continue(None)
}

/// A string that has one allowed value.
fn constant(
    path: &Path<'_>,
    members: Members<'_>,
    key: &str,
    should: &'static str,
    listener: &mut impl Listener,
) -> Flow {
    match text(path, members, key, listener)? {
        Some(found) if found != should => {
            listener.hear(&path.key(key), &Mistake::OtherConstant { found, should })
        }
        _ => Flow::Continue(()),
    }
}

/// `{type, id}`, the id a string: Box refuses an integer one, though a test event has them.
fn reference(
    path: &Path<'_>,
    members: Members<'_>,
    key: &str,
    kind: &'static str,
    listener: &mut impl Listener,
) -> Flow {
    let here = path.key(key);
    match members.get(key) {
        None => Flow::Continue(()),
        Some(Tree::Object(members)) => {
            required(&here, members, &["id", "type"], listener)?;
            constant(&here, members, "type", kind, listener)?;
            text(&here, members, "id", listener).map_continue(|_| ())
        }
        Some(other) => wrong(&here, other, Type::Object, listener),
    }
}

fn created_at(path: &Path<'_>, members: Members<'_>, listener: &mut impl Listener) -> Flow {
    const NAME: &str = "created_at";
    let value = optional(path, members, NAME, Type::String, listener)?;
    match value.and_then(Tree::as_str) {
        Some(found) if listener.wants_description() && !is_date_time(found) => {
            listener.hear(&path.key(NAME), &Mistake::NoDate { found })
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
    kind: Option<Kind>,
    listener: &mut impl Listener,
) -> Flow {
    const NAME: &str = "skill_card_title";
    let here = path.key(NAME);
    let value = optional(path, members, NAME, Type::Object, listener)?;
    let Some(Tree::Object(title)) = value else {
        if !members.contains_key(NAME) && members.contains_key("title") {
            let shown = kind.map_or(model::UNTITLED, Kind::default_title);
            listener.hear(&path.key("title"), &Mistake::TitleIgnored { shown })?;
        }
        return Flow::Continue(());
    };
    let code = optional(&here, title, "code", Type::String, listener)?.and_then(Tree::as_str);
    required(&here, title, &["message"], listener)?;
    let message = text(&here, title, "message", listener)?;
    if listener.wants_doubts()
        && let (Some(shown), Some(message)) = (code.and_then(model::known_title), message)
        && !message.trim().eq_ignore_ascii_case(shown)
    {
        listener.hear(&here.key("message"), &Mistake::TitleCodeWins { shown })?;
    }
    Flow::Continue(())
}

fn status(path: &Path<'_>, members: Members<'_>, listener: &mut impl Listener) -> Flow {
    const NAME: &str = "status";
    let here = path.key(NAME);
    let status = match members.get(NAME) {
        // A list of entries makes even a status card without status a section, with a text.
        None if members
            .get("entries")
            .is_some_and(|it| it.as_array().is_some()) =>
        {
            return required(path, members, &[NAME], listener);
        }
        None => return nothing(path, members, NAME, listener),
        Some(Tree::Object(status)) => status,
        Some(other) => return wrong(&here, other, Type::Object, listener),
    };
    let message = optional(&here, status, "message", Type::String, listener)?
        .and_then(Tree::as_str)
        .filter(|message| !message.is_empty());
    if status
        .get("message")
        .is_some_and(|it| it.as_str().is_none())
    {
        // What the preview makes of it follows from a mistake that has been told.
        return text(&here, status, "code", listener).map_continue(|_| ());
    }
    if !status.contains_key("code") {
        let mistake = Mistake::ShowsAsError {
            code: None,
            near: None,
            documented: false,
        };
        // With a message it is shown well, and only the description wants more.
        return match message {
            None => listener.hear(&here, &mistake),
            Some(_) => required(&here, status, &["code"], listener),
        };
    }
    match text(&here, status, "code", listener)? {
        Some(code) => status_code(&here, code, message, listener),
        None => Flow::Continue(()),
    }
}

fn status_code(
    path: &Path<'_>,
    code: &str,
    message: Option<&str>,
    listener: &mut impl Listener,
) -> Flow {
    let documented = DOCUMENTED_STATUSES.contains(&code);
    let shown = model::known_status(code);
    let here = path.key("code");
    if shown.is_none() && message.is_none() {
        let near = listener
            .wants_doubts()
            .then(|| nearest_code(code))
            .flatten();
        let mistake = Mistake::ShowsAsError {
            code: Some(code),
            near,
            documented,
        };
        return listener.hear(&here, &mistake);
    }
    if !documented {
        let official = shown.is_some() || KIT_CODES.contains(&code);
        let mistake = Mistake::OtherCode {
            found: code,
            official,
        };
        listener.hear(&here, &mistake)?;
    }
    match (shown, message) {
        (Some(shown), Some(message)) if message != shown => {
            listener.hear(&path.key("message"), &Mistake::MessageIgnored { shown })
        }
        _ => Flow::Continue(()),
    }
}

/// The code of Box's description, or that the preview knows, that `code` looks like a misspelling
/// of.
pub fn misspelt_status(code: &str) -> Option<&'static str> {
    let is_known = |known: &str| known == code;
    let known = || model::KNOWN_STATUSES.iter().map(|(known, _)| *known);
    let mut all = DOCUMENTED_STATUSES
        .into_iter()
        .chain(KIT_CODES)
        .chain(known());
    if all.clone().any(is_known) {
        return None;
    }
    all.find(|known| is_misspelling(code, known))
}

/// The code that the preview knows and that `code` looks like a misspelling of.
fn nearest_code(code: &str) -> Option<&'static str> {
    model::KNOWN_STATUSES
        .iter()
        .map(|(known, _)| *known)
        .find(|known| is_misspelling(code, known))
}

/// Whether `key` is `name` but for a letter or two.
pub(super) fn is_misspelling(key: &str, name: &str) -> bool {
    key != name && key.len().abs_diff(name.len()) <= 2 && strsim::osa_distance(key, name) <= 2
}
