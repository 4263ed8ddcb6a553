//! Subtitles in each format, and the card that is made of them: it must be one that Box accepts.

use skillctl::domain::{
    card::{
        build::{Filling, fill, transcript},
        face_spec::FaceSpec,
        validate::{Schema, box_refusal, validate},
    },
    diagnostic::Severity,
    json::tree::Tape,
    subtitles::{Format, encoding::decode, read, seconds},
};

pub(crate) fn check(bytes: &[u8]) {
    let Ok(text) = decode(bytes) else {
        return;
    };
    for format in [Format::Srt, Format::Vtt, Format::Sbv, Format::Plain] {
        check_format(&text, format);
    }
    if let Ok(detected) = Format::detect(None, &text) {
        check_format(&text, detected);
    }
    let first = text.lines().next().unwrap_or_default();
    assert!(seconds(first).is_none_or(|it| it.is_finite() && it >= 0.0));
    if let Ok(face) = FaceSpec::parse(first) {
        assert!(!face.label.is_empty());
        for (start, end) in face.appears {
            assert!(end.is_none_or(|end| end >= start), "{first}");
        }
    }
}

fn check_format(text: &str, format: Format) {
    let subtitles = read(text, format);
    let lines = text.split(['\n', '\r']).count();
    for skipped in &subtitles.skipped {
        assert!((1..=lines).contains(&skipped.line), "{skipped:?}");
    }
    for cue in &subtitles.cues {
        assert!(!cue.text.is_empty());
        assert!(!cue.text.contains(['\n', '\r']), "{cue:?}");
        assert!(cue.start.is_none_or(f64::is_finite), "{cue:?}");
        if let (Some(start), Some(end)) = (cue.start, cue.end) {
            assert!(start <= end, "{cue:?}");
        }
    }
    let mut card = transcript("Transcript", &subtitles.cues, subtitles.duration());
    let filling = Filling {
        skill_id: Some("1".to_owned()),
        invocation_id: Some("2".to_owned()),
        created_at: Some("2026-11-21T10:00:00Z".to_owned()),
    };
    fill(&mut card, &filling);
    let cards = serde_json::Value::from(vec![card]);
    assert_eq!(
        box_refusal(Tape::from_value(&cards).tree(), Schema::Box),
        None
    );
    let found = validate(Tape::from_value(&cards).tree(), Schema::Box);
    let error = found.iter().find(|it| it.severity == Severity::Error);
    assert_eq!(error, None);
}
