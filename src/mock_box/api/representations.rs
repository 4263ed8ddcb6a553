//! The endpoints of representations. A file that is of the type already is its own representation,
//! pictures are converted, text is extracted from text files and .docx, and for the rest a small
//! valid file stands in. Conversion happens while the answer is sent.

use http::{StatusCode, header};

use super::files;
use crate::{
    domain::file_name,
    mock_box::{
        context::Context,
        http::{
            answer::{Answer, AnswerBody, PictureOf},
            download, errors,
            route::RepresentationPath,
        },
        model::{
            content::{Content, extension, is_text, placeholder},
            file::File,
        },
        view::representation::{Kind, Representation, entry},
    },
};

/// `GET …/representations/{rep}`: one of them, as `info.url` names it.
///
/// # Errors
/// 404 where there is no such file, version or representation.
pub fn info(context: &Context<'_>, path: &RepresentationPath) -> Result<Answer, Answer> {
    let (file, _, representation) = find(context, path)?;
    let entry = entry(
        &context.request.head,
        file,
        &path.version_id,
        &representation,
    );
    Ok(Answer::json(StatusCode::OK, &entry))
}

/// `GET …/representations/{rep}/content/{asset_path}`.
///
/// # Errors
/// 404 where there is no such file, version or representation; what the content itself refuses.
pub fn content(context: &Context<'_>, path: &RepresentationPath) -> Result<Answer, Answer> {
    let (file, held, representation) = find(context, path)?;
    let ending = extension(&file.name);
    if representation.kind == Kind::ExtractedText {
        return extracted_text(context, &file.name, &ending, held);
    }
    let name = file_name::with_ending(&file.name, representation.kind.ending());
    if representation.kind.is_already(&ending) {
        return download::content(&context.request.head, &name, held);
    }
    let otherwise = placeholder(&name);
    if representation.kind.is_picture() && matches!(&*ending, "png" | "jpg" | "jpeg" | "gif") {
        let (width, height) = representation.size;
        let picture = PictureOf {
            content: held.clone(),
            width: width.into(),
            height: height.into(),
            is_png: representation.kind == Kind::Png,
            otherwise,
        };
        let body = AnswerBody::Picture(Box::new(picture));
        let answer = Answer::empty(StatusCode::OK);
        let answer = answer.header_text(header::CONTENT_TYPE, download::content_type(&name));
        return Ok(Answer { body, ..answer });
    }
    download::content(&context.request.head, &name, &otherwise)
}

fn extracted_text(
    context: &Context<'_>,
    name: &str,
    ending: &str,
    held: &Content,
) -> Result<Answer, Answer> {
    const TEXT: &str = "text/plain; charset=utf-8";
    if is_text(ending) {
        return download::content(
            &context.request.head,
            &file_name::with_ending(name, "txt"),
            held,
        );
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
) -> Result<(&'a File, &'a Content, Representation), Answer> {
    let file = files::find(context.state, &path.file_id)?;
    let version = files::version(file, &path.version_id)?;
    let representation =
        Representation::from_path(&path.representation).ok_or_else(errors::not_found)?;
    Ok((file, &version.content, representation))
}
