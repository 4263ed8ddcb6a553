//! The body of an upload: multipart, taken apart as it comes in and spooled to disk, so that no
//! upload is ever held in memory. What its parts mean is decided by the state machine.

use std::{
    error::Error as StdError,
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, ready},
};

use bytes::{Bytes, BytesMut};
use futures_util::Stream;
use hyper::body::Body;
use multer::{Field, Multipart};

use crate::{
    host::spool::Spool,
    mock_box::{
        Answer, Head, errors,
        request::{Spooled, Upload},
    },
};

/// The most that a part may take beside the file: the attributes, in bytes.
const MOST_ATTRIBUTES: usize = 64 * 1024;
/// The most that is held while the head of a part is looked for, in bytes.
const MOST_HELD: usize = 64 * 1024;
/// The longest boundary, in bytes; RFC 2046 allows 70.
const LONGEST_BOUNDARY: usize = 256;

/// Takes an upload of at most `limit` bytes in.
///
/// # Errors
/// The answer: 413 for a body that is larger, 400 for one that is no multipart or breaks off, 500
/// where the disk refuses.
pub async fn read<B>(head: &Head, body: B, limit: u64, spool: &Spool) -> Result<Upload, Answer>
where
    B: Body<Data = Bytes, Error: StdError + Send + Sync> + Send + Unpin + 'static,
{
    let boundary = head
        .header(http::header::CONTENT_TYPE)
        .and_then(|value| multer::parse_boundary(value).ok())
        .filter(|boundary| !boundary.is_empty() && boundary.len() <= LONGEST_BOUNDARY)
        .ok_or_else(|| malformed("an upload must be multipart/form-data with a boundary"))?;
    let waiting = Arc::new(AtomicUsize::new(0));
    let chunks = Chunks {
        body,
        left: limit,
        held: Arc::clone(&waiting),
        is_due: false,
    };
    let mut parts = Parts {
        multipart: Multipart::new(chunks, boundary),
        held: waiting,
        limit,
    };
    let mut upload = Upload {
        attributes: None,
        attributes_late: false,
        file: None,
    };
    while let Some(field) = parts.next().await? {
        if field.name() == Some("attributes") {
            upload.attributes_late |= upload.file.is_some() && upload.attributes.is_none();
            upload.attributes = Some(parts.collect(field).await?);
        } else if upload.file.is_none() && is_file(&field) {
            upload.file = Some(parts.spool(field, spool).await?);
        } else {
            parts.drop(field).await?;
        }
    }
    Ok(upload)
}

/// Clients name the file's part as they like and leave out its file name; a plain text field has
/// neither a file name nor a type.
fn is_file(field: &Field<'_>) -> bool {
    field.file_name().is_some()
        || field.content_type().is_some()
        || matches!(field.name(), Some("file" | "content"))
}

/// The parts of a body, one after the other.
struct Parts {
    multipart: Multipart<'static>,
    held: Arc<AtomicUsize>,
    limit: u64,
}

impl Parts {
    async fn next(&mut self) -> Result<Option<Field<'static>>, Answer> {
        let next = self.multipart.next_field().await;
        next.map_err(|error| self.refusal(&error))
    }

    async fn chunk(&self, field: &mut Field<'static>) -> Result<Option<Bytes>, Answer> {
        let chunk = field.chunk().await;
        self.held.store(0, Ordering::Relaxed);
        chunk.map_err(|error| self.refusal(&error))
    }

    async fn collect(&self, mut field: Field<'static>) -> Result<Bytes, Answer> {
        let mut collected = BytesMut::new();
        while let Some(chunk) = self.chunk(&mut field).await? {
            if collected.len() + chunk.len() > MOST_ATTRIBUTES {
                return Err(malformed("the attributes are too large"));
            }
            collected.extend_from_slice(&chunk);
        }
        Ok(collected.freeze())
    }

    async fn spool(&self, mut field: Field<'static>, spool: &Spool) -> Result<Spooled, Answer> {
        let failed =
            |error: io::Error| errors::internal(format!("cannot keep the upload: {error}"));
        let mut writer = spool.writer().map_err(failed)?;
        while let Some(chunk) = self.chunk(&mut field).await? {
            writer.write(&chunk).map_err(failed)?;
        }
        writer.finish().map_err(failed)
    }

    async fn drop(&self, mut field: Field<'static>) -> Result<(), Answer> {
        while self.chunk(&mut field).await?.is_some() {}
        Ok(())
    }

    fn refusal(&self, error: &multer::Error) -> Answer {
        let multer::Error::StreamReadFailed(source) = error else {
            return malformed(&error.to_string());
        };
        match source.downcast_ref() {
            Some(ChunkError::TooLarge) => errors::too_large(self.limit),
            _ => errors::bad_request(source.to_string()),
        }
    }
}

fn malformed(reason: &str) -> Answer {
    errors::bad_request(format!("The upload is malformed: {reason}"))
}

/// Why there are no more chunks.
#[derive(Debug, thiserror::Error)]
enum ChunkError {
    #[error("the body is too large")]
    TooLarge,
    #[error("The upload is malformed: a part has no end of its head")]
    EndlessHead,
    #[error(transparent)]
    Body(Box<dyn StdError + Send + Sync>),
}

/// The body in chunks, one at a time: the parser takes all it can get before it looks at any of
/// it, so that without this a fast client would fill the memory.
struct Chunks<B> {
    body: B,
    left: u64,
    /// Bytes that were given and that no part has taken yet.
    held: Arc<AtomicUsize>,
    /// Whether a chunk was just given, and the parser is to look at it first.
    is_due: bool,
}

impl<B> Stream for Chunks<B>
where
    B: Body<Data = Bytes, Error: StdError + Send + Sync + 'static> + Unpin,
{
    type Item = Result<Bytes, ChunkError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if std::mem::take(&mut self.is_due) {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        if self.held.load(Ordering::Relaxed) > MOST_HELD {
            return Poll::Ready(Some(Err(ChunkError::EndlessHead)));
        }
        loop {
            let frame = match ready!(Pin::new(&mut self.body).poll_frame(context)) {
                None => return Poll::Ready(None),
                Some(Err(error)) => {
                    return Poll::Ready(Some(Err(ChunkError::Body(Box::new(error)))));
                }
                Some(Ok(frame)) => frame,
            };
            // Trailers say nothing that is wanted.
            let Ok(chunk) = frame.into_data() else {
                continue;
            };
            let Some(left) = self.left.checked_sub(chunk.len() as u64) else {
                return Poll::Ready(Some(Err(ChunkError::TooLarge)));
            };
            self.left = left;
            self.held.fetch_add(chunk.len(), Ordering::Relaxed);
            self.is_due = true;
            return Poll::Ready(Some(Ok(chunk)));
        }
    }
}
