//! What the rules are checked with: who receives violations, and members read as the types they
//! should have.

use std::ops::ControlFlow;

use super::{model::Card, path::Path, types::Type, violation::Violation};
use crate::domain::{
    json::tree::{Members, Tree},
    text::is_misspelling,
};

/// Continues the walk, or ends it because enough was reported.
pub(super) type Flow = ControlFlow<()>;

/// Receives violations.
pub(super) trait Reporter {
    /// Receives a violation in the value at `path`.
    fn report(&mut self, path: &Path<'_>, violation: &Violation<'_>) -> Flow;

    /// Whether it wants violations of rules on display, which Box's schema does not mention.
    fn wants_display_rules(&self) -> bool;

    /// Whether it wants violations of what only the published description forbids. Box refuses
    /// nothing but wrong types, and the mock checks every write.
    fn wants_description_rules(&self) -> bool;
}

/// Reports a value of another type than Box accepts.
pub(super) fn wrong_type(
    path: &Path<'_>,
    found: Tree<'_>,
    should: Type,
    reporter: &mut impl Reporter,
) -> Flow {
    reporter.report(path, &Violation::WrongType { found, should })
}

/// Reports that the member `name` is missing. Without it nothing is shown, except of a card with an
/// error, which is shown as a status card.
pub(super) fn nothing_to_show(
    path: &Path<'_>,
    members: Members<'_>,
    name: &'static str,
    reporter: &mut impl Reporter,
) -> Flow {
    if Card(Tree::Object(members)).is_error() {
        return required(path, members, &[name], reporter);
    }
    let near = members
        .keys()
        .find(|key| reporter.wants_display_rules() && is_misspelling(key, name));
    reporter.report(&path.key(name), &Violation::NothingToShow { name, near })
}

/// Members that the description requires; those that are missing are one mistake.
pub(super) fn required(
    path: &Path<'_>,
    members: Members<'_>,
    names: &[&'static str],
    reporter: &mut impl Reporter,
) -> Flow {
    if !reporter.wants_description_rules() {
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
        [only] => reporter.report(
            &path.key(only),
            &Violation::Missing {
                names: &missing[..1],
            },
        ),
        names => reporter.report(path, &Violation::Missing { names }),
    }
}

/// The text of a member that must be a string if it is there.
pub(super) fn text<'a>(
    path: &Path<'_>,
    members: Members<'a>,
    key: &str,
    reporter: &mut impl Reporter,
) -> ControlFlow<(), Option<&'a str>> {
    match members.get(key) {
        None => {}
        Some(Tree::String(text)) => return ControlFlow::Continue(Some(text)),
        Some(other) => wrong_type(&path.key(key), other, Type::String, reporter)?,
    }
    ControlFlow::Continue(None)
}

/// A member that may be left out, and so perhaps null.
pub(super) fn optional<'a>(
    path: &Path<'_>,
    members: Members<'a>,
    key: &str,
    should: Type,
    reporter: &mut impl Reporter,
) -> ControlFlow<(), Option<Tree<'a>>> {
    fitting(path, key, members.get(key), should, reporter)
}

/// As [`optional`], of a member that was already looked up.
pub(super) fn fitting<'a>(
    path: &Path<'_>,
    key: &str,
    found: Option<Tree<'a>>,
    should: Type,
    reporter: &mut impl Reporter,
) -> ControlFlow<(), Option<Tree<'a>>> {
    match found {
        None => {}
        Some(Tree::Null) => reporter.report(&path.key(key), &Violation::Null { should })?,
        Some(value) if should.fits(value) => return ControlFlow::Continue(Some(value)),
        Some(other) => wrong_type(&path.key(key), other, should, reporter)?,
    }
    ControlFlow::Continue(None)
}

/// A string that has one allowed value.
pub(super) fn constant(
    path: &Path<'_>,
    members: Members<'_>,
    key: &str,
    should: &'static str,
    reporter: &mut impl Reporter,
) -> Flow {
    match text(path, members, key, reporter)? {
        Some(found) if found != should => {
            reporter.report(&path.key(key), &Violation::OtherConstant { found, should })
        }
        _ => Flow::Continue(()),
    }
}

/// `{type, id}`, the id a string.
pub(super) fn reference(
    path: &Path<'_>,
    members: Members<'_>,
    key: &str,
    type_name: &'static str,
    reporter: &mut impl Reporter,
) -> Flow {
    let here = path.key(key);
    match members.get(key) {
        None => Flow::Continue(()),
        Some(Tree::Object(members)) => {
            required(&here, members, &["id", "type"], reporter)?;
            constant(&here, members, "type", type_name, reporter)?;
            match members.get("id") {
                None | Some(Tree::String(_)) => Flow::Continue(()),
                Some(found) => reporter.report(&here.key("id"), &Violation::WrongIdType { found }),
            }
        }
        Some(other) => wrong_type(&here, other, Type::Object, reporter),
    }
}
