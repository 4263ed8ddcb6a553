//! The side of Box in a run: content is put, events are registered in batches, what is over is
//! retired, and a verdict waits until the stream has told everything.

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
use tokio::{sync::Mutex, task::JoinHandle};
use uuid::Uuid;

use super::{
    batch::Batcher,
    engine::RunError,
    mock::{Mock, MockError, Registration, ToRegister},
    plan::Case,
    watch::Watch,
};
use crate::domain::{
    event::{Event, edit::Edit, wire},
    hex,
    json::tree::{Tape, Tree},
    outcome::Names,
};

/// Events that one call registers.
const REGISTERED_AT_ONCE: usize = 64;
/// Bytes of events that one call registers.
const BYTES_AT_ONCE: f64 = 4.0 * 1024.0 * 1024.0;

/// Box, as a run sees it.
#[derive(Debug)]
pub(super) struct BoxSide {
    mock: Arc<Mock>,
    pub(super) watch: Arc<Watch>,
    registrar: Batcher<Item, Result<Box<RawValue>, MockError>>,
    how: Registration,
    barrier: Batcher<(), Result<u64, MockError>>,
    contents: Mutex<Contents>,
    follower: JoinHandle<Result<(), MockError>>,
}

/// An event that is registered, as it is to be sent.
#[derive(Debug)]
pub(super) struct Registered {
    pub(super) body: Bytes,
    /// By its id the mock speaks of it.
    pub(super) names: Arc<Names>,
}

/// An event to be registered, with the name of its content.
#[derive(Debug)]
struct Item {
    case: Arc<Case>,
    content: Option<String>,
    /// An id for an event that has none: by it the mock says what happens. It is not sent.
    lent_id: Option<String>,
}

impl Item {
    fn to_register(&self) -> ToRegister<'_> {
        let event = &self.case.captured.event;
        let content = self.content.as_deref();
        match &self.lent_id {
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

fn lend_id() -> String {
    format!("{}_0", Uuid::new_v4())
}

/// Content that was put, by path and by what it is: equal files are put once.
#[derive(Debug, Default)]
struct Contents {
    by_path: HashMap<PathBuf, String>,
    by_sha1: HashMap<String, String>,
}

impl BoxSide {
    /// Begins to follow `mock`.
    ///
    /// # Errors
    /// Where it does not answer.
    pub(super) async fn new(mock: Mock, how: Registration) -> Result<Self, MockError> {
        let mock = Arc::new(mock);
        let start = mock.health().await?.next;
        let stream = mock.stream(start).await?;
        let watch = Arc::new(Watch::new(start));
        let follower = tokio::spawn({
            let (watch, url) = (Arc::clone(&watch), mock.url().clone());
            async move {
                watch
                    .follow(stream, || MockError::Gap { url: url.clone() })
                    .await
            }
        });
        let registrar = Batcher::new(REGISTERED_AT_ONCE, weight, {
            let mock = Arc::clone(&mock);
            move |items| register(Arc::clone(&mock), items, how)
        });
        let barrier = Batcher::new(REGISTERED_AT_ONCE, |()| 0.0, {
            let mock = Arc::clone(&mock);
            move |asked: Vec<()>| {
                let mock = Arc::clone(&mock);
                async move {
                    let newest = mock.health().await.map(|health| health.next);
                    vec![newest; asked.len()]
                }
            }
        });
        Ok(Self {
            mock,
            watch,
            registrar,
            how,
            barrier,
            contents: Mutex::default(),
            follower,
        })
    }

    /// Registers the event of a case, and gives it as it is to be sent.
    ///
    /// # Errors
    /// Where the mock or the content beside the fixture fails.
    pub(super) async fn register(
        &self,
        case: &Arc<Case>,
        edits: &[Edit],
    ) -> Result<Registered, RunError> {
        let content = match &case.content {
            Some(path) => Some(self.put(path).await?),
            None => None,
        };
        let recorded = &case.captured.event;
        let item = Item {
            case: Arc::clone(case),
            lent_id: recorded.invocation().id().is_empty().then(lend_id),
            content,
        };
        let lends = item.lent_id.is_some();
        let answer = self.registrar.ask(item).await;
        let text = answer.unwrap_or_else(|| Err(self.refused("it is gone")))?;
        let refused = |error: serde_json::Error| self.refused(&error.to_string());
        let tape = Tape::read(text.get().as_bytes()).map_err(refused)?;
        let given = tape.tree();
        let id = |member: Option<Tree<'_>>| member.and_then(Tree::as_id).unwrap_or_default();
        let event_id = id(given.get("id"));
        let file_id = id(given.get("source").and_then(|it| it.get("id")));
        if event_id.is_empty() || file_id.is_empty() {
            return Err(self.refused("what it registered is no event").into());
        }
        let is_as_given = edits.is_empty() && !lends && !self.how.keep;
        Ok(Registered {
            names: Arc::new(Names {
                path: Arc::clone(&case.names.path),
                event_id: event_id.into(),
                file_id: file_id.into(),
            }),
            body: if is_as_given {
                wire::encode(&given).into()
            } else {
                finished(&text, recorded, edits, lends).map_err(refused)?
            },
        })
    }

    /// Puts the content at `path`, unless it or its equal was put before; gives its name.
    async fn put(&self, path: &Path) -> Result<String, RunError> {
        let failed = |source| RunError::Content {
            path: path.to_owned(),
            source,
        };
        // Held over the call: whoever wants the same content waits for it.
        let mut contents = self.contents.lock().await;
        if let Some(name) = contents.by_path.get(path) {
            return Ok(name.clone());
        }
        let sha1 = tokio::task::spawn_blocking({
            let path = path.to_owned();
            move || sha1_of(&path)
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

    /// Returns when the stream has told everything that has happened until now.
    ///
    /// # Errors
    /// Where the mock does not answer, or its stream has ended.
    pub(super) async fn hear_out(&self) -> Result<(), MockError> {
        let answer = self.barrier.ask(()).await;
        let newest = answer.unwrap_or_else(|| Err(self.refused("it is gone")))?;
        if self.watch.caught_up(newest).await {
            return Ok(());
        }
        Err(MockError::Unreachable {
            url: self.mock.url().clone(),
            reason: "its stream of what happens ended".to_owned(),
        })
    }

    /// An event is judged; those that are over for good leave the mock.
    ///
    /// # Errors
    /// Where the mock does not answer.
    pub(super) async fn judged(&self, event_id: &str) -> Result<(), MockError> {
        let forgotten = self.watch.judged(event_id.to_owned());
        if forgotten.is_empty() {
            return Ok(());
        }
        self.mock.retire(&forgotten).await
    }

    /// Ends the following; what fails the run as a whole.
    ///
    /// # Errors
    /// Where the stream lost a part.
    pub(super) async fn end(self) -> Result<Vec<String>, MockError> {
        // What was told until now is heard; a mock that is gone has nothing more to tell.
        let _ = self.hear_out().await;
        self.follower.abort();
        match self.follower.await {
            Ok(Err(gap)) => Err(gap),
            _ if self.watch.lost_a_part() => Err(MockError::Gap {
                url: self.mock.url().clone(),
            }),
            _ => Ok(self.watch.strays()),
        }
    }

    fn refused(&self, reason: &str) -> MockError {
        MockError::NoMock {
            url: self.mock.url().clone(),
            reason: reason.to_owned(),
        }
    }
}

#[allow(clippy::cast_precision_loss, reason = "a share of megabytes")]
fn weight(item: &Item) -> f64 {
    item.case.captured.event.body().len() as f64 / BYTES_AT_ONCE
}

/// The bytes of an event that is not sent just as the mock gave it.
fn finished(
    given: &RawValue,
    recorded: &Event,
    edits: &[Edit],
    lends: bool,
) -> Result<Bytes, serde_json::Error> {
    let mut event: Value = serde_json::from_str(given.get())?;
    for edit in edits {
        edit.apply_again(&mut event);
    }
    if lends && let Some(members) = event.as_object_mut() {
        members.shift_remove("id");
    }
    Ok(if event == Value::from(recorded.invocation().tree()) {
        // As recorded, to the byte.
        recorded.body().clone()
    } else {
        wire::encode(&event).into()
    })
}

async fn register(
    mock: Arc<Mock>,
    items: Vec<Item>,
    how: Registration,
) -> Vec<Result<Box<RawValue>, MockError>> {
    let events: Vec<_> = items.iter().map(Item::to_register).collect();
    match mock.register(&events, how).await {
        Ok(registered) if registered.len() == items.len() => {
            registered.into_iter().map(Ok).collect()
        }
        Ok(registered) => {
            let reason = format!("it registered {} of {}", registered.len(), items.len());
            let url = mock.url().clone();
            vec![Err(MockError::NoMock { url, reason }); items.len()]
        }
        Err(error) => vec![Err(error); items.len()],
    }
}

fn sha1_of(path: &Path) -> io::Result<String> {
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
