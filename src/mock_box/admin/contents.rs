//! Files of the admin API, which ignores Box's rules: no token, any id, no check for name conflicts.

use http::StatusCode;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::mock_box::{
    context::Decision,
    http::answer::Answer,
    model::{
        content::{Content, placeholder},
        file::{File, Version},
        folder::ROOT,
        grant::Writer,
        ids::Ids,
    },
    ops,
    state::State,
};

/// Whether this can be the id of a file: Box's are numbers.
pub fn is_id(text: &str) -> bool {
    const MAX_DIGITS: usize = 20;
    (1..=MAX_DIGITS).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The file `id` with this content: a new version of it, or a new file where there is none.
pub fn put(
    state: &State,
    id: &str,
    name: Option<String>,
    content: Content,
    now: Timestamp,
    ids: &mut Ids,
) -> File {
    ids.reserve(id);
    let version = ops::files::new_version(content, now, ids);
    match state.file(id) {
        Some(file) if !file.resumed => file.clone().with_version(version, name),
        _ => {
            let name = name.unwrap_or_else(|| format!("file-{id}"));
            File::new(id.to_owned(), name, ROOT.to_owned(), version)
        }
    }
}

/// The file that holds resumed metadata until an event registers the real one.
pub fn resumed(id: &str, version_id: &str, now: Timestamp) -> File {
    let version = Version::new(version_id.to_owned(), placeholder("file"), now);
    let name = format!("file-{id}");
    File {
        resumed: true,
        ..File::new(id.to_owned(), name, ROOT.to_owned(), version)
    }
}

/// Deletes the file `id` with its metadata; `None` where there is none.
pub fn remove(state: &State, id: &str, now: Timestamp) -> Option<Decision> {
    let file = state.file(id)?;
    Some(Decision {
        changes: ops::files::delete(state, file, &Writer::default(), now),
        ..Decision::answer(Answer::empty(StatusCode::NO_CONTENT))
    })
}

/// A file as the admin API shows it.
pub fn describe(file: &File) -> Value {
    let current = file.current();
    json!({
        "id": file.id,
        "name": file.name,
        "size": current.content.size,
        "sha1": current.content.sha1,
        "version_id": current.id,
        "versions": file.versions.len(),
        "etag": file.etag.to_string(),
        "parent_id": file.parent_id,
        "event_id": file.event_id
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mock_box::{model::settings::Settings, state::Change};

    #[test]
    fn a_file_is_created_updated_and_removed() {
        let mut ids = Ids::new(1);
        let mut state = State::new(Settings::default(), &mut ids);
        let now = Timestamp::UNIX_EPOCH;
        let name = Some("a.txt".to_owned());
        let made = put(&state, "7", name, placeholder("a.txt"), now, &mut ids);
        assert_eq!((made.name.as_str(), made.versions.len()), ("a.txt", 1));
        state.apply(&Change::EditFile(Box::new(made)));
        let changed = put(&state, "7", None, placeholder("b.csv"), now, &mut ids);
        assert_eq!(
            (changed.name.as_str(), changed.versions.len()),
            ("a.txt", 2)
        );
        state.apply(&Change::EditFile(Box::new(changed)));
        let removed = remove(&state, "7", now).expect("it is there");
        for change in &removed.changes {
            state.apply(change);
        }
        assert!(state.file("7").is_none());
        assert!(remove(&state, "7", now).is_none());
        for no_id in ["", "a", "-1", "123456789012345678901"] {
            assert!(!is_id(no_id), "{no_id}");
        }
        assert!(is_id("7"));
    }
}
