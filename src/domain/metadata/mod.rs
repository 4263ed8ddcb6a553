//! Metadata instances and the JSON Patches that change them, under Box's rules.

pub mod instance;
pub mod patch;
