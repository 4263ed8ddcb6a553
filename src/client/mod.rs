//! The client of Box: the calls that skillctl makes itself, with one retry policy for all of them,
//! and the download, which ends whole and verified or not at all. It prints nothing; progress and
//! retries are reported to callbacks.

pub mod access;
mod backoff;
mod box_api;
mod call;
pub mod cards;
mod connection_error;
pub mod download;
mod error;
mod file;
mod http;
pub mod retry;
mod server_certificate;
mod transport;

pub use backoff::{Backoff, Jitter, OnRetry, RetryPause};
pub use box_api::{BoxClient, ContentLocation, Instance, Range, download_url};
pub use error::{BoxError, Challenge, ErrorKind, Refusal};
pub use file::{
    FileInfo, FileVersion, Representation, RepresentationContent, RepresentationInfo,
    RepresentationStatus, Representations,
};
pub use http::{Connections, Http};
pub use transport::Options;
