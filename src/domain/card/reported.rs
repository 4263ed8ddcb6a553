//! The status of an invocation, as far as its cards show it.

use super::{
    javascript::is_truthy,
    model::{Card, CardType},
};
use crate::domain::json::tree::Tree;

/// The status of an invocation, as far as the cards of the file show it. The metadata API has no
/// status of its own: for skills that write with it, the cards are the only source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reported {
    /// The skill has started and not finished.
    Processing,
    /// The skill has written data.
    Success,
    /// The skill has reported a failure.
    PermanentFailure,
}

impl Reported {
    /// Its name among the statuses of skill_invocations.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Processing => "processing",
            Self::Success => "success",
            Self::PermanentFailure => "permanent_failure",
        }
    }
}

/// The status that a list of cards reports: an error card counts as failure, otherwise any data
/// card as success, otherwise a status card by its code. None if no card has data or a status.
pub fn reported<'a>(cards: impl IntoIterator<Item = Tree<'a>>) -> Option<Reported> {
    cards
        .into_iter()
        .filter_map(|card| reported_by(Card(card)))
        .max_by_key(|reported| match reported {
            Reported::Processing => 0,
            Reported::Success => 1,
            Reported::PermanentFailure => 2,
        })
}

fn reported_by(card: Card<'_>) -> Option<Reported> {
    if card.is_error() {
        return Some(Reported::PermanentFailure);
    }
    if card
        .card_type()
        .is_some_and(|card_type| card_type != CardType::Status)
    {
        return Some(Reported::Success);
    }
    let status = card.0.get("status").filter(|status| is_truthy(*status));
    if status.is_none() {
        return card.entry_list().map(|_| Reported::Success);
    }
    let code = card.status_code().unwrap_or_default();
    let failed = card.title_code() == Some("skills_error")
        || code.trim_end_matches('.').ends_with("error")
        || code.ends_with("failure")
        || code == "skills_no_info_found";
    Some(if failed {
        Reported::PermanentFailure
    } else if code == "success" {
        Reported::Success
    } else {
        Reported::Processing
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::domain::json::tree::Tape;

    #[test]
    fn cards_report_the_status_of_the_skill() {
        let status = |code: &str| json!({"skill_card_type": "status", "status": {"code": code}});
        let data = json!({"skill_card_type": "keyword", "entries": [], "status": {}});
        let reported_by_all = |cards: &[Value]| {
            let tapes: Vec<_> = cards.iter().map(Tape::from_value).collect();
            reported(tapes.iter().map(Tape::tree))
        };
        assert_eq!(reported_by_all(&[]), None);
        let failed = json!({"skill_card_type": "keyword", "error": "quota", "entries": []});
        assert_eq!(reported_by_all(&[failed]), Some(Reported::PermanentFailure));
        for code in [
            "skills_pending_status",
            "processing",
            "invoked",
            "skills_invoked_status",
        ] {
            assert_eq!(
                reported_by_all(&[status(code)]),
                Some(Reported::Processing),
                "{code}"
            );
        }
        for code in [
            "skills_unknown_error",
            "skills_external_auth_error.",
            "error",
            "custom_error",
            "transient_failure",
            "permanent_failure",
        ] {
            assert_eq!(
                reported_by_all(&[status(code)]),
                Some(Reported::PermanentFailure),
                "{code}"
            );
        }
        assert_eq!(
            reported_by_all(&[status("success")]),
            Some(Reported::Success)
        );
        assert_eq!(
            reported_by_all(std::slice::from_ref(&data)),
            Some(Reported::Success)
        );
        assert_eq!(
            reported_by_all(&[status("processing"), data.clone()]),
            Some(Reported::Success)
        );
        assert_eq!(
            reported_by_all(&[data, status("custom_error")]),
            Some(Reported::PermanentFailure)
        );
        let titled = json!({"skill_card_type": "status",
            "skill_card_title": {"code": "skills_error", "message": "Error"},
            "status": {"code": "mine", "message": "No luck"}});
        assert_eq!(reported_by_all(&[titled]), Some(Reported::PermanentFailure));
    }
}
