//! What the runtime of a skill needs, in the form that each runtime takes: adapters that serve a
//! function over HTTP, and the variables, certificates and preload that make calls to Box reach a
//! mock.

pub mod handler;
pub mod run_folder;
pub mod variables;
