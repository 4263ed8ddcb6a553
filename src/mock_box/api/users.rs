//! The endpoint of the user.

use http::{Method, StatusCode};

use super::endpoint::{BodyKind::NoBody, Endpoint, Handler::Read, row};
use crate::{
    domain::operation::Operation,
    mock_box::{
        context::Context,
        http::answer::Answer,
        view::{fields, user},
    },
};

#[rustfmt::skip]
pub(super) static ENDPOINTS: &[Endpoint] = &[
    row(Method::GET, "users/me", Operation::User, NoBody, Read(read_me)),
];

#[allow(clippy::unnecessary_wraps, reason = "the type of every endpoint")]
fn read_me(context: &Context<'_>) -> Result<Answer, Answer> {
    let mut all = user::full(&context.state.settings, context.caller.user_id());
    if let Some(names) = context.request.head.query("fields") {
        all.insert("enterprise".to_owned(), user::enterprise());
        all = fields::pick(&all, &names);
    }
    Ok(Answer::json(StatusCode::OK, &all))
}
