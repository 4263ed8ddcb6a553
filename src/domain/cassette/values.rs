//! The values of one event that differ each time it is sent. In a cassette they are placeholders, such
//! as `{{file_id}}`, so that the next event's values can take their place.

use std::borrow::Cow;

use crate::domain::{event::invocation::Invocation, token::TokenKind};

/// Shorter ids occur in other texts by chance.
const MIN_LENGTH: usize = 5;

/// The values of an event, with the names of their placeholders.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct EventValues {
    /// Placeholder and value, the longest value first: one may be a part of another.
    pairs: Vec<(&'static str, String)>,
}

impl EventValues {
    /// The values of an event that a mock at `box_url` (`http://127.0.0.1:7269`) registered.
    pub fn new(event: &Invocation<'_>, box_url: Option<&str>) -> Self {
        let token = |kind| {
            let token = event.token(kind);
            token.map(|token| token.access_token.expose().to_owned())
        };
        let named = [
            ("{{read_token}}", token(TokenKind::Read)),
            ("{{write_token}}", token(TokenKind::Write)),
            ("{{event_id}}", Some(event.id())),
            ("{{file_id}}", Some(event.file_id())),
            ("{{file_version_id}}", event.file_version_id()),
            (
                "{{box_url}}",
                box_url.map(|url| url.trim_end_matches('/').to_owned()),
            ),
        ];
        let mut pairs: Vec<(&'static str, String)> = named
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?)))
            .filter(|(_, value)| value.len() >= MIN_LENGTH)
            .collect();
        pairs.sort_by_key(|(_, value)| std::cmp::Reverse(value.len()));
        Self { pairs }
    }

    /// `text` with placeholders for the values. A value counts where no letter or digit touches it.
    pub fn conceal<'t>(&self, text: &'t str) -> Cow<'t, str> {
        self.pairs
            .iter()
            .fold(Cow::Borrowed(text), |text, (placeholder, value)| {
                replace_words(text, value, placeholder)
            })
    }

    /// `text` with the values for placeholders.
    pub fn reveal<'t>(&self, text: &'t str) -> Cow<'t, str> {
        if !text.contains("{{") {
            return Cow::Borrowed(text);
        }
        let filled = self
            .pairs
            .iter()
            .fold(text.to_owned(), |text, (placeholder, value)| {
                text.replace(placeholder, value)
            });
        Cow::Owned(filled)
    }

    /// Whether `text` holds one of the values that no other event has.
    pub fn is_named_in(&self, text: &str) -> bool {
        let own = self.pairs.iter().filter(|(name, _)| *name != "{{box_url}}");
        own.into_iter()
            .any(|(_, value)| words(text, value).next().is_some())
    }
}

/// Without the values: tokens are among them.
impl std::fmt::Debug for EventValues {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names = self.pairs.iter().map(|(name, _)| name);
        formatter.debug_list().entries(names).finish()
    }
}

/// The places of `word` in `text` that no letter or digit touches.
fn words<'t>(text: &'t str, word: &'t str) -> impl Iterator<Item = usize> + 't {
    let touches = |it: Option<char>| it.is_some_and(char::is_alphanumeric);
    text.match_indices(word)
        .map(|(at, _)| at)
        .filter(move |at| {
            !touches(text[..*at].chars().next_back())
                && !touches(text[at + word.len()..].chars().next())
        })
}

fn replace_words<'t>(text: Cow<'t, str>, word: &str, with: &str) -> Cow<'t, str> {
    let mut replaced = String::new();
    let mut copied = 0;
    for at in words(&text, word) {
        replaced.push_str(&text[copied..at]);
        replaced.push_str(with);
        copied = at + word.len();
    }
    if copied == 0 {
        return text;
    }
    replaced.push_str(&text[copied..]);
    Cow::Owned(replaced)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::json::tree::Tape;

    fn values() -> EventValues {
        let event = json!({
            "type": "skill_invocation", "id": "e-1234_567",
            "source": {"id": "123456", "file_version": {"id": "99"}},
            "token": {"read": {"access_token": "readtoken"}, "write": {"access_token": "writetoken"}}
        });
        let event = Invocation::read(Tape::from_value(&event)).expect("an event");
        EventValues::new(&event, Some("http://127.0.0.1:7269/"))
    }

    #[test]
    fn values_become_placeholders_and_come_back() {
        let text = "http://127.0.0.1:7269/2.0/files/123456/content?access_token=readtoken&v=99";
        let concealed =
            "{{box_url}}/2.0/files/{{file_id}}/content?access_token={{read_token}}&v=99";
        assert_eq!(values().conceal(text), concealed);
        assert_eq!(values().reveal(concealed), text);
    }

    #[test]
    fn a_part_of_a_longer_word_is_not_a_value() {
        assert_eq!(values().conceal("91234567 a123456"), "91234567 a123456");
        assert!(!values().is_named_in("1234567"));
        assert!(values().is_named_in("file-123456.mp3"));
    }

    #[test]
    fn debug_output_holds_no_token() {
        assert!(!format!("{:?}", values()).contains("readtoken"));
    }
}
