//! The fuzz targets: each is a function that takes any bytes and panics where an invariant does not
//! hold. The tests of the corpus and the harness in `fuzz/` both call it.

mod capture;
mod cards;
mod config;
mod docx;
mod event;
mod fixtures;
mod har;
mod multipart;
mod patch;
mod port;
mod position;
mod script;
mod services;
mod state;
mod subtitles;

/// A target: it returns, or panics.
type Target = fn(&[u8]);

/// Every target by its name, which is also that of its folder in the corpus.
pub(crate) const TARGETS: [(&str, Target); 14] = [
    ("capture", capture::check),
    ("cards", cards::check),
    ("config", config::check),
    ("docx", docx::check),
    ("event", event::check),
    ("fixtures", fixtures::check),
    ("har", har::check),
    ("multipart", multipart::check),
    ("patch", patch::check),
    ("port", port::check),
    ("position", position::check),
    ("services", services::check),
    ("state", state::check),
    ("subtitles", subtitles::check),
];

/// Runs one target.
pub(crate) fn run(name: &str, bytes: &[u8]) {
    let found = TARGETS.iter().find(|(known, _)| *known == name);
    let (_, check) = found.unwrap_or_else(|| panic!("there is no target {name}"));
    check(bytes);
}
