//! skillctl: test Box Custom Skills on your own machine.
//!
//! For a test of your own, [`MockBox`] is a mock of Box's API in your process. [`domain`] holds
//! events, cards and the rules they obey, without input or output; [`replay`] sends events to a
//! skill and judges the results; [`client`] calls Box; [`render`] turns values into text, HTML,
//! Markdown and JSON.
//!
//! The other modules are hidden from this documentation. They are public for the binary and for
//! the crate's own tests, benchmarks and fuzz targets, and change without notice. What each folder
//! holds, and where a change is made, is in `docs/architecture.md`; which folder may import which
//! is in `tests/house/`.

#[doc(hidden)]
pub mod capture;
#[doc(hidden)]
pub mod cli;
pub mod client;
#[doc(hidden)]
pub mod commands;
#[doc(hidden)]
pub mod delivery;
#[doc(hidden)]
pub mod doctor;
pub mod domain;
#[doc(hidden)]
pub mod env;
#[doc(hidden)]
pub mod exit;
#[doc(hidden)]
pub mod init;
#[doc(hidden)]
pub mod mock_box;
#[doc(hidden)]
pub mod pump;
pub mod render;
pub mod replay;
#[doc(hidden)]
pub mod sample_skill;
#[doc(hidden)]
pub mod server;
#[doc(hidden)]
pub mod skill;
#[doc(hidden)]
pub mod store;
#[doc(hidden)]
pub mod terminal;
#[doc(hidden)]
pub mod watch;

pub use env::Environment;
pub use mock_box::{Settings, TokenMode, faults::Faults};
pub use server::{
    guard::Guard,
    mock::{InvalidEvent, MockBox, MockOptions, StartError},
    proxy::egress::Egress,
};
