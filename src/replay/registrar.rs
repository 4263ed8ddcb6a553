//! Registers events with the mock before they are sent, in batches, and uploads their content. The
//! mock gives them their new ids, times and tokens.

use std::{
    borrow::Cow,
    collections::HashMap,
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
    sync::Arc,
};

use bytes::Bytes;
use serde_json::{Value, value::RawValue};
use sha1::{Digest, Sha1};
use tokio::sync::Mutex;
use uuid::Uuid;

use super::{
    coalescer::Coalescer,
    error::RunError,
    mock::{Mock, MockError, Registration, ToRegister},
    plan::Case,
};
use crate::domain::{
    event::{Event, edit::Edit, wire},
    hex,
    json::tree::{Tape, Tree},
    outcome::Names,
};

/// Events that one call registers.
const MAX_BATCH: usize = 64;
/// Bytes of events that one call registers.
const MAX_BATCH_BYTES: f64 = 4.0 * 1024.0 * 1024.0;

/// Registers events with one mock.
#[derive(Debug)]
pub(super) struct Registrar {
    mock: Arc<Mock>,
    registration: Registration,
    edits: Vec<Edit>,
    batches: Coalescer<Item, Result<Box<RawValue>, MockError>>,
    contents: Mutex<Contents>,
}

/// A registered event, as it is to be sent.
#[derive(Debug)]
pub(super) struct Registered {
    pub(super) body: Bytes,
    /// The ids by which the mock refers to it.
    pub(super) names: Arc<Names>,
}

/// An event to be registered, with the name of its content.
#[derive(Debug)]
struct Item {
    case: Arc<Case>,
    content: Option<String>,
    /// An id for an event that has none, so that the mock can refer to it. It is not sent.
    temporary_id: Option<String>,
}

impl Item {
    fn to_register(&self) -> ToRegister<'_> {
        let event = &self.case.captured.event;
        let content = self.content.as_deref();
        match &self.temporary_id {
            None => ToRegister {
                event: Cow::Borrowed(event.body()),
                content,
            },
            Some(id) => {
                let mut tape = event.invocation().tree().to_tape();
                tape.insert(Tape::TOP, "id", id.as_str());
                ToRegister {
                    event: Cow::Owned(wire::encode(&tape)),
                    content,
                }
            }
        }
    }
}

fn temporary_id() -> String {
    format!("{}_0", Uuid::new_v4())
}

/// Uploaded content by path and by SHA-1: equal files are uploaded once.
#[derive(Debug, Default)]
struct Contents {
    by_path: HashMap<PathBuf, String>,
    by_sha1: HashMap<String, String>,
}

impl Registrar {
    pub(super) fn new(mock: Arc<Mock>, registration: Registration, edits: Vec<Edit>) -> Self {
        let batches = Coalescer::new(MAX_BATCH, weight, {
            let mock = Arc::clone(&mock);
            move |items| register_batch(Arc::clone(&mock), items, registration)
        });
        Self {
            mock,
            registration,
            edits,
            batches,
            contents: Mutex::default(),
        }
    }

    /// Registers the event of a case, and returns it as it is to be sent.
    ///
    /// # Errors
    /// Where the mock fails, or the content file of the case cannot be read.
    pub(super) async fn register(&self, case: &Arc<Case>) -> Result<Registered, RunError> {
        let content = match &case.content {
            Some(path) => Some(self.put(path).await?),
            None => None,
        };
        let recorded = &case.captured.event;
        let item = Item {
            case: Arc::clone(case),
            temporary_id: recorded.invocation().id().is_empty().then(temporary_id),
            content,
        };
        let has_temporary_id = item.temporary_id.is_some();
        let answer = self.batches.ask(item).await;
        let text = answer.unwrap_or_else(|| Err(self.mock.unexpected("it has stopped")))?;
        let refused = |error: serde_json::Error| self.mock.unexpected(&error.to_string());
        let tape = Tape::read(text.get().as_bytes()).map_err(refused)?;
        let given = tape.tree();
        let id = |member: Option<Tree<'_>>| member.and_then(Tree::as_id).unwrap_or_default();
        let event_id = id(given.get("id"));
        let file_id = id(given.get("source").and_then(|it| it.get("id")));
        if event_id.is_empty() || file_id.is_empty() {
            return Err(self
                .mock
                .unexpected("what it registered is not an event")
                .into());
        }
        let is_as_given = self.edits.is_empty() && !has_temporary_id && !self.registration.keep;
        Ok(Registered {
            names: Arc::new(Names {
                path: Arc::clone(&case.names.path),
                event_id: event_id.into(),
                file_id: file_id.into(),
            }),
            body: if is_as_given {
                wire::encode(&given).into()
            } else {
                with_edits(&text, recorded, &self.edits, has_temporary_id).map_err(refused)?
            },
        })
    }

    /// Uploads the content at `path`, unless it or an equal file was uploaded before; returns its
    /// name.
    async fn put(&self, path: &Path) -> Result<String, RunError> {
        let failed = |source| RunError::Content {
            path: path.to_owned(),
            source,
        };
        // Held during the upload, so that equal content is uploaded once.
        let mut contents = self.contents.lock().await;
        if let Some(name) = contents.by_path.get(path) {
            return Ok(name.clone());
        }
        let sha1 = tokio::task::spawn_blocking({
            let path = path.to_owned();
            move || sha1_of_file(&path)
        });
        let sha1 = match sha1.await {
            Ok(sha1) => sha1.map_err(failed)?,
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        };
        let name = if let Some(name) = contents.by_sha1.get(&sha1) {
            name.clone()
        } else {
            let file = tokio::fs::File::open(path).await.map_err(failed)?;
            self.mock.put_content(file).await?
        };
        contents.by_sha1.insert(sha1, name.clone());
        contents.by_path.insert(path.to_owned(), name.clone());
        Ok(name)
    }
}

/// The share of a batch that an event takes.
#[allow(clippy::cast_precision_loss, reason = "a share of megabytes")]
fn weight(item: &Item) -> f64 {
    item.case.captured.event.body().len() as f64 / MAX_BATCH_BYTES
}

/// The bytes of an event that is not sent exactly as the mock returned it.
fn with_edits(
    given: &RawValue,
    recorded: &Event,
    edits: &[Edit],
    has_temporary_id: bool,
) -> Result<Bytes, serde_json::Error> {
    let mut event: Value = serde_json::from_str(given.get())?;
    for edit in edits {
        edit.apply_again(&mut event);
    }
    if has_temporary_id && let Some(members) = event.as_object_mut() {
        members.shift_remove("id");
    }
    Ok(if event == Value::from(recorded.invocation().tree()) {
        // As recorded, to the byte.
        recorded.body().clone()
    } else {
        wire::encode(&event).into()
    })
}

/// Registers a batch; one answer for each event.
async fn register_batch(
    mock: Arc<Mock>,
    items: Vec<Item>,
    registration: Registration,
) -> Vec<Result<Box<RawValue>, MockError>> {
    let events: Vec<_> = items.iter().map(Item::to_register).collect();
    match mock.register(&events, registration).await {
        Ok(registered) if registered.len() == items.len() => {
            registered.into_iter().map(Ok).collect()
        }
        Ok(registered) => {
            let reason = format!("it registered {} of {}", registered.len(), items.len());
            vec![Err(mock.unexpected(&reason)); items.len()]
        }
        Err(error) => vec![Err(error); items.len()],
    }
}

fn sha1_of_file(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let mut hasher = Sha1::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        match file.read(&mut buffer)? {
            0 => break,
            read => hasher.update(&buffer[..read]),
        }
    }
    Ok(hex::encode(&hasher.finalize()))
}
