use std::{
    collections::{HashMap, HashSet},
    fs,
    path::Path,
    pin::pin,
    thread,
};

use futures_util::{FutureExt, future::join_all};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header, uri::PathAndQuery};
use serde_json::{Value, json};
use tokio::{runtime::Builder, sync::broadcast, task::yield_now};

use super::*;
use crate::{
    domain::{
        event::invocation::Invocation, json::tree::Tape, notice::Notice, secret::Secret,
        token::TokenKind,
    },
    env::wall_clock,
    mock_box::{Body, Head, Request, model::content::placeholder, register::Registering},
    store::Options,
};

/// A mock that records to `path`, and the files and write tokens of so many events.
fn start(path: &Path, events: usize) -> (Arc<Store>, Vec<(String, Secret)>) {
    let options = Options {
        record: Some(path),
        ..Options::default()
    };
    let (store, _) = Store::start(options, wall_clock()).expect("a mock");
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
    let (_, answer, _) = store.execute(call, request).await;
    answer.status
}

/// How many writes there are in each group that has gathered.
fn members(gathering: &Gathering) -> Vec<usize> {
    let groups = gathering.groups();
    groups.map(|group| group.members.len()).collect()
}

fn gathered(store: &Store) -> Vec<usize> {
    members(&store.gathering())
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
async fn of_two_writes_to_one_file_the_second_finds_the_first_in_its_place() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("writes.jsonl");
    let (store, files) = start(&path, 1);
    let (mut first, mut second) = (
        pin!(write(&store, &files[0])),
        pin!(write(&store, &files[0])),
    );
    assert!(first.as_mut().now_or_never().is_none());
    assert!(second.as_mut().now_or_never().is_none());
    assert_eq!(numbers(&path), [1]);
    assert_eq!(
        (first.await, second.await),
        (StatusCode::OK, StatusCode::OK)
    );
    let last = fs::read_to_string(&path).expect("it reads");
    let last = last.lines().last().expect("a line");
    assert!(last.contains(r#""$version":1,"#), "{last}");
}

#[tokio::test]
async fn whoever_looks_finds_what_is_written_down_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("writes.jsonl");
    let (store, files) = start(&path, 2);
    let stands = |store: &Store| store.read(|state| state.instance_paths(&files[0].0).count());
    let mut first = pin!(write(&store, &files[0]));
    assert!(first.as_mut().now_or_never().is_none());
    assert_eq!(stands(&store), 0);
    assert_eq!(store.last_write(), 1, "to ask ends the group");
    assert_eq!(stands(&store), 1);
    assert_eq!(first.await, StatusCode::OK);
}

#[tokio::test]
async fn a_group_that_cannot_be_written_fails_each_and_changes_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("writes.jsonl");
    let (store, files) = start(&path, 3);
    let mut all = pin!(join_all(files.iter().map(|file| write(&store, file))));
    assert!(all.as_mut().now_or_never().is_none());
    let away = folder.path().join("away.jsonl");
    fs::rename(&path, &away).expect("it moves");
    assert_eq!(all.await, [StatusCode::INTERNAL_SERVER_ERROR; 3]);
    let (told, _) = store.notices.subscribe_after(0).read(100);
    let each = ["open", "open", "open", "call", "call", "call"];
    assert_eq!(kinds(&told), each);
    let stand = store.read(|state| state.instance_paths(&files[0].0).count());
    assert_eq!((stand, store.writes(), store.last_write()), (0, 0, 0));

    fs::rename(&away, &path).expect("it moves");
    assert_eq!(write(&store, &files[1]).await, StatusCode::OK);
    assert_eq!(numbers(&path), [1]);
}

#[tokio::test]
async fn a_client_that_goes_away_takes_nobody_else_with_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("writes.jsonl");
    let (store, files) = start(&path, 2);
    let mut first = Box::pin(write(&store, &files[0]));
    assert!(first.as_mut().now_or_never().is_none());
    let mut second = pin!(write(&store, &files[1]));
    assert!(second.as_mut().now_or_never().is_none());
    drop(first);
    let (told, _) = store.notices.subscribe_after(0).read(100);
    let each = ["open", "open", "write", "write", "call"];
    assert_eq!(kinds(&told), each, "its end comes last");
    let gone = &store.call_log.after(0, 1)[0].1;
    let asked = &gone.to_json(1)["request"]["body"];
    assert!(asked.as_str().is_some_and(|body| body.contains("cards")));
    assert_eq!(second.await, StatusCode::OK);
    assert_eq!(numbers(&path), [1, 2]);
}

#[tokio::test]
async fn whatever_changes_something_else_ends_the_group_first() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("writes.jsonl");
    let (store, files) = start(&path, 3);
    let of = |nth: usize| format!("/2.0/files/{}/metadata/global/boxSkillsCards", files[nth].0);
    let (first, third) = (of(0), of(2));
    let mut written = pin!(join_all([0, 1].map(|nth| write(&store, &files[nth]))));
    assert!(written.as_mut().now_or_never().is_none());
    // About one of the two, and about a third.
    let deleted = ask(&store, Method::DELETE, &first, &files[0].1, String::new());
    let body = r#"{"cards": []}"#.to_owned();
    let created = ask(&store, Method::POST, &third, &files[2].1, body);
    let (mut deleted, mut created) = (pin!(deleted), pin!(created));
    assert!(deleted.as_mut().now_or_never().is_none());
    assert!(created.as_mut().now_or_never().is_none());
    assert_eq!(numbers(&path), [1, 2]);
    store.reset().await.expect("it is written down");
    assert_eq!(numbers(&path), [1, 2, 3, 4, 5]);
    assert_eq!(written.await, [StatusCode::OK; 2]);
    assert_eq!(deleted.await, StatusCode::NO_CONTENT);
    assert_eq!(created.await, StatusCode::CREATED);
}

#[tokio::test]
async fn what_is_large_is_written_alone() {
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
    let cards = ["[]", &large, "[]"];
    let writes = files.iter().zip(cards);
    let writes = writes.map(|(file, cards)| write_cards(&store, file, cards));
    let mut all = pin!(join_all(writes));
    assert!(all.as_mut().now_or_never().is_none());
    assert_eq!(gathered(&store), [1, 1, 1]);
    assert_eq!(all.await, [StatusCode::OK; 3]);
    assert_eq!(numbers(&path), [1, 2, 3]);

    let mut written = pin!(write_cards(&store, &files[0], &large));
    assert!(written.as_mut().now_or_never().is_none());
    let target = format!("/2.0/files/{}/metadata/global/boxSkillsCards", files[1].0);
    let deleted = ask(&store, Method::DELETE, &target, &files[1].1, String::new());
    let mut deleted = pin!(deleted);
    assert!(deleted.as_mut().now_or_never().is_none());
    assert_eq!(
        gathered(&store),
        [1, 1],
        "what is small is not with it either"
    );
    assert_eq!(written.await, StatusCode::OK);
    assert_eq!(deleted.await, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn others_gather_while_a_group_is_written_down() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("writes.jsonl");
    let (store, files) = start(&path, 2);
    let mut first = pin!(write(&store, &files[0]));
    assert!(first.as_mut().now_or_never().is_none());
    // As its own task does it.
    let mut turn = store.turns.take();
    let leaving = store.gathering().leave(None);
    let mut other = pin!(write(&store, &files[1]));
    let mut again = pin!(write(&store, &files[0]));
    assert!(other.as_mut().now_or_never().is_none());
    assert!(again.as_mut().now_or_never().is_none());
    let has_gathered = |nth: usize| store.gathering().has_gathered(&files[nth].0);
    assert!(has_gathered(1), "it need not wait for the turn");
    assert!(!has_gathered(0), "it is decided after the first is applied");
    for group in leaving {
        store.write_down(&mut turn, group);
    }
    drop(turn);
    assert_eq!(first.await, StatusCode::OK);
    assert_eq!((again.await, other.await), (StatusCode::OK, StatusCode::OK));
    assert_eq!(numbers(&path), [1, 2, 3]);
    let versions: Vec<Value> = store
        .records(0)
        .map(|record| record.expect("it reads").instance.expect("an instance"))
        .map(|instance| serde_json::from_slice(&instance.to_json()).expect("JSON"))
        .map(|instance: Value| instance["$version"].clone())
        .collect();
    assert_eq!(versions, [0, 0, 1]);
}

#[tokio::test]
async fn a_client_that_goes_away_while_its_write_is_on_its_way_waits_for_nobody() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("writes.jsonl");
    let (store, files) = start(&path, 1);
    let mut first = Box::pin(write(&store, &files[0]));
    assert!(first.as_mut().now_or_never().is_none());
    let mut turn = store.turns.take();
    let leaving = store.gathering().leave(None);
    drop(first);
    assert_eq!(store.notices.newest(), 0, "its call is not closed");
    for group in leaving {
        store.write_down(&mut turn, group);
    }
    let (told, _) = store.notices.subscribe_after(0).read(100);
    assert_eq!(kinds(&told), ["open", "write", "call"]);
    assert_eq!(numbers(&path), [1]);
}

#[tokio::test]
async fn what_gathered_while_another_group_failed_is_written_down() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("writes.jsonl");
    let (store, files) = start(&path, 3);
    let mut first = pin!(write(&store, &files[0]));
    assert!(first.as_mut().now_or_never().is_none());
    let mut turn = store.turns.take();
    let leaving = store.gathering().leave(None);
    let mut second = pin!(write(&store, &files[1]));
    assert!(second.as_mut().now_or_never().is_none());
    while store.notices.newest() < 1 {
        yield_now().await;
    }
    let mut third = pin!(write(&store, &files[2]));
    assert!(third.as_mut().now_or_never().is_none());
    assert_eq!(
        store.notices.newest(),
        2,
        "they wait, and are open meanwhile"
    );
    let away = folder.path().join("away.jsonl");
    fs::rename(&path, &away).expect("it moves");
    for group in leaving {
        store.write_down(&mut turn, group);
    }
    fs::rename(&away, &path).expect("it moves");
    drop(turn);
    assert_eq!(first.await, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(
        (second.await, third.await),
        (StatusCode::OK, StatusCode::OK)
    );
    assert_eq!(numbers(&path), [1, 2], "no number is left out");
}

#[test]
fn what_gathered_on_a_runtime_that_is_gone_is_written_down_all_the_same() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("writes.jsonl");
    let (store, files) = start(&path, 1);
    let runtime = Builder::new_current_thread().build().expect("a runtime");
    let turn = store.turns.take();
    runtime.block_on(async {
        let mut first = Box::pin(write(&store, &files[0]));
        assert!(first.as_mut().now_or_never().is_none());
    });
    drop(runtime);
    drop(turn);
    assert_eq!(gathered(&store), [1]);
    store.settle();
    assert_eq!(numbers(&path), [1]);
    let (told, _) = store.notices.subscribe_after(0).read(100);
    assert_eq!(kinds(&told), ["open", "write", "call"]);
    assert_eq!(Arc::strong_count(&store), 1, "its call has closed");
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
async fn whatever_happens_at_once_is_recorded_in_the_order_in_which_it_counts() {
    const FILES: usize = 6;
    const TASKS: usize = 24;
    const EACH: usize = 60;
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("writes.jsonl");
    let (store, files) = start(&path, FILES);
    let mut reader = store.notices.subscribe_after(0);
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
