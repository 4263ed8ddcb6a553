//! Metadata: the records of writes.

use std::sync::Arc;

use jiff::Timestamp;

use crate::{
    domain::call::{WriteOp, WriteRecord},
    mock_box::{
        model::{
            file::File,
            grant::Writer,
            instance::{InstancePath, Write},
        },
        state::{Change, State},
    },
};

/// The record of a write to an instance on `file`.
pub(crate) fn record(
    state: &State,
    file: &File,
    path: InstancePath,
    op: WriteOp,
    writer: &Writer,
    now: Timestamp,
) -> WriteRecord {
    let event_id = writer.event_id.as_ref();
    WriteRecord {
        file_id: path.file_id,
        file_version_id: file.current().id.as_str().into(),
        scope: path.scope,
        template: path.template,
        invocation_id: event_id.map(|id| Arc::clone(id).into()),
        token: writer.token.clone(),
        ..WriteRecord::bare(state.next_seq(), now, op)
    }
}

/// Deletes every instance on `file`.
pub(crate) fn delete_all(
    state: &State,
    file: &File,
    writer: &Writer,
    now: Timestamp,
) -> Vec<Change> {
    (state.next_seq()..)
        .zip(state.instance_paths(&file.id))
        .map(|(seq, path)| WriteRecord {
            seq,
            ..record(state, file, path, WriteOp::Delete, writer, now)
        })
        .map(|record| Change::Write(Write::recorded(record)))
        .collect()
}
