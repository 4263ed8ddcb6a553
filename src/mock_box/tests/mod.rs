//! The rules of the mock Box, called as a client calls them but without sockets, files or a clock.

mod cards;
mod files;
mod folder_changes;
mod folders;
mod hostile;
mod item_changes;
mod oauth;
mod refusals;
mod representations;
mod upload_sessions;
mod uploads;
mod world;
