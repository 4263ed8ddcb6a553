//! What the endpoints that write instances share: the fields that a body sends are checked and
//! serialised, which is the long part of a write and does not need the state; then come the head, the
//! record and the decision.

use std::sync::Arc;

use http::StatusCode;
use smol_str::SmolStr;

use crate::{
    domain::{
        call::{WriteOp, WriteRecord},
        card::{
            model::CardType,
            validate::{Schema, box_refusal},
        },
        json::tree::{Members, Tape, Tree},
        metadata::instance::{Fields, Instance, InstanceHead, why_not_storable},
    },
    mock_box::{
        context::{Context, Decision},
        http::{answer::Answer, errors},
        model::{
            file::File,
            ids::Ids,
            instance::{InstancePath, StoredInstance, Write},
        },
        ops,
        state::Change,
    },
};

/// The fields of an instance, not checked yet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Unchecked<'t> {
    /// The JSON they are in.
    pub tape: &'t Tape<'t>,
    /// The fields.
    pub fields: Members<'t>,
    /// About the length of their JSON, in bytes.
    pub length: usize,
}

/// The fields of an instance, checked and serialised.
#[derive(Debug)]
pub(super) struct CheckedFields {
    /// The fields.
    pub fields: Fields,
    /// The invocation that the first card names.
    pub invocation_id: Option<SmolStr>,
    /// A summary for the log: `success: 2 cards (keyword, transcript)`.
    pub summary: String,
}

/// Checks the fields of an instance and serialises them; `status` is that of the invocation that
/// reports them.
///
/// # Errors
/// Box's 400 for fields that it refuses.
pub(super) fn check_and_serialise(
    schema: Schema,
    are_cards: bool,
    unchecked: Unchecked<'_>,
    status: Option<&str>,
) -> Result<CheckedFields, Answer> {
    let Unchecked { fields, length, .. } = unchecked;
    if let Some(message) = why_not_storable(fields, unchecked.tape) {
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
    Ok(CheckedFields {
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
    /// Bytes: as long as most are.
    const CAPACITY: usize = 48;
    let cards = cards.as_array().unwrap_or_default();
    let mut text = String::with_capacity(CAPACITY);
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
        let name = card.get("skill_card_type").and_then(Tree::as_str);
        text.push_str(
            name.and_then(CardType::parse)
                .map_or("unknown", CardType::as_str),
        );
    }
    text.push(')');
    text
}

/// 400 for the body of a metadata call that is not valid.
pub(super) fn malformed(message: &str) -> Answer {
    errors::metadata(StatusCode::BAD_REQUEST, "bad_request", message)
}

/// The head of a new instance.
pub(super) fn new_head(context: &Context<'_>, ids: &mut Ids, path: &InstancePath) -> InstanceHead {
    InstanceHead::new(
        &ids.uuid(),
        &context.state.template_type_id,
        &path.file_id,
        &path.scope,
        &path.template,
    )
}

/// The head of an instance after its next change.
///
/// # Errors
/// 500 where the stored instance cannot be read.
pub(super) fn next_head(stored: &StoredInstance) -> Result<InstanceHead, Answer> {
    let head = stored.instance.head();
    Ok(head.map_err(|error| unreadable(&error))?.next())
}

/// The record of a write by the caller.
pub(super) fn record(
    context: &Context<'_>,
    file: &File,
    path: InstancePath,
    op: WriteOp,
) -> WriteRecord {
    let writer = context.caller.writer();
    ops::metadata::record(context.state, file, path, op, &writer, context.now)
}

/// Writes an instance; `answer` makes the answer of the instance as it is then.
pub(super) fn written(
    mut record: WriteRecord,
    head: InstanceHead,
    checked: CheckedFields,
    answer: impl FnOnce(&StoredInstance) -> Answer,
) -> Decision {
    let instance = Instance::Written {
        head,
        fields: checked.fields,
    };
    record.invocation_id = checked.invocation_id.or(record.invocation_id);
    record.instance = Some(instance.clone());
    let stored = StoredInstance::new(instance);
    let answer = answer(&stored).note(checked.summary);
    let write = Write {
        record: Arc::new(record),
        instance: Some(stored),
    };
    Decision {
        changes: vec![Change::Write(write)],
        ..Decision::answer(answer)
    }
}

/// 500 for a stored instance that cannot be read.
pub(super) fn unreadable(error: &serde_json::Error) -> Answer {
    errors::internal(format!("a stored instance cannot be parsed: {error}"))
}
