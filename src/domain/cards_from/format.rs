//! The table of formats: their names, how each is recognised and read, and what it becomes.

use super::{
    content::Content,
    formats::{
        assemblyai, aws, azure, clarifai, deepgram, google, video_indexer, voicebase, watson,
        whisper,
    },
    words::Grouping,
};
use crate::domain::{json::tree::Tree, subtitles};

/// A format that is read.
#[derive(Debug)]
pub struct Format {
    /// Its name, for `--as`.
    pub name: &'static str,
    /// The service or the files.
    pub source: &'static str,
    /// The cards that are made of it.
    pub cards: &'static str,
    /// The lowest confidence of topics, faces and texts, from 0 to 1, unless the user gives another.
    pub min_confidence: f64,
    pub(super) reader: Reader,
}

/// How a format is read.
#[derive(Debug)]
pub(super) enum Reader {
    /// A text file.
    Text(subtitles::Format),
    /// JSON: whether a result has the format, and its content.
    Json {
        fits: fn(Tree<'_>) -> bool,
        read: fn(Tree<'_>, Grouping) -> Content,
    },
}

const fn text(
    name: &'static str,
    source: &'static str,
    cards: &'static str,
    format: subtitles::Format,
) -> Format {
    Format {
        name,
        source,
        cards,
        min_confidence: 0.0,
        reader: Reader::Text(format),
    }
}

const fn json(
    name: &'static str,
    source: &'static str,
    cards: &'static str,
    min_confidence: f64,
    fits: fn(Tree<'_>) -> bool,
    read: fn(Tree<'_>, Grouping) -> Content,
) -> Format {
    Format {
        name,
        source,
        cards,
        min_confidence,
        reader: Reader::Json { fits, read },
    }
}

/// All formats.
pub static FORMATS: [Format; 19] = [
    text("srt", "SubRip", "Transcript", subtitles::Format::Srt),
    text("vtt", "WebVTT", "Transcript", subtitles::Format::Vtt),
    text("sbv", "YouTube's SBV", "Transcript", subtitles::Format::Sbv),
    text(
        "txt",
        "plain text",
        "Transcript, a line an entry",
        subtitles::Format::Plain,
    ),
    json(
        "assemblyai",
        "AssemblyAI transcript",
        "Topics (highlights), Transcript",
        0.0,
        assemblyai::fits,
        assemblyai::read,
    ),
    json(
        "aws-rekognition",
        "Amazon Rekognition, image or video",
        "Faces, Text, Topics (labels)",
        0.7,
        aws::fits_rekognition,
        aws::read_rekognition,
    ),
    json(
        "aws-transcribe",
        "Amazon Transcribe",
        "Transcript",
        0.0,
        aws::fits_transcribe,
        aws::read_transcribe,
    ),
    json(
        "azure-speech",
        "Azure AI Speech, batch or fast transcription",
        "Transcript",
        0.0,
        azure::fits_speech,
        azure::read_speech,
    ),
    json(
        "azure-vision",
        "Azure AI Vision",
        "Text (caption, text in the image), Topics (tags)",
        0.6,
        azure::fits_vision,
        azure::read_vision,
    ),
    json(
        "clarifai",
        "Clarifai",
        "Topics (concepts)",
        0.6,
        clarifai::fits,
        clarifai::read,
    ),
    json(
        "deepgram",
        "Deepgram, pre-recorded",
        "Transcript",
        0.0,
        deepgram::fits,
        deepgram::read,
    ),
    json(
        "google-speech",
        "Google Speech-to-Text, v1 or v2",
        "Transcript",
        0.0,
        google::fits_speech,
        google::read_speech,
    ),
    json(
        "google-video",
        "Google Video Intelligence",
        "Text, Topics (labels), Transcript",
        0.6,
        google::fits_video,
        google::read_video,
    ),
    json(
        "google-vision",
        "Google Vision",
        "Text, Topics (labels, objects, logos, landmarks)",
        0.6,
        google::fits_vision,
        google::read_vision,
    ),
    json(
        "video-indexer",
        "Azure AI Video Indexer",
        "Faces, Text, Topics (keywords, topics, labels), Transcript",
        0.6,
        video_indexer::fits,
        video_indexer::read,
    ),
    json(
        "voicebase",
        "VoiceBase, v2 or v3",
        "Transcript",
        0.0,
        voicebase::fits,
        voicebase::read,
    ),
    json(
        "watson-nlu",
        "IBM Watson Natural Language Understanding",
        "Topics",
        0.0,
        watson::fits_nlu,
        watson::read_nlu,
    ),
    json(
        "watson-speech",
        "IBM Watson Speech to Text",
        "Topics (keywords), Transcript",
        0.0,
        watson::fits_speech,
        watson::read_speech,
    ),
    json(
        "whisper",
        "OpenAI transcription (verbose_json, diarized_json)",
        "Transcript",
        0.0,
        whisper::fits,
        whisper::read,
    ),
];

impl Format {
    /// The format with this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        FORMATS.iter().find(|format| format.name == name)
    }
}
