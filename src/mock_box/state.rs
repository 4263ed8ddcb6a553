//! The state of the mock Box, and the changes that can be made to it. Changes are decided by
//! [`super::pipeline`] and [`super::admin`]; here they are only applied.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use foldhash::fast::RandomState;
use smol_str::SmolStr;

use super::model::{
    event::{EventEntry, NewEvent},
    file::File,
    folder::{Folder, ROOT},
    grant::Grant,
    ids::Ids,
    instance::{InstancePath, StoredInstance, Write},
    settings::Settings,
    upload_session::{Part, UploadSession},
};
use crate::domain::{
    call::{WriteOp, WriteRecord},
    hex,
    secret::Secret,
};

/// A fast hasher: every call looks into several maps. The keys come from the user of the mock or the mock
/// itself, so hash flooding is not a threat.
type HashMap<K, V> = std::collections::HashMap<K, V, RandomState>;

/// The most used refresh tokens that are remembered.
const MAX_SPENT: usize = 1000;
/// The deepest nesting of folders.
pub(super) const MAX_DEPTH: usize = 100;

/// The state of the mock.
#[derive(Clone, Debug)]
pub struct State {
    /// The settings.
    pub settings: Settings,
    key: [u8; 16],
    /// The id that ends `$type` of each template of Skills cards.
    pub template_type_id: String,
    files: HashMap<String, File>,
    /// The files that a reset restores, as they were before the API changed them.
    started: HashMap<String, File>,
    /// The etags of deleted files, the latest last. If-Match answers 412 for them instead of 404.
    deleted: VecDeque<(String, u64)>,
    folders: HashMap<String, Folder>,
    /// The folders that a reset restores, as they were before the API changed them.
    started_folders: HashMap<String, Folder>,
    events: HashMap<String, EventEntry>,
    tokens: HashMap<Secret, Arc<Grant>>,
    /// Tokens that a fault has expired, each with the fault.
    expired: HashMap<Secret, Arc<str>>,
    /// The tokens that `/oauth2/token` gave, the latest last.
    granted: VecDeque<Secret>,
    /// Refresh tokens that were used, the latest last.
    spent: VecDeque<Secret>,
    /// The upload sessions that are open, by their ids.
    upload_sessions: HashMap<String, UploadSession>,
    /// The instances of each file, by scope and then by template.
    instances: HashMap<SmolStr, BTreeMap<SmolStr, BTreeMap<SmolStr, StoredInstance>>>,
    next_seq: u64,
}

/// A change of the state.
#[derive(Clone, Debug)]
pub enum Change {
    /// An event is registered, with its tokens; its file exists already.
    PutEvent(Box<NewEvent>),
    /// An event, its tokens and its file are forgotten.
    RetireEvent(String),
    /// A fault, as it is written, expires a token.
    ExpireToken(Secret, Arc<str>),
    /// A file is created or replaced by an event or a fixture.
    PutFile(Box<File>),
    /// A file is made or changed through the API.
    EditFile(Box<File>),
    /// A file and its metadata are deleted.
    RemoveFile(String),
    /// A file of a served folder is created or changed. A reset keeps this state.
    SyncFile(Box<File>),
    /// A file of a served folder is deleted. A reset does not restore it.
    UnsyncFile(String),
    /// A folder is made or changed.
    PutFolder(Box<Folder>),
    /// A folder is deleted.
    RemoveFolder(String),
    /// A folder is changed through the API.
    EditFolder(Box<Folder>),
    /// A folder is deleted through the API.
    DeleteFolder(String),
    /// A user token is granted.
    PutToken(Secret, Grant),
    /// A token is revoked.
    RevokeToken(Secret),
    /// A refresh token is used, and good no longer.
    SpendRefreshToken(Secret),
    /// An upload session is opened.
    PutUploadSession(Box<UploadSession>),
    /// A part of a file arrived, at this offset of the session with this id.
    PutPart(String, u64, Box<Part>),
    /// An upload session is committed or aborted.
    RemoveUploadSession(String),
    /// A metadata write, or a reset.
    Write(Write),
}

impl Change {
    /// The record of it, if it writes metadata.
    pub fn record(&self) -> Option<&Arc<WriteRecord>> {
        match self {
            Self::Write(write) => Some(&write.record),
            _ => None,
        }
    }

    /// The record, mutable.
    pub fn record_mut(&mut self) -> Option<&mut WriteRecord> {
        match self {
            Self::Write(write) => Some(Arc::make_mut(&mut write.record)),
            _ => None,
        }
    }

    /// The record, by value.
    pub fn into_record(self) -> Option<Arc<WriteRecord>> {
        match self {
            Self::Write(write) => Some(write.record),
            _ => None,
        }
    }
}

impl State {
    /// An empty Box.
    pub fn new(settings: Settings, ids: &mut Ids) -> Self {
        Self {
            settings,
            key: ids.key(),
            template_type_id: ids.uuid(),
            files: HashMap::default(),
            started: HashMap::default(),
            deleted: VecDeque::new(),
            folders: HashMap::from_iter([(ROOT.to_owned(), Folder::root())]),
            started_folders: HashMap::default(),
            events: HashMap::default(),
            tokens: HashMap::default(),
            expired: HashMap::default(),
            granted: VecDeque::new(),
            spent: VecDeque::new(),
            upload_sessions: HashMap::default(),
            instances: HashMap::default(),
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

    /// The event that a file belongs to.
    pub fn event_of_file(&self, id: Option<&str>) -> Option<Arc<str>> {
        self.file(id?)?.event_id.clone()
    }

    /// The files in a folder, in no order.
    pub fn files_in(&self, folder_id: &str) -> impl Iterator<Item = &File> {
        self.files
            .values()
            .filter(move |file| file.parent_id == folder_id)
    }

    /// The etag that a file had when it was deleted.
    pub fn last_etag(&self, id: &str) -> Option<u64> {
        let deleted = self.deleted.iter().rev();
        deleted
            .into_iter()
            .find_map(|(gone, etag)| (gone == id).then_some(*etag))
    }

    /// A folder by its id.
    pub fn folder(&self, id: &str) -> Option<&Folder> {
        self.folders.get(id)
    }

    /// The folders from the root to the folder `id`, that folder included; none where there is no
    /// such folder.
    pub fn path_to(&self, id: Option<&str>) -> Vec<&Folder> {
        let parent = |folder: &&Folder| self.folder(folder.parent_id.as_deref()?);
        let first = id.and_then(|id| self.folder(id));
        let mut path: Vec<&Folder> = std::iter::successors(first, parent)
            .take(MAX_DEPTH + 1)
            .collect();
        path.reverse();
        path
    }

    /// The folders in a folder, in no order.
    pub fn folders_in(&self, folder_id: &str) -> impl Iterator<Item = &Folder> {
        self.folders
            .values()
            .filter(move |folder| folder.parent_id.as_deref() == Some(folder_id))
    }

    /// An event by its id.
    pub fn event(&self, id: &str) -> Option<&EventEntry> {
        self.events.get(id)
    }

    /// Every event with its id, in no order.
    pub fn events(&self) -> impl Iterator<Item = (&String, &EventEntry)> {
        self.events.iter()
    }

    /// An upload session by its id.
    pub fn upload_session(&self, id: &str) -> Option<&UploadSession> {
        self.upload_sessions.get(id)
    }

    /// What a token may do.
    pub fn grant(&self, token: &Secret) -> Option<&Arc<Grant>> {
        self.tokens.get(token)
    }

    /// Whether a refresh token was used.
    pub fn is_spent(&self, token: &Secret) -> bool {
        self.spent.contains(token)
    }

    /// The fault that has expired a token.
    pub fn expired(&self, token: &Secret) -> Option<&Arc<str>> {
        self.expired.get(token)
    }

    /// An instance by its path.
    pub fn instance(&self, path: &InstancePath) -> Option<&StoredInstance> {
        let of_file = self.instances.get(&path.file_id)?;
        of_file.get(&path.scope)?.get(&path.template)
    }

    /// Every instance on a file.
    pub fn instances(&self, file_id: &str) -> impl Iterator<Item = &StoredInstance> {
        let of_file = self.instances.get(file_id).into_iter();
        let scopes = of_file.flat_map(BTreeMap::values);
        scopes.flat_map(BTreeMap::values)
    }

    /// Where each instance on a file is.
    pub fn instance_paths(&self, file_id: &str) -> impl Iterator<Item = InstancePath> {
        let of_file = self.instances.get(file_id).into_iter();
        of_file.flatten().flat_map(move |(scope, templates)| {
            let names = templates.keys();
            names.map(move |template| InstancePath::new(file_id, scope, template))
        })
    }

    /// A signature of `text` that only this mock can make, for URLs that cannot be guessed.
    pub fn sign(&self, text: &str) -> String {
        use hmac::{Hmac, KeyInit, Mac};
        let mut mac = Hmac::<sha2::Sha256>::new_from_slice(&self.key)
            .expect("an HMAC takes a key of any length");
        mac.update(text.as_bytes());
        hex::encode(&mac.finalize().into_bytes()[..12])
    }

    /// Applies a change. The state it was decided on has not changed since, so it cannot fail.
    pub fn apply(&mut self, change: &Change) {
        match change {
            Change::PutEvent(event) => {
                self.forget_tokens(&event.id);
                self.events.insert(event.id.clone(), event.entry.clone());
                for (token, grant) in &event.grants {
                    self.tokens.insert(token.clone(), Arc::new(grant.clone()));
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
                    self.instances.remove(&*entry.file_id);
                }
            }
            Change::ExpireToken(token, fault) => {
                // Only known tokens, so that unknown ones cannot fill the memory.
                let is_users = self.settings.user_token.as_ref() == Some(token);
                if is_users || self.tokens.contains_key(token) {
                    self.expired.insert(token.clone(), Arc::clone(fault));
                }
            }
            Change::PutFile(file) => {
                self.files.insert(file.id.clone(), (**file).clone());
            }
            Change::EditFile(file) => {
                if let Some(before) = self.files.insert(file.id.clone(), (**file).clone()) {
                    self.keep_as_started(before);
                }
            }
            Change::RemoveFile(id) => self.remove_file(id),
            Change::SyncFile(file) => {
                self.started.remove(&file.id);
                self.files.insert(file.id.clone(), (**file).clone());
            }
            Change::UnsyncFile(id) => {
                self.remove_file(id);
                self.started.remove(id);
            }
            Change::RemoveFolder(id) => {
                self.started_folders.remove(id);
                self.folders.remove(id);
            }
            Change::EditFolder(folder) => {
                let before = self.folders.insert(folder.id.clone(), (**folder).clone());
                self.keep_folder_as_started(before);
            }
            Change::DeleteFolder(id) => {
                let before = self.folders.remove(id);
                self.keep_folder_as_started(before);
            }
            Change::PutFolder(folder) => {
                self.folders.insert(folder.id.clone(), (**folder).clone());
            }
            Change::PutToken(token, grant) => self.put_token(token, grant),
            Change::RevokeToken(token) => {
                self.tokens.remove(token);
            }
            Change::SpendRefreshToken(token) => {
                self.spent.push_back(token.clone());
                if self.spent.len() > MAX_SPENT {
                    self.spent.pop_front();
                }
            }
            Change::PutUploadSession(session) => self.put_upload_session(session),
            Change::PutPart(session, offset, part) => {
                if let Some(session) = self.upload_sessions.get_mut(session) {
                    session.parts.insert(*offset, (**part).clone());
                }
            }
            Change::RemoveUploadSession(id) => {
                self.upload_sessions.remove(id);
            }
            Change::Write(write) => self.apply_write(write),
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

    fn keep_as_started(&mut self, before: File) {
        if before.lasting {
            self.started.entry(before.id.clone()).or_insert(before);
        }
    }

    fn keep_folder_as_started(&mut self, before: Option<Folder>) {
        if let Some(before) = before.filter(|folder| folder.lasting) {
            let id = before.id.clone();
            self.started_folders.entry(id).or_insert(before);
        }
    }

    fn remove_file(&mut self, id: &str) {
        /// Older ones are forgotten, and answered with 404.
        const MAX_DELETED: usize = 1000;
        self.instances.remove(id);
        let Some(file) = self.files.remove(id) else {
            return;
        };
        self.deleted.push_back((id.to_owned(), file.etag));
        if self.deleted.len() > MAX_DELETED {
            self.deleted.pop_front();
        }
        self.keep_as_started(file);
    }

    fn put_upload_session(&mut self, session: &UploadSession) {
        /// A client that never ends its sessions must not fill the memory.
        const MAX_SESSIONS: usize = 1000;
        let is_new = !self.upload_sessions.contains_key(&session.id);
        if is_new && self.upload_sessions.len() >= MAX_SESSIONS {
            let oldest = self.upload_sessions.values().min_by_key(|it| it.expires_at);
            if let Some(id) = oldest.map(|session| session.id.clone()) {
                self.upload_sessions.remove(&id);
            }
        }
        self.upload_sessions
            .insert(session.id.clone(), session.clone());
    }

    fn put_token(&mut self, token: &Secret, grant: &Grant) {
        /// Bounds the memory where a client asks for a token before each call.
        const MAX_GRANTED: usize = 10_000;
        self.tokens.insert(token.clone(), Arc::new(grant.clone()));
        self.granted.push_back(token.clone());
        if self.granted.len() > MAX_GRANTED
            && let Some(oldest) = self.granted.pop_front()
        {
            self.tokens.remove(&oldest);
        }
    }

    fn apply_write(&mut self, write: &Write) {
        let record = &write.record;
        self.next_seq = record.seq + 1;
        if record.op == WriteOp::Reset {
            self.reset();
            return;
        }
        let Some(instance) = &write.instance else {
            self.remove_instance(record);
            return;
        };
        if let Some(standing) = self.instance_mut(record) {
            *standing = instance.clone();
            return;
        }
        let of_file = self.instances.entry(record.file_id.clone()).or_default();
        let of_scope = of_file.entry(record.scope.clone()).or_default();
        of_scope.insert(record.template.clone(), instance.clone());
    }

    fn instance_mut(&mut self, at: &WriteRecord) -> Option<&mut StoredInstance> {
        let of_file = self.instances.get_mut(&at.file_id)?;
        of_file.get_mut(&at.scope)?.get_mut(&at.template)
    }

    fn remove_instance(&mut self, at: &WriteRecord) {
        let of_file = self.instances.get_mut(&at.file_id);
        if let Some(of_scope) = of_file.and_then(|scopes| scopes.get_mut(&at.scope)) {
            of_scope.remove(&at.template);
        }
    }

    /// Restores the initial state: files and events of fixtures and served folders stay, the rest is
    /// removed.
    fn reset(&mut self) {
        self.instances.clear();
        self.expired.clear();
        self.files.retain(|_, file| file.lasting);
        self.files.extend(self.started.drain());
        self.deleted.clear();
        self.folders.retain(|_, folder| folder.lasting);
        self.folders.extend(self.started_folders.drain());
        self.granted.clear();
        self.spent.clear();
        self.upload_sessions.clear();
        self.events.retain(|_, event| event.lasting);
        let events = &self.events;
        self.tokens.retain(|_, grant| {
            grant
                .event_id
                .as_ref()
                .is_some_and(|id| events.contains_key(&**id))
        });
    }
}
