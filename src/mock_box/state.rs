//! What the mock Box holds, and the changes that can be made to it. A change is decided by
//! [`super::decide()`] and by [`super::registration`]; here it is only carried out.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use jiff::Timestamp;

use super::{
    content::{Content, hex, placeholder},
    ids::Ids,
    routes::InstancePath,
    tokens::Grant,
};
use crate::domain::{
    call::{WriteOp, WriteRecord},
    card::validate::Schema,
    secret::Secret,
};

/// How the mock is set up; never changes while it runs.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Whether tokens are looked at.
    pub tokens: TokenMode,
    /// What is refused of the cards that are written.
    pub schema: Schema,
    /// A user token that is always good.
    pub user_token: Option<Secret>,
    /// The largest JSON body, in bytes.
    pub max_json: u64,
    /// The largest upload, in bytes.
    pub max_upload: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            tokens: TokenMode::Strict,
            schema: Schema::Box,
            user_token: None,
            max_json: 8 * 1024 * 1024,
            max_upload: 100 * 1024 * 1024,
        }
    }
}

/// Whether tokens are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenMode {
    /// A token serves its one file and its own calls, until it expires or is revoked.
    Strict,
    /// Every bearer may do everything.
    Any,
}

/// A file with its versions.
#[derive(Clone, Debug)]
pub struct File {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The folder it lies in.
    pub parent_id: String,
    /// Its versions, oldest first; never empty.
    pub versions: Vec<Version>,
    /// Counts its changes.
    pub etag: u64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed.
    pub modified_at: Timestamp,
    /// The event that stands for it, whose calls those without a token of their own are.
    pub event_id: Option<String>,
    /// Whether a reset leaves it: it came from a fixture or a served folder.
    pub lasting: bool,
    /// Whether it stands only for metadata that was resumed, until somebody registers it.
    pub resumed: bool,
}

/// One version of a file.
#[derive(Clone, Debug)]
pub struct Version {
    /// Its id.
    pub id: String,
    /// Its content.
    pub content: Content,
}

impl File {
    /// The version that is served.
    pub fn current(&self) -> &Version {
        self.versions
            .last()
            .expect("a file is made with a version and loses none")
    }
}

/// An event as it was registered.
#[derive(Clone, Debug)]
pub struct EventEntry {
    /// Its file.
    pub file_id: String,
    /// Its tokens.
    pub tokens: [Secret; 2],
    /// Whether a reset leaves it.
    pub lasting: bool,
}

/// A metadata instance as it is kept: its JSON, ready to be answered.
#[derive(Clone, Debug)]
pub struct StoredInstance {
    /// The whole instance, compact.
    pub json: Arc<str>,
}

/// Everything the mock holds.
#[derive(Clone, Debug)]
pub struct State {
    /// How it is set up.
    pub settings: Settings,
    key: [u8; 16],
    /// The id that ends `$type` of each template of Skills cards.
    pub template_type_id: String,
    files: HashMap<String, File>,
    events: HashMap<String, EventEntry>,
    tokens: HashMap<Secret, Grant>,
    /// Tokens that a fault has expired, each with the fault.
    expired: HashMap<Secret, Arc<str>>,
    instances: HashMap<String, BTreeMap<(String, String), StoredInstance>>,
    next_seq: u64,
}

/// An event to be registered.
#[derive(Clone, Debug)]
pub struct NewEvent {
    /// The invocation's id.
    pub id: String,
    /// What is kept of it.
    pub entry: EventEntry,
    /// What its tokens may do.
    pub grants: [(Secret, Grant); 2],
}

/// A change of the state.
#[derive(Clone, Debug)]
pub enum Change {
    /// An event is registered, with its tokens; its file stands already.
    PutEvent(Box<NewEvent>),
    /// An event, its tokens and its file are forgotten.
    RetireEvent(String),
    /// A fault, as it is written, expires a token.
    ExpireToken(Secret, Arc<str>),
    /// A file is made or replaced.
    PutFile(Box<File>),
    /// A metadata write, or a reset.
    Write(Arc<WriteRecord>),
}

impl State {
    /// An empty Box.
    pub fn new(settings: Settings, ids: &mut Ids) -> Self {
        Self {
            settings,
            key: ids.key(),
            template_type_id: ids.uuid(),
            files: HashMap::new(),
            events: HashMap::new(),
            tokens: HashMap::new(),
            expired: HashMap::new(),
            instances: HashMap::new(),
            next_seq: 1,
        }
    }

    /// The number that the next record gets.
    pub fn next_seq(&self) -> u64 {
        self.next_seq
    }

    /// A file by its id.
    pub fn file(&self, id: &str) -> Option<&File> {
        self.files.get(id)
    }

    /// An event by its id.
    pub fn event(&self, id: &str) -> Option<&EventEntry> {
        self.events.get(id)
    }

    /// What a token may do.
    pub fn grant(&self, token: &Secret) -> Option<&Grant> {
        self.tokens.get(token)
    }

    /// The fault that has expired a token.
    pub fn expired(&self, token: &Secret) -> Option<&Arc<str>> {
        self.expired.get(token)
    }

    /// An instance by its place.
    pub fn instance(&self, path: &InstancePath) -> Option<&StoredInstance> {
        // The key is built only where the file has metadata at all.
        let of_file = self.instances.get(&path.file_id)?;
        of_file.get(&(path.scope.clone(), path.template.clone()))
    }

    /// Every instance on a file.
    pub fn instances(&self, file_id: &str) -> impl Iterator<Item = &StoredInstance> {
        self.instances
            .get(file_id)
            .into_iter()
            .flat_map(BTreeMap::values)
    }

    /// A check mark over `text` that only this state can make, for links that are not to be
    /// guessed.
    pub fn mark(&self, text: &str) -> String {
        use hmac::{Hmac, KeyInit, Mac};
        let mut mac = Hmac::<sha2::Sha256>::new_from_slice(&self.key)
            .expect("an HMAC takes a key of any length");
        mac.update(text.as_bytes());
        hex(&mac.finalize().into_bytes()[..12])
    }

    /// Carries a change out. It was decided under the same lock, so it cannot fail.
    pub fn apply(&mut self, change: &Change) {
        match change {
            Change::PutEvent(event) => {
                self.forget_tokens(&event.id);
                self.events.insert(event.id.clone(), event.entry.clone());
                for (token, grant) in &event.grants {
                    self.tokens.insert(token.clone(), grant.clone());
                }
            }
            Change::RetireEvent(id) => {
                self.forget_tokens(id);
                if let Some(entry) = self.events.remove(id)
                    && self
                        .files
                        .get(&entry.file_id)
                        .is_some_and(|file| file.event_id.as_deref() == Some(id) && !file.lasting)
                {
                    self.files.remove(&entry.file_id);
                    self.instances.remove(&entry.file_id);
                }
            }
            Change::ExpireToken(token, fault) => {
                // Only those that are known: others could be any number.
                let is_users = self.settings.user_token.as_ref() == Some(token);
                if is_users || self.tokens.contains_key(token) {
                    self.expired.insert(token.clone(), Arc::clone(fault));
                }
            }
            Change::PutFile(file) => {
                self.files.insert(file.id.clone(), (**file).clone());
            }
            Change::Write(record) => self.apply_write(record),
        }
    }

    fn forget_tokens(&mut self, event_id: &str) {
        if let Some(entry) = self.events.get(event_id) {
            for token in &entry.tokens {
                self.tokens.remove(token);
                self.expired.remove(token);
            }
        }
    }

    fn apply_write(&mut self, record: &WriteRecord) {
        self.next_seq = record.seq + 1;
        if record.op == WriteOp::Reset {
            self.reset();
            return;
        }
        let of_file = self.instances.entry(record.file_id.clone()).or_default();
        let key = (record.scope.clone(), record.template.clone());
        match &record.instance {
            Some(instance) => {
                let json = Arc::from(instance.get());
                of_file.insert(key, StoredInstance { json });
            }
            None => {
                of_file.remove(&key);
            }
        }
    }

    /// Back to how it started: what came from fixtures and folders stays, the rest goes.
    fn reset(&mut self) {
        self.instances.clear();
        self.expired.clear();
        self.files.retain(|_, file| file.lasting);
        self.events.retain(|_, event| event.lasting);
        let events = &self.events;
        self.tokens.retain(|_, grant| {
            grant
                .event_id
                .as_ref()
                .is_some_and(|id| events.contains_key(id))
        });
    }
}

/// The file that stands for resumed metadata, until somebody registers the real one.
pub fn resumed_file(id: &str, version_id: &str, now: Timestamp) -> File {
    File {
        id: id.to_owned(),
        name: format!("file-{id}"),
        parent_id: "0".to_owned(),
        versions: vec![Version {
            id: version_id.to_owned(),
            content: placeholder("file"),
        }],
        etag: 0,
        created_at: now,
        modified_at: now,
        event_id: None,
        lasting: false,
        resumed: true,
    }
}
