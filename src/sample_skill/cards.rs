//! The cards that this skill makes from the content of a file. Pure.

use serde_json::{Value, json};

use super::{captions, event::Invocation, picture, text};

/// The kind of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Captions,
    Picture,
    /// Sound, which a service transcribes where the event names one.
    Recording,
    Other,
}

impl Kind {
    /// The kind by the ending of the name; pictures also by their first bytes.
    pub(super) fn detect(name: &str, head: &[u8]) -> Self {
        match ending(name).as_str() {
            "txt" | "text" | "md" | "log" => Self::Text,
            "srt" | "vtt" => Self::Captions,
            "png" | "jpg" | "jpeg" | "gif" => Self::Picture,
            "wav" | "mp3" | "m4a" | "flac" => Self::Recording,
            _ if picture::format_of(head).is_some() => Self::Picture,
            _ => Self::Other,
        }
    }

    /// Bytes of the content that are kept.
    pub(super) fn max_kept(self) -> usize {
        const MIB: usize = 1024 * 1024;
        match self {
            Self::Text => MIB,
            Self::Captions => 4 * MIB,
            Self::Picture | Self::Recording => 32 * MIB,
            Self::Other => 0,
        }
    }
}

/// A downloaded file.
#[derive(Debug)]
pub(super) struct Content {
    pub(super) kind: Kind,
    /// Its first bytes: at most [`Kind::max_kept`].
    pub(super) kept: Vec<u8>,
    /// Bytes of the whole.
    pub(super) size: u64,
    /// SHA-1 of the whole, in lower-case hexadecimal.
    pub(super) sha1: String,
}

/// Why no cards could be made, with a code of Box's kit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Flaw {
    /// A code that Box's preview shows a sentence for.
    pub(super) code: &'static str,
    /// The cause.
    pub(super) message: String,
}

/// Makes the cards of a file.
pub(super) fn from_file(
    invocation: &Invocation,
    content: &Content,
    now: &str,
) -> Result<Vec<Value>, Flaw> {
    let maker = Maker { invocation, now };
    match content.kind {
        Kind::Text => Ok(maker.text(content)),
        Kind::Captions => maker.captions(content),
        Kind::Picture => maker.picture(content),
        Kind::Recording | Kind::Other => Ok(vec![maker.plain_facts(content)]),
    }
}

/// Makes the cards of a recording from what a service heard in it: `{"duration": SECONDS, "segments":
/// [{"start": SECONDS, "end": SECONDS, "text": TEXT}]}`.
pub(super) fn from_speech(
    invocation: &Invocation,
    heard: &Value,
    now: &str,
) -> Result<Vec<Value>, Flaw> {
    let segments = heard["segments"].as_array().ok_or_else(|| Flaw {
        code: "skills_unknown_error",
        message: "The service did not answer with segments".to_owned(),
    })?;
    let seconds = |value: &Value| value.as_f64().unwrap_or_default().max(0.0);
    let entries = segments
        .iter()
        .map(|segment| {
            let appears = json!([{
                "start": whole_seconds(seconds(&segment["start"]).floor()),
                "end": whole_seconds(seconds(&segment["end"]).ceil()),
            }]);
            let text = segment["text"].as_str().unwrap_or_default().trim();
            json!({"type": "text", "text": text, "appears": appears})
        })
        .collect();
    let maker = Maker { invocation, now };
    let mut card = maker.card("transcript", ("skills_transcript", "Transcript"), entries);
    card["duration"] = whole_seconds(seconds(&heard["duration"]).ceil()).into();
    Ok(vec![card])
}

/// The card that says that the file is being processed.
pub(super) fn processing(invocation: &Invocation, now: &str) -> Value {
    Maker { invocation, now }.status(
        ("skills_status", "Status"),
        "skills_pending_status",
        "Hang tight while we process your file",
    )
}

/// The card that says why there are no other cards.
pub(super) fn error(invocation: &Invocation, now: &str, flaw: &Flaw) -> Value {
    Maker { invocation, now }.status(("skills_error", "Error"), flaw.code, &flaw.message)
}

struct Maker<'a> {
    invocation: &'a Invocation,
    now: &'a str,
}

impl Maker<'_> {
    fn text(&self, content: &Content) -> Vec<Value> {
        let text = text::decode(&content.kept);
        let lines = text::lines(&text);
        if lines.is_empty() {
            return vec![self.plain_facts(content)];
        }
        let mut cards = Vec::new();
        let words = text::keywords(&text);
        if !words.is_empty() {
            cards.push(self.keywords(&words));
        }
        let entries = lines
            .iter()
            .map(|line| json!({"type": "text", "text": line}))
            .collect();
        cards.push(self.card("transcript", ("skills_transcript", "Transcript"), entries));
        cards
    }

    fn captions(&self, content: &Content) -> Result<Vec<Value>, Flaw> {
        let cues = captions::read(&text::decode(&content.kept));
        if cues.is_empty() {
            return Err(Flaw {
                code: "skills_invalid_file_format_error",
                message: "The file holds no captions".to_owned(),
            });
        }
        let end = cues
            .iter()
            .fold(0.0, |latest: f64, cue| latest.max(cue.end));
        let entries = cues
            .iter()
            .map(|cue| {
                let start = whole_seconds(cue.start.floor());
                json!({"type": "text", "text": cue.text, "appears": [{"start": start}]})
            })
            .collect();
        let mut card = self.card("transcript", ("skills_transcript", "Transcript"), entries);
        card["duration"] = whole_seconds(end.ceil()).into();
        Ok(vec![card])
    }

    fn picture(&self, content: &Content) -> Result<Vec<Value>, Flaw> {
        if content.size > content.kept.len() as u64 {
            return Err(Flaw {
                code: "skills_invalid_file_size_error",
                message: format!("The picture is too large: {} bytes", content.size),
            });
        }
        let picture = picture::read(&content.kept).map_err(|why| Flaw {
            code: "skills_invalid_file_format_error",
            message: format!("The picture cannot be read: {why}"),
        })?;
        let topics = self.keywords(&[
            picture.format.to_owned(),
            format!("{} × {}", picture.width, picture.height),
            readable(content.size),
        ]);
        let name = &self.invocation.file_name;
        let face = json!({
            "type": "image",
            "text": if name.is_empty() { "Picture" } else { name.as_str() },
            "image_url": picture.thumbnail,
        });
        let faces = self.card("timeline", ("skills_faces", "Faces"), vec![face]);
        Ok(vec![topics, faces])
    }

    /// A card for any file: type, size, SHA-1.
    fn plain_facts(&self, content: &Content) -> Value {
        let kind = ending(&self.invocation.file_name).to_uppercase();
        let kind = if kind.is_empty() {
            "FILE".to_owned()
        } else {
            kind
        };
        self.keywords(&[kind, readable(content.size), content.sha1.clone()])
    }

    fn keywords(&self, words: &[String]) -> Value {
        let entries = words
            .iter()
            .map(|word| json!({"type": "text", "text": word}))
            .collect();
        self.card("keyword", ("skills_topics", "Topics"), entries)
    }

    fn card(&self, kind: &str, title: (&str, &str), entries: Vec<Value>) -> Value {
        let mut card = self.head(kind, title);
        card["entries"] = Value::Array(entries);
        card
    }

    fn status(&self, title: (&str, &str), code: &str, message: &str) -> Value {
        let mut card = self.head("status", title);
        card["status"] = json!({"code": code, "message": message});
        card
    }

    fn head(&self, kind: &str, (code, message): (&str, &str)) -> Value {
        json!({
            "created_at": self.now,
            "type": "skill_card",
            "skill_card_type": kind,
            "skill_card_title": {"code": code, "message": message},
            "skill": {"type": "service", "id": self.invocation.skill_id},
            "invocation": {"type": "skill_invocation", "id": self.invocation.id},
        })
    }
}

/// The ending of a file's name in lower case, without the dot; empty where there is none.
fn ending(name: &str) -> String {
    name.rsplit_once('.')
        .map(|(_, ending)| ending.to_lowercase())
        .filter(|ending| (1..=8).contains(&ending.chars().count()))
        .unwrap_or_default()
}

/// Whole seconds, as cards hold them; no file is longer than `u32::MAX` seconds.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a cast from a float saturates"
)]
fn whole_seconds(seconds: f64) -> u32 {
    seconds as u32
}

/// A size with its unit: `940 bytes`, `12.3 kB`, `4.0 MB`.
fn readable(bytes: u64) -> String {
    let tenths = |unit: u64| (bytes * 10 + unit / 2) / unit;
    let (tenths, unit) = match bytes {
        1 => return "1 byte".to_owned(),
        0..1000 => return format!("{bytes} bytes"),
        1000..999_950 => (tenths(1000), "kB"),
        _ => (tenths(1_000_000), "MB"),
    };
    format!("{}.{} {unit}", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn invocation(name: &str) -> Invocation {
        let event = json!({
            "id": "inv_1", "skill": {"id": 137}, "source": {"id": "42", "name": name},
            "token": {"read": {"access_token": "r"}, "write": {"access_token": "w"}}
        });
        Invocation::read(event.to_string().as_bytes()).expect("it is an event")
    }

    fn cards(name: &str, bytes: &[u8]) -> Result<Vec<Value>, Flaw> {
        let content = Content {
            kind: Kind::detect(name, bytes),
            kept: bytes.to_vec(),
            size: bytes.len() as u64,
            sha1: "cafe".to_owned(),
        };
        from_file(&invocation(name), &content, "2026-11-21T12:00:00Z")
    }

    fn texts(card: &Value) -> Vec<&str> {
        card["entries"]
            .as_array()
            .expect("entries are a list")
            .iter()
            .filter_map(|entry| entry["text"].as_str())
            .collect()
    }

    #[test]
    fn text_gives_keywords_and_a_transcript() {
        let cards = cards("notes.TXT", b"Tidal power\n\nfor the harbour").expect("it is text");
        assert_eq!(cards.len(), 2);
        assert_eq!(texts(&cards[0]), ["Tidal", "power", "harbour"]);
        assert_eq!(texts(&cards[1]), ["Tidal power", "for the harbour"]);
        assert_eq!(cards[1]["skill_card_type"], "transcript");
        assert!(cards[1].get("duration").is_none());
    }

    #[test]
    fn captions_give_a_transcript_with_times_and_duration() {
        let cards = cards("a.vtt", b"WEBVTT\n\n01:02.900 --> 01:04.100\nHello").expect("captions");
        assert_eq!(cards.len(), 1);
        assert_eq!(cards[0]["duration"], 65);
        assert_eq!(cards[0]["entries"][0]["appears"], json!([{"start": 62}]));
    }

    #[test]
    fn speech_gives_a_transcript_with_whole_seconds() {
        let heard = json!({
            "duration": 4.2, "segments": [{"start": 0.5, "end": 1.5, "text": " Ahoy. "}]
        });
        let cards = from_speech(&invocation("a.wav"), &heard, "now").expect("segments");
        assert_eq!(cards[0]["duration"], 5);
        assert_eq!(texts(&cards[0]), ["Ahoy."]);
        assert_eq!(
            cards[0]["entries"][0]["appears"],
            json!([{"start": 0, "end": 2}])
        );
        let flaw = from_speech(&invocation("a.wav"), &json!({}), "now").expect_err("no segments");
        assert_eq!(flaw.code, "skills_unknown_error");
    }

    #[test]
    fn captions_without_a_cue_give_an_error_card() {
        let flaw = cards("a.srt", b"nothing").expect_err("no cue");
        assert_eq!(flaw.code, "skills_invalid_file_format_error");
    }

    #[test]
    fn a_broken_picture_gives_an_error_card_with_the_cause() {
        let flaw = cards("a.png", b"\x89PNG\r\n\x1a\n").expect_err("it ends at once");
        assert_eq!(flaw.code, "skills_invalid_file_format_error");
        let card = error(&invocation("a.png"), "now", &flaw);
        assert_eq!(card["skill_card_title"]["code"], "skills_error");
        assert_eq!(card["status"]["code"], "skills_invalid_file_format_error");
    }

    #[test]
    fn any_other_file_gives_type_size_and_sha1() {
        let cards = cards("a.pdf", b"%PDF").expect("any file will do");
        assert_eq!(texts(&cards[0]), ["PDF", "4 bytes", "cafe"]);
    }

    #[test]
    fn an_empty_text_gives_a_card() {
        let cards = cards("a.txt", b" \n").expect("an empty file is fine");
        assert_eq!(texts(&cards[0]), ["TXT", "2 bytes", "cafe"]);
    }

    #[test]
    fn ids_in_cards_are_strings_even_when_the_event_has_numbers() {
        let card = processing(&invocation("a.txt"), "2026-11-21T12:00:00Z");
        assert_eq!(card["skill"], json!({"type": "service", "id": "137"}));
        assert_eq!(card["status"]["code"], "skills_pending_status");
        assert_eq!(card["created_at"], "2026-11-21T12:00:00Z");
    }

    #[test]
    fn pictures_are_detected_by_their_bytes_where_the_name_has_no_known_ending() {
        assert_eq!(
            Kind::detect("scan", b"\x89PNG\r\n\x1a\n0000"),
            Kind::Picture
        );
        assert_eq!(Kind::detect("scan.tar", b"ustar"), Kind::Other);
        assert_eq!(Kind::detect("a.md", b""), Kind::Text);
    }

    #[test]
    fn sizes_have_a_unit_and_at_most_one_decimal() {
        for (bytes, text) in [
            (0, "0 bytes"),
            (1, "1 byte"),
            (999, "999 bytes"),
            (12_345, "12.3 kB"),
            (999_949, "999.9 kB"),
            (999_950, "1.0 MB"),
            (4_000_000, "4.0 MB"),
        ] {
            assert_eq!(readable(bytes), text);
        }
    }
}
