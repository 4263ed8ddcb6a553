//! Programs on the user's `PATH`.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use super::Environment;

/// The file that a shell would start for `name`, or `None`. A name with a slash is a path.
pub fn find_program(name: &str, environment: &Environment) -> Option<PathBuf> {
    if name.contains('/') {
        return Some(PathBuf::from(name)).filter(|path| is_executable(path));
    }
    let folders = environment.var("PATH").unwrap_or_default();
    std::env::split_paths(folders)
        .map(|folder| folder.join(name))
        .find(|path| is_executable(path))
}

fn is_executable(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_executable_files_are_programs() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("tool");
        fs::write(&path, "").expect("it is written");
        let environment = Environment::from_variables([("PATH", folder.path().to_string_lossy())]);
        assert_eq!(find_program("tool", &environment), None);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("it is ours");
        assert_eq!(find_program("tool", &environment), Some(path));
        assert_eq!(find_program("another", &environment), None);
    }
}
