//! Why fixtures cannot be replayed.

use std::{io, path::PathBuf};

use crate::domain::{
    diagnostic::Diagnostic,
    event::edit::NoMatch,
    json::document::{Document, SyntaxError},
};

/// Why a file is not taken as an upload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotAnUpload {
    /// It is a program: the command of a skill, without `--` before it.
    Program,
    /// It is the content or the cassette of a case.
    PartOfACase,
}

/// What is wrong with the fixtures.
#[derive(Debug)]
pub enum PlanError {
    /// A path does not exist or cannot be read.
    Unreadable(PathBuf, io::Error),
    /// A file is too large.
    TooLarge(PathBuf),
    /// A file is a program by its name.
    SourceFile(PathBuf),
    /// A file is not JSON by its first byte: content, perhaps.
    Content(PathBuf),
    /// A folder holds no event, a glob matches none.
    Empty(PathBuf),
    /// A glob is malformed.
    BadGlob(String),
    /// A file that is not a fixture cannot be used as an upload.
    NotAnUpload(PathBuf, NotAnUpload),
    /// The standard input was named twice.
    StdinTwice,
    /// A file is not JSON.
    Syntax(Box<SyntaxError>),
    /// A file is JSON, but not what it should be.
    Wrong(Box<(Document, Diagnostic)>),
    /// An edit matches nothing in the event of a case.
    NoMatch(String, NoMatch),
    /// An edit turns the event of a case into something that is not an event.
    Spoilt(String, Box<Diagnostic>),
    /// The filter excludes all N cases.
    NothingLeft(usize),
}
