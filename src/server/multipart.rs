//! The body of an upload: multipart, parsed as it arrives and spooled to disk, so that no upload is
//! ever held in memory. What its parts mean is decided in `mock_box`.

use std::{
    error::Error as StdError,
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::{Context, Poll, ready},
};

use bytes::{Bytes, BytesMut};
use futures_util::Stream;
use hyper::body::Body;
use multer::{Field, Multipart};

use super::limit::{Limited, ReadError};
use crate::{
    mock_box::{Answer, Head, Spooled, Upload, errors},
    store::content::spool::Spool,
};

/// The most that a part other than the file may hold, in bytes: the attributes.
const MAX_ATTRIBUTES: usize = 64 * 1024;
/// Bytes that may arrive without the parser finding the end of a part's head in them.
const MAX_PART_HEAD: usize = 64 * 1024;
/// The longest boundary, in bytes; RFC 2046 allows 70.
const MAX_BOUNDARY: usize = 256;

/// Reads an upload of at most `limit` bytes.
///
/// # Errors
/// The answer: 413 for a body that is larger, 400 for one that is not multipart or ends early, 500
/// where the disk refuses.
pub async fn read<B>(head: &Head, body: B, limit: u64, spool: &Spool) -> Result<Upload, Answer>
where
    B: Body<Data = Bytes, Error: StdError + Send + Sync> + Send + Unpin + 'static,
{
    let boundary = head
        .header(http::header::CONTENT_TYPE)
        .and_then(|value| multer::parse_boundary(value).ok())
        .filter(|boundary| !boundary.is_empty() && boundary.len() <= MAX_BOUNDARY)
        .ok_or_else(|| malformed("an upload must be multipart/form-data with a boundary"))?;
    let progress = Arc::new(Progress::default());
    let chunks = Chunks {
        body: Limited::new(body, limit),
        frame: Bytes::new(),
        progress: Arc::clone(&progress),
    };
    let mut parts = Parts {
        multipart: Multipart::new(chunks, boundary),
        progress,
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
    progress: Arc<Progress>,
}

impl Parts {
    async fn next(&mut self) -> Result<Option<Field<'static>>, Answer> {
        self.progress.made();
        let next = self.multipart.next_field().await;
        next.map_err(|error| Self::refusal(&error))
    }

    async fn chunk(&self, field: &mut Field<'static>) -> Result<Option<Bytes>, Answer> {
        self.progress.made();
        let chunk = field.chunk().await;
        chunk.map_err(|error| Self::refusal(&error))
    }

    async fn collect(&self, mut field: Field<'static>) -> Result<Bytes, Answer> {
        let mut collected = BytesMut::new();
        while let Some(chunk) = self.chunk(&mut field).await? {
            if collected.len() + chunk.len() > MAX_ATTRIBUTES {
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

    fn refusal(error: &multer::Error) -> Answer {
        let multer::Error::StreamReadFailed(source) = error else {
            return malformed(&error.to_string());
        };
        match source.downcast_ref() {
            Some(ChunkError::Body(ReadError::TooLarge(limit))) => errors::too_large(*limit),
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
    #[error("The upload is malformed: a part has no end of its head")]
    EndlessHead,
    #[error(transparent)]
    Body(ReadError),
}

/// What the parser has done with the bytes it was given.
#[derive(Debug, Default)]
struct Progress {
    /// Bytes given since the parser last returned a part or a piece of one.
    unparsed: AtomicUsize,
    /// Whether the parser has to look at what it holds before it gets more.
    is_unseen: AtomicBool,
}

impl Progress {
    /// The parser returned something and may be called for the next one. It may find that in what it
    /// holds already: one frame can carry several parts.
    fn made(&self) {
        self.unparsed.store(0, Ordering::Relaxed);
        self.is_unseen.store(true, Ordering::Relaxed);
    }
}

/// The body in chunks. The parser takes every chunk it can get before it looks at any of them, so a
/// fast client would fill the memory: a chunk is given only after the parser has looked at the one
/// before and could do nothing with it. A frame of the body can hold far more than one part's head
/// may take, so it is cut: how much is unparsed must not depend on how the body arrived.
struct Chunks<B> {
    body: Limited<B>,
    /// What is left of the last frame.
    frame: Bytes,
    progress: Arc<Progress>,
}

impl<B> Chunks<B>
where
    B: Body<Data = Bytes, Error: StdError + Send + Sync + 'static> + Unpin,
{
    /// Waits until there is something in `frame`; false at the end of the body.
    fn poll_frame(&mut self, context: &mut Context<'_>) -> Poll<Result<bool, ChunkError>> {
        while self.frame.is_empty() {
            let frame = match ready!(Pin::new(&mut self.body).poll_frame(context)) {
                None => return Poll::Ready(Ok(false)),
                Some(Err(error)) => return Poll::Ready(Err(ChunkError::Body(error))),
                Some(Ok(frame)) => frame,
            };
            // Trailers contain nothing that is used.
            let Ok(data) = frame.into_data() else {
                continue;
            };
            self.frame = data;
        }
        Poll::Ready(Ok(true))
    }
}

impl<B> Stream for Chunks<B>
where
    B: Body<Data = Bytes, Error: StdError + Send + Sync + 'static> + Unpin,
{
    type Item = Result<Bytes, ChunkError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.progress.is_unseen.swap(false, Ordering::Relaxed) {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        if self.progress.unparsed.load(Ordering::Relaxed) > MAX_PART_HEAD {
            return Poll::Ready(Some(Err(ChunkError::EndlessHead)));
        }
        if !ready!(self.poll_frame(context))? {
            return Poll::Ready(None);
        }
        let length = self.frame.len().min(MAX_PART_HEAD);
        let chunk = self.frame.split_to(length);
        self.progress.unparsed.fetch_add(length, Ordering::Relaxed);
        self.progress.is_unseen.store(true, Ordering::Relaxed);
        Poll::Ready(Some(Ok(chunk)))
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue, Method, header::CONTENT_TYPE, uri::PathAndQuery};
    use http_body_util::{Full, StreamBody};
    use hyper::body::Frame;

    use super::*;

    const LIMIT: u64 = 1 << 30;

    fn head() -> Head {
        let content_type = HeaderValue::from_static("multipart/form-data; boundary=B");
        Head {
            method: Method::POST,
            origin: "http://127.0.0.1:7269".into(),
            target: PathAndQuery::from_static("/api/2.0/files/content"),
            headers: HeaderMap::from_iter([(CONTENT_TYPE, content_type)]),
        }
    }

    fn part(head: &str, data: &[u8]) -> Vec<u8> {
        let head = format!("--B\r\nContent-Disposition: form-data; {head}\r\n\r\n");
        [head.as_bytes(), data, b"\r\n"].concat()
    }

    fn upload_of(size: usize) -> Vec<u8> {
        let attributes = part("name=\"attributes\"", b"{\"name\":\"a\"}");
        let file = part("name=\"file\"; filename=\"f\"", &vec![b'x'; size]);
        [attributes, file, b"--B--\r\n".to_vec()].concat()
    }

    async fn size_of_upload<B>(body: B) -> Result<u64, Answer>
    where
        B: Body<Data = Bytes, Error: StdError + Send + Sync> + Send + Unpin + 'static,
    {
        let upload = read(&head(), body, LIMIT, &Spool::default()).await?;
        Ok(upload.file.map_or(0, |file| file.size))
    }

    #[tokio::test]
    async fn an_upload_that_arrives_in_one_frame_is_read() {
        for size in [0, 1, MAX_PART_HEAD, 300_000, 3_000_000] {
            let body = Full::new(Bytes::from(upload_of(size)));
            let read = size_of_upload(body)
                .await
                .expect("the upload is well formed");
            assert_eq!(read, size as u64);
        }
    }

    #[tokio::test]
    async fn an_upload_is_read_however_it_is_cut_into_frames() {
        let bytes = Bytes::from(upload_of(200_000));
        for length in [7, 70, 1_000, 65_536, 65_537, 199_999, 200_100] {
            let frames: Vec<Result<_, io::Error>> = bytes
                .chunks(length)
                .map(|frame| Ok(Frame::data(bytes.slice_ref(frame))))
                .collect();
            let body = StreamBody::new(futures_util::stream::iter(frames));
            let read = size_of_upload(body)
                .await
                .expect("the upload is well formed");
            assert_eq!(read, 200_000, "in frames of {length} bytes");
        }
    }

    #[tokio::test]
    async fn a_part_whose_head_never_ends_is_refused() {
        let endless = Bytes::from(vec![b'a'; 4_096]);
        let first = Bytes::from_static(b"--B\r\nContent-Disposition: form-data; name=\"");
        let frames = std::iter::once(first).chain(std::iter::repeat_n(endless, 1_000_000));
        let body = frames.map(|frame| Ok::<_, io::Error>(Frame::data(frame)));
        let body = StreamBody::new(futures_util::stream::iter(body));
        assert!(size_of_upload(body).await.is_err());
    }
}
