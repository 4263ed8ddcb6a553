//! Which cases the changed files belong to.

use std::path::{Component, Path, PathBuf};

/// The name of a case as an absolute path, without `.` and `..`: `/p/cases/talk`, `/p/many.jsonl:3`.
/// It names the case in whichever folder skillctl runs.
pub fn absolute_name(name: &str) -> PathBuf {
    let path = std::path::absolute(name).unwrap_or_else(|_| PathBuf::from(name));
    let mut clean = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => {
                clean.pop();
            }
            Component::CurDir => {}
            other => clean.push(other),
        }
    }
    clean
}

/// Whether a file belongs to the case with this absolute name.
pub fn belongs_to(file: &Path, case: &Path) -> bool {
    let name = |path: &Path| Some(path.file_name()?.to_str()?.to_owned());
    let (Some(case_name), Some(file_name)) = (name(case), name(file)) else {
        return false;
    };
    // Line 3 of many.jsonl: the file itself, and many/3.expected.json.
    if let Some((lines, number)) = case_name.rsplit_once(':') {
        let lines = case.with_file_name(lines);
        let is_of_line = file_name.starts_with(&format!("{number}."));
        return file == lines || (file.parent() == Some(&lines.with_extension("")) && is_of_line);
    }
    // talk.json: itself, talk.content.mp3, talk.expected.json.
    if let Some(stem) = case_name.strip_suffix(".json")
        && file.parent() == case.parent()
    {
        return file_name.starts_with(&format!("{stem}."));
    }
    // A case folder, which holds event.json.
    file.parent() == Some(case)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_absolute_and_without_dots() {
        let here = std::env::current_dir().expect("a folder");
        assert_eq!(absolute_name("cases/./a/../b"), here.join("cases/b"));
        assert_eq!(
            absolute_name("/p/../q/many.jsonl:3"),
            PathBuf::from("/q/many.jsonl:3")
        );
    }

    #[test]
    fn a_file_belongs_to_its_case_alone() {
        for (file, case, belongs) in [
            ("/c/talk/event.json", "/c/talk", true),
            ("/c/talk/content.mp3", "/c/talk", true),
            ("/c/talk/expected.json", "/c/talk", true),
            ("/c/talk2/event.json", "/c/talk", false),
            ("/c/talk/deep/event.json", "/c/talk", false),
            ("/c/a.json", "/c/a.json", true),
            ("/c/a.content.txt", "/c/a.json", true),
            ("/c/ab.json", "/c/a.json", false),
            ("/c/many.jsonl", "/c/many.jsonl:3", true),
            ("/c/many/3.expected.json", "/c/many.jsonl:3", true),
            ("/c/many/31.expected.json", "/c/many.jsonl:3", false),
            ("/c/many/1.expected.json", "/c/many.jsonl:3", false),
            ("/c/index.js", "/c/a.json", false),
        ] {
            assert_eq!(
                belongs_to(Path::new(file), Path::new(case)),
                belongs,
                "{file} {case}"
            );
        }
    }
}
