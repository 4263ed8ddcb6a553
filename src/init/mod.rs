//! `init`: a new skill that works, with a case, a configuration file and a CI job. The files are
//! templates that are built in; nothing that exists is overwritten.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

/// The language of a new skill, and how it is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// Node: an HTTP server.
    Node,
    /// Python 3: an HTTP server.
    Python,
    /// Node: a Lambda function.
    NodeLambda,
    /// Python 3: a Lambda function.
    PythonLambda,
}

/// A file of a new skill: its path below the folder, and its text.
type Template = (&'static str, &'static str);

const NODE_SKILL: Template = ("skill.js", include_str!("templates/node/skill.js"));
const PYTHON_SKILL: Template = ("skill.py", include_str!("templates/python/skill.py"));

/// The case, the same in every language: all four skills make the same cards.
const CASE: [Template; 3] = [
    (
        "cases/notes/event.json",
        include_str!("templates/case/event.json"),
    ),
    (
        "cases/notes/content.txt",
        include_str!("templates/case/content.txt"),
    ),
    (
        "cases/notes/expected.json",
        include_str!("templates/case/expected.json"),
    ),
];

const CONFIG: &str = include_str!("templates/skillctl.toml");
const WORKFLOW: &str = include_str!("templates/workflow.yml");
/// In [`CONFIG`] the line that names the skill; in [`WORKFLOW`] the step that installs its runtime.
const SKILL_LINE: &str = "# skill";
const RUNTIME_STEP: &str = "# runtime";

impl Language {
    /// The program that runs the skill.
    pub fn program(self) -> &'static str {
        match self {
            Self::Node | Self::NodeLambda => "node",
            Self::Python | Self::PythonLambda => "python3",
        }
    }

    /// The file that Box's events reach first, and the file that does the work.
    fn sources(self) -> [Template; 2] {
        match self {
            Self::Node => [
                ("index.js", include_str!("templates/node/index.js")),
                NODE_SKILL,
            ],
            Self::NodeLambda => [
                ("index.js", include_str!("templates/node-lambda/index.js")),
                NODE_SKILL,
            ],
            Self::Python => [
                ("app.py", include_str!("templates/python/app.py")),
                PYTHON_SKILL,
            ],
            Self::PythonLambda => [
                ("app.py", include_str!("templates/python-lambda/app.py")),
                PYTHON_SKILL,
            ],
        }
    }

    fn config(self) -> String {
        let skill = match self {
            Self::Node => r#"command = ["node", "index.js"]"#,
            Self::Python => r#"command = ["python3", "app.py"]"#,
            Self::NodeLambda => r#"handler = "node:index.handler""#,
            Self::PythonLambda => r#"handler = "python:app.lambda_handler""#,
        };
        CONFIG.replacen(SKILL_LINE, skill, 1)
    }

    fn workflow(self) -> String {
        let (action, version) = match self.program() {
            "node" => ("actions/setup-node@v4", "node-version: 22"),
            _ => ("actions/setup-python@v5", "python-version: '3.12'"),
        };
        let step = format!("- uses: {action}\n        with:\n          {version}");
        WORKFLOW.replacen(RUNTIME_STEP, &step, 1)
    }
}

/// Why a skill was not made.
#[derive(Debug, thiserror::Error)]
pub enum InitError {
    /// Files that would be overwritten. Nothing was written.
    #[error("{} exists already", list(.0))]
    Exists(Vec<PathBuf>),
    /// A file or folder could not be written. Files before it are there.
    #[error("cannot write {}: {error}", path.display())]
    Write {
        /// Which.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
}

/// The files of a new skill: paths below its folder, and their texts.
pub fn files(language: Language) -> Vec<(&'static str, String)> {
    let fixed = language.sources().into_iter().chain(CASE);
    let mut files: Vec<_> = fixed.map(|(path, text)| (path, text.to_owned())).collect();
    files.push(("skillctl.toml", language.config()));
    files.push((".github/workflows/skill.yml", language.workflow()));
    files
}

/// Makes a skill in `folder`, which is made if it does not exist, and returns the paths of its
/// files.
///
/// # Errors
/// When one of the files exists, or when one cannot be written.
pub fn create(folder: &Path, language: Language) -> Result<Vec<PathBuf>, InitError> {
    let files: Vec<(PathBuf, String)> = files(language)
        .into_iter()
        .map(|(path, text)| (folder.join(path), text))
        .collect();
    let existing: Vec<PathBuf> = files
        .iter()
        .filter(|(path, _)| path.symlink_metadata().is_ok())
        .map(|(path, _)| path.clone())
        .collect();
    if !existing.is_empty() {
        return Err(InitError::Exists(existing));
    }
    for (path, text) in &files {
        write_new(path, text).map_err(|error| InitError::Write {
            path: path.clone(),
            error,
        })?;
    }
    Ok(files.into_iter().map(|(path, _)| path).collect())
}

fn write_new(path: &Path, text: &str) -> io::Result<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    File::create_new(path)?.write_all(text.as_bytes())
}

fn list(paths: &[PathBuf]) -> String {
    let names: Vec<String> = paths
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Language; 4] = [
        Language::Node,
        Language::Python,
        Language::NodeLambda,
        Language::PythonLambda,
    ];

    #[test]
    fn every_placeholder_of_a_template_is_filled() {
        for language in ALL {
            for (path, text) in files(language) {
                assert!(!text.contains(SKILL_LINE), "{path}: {text}");
                assert!(!text.contains(RUNTIME_STEP), "{path}: {text}");
            }
            assert!(language.config().contains("= "));
            assert!(language.workflow().contains("setup-"));
        }
    }

    #[test]
    fn a_file_that_exists_is_named_and_nothing_is_written() {
        let folder = tempfile::tempdir().expect("a folder");
        let config = folder.path().join("skillctl.toml");
        fs::write(&config, "mine").expect("it is written");
        let error = create(folder.path(), Language::Node).expect_err("it exists");
        assert!(matches!(&error, InitError::Exists(paths) if *paths == [config.clone()]));
        assert_eq!(fs::read_to_string(&config).expect("it is there"), "mine");
        assert!(!folder.path().join("index.js").exists());
    }

    #[test]
    fn files_of_others_stay_next_to_a_new_skill() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("LICENSE"), "mine").expect("it is written");
        let made = create(folder.path(), Language::Python).expect("it is made");
        assert!(made.iter().all(|path| path.exists()));
        assert!(folder.path().join("LICENSE").exists());
    }
}
