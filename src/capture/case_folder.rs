//! The folder of a captured case: it appears with its event, whole or not at all.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use crate::domain::{
    event::{
        Captured, envelope,
        invocation::Invocation,
        redaction::{Keep, Scrubber},
    },
    file_name,
};

/// The longest part of a folder's name that is the file's, in bytes: the system allows 255 in all.
const MAX_NAME: usize = 120;

/// The result of saving an event.
pub(super) enum Saved {
    /// A new case.
    New(NewCase),
    /// The event has a case already.
    Exists(PathBuf),
}

/// A case that lacks its content and its expected result.
#[derive(Clone)]
pub(super) struct NewCase {
    /// Its folder.
    pub(super) folder: PathBuf,
    /// Its event, with the tokens.
    pub(super) invocation: Invocation<'static>,
}

/// Saves an event as `event.json` in a folder named after the file and the event. The folder is
/// written under another name and renamed: a case that exists is complete.
///
/// # Errors
/// When the folder cannot be written.
pub(super) fn save(
    into: &Path,
    event: &Captured,
    body: &[u8],
    keep_secrets: bool,
) -> io::Result<Saved> {
    let invocation = event.event.invocation();
    let folder = into.join(folder_name(invocation));
    if folder.symlink_metadata().is_ok() {
        return Ok(Saved::Exists(folder));
    }
    fs::create_dir_all(into)?;
    let new = tempfile::Builder::new()
        .prefix(".capture-")
        .tempdir_in(into)?;
    write_event(&new.path().join("event.json"), event, body, keep_secrets)?;
    match fs::rename(new.path(), &folder) {
        Ok(()) => {
            // It has another name now; there is nothing left to remove.
            let _ = new.keep();
            Ok(Saved::New(NewCase {
                folder,
                invocation: invocation.clone(),
            }))
        }
        // Two deliveries of one event at the same time: the other one was faster.
        Err(_) if folder.is_dir() => Ok(Saved::Exists(folder)),
        Err(error) => Err(error),
    }
}

/// `<file name>-<event id>`, without anything that a path, a shell or a terminal would act on.
fn folder_name(invocation: &Invocation<'_>) -> String {
    let id = file_name::safe(&invocation.id(), "event");
    let name = file_name::safe(&invocation.file_name().unwrap_or_default(), "file");
    let end = name
        .char_indices()
        .map(|(at, character)| at + character.len_utf8())
        .take_while(|end| *end <= MAX_NAME)
        .last()
        .unwrap_or(0);
    let id: String = id.chars().take(100).collect();
    format!("{}-{id}", &name[..end])
}

/// Writes the event in API Gateway form, which keeps the headers: redacted, or exact and private.
fn write_event(path: &Path, event: &Captured, body: &[u8], keep_secrets: bool) -> io::Result<()> {
    let wrapped = envelope::wrap(&event.headers, body);
    let written = if keep_secrets {
        wrapped
    } else {
        Scrubber::new(Keep::default()).scrub(&wrapped).0
    };
    let mode = if keep_secrets { 0o600 } else { 0o644 };
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(path)?;
    file.write_all(format!("{written:#}\n").as_bytes())?;
    file.sync_all()
}

/// Writes another file of a case, whole or not at all, and never over one that exists.
pub(super) fn write_file(path: &Path, text: &str, keep_secrets: bool) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(text.as_bytes())?;
    if !keep_secrets {
        use std::os::unix::fs::PermissionsExt;
        let readable = fs::Permissions::from_mode(0o644);
        file.as_file().set_permissions(readable)?;
    }
    file.persist_noclobber(path).map_err(|error| error.error)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use serde_json::json;

    use super::*;
    use crate::domain::json::tree::Tape;

    fn captured(id: &str, name: &str) -> (Captured, Bytes) {
        let value = json!({
            "type": "skill_invocation", "id": id,
            "source": {"id": "7", "name": name},
            "token": {
                "read": {"access_token": "a-secret-read-token"},
                "write": {"access_token": "a-secret-write-token"}
            }
        });
        let body = Bytes::from(value.to_string());
        let tape = Tape::from_value(&value);
        let mut event = Captured::read(tape.tree(), body.clone()).expect("an event");
        event.headers = vec![("box-signature-primary".to_owned(), "abc=".to_owned())];
        (event, body)
    }

    fn saved(into: &Path, id: &str, name: &str, keep_secrets: bool) -> Saved {
        let (event, body) = captured(id, name);
        save(into, &event, &body, keep_secrets).expect("it is saved")
    }

    #[test]
    fn a_saved_event_holds_no_token_unless_asked_to() {
        let into = tempfile::tempdir().expect("a folder");
        let Saved::New(case) = saved(into.path(), "a_1", "talk.mp3", false) else {
            panic!("it is new");
        };
        assert!(case.folder.ends_with("talk.mp3-a_1"));
        let text = fs::read_to_string(case.folder.join("event.json")).expect("it is there");
        assert!(
            !text.contains("secret") && !text.contains("signature-primary"),
            "{text}"
        );
        let Saved::New(case) = saved(into.path(), "a_2", "talk.mp3", true) else {
            panic!("it is new");
        };
        let text = fs::read_to_string(case.folder.join("event.json")).expect("it is there");
        assert!(text.contains("a-secret-read-token") && text.contains("abc="));
    }

    #[test]
    fn an_event_that_arrives_again_makes_no_second_case() {
        let into = tempfile::tempdir().expect("a folder");
        assert!(matches!(
            saved(into.path(), "a_1", "a.txt", false),
            Saved::New(_)
        ));
        assert!(matches!(
            saved(into.path(), "a_1", "a.txt", false),
            Saved::Exists(_)
        ));
        assert_eq!(fs::read_dir(into.path()).expect("a folder").count(), 1);
    }

    #[test]
    fn a_hostile_name_stays_in_the_folder() {
        let into = tempfile::tempdir().expect("a folder");
        for (number, name) in [
            "../../etc/passwd",
            "..",
            "a\u{202e}b\n.txt",
            "",
            &"x".repeat(400),
        ]
        .into_iter()
        .enumerate()
        {
            let Saved::New(case) = saved(into.path(), &format!("../e_{number}"), name, false)
            else {
                panic!("{name}: it is new");
            };
            assert_eq!(case.folder.parent(), Some(into.path()), "{name}");
            assert!(case.folder.join("event.json").exists());
        }
    }
}
