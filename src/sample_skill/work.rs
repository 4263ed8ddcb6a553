//! What happens to one event after its 200: status card, download, cards.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    api::{BoxApi, Trouble},
    cards::{self, Flaw},
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
    /// What the query of an invocation path asks for: `?via=metadata`.
    pub(super) fn asked_for(target: &str) -> Option<Self> {
        let (_, query) = target.split_once('?')?;
        query.split('&').find_map(|pair| match pair {
            "via=metadata" => Some(Self::Metadata),
            "via=invocation" => Some(Self::Invocation),
            _ => None,
        })
    }
}

/// The state of an invocation, in Box's words.
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

/// Works on one event from the first status card to the last write; what could not be written
/// comes back as a sentence.
pub(super) fn process(api: &BoxApi, invocation: &Invocation, via: Via) -> Result<(), String> {
    let pending = cards::processing(invocation, &now());
    write(api, invocation, via, Status::Processing, vec![pending])?;
    let (status, made) = match api.download(invocation) {
        Ok(content) => match cards::of_file(invocation, &content, &now()) {
            Ok(made) => (Status::Success, made),
            Err(flaw) => failed(invocation, Status::PermanentFailure, &flaw),
        },
        Err(trouble) => {
            let (status, flaw) = of_download(&trouble);
            failed(invocation, status, &flaw)
        }
    };
    write(api, invocation, via, status, made)
}

fn failed(invocation: &Invocation, status: Status, flaw: &Flaw) -> (Status, Vec<Value>) {
    (status, vec![cards::error(invocation, &now(), flaw)])
}

/// What a failed download means: Box's refusal stays one, an outage may pass.
fn of_download(trouble: &Trouble) -> (Status, Flaw) {
    let (status, code) = match trouble {
        Trouble::TooLarge => (Status::PermanentFailure, "skills_invalid_file_size_error"),
        Trouble::Refused(status) if *status < 500 && *status != 429 => {
            (Status::PermanentFailure, "skills_file_processing_error")
        }
        _ => (Status::TransientFailure, "skills_file_processing_error"),
    };
    let message = format!("The file could not be downloaded: {trouble}");
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
    written.map_err(|trouble| {
        format!(
            "file {}: writing the {} cards failed: {trouble}",
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
    fn the_path_may_choose_the_way_of_writing() {
        assert_eq!(
            Via::asked_for("/skill?a=b&via=metadata"),
            Some(Via::Metadata)
        );
        assert_eq!(Via::asked_for("/?via=invocation"), Some(Via::Invocation));
        assert_eq!(Via::asked_for("/via=metadata"), None);
        assert_eq!(Via::asked_for("/?via=post"), None);
    }

    #[test]
    fn a_refused_download_is_permanent_and_an_outage_is_not() {
        for (trouble, status) in [
            (Trouble::Refused(404), "permanent_failure"),
            (Trouble::TooLarge, "permanent_failure"),
            (Trouble::Refused(429), "transient_failure"),
            (Trouble::Refused(503), "transient_failure"),
            (Trouble::Broken("cut off".to_owned()), "transient_failure"),
        ] {
            assert_eq!(of_download(&trouble).0.as_str(), status, "{trouble}");
        }
    }

    #[test]
    fn usage_is_reported_with_success_alone() {
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
