//! What `capture` captures, and how.

use std::{path::PathBuf, time::Duration};

use url::Url;

use super::forward::Forward;
use crate::{client, domain::event::signature::Keys, env::Clock};

/// What is captured, and how.
pub struct Options {
    /// The folder that gets the cases.
    pub into: PathBuf,
    /// Whether events are kept byte for byte, tokens and signatures included.
    pub keep_secrets: bool,
    /// Whether the file of an event is downloaded.
    pub content: bool,
    /// The signature keys; deliveries that match none are refused. Without keys, nothing is verified.
    pub keys: Keys,
    /// The root of Box's API.
    pub root: Url,
    /// How Box is called.
    pub client: client::Options,
    /// The skill behind the endpoint.
    pub forward: Option<Forward>,
    /// How long cards are waited for.
    pub wait: Duration,
    /// How long cards must stay unchanged to be final.
    pub settle: Duration,
    /// The present time.
    pub clock: Clock,
}
