//! The metadata API and `skill_invocations`: what is answered, and what is recorded.

use std::sync::Arc;

use http::{HeaderValue, StatusCode, header};
use serde_json::value::RawValue;
use smol_str::SmolStr;

use super::card_fields::{Given, JudgedFields, Report, Said, judge, malformed};
use crate::{
    domain::{
        call::{WriteOp, WriteRecord},
        json::tree::Tape,
        metadata::{
            instance::{Instance, InstanceHead, SKILLS_SCOPE, SKILLS_TEMPLATE},
            patch,
        },
    },
    mock_box::{
        context::{Context, Decision},
        http::{answer::Answer, errors},
        model::{
            file::File,
            instance::{InstancePath, StoredInstance, Write},
        },
        state::Change,
    },
};

/// `GET /files/{id}/metadata`.
///
/// # Errors
/// Box's answer where there is no such file.
pub fn list(context: &Context<'_>, file_id: &str) -> Result<Answer, Answer> {
    find(context, file_id)?;
    let mut body = b"{\"entries\":[".to_vec();
    for (nth, stored) in context.state.instances(file_id).enumerate() {
        if nth > 0 {
            body.push(b',');
        }
        stored.instance.write_to(&mut body);
    }
    body.extend_from_slice(b"],\"limit\":100}");
    Ok(Answer::json_bytes(StatusCode::OK, body))
}

/// `GET …/metadata/{scope}/{template}`.
///
/// # Errors
/// Box's answer where there is no such file or instance.
pub fn get(context: &Context<'_>, path: &InstancePath) -> Result<Answer, Answer> {
    Ok(instance_answer(stored(context, path)?))
}

/// `POST …/metadata/{scope}/{template}`.
///
/// # Errors
/// 409 where an instance stands already, 400 where Box refuses its content.
pub fn create(
    context: &mut Context<'_>,
    path: &InstancePath,
    judged: Result<JudgedFields, Answer>,
) -> Result<Decision, Answer> {
    let file = find(context, &path.file_id)?;
    check_template(path)?;
    if context.state.instance(path).is_some() {
        return Err(errors::metadata(
            StatusCode::CONFLICT,
            "tuple_already_exists",
            "Tuple already exists",
        ));
    }
    let judged = judged?;
    let head = new_head(context, path);
    let record = record(context, file, path.clone(), WriteOp::Create);
    let answer = |stored: &StoredInstance| answer_with(StatusCode::CREATED, stored);
    Ok(written(record, head, judged, answer))
}

/// `PUT …/metadata/{scope}/{template}`: a JSON Patch.
///
/// # Errors
/// 404 where there is no instance, 400 for a patch that cannot be carried out or whose outcome
/// Box refuses.
pub fn patch(context: &Context<'_>, path: &InstancePath) -> Result<Decision, Answer> {
    let file = find(context, &path.file_id)?;
    let stored = stored(context, path)?;
    let before = stored
        .instance
        .fields()
        .map_err(|error| unreadable(&error))?;
    let text = context.request.bytes();
    let fields = patch::apply(&before, text).map_err(|refused| malformed(&refused.0))?;
    let length = stored.instance.weight() + text.len();
    let schema = context.state.settings.schema;
    let fields = Tape::from_members(&fields);
    let given = Given {
        whole: &fields,
        fields: fields.tree().as_object().unwrap_or_default(),
        length,
    };
    let judged = judge(schema, path.is_skills_cards(), given, None)?;
    let head = next_head(stored)?;
    let record = WriteRecord {
        patch: compact(text),
        ..record(context, file, path.clone(), WriteOp::Update)
    };
    let answer = |stored: &StoredInstance| answer_with(StatusCode::OK, stored);
    Ok(written(record, head, judged, answer))
}

/// `DELETE …/metadata/{scope}/{template}`.
///
/// # Errors
/// 404 where there is no instance.
pub fn delete(context: &Context<'_>, path: &InstancePath) -> Result<Decision, Answer> {
    let file = find(context, &path.file_id)?;
    stored(context, path)?;
    let record = record(context, file, path.clone(), WriteOp::Delete);
    Ok(Decision {
        changes: vec![Change::Write(Write::recorded(record))],
        ..Decision::answer(Answer::empty(StatusCode::NO_CONTENT))
    })
}

/// `PUT /skill_invocations/{skill}`: sets all cards of a file and says how the invocation stands.
///
/// # Errors
/// 400 where the body lacks what Box requires, or Box refuses its cards.
pub fn invocation(
    context: &mut Context<'_>,
    skill_id: &SmolStr,
    report: Report,
) -> Result<Decision, Answer> {
    let file_id = report.file_id;
    let decided = context
        .caller
        .check_file(context.state, &file_id, false)
        .and_then(|()| set_cards(context, skill_id, &file_id, report.said));
    Ok(Decision {
        file_id: Some(file_id),
        ..decided.unwrap_or_else(Decision::answer)
    })
}

fn set_cards(
    context: &mut Context<'_>,
    skill_id: &SmolStr,
    file_id: &SmolStr,
    said: Result<Said, Answer>,
) -> Result<Decision, Answer> {
    let file = context.state.file(file_id).ok_or_else(errors::not_found)?;
    let said = said?;
    let path = InstancePath::of_cards(file_id.clone());
    // All fields are replaced: the old ones need not be read.
    let head = match context.state.instance(&path) {
        Some(stored) => next_head(stored)?,
        None => new_head(context, &path),
    };
    let record = WriteRecord {
        skill_id: Some(skill_id.clone()),
        status: Some(said.status),
        usage: said.usage,
        ..record(context, file, path, WriteOp::Invocation)
    };
    // Box answers 200 with no body here.
    let answer = |_: &StoredInstance| Answer::empty(StatusCode::OK);
    Ok(written(record, head, said.fields, answer))
}

/// The records of deleting every instance on `file`, which is deleted itself.
pub fn all_deleted(context: &Context<'_>, file: &File) -> Vec<WriteRecord> {
    let numbers = context.state.next_seq()..;
    numbers
        .zip(context.state.instance_paths(&file.id))
        .map(|(seq, path)| WriteRecord {
            seq,
            ..record(context, file, path, WriteOp::Delete)
        })
        .collect()
}

fn find<'a>(context: &Context<'a>, file_id: &str) -> Result<&'a File, Answer> {
    context
        .state
        .file(file_id)
        .ok_or_else(|| errors::metadata(StatusCode::NOT_FOUND, "not_found", "Not Found"))
}

fn stored<'a>(context: &Context<'a>, path: &InstancePath) -> Result<&'a StoredInstance, Answer> {
    find(context, &path.file_id)?;
    check_template(path)?;
    context
        .state
        .instance(path)
        .ok_or_else(errors::instance_not_found)
}

/// Any template of an enterprise may exist; of the global ones only those that Box has.
fn check_template(path: &InstancePath) -> Result<(), Answer> {
    let exists = match path.scope.as_str() {
        SKILLS_SCOPE => matches!(path.template.as_str(), SKILLS_TEMPLATE | "properties"),
        scope => scope.starts_with("enterprise"),
    };
    if exists {
        return Ok(());
    }
    Err(errors::metadata(
        StatusCode::NOT_FOUND,
        "instance_tuple_not_found",
        "Instance tuple not found",
    ))
}

fn new_head(context: &mut Context<'_>, path: &InstancePath) -> InstanceHead {
    InstanceHead::new(
        &context.ids.uuid(),
        &context.state.template_type_id,
        &path.file_id,
        &path.scope,
        &path.template,
    )
}

fn next_head(stored: &StoredInstance) -> Result<InstanceHead, Answer> {
    let head = stored.instance.head();
    Ok(head.map_err(|error| unreadable(&error))?.next())
}

/// What there is to record of every write.
fn record(context: &Context<'_>, file: &File, path: InstancePath, op: WriteOp) -> WriteRecord {
    WriteRecord {
        file_id: path.file_id,
        file_version_id: file.current().id.as_str().into(),
        scope: path.scope,
        template: path.template,
        invocation_id: context.caller.event_id().map(|id| Arc::clone(id).into()),
        token: context.caller.writer(),
        ..WriteRecord::bare(context.state.next_seq(), context.now, op)
    }
}

/// An instance is written, and answered once it stands.
fn written(
    mut record: WriteRecord,
    head: InstanceHead,
    judged: JudgedFields,
    answer: impl FnOnce(&StoredInstance) -> Answer,
) -> Decision {
    let instance = Instance::Written {
        head,
        fields: judged.fields,
    };
    record.invocation_id = judged.invocation_id.or(record.invocation_id);
    record.instance = Some(instance.clone());
    let stored = StoredInstance::new(instance);
    let answer = answer(&stored).note(judged.summary);
    let write = Write {
        record: Arc::new(record),
        instance: Some(stored),
    };
    Decision {
        changes: vec![Change::Write(write)],
        ..Decision::answer(answer)
    }
}

fn answer_with(status: StatusCode, stored: &StoredInstance) -> Answer {
    // Not kept: who writes seldom reads at once what it knows.
    Answer::json_bytes(status, stored.instance.to_json())
}

fn instance_answer(stored: &StoredInstance) -> Answer {
    Answer::json_bytes(StatusCode::OK, stored.json()).header(
        header::CACHE_CONTROL,
        HeaderValue::from_static("no-cache, no-store"),
    )
}

fn unreadable(error: &serde_json::Error) -> Answer {
    errors::internal(format!("a stored instance does not read back: {error}"))
}

/// JSON as it is recorded: on one line, whatever lines it came in.
fn compact(text: &[u8]) -> Option<Box<RawValue>> {
    Some(Tape::read(text).ok()?.tree().to_raw())
}
