//! The fields of an instance as a body gives them, checked and serialised, and the report of an
//! invocation. This is the long part of a write and does not need the state, so it is done before
//! the write is decided.

use std::fmt;

use http::StatusCode;
use serde_json::value::RawValue;
use smol_str::SmolStr;

use crate::{
    domain::{
        card::{
            model::Kind,
            validate::{Schema, box_refusal},
        },
        json::tree::{Members, Tape, Tree},
        metadata::instance::{Fields, not_to_be_kept},
    },
    mock_box::{
        http::{answer::Answer, errors},
        model::instance::InstancePath,
    },
};

/// The statuses that an invocation may report.
const STATUSES: [&str; 5] = [
    "invoked",
    "processing",
    "success",
    "transient_failure",
    "permanent_failure",
];

/// The fields of an instance, judged and written, with what there is to say about them.
#[derive(Debug)]
pub struct JudgedFields {
    /// The fields.
    pub fields: Fields,
    /// The invocation that the first card names.
    pub invocation_id: Option<SmolStr>,
    /// What is written in a few words: `success: 2 cards (keyword, transcript)`.
    pub summary: String,
}

/// The body of `PUT /skill_invocations/{skill}`.
#[derive(Debug)]
pub struct Report {
    /// The file that it is about.
    pub file_id: SmolStr,
    /// What it reports, or why Box refuses that; asked for after the file was found.
    pub said: Result<Said, Answer>,
}

/// What an invocation reports.
#[derive(Debug)]
pub struct Said {
    /// How it stands.
    pub status: SmolStr,
    /// What it used.
    pub usage: Option<Box<RawValue>>,
    /// The cards of its file from now on.
    pub fields: JudgedFields,
}

/// The fields of a new instance.
///
/// # Errors
/// 400 for a body that is not a JSON object, or that Box refuses.
pub fn created(schema: Schema, path: &InstancePath, text: &[u8]) -> Result<JudgedFields, Answer> {
    let body = Tape::read(text).map_err(|error| malformed(&format!("invalid JSON: {error}")))?;
    match body.tree() {
        Tree::Object(fields) => {
            let given = Given {
                whole: &body,
                fields,
                length: text.len(),
            };
            judge(schema, path.is_skills_cards(), given, None)
        }
        _ => Err(malformed("the body is not a JSON object")),
    }
}

/// The fields of an instance, to be judged.
#[derive(Clone, Copy, Debug)]
pub struct Given<'t> {
    /// What they are in.
    pub whole: &'t Tape<'t>,
    /// The fields.
    pub fields: Members<'t>,
    /// About how long their text is, in bytes.
    pub length: usize,
}

/// Judges the fields of an instance, and writes them; `status` is that of the invocation that reports
/// them.
///
/// # Errors
/// What Box says of cards that it refuses.
pub fn judge(
    schema: Schema,
    are_cards: bool,
    given: Given<'_>,
    status: Option<&str>,
) -> Result<JudgedFields, Answer> {
    let Given { fields, length, .. } = given;
    if let Some(message) = not_to_be_kept(fields, given.whole) {
        return Err(malformed(&message));
    }
    let cards = fields.get("cards").unwrap_or(Tree::Null);
    if are_cards && let Some(refusal) = box_refusal(cards, schema) {
        return Err(errors::metadata(
            StatusCode::BAD_REQUEST,
            "schema_validation_failed",
            refusal.message,
        ));
    }
    Ok(JudgedFields {
        fields: Fields::write(fields, length),
        invocation_id: invocation_of(cards),
        summary: summary(status, cards),
    })
}

/// The invocation that the first card names.
fn invocation_of(cards: Tree<'_>) -> Option<SmolStr> {
    let first = cards.as_array()?.first()?;
    first.get("invocation")?.get("id")?.as_id()
}

fn summary(status: Option<&str>, cards: Tree<'_>) -> String {
    /// As long as most are, in bytes.
    const USUAL: usize = 48;
    let cards = cards.as_array().unwrap_or_default();
    let mut text = String::with_capacity(USUAL);
    if let Some(status) = status {
        text.push_str(status);
        text.push_str(": ");
    }
    match cards.len() {
        0 => {
            text.push_str("no cards");
            return text;
        }
        1 => text.push_str("1 card ("),
        many => {
            text.push_str(&many.to_string());
            text.push_str(" cards (");
        }
    }
    for (index, card) in cards.iter().enumerate() {
        if index > 0 {
            text.push_str(", ");
        }
        let kind = card.get("skill_card_type").and_then(Tree::as_str);
        text.push_str(kind.and_then(Kind::parse).map_or("unknown", Kind::as_str));
    }
    text.push(')');
    text
}

/// A body of a metadata call that cannot be understood.
pub fn malformed(message: &str) -> Answer {
    errors::metadata(StatusCode::BAD_REQUEST, "bad_request", message)
}

/// The body of an invocation's report, as far as Box looks at it.
struct ReportBody<'t> {
    whole: &'t Tape<'t>,
    status: Option<Tree<'t>>,
    metadata: Option<Tree<'t>>,
    file: Option<Tree<'t>>,
    /// Null, which the official kit sends, is not the same as nothing.
    usage: Option<Tree<'t>>,
}

/// The report that a body makes.
///
/// # Errors
/// 400 for a body that is not JSON or names no file.
pub fn report(schema: Schema, text: &[u8]) -> Result<Report, Answer> {
    let invalid = |reason: &dyn fmt::Display| {
        errors::bad_request(format!("The request body is not valid: {reason}"))
    };
    let body = Tape::read(text).map_err(|error| invalid(&error))?;
    let Tree::Object(members) = body.tree() else {
        return Err(invalid(&"it is not a JSON object"));
    };
    let body = ReportBody {
        whole: &body,
        status: members.get("status"),
        metadata: members.get("metadata"),
        file: members.get("file"),
        usage: members.get("usage"),
    };
    let file_id = body
        .file
        .and_then(|file| file.get("id")?.as_id())
        .ok_or_else(|| errors::bad_request("'file.id' is required"))?;
    let said = body.said(schema, text.len());
    Ok(Report { file_id, said })
}

impl ReportBody<'_> {
    fn said(&self, schema: Schema, length: usize) -> Result<Said, Answer> {
        if schema == Schema::Documented {
            self.check_documented()?;
        }
        let status = self
            .status
            .and_then(Tree::as_str)
            .filter(|status| STATUSES.contains(status))
            .ok_or_else(|| {
                errors::bad_request(format!("'status' must be one of {}", STATUSES.join(", ")))
            })?;
        let fields = match self.metadata {
            Some(Tree::Object(fields))
                if fields.get("cards").and_then(Tree::as_array).is_some() =>
            {
                fields
            }
            _ => return Err(errors::bad_request("'metadata.cards' must be an array")),
        };
        let usage = self.usage.filter(|usage| !usage.is_null());
        let given = Given {
            whole: self.whole,
            fields,
            length,
        };
        Ok(Said {
            status: status.into(),
            fields: judge(schema, true, given, Some(status))?,
            usage: usage.map(Tree::to_raw),
        })
    }

    /// What Box takes and its description does not allow, for those who want to hold to it.
    fn check_documented(&self) -> Result<(), Answer> {
        let is_usage = |usage: Tree<'_>| {
            usage.as_object().is_some()
                && usage.get("unit").is_none_or(|unit| unit.as_str().is_some())
                && usage.get("value").is_none_or(|it| it.as_f64().is_some())
        };
        if self.usage.is_some_and(|usage| !is_usage(usage)) {
            let message = "'usage' must be an object of a unit and a value";
            return Err(errors::bad_request(message));
        }
        let kind = self.file.and_then(|file| file.get("type"));
        if kind.and_then(Tree::as_str) != Some("file") {
            return Err(errors::bad_request("'file.type' must be 'file'"));
        }
        Ok(())
    }
}
