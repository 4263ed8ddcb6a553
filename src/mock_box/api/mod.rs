//! Box's endpoints, a file for each family.

pub mod card_fields;
pub mod content;
pub mod files;
pub mod folders;
pub mod item_fields;
pub mod metadata;
pub mod oauth;
pub mod representations;
pub mod uploads;
pub mod users;
