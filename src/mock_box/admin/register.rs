//! Registers an event as if Box had just sent it: its file exists, its tokens are valid, and its ids
//! and times are new, unless the recorded ones are to be kept.

use jiff::{Timestamp, ToSpan};

use crate::{
    domain::{
        event::{
            invocation::Invocation,
            refresh::{Fresh, refresh, replace_file, replace_id, replace_token},
        },
        json::tree::Tree,
        secret::Secret,
        token::{LIFETIME_SECONDS, TokenKind, is_placeholder},
    },
    mock_box::{
        model::{
            content::{Content, placeholder},
            event::{EventEntry, NewEvent},
            file::{File, Version},
            folder::{Folder, ROOT},
            grant::{Grant, Resource},
            ids::Ids,
        },
        state::{Change, State},
    },
};

/// What becomes of the recorded ids, times and tokens of an event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Recorded {
    /// All are replaced, as if Box had just sent the event.
    #[default]
    Replaced,
    /// They are kept; only placeholders are replaced.
    Kept,
    /// The same, and ids and tokens that another event has are replaced too.
    KeptWhereFree,
}

/// How an event is registered.
#[derive(Clone, Debug, Default)]
pub struct Registering {
    /// What becomes of the recorded ids, times and tokens.
    pub recorded: Recorded,
    /// Uses the recorded file even if another event has it.
    pub same_file: bool,
    /// Survives a reset.
    pub lasting: bool,
    /// The content of the file; else what [`placeholder`] gives.
    pub content: Option<Content>,
}

/// A registered event, with the changes that register it.
#[derive(Clone, Debug)]
pub struct Registered<'a> {
    /// The event to send.
    pub event: Invocation<'a>,
    /// The changes to apply.
    pub changes: Vec<Change>,
}

/// Decides the registration of `event`.
pub fn register<'a>(
    state: &State,
    event: Invocation<'a>,
    how: &Registering,
    now: Timestamp,
    ids: &mut Ids,
) -> Registered<'a> {
    let recorded = event.file_id();
    // An event of an earlier mock may have numbers that this one would assign next.
    let recorded_ids = [
        Some(recorded.clone()),
        event.file_version_id(),
        event.parent_id(),
    ];
    recorded_ids.iter().flatten().for_each(|id| ids.reserve(id));
    let takes_recorded =
        how.recorded == Recorded::Kept || how.same_file || is_free(state, &recorded);
    let file_id = if takes_recorded {
        recorded
    } else {
        ids.number().to_string()
    };
    let name = event.file_name().unwrap_or_else(|| "file".to_owned());
    let file = match (how.content.clone(), state.file(&file_id)) {
        // A file that is already there keeps its content where the event has none.
        (None, Some(file)) if !file.resumed => file.clone(),
        (content, before) => {
            let content = content.unwrap_or_else(|| placeholder(&name));
            let version_id = match event.file_version_id() {
                Some(id) if takes_recorded => id,
                _ => ids.number().to_string(),
            };
            new_file(&event, &file_id, name, version_id, content, before, now)
        }
    };
    let (event, read, write) = match how.recorded {
        Recorded::Replaced => renew(event, &file, now, ids),
        Recorded::Kept => keep(event, ids, |_| true),
        Recorded::KeptWhereFree => {
            let event = distinct(state, event, &file, takes_recorded, ids);
            keep(event, ids, |token| state.grant(token).is_none())
        }
    };
    let id = event.tree().get("id").and_then(Tree::as_str);
    let id = id.unwrap_or_default();
    let id = if id.is_empty() {
        ids.uuid()
    } else {
        id.to_owned()
    };
    let file = File {
        event_id: Some(id.as_str().into()),
        lasting: how.lasting || file.lasting,
        ..file
    };
    let put_event = Change::PutEvent(Box::new(NewEvent {
        entry: EventEntry {
            file_id: file_id.clone(),
            tokens: [read.clone(), write.clone()],
            lasting: how.lasting,
        },
        grants: [
            (read, grant(TokenKind::Read, &file_id, &id, now)),
            (write, grant(TokenKind::Write, &file_id, &id, now)),
        ],
        id,
    }));
    let folder = missing_folder(state, &file.parent_id, now, how.lasting);
    let changes = folder
        .into_iter()
        .chain([Change::PutFile(Box::new(file)), put_event])
        .collect();
    Registered { event, changes }
}

/// The folder that an event names, where it is not there yet or would not outlast the event.
fn missing_folder(state: &State, id: &str, now: Timestamp, lasting: bool) -> Option<Change> {
    let folder = match state.folder(id) {
        Some(folder) if folder.lasting || !lasting => return None,
        Some(folder) => Folder {
            lasting,
            ..folder.clone()
        },
        None => Folder::named_by_event(id, now, lasting),
    };
    Some(Change::PutFolder(Box::new(folder)))
}

fn is_free(state: &State, file_id: &str) -> bool {
    state.file(file_id).is_none_or(|file| file.resumed)
}

fn new_file(
    event: &Invocation<'_>,
    file_id: &str,
    name: String,
    version_id: String,
    content: Content,
    before: Option<&File>,
    now: Timestamp,
) -> File {
    let version = Version::new(version_id, content, now);
    let parent_id = event.parent_id().unwrap_or_else(|| ROOT.to_owned());
    File {
        etag: before.map_or(0, |file| file.etag),
        lasting: before.is_some_and(|file| file.lasting),
        ..File::new(file_id.to_owned(), name, parent_id, version)
    }
}

/// The event with new ids where another event has the recorded ones.
fn distinct<'a>(
    state: &State,
    mut event: Invocation<'a>,
    file: &File,
    takes_recorded: bool,
    ids: &mut Ids,
) -> Invocation<'a> {
    if !takes_recorded {
        replace_file(&mut event, &file.id, &file.current().id);
    }
    if state.event(&event.id()).is_some() {
        replace_id(&mut event, &ids.uuid(), ids.digits());
    }
    event
}

/// Keeps the event as recorded, except for placeholders and for tokens that `may_keep` refuses.
fn keep<'a>(
    mut event: Invocation<'a>,
    ids: &mut Ids,
    may_keep: impl Fn(&Secret) -> bool,
) -> (Invocation<'a>, Secret, Secret) {
    let recorded = |kind| {
        let token = event.token(kind)?.access_token;
        (!is_placeholder(token.expose()) && may_keep(&token)).then_some(token)
    };
    let (read, write) = (recorded(TokenKind::Read), recorded(TokenKind::Write));
    let mut token = |kind, recorded: Option<Secret>| {
        recorded.unwrap_or_else(|| {
            let minted = ids.token();
            replace_token(&mut event, kind, &minted);
            minted
        })
    };
    let read = token(TokenKind::Read, read);
    let write = token(TokenKind::Write, write);
    (event, read, write)
}

fn renew<'a>(
    event: Invocation<'a>,
    file: &File,
    now: Timestamp,
    ids: &mut Ids,
) -> (Invocation<'a>, Secret, Secret) {
    let fresh = Fresh {
        event_id: ids.uuid(),
        digits: ids.digits(),
        // One second ago: newer SDKs refuse a delivery timestamp in the future.
        created_at: now.checked_sub(1.second()).unwrap_or(now),
        file_id: file.id.clone(),
        file_version_id: file.current().id.clone(),
        size: Some(file.current().content.size),
        read: ids.token(),
        write: ids.token(),
    };
    (refresh(event, &fresh), fresh.read, fresh.write)
}

fn grant(kind: TokenKind, file_id: &str, event_id: &str, now: Timestamp) -> Grant {
    Grant {
        kind,
        resource: Some(Resource::File(file_id.to_owned())),
        scopes: None,
        user_id: None,
        event_id: Some(event_id.into()),
        expires_at: now
            .checked_add(LIFETIME_SECONDS.seconds())
            .unwrap_or(Timestamp::MAX),
    }
}
