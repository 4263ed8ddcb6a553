//! The record file as another program reads it: byte by byte while the mock runs, with nothing of the
//! mock's own code.

use std::{
    collections::BTreeMap,
    fs::{self, File, OpenOptions},
    io::{Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use serde_json::Value;

use super::clients::Random;

/// One whole line.
pub(super) struct Entry {
    pub(super) seq: u64,
    pub(super) op: String,
    pub(super) file: String,
    /// The number of the client that wrote it, from the end of its token.
    pub(super) who: usize,
    /// What marks the write, in the text of its first card; a deletion has none.
    pub(super) marker: Option<String>,
    pub(super) instance: Value,
}

/// What has been read of the file so far.
pub(super) struct Ledger {
    pub(super) path: PathBuf,
    /// Up to here its lines are whole, in bytes.
    pub(super) whole: u64,
    /// The number of the last line.
    pub(super) seq: u64,
    /// The last instance of each file, null where it was deleted.
    pub(super) instances: BTreeMap<String, Value>,
}

impl Ledger {
    pub(super) fn new(path: PathBuf) -> Self {
        Self {
            path,
            whole: 0,
            seq: 0,
            instances: BTreeMap::new(),
        }
    }

    /// The lines that were added since. They are numbered without a gap.
    pub(super) fn read_on(&mut self) -> Vec<Entry> {
        let mut added = Vec::new();
        let mut file = File::open(&self.path).expect("it opens");
        file.seek(SeekFrom::Start(self.whole)).expect("it seeks");
        file.read_to_end(&mut added).expect("it reads");
        let mut entries = Vec::new();
        for line in added.split_inclusive(|byte| *byte == b'\n') {
            if !line.ends_with(b"\n") {
                break;
            }
            let entry = entry(line);
            assert_eq!(entry.seq, self.seq + 1, "the numbers have no gap");
            self.seq = entry.seq;
            self.whole += line.len() as u64;
            self.instances
                .insert(entry.file.clone(), entry.instance.clone());
            entries.push(entry);
        }
        entries
    }

    /// Whether there is an incomplete line at the end.
    pub(super) fn is_torn(&self) -> bool {
        length_of(&self.path) > self.whole
    }

    /// Appends a part of a line, as an interrupted write leaves it.
    pub(super) fn tear(&self, random: &mut Random) {
        let bytes = fs::read(&self.path).expect("it reads");
        let last = bytes.split_inclusive(|byte| *byte == b'\n').next_back();
        let line = last.expect("a line");
        let piece = 1 + random.below(line.len() as u64 - 2);
        let piece = usize::try_from(piece).expect("it is shorter than the line");
        let mut file = OpenOptions::new()
            .append(true)
            .open(&self.path)
            .expect("it opens");
        file.write_all(&line[..piece]).expect("it writes");
    }

    /// All of it, from the start.
    pub(super) fn read_all(&self) -> Vec<Entry> {
        Self::new(self.path.clone()).read_on()
    }
}

/// The length of a file, in bytes.
pub(super) fn length_of(path: &Path) -> u64 {
    fs::metadata(path).expect("it is there").len()
}

fn entry(line: &[u8]) -> Entry {
    let mut record: Value = serde_json::from_slice(line).expect("a whole line is a record");
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let first = &record["instance"]["cards"][0]["entries"][0]["text"];
    let marker = first.as_str().and_then(|text| text.split(' ').next());
    Entry {
        seq: record["seq"].as_u64().expect("a number"),
        op: text(&record["op"]),
        file: text(&record["file_id"]),
        who: text(&record["token"]["last4"]).parse().expect("a number"),
        marker: marker.map(str::to_owned),
        instance: record["instance"].take(),
    }
}
