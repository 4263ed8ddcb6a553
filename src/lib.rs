//! skillctl: test Box Custom Skills on your own machine.
//!
//! The library holds everything but the few lines of `main.rs`. Its rooms and the directions in
//! which they may import each other are described in `docs/architecture.md` and held by
//! `tests/house.rs`: the pure [`domain`] lies in the middle, sockets, files and terminals at the
//! edges.

pub mod cli;
pub mod client;
pub mod commands;
pub mod delivery;
pub mod domain;
pub mod env;
pub mod exit;
pub mod mock_box;
pub mod pump;
pub mod render;
pub mod replay;
pub mod sample_skill;
pub mod server;
pub mod skill;
pub mod store;
pub mod terminal;
pub mod watch;

pub use server::mock::{InvalidEvent, MockBox, MockOptions, StartError};
