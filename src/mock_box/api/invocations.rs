//! `PUT /skill_invocations/{id}`: sets all cards of a file and reports the status of an invocation.

use std::fmt;

use http::{Method, StatusCode};
use serde_json::value::RawValue;
use smol_str::SmolStr;

use super::{
    endpoint::{BodyKind::InMemory, Checked, Endpoint, Handler::CheckedWrite, row},
    instance_write::{
        CheckedFields, Unchecked, check_and_serialise, new_head, next_head, record, written,
    },
};
use crate::{
    domain::{
        call::{WriteOp, WriteRecord},
        card::validate::Schema,
        json::tree::{Tape, Tree},
        operation::Operation,
    },
    mock_box::{
        context::{Context, Decision},
        http::{answer::Answer, errors, request::Request, route::Captures},
        model::{
            ids::Ids,
            instance::{InstancePath, StoredInstance},
            settings::Settings,
        },
    },
};

#[rustfmt::skip]
pub(super) static ENDPOINTS: &[Endpoint] = &[
    row(Method::PUT, "skill_invocations/{skill_id}", Operation::Invocation, InMemory, CheckedWrite(report)),
];

/// The statuses that an invocation may report.
const STATUSES: [&str; 5] = [
    "invoked",
    "processing",
    "success",
    "transient_failure",
    "permanent_failure",
];

/// The body of a report.
struct Report {
    /// The file that it is about.
    file_id: SmolStr,
    /// What it reports, or why Box refuses that. Box looks for the file first.
    reported: Result<Reported, Answer>,
}

/// What an invocation reports.
struct Reported {
    status: SmolStr,
    usage: Option<Box<RawValue>>,
    /// The cards of its file from now on.
    fields: CheckedFields,
}

/// 400 where the body lacks what Box requires, or Box refuses its cards.
fn report(settings: &Settings, _: &Captures, request: &Request) -> Checked {
    let report = read_report(settings.schema, request.bytes());
    Checked {
        file_id: report.as_ref().ok().map(|report| report.file_id.clone()),
        decide: Box::new(|context, ids| {
            let Report { file_id, reported } = report?;
            let decided = context
                .caller
                .check_file(context.state, &file_id, Operation::Invocation)
                .and_then(|()| set_cards(context, ids, &file_id, reported));
            Ok(Decision {
                file_id: Some(file_id),
                ..decided.unwrap_or_else(Decision::answer)
            })
        }),
    }
}

fn set_cards(
    context: &Context<'_>,
    ids: &mut Ids,
    file_id: &SmolStr,
    reported: Result<Reported, Answer>,
) -> Result<Decision, Answer> {
    let file = context.state.file(file_id).ok_or_else(errors::not_found)?;
    let reported = reported?;
    let path = InstancePath::for_cards(file_id.clone());
    // All fields are replaced: the old ones need not be read.
    let head = match context.state.instance(&path) {
        Some(stored) => next_head(stored)?,
        None => new_head(context, ids, &path),
    };
    let record = WriteRecord {
        skill_id: Some(context.capture("skill_id").clone()),
        status: Some(reported.status),
        usage: reported.usage,
        ..record(context, file, path, WriteOp::Invocation)
    };
    // Box answers 200 without a body here.
    let answer = |_: &StoredInstance| Answer::empty(StatusCode::OK);
    Ok(written(record, head, reported.fields, answer))
}

/// The members of the body that Box looks at.
struct ReportBody<'t> {
    tape: &'t Tape<'t>,
    status: Option<Tree<'t>>,
    metadata: Option<Tree<'t>>,
    file: Option<Tree<'t>>,
    /// The official kit sends null, which differs from a missing member.
    usage: Option<Tree<'t>>,
}

fn read_report(schema: Schema, text: &[u8]) -> Result<Report, Answer> {
    let invalid = |reason: &dyn fmt::Display| {
        errors::bad_request(format!("The request body is not valid: {reason}"))
    };
    let body = Tape::read(text).map_err(|error| invalid(&error))?;
    let Tree::Object(members) = body.tree() else {
        return Err(invalid(&"it is not a JSON object"));
    };
    let body = ReportBody {
        tape: &body,
        status: members.get("status"),
        metadata: members.get("metadata"),
        file: members.get("file"),
        usage: members.get("usage"),
    };
    let file_id = body
        .file
        .and_then(|file| file.get("id")?.as_id())
        .ok_or_else(|| errors::bad_request("'file.id' is required"))?;
    let reported = body.reported(schema, text.len());
    Ok(Report { file_id, reported })
}

impl ReportBody<'_> {
    fn reported(&self, schema: Schema, length: usize) -> Result<Reported, Answer> {
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
        let unchecked = Unchecked {
            tape: self.tape,
            fields,
            length,
        };
        Ok(Reported {
            status: status.into(),
            fields: check_and_serialise(schema, true, unchecked, Some(status))?,
            usage: usage.map(Tree::to_raw),
        })
    }

    /// Refuses what Box accepts although its description does not allow it.
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
