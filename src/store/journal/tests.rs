use std::fs;

use jiff::Timestamp;

use super::*;
use crate::domain::call::WriteOp;

fn record(seq: u64) -> WriteRecord {
    WriteRecord {
        file_id: "1".into(),
        file_version_id: "2".into(),
        scope: "global".into(),
        template: "boxSkillsCards".into(),
        ..WriteRecord::bare(seq, Timestamp::UNIX_EPOCH, WriteOp::Delete)
    }
}

fn numbers(journal: &Journal, after: u64) -> Vec<u64> {
    journal
        .recorded()
        .reader(after)
        .map(|record| record.expect("it reads").seq)
        .collect()
}

#[test]
fn records_are_read_back_from_any_number_on() {
    let mut journal = Journal::temporary().expect("a journal");
    for seq in 1..=200 {
        journal.append([&record(seq)]).expect("it appends");
    }
    assert_eq!(numbers(&journal, 0).len(), 200);
    assert_eq!(numbers(&journal, 197), [198, 199, 200]);
    assert_eq!(numbers(&journal, 64)[0], 65);
    assert_eq!(numbers(&journal, 200), [0; 0]);
}

#[test]
fn torn_last_line_is_dropped_with_a_warning() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("writes.jsonl");
    let (mut journal, _) = Journal::open(&path, drop).expect("a journal");
    journal.append([&record(1)]).expect("it appends");
    drop(journal);
    let mut text = fs::read_to_string(&path).expect("it reads");
    text.push_str("{\"seq\":2,\"at\":\"19");
    fs::write(&path, &text).expect("it writes");

    let mut found = Vec::new();
    let (mut journal, warning) =
        Journal::open(&path, |record| found.push(record.seq)).expect("a journal");
    assert_eq!(found, [1]);
    assert!(
        warning
            .expect("a warning")
            .contains(":2: the last line is incomplete")
    );
    journal.append([&record(2)]).expect("it appends");
    let lines = fs::read_to_string(&path).expect("it reads");
    assert_eq!(lines.lines().count(), 2);
    assert_eq!(numbers(&journal, 1), [2]);
}

#[test]
fn a_broken_line_in_the_middle_is_an_error_with_its_number() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("writes.jsonl");
    fs::write(&path, "{}\n").expect("it writes");
    let error = Journal::open(&path, drop)
        .expect_err("no journal")
        .to_string();
    let wanted =
        "writes.jsonl:1: this line is not a write record: missing field `seq`, in column 2";
    assert!(error.ends_with(wanted), "{error}");
}

#[test]
fn records_before_a_reset_are_not_listed_and_numbers_continue() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("writes.jsonl");
    let (mut journal, _) = Journal::open(&path, drop).expect("a journal");
    for seq in 1..=3 {
        journal.append([&record(seq)]).expect("it appends");
    }
    let reset = WriteRecord {
        op: WriteOp::Reset,
        ..record(4)
    };
    journal.append([&reset]).expect("it appends");
    journal.append([&record(5)]).expect("it appends");
    assert_eq!(numbers(&journal, 0), [5]);
    drop(journal);
    let (journal, _) = Journal::open(&path, drop).expect("a journal");
    assert_eq!((numbers(&journal, 2), journal.last()), (vec![5], 5));
}

#[test]
fn records_of_one_call_are_written_together_or_not_at_all() {
    let mut journal = Journal::temporary().expect("a journal");
    let both = [record(1), record(2)];
    journal.append(&both).expect("it appends");
    assert_eq!(numbers(&journal, 1), [2]);
    journal.append(&[]).expect("no records are not a failure");
    assert_eq!((journal.last(), numbers(&journal, 0).len()), (2, 2));
}

#[test]
fn a_record_that_could_not_be_read_back_is_not_written() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("writes.jsonl");
    let (mut journal, _) = Journal::open(&path, drop).expect("a journal");
    let line = record(1).to_json().len() as u64;
    journal.max_line = line + 1;
    journal.append([&record(1)]).expect("it fits");
    let long = WriteRecord {
        file_id: "12".into(),
        ..record(3)
    };
    let reason = journal
        .append([&record(2), &long])
        .expect_err("it is too long");
    assert!(reason.contains("the record is longer than"), "{reason}");
    drop(journal);
    let (journal, _) = Journal::open(&path, drop).expect("a journal");
    assert_eq!(journal.last(), 1);
}

#[test]
fn a_number_that_does_not_follow_is_an_error() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("writes.jsonl");
    for second in [1, u64::MAX] {
        let lines = [record(1), record(second)].map(|record| record.to_json() + "\n");
        fs::write(&path, lines.concat()).expect("it writes");
        let error = Journal::open(&path, drop).expect_err("no journal");
        assert!(error.to_string().contains("writes.jsonl:2:"), "{error}");
    }
}

#[test]
fn second_journal_of_a_file_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("writes.jsonl");
    let first = Journal::open(&path, drop).expect("a journal");
    let error = Journal::open(&path, drop).expect_err("it is taken");
    assert!(error.to_string().contains("another mock"), "{error}");
    drop(first);
    Journal::open(&path, drop).expect("it is free again");
}

#[test]
fn anything_but_a_regular_file_is_refused_at_once() {
    for path in ["/dev/full", "/dev/zero", "/"] {
        let error = Journal::open(Path::new(path), drop).expect_err("no journal");
        assert!(error.to_string().contains("not a regular file"), "{error}");
    }
}

#[test]
fn a_failed_append_leaves_the_file_as_it_was() {
    let mut journal = Journal::temporary().expect("a journal");
    journal.append([&record(1)]).expect("it appends");
    let writable = mem::replace(
        &mut journal.file,
        Arc::new(File::open("/dev/null").expect("it opens")),
    );
    let reason = journal.append([&record(2)]).expect_err("it is read-only");
    assert!(reason.contains("cannot write to the record file"));
    // The null device cannot be cut off either, so nothing is written from here on.
    journal.file = writable;
    let again = journal.append([&record(2)]).expect_err("it is broken");
    assert_eq!(again, reason);
    assert_eq!(numbers(&journal, 0), [1]);
}

#[tokio::test]
async fn with_fsync_a_record_has_a_ticket_to_wait_for() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("writes.jsonl");
    let (journal, _) = Journal::open(&path, drop).expect("a journal");
    let mut journal = journal.with_fsync().expect("it syncs");
    for seq in 1..=3 {
        journal.append([&record(seq)]).expect("it appends");
    }
    let ticket = journal.append([&record(4)]).expect("it appends");
    let ticket = ticket.expect("a ticket");
    ticket.wait().await.expect("it is on the disk");
}

#[tokio::test]
async fn after_a_failed_fsync_nothing_is_written_any_more() {
    let mut journal = Journal::temporary().expect("a journal");
    let refuse = || Err(io::Error::other("the disk is gone"));
    journal.syncer = Some(Syncer::start(0, refuse).expect("it starts"));
    let ticket = journal.append([&record(1)]).expect("the system has it");
    let ticket = ticket.expect("a ticket");
    let reason = ticket.wait().await.expect_err("the disk has not");
    assert!(reason.contains("the disk is gone"), "{reason}");
    let reason = journal.append([&record(2)]).expect_err("it is over");
    assert!(reason.contains("the disk is gone"), "{reason}");
    assert_eq!(journal.last(), 1);
}
