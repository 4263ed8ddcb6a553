//! The threads that handle a download's bytes: one writes, one hashes, and one makes the system write
//! back early, so that the final sync is short. The queues between them are bounded, and so is the
//! memory.

use std::{
    fs::File,
    io::{self, Seek, SeekFrom, Write},
    os::unix::fs::FileExt,
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{Receiver, Sender, SyncSender, TrySendError, channel, sync_channel},
    },
    thread::{self, JoinHandle},
};

use bytes::Bytes;
use sha1::{Digest, Sha1};
use tokio::sync::{mpsc, oneshot};

use crate::domain::hex;

/// Chunks that may wait in a queue. A chunk has a few hundred kilobytes at most.
const QUEUE_CHUNKS: usize = 8;
/// Bytes that are written before a write-back is requested.
const WRITE_BACK_BYTES: u64 = 16 << 20;
/// Bytes of a partial file that are read at once.
const READ_BYTES: usize = 256 << 10;

/// Where the bytes end.
pub(crate) enum Output {
    /// A partial file.
    File(File),
    /// A stream: what was written cannot be changed.
    Stream(Box<dyn Write + Send>),
}

enum ToWriter {
    Bytes(Bytes),
    StartAt(u64, oneshot::Sender<()>),
    Sync(oneshot::Sender<()>),
}

enum ToHasher {
    Bytes(Bytes),
    Restart,
    Digest(oneshot::Sender<String>),
}

/// The first error of the output. It is kept because the system reports a failed write-back only
/// once.
type Failure = Arc<Mutex<Option<io::Error>>>;

/// The queues of the running threads.
pub(crate) struct Pipe {
    writer: mpsc::Sender<ToWriter>,
    hasher: mpsc::Sender<ToHasher>,
    failure: Failure,
    position: u64,
    buffers: Buffers,
}

/// Buffers for chunks, used again and again. A chunk is copied into one, so that the memory of the
/// HTTP client stays on its thread: an allocator is slow to reuse memory that another thread frees.
struct Buffers {
    returned: Receiver<Vec<u8>>,
    home: Sender<Vec<u8>>,
}

impl Buffers {
    fn new() -> Self {
        let (home, returned) = channel();
        Self { returned, home }
    }

    /// A copy of `bytes` in a buffer that comes back when all of its clones are dropped.
    fn copy(&self, bytes: &[u8]) -> Bytes {
        let mut buffer = self.returned.try_recv().unwrap_or_default();
        buffer.clear();
        buffer.extend_from_slice(bytes);
        Bytes::from_owner(Buffer {
            bytes: buffer,
            home: self.home.clone(),
        })
    }
}

struct Buffer {
    bytes: Vec<u8>,
    home: Sender<Vec<u8>>,
}

impl AsRef<[u8]> for Buffer {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        // The pipe may have ended.
        let _ = self.home.send(std::mem::take(&mut self.bytes));
    }
}

impl Pipe {
    /// Starts the threads. They end when the pipe is dropped and the queues are empty.
    pub(crate) fn new(output: Output) -> io::Result<Self> {
        let failure = Failure::default();
        let (writer, to_write) = mpsc::channel(QUEUE_CHUNKS);
        let (hasher, to_hash) = mpsc::channel(QUEUE_CHUNKS);
        let worker = Writer::new(output, Arc::clone(&failure))?;
        drop(spawn("writer", move || worker.run(to_write))?);
        drop(spawn("hasher", move || hash(to_hash))?);
        Ok(Self {
            writer,
            hasher,
            failure,
            position: 0,
            buffers: Buffers::new(),
        })
    }

    /// How many bytes have gone in.
    pub(crate) fn position(&self) -> u64 {
        self.position
    }

    /// Takes the next bytes.
    pub(crate) async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let length = bytes.len() as u64;
        let bytes = self.buffers.copy(bytes);
        let hashed = self.hasher.send(ToHasher::Bytes(bytes.clone())).await;
        if self.writer.send(ToWriter::Bytes(bytes)).await.is_err() || hashed.is_err() {
            return Err(self.why());
        }
        self.position += length;
        Ok(())
    }

    /// Forgets everything but the first `length` bytes of `file`, which is the output itself, and
    /// hashes those.
    pub(crate) async fn start_at(&mut self, length: u64, file: &File) -> io::Result<()> {
        self.position = 0;
        self.ask_writer(|done| ToWriter::StartAt(length, done))
            .await?;
        if self.hasher.send(ToHasher::Restart).await.is_err() {
            return Err(self.why());
        }
        let (file, hasher) = (file.try_clone()?, self.hasher.clone());
        tokio::task::spawn_blocking(move || feed(&file, length, &hasher))
            .await
            .map_err(io::Error::other)??;
        self.position = length;
        Ok(())
    }

    /// Waits until everything that went in is written, and on the disk where there is one.
    pub(crate) async fn sync(&self) -> io::Result<()> {
        self.ask_writer(ToWriter::Sync).await
    }

    /// The SHA-1 of everything that went in, in hexadecimal.
    pub(crate) async fn digest(&self) -> io::Result<String> {
        let (answer, digest) = oneshot::channel();
        if self.hasher.send(ToHasher::Digest(answer)).await.is_err() {
            return Err(self.why());
        }
        digest.await.map_err(|_| self.why())
    }

    async fn ask_writer(
        &self,
        ask: impl FnOnce(oneshot::Sender<()>) -> ToWriter,
    ) -> io::Result<()> {
        let (answer, done) = oneshot::channel();
        if self.writer.send(ask(answer)).await.is_err() {
            return Err(self.why());
        }
        done.await.map_err(|_| self.why())
    }

    /// Why the threads ended early.
    fn why(&self) -> io::Error {
        let mut failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        match failure.as_ref() {
            // The first caller gets the error itself, later ones a copy.
            Some(error) => {
                let copy = io::Error::new(error.kind(), error.to_string());
                failure
                    .replace(copy)
                    .unwrap_or_else(|| io::ErrorKind::Other.into())
            }
            None => io::Error::other("a thread of the download has ended"),
        }
    }
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<JoinHandle<()>> {
    thread::Builder::new().name(name.to_owned()).spawn(work)
}

fn fail(failure: &Failure, error: io::Error) {
    failure
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .get_or_insert(error);
}

/// The thread that writes.
struct Writer {
    output: Output,
    failure: Failure,
    /// The thread that requests write-backs, and its channel; `None` for a stream.
    write_back: Option<(SyncSender<()>, JoinHandle<()>)>,
    since_write_back: u64,
}

impl Writer {
    fn new(output: Output, failure: Failure) -> io::Result<Self> {
        let mut write_back = None;
        if let Output::File(file) = &output {
            let (ask, asked) = sync_channel(1);
            let (file, failure) = (file.try_clone()?, Arc::clone(&failure));
            let work = move || keep_writing_back(&file, &asked, &failure);
            write_back = Some((ask, spawn("write-back", work)?));
        }
        Ok(Self {
            output,
            failure,
            write_back,
            since_write_back: 0,
        })
    }

    fn run(mut self, mut messages: mpsc::Receiver<ToWriter>) {
        while let Some(message) = messages.blocking_recv() {
            let done = match message {
                ToWriter::Bytes(bytes) => self.write(&bytes),
                ToWriter::StartAt(length, done) => self.start_at(length).map(|()| {
                    // The requester may have been interrupted.
                    let _ = done.send(());
                }),
                ToWriter::Sync(done) => self.sync().map(|()| {
                    let _ = done.send(());
                }),
            };
            if let Err(error) = done {
                fail(&self.failure, error);
                return;
            }
        }
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match &mut self.output {
            Output::File(file) => file.write_all(bytes)?,
            Output::Stream(stream) => stream.write_all(bytes)?,
        }
        self.since_write_back += bytes.len() as u64;
        if self.since_write_back >= WRITE_BACK_BYTES
            && let Some((ask, _)) = &self.write_back
            && matches!(ask.try_send(()), Ok(()) | Err(TrySendError::Full(())))
        {
            self.since_write_back = 0;
        }
        Ok(())
    }

    fn start_at(&mut self, length: u64) -> io::Result<()> {
        if let Output::File(file) = &mut self.output {
            file.set_len(length)?;
            file.seek(SeekFrom::Start(length))?;
        }
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        if let Some((ask, thread)) = self.write_back.take() {
            drop(ask);
            // It ends when the channel is closed; its error is in `failure`.
            let _ = thread.join();
        }
        match &mut self.output {
            Output::File(file) => file.sync_all()?,
            Output::Stream(stream) => stream.flush()?,
        }
        let failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        match failure.as_ref() {
            Some(error) => Err(io::Error::new(error.kind(), error.to_string())),
            None => Ok(()),
        }
    }
}

/// Writes back to the disk while the download continues, so that the final sync has little to do.
fn keep_writing_back(file: &File, asked: &Receiver<()>, failure: &Failure) {
    while asked.recv().is_ok() {
        if let Err(error) = file.sync_data() {
            fail(failure, error);
            return;
        }
    }
}

fn hash(mut messages: mpsc::Receiver<ToHasher>) {
    let mut hasher = Sha1::new();
    while let Some(message) = messages.blocking_recv() {
        match message {
            ToHasher::Bytes(bytes) => hasher.update(&bytes),
            ToHasher::Restart => hasher = Sha1::new(),
            ToHasher::Digest(answer) => {
                // The requester may have been interrupted.
                let _ = answer.send(hex::encode(&hasher.clone().finalize()));
            }
        }
    }
}

/// Sends the first `length` bytes of a file to the hasher. The position of the file stays as it is.
fn feed(file: &File, length: u64, hasher: &mpsc::Sender<ToHasher>) -> io::Result<()> {
    let mut at = 0;
    while at < length {
        let left = usize::try_from(length - at).unwrap_or(usize::MAX);
        let mut buffer = vec![0; READ_BYTES.min(left)];
        file.read_exact_at(&mut buffer, at)?;
        at += buffer.len() as u64;
        if hasher
            .blocking_send(ToHasher::Bytes(buffer.into()))
            .is_err()
        {
            return Err(io::Error::other("the hasher has ended"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread()
            .build()
            .expect("a runtime")
            .block_on(future)
    }

    /// From RFC 3174's test vectors.
    const SHA1_OF_ABC: &str = "a9993e364706816aba3e25717850c26c9cd0d89d";

    #[test]
    fn bytes_are_written_and_hashed() {
        run(async {
            let file = tempfile::tempfile().expect("a file");
            let output = Output::File(file.try_clone().expect("a handle"));
            let mut pipe = Pipe::new(output).expect("a pipe");
            for chunk in ["a", "b", "c"] {
                pipe.write(chunk.as_bytes()).await.expect("it is taken");
            }
            pipe.sync().await.expect("it is written");
            assert_eq!(pipe.digest().await.expect("a digest"), SHA1_OF_ABC);
            let mut whole = [0; 3];
            file.read_exact_at(&mut whole, 0).expect("three bytes");
            assert_eq!(&whole, b"abc");
        });
    }

    #[test]
    fn starting_in_the_middle_hashes_what_stays_and_drops_the_rest() {
        run(async {
            let file = tempfile::tempfile().expect("a file");
            file.write_all_at(b"abXXXX", 0).expect("it is written");
            let output = Output::File(file.try_clone().expect("a handle"));
            let mut pipe = Pipe::new(output).expect("a pipe");
            pipe.start_at(2, &file).await.expect("it starts");
            assert_eq!(pipe.position(), 2);
            pipe.write(b"c").await.expect("it is taken");
            pipe.sync().await.expect("it is written");
            assert_eq!(pipe.digest().await.expect("a digest"), SHA1_OF_ABC);
            assert_eq!(file.metadata().expect("metadata").len(), 3);
        });
    }

    #[test]
    fn the_error_of_a_stream_is_reported_to_every_caller() {
        struct Full;
        impl Write for Full {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::StorageFull.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        run(async {
            let mut pipe = Pipe::new(Output::Stream(Box::new(Full))).expect("a pipe");
            let mut result = Ok(());
            while result.is_ok() {
                result = pipe.write(b"x").await;
            }
            let kind = result.map_err(|error| error.kind());
            assert_eq!(kind, Err(io::ErrorKind::StorageFull));
            let again = pipe.sync().await.map_err(|error| error.kind());
            assert_eq!(again, Err(io::ErrorKind::StorageFull));
        });
    }
}
