//! The state as Box's JSON: files, folders, users, representations, whole, short, or with the fields
//! that a call asks for. What they answer is decided in [`super::api`].

pub mod fields;
pub mod file;
pub mod folder;
pub mod mini;
pub mod representation;
pub mod user;
