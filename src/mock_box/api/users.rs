//! The endpoint of the user.

use http::StatusCode;

use crate::mock_box::{
    context::Context,
    http::answer::Answer,
    view::{fields, user},
};

/// `GET /users/me`.
pub fn me(context: &Context<'_>) -> Answer {
    let all = user::full(&context.state.settings);
    let user = match context.request.head.query("fields") {
        None => all,
        Some(names) => {
            let mut extended = all;
            extended.insert("enterprise".to_owned(), user::enterprise());
            fields::pick(&extended, &names)
        }
    };
    Answer::json(StatusCode::OK, &user)
}
