//! The cases that failed the last time they ran, kept between runs for `--last-failed`: a file for each
//! project in `$XDG_STATE_HOME/skillctl`.

use std::{
    collections::{BTreeSet, HashSet},
    fs::{self, Permissions},
    io::{self, Write},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::plan::absolute_name;
use crate::{domain::hex, env::Environment};

/// The version of the file's format.
const VERSION: u32 = 1;
/// The most cases that are kept.
const MAX_CASES: usize = 10_000;

/// The failed cases of a project, by their absolute names.
#[derive(Debug)]
pub struct LastFailed {
    /// Where they are kept; `None` without a home folder.
    path: Option<PathBuf>,
    project: PathBuf,
    failed: BTreeSet<PathBuf>,
    /// Those that failed in this run: one that fails once of several times has failed.
    failed_now: HashSet<PathBuf>,
    /// Why the kept cases cannot be read. They are then left as they are.
    unreadable: Option<String>,
    is_changed: bool,
}

#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    version: u32,
    project: PathBuf,
    failed: BTreeSet<PathBuf>,
}

impl LastFailed {
    /// Reads the failed cases of a project. `project` is the absolute path of its `skillctl.toml`,
    /// or of the current folder. A file that is missing, or that is not one of these, counts as
    /// empty. One of another version of skillctl is neither read nor written.
    pub fn read(project: &Path, environment: &Environment) -> Self {
        let mut path = state_folder(environment).map(|folder| folder.join(file_name(project)));
        let text = path.as_deref().and_then(|path| fs::read(path).ok());
        let kept: Option<Kept> = text.and_then(|text| serde_json::from_slice(&text).ok());
        let (mut failed, mut unreadable) = (BTreeSet::new(), None);
        match kept.filter(|kept| kept.project == project) {
            Some(kept) if kept.version == VERSION => failed = kept.failed,
            Some(kept) => {
                let shown = path.take().unwrap_or_default();
                unreadable = Some(format!(
                    "{} has format version {}, which this skillctl does not know; delete it",
                    shown.display(),
                    kept.version
                ));
            }
            None => {}
        }
        Self {
            path,
            project: project.to_owned(),
            failed,
            failed_now: HashSet::new(),
            unreadable,
            is_changed: false,
        }
    }

    /// Why the kept cases cannot be read.
    pub fn unreadable(&self) -> Option<&str> {
        self.unreadable.as_deref()
    }

    /// A run begins: what failed in one before it, which may have been cancelled, does not count.
    pub fn begin(&mut self) {
        self.failed_now.clear();
    }

    /// The cases that failed the last time they ran.
    pub fn cases(&self) -> &BTreeSet<PathBuf> {
        &self.failed
    }

    /// Takes the verdict of a case.
    pub fn judged(&mut self, name: &str, is_ok: bool) {
        // Nothing was kept and nothing fails: the usual case of a large run costs nothing.
        if is_ok && self.failed.is_empty() {
            return;
        }
        let name = absolute_name(name);
        if is_ok {
            if !self.failed_now.contains(&name) {
                self.is_changed |= self.failed.remove(&name);
            }
        } else if self.failed.len() < MAX_CASES {
            self.is_changed |= self.failed.insert(name.clone());
            self.failed_now.insert(name);
        }
    }

    /// Ends a run: keeps the failed cases for the next one, if they have changed.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn save(&mut self) -> io::Result<()> {
        self.failed_now.clear();
        let Some(path) = self.path.as_deref().filter(|_| self.is_changed) else {
            return Ok(());
        };
        self.is_changed = false;
        let folder = path.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder)?;
        let kept = Kept {
            version: VERSION,
            project: self.project.clone(),
            failed: self.failed.clone(),
        };
        let mut file = tempfile::Builder::new()
            .permissions(Permissions::from_mode(0o600))
            .tempfile_in(folder)?;
        file.write_all(&serde_json::to_vec(&kept)?)?;
        file.persist(path)?;
        Ok(())
    }
}

/// `$XDG_STATE_HOME/skillctl`, by default `~/.local/state/skillctl`.
fn state_folder(environment: &Environment) -> Option<PathBuf> {
    let state = environment
        .var("XDG_STATE_HOME")
        .map(PathBuf::from)
        .filter(|path| path.is_absolute());
    let home = || Some(Path::new(environment.var("HOME")?).join(".local/state"));
    Some(state.or_else(home)?.join("skillctl"))
}

fn file_name(project: &Path) -> String {
    let hash = Sha256::digest(project.as_os_str().as_encoded_bytes());
    format!("last-failed-{}.json", hex::encode(&hash[..8]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(folder: &Path) -> LastFailed {
        let folder = folder.to_str().expect("UTF-8");
        let environment = Environment::from_variables([("XDG_STATE_HOME", folder)]);
        LastFailed::read(Path::new("/a/skillctl.toml"), &environment)
    }

    fn names(state: &LastFailed) -> Vec<&str> {
        state.cases().iter().filter_map(|it| it.to_str()).collect()
    }

    #[test]
    fn a_case_is_kept_until_it_passes() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut first = state(folder.path());
        assert!(first.cases().is_empty());
        for (name, is_ok) in [("/c/a", false), ("/c/b", false), ("/c/d", true)] {
            first.judged(name, is_ok);
        }
        first.save().expect("it is written");
        let mut second = state(folder.path());
        assert_eq!(names(&second), ["/c/a", "/c/b"]);
        second.judged("/c/a", true);
        second.save().expect("it is written");
        assert_eq!(names(&state(folder.path())), ["/c/b"]);
    }

    #[test]
    fn a_case_that_fails_once_of_several_times_has_failed() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut run = state(folder.path());
        for is_ok in [true, false, true] {
            run.judged("/c/a", is_ok);
        }
        assert_eq!(names(&run), ["/c/a"]);
        run.save().expect("it is written");
        run.judged("/c/a", true);
        assert!(run.cases().is_empty(), "the next run passed");
    }

    #[test]
    fn a_failure_of_a_cancelled_run_does_not_count_in_the_next_one() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut run = state(folder.path());
        run.judged("/c/a", false);
        run.begin();
        run.judged("/c/a", true);
        assert!(run.cases().is_empty());
    }

    #[test]
    fn projects_and_versions_are_distinguished() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut run = state(folder.path());
        run.judged("/c/a", false);
        run.save().expect("it is written");
        let text = folder.path().to_str().expect("UTF-8");
        let environment = Environment::from_variables([("XDG_STATE_HOME", text)]);
        let other = LastFailed::read(Path::new("/b/skillctl.toml"), &environment);
        assert!(other.cases().is_empty());
        let path = run.path.clone().expect("a path");
        let newer = fs::read_to_string(&path)
            .expect("it reads")
            .replace("\"version\":1", "\"version\":2");
        fs::write(&path, &newer).expect("it writes");
        let mut unread = state(folder.path());
        let reason = unread.unreadable().expect("newer");
        assert!(reason.contains("format version 2"), "{reason}");
        unread.judged("/c/b", false);
        unread.save().expect("nothing is written");
        assert_eq!(fs::read_to_string(&path).expect("it reads"), newer);
    }

    #[test]
    fn nothing_is_kept_without_a_home_folder() {
        let environment = Environment::from_variables::<&str, &str>([]);
        let mut run = LastFailed::read(Path::new("/a"), &environment);
        run.judged("/c/a", false);
        run.save().expect("nothing to write");
    }
}
