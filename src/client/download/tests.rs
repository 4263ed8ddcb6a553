//! Downloads against a scripted source, without a socket: whatever happens, they end with the
//! right bytes, or with an error and no file.

use std::{
    cell::RefCell,
    collections::VecDeque,
    fs,
    os::unix::fs::FileExt,
    path::Path,
    rc::Rc,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::Method;
use proptest::prelude::*;
use sha1::{Digest, Sha1};
use tokio::sync::Notify;
use url::Url;

use super::*;
use crate::{
    client::{BoxError, ErrorKind, retry::Policy},
    domain::hex,
};

/// What happens to one request.
#[derive(Clone, Debug, PartialEq)]
enum Fate {
    /// Nothing.
    Fine,
    /// The connection breaks after this many bytes.
    Reset(usize),
    /// The body ends well, but early.
    Truncated(usize),
    /// Box has no time.
    Busy,
    /// The range is not heeded.
    WholeAnyway,
    /// A part is sent, but another one.
    OtherPart,
    /// The range is refused.
    NoSuchRange,
    /// A byte is damaged on the way.
    Damaged(usize),
    /// The file has a new version from this request on.
    NewVersion,
    /// The process is killed after this many bytes.
    Killed(usize),
    /// The user interrupts after this many bytes.
    Interrupted(usize),
    /// The partial file is tampered with once this run is over.
    Tampered(Tampering),
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Tampering {
    Flip(u64),
    Cut(u64),
    Grow,
}

/// What the token may read of the file, and what the download is labelled with.
#[derive(Clone, Copy, Debug)]
struct Labels {
    info: bool,
    etag: bool,
}

struct Script {
    versions: Vec<Vec<u8>>,
    current: usize,
    fates: VecDeque<Fate>,
    labels: Labels,
    stopped: Rc<Notify>,
    /// Whether the process was stopped in a way that lets it tidy up.
    orderly: bool,
    requests: Vec<Option<u64>>,
    tampering: Option<Tampering>,
}

struct Scripted(RefCell<Script>);

struct ScriptedBody {
    rest: VecDeque<Bytes>,
    end: End,
    stopped: Rc<Notify>,
}

#[derive(Clone, Copy)]
enum End {
    Well,
    Reset,
    Stopped,
}

fn box_error(kind: ErrorKind) -> BoxError {
    let url = Url::parse("http://127.0.0.1:1/2.0/files/1/content").expect("a URL");
    BoxError::new(&Method::GET, &url, kind)
}

fn broken() -> BoxError {
    let reason = "reset".to_owned();
    box_error(ErrorKind::Broken { reason })
}

fn sha1_of(bytes: &[u8]) -> String {
    hex::encode(&Sha1::digest(bytes))
}

impl Body for ScriptedBody {
    async fn chunk(&mut self) -> Result<Option<Bytes>, BoxError> {
        if let Some(chunk) = self.rest.pop_front() {
            return Ok(Some(chunk));
        }
        match self.end {
            End::Well => Ok(None),
            End::Reset => Err(broken()),
            End::Stopped => {
                self.stopped.notify_one();
                std::future::pending().await
            }
        }
    }
}

impl Scripted {
    fn new(versions: Vec<Vec<u8>>, labels: Labels, fates: Vec<Fate>) -> Self {
        Self(RefCell::new(Script {
            versions,
            current: 0,
            fates: fates.into(),
            labels,
            stopped: Rc::default(),
            orderly: true,
            requests: Vec::new(),
            tampering: None,
        }))
    }

    fn current(&self) -> Vec<u8> {
        let script = self.0.borrow();
        script.versions[script.current].clone()
    }
}

impl Source for Scripted {
    type Body = ScriptedBody;

    async fn identity(&self) -> Result<Identity, BoxError> {
        let script = self.0.borrow();
        let bytes = &script.versions[script.current];
        let known = script.labels.info;
        Ok(Identity {
            file_id: "1".to_owned(),
            version: known.then(|| script.current.to_string()),
            etag: known.then(|| script.current.to_string()),
            size: known.then_some(bytes.len() as u64),
            sha1: known.then(|| sha1_of(bytes)),
            representation: None,
        })
    }

    async fn open(&self, range: Option<&Range>) -> Result<(Head, ScriptedBody), BoxError> {
        let mut script = self.0.borrow_mut();
        script.requests.push(range.map(|range| range.from));
        let fate = script.fates.pop_front().unwrap_or(Fate::Fine);
        if fate == Fate::NewVersion {
            script.current = (script.current + 1).min(script.versions.len() - 1);
        }
        script.answer(range, &fate)
    }
}

impl Script {
    fn answer(
        &mut self,
        range: Option<&Range>,
        fate: &Fate,
    ) -> Result<(Head, ScriptedBody), BoxError> {
        let whole = self.versions[self.current].clone();
        let etag = self.labels.etag.then(|| format!("\"{}\"", sha1_of(&whole)));
        let from = range
            .filter(|range| range.if_range.is_none() || range.if_range == etag)
            .map(|range| usize::try_from(range.from).expect("it is small"))
            .filter(|_| *fate != Fate::WholeAnyway);
        let refused = from.is_some_and(|from| from >= whole.len());
        let mut head = Head {
            status: 200,
            etag,
            ..Head::default()
        };
        let mut bytes = whole.clone();
        if let Some(from) = from {
            head.status = if refused || *fate == Fate::NoSuchRange {
                416
            } else {
                206
            };
            let named = if *fate == Fate::OtherPart {
                from + 1
            } else {
                from
            };
            head.range = Some(ContentRange {
                from: (head.status == 206).then_some(named as u64),
                total: Some(whole.len() as u64),
            });
            bytes.drain(..named.min(whole.len()));
        }
        head.length = Some(bytes.len() as u64);
        let mut end = End::Well;
        match *fate {
            Fate::Busy => return Err(broken()),
            Fate::Reset(after) => {
                bytes.truncate(after);
                end = End::Reset;
            }
            Fate::Truncated(after) => bytes.truncate(after),
            Fate::Killed(after) | Fate::Interrupted(after) => {
                bytes.truncate(after);
                end = End::Stopped;
                self.orderly = matches!(fate, Fate::Interrupted(_));
            }
            Fate::Damaged(at) if at < bytes.len() => bytes[at] ^= 1,
            Fate::Tampered(tampering) => {
                bytes.truncate(bytes.len() / 2);
                end = End::Stopped;
                self.orderly = true;
                self.tampering = Some(tampering);
            }
            _ => {}
        }
        let rest = bytes.chunks(7).map(Bytes::copy_from_slice).collect();
        let stopped = Rc::clone(&self.stopped);
        Ok((head, ScriptedBody { rest, end, stopped }))
    }
}

fn backoff(retries: u32) -> Backoff {
    Backoff {
        policy: Policy {
            retries,
            base: Duration::ZERO,
            cap: Duration::ZERO,
            patience: Duration::ZERO,
        },
        ..Backoff::default()
    }
}

/// Opens the partial file as soon as the threads of the earlier run have closed it.
fn open_part(destination: &Path) -> PartialFile {
    const TIMEOUT: Duration = Duration::from_secs(30);
    let began = Instant::now();
    loop {
        match PartialFile::open(destination) {
            Err(PartError::Busy(_)) if began.elapsed() < TIMEOUT => std::thread::yield_now(),
            other => return other.expect("a part"),
        }
    }
}

/// One run of the process; `None` when it was stopped on the way.
fn run_once(
    source: &Scripted,
    destination: &Path,
    retries: u32,
) -> Option<Result<Done, DownloadError>> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("a runtime");
    let part = open_part(destination);
    let part_path = part.path().to_owned();
    let force = false;
    let (backoff, nobody) = (backoff(retries), |_| {});
    let stopped = Rc::clone(&source.0.borrow().stopped);
    let result = runtime.block_on(async {
        let target = Target::File { part, force };
        let mut download = Download::new(source, &backoff, target, &nobody).expect("a download");
        let result = tokio::select! {
            biased;
            result = download.run() => Some(result),
            () = stopped.notified() => None,
        };
        let killed = result.is_none() && !source.0.borrow().orderly;
        if !matches!(result, Some(Ok(_))) && !killed {
            download.keep().await;
        }
        result
    });
    if let Some(tampering) = source.0.borrow_mut().tampering.take() {
        tamper(destination, &part_path, tampering);
    }
    result
}

fn tamper(destination: &Path, part: &Path, tampering: Tampering) {
    if !part.exists() {
        return;
    }
    let file = open_part(destination);
    let length = file.length().expect("a length");
    match tampering {
        Tampering::Flip(at) if at < length => {
            let mut byte = [0];
            file.file().read_exact_at(&mut byte, at).expect("a byte");
            file.file()
                .write_all_at(&[byte[0] ^ 1], at)
                .expect("written");
        }
        Tampering::Cut(at) => file.file().set_len(at.min(length)).expect("cut"),
        Tampering::Grow => file.file().write_all_at(&[7; 90], length).expect("grown"),
        Tampering::Flip(_) => {}
    }
}

fn fates(labels: Labels) -> BoxedStrategy<Vec<Fate>> {
    let near = || 0..70_usize;
    let mut possible = vec![
        Just(Fate::Fine).boxed(),
        near().prop_map(Fate::Reset).boxed(),
        near().prop_map(Fate::Truncated).boxed(),
        Just(Fate::Busy).boxed(),
        Just(Fate::WholeAnyway).boxed(),
        Just(Fate::OtherPart).boxed(),
        Just(Fate::NoSuchRange).boxed(),
        Just(Fate::NewVersion).boxed(),
        near().prop_map(Fate::Killed).boxed(),
        near().prop_map(Fate::Interrupted).boxed(),
    ];
    if labels.info {
        // Without Box's SHA-1 a wrong byte cannot be noticed.
        possible.push(near().prop_map(Fate::Damaged).boxed());
        possible.push(
            (0..70_u64)
                .prop_map(|at| Fate::Tampered(Tampering::Flip(at)))
                .boxed(),
        );
        possible.push(
            (0..70_u64)
                .prop_map(|at| Fate::Tampered(Tampering::Cut(at)))
                .boxed(),
        );
        possible.push(Just(Fate::Tampered(Tampering::Grow)).boxed());
    }
    prop::collection::vec(prop::strategy::Union::new(possible), 0..12).boxed()
}

fn stories() -> impl Strategy<Value = (Vec<Vec<u8>>, Labels, Vec<Fate>)> {
    let versions = prop::collection::vec(prop::collection::vec(any::<u8>(), 0..64), 1..4);
    let labels = (any::<bool>(), any::<bool>()).prop_map(|(info, etag)| Labels { info, etag });
    (versions, labels)
        .prop_flat_map(|(versions, labels)| (Just(versions), Just(labels), fates(labels)))
}

proptest! {
    #[test]
    fn whatever_happens_ends_with_the_right_bytes_or_an_error(
        (versions, labels, fates) in stories()
    ) {
        let folder = tempfile::tempdir().expect("a folder");
        let destination = folder.path().join("file");
        let source = Scripted::new(versions.clone(), labels, fates);
        let mut runs = 0;
        let done = loop {
            let left = source.0.borrow().fates.len();
            match run_once(&source, &destination, 2) {
                Some(Ok(done)) => break done,
                Some(Err(error)) => {
                    prop_assert!(left > 0, "nothing was wrong any more: {error}");
                }
                None => prop_assert!(left > 0, "nobody stopped it"),
            }
            prop_assert!(!destination.exists(), "half a file under the final name");
            runs += 1;
            prop_assert!(runs < 40, "it never ends");
        };
        let got = fs::read(&destination).expect("it is there");
        prop_assert!(versions.contains(&got), "bytes of no version: {got:?}");
        prop_assert_eq!(done.bytes, got.len() as u64);
        prop_assert_eq!(done.sha1, sha1_of(&got));
        prop_assert_eq!(done.verified, labels.info);
        let names = fs::read_dir(folder.path()).expect("a folder").count();
        prop_assert_eq!(names, 1, "something is left next to the file");
    }

    #[test]
    fn a_stream_gets_the_right_bytes_once_or_ends_with_an_error(
        (versions, labels, fates) in stories()
    ) {
        let stops = |fate: &Fate| matches!(
            fate,
            Fate::Killed(_) | Fate::Interrupted(_) | Fate::Tampered(_)
        );
        let fates = fates.into_iter().filter(|fate| !stops(fate)).collect();
        let source = Scripted::new(versions.clone(), labels, fates);
        let (result, got) = stream(&source);
        match result {
            Ok(_) => prop_assert!(versions.contains(&got), "bytes of no version: {got:?}"),
            Err(error) => prop_assert!(!error.to_string().is_empty()),
        }
    }
}

#[derive(Clone, Default)]
struct Sink(Arc<Mutex<Vec<u8>>>);

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no panic").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn stream(source: &Scripted) -> (Result<Done, DownloadError>, Vec<u8>) {
    let sink = Sink::default();
    let (backoff, nobody) = (backoff(2), |_| {});
    let target = Target::Stream(Box::new(sink.clone()));
    let result = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("a runtime")
        .block_on(async {
            let mut download =
                Download::new(source, &backoff, target, &nobody).expect("a download");
            download.run().await
        });
    let got = sink.0.lock().expect("no panic").clone();
    (result, got)
}

const ALL: Labels = Labels {
    info: true,
    etag: true,
};

fn letters() -> Vec<u8> {
    (b'a'..=b'z').collect()
}

/// Runs until it ends by itself, and returns the ranges that were asked for.
fn ranges_of(labels: Labels, fates: Vec<Fate>) -> Vec<Option<u64>> {
    let folder = tempfile::tempdir().expect("a folder");
    let destination = folder.path().join("file");
    let source = Scripted::new(vec![letters()], labels, fates);
    while run_once(&source, &destination, 5).is_none() {}
    assert_eq!(
        fs::read(&destination).expect("it is there"),
        source.current()
    );
    source.0.borrow().requests.clone()
}

#[test]
fn a_download_resumes_after_a_reset() {
    assert_eq!(ranges_of(ALL, vec![Fate::Reset(10)]), [None, Some(10)]);
}

#[test]
fn the_next_run_resumes_an_interrupted_one() {
    assert_eq!(
        ranges_of(ALL, vec![Fate::Interrupted(10)]),
        [None, Some(10)]
    );
}

#[test]
fn nothing_is_resumed_without_sha1_and_etag() {
    let labels = Labels {
        info: false,
        etag: false,
    };
    assert_eq!(ranges_of(labels, vec![Fate::Reset(10)]), [None, None]);
    assert_eq!(ranges_of(labels, vec![Fate::Interrupted(10)]), [None, None]);
}

#[test]
fn without_a_sha1_an_interrupted_run_is_resumed_by_its_etag() {
    let labels = Labels {
        info: false,
        etag: true,
    };
    assert_eq!(
        ranges_of(labels, vec![Fate::Interrupted(10)]),
        [None, Some(10)]
    );
}

#[test]
fn a_damaged_download_in_one_piece_ends_with_both_hashes_and_leaves_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let destination = folder.path().join("file");
    let source = Scripted::new(vec![letters()], ALL, vec![Fate::Damaged(3)]);
    let result = run_once(&source, &destination, 5).expect("it was not stopped");
    let Err(DownloadError::WrongHash { expected, got }) = result else {
        panic!("the damage was not seen: {result:?}");
    };
    assert_eq!(expected, sha1_of(&letters()));
    assert_ne!(got, expected);
    assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 0);
}

#[test]
fn a_damaged_part_of_an_earlier_run_is_downloaded_again() {
    let tampered = Fate::Tampered(Tampering::Flip(2));
    assert_eq!(ranges_of(ALL, vec![tampered]), [None, Some(13), None]);
}

#[test]
fn retries_run_out() {
    let folder = tempfile::tempdir().expect("a folder");
    let destination = folder.path().join("file");
    let source = Scripted::new(vec![letters()], ALL, vec![Fate::Reset(1); 10]);
    let result = run_once(&source, &destination, 3).expect("it was not stopped");
    let Err(DownloadError::Box(error)) = result else {
        panic!("it should have given up: {result:?}");
    };
    assert_eq!(error.tries, 4);
    assert_eq!(source.0.borrow().requests.len(), 4);
}

#[test]
fn a_stream_whose_server_ignores_the_range_skips_what_it_has_had() {
    let fates = vec![Fate::Reset(10), Fate::WholeAnyway];
    let source = Scripted::new(vec![letters()], ALL, fates);
    let (result, got) = stream(&source);
    assert!(result.is_ok(), "{result:?}");
    assert_eq!(got, letters());
}

#[test]
fn a_stream_without_sha1_and_etag_is_not_resumed() {
    let labels = Labels {
        info: false,
        etag: false,
    };
    let versions = vec![letters(), b"other".repeat(9)];
    let fates = vec![Fate::Truncated(10), Fate::NewVersion];
    let (result, got) = stream(&Scripted::new(versions, labels, fates));
    assert!(
        matches!(result, Err(DownloadError::Changed(10))),
        "{result:?}"
    );
    assert_eq!(got, letters()[..10]);
}
