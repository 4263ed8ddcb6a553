//! What the endpoints that write instances share: the head, the record, the decision.

use std::sync::Arc;

use super::card_fields::CheckedFields;
use crate::{
    domain::{
        call::{WriteOp, WriteRecord},
        metadata::instance::{Instance, InstanceHead},
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
