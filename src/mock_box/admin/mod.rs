//! What changes the mock other than Box's API: events are registered, files put, folders served,
//! faults set. It is decided here, as pure functions; `store` applies it, and the HTTP API for it is
//! in `server::admin`.

pub mod contents;
pub mod faults;
pub mod folder_sync;
pub mod register;
