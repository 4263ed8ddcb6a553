//! Results that hold an error instead of a result, and jobs that have not finished.

use super::value::{items, label, text};
use crate::domain::json::tree::Tree;

/// The error that a service reports in its result, if there is one.
pub(super) fn service_error(result: Tree<'_>) -> Option<String> {
    in_members(result)
        .or_else(|| items(result, "responses").find_map(in_members))
        .or_else(|| items(result, "annotationResults").find_map(in_members))
}

fn in_members(result: Tree<'_>) -> Option<String> {
    let message = |name| text(result, name).map(str::to_owned);
    match result.get("error") {
        Some(Tree::String(error)) if !error.trim().is_empty() => {
            return Some(error.trim().to_owned());
        }
        Some(error @ Tree::Object(_)) => {
            let said = text(error, "message").or_else(|| text(error, "code"));
            return Some(said.unwrap_or("it does not say which").to_owned());
        }
        _ => {}
    }
    if result.get("__type").is_some() || result.get("ErrorType").is_some() {
        return message("message")
            .or_else(|| message("Message"))
            .or_else(|| message("__type"));
    }
    if result.get("err_code").is_some() {
        return message("err_msg").or_else(|| message("err_code"));
    }
    // Clarifai's status of a whole request is 10000.
    if let Some(status) = result.get("status").filter(|it| it.as_object().is_some())
        && status
            .get("code")
            .and_then(Tree::as_i64)
            .is_some_and(|code| code != 10_000)
        && result.get("outputs").is_none()
    {
        return text(status, "details")
            .or_else(|| text(status, "description"))
            .map(str::to_owned);
    }
    unfinished(result)
}

/// The state of a job that has failed or is not done.
fn unfinished(result: Tree<'_>) -> Option<String> {
    let state = ["status", "JobStatus", "state"]
        .iter()
        .find_map(|name| label(result, name))?;
    match state.to_lowercase().as_str() {
        "failed" | "error" | "quarantined" => {
            let said = text(result, "StatusMessage").unwrap_or("it does not say why");
            Some(format!("the job has failed: {said}"))
        }
        "in_progress" | "queued" | "processing" | "running" | "uploaded" | "notstarted" => {
            Some(format!("the job is not finished: its state is {state}"))
        }
        _ => None,
    }
}
