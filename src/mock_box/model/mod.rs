//! What the mock Box is made of: plain data and its ids. Nothing here decides a call, and nothing
//! here is Box's JSON.

pub mod content;
pub mod event;
pub mod file;
pub mod folder;
pub mod grant;
pub mod ids;
pub mod instance;
pub mod item_details;
pub mod item_name;
pub mod settings;
pub mod upload_session;
pub mod user;
