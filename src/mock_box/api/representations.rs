//! The endpoints of representations. A file that is of the type already is its own representation,
//! pictures are converted, text is extracted from text files and .docx, and for the rest the mock
//! sends a small valid placeholder file. Conversion happens while the answer is sent.

use http::{Method, StatusCode, header};

use super::endpoint::{BodyKind::NoBody, Endpoint, Handler::Read, row};
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
    row(Method::GET, "files/{file_id}/thumbnail.png",  Operation::Representation, NoBody, Read(png_thumbnail)),
    row(Method::GET, "files/{file_id}/thumbnail.jpg",  Operation::Representation, NoBody, Read(jpg_thumbnail)),
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
    converted(
        context,
        file,
        original,
        representation.kind,
        representation.size,
    )
}

/// Content converted to a format: a picture of at most `size` pixels, or a file that is of the type already.
/// For the rest a placeholder, and the log says so.
fn converted(
    context: &Context<'_>,
    file: &File,
    original: &Content,
    format: Format,
    (width, height): (u16, u16),
) -> Result<Answer, Answer> {
    let ending = extension(&file.name);
    let name = file_name::with_extension(&file.name, format.ending());
    let otherwise = placeholder(&name);
    // A picture is made in its own type too, because the size may differ and it must be upright.
    if format.is_picture() && matches!(&*ending, "png" | "jpg" | "jpeg" | "gif") {
        let picture = PictureOf {
            content: original.clone(),
            width: width.into(),
            height: height.into(),
            is_png: format == Format::Png,
            otherwise,
        };
        let body = AnswerBody::Picture(Box::new(picture));
        let answer = Answer::empty(StatusCode::OK);
        let answer = answer.header_text(header::CONTENT_TYPE, download::content_type(&name));
        return Ok(Answer { body, ..answer });
    }
    if format.is_already(&ending) {
        return download::content(&context.request.head, &name, original);
    }
    let answer = download::content(&context.request.head, &name, &otherwise)?;
    Ok(answer.note("a placeholder: the mock converts PNG, JPEG and GIF, and no other files"))
}

fn png_thumbnail(context: &Context<'_>) -> Result<Answer, Answer> {
    thumbnail(context, Format::Png, &[256, 128, 64, 32])
}

fn jpg_thumbnail(context: &Context<'_>) -> Result<Answer, Answer> {
    thumbnail(context, Format::Jpg, &[320, 160, 94, 32])
}

/// The thumbnail of a file: the largest of `sizes`, in pixels, within the bounds of the call.
fn thumbnail(context: &Context<'_>, format: Format, sizes: &[u16]) -> Result<Answer, Answer> {
    let file = context.file()?;
    let bounds = |names: [&str; 2]| -> Result<Vec<u16>, Answer> {
        let given = names.into_iter().filter_map(|name| {
            let text = context.request.head.query(name)?;
            let pixels = text.parse().ok();
            Some(pixels.filter(|it| (32..=320).contains(it)).ok_or_else(|| {
                errors::bad_request(format!("'{name}' must be a number from 32 to 320"))
            }))
        });
        given.collect()
    };
    let least = bounds(["min_width", "min_height"])?.into_iter().max();
    let most = bounds(["max_width", "max_height"])?.into_iter().min();
    let (least, most) = (least.unwrap_or(0), most.unwrap_or(u16::MAX));
    let size = sizes
        .iter()
        .find(|size| (least..=most).contains(*size))
        .ok_or_else(|| {
            let sizes: Vec<String> = sizes.iter().map(ToString::to_string).collect();
            let message = format!(
                "There is no thumbnail of this size, only {}",
                sizes.join(", ")
            );
            errors::bad_request(message)
        })?;
    converted(
        context,
        file,
        &file.current().content,
        format,
        (*size, *size),
    )
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
            &file_name::with_extension(name, "txt"),
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
