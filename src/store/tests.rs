use std::{
    collections::{HashMap, HashSet},
    fs,
    panic::AssertUnwindSafe,
    path::Path,
    pin::pin,
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use futures_util::{FutureExt, future::join_all};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header, uri::PathAndQuery};
use serde_json::{Value, json};
use tokio::{
    runtime::{Builder, Handle},
    sync::broadcast,
};

use std::sync::Arc;

use super::{Options, Store};
use crate::{
    domain::{
        event::invocation::Invocation, json::tree::Tape, notice::Notice, secret::Secret,
        token::TokenKind,
    },
    env::{Clock, wall_clock},
    mock_box::{Body, Head, Request, model::content::placeholder, register::Registering},
};

/// A mock that records to `path`, and the files and write tokens of so many events.
fn start(path: &Path, events: usize) -> (Arc<Store>, Vec<(String, Secret)>) {
    start_at(path, events, wall_clock())
}

/// The same with a clock of its own.
fn start_at(path: &Path, events: usize, clock: Clock) -> (Arc<Store>, Vec<(String, Secret)>) {
    let options = Options {
        record: Some(path),
        ..Options::default()
    };
    let (store, _) = Store::start(options, clock).expect("a mock");
    let event = |nth: usize| {
        json!({
            "source": {"id": (100 + nth).to_string(), "name": "a.txt"},
            "token": {"read": {"access_token": ""}, "write": {"access_token": ""}}
        })
    };
    let events: Vec<Value> = (0..events).map(event).collect();
    let read = |event| Invocation::read(Tape::from_value(event)).expect("an event");
    let events = events.iter().map(|it| (read(it), Registering::default()));
    let registered = store.register(events.collect());
    let token = |event: &Invocation<'_>| {
        let token = event.token(TokenKind::Write).expect("a token");
        (event.file_id(), token.access_token)
    };
    let files = registered.iter().map(token).collect();
    (store, files)
}

async fn write(store: &Arc<Store>, file: &(String, Secret)) -> StatusCode {
    write_cards(store, file, "[]").await
}

async fn write_cards(
    store: &Arc<Store>,
    (file_id, token): &(String, Secret),
    cards: &str,
) -> StatusCode {
    let target = "/2.0/skill_invocations/1";
    let body = format!(
        r#"{{"status":"processing","metadata":{{"cards":{cards}}},"file":{{"id":"{file_id}"}}}}"#
    );
    ask(store, Method::PUT, target, token, body).await
}

async fn ask(
    store: &Arc<Store>,
    method: Method,
    target: &str,
    token: &Secret,
    body: String,
) -> StatusCode {
    let bearer = format!("Bearer {}", token.expose());
    let bearer = HeaderValue::try_from(bearer).expect("a header");
    let head = Head {
        origin: "https://api.box.com".into(),
        method,
        target: PathAndQuery::try_from(target).expect("a target"),
        headers: HeaderMap::from_iter([(header::AUTHORIZATION, bearer)]),
    };
    let call = store.open(&head);
    let body = Body::Memory(body.into());
    let request = Box::new(Request { head, body });
    let (_, answer) = store.execute(call, request).await;
    answer.status
}

fn kinds(notices: &[Notice]) -> Vec<&'static str> {
    notices.iter().map(Notice::kind).collect()
}

fn numbers(path: &Path) -> Vec<u64> {
    let text = fs::read_to_string(path).expect("it reads");
    let number = |line| serde_json::from_str::<Value>(line).expect("JSON")["seq"].as_u64();
    text.lines()
        .map(|line| number(line).expect("a number"))
        .collect()
}

#[tokio::test]
async fn writes_that_come_at_once_are_written_together_and_each_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("writes.jsonl");
    let (store, files) = start(&path, 40);
    let mut all = pin!(join_all(files.iter().map(|file| write(&store, file))));
    assert!(all.as_mut().now_or_never().is_none());
    assert_eq!(numbers(&path), [0; 0], "all of them wait for the one end");
    let answers = all.await;
    assert!(answers.iter().all(|status| *status == StatusCode::OK));
    assert_eq!(numbers(&path), (1..=40).collect::<Vec<_>>());
    assert_eq!((store.writes(), store.last_write()), (40, 40));
}

#[tokio::test]
async fn of_two_writes_to_one_file_the_second_is_decided_after_the_first() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("writes.jsonl");
    let (store, files) = start(&path, 1);
    let both = [write(&store, &files[0]), write(&store, &files[0])];
    assert_eq!(join_all(both).await, [StatusCode::OK; 2]);
    assert_eq!(numbers(&path), [1, 2]);
    let last = fs::read_to_string(&path).expect("it reads");
    let last = last.lines().last().expect("a line");
    assert!(last.contains(r#""$version":1,"#), "{last}");
}

#[tokio::test]
async fn a_reader_sees_only_what_is_recorded() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("writes.jsonl");
    let (store, files) = start(&path, 1);
    let instances = || store.read(|state| state.instance_paths(&files[0].0).count());
    let mut first = pin!(write(&store, &files[0]));
    assert!(first.as_mut().now_or_never().is_none());
    assert_eq!((instances(), store.last_write()), (0, 0));
    assert_eq!(first.await, StatusCode::OK);
    assert_eq!((instances(), store.last_write()), (1, 1));
}

#[tokio::test]
async fn a_batch_that_cannot_be_appended_fails_each_write_and_changes_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("writes.jsonl");
    let (store, files) = start(&path, 3);
    let mut all = pin!(join_all(files.iter().map(|file| write(&store, file))));
    assert!(all.as_mut().now_or_never().is_none());
    let away = folder.path().join("away.jsonl");
    fs::rename(&path, &away).expect("it moves");
    assert_eq!(all.await, [StatusCode::INTERNAL_SERVER_ERROR; 3]);
    let (told, _) = store.subscribe_after(0).read(100);
    let each = ["open", "open", "open", "call", "call", "call"];
    assert_eq!(kinds(&told), each);
    let stand = store.read(|state| state.instance_paths(&files[0].0).count());
    assert_eq!((stand, store.writes(), store.last_write()), (0, 0, 0));

    fs::rename(&away, &path).expect("it moves");
    assert_eq!(write(&store, &files[1]).await, StatusCode::OK);
    assert_eq!(numbers(&path), [1]);
}

#[tokio::test]
async fn a_decision_that_panics_ends_its_own_call_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("writes.jsonl");
    let is_broken = Arc::new(AtomicBool::new(false));
    let breaks = Arc::clone(&is_broken);
    let clock = move || {
        assert!(!breaks.swap(false, Ordering::Relaxed), "the clock breaks");
        wall_clock()()
    };
    let (store, files) = start_at(&path, 2, Arc::new(clock));
    let mut first = pin!(AssertUnwindSafe(write(&store, &files[0])).catch_unwind());
    assert!(first.as_mut().now_or_never().is_none());
    let mut second = pin!(write(&store, &files[1]));
    assert!(second.as_mut().now_or_never().is_none());
    is_broken.store(true, Ordering::Relaxed);
    assert_eq!(second.await, StatusCode::OK);
    assert!(first.await.is_err(), "it has no answer");
    assert_eq!(numbers(&path), [1]);
    assert_eq!(write(&store, &files[0]).await, StatusCode::OK);
}

#[tokio::test]
async fn a_client_that_leaves_has_its_write_recorded_and_takes_nobody_else_with_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("writes.jsonl");
    let (store, files) = start(&path, 2);
    let mut first = Box::pin(write(&store, &files[0]));
    assert!(first.as_mut().now_or_never().is_none());
    let mut second = pin!(write(&store, &files[1]));
    assert!(second.as_mut().now_or_never().is_none());
    drop(first);
    assert_eq!(store.newest_notice(), 0, "its call is still open");
    assert_eq!(second.await, StatusCode::OK);
    assert_eq!(numbers(&path), [1, 2]);
    let (published, _) = store.subscribe_after(0).read(100);
    let each = ["open", "open", "write", "write", "call", "call"];
    assert_eq!(kinds(&published), each, "its end comes after its write");
    let gone = &store.calls(0, 1)[0].1;
    let asked = &gone.to_json(1)["request"]["body"];
    assert!(asked.as_str().is_some_and(|body| body.contains("cards")));
}

#[tokio::test]
async fn calls_are_decided_in_the_order_in_which_they_were_submitted() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("writes.jsonl");
    let (store, files) = start(&path, 3);
    let of = |nth: usize| format!("/2.0/files/{}/metadata/global/boxSkillsCards", files[nth].0);
    let (first, third) = (of(0), of(2));
    let written = join_all([0, 1].map(|nth| write(&store, &files[nth])));
    // About one of the two, and about a third.
    let deleted = ask(&store, Method::DELETE, &first, &files[0].1, String::new());
    let body = r#"{"cards": []}"#.to_owned();
    let created = ask(&store, Method::POST, &third, &files[2].1, body);
    let (written, deleted, created) = tokio::join!(written, deleted, created);
    assert_eq!(written, [StatusCode::OK; 2]);
    assert_eq!(deleted, StatusCode::NO_CONTENT);
    assert_eq!(created, StatusCode::CREATED);
    store.reset().await.expect("it is recorded");
    assert_eq!(numbers(&path), [1, 2, 3, 4, 5]);
}

#[tokio::test]
async fn a_large_write_that_cannot_be_appended_fails_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("writes.jsonl");
    let (store, files) = start(&path, 3);
    let entry = json!({"text": "a".repeat(20_000), "appears": []});
    let card = json!([{
        "type": "skill_card", "skill_card_type": "keyword",
        "skill_card_title": {"message": "a"}, "entries": [entry],
        "skill": {"type": "service", "id": "1"},
        "invocation": {"type": "skill_invocation", "id": "1"}
    }]);
    let large = card.to_string();
    store.writer().limit_lines(10_000);
    let cards = ["[]", &large, "[]"];
    let writes = files.iter().zip(cards);
    let writes = writes.map(|(file, cards)| write_cards(&store, file, cards));
    let answers = join_all(writes).await;
    let failed = StatusCode::INTERNAL_SERVER_ERROR;
    assert_eq!(answers, [StatusCode::OK, failed, StatusCode::OK]);
    assert_eq!(numbers(&path), [1, 2], "no number is left out");
}

#[tokio::test]
async fn calls_that_wait_for_the_writer_are_open_meanwhile() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("writes.jsonl");
    let (store, files) = start(&path, 1);
    let writer = store.writer();
    let mut first = pin!(write(&store, &files[0]));
    assert!(first.as_mut().now_or_never().is_none());
    let (published, _) = store.subscribe_after(0).read(100);
    assert_eq!(kinds(&published), ["open"]);
    drop(writer);
    assert_eq!(first.await, StatusCode::OK);
}

#[test]
fn what_was_submitted_on_a_runtime_that_has_ended_is_recorded() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("writes.jsonl");
    let (store, files) = start(&path, 2);
    let runtime = Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(async {
        let mut first = Box::pin(write(&store, &files[0]));
        assert!(first.as_mut().now_or_never().is_none());
    });
    drop(runtime);
    assert_eq!(numbers(&path), [1]);
    let (published, _) = store.subscribe_after(0).read(100);
    assert_eq!(kinds(&published), ["open", "write", "call"]);
    assert_eq!(Arc::strong_count(&store), 1, "nothing holds it any more");
    let runtime = Builder::new_current_thread().build().expect("a runtime");
    let status = runtime.block_on(write(&store, &files[1]));
    assert_eq!(status, StatusCode::OK, "another runtime takes over");
}

/// A runtime on a thread of its own.
fn runtime(mut end: broadcast::Receiver<()>) -> Handle {
    let runtime = Builder::new_current_thread().build().expect("a runtime");
    let handle = runtime.handle().clone();
    // Nothing is ever sent: the sender goes with its test.
    thread::spawn(move || runtime.block_on(async { end.recv().await.is_ok() }));
    handle
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whatever_happens_at_once_is_recorded_in_the_order_in_which_it_is_decided() {
    const FILES: usize = 6;
    const TASKS: usize = 24;
    const EACH: usize = 60;
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("writes.jsonl");
    let (store, files) = start(&path, FILES);
    let mut reader = store.subscribe_after(0);
    let files = Arc::new(files);
    // As calls are served: some on a runtime of many threads, some each on one of its own.
    let (end, _) = broadcast::channel::<()>(1);
    let own = [(); 3].map(|()| runtime(end.subscribe()));
    let tasks = (0..TASKS).map(|task| {
        let (store, files) = (Arc::clone(&store), Arc::clone(&files));
        let runtime = own.get(task % (own.len() + 1));
        let runtime = runtime.map_or_else(Handle::current, Handle::clone);
        runtime.spawn(async move {
            let mut acknowledged = 0;
            for nth in 0..EACH {
                let file = &files[(task + nth) % FILES];
                match (task * 7 + nth) % 10 {
                    0 => {
                        let target =
                            format!("/2.0/files/{}/metadata/global/boxSkillsCards", file.0);
                        let status = ask(&store, Method::DELETE, &target, &file.1, String::new());
                        acknowledged += usize::from(status.await == StatusCode::NO_CONTENT);
                    }
                    // The client goes away, after it was heard or before.
                    1 => drop(Box::pin(write(&store, file)).now_or_never()),
                    2 => {
                        store.put_file("9", None, placeholder("a.txt"));
                        let listed = store.records(0).count() as u64;
                        assert!(store.writes() >= listed);
                    }
                    _ => {
                        assert_eq!(write(&store, file).await, StatusCode::OK);
                        acknowledged += 1;
                    }
                }
            }
            acknowledged
        })
    });
    let mut acknowledged = 0;
    for task in tasks.collect::<Vec<_>>() {
        acknowledged += task.await.expect("nobody panics");
    }
    let numbers = numbers(&path);
    assert!(numbers.len() >= acknowledged);
    assert!(numbers.iter().copied().eq(1..=numbers.len() as u64));
    let mut versions = HashMap::new();
    for record in store.records(0) {
        let record = record.expect("it reads");
        let Some(instance) = record.instance else {
            assert!(versions.remove(&record.file_id).is_some(), "it stood");
            continue;
        };
        let version = instance.head().expect("an instance").version;
        let before = versions.insert(record.file_id, version);
        assert_eq!(version, before.map_or(0, |before| before + 1));
    }
    let mut open = HashSet::new();
    for notice in reader.read(usize::MAX).0 {
        match notice {
            Notice::Opened(opening) => assert!(open.insert(opening.call)),
            Notice::Closed(call) => assert!(open.remove(&call.call), "it was told of"),
            Notice::Gap => panic!("the ring holds them all"),
            _ => {}
        }
    }
    assert_eq!(open, HashSet::new());
}
