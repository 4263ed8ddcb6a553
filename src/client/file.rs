//! What Box says about a file and its representations, read leniently: whatever it leaves out is
//! `None` or empty.

use serde::Deserialize;
use serde_json::Value;

/// What Box says about a file; what it does not say is `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct FileInfo {
    /// Its name.
    pub name: Option<String>,
    /// Its length in bytes.
    pub size: Option<u64>,
    /// The SHA-1 of its bytes, in hexadecimal.
    pub sha1: Option<String>,
    /// Its etag, which changes with every change of the file or its properties.
    pub etag: Option<String>,
    /// Its current version.
    pub file_version: Option<FileVersion>,
    /// The representations that were asked for.
    pub representations: Option<Representations>,
}

/// A version of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct FileVersion {
    /// Its id.
    pub id: String,
}

/// The list of a file's representations.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Representations {
    /// One for each hint that the file can serve.
    #[serde(default)]
    pub entries: Vec<Representation>,
}

/// One representation of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Representation {
    /// Its kind: `jpg`, `mp3`, `extracted_text`.
    #[serde(default, rename = "representation")]
    pub kind: String,
    /// Its properties: `dimensions`, `paged`.
    #[serde(default)]
    pub properties: Value,
    /// Where to ask for its state.
    #[serde(default)]
    pub info: RepresentationInfo,
    /// How far it is.
    #[serde(default)]
    pub status: RepresentationStatus,
    /// Where its bytes are.
    #[serde(default)]
    pub content: RepresentationContent,
}

/// Where to ask for the state of a representation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct RepresentationInfo {
    /// The URL; asking there also starts the making of one that is `none`.
    #[serde(default)]
    pub url: String,
}

/// How far a representation is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct RepresentationStatus {
    /// `success`, `viewable`, `pending`, `none` or `error`.
    #[serde(default)]
    pub state: String,
    /// Why it failed, where it did.
    pub code: Option<String>,
}

/// Where the bytes of a representation are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct RepresentationContent {
    /// A URL with `{+asset_path}` in it.
    #[serde(default)]
    pub url_template: String,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_info_with_holes_is_read() {
        let info: FileInfo =
            serde_json::from_value(json!({"type": "file", "id": "1"})).expect("a file object");
        assert_eq!(info, FileInfo::default());
        let info: FileInfo = serde_json::from_value(json!({
            "size": 3, "sha1": null, "file_version": {"type": "file_version", "id": "9"},
            "representations": {"entries": [{"representation": "mp3", "status": {"state": "none"}}]}
        }))
        .expect("a file object");
        assert_eq!(info.size, Some(3));
        assert_eq!(info.file_version.expect("a version").id, "9");
        let entries = info.representations.expect("representations").entries;
        assert_eq!(entries[0].status.state, "none");
    }
}
