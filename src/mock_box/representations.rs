//! Representations of a file: what a hint asks for, where it lies, how far it is, and its content.
//! A file that is of the type already is its own representation, pictures become each other, text
//! is taken out of text and of .docx, and elsewhere a small valid file stands in. The making
//! itself is done as the answer goes out.

use http::{StatusCode, header};
use serde_json::{Value, json};

use super::{
    answer::{Answer, AnswerBody, PictureOf},
    content::{Content, extension, is_text, placeholder},
    decide::Context,
    errors, files,
    request::Head,
    routes::RepresentationPath,
    serve,
    state::File,
};
use crate::domain::file_name;

/// The types of representation that are served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Mp3,
    Mp4,
    Jpg,
    Png,
    Pdf,
    ExtractedText,
}

/// Without `X-Rep-Hints` Box lists all that there are.
const ALL: &str =
    "[jpg?dimensions=1024x1024][png?dimensions=1024x1024][pdf][extracted_text][mp3][mp4]";
/// The most entries of one answer.
const MOST: usize = 100;
/// The size of a picture where the hint names none.
const DIMENSIONS: &str = "1024x1024";

/// One representation, as a hint or a path names it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Wanted {
    kind: Kind,
    /// `WIDTHxHEIGHT`, of pictures, as it was asked for.
    dimensions: String,
    /// The same in pixels.
    size: (u16, u16),
    /// Whether each page is a file of its own.
    is_paged: bool,
}

/// `representations.entries` of a file: one for each group of hints that names a type which is
/// served. Which types Box has of which file is not published, so every file has them all.
pub fn list(head: &Head, file: &File) -> Vec<Value> {
    let hints = head.header("x-rep-hints").unwrap_or(ALL);
    hints
        .split(['[', ']'])
        .filter_map(|group| group.split(',').find_map(Wanted::from_hint))
        .take(MOST)
        .map(|wanted| entry(head, file, &file.current().id, &wanted))
        .collect()
}

/// `GET …/representations/{rep}`: one of them, as `info.url` names it.
///
/// # Errors
/// 404 where there is no such file, version or representation.
pub fn info(context: &Context<'_>, path: &RepresentationPath) -> Result<Answer, Answer> {
    let (file, _, wanted) = find(context, path)?;
    let entry = entry(&context.request.head, file, &path.version_id, &wanted);
    Ok(Answer::json(StatusCode::OK, &entry))
}

/// `GET …/representations/{rep}/content/{asset_path}`.
///
/// # Errors
/// 404 where there is no such file, version or representation; what the content itself refuses.
pub fn content(context: &Context<'_>, path: &RepresentationPath) -> Result<Answer, Answer> {
    let (file, held, wanted) = find(context, path)?;
    let ending = extension(&file.name);
    if wanted.kind == Kind::ExtractedText {
        return extracted_text(context, &file.name, &ending, held);
    }
    let name = file_name::with_ending(&file.name, wanted.kind.ending());
    if wanted.kind.is_already(&ending) {
        return serve::send(context, &name, held);
    }
    let otherwise = placeholder(&name);
    if wanted.kind.is_picture() && matches!(&*ending, "png" | "jpg" | "jpeg" | "gif") {
        let (width, height) = wanted.size;
        let picture = PictureOf {
            content: held.clone(),
            width: width.into(),
            height: height.into(),
            is_png: wanted.kind == Kind::Png,
            otherwise,
        };
        let body = AnswerBody::Picture(Box::new(picture));
        let answer = Answer::empty(StatusCode::OK);
        let answer = answer.header_text(header::CONTENT_TYPE, serve::content_type(&name));
        return Ok(Answer { body, ..answer });
    }
    serve::send(context, &name, &otherwise)
}

fn extracted_text(
    context: &Context<'_>,
    name: &str,
    ending: &str,
    held: &Content,
) -> Result<Answer, Answer> {
    const TEXT: &str = "text/plain; charset=utf-8";
    if is_text(ending) {
        return serve::send(context, &file_name::with_ending(name, "txt"), held);
    }
    if ending == "docx" {
        let body = AnswerBody::DocumentText(Box::new(held.clone()));
        let answer = Answer::empty(StatusCode::OK).header_text(header::CONTENT_TYPE, TEXT);
        return Ok(Answer { body, ..answer });
    }
    let text = format!(
        "The mock Box takes the text out of text files and .docx only; these words stand for the \
         text of {name}.\n"
    );
    let answer = Answer::json_bytes(StatusCode::OK, text.into_bytes());
    let headers = Vec::new();
    Ok(Answer { headers, ..answer }.header_text(header::CONTENT_TYPE, TEXT))
}

fn find<'a>(
    context: &Context<'a>,
    path: &RepresentationPath,
) -> Result<(&'a File, &'a Content, Wanted), Answer> {
    let file = files::find(context.state, &path.file_id)?;
    let version = files::version(file, &path.version_id)?;
    let wanted = Wanted::from_path(&path.representation).ok_or_else(errors::not_found)?;
    Ok((file, &version.content, wanted))
}

fn entry(head: &Head, file: &File, version_id: &str, wanted: &Wanted) -> Value {
    let place = format!(
        "2.0/internal_files/{}/versions/{}/representations/{}",
        file.id,
        version_id,
        wanted.in_path()
    );
    let (api, download) = if head.is_for_box() {
        ("https://api.box.com", "https://dl.boxcloud.com/api")
    } else {
        (head.origin.as_str(), head.origin.as_str())
    };
    json!({
        "representation": wanted.kind.as_str(),
        "properties": wanted.properties(),
        "info": {"url": format!("{api}/{place}")},
        // At once: a kit that must ask twice breaks (facts §2). A fault may say pending.
        "status": {"state": "success"},
        "content": {"url_template": format!("{download}/{place}/content/{{+asset_path}}")}
    })
}

impl Kind {
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

    fn ending(self) -> &'static str {
        match self {
            Self::ExtractedText => "txt",
            other => other.as_str(),
        }
    }

    fn is_picture(self) -> bool {
        matches!(self, Self::Jpg | Self::Png)
    }

    /// Whether a file with this ending is of the type already.
    fn is_already(self, ending: &str) -> bool {
        ending == self.ending() || (self == Self::Jpg && ending == "jpeg")
    }
}

impl Wanted {
    /// `jpg?dimensions=1024x1024&paged=false`.
    fn from_hint(hint: &str) -> Option<Self> {
        let (kind, properties) = hint.trim().split_once('?').unwrap_or((hint.trim(), ""));
        let property = |name: &str| {
            properties
                .split('&')
                .filter_map(|pair| pair.split_once('='))
                .find_map(|(key, value)| (key == name).then_some(value))
        };
        let dimensions = property("dimensions").unwrap_or(DIMENSIONS);
        let is_paged = property("paged") == Some("true");
        Self::new(kind, dimensions, is_paged)
    }

    /// `jpg_1024x1024`, `png_paged_2048x2048`, `mp3`.
    fn from_path(segment: &str) -> Option<Self> {
        let Some((kind, rest)) = segment
            .split_once('_')
            .filter(|(kind, _)| Kind::parse(kind).is_some_and(Kind::is_picture))
        else {
            return Self::new(segment, DIMENSIONS, false);
        };
        match rest.strip_prefix("paged_") {
            Some(dimensions) => Self::new(kind, dimensions, true),
            None => Self::new(kind, rest, false),
        }
    }

    fn new(kind: &str, dimensions: &str, is_paged: bool) -> Option<Self> {
        let kind = Kind::parse(kind)?;
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
            let wanted = Wanted::from_hint(hint).expect(hint);
            assert_eq!(wanted.in_path(), path);
            assert_eq!(Wanted::from_path(path), Some(wanted));
        }
        for hint in [
            "",
            "webm",
            "jpg?dimensions=wide",
            "jpg?dimensions=1x99999999",
        ] {
            assert_eq!(Wanted::from_hint(hint), None, "{hint}");
        }
    }
}
