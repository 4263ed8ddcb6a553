//! The endpoints of metadata: the instances on a file.

use http::{HeaderValue, Method, StatusCode, header};
use serde_json::value::RawValue;
use smol_str::SmolStr;

use super::{
    endpoint::{
        BodyKind::{InMemory, NoBody},
        Checked, Endpoint,
        Handler::{CheckedWrite, Read, Write},
        row,
    },
    instance_write::{
        CheckedFields, Unchecked, check_and_serialise, malformed, new_head, next_head, record,
        unreadable, written,
    },
};
use crate::{
    domain::{
        call::{WriteOp, WriteRecord},
        card::validate::Schema,
        json::tree::{Tape, Tree},
        metadata::{
            instance::{SKILLS_SCOPE, SKILLS_TEMPLATE},
            patch,
        },
        operation::Operation,
    },
    mock_box::{
        context::{Context, Decision},
        http::{answer::Answer, errors, request::Request, route::Captures},
        model::{
            file::File,
            ids::Ids,
            instance::{self, InstancePath, StoredInstance},
            settings::Settings,
        },
        state::Change,
    },
};

const ALL: &str = "files/{file_id}/metadata";
const ONE: &str = "files/{file_id}/metadata/{scope}/{template}";

#[rustfmt::skip]
pub(super) static ENDPOINTS: &[Endpoint] = &[
    row(Method::GET,    ALL, Operation::CardsRead, NoBody,   Read(list_instances)),
    row(Method::GET,    ONE, Operation::CardsRead, NoBody,   Read(read_instance)),
    row(Method::POST,   ONE, Operation::Cards,     InMemory, CheckedWrite(create_instance)),
    row(Method::PUT,    ONE, Operation::Cards,     InMemory, Write(patch_instance)),
    row(Method::DELETE, ONE, Operation::Cards,     NoBody,   Write(delete_instance)),
];

fn list_instances(context: &Context<'_>) -> Result<Answer, Answer> {
    let file = find(context)?;
    let mut body = b"{\"entries\":[".to_vec();
    for (nth, stored) in context.state.instances(&file.id).enumerate() {
        if nth > 0 {
            body.push(b',');
        }
        stored.instance.write_to(&mut body);
    }
    body.extend_from_slice(b"],\"limit\":100}");
    Ok(Answer::json_bytes(StatusCode::OK, body))
}

fn read_instance(context: &Context<'_>) -> Result<Answer, Answer> {
    let (_, stored) = find_instance(context, &path_of(context.captures))?;
    let answer = Answer::json_bytes(StatusCode::OK, stored.json());
    let no_cache = HeaderValue::from_static("no-cache, no-store");
    Ok(answer.header(header::CACHE_CONTROL, no_cache))
}

/// 409 where an instance exists already, 400 where Box refuses its content.
fn create_instance(settings: &Settings, captures: &Captures, request: &Request) -> Checked {
    let path = path_of(captures);
    let fields = new_fields(settings.schema, &path, request.bytes());
    Checked {
        file_id: Some(path.file_id.clone()),
        decide: Box::new(|context, ids| create(context, ids, path, fields)),
    }
}

fn create(
    context: &Context<'_>,
    ids: &mut Ids,
    path: InstancePath,
    fields: Result<CheckedFields, Answer>,
) -> Result<Decision, Answer> {
    let file = find(context)?;
    check_template(&path)?;
    if context.state.instance(&path).is_some() {
        return Err(errors::metadata(
            StatusCode::CONFLICT,
            "tuple_already_exists",
            "Tuple already exists",
        ));
    }
    let fields = fields?;
    let head = new_head(context, ids, &path);
    let record = record(context, file, path, WriteOp::Create);
    let answer = |stored: &StoredInstance| answer_with(StatusCode::CREATED, stored);
    Ok(written(record, head, fields, answer))
}

fn new_fields(schema: Schema, path: &InstancePath, text: &[u8]) -> Result<CheckedFields, Answer> {
    let body = Tape::read(text).map_err(|error| malformed(&format!("invalid JSON: {error}")))?;
    let Tree::Object(fields) = body.tree() else {
        return Err(malformed("the body is not a JSON object"));
    };
    let unchecked = Unchecked {
        tape: &body,
        fields,
        length: text.len(),
    };
    check_and_serialise(schema, path.is_skills_cards(), unchecked, None)
}

/// A JSON Patch; 400 for one that cannot be applied or whose result Box refuses.
fn patch_instance(context: &Context<'_>, _: &mut Ids) -> Result<Decision, Answer> {
    let path = path_of(context.captures);
    let (file, stored) = find_instance(context, &path)?;
    let before = stored
        .instance
        .fields()
        .map_err(|error| unreadable(&error))?;
    let text = context.request.bytes();
    let fields = patch::apply(&before, text).map_err(|refused| malformed(&refused.0))?;
    let length = stored.instance.weight() + text.len();
    let tape = Tape::from_members(&fields);
    let unchecked = Unchecked {
        tape: &tape,
        fields: tape.tree().as_object().unwrap_or_default(),
        length,
    };
    let schema = context.state.settings.schema;
    let checked = check_and_serialise(schema, path.is_skills_cards(), unchecked, None)?;
    let head = next_head(stored)?;
    let record = WriteRecord {
        patch: compact(text),
        ..record(context, file, path, WriteOp::Update)
    };
    let answer = |stored: &StoredInstance| answer_with(StatusCode::OK, stored);
    Ok(written(record, head, checked, answer))
}

fn delete_instance(context: &Context<'_>, _: &mut Ids) -> Result<Decision, Answer> {
    let path = path_of(context.captures);
    let (file, _) = find_instance(context, &path)?;
    let record = record(context, file, path, WriteOp::Delete);
    Ok(Decision {
        changes: vec![Change::Write(instance::Write::recorded(record))],
        ..Decision::answer(Answer::empty(StatusCode::NO_CONTENT))
    })
}

fn path_of(captures: &Captures) -> InstancePath {
    let capture = |name| captures.get(name).map_or("", SmolStr::as_str);
    InstancePath::new(capture("file_id"), capture("scope"), capture("template"))
}

/// The file, with a 404 in the metadata endpoints' form.
fn find<'a>(context: &Context<'a>) -> Result<&'a File, Answer> {
    context
        .file()
        .map_err(|_| errors::metadata(StatusCode::NOT_FOUND, "not_found", "Not Found"))
}

fn find_instance<'a>(
    context: &Context<'a>,
    path: &InstancePath,
) -> Result<(&'a File, &'a StoredInstance), Answer> {
    let file = find(context)?;
    check_template(path)?;
    let stored = context.state.instance(path);
    Ok((file, stored.ok_or_else(errors::instance_not_found)?))
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

fn answer_with(status: StatusCode, stored: &StoredInstance) -> Answer {
    // Not cached: a client that writes rarely reads back at once what it wrote.
    Answer::json_bytes(status, stored.instance.to_json())
}

/// JSON as it is recorded: on one line.
fn compact(text: &[u8]) -> Option<Box<RawValue>> {
    Some(Tape::read(text).ok()?.tree().to_raw())
}
