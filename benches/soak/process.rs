//! The measured processes: the mock, and the memory and the descriptors of a process.

use std::{
    fs,
    net::SocketAddr,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::processes::{MockProcess, Process, start_mock};

/// A mock that records, with all bearers allowed.
pub(super) struct Mock {
    process: Process,
    pub(super) address: SocketAddr,
}

impl Mock {
    pub(super) fn start(folder: &Path) -> Self {
        let MockProcess {
            process, address, ..
        } = start_mock(folder, |command| {
            command.args(["--tokens", "any", "--record"]);
            command.arg(folder.join("writes.jsonl"));
        });
        Self { process, address }
    }

    pub(super) fn look(&self) -> Look {
        look(self.process.0.id())
    }

    /// Waits until the number of its descriptors stays the same.
    pub(super) fn at_rest(&self) -> Look {
        let mut last = self.look();
        let mut same = 0;
        while same < 5 {
            thread::sleep(Duration::from_millis(200));
            let look = self.look();
            same = if look.descriptors == last.descriptors {
                same + 1
            } else {
                0
            };
            last = look;
        }
        last
    }

    /// Waits until it has no more descriptors than that, for as long as a connection may linger.
    pub(super) fn rest(&self, descriptors: usize) -> Look {
        const TIMEOUT: Duration = Duration::from_secs(20);
        let begun = Instant::now();
        loop {
            let look = self.look();
            if look.descriptors <= descriptors || begun.elapsed() > TIMEOUT {
                return look;
            }
            thread::sleep(Duration::from_millis(200));
        }
    }
}

/// A process at one moment.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Look {
    /// Resident memory, in KiB.
    pub(super) memory: usize,
    pub(super) descriptors: usize,
}

/// Zeros where there is no /proc, or the process has ended.
pub(super) fn look(id: u32) -> Look {
    let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
    let memory = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .and_then(|line| line.split_whitespace().next()?.parse().ok());
    Look {
        memory: memory.unwrap_or(0),
        descriptors: fs::read_dir(format!("/proc/{id}/fd")).map_or(0, Iterator::count),
    }
}

/// The processes that one has started.
pub(super) fn children(id: u32) -> Vec<u32> {
    let listed = fs::read_to_string(format!("/proc/{id}/task/{id}/children"));
    let all = fs::read_dir("/proc").into_iter().flatten().flatten();
    let of_it = |entry: fs::DirEntry| {
        let child: u32 = entry.file_name().to_str()?.parse().ok()?;
        let stat = fs::read_to_string(entry.path().join("stat")).ok()?;
        // Behind the name, which may hold anything: state and parent.
        let parent = stat.rsplit(')').next()?.split_whitespace().nth(1)?;
        (parent.parse() == Ok(id)).then_some(child)
    };
    match listed {
        Ok(listed) if !listed.is_empty() => {
            let ids = listed.split_whitespace().map(str::parse);
            ids.flatten().collect()
        }
        _ => all.filter_map(of_it).collect(),
    }
}

/// What was seen of a process, every so often.
#[derive(Default)]
pub(super) struct Looks(Vec<Look>);

impl Looks {
    pub(super) fn add(&mut self, look: Look) {
        self.0.push(look);
    }

    /// After the warm-up: the third tenth.
    pub(super) fn early(&self) -> Look {
        self.part(2)
    }

    /// The last tenth.
    pub(super) fn late(&self) -> Look {
        self.part(9)
    }

    /// The memory of each tenth.
    pub(super) fn memory(&self) -> String {
        let parts: Vec<String> = (0..10).map(|tenth| mib(self.part(tenth).memory)).collect();
        parts.join(", ")
    }

    /// The medians of a tenth.
    fn part(&self, tenth: usize) -> Look {
        let count = self.0.len();
        let part = &self.0[count * tenth / 10..(count * (tenth + 1) / 10).max(1)];
        let middle = |of: fn(&Look) -> usize| {
            let mut values: Vec<usize> = part.iter().map(of).collect();
            values.sort_unstable();
            values.get(values.len() / 2).copied().unwrap_or(0)
        };
        Look {
            memory: middle(|look| look.memory),
            descriptors: middle(|look| look.descriptors),
        }
    }
}

/// Whether memory has not grown: by a tenth at the most, or by what an allocator keeps anyway.
pub(super) fn is_flat(early: usize, late: usize) -> bool {
    const NOISE: usize = 2 * 1024;
    late <= early + (early / 10).max(NOISE)
}

pub(super) fn mib(kib: usize) -> String {
    format!("{}.{} MiB", kib / 1024, kib % 1024 * 10 / 1024)
}

/// Thousands of connections are thousands of files.
pub(super) fn allow_many_files() {
    let limit = getrlimit(Resource::Nofile);
    // Where it is refused, connecting says so.
    let _ = setrlimit(
        Resource::Nofile,
        Rlimit {
            current: limit.maximum,
            maximum: limit.maximum,
        },
    );
}
