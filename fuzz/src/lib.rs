//! The targets of `tests/fuzz`, for libFuzzer.

#[path = "../../tests/fuzz/targets/mod.rs"]
mod targets;

/// Runs one target on `bytes`; it panics where it finds something.
pub fn run(name: &str, bytes: &[u8]) {
    targets::run(name, bytes);
}
