//! A download that ends with the right bytes under the final name, or with a clear error and without
//! the file. It resumes where it was interrupted, in this run and in the next: `resume` holds the
//! rules, `partial_file` the file, `pipe` the threads, `box_source` the calls to Box.

mod box_source;
mod error;
pub mod fetch;
mod partial_file;
mod pipe;
pub mod plan;
mod resume;
mod source;
#[cfg(test)]
mod tests;

use std::{
    fmt,
    io::{self, Write},
};

pub use self::{
    box_source::{BoxSource, FileSelection},
    error::DownloadError,
    partial_file::{PartError, PartialFile},
    resume::{ContentRange, Head, Identity},
    source::{Body, Source},
};
use self::{
    error::cannot_write,
    pipe::{Output, Pipe},
    resume::{ResumeNote, Step, judge, may_resume, resume_position},
};
use super::{backoff::Backoff, box_api::Range, retry::Tries};

/// Where the bytes go.
pub enum Target {
    /// A file, by way of a partial file next to it.
    File {
        /// The partial file.
        part: PartialFile,
        /// Whether an existing destination is replaced.
        force: bool,
    },
    /// A stream, as they come.
    Stream(Box<dyn Write + Send>),
}

/// Progress of a download.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// The download resumes after this many bytes of an earlier run.
    Resumed(u64),
    /// The length of the whole became known.
    Total(u64),
    /// So many bytes have arrived.
    Position(u64),
    /// The bytes so far were discarded.
    StartedOver,
    /// All bytes have arrived; they are being written to disk and verified.
    Finishing,
}

/// A download that ended well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Done {
    /// How many bytes the whole has.
    pub bytes: u64,
    /// Their SHA-1 in hexadecimal.
    pub sha1: String,
    /// Whether Box's own SHA-1 was there to compare with.
    pub verified: bool,
}

/// An attempt that did not download everything.
struct FailedAttempt {
    error: DownloadError,
    /// Whether the bytes here are useless, and Box must be asked again what is wanted.
    start_over: bool,
}

impl<E: Into<DownloadError>> From<E> for FailedAttempt {
    fn from(error: E) -> Self {
        Self {
            error: error.into(),
            start_over: false,
        }
    }
}

/// One download, of as many tries as it takes.
pub struct Download<'a, S> {
    source: &'a S,
    backoff: &'a Backoff,
    on_event: &'a dyn Fn(Event),
    part: Option<(PartialFile, bool)>,
    pipe: Pipe,
    wanted: Identity,
    /// The strong ETag that the bytes here were served with.
    etag: Option<String>,
    /// Whether the bytes here came in one piece.
    seamless: bool,
    /// Whether the bytes in the partial file are known to be of `wanted`.
    ours: bool,
    total: Option<u64>,
}

impl<S> fmt::Debug for Download<'_, S> {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.debug_struct("Download")
            .field("wanted", &self.wanted)
            .field("position", &self.pipe.position())
            .finish_non_exhaustive()
    }
}

impl<'a, S: Source> Download<'a, S> {
    /// A download to `target`. Nothing is sent yet.
    pub fn new(
        source: &'a S,
        backoff: &'a Backoff,
        target: Target,
        on_event: &'a dyn Fn(Event),
    ) -> Result<Self, DownloadError> {
        let (output, part) = match target {
            Target::Stream(stream) => (Output::Stream(stream), None),
            Target::File { part, force } => {
                let file = part.file().try_clone();
                let file = file.map_err(|error| cannot_write(&part, error))?;
                (Output::File(file), Some((part, force)))
            }
        };
        let pipe = Pipe::new(output).map_err(DownloadError::Stream)?;
        Ok(Self {
            source,
            backoff,
            on_event,
            part,
            pipe,
            wanted: Identity::default(),
            etag: None,
            seamless: true,
            ours: false,
            total: None,
        })
    }

    /// Runs to the end. After an error, or if it is dropped before the end, call
    /// [`Download::keep`].
    pub async fn run(&mut self) -> Result<Done, DownloadError> {
        let done = self.run_whole().await;
        if done.is_err() && self.part.is_none() {
            // What was accepted for a stream is written in any case, since its length is reported. The
            // error of a closed stream is known already.
            let _ = self.pipe.sync().await;
        }
        done
    }

    async fn run_whole(&mut self) -> Result<Done, DownloadError> {
        self.wanted = self.source.identity().await?;
        self.resume().await?;
        let mut tries = Tries::default();
        let done = loop {
            let failed = match self.attempt().await {
                Ok(done) => break done,
                Err(failed) => failed,
            };
            let streamed = self.part.is_none() && self.pipe.position() > 0;
            if failed.start_over && streamed {
                return Err(failed.error);
            }
            let ending = failed.error.ending();
            tries = self
                .backoff
                .pause(tries, failed.error, ending)
                .await
                .map_err(|(error, tries)| error.with_tries(tries))?;
            if failed.start_over {
                self.start_over().await?;
            }
        };
        if let Some((part, force)) = &self.part {
            part.commit(*force)?;
        }
        Ok(done)
    }

    /// Keeps the received bytes for the next run, and returns their number. If there are none, no
    /// file remains.
    pub async fn keep(&mut self) -> Option<u64> {
        let (part, _) = self.part.as_ref()?;
        let synced = self.pipe.sync().await.is_ok();
        let here = part.length().unwrap_or(0);
        if here == 0 {
            part.discard();
        }
        if here == 0 || !self.ours {
            return None;
        }
        if synced {
            // Without the note the next run starts over, which is harmless.
            let _ = part.write_note(&self.note(here));
        }
        resume_position(&self.wanted, part.note().as_ref(), here)
    }

    fn note(&self, synced: u64) -> ResumeNote {
        ResumeNote {
            identity: self.wanted.clone(),
            etag: self.etag.clone(),
            synced,
        }
    }

    /// Resumes what an earlier run left, where it is of the same file.
    async fn resume(&mut self) -> Result<(), DownloadError> {
        let Some((part, _)) = &self.part else {
            return Ok(());
        };
        let note = part.note();
        match resume_position(&self.wanted, note.as_ref(), part.length()?) {
            Some(length) => {
                (self.on_event)(Event::Resumed(length));
                self.etag = note.and_then(|note| note.etag);
                self.seamless = false;
                self.rewind(length).await?;
                self.ours = true;
                Ok(())
            }
            None => self.rewind(0).await,
        }
    }

    /// Drops everything but the first `length` bytes.
    async fn rewind(&mut self, length: u64) -> Result<(), DownloadError> {
        if let Some((part, _)) = &self.part {
            let done = self.pipe.start_at(length, part.file()).await;
            done.map_err(|error| cannot_write(part, error))?;
            if length == 0 {
                self.etag = None;
                self.seamless = true;
                part.write_note(&self.note(0))?;
                self.ours = true;
            }
        }
        Ok(())
    }

    /// Drops everything and asks Box for the file as it is now.
    async fn start_over(&mut self) -> Result<(), DownloadError> {
        (self.on_event)(Event::StartedOver);
        self.ours = false;
        self.wanted = self.source.identity().await?;
        self.total = None;
        self.rewind(0).await
    }

    async fn attempt(&mut self) -> Result<Done, FailedAttempt> {
        let here = self.pipe.position();
        let all_here = here > 0 && self.wanted.size == Some(here);
        if !all_here {
            self.fetch(here).await?;
        }
        (self.on_event)(Event::Finishing);
        self.verify().await
    }

    /// One request, and its bytes to the end.
    async fn fetch(&mut self, here: u64) -> Result<(), FailedAttempt> {
        if here > 0 && !may_resume(&self.wanted, self.etag.as_deref()) {
            if self.part.is_none() {
                return Err(DownloadError::Changed(here).into());
            }
            self.rewind(0).await?;
        }
        let here = self.pipe.position();
        let range = (here > 0).then(|| Range {
            from: here,
            if_range: self.etag.clone(),
        });
        let (head, body) = self.source.open(range.as_ref()).await?;
        match judge(&self.wanted, here, self.etag.as_deref(), &head) {
            Step::Complete => Ok(()),
            Step::Append { total } => {
                self.seamless &= here == 0;
                self.copy(body, total, 0).await
            }
            Step::StartOver { total } => self.start_with(&head, body, total).await,
            Step::Restart(why) => Err(FailedAttempt {
                error: match self.part {
                    Some(_) => DownloadError::Odd(why),
                    None => DownloadError::Changed(here),
                },
                start_over: true,
            }),
            Step::WrongLength { expected, got } => Err(FailedAttempt {
                error: DownloadError::WrongLength { expected, got },
                start_over: true,
            }),
            Step::Page => Err(DownloadError::Page.into()),
            Step::Nonsense(why) => Err(DownloadError::Odd(why).into()),
        }
    }

    /// Reads an answer with the whole file. A stream has received the first part already: it is
    /// skipped, if a change of it would be noticed.
    async fn start_with(
        &mut self,
        head: &Head,
        body: S::Body,
        total: Option<u64>,
    ) -> Result<(), FailedAttempt> {
        let here = self.pipe.position();
        let Some((part, _)) = &self.part else {
            let same = self.etag.is_some() && self.etag == head.etag;
            if here > 0 && self.wanted.sha1.is_none() && !same {
                return Err(DownloadError::Changed(here).into());
            }
            self.etag.clone_from(&head.etag);
            return self.copy(body, total, here).await;
        };
        if here > 0 {
            let done = self.pipe.start_at(0, part.file()).await;
            done.map_err(|error| cannot_write(part, error))?;
            (self.on_event)(Event::StartedOver);
        }
        self.etag.clone_from(&head.etag);
        self.seamless = true;
        part.write_note(&self.note(0))?;
        self.copy(body, total, 0).await
    }

    /// Copies a body to its end, except for the first `skip` bytes.
    async fn copy(
        &mut self,
        mut body: S::Body,
        total: Option<u64>,
        mut skip: u64,
    ) -> Result<(), FailedAttempt> {
        if let Some(total) = total {
            self.total = Some(total);
            (self.on_event)(Event::Total(total));
        }
        while let Some(mut chunk) = body.chunk().await? {
            let skipped = skip.min(chunk.len() as u64);
            skip -= skipped;
            // `skipped` is at most a length in memory.
            drop(chunk.split_to(usize::try_from(skipped).unwrap_or(chunk.len())));
            let after = self.pipe.position() + chunk.len() as u64;
            if let Some(expected) = total.filter(|total| after > *total) {
                return Err(FailedAttempt {
                    error: DownloadError::WrongLength {
                        expected,
                        got: after,
                    },
                    start_over: true,
                });
            }
            let written = self.pipe.write(&chunk).await;
            written.map_err(|error| self.output_error(error))?;
            (self.on_event)(Event::Position(after));
        }
        let got = self.pipe.position();
        match total {
            Some(expected) if expected != got || skip > 0 => {
                Err(DownloadError::WrongLength { expected, got }.into())
            }
            _ => Ok(()),
        }
    }

    /// Compares the result with what Box says of the file. If it was downloaded in several parts, or the
    /// file has changed since, the download starts over.
    async fn verify(&mut self) -> Result<Done, FailedAttempt> {
        let synced = self.pipe.sync().await;
        synced.map_err(|error| self.output_error(error))?;
        let digest = self.pipe.digest().await;
        let got = digest.map_err(|error| self.output_error(error))?;
        let bytes = self.pipe.position();
        let is_right = |wanted: &Identity| {
            let same = |sha1: &String| sha1.eq_ignore_ascii_case(&got);
            wanted.sha1.as_ref().is_none_or(same) && wanted.size.is_none_or(|size| size == bytes)
        };
        if !is_right(&self.wanted) {
            let now = self.source.identity().await?;
            let changed = now != self.wanted;
            let right = now.sha1.is_some() && is_right(&now);
            let expected = now.sha1.clone().unwrap_or_default();
            self.wanted = now;
            self.ours = right;
            if !right {
                return Err(self.wrong_hash(expected, got, changed));
            }
        }
        Ok(Done {
            bytes,
            sha1: got,
            verified: self.wanted.sha1.is_some(),
        })
    }

    fn wrong_hash(&mut self, expected: String, got: String, changed: bool) -> FailedAttempt {
        if self.part.is_some() && (changed || !self.seamless) {
            return FailedAttempt {
                error: DownloadError::Odd("its bytes are damaged, or of two versions"),
                start_over: true,
            };
        }
        if let Some((part, _)) = self.part.take() {
            part.discard();
        }
        DownloadError::WrongHash { expected, got }.into()
    }

    fn output_error(&self, error: io::Error) -> DownloadError {
        match &self.part {
            Some((part, _)) => cannot_write(part, error),
            None => DownloadError::Stream(error),
        }
    }
}
