//! Redaction by value: secrets of the environment, and secrets among the words of a command line.
//! Reports are uploaded, so they get more of it than the terminal.

use std::borrow::Cow;

use serde_json::Value;

use super::secret::{holds_a_secret, is_secret_name, redact, redact_output};

/// Shorter values are not redacted: they occur in other texts by chance.
const MIN_CHARS: usize = 8;

/// The values of variables that hold secrets.
#[derive(Clone, Debug, Default)]
pub struct SecretValues(Vec<String>);

impl SecretValues {
    /// The values, of at least eight characters, of those variables whose name contains KEY, TOKEN,
    /// SECRET or PASSWORD.
    pub fn from_variables<'a>(variables: impl Iterator<Item = (&'a str, &'a str)>) -> Self {
        let mut values: Vec<String> = variables
            .filter(|(name, value)| holds_a_secret(name) && value.chars().count() >= MIN_CHARS)
            .map(|(_, value)| value.to_owned())
            .collect();
        // A value may contain another.
        values.sort_by_key(|value| std::cmp::Reverse(value.len()));
        values.dedup();
        Self(values)
    }

    /// `text` with every value redacted.
    pub fn redact<'t>(&self, text: &'t str) -> Cow<'t, str> {
        self.replace_by(text, redact)
    }

    /// `text` with `instead` for every value.
    pub fn replace<'t>(&self, text: &'t str, instead: &str) -> Cow<'t, str> {
        self.replace_by(text, |_| instead.to_owned())
    }

    fn replace_by<'t>(&self, text: &'t str, instead: impl Fn(&str) -> String) -> Cow<'t, str> {
        self.0.iter().fold(Cow::Borrowed(text), |text, value| {
            if text.contains(value.as_str()) {
                Cow::Owned(text.replace(value.as_str(), &instead(value)))
            } else {
                text
            }
        })
    }

    /// A JSON document with every value redacted in its strings. Numbers and names stay as they are.
    pub fn redact_json(&self, json: String) -> String {
        let escaped = |value: &String| {
            let text = Value::from(value.as_str()).to_string();
            json.contains(&text[1..text.len() - 1])
        };
        if !self.0.iter().any(escaped) {
            return json;
        }
        match serde_json::from_str(&json) {
            Ok(mut value) => {
                self.redact_value(&mut value);
                value.to_string()
            }
            Err(_) => self.redact(&json).into_owned(),
        }
    }

    fn redact_value(&self, value: &mut Value) {
        match value {
            Value::String(text) => {
                if let Cow::Owned(redacted) = self.redact(text) {
                    *text = redacted;
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.redact_value(item)),
            Value::Object(members) => {
                members
                    .values_mut()
                    .for_each(|item| self.redact_value(item));
            }
            _ => {}
        }
    }
}

/// The words of a command line as they may be reported: tokens, values of options such as `--token`,
/// and values in `API_KEY=…` are redacted.
pub fn redact_arguments<'a>(words: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let mut follows = false;
    words
        .into_iter()
        .map(|word| {
            let holds_secret = std::mem::take(&mut follows);
            if holds_secret {
                return redact(word);
            }
            let flag = word.strip_prefix("--");
            if let Some((name, value)) = word.split_once('=')
                && is_secret_option(name.trim_start_matches('-'))
            {
                return format!("{name}={}", redact(value));
            }
            follows = flag.is_some_and(is_secret_option);
            redact_output(word)
        })
        .collect()
}

/// Whether an option or assignment of this name has a secret as its value. `--token-env` and
/// `--token-file` name a place instead.
fn is_secret_option(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    let names_a_place = ["env", "file"].iter().any(|end| lower.ends_with(end));
    let is_a_name = |it: char| it.is_ascii_alphanumeric() || matches!(it, '-' | '_');
    !names_a_place && name.chars().all(is_a_name) && (is_secret_name(name) || holds_a_secret(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values() -> SecretValues {
        let variables = [
            ("OPENAI_API_KEY", "sk-\"abcdefgh1234"),
            ("SHORT_KEY", "abc"),
            ("PIN_TOKEN", "12345678"),
            ("HOME", "/home/someone"),
        ];
        SecretValues::from_variables(variables.into_iter())
    }

    #[test]
    fn values_of_secret_variables_are_redacted_and_others_are_not() {
        assert_eq!(
            values().redact("abc sk-\"abcdefgh1234 /home/someone"),
            "abc [redacted …1234] /home/someone"
        );
    }

    #[test]
    fn json_stays_json_when_a_value_is_redacted() {
        let json = r#"{"id":12345678,"text":"sk-\"abcdefgh1234 and 12345678"}"#.to_owned();
        assert_eq!(
            values().redact_json(json),
            r#"{"id":12345678,"text":"[redacted …1234] and [redacted]"}"#
        );
    }

    #[test]
    fn secrets_among_arguments_are_redacted() {
        let words = [
            "skillctl",
            "fetch",
            "--token",
            "abcdefgh12345678",
            "--token-env",
            "MY_VAR",
            "--",
            "env",
            "API_KEY=abcdefgh12345678",
            "node",
            "--apiKey=abcdefgh12345678",
            "AbCdEfGhIjKlMnOpQrStUvWxYz012345",
        ];
        assert_eq!(
            redact_arguments(words).join(" "),
            "skillctl fetch --token [redacted …5678] --token-env MY_VAR -- env \
             API_KEY=[redacted …5678] node --apiKey=[redacted …5678] [redacted …2345]"
        );
    }
}
