//! The work on one event after the 200: status card, download, cards.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    api::{BoxApi, CallError},
    cards::{self, Content, Flaw, Kind},
    event::Invocation,
};

/// How cards are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Via {
    /// `PUT /skill_invocations/{skill_id}`: status and cards at once.
    Invocation,
    /// The metadata API: `POST …/global/boxSkillsCards`, and on a 409 a JSON Patch.
    Metadata,
}

impl Via {
    /// The value of `via` in the query of an invocation path, as in `/skill?via=metadata`.
    pub(super) fn from_target(target: &str) -> Option<Self> {
        let (_, query) = target.split_once('?')?;
        query.split('&').find_map(|pair| match pair {
            "via=metadata" => Some(Self::Metadata),
            "via=invocation" => Some(Self::Invocation),
            _ => None,
        })
    }
}

/// The status of an invocation, as Box names it.
#[derive(Clone, Copy)]
enum Status {
    Processing,
    Success,
    TransientFailure,
    PermanentFailure,
}

impl Status {
    fn as_str(self) -> &'static str {
        match self {
            Self::Processing => "processing",
            Self::Success => "success",
            Self::TransientFailure => "transient_failure",
            Self::PermanentFailure => "permanent_failure",
        }
    }
}

/// Processes one event, from the first status card to the last write.
///
/// # Errors
/// A sentence that says which write failed, and why.
pub(super) fn process(api: &BoxApi, invocation: &Invocation, via: Via) -> Result<(), String> {
    let pending = cards::processing(invocation, &now());
    write(api, invocation, via, Status::Processing, vec![pending])?;
    let (status, made) = match api.download(invocation) {
        Ok(content) => match make(api, invocation, &content) {
            Ok(made) => (Status::Success, made),
            Err((status, flaw)) => failed(invocation, status, &flaw),
        },
        Err(error) => {
            let (status, flaw) = download_failure(&error);
            failed(invocation, status, &flaw)
        }
    };
    write(api, invocation, via, status, made)
}

/// The cards of a file; those of a recording from what its service heard.
fn make(
    api: &BoxApi,
    invocation: &Invocation,
    content: &Content,
) -> Result<Vec<Value>, (Status, Flaw)> {
    let permanent = |flaw| (Status::PermanentFailure, flaw);
    match &invocation.speech_service {
        Some(service) if content.kind == Kind::Recording => {
            let heard = api.transcribe(service, &content.kept).map_err(|error| {
                let flaw = Flaw {
                    code: "skills_unknown_error",
                    message: format!("The recording could not be transcribed: {error}"),
                };
                (Status::TransientFailure, flaw)
            })?;
            cards::from_speech(invocation, &heard, &now()).map_err(permanent)
        }
        _ => cards::from_file(invocation, content, &now()).map_err(permanent),
    }
}

fn failed(invocation: &Invocation, status: Status, flaw: &Flaw) -> (Status, Vec<Value>) {
    (status, vec![cards::error(invocation, &now(), flaw)])
}

/// The status and card after a failed download: a refusal is permanent, an outage transient.
fn download_failure(error: &CallError) -> (Status, Flaw) {
    let (status, code) = match error {
        CallError::TooLarge => (Status::PermanentFailure, "skills_invalid_file_size_error"),
        CallError::Refused(status) if *status < 500 && *status != 429 => {
            (Status::PermanentFailure, "skills_file_processing_error")
        }
        _ => (Status::TransientFailure, "skills_file_processing_error"),
    };
    let message = format!("The file could not be downloaded: {error}");
    (status, Flaw { code, message })
}

fn write(
    api: &BoxApi,
    invocation: &Invocation,
    via: Via,
    status: Status,
    cards: Vec<Value>,
) -> Result<(), String> {
    let written = match via {
        Via::Invocation => api.put_invocation(invocation, &body(invocation, status, &cards)),
        Via::Metadata => api.put_metadata(invocation, &Value::Array(cards)),
    };
    written.map_err(|error| {
        format!(
            "file {}: writing the {} cards failed: {error}",
            invocation.file_id,
            status.as_str()
        )
    })
}

/// The body of `PUT /skill_invocations/{skill_id}`.
fn body(invocation: &Invocation, status: Status, cards: &[Value]) -> Value {
    let mut body = json!({
        "status": status.as_str(),
        "file": {"type": "file", "id": invocation.file_id},
        "metadata": {"cards": cards},
    });
    if let Some(version) = &invocation.file_version_id {
        body["file_version"] = json!({"type": "file_version", "id": version});
    }
    if matches!(status, Status::Success) {
        body["usage"] = json!({"unit": "files", "value": 1});
    }
    body
}

fn now() -> String {
    format!("{:.0}", Timestamp::now())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_query_of_the_path_chooses_how_cards_are_written() {
        assert_eq!(
            Via::from_target("/skill?a=b&via=metadata"),
            Some(Via::Metadata)
        );
        assert_eq!(Via::from_target("/?via=invocation"), Some(Via::Invocation));
        assert_eq!(Via::from_target("/via=metadata"), None);
        assert_eq!(Via::from_target("/?via=post"), None);
    }

    #[test]
    fn a_refused_download_is_permanent_and_an_outage_is_not() {
        for (error, status) in [
            (CallError::Refused(404), "permanent_failure"),
            (CallError::TooLarge, "permanent_failure"),
            (CallError::Refused(429), "transient_failure"),
            (CallError::Refused(503), "transient_failure"),
            (
                CallError::Broken("interrupted".to_owned()),
                "transient_failure",
            ),
        ] {
            assert_eq!(download_failure(&error).0.as_str(), status, "{error}");
        }
    }

    #[test]
    fn usage_is_reported_with_success_only() {
        let event = br#"{"id":"i","skill":{"id":"s"},"source":{"id":"f","file_version":{"id":7}},
            "token":{"read":{"access_token":"r"},"write":{"access_token":"w"}}}"#;
        let invocation = Invocation::read(event).expect("it is an event");
        let processing = body(&invocation, Status::Processing, &[]);
        assert!(processing.get("usage").is_none());
        assert_eq!(processing["file_version"]["id"], "7");
        let success = body(&invocation, Status::Success, &[]);
        assert_eq!(success["usage"], json!({"unit": "files", "value": 1}));
    }

    #[test]
    fn times_have_whole_seconds() {
        assert_eq!(now().len(), "2026-11-21T12:00:00Z".len());
    }
}
