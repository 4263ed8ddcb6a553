use std::{
    collections::{HashMap, HashSet},
    fs,
    panic::AssertUnwindSafe,
    path::Path,
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

use futures_util::{FutureExt, future::join_all};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header, uri::PathAndQuery};
use serde_json::{Value, json};
use tokio::runtime::Builder;

use super::{Options, Store, writer::Job};
use crate::{
    domain::{
        event::invocation::Invocation, json::tree::Tape, notice::Notice, secret::Secret,
        token::TokenKind,
    },
    env::{Clock, wall_clock},
    mock_box::{
        Body, Head, Request,
        model::content::placeholder,
        register::{Recorded, Registering},
    },
};

/// A mock that records to `path`, and the files and write tokens of this many events.
async fn start(path: &Path, events: usize) -> (Arc<Store>, Vec<(String, Secret)>) {
    start_at(path, events, wall_clock()).await
}

/// The same with a clock of its own.
async fn start_at(path: &Path, events: usize, clock: Clock) -> (Arc<Store>, Vec<(String, Secret)>) {
    let options = Options {
        record: Some(path),
        ..Options::default()
    };
    let (store, _) = Store::start(options, clock).expect("a mock");
    let event = |nth: usize| {
        let event = json!({
            "source": {"id": (100 + nth).to_string(), "name": "a.txt"},
            "token": {"read": {"access_token": ""}, "write": {"access_token": ""}}
        });
        let event = Invocation::read(Tape::from_value(&event)).expect("an event");
        (event.into_owned(), Registering::default())
    };
    let registered = store.register((0..events).map(event).collect()).await;
    let token = |event: &Invocation<'_>| {
        let token = event.token(TokenKind::Write).expect("a token");
        (event.file_id(), token.access_token)
    };
    let files = registered.iter().map(token).collect();
    (store, files)
}

/// Blocks the writer, as a disk that hangs does, until the sender is dropped.
fn hold(store: &Store) -> mpsc::Sender<()> {
    let (release, released) = mpsc::channel();
    store.writer.submit(Job::Change(Box::new(move |_| {
        // Nothing is ever sent.
        let _ = released.recv();
    })));
    release
}

/// Polls a call once: it is submitted, and waits for the writer.
fn submit(call: Pin<&mut impl Future>) {
    assert!(call.now_or_never().is_none(), "the writer is held up");
}

async fn write(store: &Store, file: &(String, Secret)) -> StatusCode {
    write_cards(store, file, "[]").await
}

async fn write_cards(
    store: &Store,
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
    store: &Store,
    method: Method,
    target: &str,
    token: &Secret,
    body: String,
) -> StatusCode {
    let head = head(method, target, token);
    let call = store.open(&head);
    let body = Body::Memory(body.into());
    let request = Box::new(Request { head, body });
    let (_, answer) = store.execute(call, request).await;
    answer.status
}

fn head(method: Method, target: &str, token: &Secret) -> Head {
    let bearer = format!("Bearer {}", token.expose());
    let bearer = HeaderValue::try_from(bearer).expect("a header");
    Head {
        origin: "https://api.box.com".into(),
        method,
        target: PathAndQuery::try_from(target).expect("a target"),
        headers: HeaderMap::from_iter([(header::AUTHORIZATION, bearer)]),
    }
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
async fn writes_that_wait_together_are_each_recorded_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("writes.jsonl");
    let (store, files) = start(&path, 40).await;
    let held = hold(&store);
    let mut all = pin!(join_all(files.iter().map(|file| write(&store, file))));
    submit(all.as_mut());
    assert_eq!(numbers(&path), [0; 0]);
    drop(held);
    let answers = all.await;
    assert!(answers.iter().all(|status| *status == StatusCode::OK));
    assert_eq!(numbers(&path), (1..=40).collect::<Vec<_>>());
    assert_eq!((store.writes(), store.last_write()), (40, 40));
}

#[tokio::test]
async fn second_write_to_a_file_is_decided_after_the_first() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("writes.jsonl");
    let (store, files) = start(&path, 1).await;
    let held = hold(&store);
    let both = [write(&store, &files[0]), write(&store, &files[0])];
    let mut both = pin!(join_all(both));
    submit(both.as_mut());
    drop(held);
    assert_eq!(both.await, [StatusCode::OK; 2]);
    assert_eq!(numbers(&path), [1, 2]);
    let last = fs::read_to_string(&path).expect("it reads");
    let last = last.lines().last().expect("a line");
    assert!(last.contains(r#""$version":1,"#), "{last}");
}

#[tokio::test]
async fn reads_do_not_wait_while_the_writer_does_and_see_only_what_is_recorded() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("writes.jsonl");
    let (store, files) = start(&path, 2).await;
    assert_eq!(write(&store, &files[0]).await, StatusCode::OK);
    let held = hold(&store);
    let mut second = pin!(write(&store, &files[1]));
    submit(second.as_mut());
    let instances = |nth: usize| store.read(|state| state.instance_paths(&files[nth].0).count());
    assert_eq!((instances(0), instances(1)), (1, 0));
    assert_eq!((store.writes(), store.last_write()), (1, 1));
    assert_eq!(store.records(0).count(), 1);
    let cards = format!("/2.0/files/{}/metadata/global/boxSkillsCards", files[0].0);
    let get = head(Method::GET, &cards, &files[0].1);
    let mut call = store.open(&get);
    let body = Body::None;
    let answer = store.answer_read(&mut call, &Request { head: get, body });
    assert_eq!(answer.status, StatusCode::OK);
    drop(held);
    assert_eq!(second.await, StatusCode::OK);
    assert_eq!((instances(1), store.last_write()), (1, 2));
}

#[tokio::test]
async fn a_batch_that_cannot_be_appended_fails_each_write_and_changes_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("writes.jsonl");
    let (store, files) = start(&path, 3).await;
    let held = hold(&store);
    let mut all = pin!(join_all(files.iter().map(|file| write(&store, file))));
    submit(all.as_mut());
    let away = folder.path().join("away.jsonl");
    fs::rename(&path, &away).expect("it moves");
    drop(held);
    assert_eq!(all.await, [StatusCode::INTERNAL_SERVER_ERROR; 3]);
    let (published, _) = store.subscribe_after(0).read(100);
    let each = ["open", "open", "open", "call", "call", "call"];
    assert_eq!(kinds(&published), each);
    let instances = store.read(|state| state.instance_paths(&files[0].0).count());
    assert_eq!((instances, store.writes(), store.last_write()), (0, 0, 0));

    fs::rename(&away, &path).expect("it moves");
    assert_eq!(write(&store, &files[1]).await, StatusCode::OK);
    assert_eq!(numbers(&path), [1]);
}

#[tokio::test]
async fn calls_submitted_while_a_batch_fails_are_recorded_afterwards() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("writes.jsonl");
    let (store, files) = start(&path, 2).await;
    let away = folder.path().join("away.jsonl");
    let before_the_first = hold(&store);
    let mut first = pin!(write(&store, &files[0]));
    submit(first.as_mut());
    let after_the_first = hold(&store);
    let mut second = pin!(write(&store, &files[1]));
    submit(second.as_mut());
    fs::rename(&path, &away).expect("it moves");
    drop(before_the_first);
    assert_eq!(first.await, StatusCode::INTERNAL_SERVER_ERROR);
    fs::rename(&away, &path).expect("it moves");
    drop(after_the_first);
    assert_eq!(second.await, StatusCode::OK);
    assert_eq!(numbers(&path), [1]);
    let instances = |nth: usize| store.read(|state| state.instance_paths(&files[nth].0).count());
    assert_eq!((instances(0), instances(1)), (0, 1));
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
    let (store, files) = start_at(&path, 2, Arc::new(clock)).await;
    let held = hold(&store);
    let mut first = pin!(AssertUnwindSafe(write(&store, &files[0])).catch_unwind());
    submit(first.as_mut());
    let mut second = pin!(write(&store, &files[1]));
    submit(second.as_mut());
    is_broken.store(true, Ordering::Relaxed);
    drop(held);
    assert_eq!(second.await, StatusCode::OK);
    assert!(first.await.is_err(), "it has no answer");
    assert_eq!(numbers(&path), [1]);
    assert_eq!(write(&store, &files[0]).await, StatusCode::OK);
}

#[tokio::test]
async fn the_write_of_a_client_that_leaves_is_recorded() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("writes.jsonl");
    let (store, files) = start(&path, 2).await;
    let held = hold(&store);
    let mut first = Box::pin(write(&store, &files[0]));
    submit(first.as_mut());
    let mut second = pin!(write(&store, &files[1]));
    submit(second.as_mut());
    drop(first);
    assert_eq!(store.newest_notice(), 2, "both calls are open");
    drop(held);
    assert_eq!(second.await, StatusCode::OK);
    assert_eq!(numbers(&path), [1, 2]);
    let (published, _) = store.subscribe_after(0).read(100);
    let each = ["open", "open", "write", "write", "call", "call"];
    assert_eq!(
        kinds(&published),
        each,
        "its end is published after its write"
    );
    let gone = &store.calls(0, 1)[0].1;
    let request = &gone.to_json(1)["request"]["body"];
    assert!(request.as_str().is_some_and(|body| body.contains("cards")));
}

#[tokio::test]
async fn calls_are_decided_in_the_order_in_which_they_were_submitted() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("writes.jsonl");
    let (store, files) = start(&path, 3).await;
    let cards = |nth: usize| format!("/2.0/files/{}/metadata/global/boxSkillsCards", files[nth].0);
    let (first, third) = (cards(0), cards(2));
    let held = hold(&store);
    let written = join_all([0, 1].map(|nth| write(&store, &files[nth])));
    // One of a file that is written, and one of a third.
    let deleted = ask(&store, Method::DELETE, &first, &files[0].1, String::new());
    let body = r#"{"cards": []}"#.to_owned();
    let created = ask(&store, Method::POST, &third, &files[2].1, body);
    let mut all = pin!(async { tokio::join!(written, deleted, created) });
    submit(all.as_mut());
    drop(held);
    let (written, deleted, created) = all.await;
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
    let (store, files) = start(&path, 3).await;
    let entry = json!({"text": "a".repeat(20_000), "appears": []});
    let card = json!([{
        "type": "skill_card", "skill_card_type": "keyword",
        "skill_card_title": {"message": "a"}, "entries": [entry],
        "skill": {"type": "service", "id": "1"},
        "invocation": {"type": "skill_invocation", "id": "1"}
    }]);
    let large = card.to_string();
    store
        .change(|writer| writer.journal.max_line = 10_000)
        .await;
    let held = hold(&store);
    let cards = ["[]", &large, "[]"];
    let writes = files.iter().zip(cards);
    let writes = writes.map(|(file, cards)| write_cards(&store, file, cards));
    let mut writes = pin!(join_all(writes));
    submit(writes.as_mut());
    drop(held);
    let failed = StatusCode::INTERNAL_SERVER_ERROR;
    assert_eq!(writes.await, [StatusCode::OK, failed, StatusCode::OK]);
    assert_eq!(numbers(&path), [1, 2], "no number is left out");
}

#[tokio::test]
async fn a_call_is_reported_as_open_while_it_waits_for_the_writer() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("writes.jsonl");
    let (store, files) = start(&path, 1).await;
    let held = hold(&store);
    let mut first = pin!(write(&store, &files[0]));
    submit(first.as_mut());
    let (published, _) = store.subscribe_after(0).read(100);
    assert_eq!(kinds(&published), ["open"]);
    drop(held);
    assert_eq!(first.await, StatusCode::OK);
}

#[test]
fn a_store_that_is_dropped_records_what_was_submitted_before() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("writes.jsonl");
    let runtime = Builder::new_current_thread().build().expect("a runtime");
    let (store, files) = runtime.block_on(start(&path, 1));
    let held = hold(&store);
    submit(Box::pin(write(&store, &files[0])).as_mut());
    let mut reader = store.subscribe_after(0);
    drop(runtime);
    drop(held);
    assert_eq!(Arc::strong_count(&store), 1);
    drop(store);
    assert_eq!(numbers(&path), [1]);
    assert_eq!(kinds(&reader.read(100).0), ["open", "write", "call"]);
}

#[tokio::test]
async fn a_reader_of_the_notice_of_a_reset_finds_no_call_of_before() {
    const TIMEOUT: Duration = Duration::from_secs(20);
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("writes.jsonl");
    let (store, files) = start(&path, 1).await;
    for _ in 0..20 {
        assert_eq!(write(&store, &files[0]).await, StatusCode::OK);
        let mut reader = store.subscribe();
        let looks = Arc::clone(&store);
        let calls = thread::spawn(move || {
            let begun = Instant::now();
            while reader.read(1).0.is_empty() {
                assert!(begun.elapsed() < TIMEOUT, "the reset is published");
            }
            looks.calls(0, 1).len()
        });
        store.reset().await.expect("it is recorded");
        assert_eq!(calls.join().expect("it looks"), 0);
        // The reset has ended the tokens of the event.
        let event = json!({
            "source": {"id": files[0].0, "name": "a.txt"},
            "token": {"read": {"access_token": "r"}, "write": {"access_token": files[0].1.expose()}}
        });
        let event = Invocation::read(Tape::from_value(&event)).expect("an event");
        let how = Registering {
            recorded: Recorded::Kept,
            ..Registering::default()
        };
        store.register(vec![(event.into_owned(), how)]).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn writes_deletions_and_clients_that_leave_are_recorded_in_the_order_of_their_decisions() {
    const FILES: usize = 6;
    const TASKS: usize = 24;
    const EACH: usize = 60;
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("writes.jsonl");
    let (store, files) = start(&path, FILES).await;
    let mut reader = store.subscribe_after(0);
    let files = Arc::new(files);
    let tasks = (0..TASKS).map(|task| {
        let (store, files) = (Arc::clone(&store), Arc::clone(&files));
        tokio::spawn(async move {
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
                    // The client leaves, before or after its write is recorded.
                    1 => drop(Box::pin(write(&store, file)).now_or_never()),
                    2 => {
                        let content = placeholder("a.txt");
                        store.put_file("9".to_owned(), None, content).await;
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
    store.settle().await;
    let numbers = numbers(&path);
    assert!(numbers.len() >= acknowledged);
    assert!(numbers.iter().copied().eq(1..=numbers.len() as u64));
    let mut versions = HashMap::new();
    for record in store.records(0) {
        let record = record.expect("it reads");
        let Some(instance) = record.instance else {
            assert!(versions.remove(&record.file_id).is_some(), "it existed");
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
            Notice::Closed(call) => assert!(open.remove(&call.call), "it was opened"),
            Notice::Gap => panic!("the ring holds them all"),
            _ => {}
        }
    }
    assert_eq!(open, HashSet::new());
}
