//! The client of Box: the calls that skillctl makes itself, with one retry policy for all of
//! them, and the download that ends whole and verified or not at all. Knows no command, prints
//! nothing: who waits is told by typed events.

mod box_api;
mod call;
pub mod download;
mod error;
mod file;
mod http;
mod pace;
pub mod retry;

pub use box_api::{BoxClient, Instance, Options, Place, Range, download_url};
pub use error::{BoxError, Challenge, ErrorKind, Refusal};
pub use file::{
    FileInfo, FileVersion, Representation, RepresentationContent, RepresentationInfo,
    RepresentationStatus, Representations,
};
pub use http::{Connections, Http};
pub use pace::{Jitter, OnWait, Pace, Wait};
