//! The query of an admin call.

use http::StatusCode;
use percent_encoding::percent_decode_str;

use super::answer::Refused;

/// The text behind the `?`.
#[derive(Clone, Copy)]
pub(super) struct Query<'a>(pub(super) &'a str);

impl Query<'_> {
    pub(super) fn all(self, name: &str) -> Vec<String> {
        self.0
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .filter(|(key, _)| *key == name)
            .map(|(_, value)| percent_decode_str(value).decode_utf8_lossy().into_owned())
            .collect()
    }

    pub(super) fn first(self, name: &str) -> Option<String> {
        self.all(name).into_iter().find(|value| !value.is_empty())
    }

    pub(super) fn is_true(self, name: &str) -> bool {
        self.first(name)
            .is_some_and(|value| value == "true" || value == "1")
    }

    pub(super) fn number(self, name: &str) -> Result<Option<u64>, Refused> {
        self.first(name)
            .map(|value| {
                value.parse().map_err(|_| {
                    Refused(
                        StatusCode::BAD_REQUEST,
                        format!("`{name}` must be a whole number"),
                    )
                })
            })
            .transpose()
    }
}
