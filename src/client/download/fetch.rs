//! A fetch: opens the destination of a plan, downloads to it, and keeps what arrived when it ends
//! early.

use std::{
    fmt,
    fs::{File, OpenOptions},
    future::Future,
    io::{self, Write},
    path::{Path, PathBuf},
};

use super::{
    Done, Download, Event, Target,
    box_source::BoxSource,
    error::DownloadError,
    partial_file::PartialFile,
    plan::{Destination, DestinationError, FetchPlan, check_free, local_name},
};
use crate::client::box_api::BoxClient;

/// Where the bytes went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// The standard output.
    Stdout,
    /// This path.
    Path(PathBuf),
}

impl fmt::Display for Place {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stdout => to.write_str("stdout"),
            Self::Path(path) => write!(to, "{}", path.display()),
        }
    }
}

/// Progress of a fetch.
#[derive(Clone, Copy, Debug)]
pub enum FetchEvent<'a> {
    /// The destination is open.
    Opened(&'a Place),
    /// The download made progress.
    Download(Event),
}

/// A fetch that ended well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// What was downloaded.
    pub done: Done,
    /// Where to.
    pub place: Place,
}

/// Why a fetch ended early.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The user interrupted it.
    #[error("interrupted")]
    Interrupted,
    /// The reader of the stream has closed it.
    #[error("the reader has closed the stream")]
    Closed,
    /// The destination cannot be used.
    #[error(transparent)]
    Destination(#[from] DestinationError),
    /// The destination cannot be opened.
    #[error("cannot write to {place}: {error}")]
    Open {
        /// The destination.
        place: Place,
        /// The system's error.
        error: io::Error,
    },
    /// The download failed.
    #[error(transparent)]
    Download(#[from] DownloadError),
}

/// What an early end keeps for the next run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// How many bytes.
    pub bytes: u64,
    /// The partial file that holds them.
    pub path: PathBuf,
}

/// A fetch that ended early.
#[derive(Debug)]
pub struct FetchFailure {
    /// Why.
    pub error: FetchError,
    /// What is kept, if anything.
    pub kept: Option<Kept>,
}

impl From<FetchError> for Box<FetchFailure> {
    fn from(error: FetchError) -> Self {
        Self::new(FetchFailure { error, kept: None })
    }
}

/// Fetches what `plan` says. `stdout` opens the standard output, `interrupted` ends the fetch early.
///
/// # Errors
/// [`FetchFailure`]; a file at the destination is then as it was.
pub async fn fetch(
    client: &BoxClient,
    plan: &FetchPlan,
    stdout: impl FnOnce() -> io::Result<File>,
    on_event: &dyn Fn(FetchEvent<'_>),
    interrupted: impl Future<Output = ()>,
) -> Result<Fetched, Box<FetchFailure>> {
    tokio::pin!(interrupted);
    let source = BoxSource::new(client, plan.selection.clone());
    let (target, place) = tokio::select! {
        opened = open(plan, &source, stdout) => opened?,
        () = &mut interrupted => return Err(FetchError::Interrupted.into()),
    };
    on_event(FetchEvent::Opened(&place));
    let part = match &target {
        Target::File { part, .. } => Some(part.path().to_owned()),
        Target::Stream(_) => None,
    };
    let on_download = |event| on_event(FetchEvent::Download(event));
    let mut download = Download::new(&source, client.backoff(), target, &on_download)
        .map_err(FetchError::Download)?;
    let result = tokio::select! {
        result = download.run() => result.map_err(ended_early),
        () = &mut interrupted => Err(FetchError::Interrupted),
    };
    match result {
        Ok(done) => Ok(Fetched { done, place }),
        Err(error) => {
            let bytes = download.keep().await;
            let kept = bytes.zip(part).map(|(bytes, path)| Kept { bytes, path });
            Err(Box::new(FetchFailure { error, kept }))
        }
    }
}

fn ended_early(error: DownloadError) -> FetchError {
    match error {
        DownloadError::Stream(error) if error.kind() == io::ErrorKind::BrokenPipe => {
            FetchError::Closed
        }
        error => FetchError::Download(error),
    }
}

/// Opens the destination. Box is asked for the file's name only where it is needed and not known.
async fn open(
    plan: &FetchPlan,
    source: &BoxSource<'_>,
    stdout: impl FnOnce() -> io::Result<File>,
) -> Result<(Target, Place), FetchError> {
    let path = match &plan.destination {
        Destination::Stdout => return stream(stdout(), Place::Stdout),
        Destination::Special(path) => {
            let opened = OpenOptions::new().write(true).open(path);
            return stream(opened, Place::Path(path.clone()));
        }
        Destination::File(path) => path.clone(),
        Destination::Folder(folder) => {
            let path = path_in(folder, plan, source).await?;
            check_free(&path, plan.force)?;
            path
        }
    };
    let part = PartialFile::open(&path).map_err(DownloadError::Part)?;
    let force = plan.force;
    Ok((Target::File { part, force }, Place::Path(path)))
}

async fn path_in(
    folder: &Path,
    plan: &FetchPlan,
    source: &BoxSource<'_>,
) -> Result<PathBuf, FetchError> {
    let name = match &plan.file_name {
        Some(name) => Some(name.clone()),
        None => source.name().await.map_err(DownloadError::Box)?,
    };
    Ok(folder.join(local_name(&plan.selection, name.as_deref())))
}

fn stream(opened: io::Result<File>, place: Place) -> Result<(Target, Place), FetchError> {
    match opened {
        Ok(file) => Ok((
            Target::Stream(Box::new(file) as Box<dyn Write + Send>),
            place,
        )),
        Err(error) => Err(FetchError::Open { place, error }),
    }
}
