//! What the user of the mock does to it past Box's API: registers events, puts files, serves a
//! folder, asks for faults.

pub mod contents;
pub mod faults;
pub mod folder_sync;
pub mod register;
