//! The content of a file version: where its bytes are, and the placeholder for a fixture without content.

use std::path::PathBuf;

use crate::domain::hex;

/// The content of one version of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    /// Where the bytes are.
    pub source: Source,
    /// The length in bytes.
    pub size: u64,
    /// The SHA-1, in lower-case hex.
    pub sha1: String,
}

/// Where the bytes of a content are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// In the binary.
    Static(&'static [u8]),
    /// In the mock's own spool, for as long as the mock runs.
    Spooled(PathBuf),
    /// In a file of the user, which may change or disappear.
    Disk(PathBuf),
}

/// Uploaded content in the mock's spool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spooled {
    /// The path of the spooled file.
    pub path: PathBuf,
    /// The length in bytes.
    pub size: u64,
    /// The SHA-1, in lower-case hex.
    pub sha1: String,
}

impl From<Spooled> for Content {
    fn from(spooled: Spooled) -> Self {
        Self {
            source: Source::Spooled(spooled.path),
            size: spooled.size,
            sha1: spooled.sha1,
        }
    }
}

/// The placeholder for the content of `name`: a small valid file of the type that its extension names,
/// else a few bytes of text.
pub fn placeholder(name: &str) -> Content {
    let bytes = placeholder_bytes(&extension(name));
    Content {
        source: Source::Static(bytes),
        size: bytes.len() as u64,
        sha1: sha1_hex(bytes),
    }
}

#[allow(
    clippy::match_same_arms,
    reason = "the files differ, though some may be equally small"
)]
fn placeholder_bytes(ending: &str) -> &'static [u8] {
    macro_rules! file {
        ($ending:literal) => {
            include_bytes!(concat!("../../../fixtures/files/placeholder.", $ending))
        };
    }
    match ending {
        "txt" | "md" => file!("txt"),
        "json" => file!("json"),
        "csv" => file!("csv"),
        "pdf" => file!("pdf"),
        "docx" => file!("docx"),
        "png" => file!("png"),
        "jpg" | "jpeg" => file!("jpg"),
        "gif" => file!("gif"),
        "mp3" => file!("mp3"),
        "wav" => file!("wav"),
        "mp4" => file!("mp4"),
        "zip" => file!("zip"),
        _ => b"This is a placeholder for the content of a file without content.\n",
    }
}

/// Whether files with this ending are text as they are.
pub fn is_text(ending: &str) -> bool {
    matches!(
        ending,
        "txt"
            | "text"
            | "md"
            | "log"
            | "csv"
            | "tsv"
            | "json"
            | "jsonl"
            | "xml"
            | "yaml"
            | "yml"
            | "toml"
            | "ini"
            | "html"
            | "htm"
            | "css"
            | "srt"
            | "vtt"
            | "rst"
            | "tex"
            | "js"
            | "ts"
            | "py"
            | "rb"
            | "rs"
            | "go"
            | "java"
            | "c"
            | "h"
            | "cpp"
            | "cs"
            | "php"
            | "sh"
            | "sql"
    )
}

/// The ending of a name, without its dot and in lower case; empty where there is none.
pub fn extension(name: &str) -> String {
    name.rsplit_once('.')
        .map(|(_, ending)| ending.to_ascii_lowercase())
        .unwrap_or_default()
}

/// The SHA-1 of `bytes` in lower-case hex, as Box names content.
pub fn sha1_hex(bytes: &[u8]) -> String {
    use sha1::{Digest, Sha1};
    hex::encode(&Sha1::digest(bytes))
}
