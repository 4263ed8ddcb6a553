//! What the runtime of a skill needs, in the form that each runtime takes: adapters that serve a
//! function over HTTP, and the variables, certificates and scripts by which calls to Box reach a mock.

pub mod handler;
pub mod own;
pub mod persistent;
pub mod run_folder;
mod trust_store;
pub mod variables;
