//! Changes that `--set` makes to events before they are sent.

use std::str::FromStr;

use serde_json::Value;

use crate::domain::json::pointer::{Pointer, nearest};

/// A change to make in every event.
#[derive(Clone, Debug, PartialEq)]
pub struct Edit {
    pointer: Pointer,
    value: Value,
}

impl FromStr for Edit {
    type Err = String;

    /// Reads `POINTER=VALUE`: a JSON value, else a string.
    fn from_str(text: &str) -> Result<Self, String> {
        let (pointer, value) = text
            .split_once('=')
            .ok_or("it must have the form POINTER=VALUE, as in /source/name=talk.mp4")?;
        let pointer = Pointer::parse(pointer)
            .filter(|pointer| !pointer.as_str().is_empty())
            .ok_or_else(|| {
                format!(
                    "`{pointer}` is not a JSON Pointer: one starts with a slash, as in /source/name"
                )
            })?;
        let value = serde_json::from_str(value).unwrap_or_else(|_| Value::from(value));
        Ok(Self { pointer, value })
    }
}

/// A pointer that matches nothing in an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoMatch {
    /// The pointer.
    pub pointer: Pointer,
    /// The pointer that was probably meant.
    pub nearest: Option<Pointer>,
}

impl Edit {
    /// Makes the change.
    ///
    /// # Errors
    /// Where the pointer matches nothing.
    pub fn apply(&self, event: &mut Value) -> Result<(), NoMatch> {
        match event.pointer_mut(self.pointer.as_str()) {
            Some(slot) => {
                slot.clone_from(&self.value);
                Ok(())
            }
            None => Err(NoMatch {
                nearest: nearest(event, &self.pointer),
                pointer: self.pointer.clone(),
            }),
        }
    }

    /// Makes the change again after the event was refreshed, unless it changes an id: the mock assigns
    /// the ids of the file and the event.
    pub fn apply_again(&self, event: &mut Value) {
        if !self.pointer.as_str().ends_with("id") {
            // It matched before.
            let _ = self.apply(event);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_edit_takes_json_and_else_text() {
        let mut event = json!({"source": {"name": "a", "size": 1, "id": "7"}});
        for text in ["/source/name=talk 1.mp4", "/source/size=12"] {
            let edit: Edit = text.parse().expect("an edit");
            edit.apply(&mut event).expect("it matches");
        }
        assert_eq!(
            event["source"],
            json!({"name": "talk 1.mp4", "size": 12, "id": "7"})
        );
    }

    #[test]
    fn a_pointer_that_matches_nothing_names_the_nearest() {
        let edit: Edit = "/sorce/name=x".parse().expect("an edit");
        let refused = edit
            .apply(&mut json!({"source": {"name": "a"}}))
            .expect_err("no match");
        assert_eq!(refused.nearest.expect("one").as_str(), "/source/name");
        for text in ["source/name=x", "=x", "/a"] {
            assert!(text.parse::<Edit>().is_err(), "{text}");
        }
    }
}
