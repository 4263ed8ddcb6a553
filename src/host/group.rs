//! Writes that come at the same time go into the record file together: one line costs the system as
//! much as forty. Each is decided in its turn against what stands; it joins the group where no other
//! of the group is about the same file, so that it would be decided alike if the group had ended.
//! Only when the record file has all their lines are they applied, told and answered, in their order;
//! where it has not, each is an error and nothing has changed.

use std::{
    mem,
    sync::{Arc, OnceLock},
};

use smol_str::SmolStr;
use tokio::sync::Notify;

use super::{Host, Ledger, call::OpenCall, written};
use crate::{
    domain::{
        call::EventIds,
        notice::{Notice, Opening},
    },
    journal::Ticket,
    mock_box::{Answer, Change, Decision, errors},
};

/// Lines of a group, in bytes, after which it ends at once.
const MOST_BYTES: usize = 128 * 1024;

/// Writes that were decided and are not written down.
#[derive(Debug, Default)]
pub(super) struct Group {
    members: Vec<Member>,
    /// A bit for each of their files, by its id: most that are asked about are known not to be
    /// among them.
    files: [u64; 8],
    end: Arc<End>,
}

/// One of them.
#[derive(Debug)]
struct Member {
    file_id: SmolStr,
    changes: Vec<Change>,
    events: EventIds,
    /// That its call is open, where that is still to be told.
    opening: Option<Opening>,
}

/// What a call waits for, with an answer that may go out then.
#[derive(Debug)]
pub(super) struct Joined<'a> {
    host: &'a Host,
    /// To be taken once.
    answer: Option<Answer>,
    end: Arc<End>,
}

/// The end of a group, and what came of it.
#[derive(Debug, Default)]
struct End {
    result: OnceLock<Result<Option<Ticket>, String>>,
    bell: Notify,
}

impl Group {
    /// Whether one of them is about this file.
    pub(super) fn has(&self, file_id: &str) -> bool {
        let (word, bit) = bit(file_id);
        self.files[word] & bit != 0 && self.members.iter().any(|member| member.file_id == file_id)
    }

    fn add(&mut self, member: Member) {
        let (word, bit) = bit(&member.file_id);
        self.files[word] |= bit;
        self.members.push(member);
    }
}

/// The bit of a file, and the word that it is in.
fn bit(file_id: &str) -> (usize, u64) {
    let mix = |sum: usize, byte: u8| sum.wrapping_mul(31).wrapping_add(byte.into());
    let mixed = file_id.bytes().fold(0, mix);
    (mixed / 64 % 8, 1 << (mixed % 64))
}

impl End {
    fn come(&self, result: Result<Option<Ticket>, String>) {
        // Nobody else ends this group.
        let _ = self.result.set(result);
        self.bell.notify_waiters();
    }
}

/// A group that is given up, by a panic or with the mock, keeps nobody waiting.
impl Drop for Group {
    fn drop(&mut self) {
        if self.end.result.get().is_none() {
            self.end.come(Err("the write was given up".to_owned()));
        }
    }
}

impl Joined<'_> {
    /// Returns when the record file has the write, or it is known that it will not.
    pub(super) async fn ended(&self) {
        loop {
            let rung = self.end.bell.notified();
            if self.end.result.get().is_some() {
                break;
            }
            rung.await;
        }
    }

    /// The answer, once the group has ended, and what else is to be waited for.
    pub(super) fn answer(&mut self) -> (Answer, Option<Ticket>) {
        match (self.end.result.get(), self.answer.take()) {
            (Some(Ok(ticket)), Some(answer)) => (answer, ticket.clone()),
            (Some(Err(reason)), _) => (errors::internal(reason.clone()), None),
            _ => (
                errors::internal("a write was answered before its end"),
                None,
            ),
        }
    }
}

/// A client that goes away closes its call; its write is told before that.
impl Drop for Joined<'_> {
    fn drop(&mut self) {
        if self.end.result.get().is_none() {
            drop(self.host.turn());
        }
    }
}

impl Host {
    /// Takes a decided write about `file_id` into the group. Who is first sees to its end: when the
    /// thread has looked at whatever else was ready.
    ///
    /// # Errors
    /// Where it cannot be written down; the others can.
    pub(super) fn join<'a>(
        self: &'a Arc<Self>,
        ledger: &mut Ledger,
        file_id: SmolStr,
        decision: Decision,
        call: &mut OpenCall,
    ) -> Result<Joined<'a>, String> {
        let decision = decision.numbered_after(ledger.journal.staged());
        ledger
            .journal
            .stage(decision.records().map(|record| &**record))?;
        let group = &mut ledger.group;
        group.add(Member {
            file_id,
            changes: decision.changes,
            events: call.events(),
            opening: call.take_opening(),
        });
        let joined = Joined {
            host: self,
            answer: Some(decision.answer),
            end: Arc::clone(&group.end),
        };
        let is_first = group.members.len() == 1;
        if ledger.journal.staged_bytes() > MOST_BYTES {
            self.end_group(ledger);
        } else if is_first {
            // A task of its own: a client that goes away takes its call with it, not the group.
            let host = Arc::clone(self);
            tokio::spawn(async move {
                tokio::task::yield_now().await;
                // To take the turn ends the group.
                drop(host.turn_as_task().await);
            });
        }
        Ok(joined)
    }

    /// Writes the group down, applies and tells it, and lets its members be answered.
    pub(super) fn end_group(&self, ledger: &mut Ledger) {
        if ledger.group.members.is_empty() {
            return;
        }
        let mut group = mem::take(&mut ledger.group);
        let mut members = mem::take(&mut group.members);
        // Told before, for the disk may take its time.
        let openings = members.iter_mut().filter_map(|it| it.opening.take());
        self.bus.tell_all(openings.map(Notice::Opened).collect());
        let before = ledger.journal.last();
        let result = ledger.journal.commit();
        if result.is_ok() {
            self.apply(members.iter().flat_map(|member| &member.changes));
            ledger.writes += ledger.journal.last() - before;
            let told = members.into_iter().flat_map(|member| {
                let records = member.changes.into_iter().filter_map(Change::into_record);
                records.map(move |record| written(member.events.clone(), record))
            });
            self.bus.tell_all(told.collect());
        }
        group.end.come(result.map(|()| ledger.journal.ticket()));
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path, pin::pin};

    use futures_util::{FutureExt, future::join_all};
    use http::{HeaderMap, HeaderValue, Method, StatusCode, header, uri::PathAndQuery};
    use serde_json::{Value, json};

    use super::*;
    use crate::{
        domain::{
            event::invocation::Invocation, json::tree::Tape, notice::Notice, secret::Secret,
            token::TokenKind,
        },
        env::wall_clock,
        host::Options,
        mock_box::{Body, Head, Request, registration::Registering},
    };

    /// A mock that records to `path`, and the files and write tokens of so many events.
    fn start(path: &Path, events: usize) -> (Arc<Host>, Vec<(String, Secret)>) {
        let options = Options {
            record: Some(path),
            ..Options::default()
        };
        let (host, _) = Host::start(options, wall_clock()).expect("a mock");
        let event = |nth: usize| {
            json!({
                "source": {"id": (100 + nth).to_string(), "name": "a.txt"},
                "token": {"read": {"access_token": ""}, "write": {"access_token": ""}}
            })
        };
        let events: Vec<Value> = (0..events).map(event).collect();
        let read = |event| Invocation::read(Tape::of(event)).expect("an event");
        let events = events.iter().map(|it| (read(it), Registering::default()));
        let registered = host.register(events.collect());
        let token = |event: &Invocation<'_>| {
            let token = event.token(TokenKind::Write).expect("a token");
            (event.file_id(), token.access_token)
        };
        let files = registered.iter().map(token).collect();
        (host, files)
    }

    async fn write(host: &Arc<Host>, file: &(String, Secret)) -> StatusCode {
        write_cards(host, file, "[]").await
    }

    async fn write_cards(
        host: &Arc<Host>,
        (file_id, token): &(String, Secret),
        cards: &str,
    ) -> StatusCode {
        let target = "/2.0/skill_invocations/1";
        let body = format!(
            r#"{{"status":"processing","metadata":{{"cards":{cards}}},"file":{{"id":"{file_id}"}}}}"#
        );
        ask(host, Method::PUT, target, token, body).await
    }

    async fn ask(
        host: &Arc<Host>,
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
        let mut call = host.open(&head);
        let body = Body::Memory(body.into());
        let request = Box::new(Request { head, body });
        let (answer, _) = host.perform(&mut call, request).await;
        answer.status
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
        let (host, files) = start(&path, 40);
        let mut all = pin!(join_all(files.iter().map(|file| write(&host, file))));
        assert!(all.as_mut().now_or_never().is_none());
        assert_eq!(numbers(&path), [0; 0], "all of them wait for the one end");
        let answers = all.await;
        assert!(answers.iter().all(|status| *status == StatusCode::OK));
        assert_eq!(numbers(&path), (1..=40).collect::<Vec<_>>());
        assert_eq!((host.writes(), host.last_write()), (40, 40));
    }

    #[tokio::test]
    async fn of_two_writes_to_one_file_the_second_finds_the_first_in_its_place() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("writes.jsonl");
        let (host, files) = start(&path, 1);
        let (mut first, mut second) =
            (pin!(write(&host, &files[0])), pin!(write(&host, &files[0])));
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
        let (host, files) = start(&path, 2);
        let stands = |host: &Host| host.look(|state| state.instance_paths(&files[0].0).count());
        let mut first = pin!(write(&host, &files[0]));
        assert!(first.as_mut().now_or_never().is_none());
        assert_eq!(stands(&host), 0);
        assert_eq!(host.last_write(), 1, "to ask ends the group");
        assert_eq!(stands(&host), 1);
        assert_eq!(first.await, StatusCode::OK);
    }

    #[tokio::test]
    async fn a_group_that_cannot_be_written_fails_each_and_changes_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("writes.jsonl");
        let (host, files) = start(&path, 3);
        let mut all = pin!(join_all(files.iter().map(|file| write(&host, file))));
        assert!(all.as_mut().now_or_never().is_none());
        let away = folder.path().join("away.jsonl");
        fs::rename(&path, &away).expect("it moves");
        assert_eq!(all.await, [StatusCode::INTERNAL_SERVER_ERROR; 3]);
        let (told, _) = host.bus.reader(0).read(100);
        let told: Vec<&str> = told.iter().map(Notice::kind).collect();
        assert_eq!(told, ["open", "open", "open", "call", "call", "call"]);
        let stand = host.look(|state| state.instance_paths(&files[0].0).count());
        assert_eq!((stand, host.writes(), host.last_write()), (0, 0, 0));

        fs::rename(&away, &path).expect("it moves");
        assert_eq!(write(&host, &files[1]).await, StatusCode::OK);
        assert_eq!(numbers(&path), [1]);
    }

    #[tokio::test]
    async fn a_client_that_goes_away_takes_nobody_else_with_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("writes.jsonl");
        let (host, files) = start(&path, 2);
        let mut first = Box::pin(write(&host, &files[0]));
        assert!(first.as_mut().now_or_never().is_none());
        let mut second = pin!(write(&host, &files[1]));
        assert!(second.as_mut().now_or_never().is_none());
        drop(first);
        let (told, _) = host.bus.reader(0).read(100);
        let told: Vec<&str> = told.iter().map(Notice::kind).collect();
        assert_eq!(
            told,
            ["open", "open", "write", "write", "call"],
            "its end comes last"
        );
        let gone = &host.calls.after(0, 1)[0].1;
        let asked = &gone.to_json(1)["request"]["body"];
        assert!(asked.as_str().is_some_and(|body| body.contains("cards")));
        assert_eq!(second.await, StatusCode::OK);
        assert_eq!(numbers(&path), [1, 2]);
    }

    #[tokio::test]
    async fn whatever_changes_something_else_ends_the_group_first() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("writes.jsonl");
        let (host, files) = start(&path, 3);
        let of = |nth: usize| format!("/2.0/files/{}/metadata/global/boxSkillsCards", files[nth].0);
        let (first, third) = (of(0), of(2));
        let mut written = pin!(join_all([0, 1].map(|nth| write(&host, &files[nth]))));
        assert!(written.as_mut().now_or_never().is_none());
        // About one of the two, and about a third.
        let deleted = ask(&host, Method::DELETE, &first, &files[0].1, String::new());
        let body = r#"{"cards": []}"#.to_owned();
        let created = ask(&host, Method::POST, &third, &files[2].1, body);
        let (mut deleted, mut created) = (pin!(deleted), pin!(created));
        assert!(deleted.as_mut().now_or_never().is_none());
        assert!(created.as_mut().now_or_never().is_none());
        assert_eq!(numbers(&path), [1, 2]);
        host.reset().await.expect("it is written down");
        assert_eq!(numbers(&path), [1, 2, 3, 4, 5]);
        assert_eq!(written.await, [StatusCode::OK; 2]);
        assert_eq!(deleted.await, StatusCode::NO_CONTENT);
        assert_eq!(created.await, StatusCode::CREATED);
    }

    #[tokio::test]
    async fn what_is_large_is_written_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("writes.jsonl");
        let (host, files) = start(&path, 2);
        let mut small = pin!(write(&host, &files[0]));
        assert!(small.as_mut().now_or_never().is_none());
        let entry = json!({"text": "a".repeat(20_000), "appears": []});
        let card = json!([{
            "type": "skill_card", "skill_card_type": "keyword",
            "skill_card_title": {"message": "a"}, "entries": [entry],
            "skill": {"type": "service", "id": "1"},
            "invocation": {"type": "skill_invocation", "id": "1"}
        }]);
        let card = card.to_string();
        let large = write_cards(&host, &files[1], &card);
        assert_eq!(large.now_or_never(), Some(StatusCode::OK));
        assert_eq!(numbers(&path), [1, 2]);
        assert_eq!(small.await, StatusCode::OK);
    }
}
