//! The formats of services, a file for each provider.

pub(super) mod assemblyai;
pub(super) mod aws;
pub(super) mod azure;
pub(super) mod clarifai;
pub(super) mod deepgram;
pub(super) mod google;
pub(super) mod video_indexer;
pub(super) mod voicebase;
pub(super) mod watson;
pub(super) mod whisper;
