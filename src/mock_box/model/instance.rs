//! Metadata as the state keeps it: where an instance is, the instance with its JSON, and the writes
//! that create, change and delete instances.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use smol_str::{SmolStr, format_smolstr};

use super::user;
use crate::domain::{
    call::WriteRecord,
    metadata::instance::{Instance, SKILLS_SCOPE, SKILLS_TEMPLATE},
};

/// Where an instance is: file, scope, template.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct InstancePath {
    /// The id of the file.
    pub file_id: SmolStr,
    /// `global` or `enterprise_<id>`.
    pub scope: SmolStr,
    /// The key of the template.
    pub template: SmolStr,
}

impl InstancePath {
    /// The path of an instance; the scope `enterprise` means the user's own enterprise.
    pub fn new(file_id: &str, scope: &str, template: &str) -> Self {
        let scope = match scope {
            "enterprise" => format_smolstr!("enterprise_{}", user::ENTERPRISE_ID),
            other => other.into(),
        };
        Self {
            file_id: file_id.into(),
            scope,
            template: template.into(),
        }
    }

    /// The path of the Skills cards of a file.
    pub fn for_cards(file_id: SmolStr) -> Self {
        Self {
            file_id,
            scope: SmolStr::new_static(SKILLS_SCOPE),
            template: SmolStr::new_static(SKILLS_TEMPLATE),
        }
    }

    /// Whether it is the path of Skills cards.
    pub fn is_skills_cards(&self) -> bool {
        self.scope == SKILLS_SCOPE && self.template == SKILLS_TEMPLATE
    }
}

/// A metadata instance in the state.
#[derive(Clone, Debug)]
pub struct StoredInstance {
    /// The instance.
    pub instance: Instance,
    /// Its JSON, once it was asked for and where it is small.
    json: OnceLock<Bytes>,
}

impl StoredInstance {
    /// An instance that this run or an earlier one wrote.
    pub fn new(instance: Instance) -> Self {
        Self {
            instance,
            json: OnceLock::new(),
        }
    }

    /// The whole instance as compact JSON, ready to be answered.
    pub fn json(&self) -> Bytes {
        /// Larger JSON is not cached: sending it takes longer than serialising it.
        const MAX_CACHED_BYTES: usize = 16 * 1024;
        let made = || Bytes::from(self.instance.to_json());
        if self.instance.weight() > MAX_CACHED_BYTES {
            made()
        } else {
            self.json.get_or_init(made).clone()
        }
    }
}

/// A metadata write or a reset: its line of the journal, and the instance that it leaves.
#[derive(Clone, Debug)]
pub struct Write {
    /// The line of the journal.
    pub record: Arc<WriteRecord>,
    /// The instance after the write; `None` after a deletion.
    pub instance: Option<StoredInstance>,
}

impl Write {
    /// The write that a record describes.
    pub fn recorded(record: WriteRecord) -> Self {
        Self {
            instance: record.instance.clone().map(StoredInstance::new),
            record: Arc::new(record),
        }
    }
}
