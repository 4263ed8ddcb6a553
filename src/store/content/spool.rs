//! Where contents are while the mock runs: files named by their SHA-1 in a private folder that
//! goes away with it, so that the same content is kept once however often it is used.

use std::{
    fs::{self, File},
    io::{self, Read, Write},
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use sha1::{Digest, Sha1};
use tempfile::NamedTempFile;

use crate::{domain::hex, env::folder::PrivateFolder, mock_box::Spooled};

/// The folder, created with the first content: most mocks have none.
#[derive(Debug, Default)]
pub struct Spool {
    folder: Mutex<Option<Arc<PrivateFolder>>>,
}

/// Content on its way in.
#[derive(Debug)]
pub struct SpoolWriter {
    file: NamedTempFile,
    hash: Sha1,
    size: u64,
    folder: Arc<PrivateFolder>,
}

impl Spool {
    /// Starts to write content.
    ///
    /// # Errors
    /// Where the disk refuses.
    pub fn writer(&self) -> io::Result<SpoolWriter> {
        let folder = self.made()?;
        Ok(SpoolWriter {
            file: NamedTempFile::new_in(folder.path())?,
            hash: Sha1::new(),
            size: 0,
            folder,
        })
    }

    /// One content of several that were taken in before.
    ///
    /// # Errors
    /// Where the disk refuses.
    pub fn join(&self, parts: &[PathBuf]) -> io::Result<Spooled> {
        let mut writer = self.writer()?;
        let mut buffer = vec![0; 256 * 1024];
        for part in parts {
            let mut part = File::open(part)?;
            loop {
                match part.read(&mut buffer)? {
                    0 => break,
                    read => writer.write(&buffer[..read])?,
                }
            }
        }
        writer.finish()
    }

    fn made(&self) -> io::Result<Arc<PrivateFolder>> {
        let mut folder = self.lock();
        if let Some(folder) = &*folder {
            return Ok(Arc::clone(folder));
        }
        let made = Arc::new(PrivateFolder::new("skillctl-contents-")?);
        *folder = Some(Arc::clone(&made));
        Ok(made)
    }

    fn lock(&self) -> MutexGuard<'_, Option<Arc<PrivateFolder>>> {
        self.folder.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Content that was taken in before.
    pub fn find(&self, sha1: &str) -> Option<Spooled> {
        if sha1.len() != 40 || !sha1.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        let path = self.lock().as_ref()?.path().join(sha1);
        let size = fs::metadata(&path).ok()?.len();
        Some(Spooled {
            path,
            size,
            sha1: sha1.to_owned(),
        })
    }
}

impl SpoolWriter {
    /// Takes the next bytes.
    ///
    /// # Errors
    /// Where the disk refuses.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.hash.update(bytes);
        self.size += bytes.len() as u64;
        Ok(())
    }

    /// How many bytes it has taken.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Puts the content in its place.
    ///
    /// # Errors
    /// Where the disk refuses.
    pub fn finish(self) -> io::Result<Spooled> {
        let sha1 = hex::encode(&self.hash.finalize());
        let path = self.folder.path().join(&sha1);
        let _: File = self.file.persist(&path)?;
        Ok(Spooled {
            path,
            size: self.size,
            sha1,
        })
    }
}
