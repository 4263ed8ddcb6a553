//! The endpoints of representations. A file that is of the type already is its own representation,
//! pictures are converted, text is extracted from text files and .docx, and for the rest the mock
//! sends a small valid placeholder file. Conversion happens while the answer is sent.

use http::{Method, StatusCode, header};

use super::endpoint::{
    BodyKind::NoBody,
    Endpoint,
    Handler::{NotPlayed, Read},
    row,
};
use crate::{
    domain::{file_name, operation::Operation},
    mock_box::{
        context::Context,
        http::{
            answer::{Answer, AnswerBody, PictureOf},
            download, errors,
        },
        model::{
            content::{Content, extension, is_text, placeholder},
            file::{File, Version},
        },
        view::representation::{Format, Representation, entry},
    },
};

const INFO: &str =
    "internal_files/{file_id}/versions/{version_id}/representations/{representation}";
const CONTENT: &str =
    "internal_files/{file_id}/versions/{version_id}/representations/{representation}/content";
const ASSET: &str = "internal_files/{file_id}/versions/{version_id}/representations/{representation}/content/{asset}";

#[rustfmt::skip]
pub(super) static ENDPOINTS: &[Endpoint] = &[
    row(Method::GET, INFO,                             Operation::Representation, NoBody, Read(info)),
    row(Method::GET, CONTENT,                          Operation::Representation, NoBody, Read(content)),
    row(Method::GET, ASSET,                            Operation::Representation, NoBody, Read(content)),
    row(Method::GET, "files/{file_id}/thumbnail.png",  Operation::Representation, NoBody, NotPlayed("thumbnails")),
    row(Method::GET, "files/{file_id}/thumbnail.jpg",  Operation::Representation, NoBody, NotPlayed("thumbnails")),
];

/// One representation, as `info.url` names it.
fn info(context: &Context<'_>) -> Result<Answer, Answer> {
    let (file, version, representation) = find(context)?;
    let entry = entry(&context.request.head, file, &version.id, &representation);
    Ok(Answer::json(StatusCode::OK, &entry))
}

/// The content of a representation.
fn content(context: &Context<'_>) -> Result<Answer, Answer> {
    let (file, version, representation) = find(context)?;
    let original = &version.content;
    let ending = extension(&file.name);
    if representation.kind == Format::ExtractedText {
        return extracted_text(context, &file.name, &ending, original);
    }
    let name = file_name::with_ending(&file.name, representation.kind.ending());
    let otherwise = placeholder(&name);
    // A picture is made in its own type too, because the size may differ and it must be upright.
    if representation.kind.is_picture() && matches!(&*ending, "png" | "jpg" | "jpeg" | "gif") {
        let (width, height) = representation.size;
        let picture = PictureOf {
            content: original.clone(),
            width: width.into(),
            height: height.into(),
            is_png: representation.kind == Format::Png,
            otherwise,
        };
        let body = AnswerBody::Picture(Box::new(picture));
        let answer = Answer::empty(StatusCode::OK);
        let answer = answer.header_text(header::CONTENT_TYPE, download::content_type(&name));
        return Ok(Answer { body, ..answer });
    }
    if representation.kind.is_already(&ending) {
        return download::content(&context.request.head, &name, original);
    }
    let answer = download::content(&context.request.head, &name, &otherwise)?;
    Ok(answer.note("a placeholder: the mock converts PNG, JPEG and GIF, and no other files"))
}

fn extracted_text(
    context: &Context<'_>,
    name: &str,
    ending: &str,
    original: &Content,
) -> Result<Answer, Answer> {
    const TEXT: &str = "text/plain; charset=utf-8";
    if is_text(ending) {
        return download::content(
            &context.request.head,
            &file_name::with_ending(name, "txt"),
            original,
        );
    }
    if ending == "docx" {
        let body = AnswerBody::DocumentText(Box::new(original.clone()));
        let answer = Answer::empty(StatusCode::OK).header_text(header::CONTENT_TYPE, TEXT);
        return Ok(Answer { body, ..answer });
    }
    let text = format!(
        "The mock extracts text from text files and .docx only. This is a placeholder for the text of \
         {name}.\n"
    );
    let answer = Answer::json_bytes(StatusCode::OK, text.into_bytes());
    let headers = Vec::new();
    Ok(Answer { headers, ..answer }.header_text(header::CONTENT_TYPE, TEXT))
}

fn find<'a>(context: &Context<'a>) -> Result<(&'a File, &'a Version, Representation), Answer> {
    let file = context.file()?;
    let version = file
        .version(context.capture("version_id"))
        .ok_or_else(errors::not_found)?;
    let representation = Representation::from_path(context.capture("representation"))
        .ok_or_else(errors::not_found)?;
    Ok((file, version, representation))
}
