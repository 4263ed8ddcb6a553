//! `mock-box --record` with crashes: sixteen clients write to it, and it is repeatedly killed at random
//! moments and restarted with the same file. What was acknowledged is in the file once and in order,
//! what was not is there completely or not at all, and the mock serves what the file contains.
//!
//! A few kills run with the other tests. Two hundred, and the figures:
//!
//! ```sh
//! cargo test --test cli two_hundred_kills -- --ignored --nocapture
//! ```
//!
//! A run prints its seed; `CRASH_SEED` repeats the choices of one, though not its moments.

mod clients;
mod ledger;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt, fs,
    net::SocketAddr,
    process::Stdio,
    sync::atomic::Ordering,
    thread,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use serde_json::Value;
use tempfile::TempDir;

use crate::{
    support::skillctl_process,
    world::{MockBox, http},
};
use clients::{Attempt, CLIENTS, Client, Load, Outcome, Random, Wire, instance_path};
use ledger::{Entry, Ledger, length_of};

#[test]
fn what_was_acknowledged_outlives_every_kill_once_and_in_order() {
    let mut crash = Crash::new(seed());
    for _ in 0..6 {
        crash.round(false);
    }
    crash.check_all();
}

#[test]
#[ignore = "takes minutes; run by name, as the head of this file says"]
fn two_hundred_kills() {
    let mut crash = Crash::new(seed());
    for _ in 0..200 {
        crash.round(true);
    }
    crash.check_all();
}

#[cfg(target_os = "linux")]
#[test]
fn while_a_full_disk_comes_and_goes_no_acknowledged_write_is_lost() {
    let mut crash = Crash::new(seed());
    for _ in 0..3 {
        crash.round_on_a_full_disk();
    }
    crash.check_all();
}

fn seed() -> u64 {
    if let Ok(seed) = std::env::var("CRASH_SEED") {
        return seed.parse().expect("CRASH_SEED is a number");
    }
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    u64::from(since.expect("the clock is right").subsec_nanos())
}

/// A record file, its clients, and what they wrote.
struct Crash {
    folder: TempDir,
    ledger: Ledger,
    clients: Vec<Client>,
    random: Random,
    /// What was acknowledged to each client, for the final check of the whole file.
    acknowledged: BTreeSet<(usize, String)>,
    counts: Counts,
}

/// What happened.
#[derive(Default)]
struct Counts {
    seed: u64,
    kills: usize,
    at_start: usize,
    acknowledged: usize,
    refused: usize,
    landed: usize,
    lost: usize,
    torn: usize,
    torn_by_hand: usize,
}

impl fmt::Display for Counts {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            seed,
            kills,
            at_start,
            acknowledged,
            refused,
            landed,
            lost,
            torn,
            torn_by_hand,
        } = self;
        write!(
            formatter,
            "seed {seed}: {kills} kills under load, {at_start} while starting; \
             {acknowledged} writes acknowledged, {refused} refused, {} in flight at a kill, of \
             which {landed} are recorded and {lost} are not; {torn} last lines torn by a kill, \
             {torn_by_hand} by hand",
            landed + lost
        )
    }
}

/// A test that fails prints how to repeat it.
impl Drop for Crash {
    #[allow(
        clippy::print_stdout,
        reason = "shown where a test fails or asks for it"
    )]
    fn drop(&mut self) {
        println!("{}", self.counts);
    }
}

impl Crash {
    fn new(seed: u64) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("writes.jsonl");
        fs::write(&path, "").expect("it writes");
        Self {
            ledger: Ledger::new(path),
            clients: (0..CLIENTS).map(|who| Client::new(who, seed)).collect(),
            random: Random(seed),
            acknowledged: BTreeSet::new(),
            counts: Counts {
                seed,
                ..Counts::default()
            },
            folder,
        }
    }

    /// From a start to a kill, with all that is to be seen after it.
    fn round(&mut self, is_long: bool) {
        if self.random.one_in(8) {
            self.kill_while_starting();
        }
        if self.random.one_in(8) && !self.ledger.is_torn() && self.ledger.seq > 0 {
            self.ledger.tear(&mut self.random);
            self.counts.torn_by_hand += 1;
        }
        if self.counts.kills % 10 == 3 {
            self.kill_in_the_middle_of_a_record();
        } else {
            self.kill_among_answers(if is_long { 400 } else { 100 });
        }
        self.counts.torn += usize::from(self.ledger.is_torn());
    }

    /// At any moment among the first `most` answers.
    fn kill_among_answers(&mut self, most: u64) {
        let mut mock = self.start();
        let load = Load::on(address(&mock), 0, false);
        let enough = usize::try_from(self.random.below(most)).expect("few");
        let moment = Duration::from_micros(self.random.below(3000));
        let attempts = self.run(&load, || {
            load.wait(|| load.acknowledged.load(Ordering::SeqCst) >= enough);
            thread::sleep(moment);
            kill(&mut mock);
        });
        self.settle(&attempts);
    }

    /// Records that are large enough to take some time to write, and a kill as soon as the file has
    /// grown.
    fn kill_in_the_middle_of_a_record(&mut self) {
        const LARGE: u64 = 2 << 20;
        let mut mock = self.start();
        let padding = usize::try_from(LARGE).expect("it fits");
        let load = Load::on(address(&mock), padding, false);
        let path = self.ledger.path.clone();
        let enough = self.ledger.whole + 1 + self.random.below(2 * LARGE);
        let attempts = self.run(&load, || {
            load.wait(|| length_of(&path) >= enough);
            kill(&mut mock);
        });
        self.settle(&attempts);
    }

    /// Under load the disk is full for some moments, before the kill.
    #[cfg(target_os = "linux")]
    fn round_on_a_full_disk(&mut self) {
        let mut mock = self.start();
        let load = Load::on(address(&mock), 0, true);
        let free: Vec<u64> = (0..3).map(|_| self.random.below(30_000)).collect();
        let path = self.ledger.path.clone();
        let attempts = self.run(&load, || {
            for (nth, bytes) in (1..).zip(free) {
                load.wait(|| load.acknowledged.load(Ordering::SeqCst) >= 40 * nth);
                mock.limit_files(Some(length_of(&path) + bytes));
                load.wait(|| load.failed.load(Ordering::SeqCst) >= 40 * nth);
                mock.limit_files(None);
            }
            kill(&mut mock);
        });
        assert!(load.failed.into_inner() >= 120, "the mock outlives it");
        self.settle(&attempts);
    }

    /// Lets all clients write until `end` has ended the mock; returns the attempts of each.
    fn run(&mut self, load: &Load, end: impl FnOnce()) -> Vec<Vec<Attempt>> {
        thread::scope(|scope| {
            let writing: Vec<_> = self
                .clients
                .iter_mut()
                .map(|client| scope.spawn(|| client.write_until_cut(load)))
                .collect();
            end();
            let ended = writing.into_iter().map(thread::ScopedJoinHandle::join);
            ended
                .map(|attempts| attempts.expect("no client fails"))
                .collect()
        })
    }

    /// Starts a mock with the file, and checks that it serves what the file contains.
    fn start(&mut self) -> MockBox {
        let was_torn = self.ledger.is_torn();
        let said = self.folder.path().join("stderr");
        let record = self.ledger.path.to_str().expect("UTF-8").to_owned();
        let mut options = vec!["--tokens", "any", "--record", &record];
        if self.random.one_in(4) {
            options.push("--fsync");
        }
        let mock = MockBox::printing(
            skillctl_process(),
            &options,
            Stdio::null(),
            fs::File::create(&said).expect("a file").into(),
        );
        let said = fs::read_to_string(said).expect("it reads");
        let is_said = said.contains("the last line is incomplete after a crash and was removed");
        assert_eq!(is_said, was_torn, "{said}");
        assert_eq!(length_of(&self.ledger.path), self.ledger.whole);
        self.check_served(&mock);
        mock
    }

    fn kill_while_starting(&mut self) {
        let mut program = skillctl_process();
        program
            .env("TMPDIR", self.folder.path())
            .args(["mock-box", "--listen", "127.0.0.1:0", "--record"])
            .arg(&self.ledger.path)
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let mut child = program.spawn().expect("it starts");
        thread::sleep(Duration::from_micros(self.random.below(80_000)));
        child.kill().expect("it is there");
        child.wait().expect("it ends");
        self.counts.at_start += 1;
        let whole = self.ledger.whole;
        assert!(
            length_of(&self.ledger.path) >= whole,
            "no whole line is cut off"
        );
        assert!(self.ledger.read_on().is_empty(), "nobody has written");
    }

    fn check_served(&self, mock: &MockBox) {
        let mut wire = Wire::connect(address(mock), 0).expect("it accepts");
        for file in clients::files() {
            let (status, body) = wire
                .ask("GET", &instance_path(&file), "")
                .expect("an answer");
            match self.ledger.instances.get(&file) {
                None => {
                    assert_eq!(status, 404, "{file} has no metadata");
                    let put = http().put(format!("{}/_mock/files/{file}", mock.url));
                    assert_eq!(put.send().expect("an answer").status(), 201);
                }
                Some(Value::Null) => assert_eq!(status, 404, "{file} has no metadata"),
                Some(instance) => {
                    let served: Value = serde_json::from_slice(&body).expect("an instance");
                    assert_eq!((status, &served), (200, instance));
                }
            }
        }
        let before = self.ledger.seq.saturating_sub(3);
        let listed = mock.ask(&format!("writes?after={before}"));
        assert_eq!(listed["next"], self.ledger.seq);
        let writes = listed["writes"].as_array().expect("a list");
        assert_eq!(writes.len() as u64, self.ledger.seq - before);
    }

    /// Compares the answers to the clients with the new records of the file.
    fn settle(&mut self, attempts: &[Vec<Attempt>]) {
        self.counts.kills += 1;
        let entries = self.ledger.read_on();
        let mut of_client: BTreeMap<usize, Vec<&Entry>> = BTreeMap::new();
        for entry in &entries {
            of_client.entry(entry.who).or_default().push(entry);
        }
        let mut spans = BTreeMap::new();
        let lost = self.counts.lost;
        for (who, attempts) in attempts.iter().enumerate() {
            let found = of_client.remove(&who).unwrap_or_default();
            self.settle_client(who, attempts, &found, &mut spans);
        }
        assert_eq!(of_client.len(), 0, "nobody else has written");
        let is_lost = self.counts.lost > lost;
        assert!(
            is_lost || !self.ledger.is_torn(),
            "a torn line was somebody's"
        );
        // A call that was answered before another was sent is recorded before it.
        let mut latest = 0;
        for (seq, (sent, answered)) in spans {
            assert!(answered >= latest, "record {seq} follows a later one");
            latest = latest.max(sent);
        }
    }

    fn settle_client(
        &mut self,
        who: usize,
        attempts: &[Attempt],
        found: &[&Entry],
        spans: &mut BTreeMap<u64, (u64, u64)>,
    ) {
        let mut found = found.iter().peekable();
        for attempt in attempts {
            let is_it = |entry: &&&Entry| {
                (entry.op.as_str(), &entry.file, &entry.marker)
                    == (attempt.op, &attempt.file, &attempt.marker)
            };
            let (entry, answered) = match &attempt.outcome {
                Outcome::Refused => {
                    self.counts.refused += 1;
                    continue;
                }
                Outcome::Unknown => match found.next_if(is_it) {
                    None => {
                        self.counts.lost += 1;
                        continue;
                    }
                    Some(entry) => {
                        self.counts.landed += 1;
                        (entry, u64::MAX)
                    }
                },
                Outcome::Acknowledged(instance) => {
                    let entry = found.next_if(is_it).unwrap_or_else(|| {
                        panic!(
                            "{} {:?} of client {who} was acknowledged and does not come next",
                            attempt.op, attempt.marker
                        )
                    });
                    if let Some(instance) = instance {
                        assert_eq!(*instance, entry.instance, "the answer shows the record");
                    }
                    self.counts.acknowledged += 1;
                    self.acknowledged
                        .extend(attempt.marker.clone().map(|it| (who, it)));
                    (entry, attempt.answered)
                }
            };
            spans.insert(entry.seq, (attempt.sent, answered));
        }
        assert!(found.next().is_none(), "client {who} wrote no more");
    }

    /// The final check, of the whole file and of a mock that has read all of it.
    fn check_all(&mut self) {
        self.start();
        let mut found = BTreeSet::new();
        for entry in self.ledger.read_all() {
            if let Some(marker) = entry.marker {
                let is_new = found.insert((entry.who, marker));
                assert!(is_new, "record {} is there twice", entry.seq);
            }
        }
        assert!(self.acknowledged.is_subset(&found));
        assert!(self.counts.acknowledged > 0);
    }
}

fn kill(mock: &mut MockBox) {
    let ended = mock.child.try_wait().expect("a state");
    assert_eq!(ended, None, "nothing but this ends it");
    mock.child.kill().expect("it is there");
    mock.child.wait().expect("it ends");
}

fn address(mock: &MockBox) -> SocketAddr {
    let address = mock.url.strip_prefix("http://").expect("a URL");
    address.parse().expect("an address")
}
