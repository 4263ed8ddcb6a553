//! Finds `skillctl.toml`: in the current folder or the nearest parent that has one, up to the folder
//! that holds `.git`, or to the home folder. What the file means is for `cli`.
//!
//! The file can name commands to run, so a file that others can write is left out, as is one in a folder
//! that others can write to.

use std::{
    fs::{self, File, Metadata},
    io::{self, Read},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use rustix::process::{getegid, geteuid};

use super::Environment;

/// The name of the file.
pub const NAME: &str = "skillctl.toml";

/// The largest file that is read, in bytes.
const MAX_BYTES: u64 = 1 << 20;

/// A file that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigFile {
    /// The path, relative to the current folder: `skillctl.toml`, `../skillctl.toml`.
    pub path: PathBuf,
    /// The content.
    pub text: String,
}

impl ConfigFile {
    /// The folder that holds the file, relative to the current one. Empty for the current folder.
    pub fn folder(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new(""))
    }
}

/// The result of a search.
#[derive(Debug, Default)]
pub struct ConfigSearch {
    /// The file, if there is one.
    pub file: Option<ConfigFile>,
    /// Why files were left out, with their paths.
    pub left_out: Vec<String>,
}

/// Searches from the current folder up.
///
/// # Errors
/// A file exists that cannot be read; the text names it.
pub fn find(environment: &Environment) -> Result<ConfigSearch, String> {
    let Ok(current) = std::env::current_dir() else {
        return Ok(ConfigSearch::default());
    };
    let home = environment.var("HOME").map(PathBuf::from);
    search(&current, home.as_deref(), Path::new(""))
}

/// Searches from `current` up. `prefix` is the path of `current`, relative to the folder of the process.
fn search(current: &Path, home: Option<&Path>, prefix: &Path) -> Result<ConfigSearch, String> {
    let home = home.and_then(|home| fs::canonicalize(home).ok());
    let mut search = ConfigSearch::default();
    let mut prefix = prefix.to_owned();
    for folder in current.ancestors() {
        let path = prefix.join(NAME);
        if folder.join(NAME).symlink_metadata().is_ok() {
            match read(folder) {
                Ok(text) => {
                    search.file = Some(ConfigFile { path, text });
                    return Ok(search);
                }
                Err(Unusable::Untrusted(reason)) => {
                    let path = folder.join(NAME);
                    let line = format!("{} is left out: {reason}", path.display());
                    search.left_out.push(line);
                }
                Err(Unusable::Unreadable(error)) => {
                    return Err(format!("cannot read {}: {error}", path.display()));
                }
            }
        }
        let is_repository = folder.join(".git").symlink_metadata().is_ok();
        if is_repository || home.as_deref() == Some(folder) {
            break;
        }
        prefix.push("..");
    }
    Ok(search)
}

/// Why a file is not used.
#[derive(Debug)]
enum Unusable {
    Untrusted(String),
    Unreadable(io::Error),
}

/// The text of the file in `folder`.
fn read(folder: &Path) -> Result<String, Unusable> {
    let path = folder.join(NAME);
    let about_folder = fs::metadata(folder).map_err(Unusable::Unreadable)?;
    let about = fs::metadata(&path).map_err(Unusable::Unreadable)?;
    for (about, thing) in [(&about_folder, "the folder"), (&about, "the file")] {
        if let Some(reason) = distrust(about, thing) {
            return Err(Unusable::Untrusted(reason));
        }
    }
    // A pipe would block.
    if !about.is_file() {
        let error = io::Error::other("it is not a regular file");
        return Err(Unusable::Unreadable(error));
    }
    let mut text = String::new();
    File::open(&path)
        .and_then(|file| file.take(MAX_BYTES + 1).read_to_string(&mut text))
        .map_err(Unusable::Unreadable)?;
    if text.len() as u64 > MAX_BYTES {
        let error = io::Error::other(format!("it is larger than {MAX_BYTES} bytes"));
        return Err(Unusable::Unreadable(error));
    }
    Ok(text)
}

/// Why a file or folder may hold what another user wrote.
fn distrust(about: &Metadata, thing: &str) -> Option<String> {
    let (user, group) = (geteuid().as_raw(), getegid().as_raw());
    if about.uid() != user && about.uid() != 0 {
        return Some(format!(
            "{thing} belongs to another user (id {}); make it your own with chown",
            about.uid()
        ));
    }
    // Linux gives each user a group of their own, and lets it write by default.
    let is_own_group = cfg!(target_os = "linux") && about.gid() == group;
    let others = if is_own_group { 0o002 } else { 0o022 };
    if about.mode() & others != 0 {
        return Some(format!(
            "other users can write to {thing}; run `chmod go-w` on it"
        ));
    }
    None
}

#[cfg(test)]
mod tests {
    use std::{fs::Permissions, os::unix::fs::PermissionsExt};

    use super::*;

    fn tree(folders: &[&str], files: &[&str]) -> (tempfile::TempDir, PathBuf) {
        let top = tempfile::tempdir().expect("a folder");
        for folder in folders {
            fs::create_dir_all(top.path().join(folder)).expect("a folder");
        }
        for file in files {
            fs::write(top.path().join(file), format!("# {file}")).expect("it writes");
        }
        let root = top.path().canonicalize().expect("it exists");
        (top, root)
    }

    fn found(current: &Path, home: Option<&Path>) -> Option<(String, String)> {
        let search = search(current, home, Path::new("")).expect("readable");
        let file = search.file?;
        Some((file.path.display().to_string(), file.text))
    }

    #[test]
    fn the_nearest_file_is_found_with_its_relative_path() {
        let (_top, root) = tree(&["a/b", ".git"], &["skillctl.toml", "a/skillctl.toml"]);
        let of = |path: &str, text: &str| Some((path.to_owned(), text.to_owned()));
        assert_eq!(
            found(&root.join("a/b"), None),
            of("../skillctl.toml", "# a/skillctl.toml")
        );
        assert_eq!(found(&root, None), of("skillctl.toml", "# skillctl.toml"));
    }

    #[test]
    fn the_search_ends_at_a_repository_and_at_the_home_folder() {
        let (_top, root) = tree(&["a/b", "a/.git"], &["skillctl.toml"]);
        assert_eq!(found(&root.join("a/b"), None), None);
        fs::remove_dir(root.join("a/.git")).expect("it is removed");
        // A worktree and a submodule have a file.
        fs::write(root.join("a/.git"), "gitdir: …").expect("it writes");
        assert_eq!(found(&root.join("a/b"), None), None);
        fs::remove_file(root.join("a/.git")).expect("it is removed");
        assert_eq!(found(&root.join("a/b"), Some(&root.join("a"))), None);
        assert!(
            found(&root.join("a/b"), Some(&root)).is_some(),
            "home itself counts"
        );
    }

    #[test]
    fn a_file_that_others_can_write_is_left_out_and_the_search_goes_up() {
        let (_top, root) = tree(
            &["open/inner", ".git"],
            &[
                "skillctl.toml",
                "open/skillctl.toml",
                "open/inner/skillctl.toml",
            ],
        );
        let chmod = |path: &str, mode| {
            let permissions = Permissions::from_mode(mode);
            fs::set_permissions(root.join(path), permissions).expect("it is ours");
        };
        chmod("open", 0o777);
        chmod("open/inner/skillctl.toml", 0o666);
        let search = search(&root.join("open/inner"), None, Path::new("")).expect("readable");
        let path = search.file.expect("the one at the top").path;
        assert_eq!(path, Path::new("../../skillctl.toml"));
        let [file, folder] = search.left_out.as_slice() else {
            panic!("{:?}", search.left_out);
        };
        assert!(
            file.contains("inner/skillctl.toml is left out: other users can write to the file")
        );
        assert!(
            folder.contains("open/skillctl.toml is left out: other users can write to the folder")
        );
    }

    #[test]
    fn a_file_that_cannot_be_read_is_an_error() {
        let (_top, root) = tree(&["skillctl.toml", ".git"], &[]);
        let error = search(&root, None, Path::new("")).expect_err("a folder");
        assert!(error.contains("not a regular file"), "{error}");
        fs::remove_dir(root.join(NAME)).expect("it is removed");
        fs::write(root.join(NAME), "#".repeat(2 << 20)).expect("it writes");
        let error = search(&root, None, Path::new("")).expect_err("too large");
        assert!(error.contains("larger than"), "{error}");
    }
}
