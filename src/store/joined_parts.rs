//! The parts of an upload session, joined to one content before the session is committed.

use std::{io, path::PathBuf, sync::Arc};

use super::core::Store;
use crate::mock_box::Spooled;

impl Store {
    /// The parts of an upload session as one content; `None` where the session does not exist or lacks a
    /// part.
    ///
    /// # Errors
    /// Where the disk refuses.
    pub async fn join_parts(self: &Arc<Self>, session: &str) -> io::Result<Option<Spooled>> {
        let parts: Option<Vec<PathBuf>> = self.read(|state| {
            let session = state.upload_session(session)?;
            let parts = session.parts.values().map(|part| part.path.clone());
            session.is_complete().then(|| parts.collect())
        });
        let Some(parts) = parts else {
            return Ok(None);
        };
        let store = Arc::clone(self);
        let joined = tokio::task::spawn_blocking(move || store.spool().join(&parts));
        joined.await.map_err(io::Error::other)?.map(Some)
    }
}
