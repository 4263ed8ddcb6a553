//! What has gathered and is not written down yet, and which files it is about. It stands in lanes,
//! one for each runtime that serves calls, so that who waits for the end of a group and who sees to
//! it run on the same one: to wake a task of another costs the system a call. When a group is written
//! down is not decided here.

use std::{mem, sync::Arc};

use smol_str::SmolStr;
use tokio::runtime::Id;

use super::End;
use crate::{
    domain::{
        call::EventIds,
        notice::{Notice, Opening},
    },
    mock_box::{Change, Ids},
};

/// Bytes of a write that is not written down with others: for what is large there may be no room
/// where there is for them.
const LARGE: usize = 16 * 1024;
/// Bytes of a group, about, that takes no more.
const MOST_BYTES: usize = 128 * 1024;

/// Where writes gather. Who holds it does so for a decision, or has the turn.
#[derive(Debug)]
pub(in crate::store) struct Gathering {
    /// New ids.
    pub(in crate::store) ids: Ids,
    lanes: Vec<Lane>,
    /// What is on its way into the record file, or was when somebody last looked.
    leaving: Vec<Leaving>,
}

/// What gathers on one runtime.
#[derive(Debug)]
pub(super) struct Lane {
    runtime: Id,
    /// What is to be written down next, in this order.
    groups: Vec<Group>,
    /// Whether what has gathered waits for others, and its calls were told to be open.
    pub(super) waits: bool,
}

/// Writes that are written down together.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) members: Vec<Member>,
    files: Files,
    /// How many bytes more it takes, about.
    room: usize,
    pub(super) end: Arc<End>,
}

/// One of them.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) changes: Vec<Change>,
    pub(super) events: EventIds,
    /// That its call is open, where that is still to be told.
    pub(super) opening: Option<Opening>,
}

/// The files of a group that somebody writes down.
#[derive(Debug)]
struct Leaving {
    files: Files,
    end: Arc<End>,
}

/// The files that the writes of a group are about.
#[derive(Debug, Default)]
struct Files {
    ids: Vec<SmolStr>,
    /// A bit for each: most that are asked about are known not to be among them.
    bits: [u64; 8],
}

impl Gathering {
    pub(in crate::store) fn new(ids: Ids) -> Self {
        Self {
            ids,
            lanes: Vec::new(),
            leaving: Vec::new(),
        }
    }

    /// Whether a write about this file is not yet written down.
    pub(super) fn has(&self, file_id: &str) -> bool {
        let is_leaving = |it: &Leaving| it.files.has(file_id) && !it.end.has_come();
        self.has_gathered(file_id) || self.leaving.iter().any(is_leaving)
    }

    /// Whether one has gathered, and nobody writes it down yet.
    pub(super) fn has_gathered(&self, file_id: &str) -> bool {
        self.groups().any(|group| group.files.has(file_id))
    }

    /// All that has gathered.
    pub(super) fn groups(&self) -> impl Iterator<Item = &Group> {
        self.lanes.iter().flat_map(|lane| &lane.groups)
    }

    /// What gathers on a runtime.
    pub(super) fn lane(&mut self, runtime: Id) -> &mut Lane {
        let found = self.lanes.iter().position(|lane| lane.runtime == runtime);
        let at = found.unwrap_or_else(|| {
            self.lanes.push(Lane {
                runtime,
                groups: Vec::new(),
                waits: false,
            });
            self.lanes.len() - 1
        });
        &mut self.lanes[at]
    }

    /// What is to be written down, by whoever has the turn: all, or what gathered on one runtime.
    pub(super) fn leave(&mut self, only: Option<Id>) -> Vec<Group> {
        let mut groups = Vec::new();
        for lane in &mut self.lanes {
            if only.is_none_or(|runtime| lane.runtime == runtime) {
                groups.append(&mut lane.groups);
                lane.waits = false;
            }
        }
        self.leaving.clear();
        self.leaving.extend(groups.iter_mut().map(|group| Leaving {
            files: mem::take(&mut group.files),
            end: Arc::clone(&group.end),
        }));
        groups
    }
}

impl Lane {
    /// Whether nothing has gathered here, so that nobody sees to it yet.
    pub(super) fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    /// Its calls wait for others: gives what is to be told of their being open.
    pub(super) fn wait(&mut self) -> Vec<Notice> {
        self.waits = true;
        let members = self.groups.iter_mut().flat_map(|group| &mut group.members);
        let openings = members.filter_map(|member| member.opening.take());
        openings.map(Notice::Opened).collect()
    }

    /// Takes a write of so many bytes in; gives the end that it waits for.
    pub(super) fn add(&mut self, file_id: SmolStr, weight: usize, member: Member) -> Arc<End> {
        let fits = |group: &Group| weight <= LARGE && weight <= group.room;
        if !self.groups.last().is_some_and(fits) {
            self.groups.push(Group::with_room_for(weight));
        }
        let last = self.groups.len() - 1;
        self.groups[last].add(file_id, weight, member)
    }
}

impl Group {
    /// A large write has one of its own.
    fn with_room_for(weight: usize) -> Self {
        Self {
            members: Vec::new(),
            files: Files::default(),
            room: if weight <= LARGE { MOST_BYTES } else { weight },
            end: Arc::default(),
        }
    }

    fn add(&mut self, file_id: SmolStr, weight: usize, member: Member) -> Arc<End> {
        self.files.add(file_id);
        self.members.push(member);
        self.room -= weight;
        Arc::clone(&self.end)
    }
}

/// A group that is given up, by a panic or with the mock, keeps nobody waiting.
impl Drop for Group {
    fn drop(&mut self) {
        if !self.end.has_come() {
            self.end.come(Err("the write was given up".to_owned()));
        }
    }
}

impl Files {
    fn has(&self, file_id: &str) -> bool {
        let (word, bit) = bit(file_id);
        self.bits[word] & bit != 0 && self.ids.iter().any(|id| id == file_id)
    }

    fn add(&mut self, file_id: SmolStr) {
        let (word, bit) = bit(&file_id);
        self.bits[word] |= bit;
        self.ids.push(file_id);
    }
}

/// The bit of a file, and the word that it is in.
fn bit(file_id: &str) -> (usize, u64) {
    let mix = |sum: usize, byte: u8| sum.wrapping_mul(31).wrapping_add(byte.into());
    let mixed = file_id.bytes().fold(0, mix);
    (mixed / 64 % 8, 1 << (mixed % 64))
}

#[cfg(test)]
mod tests {
    use tokio::runtime::{Builder, Handle};

    use super::*;

    fn add(lane: &mut Lane, file_id: &str, weight: usize) {
        let member = Member {
            changes: Vec::new(),
            events: EventIds::default(),
            opening: None,
        };
        lane.add(file_id.into(), weight, member);
    }

    fn members(groups: &[Group]) -> Vec<usize> {
        groups.iter().map(|group| group.members.len()).collect()
    }

    #[tokio::test]
    async fn a_group_takes_so_many_bytes() {
        let mut gathering = Gathering::new(Ids::new(0));
        let lane = gathering.lane(Handle::current().id());
        for nth in 0..=MOST_BYTES / LARGE * 2 {
            add(lane, &nth.to_string(), LARGE);
        }
        assert_eq!(members(&lane.groups), [8, 8, 1]);
    }

    #[test]
    fn runtimes_gather_beside_one_another_and_know_of_each_other() {
        let runtimes = [(); 2].map(|()| Builder::new_current_thread().build().expect("a runtime"));
        let [one, other] = [0, 1].map(|nth| runtimes[nth].handle().id());
        let mut gathering = Gathering::new(Ids::new(0));
        for (runtime, file_id) in [(one, "1"), (other, "2"), (one, "3")] {
            add(gathering.lane(runtime), file_id, 1);
        }
        let leaving = gathering.leave(Some(one));
        assert_eq!(members(&leaving), [2]);
        assert!(gathering.lane(one).is_empty() && !gathering.lane(other).is_empty());
        for (file_id, has_gathered) in [("1", false), ("2", true), ("3", false), ("4", false)] {
            assert_eq!(gathering.has_gathered(file_id), has_gathered, "{file_id}");
            assert_eq!(gathering.has(file_id), file_id != "4", "{file_id}");
        }
        drop(leaving);
        assert!(!gathering.has("1"), "its end has come");
        add(gathering.lane(one), "1", 1);
        assert_eq!(members(&gathering.leave(None)), [1, 1]);
    }
}
