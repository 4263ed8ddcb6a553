//! From the paths on the command line to sources: files, folders searched to any depth, globs, the
//! standard input. Reading what is in them is in `reader`.

use std::{
    fs::{self, File},
    io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

use globset::{GlobBuilder, GlobMatcher};
use walkdir::WalkDir;

use super::error::PlanError;
use crate::env::file_part::FilePart;

/// The largest event that is read, in bytes.
pub(super) const MAX_EVENT_BYTES: u64 = 64 * 1024 * 1024;
/// Extensions of programs and of their sources.
const SOURCE_EXTENSIONS: [&str; 22] = [
    "js", "mjs", "cjs", "jsx", "ts", "mts", "tsx", "py", "rb", "go", "rs", "java", "jar", "kt",
    "cs", "php", "pl", "sh", "bash", "ps1", "exe", "class",
];
/// JSON files of well-known tools, which a folder may hold next to events.
const FILES_OF_TOOLS: [&str; 9] = [
    "package.json",
    "package-lock.json",
    "npm-shrinkwrap.json",
    "tsconfig.json",
    "jsconfig.json",
    "deno.json",
    "composer.json",
    "vercel.json",
    "global.json",
];
/// The path that names the standard input.
const STDIN: &str = "-";
/// What the standard input is called.
const STDIN_NAME: &str = "<stdin>";

/// Where events come from.
#[derive(Clone, Debug)]
pub(super) enum Source {
    /// A file with one event.
    File(PathBuf),
    /// One event a line; the second is what it is called.
    Lines(Spooled, PathBuf),
    /// The standard input with one event.
    Stdin(Spooled),
    /// A file that is uploaded.
    Upload(PathBuf),
}

/// Bytes that can be read again: a file of the user, or the standard input in a temporary file.
#[derive(Clone, Debug)]
pub(super) enum Spooled {
    /// A file.
    Path(PathBuf),
    /// An unnamed file, removed when it is closed.
    TempFile(Arc<File>),
}

impl Spooled {
    /// Reads it from its start.
    pub(super) fn open(&self) -> io::Result<Box<dyn BufRead + Send>> {
        Ok(match self {
            Self::Path(path) => Box::new(BufReader::with_capacity(1 << 16, File::open(path)?)),
            Self::TempFile(file) => Box::new(BufReader::with_capacity(
                1 << 16,
                FilePart::whole(Arc::clone(file)),
            )),
        })
    }
}

/// The sources that `paths` name. The order is that of the paths, and within a folder or a glob
/// that of the names.
pub(super) fn sources(paths: &[PathBuf]) -> Result<Vec<Source>, PlanError> {
    let mut sources = Vec::new();
    let mut took_stdin = false;
    for path in paths {
        if path == Path::new(STDIN) {
            if took_stdin {
                return Err(PlanError::StdinTwice);
            }
            took_stdin = true;
            sources.push(stdin()?);
            continue;
        }
        let files = if path.is_dir() {
            in_folder(path)?
        } else if let (false, Some(glob)) = (path.exists(), as_glob(path)?) {
            in_glob(path, &glob)?
        } else {
            refuse_other_file(path)?;
            vec![path.clone()]
        };
        if files.is_empty() {
            return Err(PlanError::Empty(path.clone()));
        }
        sources.extend(files.into_iter().map(source_of_file));
    }
    Ok(sources)
}

/// The extension of a file in lower case.
fn extension_of(path: &Path) -> String {
    let extension = path.extension().unwrap_or_default().to_string_lossy();
    extension.to_ascii_lowercase()
}

/// Whether a file is a program, or the source of one, by its extension.
pub fn is_source_file(path: &Path) -> bool {
    SOURCE_EXTENSIONS.contains(&extension_of(path).as_str())
}

/// Refuses a program, by its extension, and content, by its first byte.
fn refuse_other_file(path: &Path) -> Result<(), PlanError> {
    let extension = extension_of(path);
    if matches!(extension.as_str(), "json" | "jsonl") || !path.is_file() {
        return Ok(());
    }
    if is_source_file(path) {
        return Err(PlanError::SourceFile(path.to_owned()));
    }
    let fail = |error| PlanError::Unreadable(path.to_owned(), error);
    let mut start = Vec::new();
    let file = File::open(path).map_err(fail)?;
    file.take(64).read_to_end(&mut start).map_err(fail)?;
    match start.trim_ascii_start().first() {
        Some(b'{' | b'[') | None => Ok(()),
        Some(_) => Err(PlanError::Content(path.to_owned())),
    }
}

fn source_of_file(path: PathBuf) -> Source {
    if is_lines(&path) {
        Source::Lines(Spooled::Path(path.clone()), path)
    } else {
        Source::File(path)
    }
}

fn is_lines(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending == "jsonl")
}

/// Copies the standard input to a temporary file, since it is read twice: for the check and for the
/// run.
fn stdin() -> Result<Source, PlanError> {
    let fail = |error| PlanError::Unreadable(PathBuf::from(STDIN_NAME), error);
    let mut file = tempfile::tempfile().map_err(fail)?;
    io::copy(&mut io::stdin().lock(), &mut file).map_err(fail)?;
    file.flush().map_err(fail)?;
    file.seek(SeekFrom::Start(0)).map_err(fail)?;
    let spooled = Spooled::TempFile(Arc::new(file));
    Ok(if holds_lines(&spooled).map_err(fail)? {
        Source::Lines(spooled, PathBuf::from(STDIN_NAME))
    } else {
        Source::Stdin(spooled)
    })
}

/// Whether the first line is a JSON value by itself and something follows it.
fn holds_lines(spooled: &Spooled) -> io::Result<bool> {
    let mut reader = spooled.open()?;
    let mut line = Vec::new();
    while line.trim_ascii().is_empty() {
        line.clear();
        if read_line(&mut reader, &mut line)? == 0 {
            return Ok(false);
        }
    }
    if serde_json::from_slice::<serde::de::IgnoredAny>(&line).is_err() {
        return Ok(false);
    }
    loop {
        let rest = reader.fill_buf()?;
        if rest.is_empty() {
            return Ok(false);
        }
        if !rest.trim_ascii().is_empty() {
            return Ok(true);
        }
        let read = rest.len();
        reader.consume(read);
    }
}

/// Appends the next line, up to one byte more than the largest event.
pub(super) fn read_line(reader: &mut dyn BufRead, line: &mut Vec<u8>) -> io::Result<usize> {
    reader.take(MAX_EVENT_BYTES + 1).read_until(b'\n', line)
}

/// The files of a folder that are taken for events.
fn in_folder(folder: &Path) -> Result<Vec<PathBuf>, PlanError> {
    walk(folder, |path, is_file| is_file && is_event_file(path))
}

/// The paths in a folder, at any depth, that `wanted` accepts. Dot-folders and node_modules are
/// skipped.
fn walk(
    folder: &Path,
    mut wanted: impl FnMut(&Path, bool) -> bool,
) -> Result<Vec<PathBuf>, PlanError> {
    let mut files = Vec::new();
    let walk = WalkDir::new(folder).sort_by_file_name().into_iter();
    for entry in walk.filter_entry(|entry| entry.depth() == 0 || !is_skipped(entry.path())) {
        let entry = entry.map_err(|error| {
            let path = error.path().unwrap_or(folder).to_owned();
            PlanError::Unreadable(path, error.into())
        })?;
        // A link to a file is as good as the file.
        let is_file =
            entry.file_type().is_file() || entry.path_is_symlink() && entry.path().is_file();
        if wanted(entry.path(), is_file) {
            files.push(entry.into_path());
        }
    }
    Ok(files)
}

/// A matcher, where the path is a glob.
fn as_glob(path: &Path) -> Result<Option<GlobMatcher>, PlanError> {
    let Some(text) = path
        .to_str()
        .filter(|text| text.contains(['*', '?', '[', '{']))
    else {
        return Ok(None);
    };
    let text = text.strip_prefix("./").unwrap_or(text);
    GlobBuilder::new(text)
        .literal_separator(true)
        .build()
        .map(|glob| Some(glob.compile_matcher()))
        .map_err(|error| PlanError::BadGlob(error.to_string()))
}

/// The files that a glob names, and those in the folders that it names.
fn in_glob(path: &Path, glob: &GlobMatcher) -> Result<Vec<PathBuf>, PlanError> {
    let base: PathBuf = path
        .components()
        .take_while(|part| {
            !part
                .as_os_str()
                .to_string_lossy()
                .contains(['*', '?', '[', '{'])
        })
        .collect();
    let start = if base.as_os_str().is_empty() {
        Path::new(".")
    } else {
        base.as_path()
    };
    if fs::symlink_metadata(start).is_err() {
        return Ok(Vec::new());
    }
    let mut below: Option<PathBuf> = None;
    let found = walk(start, |path, is_file| {
        let path = path.strip_prefix("./").unwrap_or(path);
        if below
            .as_ref()
            .is_some_and(|folder| path.starts_with(folder))
        {
            return is_file && is_event_file(path);
        }
        if !glob.is_match(path) {
            return false;
        }
        if !is_file {
            below = Some(path.to_owned());
        }
        is_file && is_event_file(path)
    })?;
    Ok(found
        .into_iter()
        .map(|path| match path.strip_prefix("./") {
            Ok(short) => short.to_owned(),
            Err(_) => path,
        })
        .collect())
}

fn is_skipped(path: &Path) -> bool {
    let name = file_name(path);
    path.is_dir()
        && (name.starts_with('.') && name != "." && name != ".." || name == "node_modules")
}

/// Whether a file may hold events; `expected.json`, `content.*` and the like never do.
fn is_event_file(path: &Path) -> bool {
    let name = file_name(path);
    path.extension()
        .is_some_and(|ending| ending == "json" || ending == "jsonl")
        && !FILES_OF_TOOLS.contains(&name.as_str())
        && name != "expected.json"
        && !name.ends_with(".expected.json")
        && !name.starts_with("content.")
        && !name.contains(".content.")
}

pub(super) fn file_name(path: &Path) -> String {
    path.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(files: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        for file in files {
            let path = folder.path().join(file);
            fs::create_dir_all(path.parent().expect("a parent")).expect("it is made");
            fs::write(path, "{}").expect("it is written");
        }
        folder
    }

    fn found(folder: &tempfile::TempDir, path: &str) -> Vec<String> {
        let paths = [folder.path().join(path)];
        let mut names = Vec::new();
        for source in sources(&paths).expect("sources") {
            let (Source::File(path) | Source::Lines(_, path)) = source else {
                panic!("no file");
            };
            let name = path.strip_prefix(folder.path()).expect("inside");
            names.push(name.display().to_string());
        }
        names
    }

    const FILES: [&str; 10] = [
        "b/event.json",
        "b/expected.json",
        "b/content.json",
        "a/deep/one.json",
        "a/deep/one.expected.json",
        "a/many.jsonl",
        ".git/x.json",
        "node_modules/y.json",
        "a/notes.txt",
        "package.json",
    ];

    #[test]
    fn a_folder_gives_its_events_in_the_order_of_their_names() {
        let tree = tree(&FILES);
        assert_eq!(
            found(&tree, ""),
            ["a/deep/one.json", "a/many.jsonl", "b/event.json"]
        );
    }

    #[test]
    fn a_glob_takes_files_and_the_events_of_folders() {
        let tree = tree(&FILES);
        assert_eq!(found(&tree, "*/*.json"), ["b/event.json"]);
        assert_eq!(found(&tree, "a/*"), ["a/deep/one.json", "a/many.jsonl"]);
        assert_eq!(found(&tree, "{b,c}"), ["b/event.json"]);
        assert_eq!(
            found(&tree, "**/*.json"),
            ["a/deep/one.json", "b/event.json"]
        );
        let none = sources(&[tree.path().join("z*")]);
        assert!(matches!(none, Err(PlanError::Empty(_))));
        let bad = sources(&[tree.path().join("[z")]);
        assert!(matches!(bad, Err(PlanError::BadGlob(_))));
    }

    #[test]
    fn several_values_on_the_standard_input_are_lines() {
        let temp_file = |text: &str| {
            let mut file = tempfile::tempfile().expect("a file");
            file.write_all(text.as_bytes()).expect("it is written");
            Spooled::TempFile(Arc::new(file))
        };
        for (text, lines) in [
            ("{\"a\":1}\n{\"a\":2}\n", true),
            ("\n{\"a\":1}\n\n\n {", true),
            ("{\"a\":1}\n", false),
            ("{\n\"a\":1}\n", false),
            ("", false),
        ] {
            assert_eq!(
                holds_lines(&temp_file(text)).expect("it reads"),
                lines,
                "{text}"
            );
        }
    }
}
