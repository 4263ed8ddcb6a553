//! Metadata as the state keeps it: instances in the text that is answered, and the writes that
//! bring them. How they come about is decided in [`super::instances`].

use std::{borrow::Cow, sync::Arc};

use bytes::Bytes;
use serde_json::value::RawValue;

use crate::domain::{call::WriteRecord, metadata::instance::InstanceHead};

/// A metadata instance as it is kept: its JSON, ready to be answered.
#[derive(Clone, Debug)]
pub struct StoredInstance {
    /// The whole instance, compact.
    pub json: Bytes,
    /// Its head, where this run has written it.
    head: Option<Arc<InstanceHead>>,
}

impl StoredInstance {
    /// An instance that is written now.
    pub fn new(head: InstanceHead, json: &RawValue) -> Self {
        Self {
            json: Bytes::copy_from_slice(json.get().as_bytes()),
            head: Some(Arc::new(head)),
        }
    }

    /// An instance that was recorded, by this run or an earlier one.
    pub fn recorded(json: &RawValue) -> Self {
        Self {
            json: Bytes::copy_from_slice(json.get().as_bytes()),
            head: None,
        }
    }

    /// Its head.
    ///
    /// # Errors
    /// Where what an earlier run has recorded is no instance.
    pub fn head(&self) -> Result<Cow<'_, InstanceHead>, serde_json::Error> {
        match &self.head {
            Some(head) => Ok(Cow::Borrowed(head)),
            None => InstanceHead::read(self.text()).map(Cow::Owned),
        }
    }

    /// Its JSON as text.
    pub fn text(&self) -> &str {
        // It came from a RawValue, which is text.
        std::str::from_utf8(&self.json).unwrap_or_default()
    }
}

/// A metadata write, or a reset: what is written down of it, and the instance that it leaves.
#[derive(Clone, Debug)]
pub struct Write {
    /// What is written down.
    pub record: Arc<WriteRecord>,
    /// What stands afterwards; nothing after a deletion.
    pub instance: Option<StoredInstance>,
}

impl Write {
    /// The write that a record tells of.
    pub fn recorded(record: WriteRecord) -> Self {
        Self {
            instance: record.instance.as_deref().map(StoredInstance::recorded),
            record: Arc::new(record),
        }
    }
}
