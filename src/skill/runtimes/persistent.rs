//! Copies of a run's scripts and trust store for a shell, which may still name them when the run is over:
//! a runtime does not start when a script that its options name is missing. Without a mock they do nothing.

use std::{
    fs::{self, DirBuilder, Permissions},
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
    time::SystemTime,
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use rustix::process::geteuid;
use sha2::{Digest, Sha256};

use super::{
    own::PERSISTENT_PREFIX,
    run_folder::{RunFiles, SCRIPTS},
};
use crate::env::Environment;

/// How the names of trust stores begin.
const TRUST_STORE_PREFIX: &str = "trust-store-";
/// The most trust stores that are kept. Each mock has its own, of some 200 KB.
const MAX_TRUST_STORES: usize = 16;

/// Copies the scripts and the trust store of a run into a private folder that stays: in the user's cache,
/// else, where that cannot be written, in the folder for temporary files. Returns `files` with the paths
/// of the copies.
///
/// # Errors
/// The system's error for the last of these folders.
pub fn keep_for_shell(files: &RunFiles, environment: &Environment) -> io::Result<RunFiles> {
    let mut outcome = Err(io::ErrorKind::NotFound.into());
    for folder in folders(environment) {
        outcome = keep_in(&folder, files);
        if outcome.is_ok() {
            break;
        }
    }
    outcome
}

/// The folders to try, in order.
fn folders(environment: &Environment) -> Vec<PathBuf> {
    let named = |name: &str| {
        let path = environment.var(name).map(PathBuf::from);
        // A search path cannot hold a colon, and the XDG specification ignores relative paths.
        path.filter(|path| {
            path.is_absolute() && !path.as_os_str().as_encoded_bytes().contains(&b':')
        })
    };
    let cache = named("XDG_CACHE_HOME").or_else(|| Some(named("HOME")?.join(".cache")));
    let temporary = std::env::temp_dir().join(format!("skillctl-{}", geteuid().as_raw()));
    let cache = cache.map(|cache| cache.join("skillctl"));
    cache.into_iter().chain([temporary]).collect()
}

fn keep_in(folder: &Path, files: &RunFiles) -> io::Result<RunFiles> {
    make_private(folder)?;
    let mut hash = Sha256::new();
    let mut scripts = Vec::new();
    for (path, _) in SCRIPTS {
        let script = fs::read(files.scripts.join(path))?;
        hash.update(&script);
        scripts.push((path, script));
    }
    let own = folder.join(format!("{PERSISTENT_PREFIX}{}", short(hash)));
    for (path, script) in scripts {
        write_once(&own.join(path), &script)?;
    }
    let store = fs::read(&files.trust_store)?;
    let name = format!(
        "{TRUST_STORE_PREFIX}{}.p12",
        short(Sha256::new_with_prefix(&store))
    );
    let trust_store = folder.join(name);
    write_once(&trust_store, &store)?;
    remove_old_trust_stores(folder);
    Ok(RunFiles {
        folder: files.folder.clone(),
        scripts: own,
        trust_store,
        has_all_hosts: files.has_all_hosts,
    })
}

/// The beginning of a hash, for names.
fn short(hash: Sha256) -> String {
    let mut text = URL_SAFE_NO_PAD.encode(hash.finalize());
    text.truncate(12);
    text
}

/// Makes a folder that belongs to the user alone. One that another user could have filled is refused:
/// programs run what is in it.
fn make_private(folder: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true).mode(0o700).create(folder)?;
    let found = folder.symlink_metadata()?;
    if !found.is_dir() || found.uid() != geteuid().as_raw() {
        let reason = format!("{} is not a folder of the user's own", folder.display());
        return Err(io::Error::other(reason));
    }
    if found.mode() & 0o022 != 0 {
        let reason = format!("others can write to {}", folder.display());
        return Err(io::Error::other(reason));
    }
    Ok(())
}

/// Writes a file whole, unless it is there with this content.
fn write_once(path: &Path, content: &[u8]) -> io::Result<()> {
    if fs::read(path).is_ok_and(|found| found == content) {
        return Ok(());
    }
    let folder = path.parent().unwrap_or(Path::new("/"));
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(content)?;
    file.as_file()
        .set_permissions(Permissions::from_mode(0o600))?;
    file.persist(path)?;
    Ok(())
}

/// Removes all but the newest trust stores. Errors are ignored: a later call tries again.
fn remove_old_trust_stores(folder: &Path) {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut stores: Vec<(SystemTime, PathBuf)> = entries
        .filter(|entry| {
            entry
                .file_name()
                .as_encoded_bytes()
                .starts_with(TRUST_STORE_PREFIX.as_bytes())
        })
        .filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path())))
        .collect();
    stores.sort();
    let old = stores.len().saturating_sub(MAX_TRUST_STORES);
    for (_, path) in &stores[..old] {
        let _ = fs::remove_file(path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A run's files: scripts, and a trust store with this content.
    fn run(folder: &Path, store: &[u8]) -> RunFiles {
        for (path, script) in SCRIPTS {
            write_once(&folder.join(path), script.as_bytes()).expect("it is written");
        }
        let trust_store = folder.join("trust-store.p12");
        fs::write(&trust_store, store).expect("it is written");
        RunFiles {
            folder: folder.to_owned(),
            scripts: folder.to_owned(),
            trust_store,
            has_all_hosts: false,
        }
    }

    fn home(path: &Path) -> Environment {
        Environment::from_variables([("HOME", path.to_string_lossy())])
    }

    #[test]
    fn the_copies_stay_when_the_run_is_over_and_are_the_users_alone() {
        let home_folder = tempfile::tempdir().expect("a folder");
        let folder = tempfile::tempdir().expect("a folder");
        let files = run(folder.path(), b"one");
        let kept = keep_for_shell(&files, &home(home_folder.path())).expect("they are kept");
        assert_eq!(kept.folder, files.folder);
        drop(folder);
        for (path, script) in SCRIPTS {
            let found = fs::read_to_string(kept.scripts.join(path)).expect("it is there");
            assert_eq!(found, script);
        }
        assert_eq!(fs::read(&kept.trust_store).expect("it is there"), b"one");
        let cache = home_folder.path().join(".cache/skillctl");
        assert!(kept.scripts.starts_with(&cache) && kept.trust_store.starts_with(&cache));
        let mode = cache.metadata().expect("it is there").mode();
        assert_eq!(mode & 0o777, 0o700);
    }

    #[test]
    fn scripts_are_kept_once_and_few_trust_stores() {
        let home_folder = tempfile::tempdir().expect("a folder");
        let folder = tempfile::tempdir().expect("a folder");
        let mut last = None;
        for number in 0..MAX_TRUST_STORES + 4 {
            let files = run(folder.path(), &number.to_be_bytes());
            last = keep_for_shell(&files, &home(home_folder.path())).ok();
        }
        let last = last.expect("they are kept");
        assert!(last.trust_store.exists());
        let cache = home_folder.path().join(".cache/skillctl");
        let count = fs::read_dir(cache).expect("a folder").count();
        assert_eq!(count, MAX_TRUST_STORES + 1);
    }

    #[test]
    fn a_damaged_copy_is_written_again() {
        let home_folder = tempfile::tempdir().expect("a folder");
        let folder = tempfile::tempdir().expect("a folder");
        let files = run(folder.path(), b"one");
        let kept = keep_for_shell(&files, &home(home_folder.path())).expect("they are kept");
        fs::write(kept.node_script(), "broken").expect("it is written");
        let again = keep_for_shell(&files, &home(home_folder.path())).expect("they are kept");
        assert_eq!(again, kept);
        assert_eq!(
            fs::read_to_string(kept.node_script()).expect("it is there"),
            SCRIPTS[0].1
        );
    }

    #[test]
    fn a_folder_that_others_can_write_to_or_that_cannot_be_made_is_not_used() {
        let home_folder = tempfile::tempdir().expect("a folder");
        let folder = tempfile::tempdir().expect("a folder");
        let files = run(folder.path(), b"one");
        let shared = home_folder.path().join("skillctl");
        fs::create_dir(&shared).expect("it is made");
        fs::set_permissions(&shared, Permissions::from_mode(0o777)).expect("it is set");
        assert!(keep_in(&shared, &files).is_err());
        let link = home_folder.path().join("link");
        std::os::unix::fs::symlink(folder.path(), &link).expect("a link");
        assert!(keep_in(&link, &files).is_err());
        fs::write(home_folder.path().join(".cache"), "a file").expect("it is written");
        let kept = keep_for_shell(&files, &home(home_folder.path())).expect("they are kept");
        assert!(kept.scripts.starts_with(std::env::temp_dir()));
    }
}
