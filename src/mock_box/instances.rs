//! The metadata API and `skill_invocations`: what is answered, and what is written down.

use std::sync::Arc;

use http::{HeaderValue, StatusCode, header};
use serde::Deserialize;
use serde_json::{Map, Value, value::RawValue};

use super::{
    answer::Answer,
    decide::{Context, Decision},
    errors,
    routes::InstancePath,
    state::{Change, File, StoredInstance},
};
use crate::domain::{
    call::{WriteOp, WriteRecord},
    card::{
        model::{Card, Kind},
        validate::{Schema, box_refusal},
    },
    event::id_text,
    metadata::{
        instance::{Instance, SKILLS_SCOPE, SKILLS_TEMPLATE},
        patch,
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

/// `GET /files/{id}/metadata`.
///
/// # Errors
/// Box's answer where there is no such file.
pub fn list(context: &Context<'_>, file_id: &str) -> Result<Answer, Answer> {
    find(context, file_id)?;
    let entries: Vec<&str> = context
        .state
        .instances(file_id)
        .map(|instance| &*instance.json)
        .collect();
    let body = format!("{{\"entries\":[{}],\"limit\":100}}", entries.join(","));
    Ok(Answer::json_bytes(StatusCode::OK, body))
}

/// `GET …/metadata/{scope}/{template}`.
///
/// # Errors
/// Box's answer where there is no such file or instance.
pub fn get(context: &Context<'_>, path: &InstancePath) -> Result<Answer, Answer> {
    Ok(instance_answer(StatusCode::OK, stored(context, path)?))
}

/// `POST …/metadata/{scope}/{template}`.
///
/// # Errors
/// 409 where an instance stands already, 400 where Box refuses its content.
pub fn create(context: &mut Context<'_>, path: &InstancePath) -> Result<Decision, Answer> {
    let file = find(context, &path.file_id)?;
    check_template(path)?;
    if context.state.instance(path).is_some() {
        return Err(errors::metadata(
            StatusCode::CONFLICT,
            "tuple_already_exists",
            "Tuple already exists",
        ));
    }
    let Value::Object(fields) = parse(context.request.bytes())? else {
        return Err(malformed("the body is not a JSON object"));
    };
    check_content(context, path, &fields)?;
    let instance = new_instance(context, path, fields);
    let record = record(context, file, path, WriteOp::Create, Some(&instance));
    Ok(written(StatusCode::CREATED, record, Some(&instance)))
}

/// `PUT …/metadata/{scope}/{template}`: a JSON Patch.
///
/// # Errors
/// 404 where there is no instance, 400 for a patch that cannot be carried out or whose outcome
/// Box refuses.
pub fn patch(context: &Context<'_>, path: &InstancePath) -> Result<Decision, Answer> {
    let file = find(context, &path.file_id)?;
    let before = read_back(stored(context, path)?)?;
    let text = context.request.bytes();
    let fields = patch::apply(&before.fields, text).map_err(|refused| malformed(&refused.0))?;
    check_content(context, path, &fields)?;
    let instance = before.with_fields(fields);
    let mut record = record(context, file, path, WriteOp::Update, Some(&instance));
    record.patch = raw(text);
    Ok(written(StatusCode::OK, record, Some(&instance)))
}

/// `DELETE …/metadata/{scope}/{template}`.
///
/// # Errors
/// 404 where there is no instance.
pub fn delete(context: &Context<'_>, path: &InstancePath) -> Result<Decision, Answer> {
    let file = find(context, &path.file_id)?;
    stored(context, path)?;
    let record = record(context, file, path, WriteOp::Delete, None);
    Ok(written(StatusCode::NO_CONTENT, record, None))
}

/// The body of `PUT /skill_invocations/{skill}`, as far as Box looks at it.
#[derive(Deserialize)]
struct InvocationBody {
    status: Option<Value>,
    metadata: Option<Value>,
    file: Option<Value>,
    /// As it was sent: null, which the official kit sends, is not the same as nothing.
    #[serde(default, deserialize_with = "as_sent")]
    usage: Option<Box<RawValue>>,
}

fn as_sent<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<Box<RawValue>>, D::Error> {
    Box::<RawValue>::deserialize(from).map(Some)
}

impl InvocationBody {
    /// What Box takes and its description does not allow, for those who want to hold to it.
    fn check_documented(&self) -> Result<(), Answer> {
        let usage = self
            .usage
            .as_ref()
            .map(|usage| serde_json::from_str(usage.get()).unwrap_or(Value::Null));
        let is_usage = |usage: &Value| {
            usage.is_object()
                && usage.get("unit").is_none_or(Value::is_string)
                && usage.get("value").is_none_or(Value::is_number)
        };
        if usage.as_ref().is_some_and(|usage| !is_usage(usage)) {
            let message = "'usage' must be an object of a unit and a value";
            return Err(errors::bad_request(message));
        }
        let kind = self.file.as_ref().and_then(|file| file.get("type"));
        if kind.is_none_or(|kind| kind != "file") {
            return Err(errors::bad_request("'file.type' must be 'file'"));
        }
        Ok(())
    }
}

/// `PUT /skill_invocations/{skill}`: sets all cards of a file and says how the invocation stands.
///
/// # Errors
/// 400 where the body lacks what Box requires, or Box refuses its cards.
pub fn invocation(context: &mut Context<'_>, skill_id: &str) -> Result<Decision, Answer> {
    let body: InvocationBody = serde_json::from_slice(context.request.bytes())
        .map_err(|error| errors::bad_request(format!("The request body is not valid: {error}")))?;
    let file_id = body
        .file
        .as_ref()
        .and_then(|file| id_text(file.get("id")?))
        .ok_or_else(|| errors::bad_request("'file.id' is required"))?;
    let named = |answer: Answer| Decision {
        file_id: Some(file_id.clone()),
        ..Decision::answer(answer)
    };
    let decided = context
        .caller
        .check_file(context.state, &file_id, false)
        .and_then(|()| set_cards(context, skill_id, &file_id, body));
    Ok(match decided {
        Ok(decision) => Decision {
            file_id: Some(file_id),
            ..decision
        },
        Err(refusal) => named(refusal),
    })
}

fn set_cards(
    context: &mut Context<'_>,
    skill_id: &str,
    file_id: &str,
    body: InvocationBody,
) -> Result<Decision, Answer> {
    let file = context.state.file(file_id).ok_or_else(errors::not_found)?;
    if context.state.settings.schema == Schema::Documented {
        body.check_documented()?;
    }
    let status = body
        .status
        .as_ref()
        .and_then(Value::as_str)
        .filter(|status| STATUSES.contains(status))
        .ok_or_else(|| {
            errors::bad_request(format!("'status' must be one of {}", STATUSES.join(", ")))
        })?
        .to_owned();
    let fields = match body.metadata {
        Some(Value::Object(fields)) if fields.get("cards").is_some_and(Value::is_array) => fields,
        _ => return Err(errors::bad_request("'metadata.cards' must be an array")),
    };
    let path = InstancePath {
        file_id: file_id.to_owned(),
        scope: SKILLS_SCOPE.to_owned(),
        template: SKILLS_TEMPLATE.to_owned(),
    };
    check_content(context, &path, &fields)?;
    let instance = match context.state.instance(&path) {
        // All fields are replaced: the old ones need not be read.
        Some(stored) => Instance::read_head(&stored.json)
            .map_err(|error| unreadable(&error))?
            .with_fields(fields),
        None => new_instance(context, &path, fields),
    };
    let mut record = record(context, file, &path, WriteOp::Invocation, Some(&instance));
    record.skill_id = Some(skill_id.to_owned());
    record.status = Some(status);
    record.usage = body.usage.filter(|usage| usage.get() != "null");
    // Box answers 200 with no body here.
    let answer = Answer::empty(StatusCode::OK).note(note_of(&record, &instance.fields));
    Ok(Decision {
        answer,
        ..written(StatusCode::OK, record, None)
    })
}

/// The records of deleting every instance on `file`, which is deleted itself.
pub fn all_deleted(context: &Context<'_>, file: &File) -> Vec<WriteRecord> {
    let numbers = context.state.next_seq()..;
    numbers
        .zip(context.state.instance_paths(&file.id))
        .map(|(seq, path)| WriteRecord {
            seq,
            ..record(context, file, &path, WriteOp::Delete, None)
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

fn check_content(
    context: &Context<'_>,
    path: &InstancePath,
    fields: &Map<String, Value>,
) -> Result<(), Answer> {
    if path.scope != SKILLS_SCOPE || path.template != SKILLS_TEMPLATE {
        return Ok(());
    }
    let cards = fields.get("cards").unwrap_or(&Value::Null);
    match box_refusal(cards, context.state.settings.schema) {
        None => Ok(()),
        Some(refusal) => Err(errors::metadata(
            StatusCode::BAD_REQUEST,
            "schema_validation_failed",
            refusal.message,
        )),
    }
}

fn new_instance(
    context: &mut Context<'_>,
    path: &InstancePath,
    fields: Map<String, Value>,
) -> Instance {
    Instance::new(
        context.ids.uuid(),
        &context.state.template_type_id,
        &path.file_id,
        &path.scope,
        &path.template,
        fields,
    )
}

fn record(
    context: &Context<'_>,
    file: &File,
    path: &InstancePath,
    op: WriteOp,
    instance: Option<&Instance>,
) -> WriteRecord {
    let named_by_cards = instance.and_then(|instance| {
        let card = instance.fields.get("cards")?.get(0)?;
        id_text(card.pointer("/invocation/id")?)
    });
    WriteRecord {
        seq: context.state.next_seq(),
        at: context.now,
        op,
        file_id: path.file_id.clone(),
        file_version_id: file.current().id.clone(),
        scope: path.scope.clone(),
        template: path.template.clone(),
        skill_id: None,
        invocation_id: named_by_cards.or_else(|| context.caller.event_id().map(str::to_owned)),
        status: None,
        usage: None,
        token: context.caller.writer(),
        patch: None,
        instance: instance.and_then(|instance| serde_json::value::to_raw_value(instance).ok()),
    }
}

fn written(status: StatusCode, record: WriteRecord, instance: Option<&Instance>) -> Decision {
    let answer = match (&record.instance, instance) {
        (Some(json), Some(instance)) => Answer::json_bytes(status, json.get().to_owned())
            .note(note_of(&record, &instance.fields)),
        _ => Answer::empty(status),
    };
    Decision {
        changes: vec![Change::Write(Arc::new(record))],
        ..Decision::answer(answer)
    }
}

/// The write in a few words: `success: 2 cards (keyword, transcript)`.
fn note_of(record: &WriteRecord, fields: &Map<String, Value>) -> String {
    let cards: Vec<&str> = fields
        .get("cards")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .map(|card| Card(card).kind().map_or("unknown", Kind::as_str))
        .collect();
    let counted = match cards.len() {
        1 => "1 card".to_owned(),
        many => format!("{many} cards"),
    };
    let named = format!("{counted} ({})", cards.join(", "));
    match &record.status {
        Some(status) => format!("{status}: {named}"),
        None => named,
    }
}

fn instance_answer(status: StatusCode, stored: &StoredInstance) -> Answer {
    Answer::json_bytes(status, stored.json.as_bytes().to_vec()).header(
        header::CACHE_CONTROL,
        HeaderValue::from_static("no-cache, no-store"),
    )
}

fn read_back(stored: &StoredInstance) -> Result<Instance, Answer> {
    serde_json::from_str(&stored.json).map_err(|error| unreadable(&error))
}

fn unreadable(error: &serde_json::Error) -> Answer {
    errors::internal(format!("a stored instance does not read back: {error}"))
}

fn parse(bytes: &[u8]) -> Result<Value, Answer> {
    serde_json::from_slice(bytes).map_err(|error| malformed(&format!("invalid JSON: {error}")))
}

fn malformed(message: &str) -> Answer {
    errors::metadata(StatusCode::BAD_REQUEST, "bad_request", message)
}

fn raw(bytes: &[u8]) -> Option<Box<RawValue>> {
    serde_json::from_slice(bytes).ok()
}
