//! Metadata as the state keeps it: instances with the text that is answered, and the writes that
//! bring them. How they come about is decided in [`super::instances`].

use std::sync::{Arc, OnceLock};

use bytes::Bytes;

use crate::domain::{call::WriteRecord, metadata::instance::Instance};

/// A metadata instance as it is kept.
#[derive(Clone, Debug)]
pub struct StoredInstance {
    /// The instance.
    pub instance: Instance,
    /// As it is answered, once somebody has asked for it and it is small.
    json: OnceLock<Bytes>,
}

impl StoredInstance {
    /// An instance that was written, by this run or an earlier one.
    pub fn new(instance: Instance) -> Self {
        Self {
            instance,
            json: OnceLock::new(),
        }
    }

    /// The whole instance as compact JSON, ready to be answered.
    pub fn json(&self) -> Bytes {
        /// What is larger takes long to send anyway, and is not held twice.
        const SMALL: usize = 16 * 1024;
        let made = || Bytes::from(self.instance.to_json());
        if self.instance.weight() > SMALL {
            made()
        } else {
            self.json.get_or_init(made).clone()
        }
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
            instance: record.instance.clone().map(StoredInstance::new),
            record: Arc::new(record),
        }
    }
}
