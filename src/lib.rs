//! skillctl: test Box Custom Skills on your own machine.
//!
//! The library holds everything but the few lines of `main.rs`. What each folder holds, and where a
//! change is made, is in `docs/architecture.md`; which folder may import which is in `tests/house/`.
//! The pure [`domain`] is at the bottom; sockets, files and terminals are at the top.

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
