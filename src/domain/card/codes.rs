//! The codes of statuses and titles that Box's description, its preview and its official kit have
//! (docs/box/cards.md, docs/box/preview.md).

use crate::domain::text::is_misspelling;

/// The preview's text for a status that has neither a known code nor a message.
pub const SOMETHING_WENT_WRONG: &str =
    "Something went wrong with running this skill or fetching its data.";

/// The status code that the preview gives a card with `error`.
pub(super) const UNKNOWN_ERROR: &str = "skills_unknown_error";

/// The status codes of Box's description, for `status.code` and for skill_invocations.
pub const DOCUMENTED_STATUSES: [&str; 5] = [
    "invoked",
    "processing",
    "success",
    "transient_failure",
    "permanent_failure",
];

/// The status codes that the preview has a text for, with that text. It ignores the card's
/// message for them.
pub const KNOWN_STATUSES: [(&str, &str); 9] = [
    (
        "skills_pending_status",
        "We’re working on processing your file - please hold!",
    ),
    (
        "skills_invoked_status",
        "We’re preparing to process your file - please hold!",
    ),
    (
        "skills_invalid_file_size_error",
        "We’re sorry, no skills information was found. This file size is currently not supported.",
    ),
    (
        "skills_invalid_file_format_error",
        "We’re sorry, no skills information was found. This file extension is currently not \
         supported.",
    ),
    (
        "skills_file_processing_error",
        "We’re sorry, something went wrong with processing the file.",
    ),
    ("skills_external_auth_error", SOMETHING_WENT_WRONG),
    ("skills_billing_error", SOMETHING_WENT_WRONG),
    ("skills_invocations_error", SOMETHING_WENT_WRONG),
    (UNKNOWN_ERROR, SOMETHING_WENT_WRONG),
];

/// The title codes that the preview knows, with the title it shows; they beat the message.
pub const KNOWN_TITLES: [(&str, &str); 5] = [
    ("skills_faces", "Faces"),
    ("skills_transcript", "Transcript"),
    ("skills_topics", "Topics"),
    ("skills_status", "Status"),
    ("skills_error", "Error"),
];

/// The text that the preview has for a status code, if it knows it.
pub fn known_status(code: &str) -> Option<&'static str> {
    lookup(&KNOWN_STATUSES, code)
}

/// The title that the preview has for a title code, if it knows it.
pub fn known_title(code: &str) -> Option<&'static str> {
    lookup(&KNOWN_TITLES, code)
}

fn lookup(table: &[(&str, &'static str)], code: &str) -> Option<&'static str> {
    table
        .iter()
        .find(|(known, _)| *known == code)
        .map(|(_, text)| *text)
}

/// Codes that the official kit writes and that neither the description nor the preview knows.
pub(super) const KIT_STATUSES: [&str; 3] = [
    "custom_error",
    "skills_invalid_event_error",
    "skills_no_info_found",
];

/// The code of Box's description, or that the preview knows, that `code` looks like a misspelling
/// of.
pub fn misspelt_status(code: &str) -> Option<&'static str> {
    let is_known = |known: &str| known == code;
    let known = || KNOWN_STATUSES.iter().map(|(known, _)| *known);
    let mut all = DOCUMENTED_STATUSES
        .into_iter()
        .chain(KIT_STATUSES)
        .chain(known());
    if all.clone().any(is_known) {
        return None;
    }
    all.find(|known| is_misspelling(code, known))
}

/// The code that the preview knows and that `code` looks like a misspelling of.
pub(super) fn nearest_known_status(code: &str) -> Option<&'static str> {
    KNOWN_STATUSES
        .iter()
        .map(|(known, _)| *known)
        .find(|known| is_misspelling(code, known))
}
