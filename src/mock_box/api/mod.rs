//! Box's endpoints: a file for each family, with a row of the table and a function for each call.

mod downloads;
pub(super) mod endpoint;
mod files;
mod folder_changes;
mod folders;
mod instance_write;
mod invocations;
mod item_changes;
mod item_fields;
mod jwt;
mod list_page;
mod metadata;
mod oauth;
mod representations;
pub(super) mod table;
mod token_exchange;
mod unplayed;
mod upload_sessions;
mod uploads;
mod users;
