//! Representations of a file as Box's JSON: which ones a hint or a path names, and where each is.

use serde_json::{Value, json};

use crate::mock_box::{http::request::Head, model::file::File};

/// The supported types of representation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// Sound.
    Mp3,
    /// Video.
    Mp4,
    /// A picture.
    Jpg,
    /// A picture.
    Png,
    /// A document.
    Pdf,
    /// The text of a document.
    ExtractedText,
}

/// Without `X-Rep-Hints` Box lists all representations.
const ALL_HINTS: &str =
    "[jpg?dimensions=1024x1024][png?dimensions=1024x1024][pdf][extracted_text][mp3][mp4]";
/// The most entries of one answer.
const MAX_ENTRIES: usize = 100;
/// The size of a picture where the hint names none.
const DEFAULT_DIMENSIONS: &str = "1024x1024";

/// One representation, as a hint or a path names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Representation {
    /// The type.
    pub kind: Format,
    /// `WIDTHxHEIGHT` as the call asks for it; used for pictures alone.
    dimensions: String,
    /// Width and height in pixels.
    pub size: (u16, u16),
    /// Whether each page is a file of its own.
    is_paged: bool,
}

/// `representations.entries` of a file: one for each group of hints that names a supported type.
/// Box does not document which files have which types, so here every file has them all.
pub(crate) fn list(head: &Head, file: &File) -> Vec<Value> {
    let hints = head.header("x-rep-hints").unwrap_or(ALL_HINTS);
    hints
        .split(['[', ']'])
        .filter_map(|group| group.split(',').find_map(Representation::from_hint))
        .take(MAX_ENTRIES)
        .map(|representation| entry(head, file, &file.current().id, &representation))
        .collect()
}

/// The entry of one representation.
pub(crate) fn entry(
    head: &Head,
    file: &File,
    version_id: &str,
    representation: &Representation,
) -> Value {
    let path = format!(
        "2.0/internal_files/{}/versions/{}/representations/{}",
        file.id,
        version_id,
        representation.in_path()
    );
    let (api, download) = if head.is_for_box() {
        ("https://api.box.com", "https://dl.boxcloud.com/api")
    } else {
        (head.origin.as_str(), head.origin.as_str())
    };
    json!({
        "representation": representation.kind.as_str(),
        "properties": representation.properties(),
        "info": {"url": format!("{api}/{path}")},
        // The official kit breaks where it must ask twice. A fault may set this to pending.
        "status": {"state": "success"},
        "content": {"url_template": format!("{download}/{path}/content/{{+asset_path}}")}
    })
}

impl Format {
    fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "mp3" => Self::Mp3,
            "mp4" => Self::Mp4,
            "jpg" => Self::Jpg,
            "png" => Self::Png,
            "pdf" => Self::Pdf,
            "extracted_text" => Self::ExtractedText,
            _ => return None,
        })
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Mp3 => "mp3",
            Self::Mp4 => "mp4",
            Self::Jpg => "jpg",
            Self::Png => "png",
            Self::Pdf => "pdf",
            Self::ExtractedText => "extracted_text",
        }
    }

    /// The extension of its files.
    pub(crate) fn ending(self) -> &'static str {
        match self {
            Self::ExtractedText => "txt",
            other => other.as_str(),
        }
    }

    /// Whether it is a picture.
    pub(crate) fn is_picture(self) -> bool {
        matches!(self, Self::Jpg | Self::Png)
    }

    /// Whether a file with this extension is of the type already.
    pub(crate) fn is_already(self, ending: &str) -> bool {
        ending == self.ending() || (self == Self::Jpg && ending == "jpeg")
    }
}

impl Representation {
    /// `jpg?dimensions=1024x1024&paged=false`.
    fn from_hint(hint: &str) -> Option<Self> {
        let (kind, properties) = hint.trim().split_once('?').unwrap_or((hint.trim(), ""));
        let property = |name: &str| {
            properties
                .split('&')
                .filter_map(|pair| pair.split_once('='))
                .find_map(|(key, value)| (key == name).then_some(value))
        };
        let dimensions = property("dimensions").unwrap_or(DEFAULT_DIMENSIONS);
        let is_paged = property("paged") == Some("true");
        Self::new(kind, dimensions, is_paged)
    }

    /// `jpg_1024x1024`, `png_paged_2048x2048`, `mp3`.
    pub(crate) fn from_path(segment: &str) -> Option<Self> {
        let Some((kind, rest)) = segment
            .split_once('_')
            .filter(|(kind, _)| Format::parse(kind).is_some_and(Format::is_picture))
        else {
            return Self::new(segment, DEFAULT_DIMENSIONS, false);
        };
        match rest.strip_prefix("paged_") {
            Some(dimensions) => Self::new(kind, dimensions, true),
            None => Self::new(kind, rest, false),
        }
    }

    fn new(kind: &str, dimensions: &str, is_paged: bool) -> Option<Self> {
        let kind = Format::parse(kind)?;
        let (width, height) = dimensions.split_once('x')?;
        Some(Self {
            kind,
            size: (width.parse().ok()?, height.parse().ok()?),
            dimensions: dimensions.to_owned(),
            is_paged,
        })
    }

    fn in_path(&self) -> String {
        let kind = self.kind.as_str();
        match (self.kind.is_picture(), self.is_paged) {
            (false, _) => kind.to_owned(),
            (true, false) => format!("{kind}_{}", self.dimensions),
            (true, true) => format!("{kind}_paged_{}", self.dimensions),
        }
    }

    fn properties(&self) -> Value {
        if !self.kind.is_picture() {
            return json!({});
        }
        let is_paged = if self.is_paged { "true" } else { "false" };
        json!({"dimensions": self.dimensions, "paged": is_paged, "thumb": "false"})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hints_and_paths_name_the_same_representations() {
        for (hint, path) in [
            ("mp3", "mp3"),
            ("extracted_text", "extracted_text"),
            ("jpg?dimensions=1024x1024", "jpg_1024x1024"),
            ("png?paged=true&dimensions=2048x2048", "png_paged_2048x2048"),
        ] {
            let representation = Representation::from_hint(hint).expect(hint);
            assert_eq!(representation.in_path(), path);
            assert_eq!(Representation::from_path(path), Some(representation));
        }
        for hint in [
            "",
            "webm",
            "jpg?dimensions=wide",
            "jpg?dimensions=1x99999999",
        ] {
            assert_eq!(Representation::from_hint(hint), None, "{hint}");
        }
    }
}
