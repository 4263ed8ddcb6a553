//! The state as Box's JSON: files, folders, users, representations, whole, short, or with the fields
//! that a call asks for. What they answer is decided in [`super::api`].

pub(super) mod fields;
pub(super) mod file;
pub(super) mod folder;
pub(super) mod folder_items;
pub(super) mod mini;
pub(super) mod representation;
pub(super) mod shared_link;
pub(super) mod upload_session;
pub(super) mod user;
