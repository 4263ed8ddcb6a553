//! The rules of a download, pure: whether a partial file can be resumed, and what an answer means for
//! the bytes that are already here. Versions are never mixed: bytes are only added to bytes of the
//! same identity.

use serde::{Deserialize, Serialize};

/// Which bytes are wanted, by what Box says of them. URLs are left out, since they change with every
/// request. What the token may not read is `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The file.
    pub file_id: String,
    /// Its version.
    pub version: Option<String>,
    /// Its etag in the API (not the one of the download).
    pub etag: Option<String>,
    /// Its length in bytes.
    pub size: Option<u64>,
    /// The SHA-1 of its bytes, in lower-case hexadecimal.
    pub sha1: Option<String>,
    /// The hint of the representation, where one is wanted instead of the file.
    pub representation: Option<String>,
}

/// The note that is kept next to a partial file: which bytes these are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ResumeNote {
    /// What the bytes belong to.
    pub(super) identity: Identity,
    /// The strong ETag that they were served with.
    pub(super) etag: Option<String>,
    /// How many of them are on the disk for certain.
    pub(super) synced: u64,
}

/// The byte at which a partial file of `length` bytes that `note` describes is resumed. `None` to
/// start over.
///
/// With a known SHA-1 every byte is kept, since the result is verified. Without one, only the synced
/// bytes are, and only if the server can confirm them by their ETag.
pub(super) fn resume_position(
    wanted: &Identity,
    note: Option<&ResumeNote>,
    length: u64,
) -> Option<u64> {
    let note = note.filter(|note| note.identity == *wanted)?;
    let sound = match wanted.sha1 {
        Some(_) => length,
        None => length.min(note.synced),
    };
    let holds = sound > 0 && may_resume(wanted, note.etag.as_deref());
    (holds && wanted.size.is_none_or(|size| sound <= size)).then_some(sound)
}

/// Whether a change of the file would be noticed after a resumption: by its SHA-1, or by the server
/// that compares ETags.
pub(super) fn may_resume(wanted: &Identity, etag: Option<&str>) -> bool {
    wanted.sha1.is_some() || etag.is_some()
}

/// The head of an answer to a request for bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// 200, 206 or 416.
    pub status: u16,
    /// `Content-Length`.
    pub length: Option<u64>,
    /// `Content-Range`, where it can be read.
    pub range: Option<ContentRange>,
    /// The ETag, where it is a strong one.
    pub etag: Option<String>,
    /// Whether its type is HTML.
    pub page: bool,
}

/// `bytes 5-9/10`, or `bytes */10` for one that cannot be served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContentRange {
    /// The first byte.
    pub from: Option<u64>,
    /// The length of the whole.
    pub total: Option<u64>,
}

impl ContentRange {
    /// Reads the header's value (RFC 9110, 14.4).
    pub fn parse(value: &str) -> Option<Self> {
        let (range, total) = value.trim().strip_prefix("bytes ")?.split_once('/')?;
        let number = |text: &str| text.trim().parse::<u64>().ok();
        let total = match total.trim() {
            "*" => None,
            total => Some(number(total)?),
        };
        let from = match range.trim() {
            "*" => None,
            range => Some(number(range.split_once('-')?.0)?),
        };
        Some(Self { from, total })
    }
}

/// The strong form of an ETag header: weak ones do not promise the same bytes.
pub(super) fn strong_etag(value: &str) -> Option<String> {
    let value = value.trim();
    (value.len() > 2 && value.starts_with('"') && value.ends_with('"')).then(|| value.to_owned())
}

/// What an answer means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Its bytes follow those that are here.
    Append {
        /// The length of the whole, where it is known.
        total: Option<u64>,
    },
    /// Its bytes are the whole file.
    StartOver {
        /// The length of the whole, where it is known.
        total: Option<u64>,
    },
    /// Everything is here already.
    Complete,
    /// The file has changed, or the answer does not fit the bytes here: they are dropped, and everything
    /// is requested again.
    Restart(&'static str),
    /// Its length is not that of the file.
    WrongLength {
        /// The file's.
        expected: u64,
        /// The answer's.
        got: u64,
    },
    /// It is a page instead of the file.
    Page,
    /// It does not answer the request.
    Nonsense(&'static str),
}

/// What an answer with `head` means for `here` bytes, of which those from the start of the
/// answer's range on were asked for where there are any. `etag` is the one they were served with.
pub(super) fn judge(wanted: &Identity, here: u64, etag: Option<&str>, head: &Head) -> Step {
    match head.status {
        200 => whole(wanted, head),
        206 if here == 0 => {
            Step::Nonsense("it has a part of the file, but the whole file was requested")
        }
        206 => part(wanted, here, etag, head),
        416 if here == 0 => Step::Nonsense("it refuses a range, but none was requested"),
        416 => {
            let total = head.range.and_then(|range| range.total);
            let unchanged = etag.is_some() && etag == head.etag.as_deref();
            if wanted.size.is_none() && total == Some(here) && unchanged {
                Step::Complete
            } else {
                Step::Restart("the server does not have this range of the file")
            }
        }
        _ => Step::Nonsense("its status is not one of a download"),
    }
}

fn whole(wanted: &Identity, head: &Head) -> Step {
    match (wanted.size, head.length) {
        (Some(expected), Some(got)) if expected != got && !head.page => {
            Step::WrongLength { expected, got }
        }
        (Some(expected), got) if head.page && got != Some(expected) => Step::Page,
        (None, _) if head.page && wanted.representation.is_some() => Step::Page,
        (size, length) => Step::StartOver {
            total: size.or(length),
        },
    }
}

fn part(wanted: &Identity, here: u64, etag: Option<&str>, head: &Head) -> Step {
    let Some(range) = head.range else {
        return Step::Restart("the server does not say which part it sends");
    };
    if range.from != Some(here) {
        return Step::Restart("the server sent a different part from the one requested");
    }
    if matches!((etag, &head.etag), (Some(old), Some(new)) if old != new) {
        return Step::Restart("the file has changed since");
    }
    let announced = head.length.map(|length| here.saturating_add(length));
    match (wanted.size, range.total) {
        (Some(size), Some(total)) if size != total => {
            Step::Restart("the length of the file has changed")
        }
        (size, total) => Step::Append {
            total: size.or(total).or(announced),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted() -> Identity {
        Identity {
            file_id: "1".to_owned(),
            version: Some("v1".to_owned()),
            etag: Some("3".to_owned()),
            size: Some(10),
            sha1: Some("ab".to_owned()),
            representation: None,
        }
    }

    fn unknown() -> Identity {
        Identity {
            file_id: "1".to_owned(),
            ..Identity::default()
        }
    }

    fn note(identity: Identity, etag: Option<&str>, synced: u64) -> ResumeNote {
        ResumeNote {
            identity,
            etag: etag.map(str::to_owned),
            synced,
        }
    }

    fn part_head(from: u64, total: Option<u64>, etag: Option<&str>) -> Head {
        Head {
            status: 206,
            range: Some(ContentRange {
                from: Some(from),
                total,
            }),
            etag: etag.map(str::to_owned),
            ..Head::default()
        }
    }

    #[test]
    fn a_partial_file_without_a_note_is_not_resumed() {
        assert_eq!(resume_position(&wanted(), None, 5), None);
    }

    #[test]
    fn any_difference_of_identity_starts_over() {
        let same = wanted();
        assert_eq!(
            resume_position(&same, Some(&note(wanted(), None, 0)), 5),
            Some(5)
        );
        let others = [
            Identity {
                file_id: "2".to_owned(),
                ..wanted()
            },
            Identity {
                version: Some("v2".to_owned()),
                ..wanted()
            },
            Identity {
                etag: None,
                ..wanted()
            },
            Identity {
                size: Some(11),
                ..wanted()
            },
            Identity {
                sha1: Some("cd".to_owned()),
                ..wanted()
            },
            Identity {
                representation: Some("mp3".to_owned()),
                ..wanted()
            },
        ];
        for other in others {
            assert_eq!(resume_position(&same, Some(&note(other, None, 5)), 5), None);
        }
    }

    #[test]
    fn without_a_sha1_only_synced_bytes_with_an_etag_count() {
        let position =
            |etag, synced| resume_position(&unknown(), Some(&note(unknown(), etag, synced)), 9);
        assert_eq!(position(Some("\"x\""), 4), Some(4));
        assert_eq!(position(Some("\"x\""), 40), Some(9));
        assert_eq!(position(Some("\"x\""), 0), None);
        assert_eq!(position(None, 9), None);
    }

    #[test]
    fn more_bytes_than_the_file_has_start_over_and_all_of_them_need_no_more() {
        assert_eq!(
            resume_position(&wanted(), Some(&note(wanted(), None, 0)), 11),
            None
        );
        assert_eq!(
            resume_position(&wanted(), Some(&note(wanted(), None, 0)), 10),
            Some(10)
        );
        assert_eq!(
            resume_position(&wanted(), Some(&note(wanted(), None, 0)), 0),
            None
        );
    }

    #[test]
    fn a_200_is_the_whole_whatever_was_asked_for() {
        let head = Head {
            status: 200,
            length: Some(10),
            ..Head::default()
        };
        let total = Some(10);
        assert_eq!(judge(&wanted(), 5, None, &head), Step::StartOver { total });
        assert_eq!(judge(&unknown(), 0, None, &head), Step::StartOver { total });
    }

    #[test]
    fn a_200_of_another_length_is_wrong_and_a_page_of_another_length_a_portal() {
        let head = |page| Head {
            status: 200,
            length: Some(7),
            page,
            ..Head::default()
        };
        let (expected, got) = (10, 7);
        assert_eq!(
            judge(&wanted(), 0, None, &head(false)),
            Step::WrongLength { expected, got }
        );
        assert_eq!(judge(&wanted(), 0, None, &head(true)), Step::Page);
        assert_eq!(
            judge(&unknown(), 0, None, &head(true)),
            Step::StartOver { total: Some(7) },
            "the file may be a page itself"
        );
    }

    #[test]
    fn a_206_is_appended_only_where_the_bytes_here_end() {
        let judge = |head: &Head| judge(&wanted(), 5, Some("\"x\""), head);
        let total = Some(10);
        assert_eq!(
            judge(&part_head(5, total, Some("\"x\""))),
            Step::Append { total }
        );
        assert_eq!(judge(&part_head(5, None, None)), Step::Append { total });
        for head in [
            part_head(4, total, None),
            part_head(6, total, None),
            part_head(5, Some(11), None),
            part_head(5, total, Some("\"y\"")),
            Head {
                status: 206,
                ..Head::default()
            },
        ] {
            assert!(matches!(judge(&head), Step::Restart(_)), "{head:?}");
        }
    }

    #[test]
    fn a_206_without_a_range_request_is_nonsense() {
        let head = part_head(0, Some(10), None);
        assert!(matches!(
            judge(&wanted(), 0, None, &head),
            Step::Nonsense(_)
        ));
    }

    #[test]
    fn a_416_completes_only_what_is_surely_the_same() {
        let head = |etag: Option<&str>| Head {
            status: 416,
            range: ContentRange::parse("bytes */5"),
            etag: etag.map(str::to_owned),
            ..Head::default()
        };
        let judge_416 = |etag| judge(&unknown(), 5, Some("\"x\""), &head(etag));
        assert_eq!(judge_416(Some("\"x\"")), Step::Complete);
        assert!(matches!(judge_416(Some("\"y\"")), Step::Restart(_)));
        assert!(matches!(judge_416(None), Step::Restart(_)));
        assert!(matches!(
            judge(&wanted(), 5, Some("\"x\""), &head(Some("\"x\""))),
            Step::Restart(_)
        ));
    }

    #[test]
    fn content_ranges_are_read_in_all_their_forms() {
        let read = |text| ContentRange::parse(text).map(|range| (range.from, range.total));
        assert_eq!(read("bytes 5-9/10"), Some((Some(5), Some(10))));
        assert_eq!(read("bytes 5-9/*"), Some((Some(5), None)));
        assert_eq!(read("bytes */10"), Some((None, Some(10))));
        for odd in [
            "",
            "bytes",
            "bytes 5/10",
            "lines 1-2/3",
            "bytes 5-9/x",
            "bytes -1-2/3",
        ] {
            assert_eq!(read(odd), None, "{odd}");
        }
    }

    #[test]
    fn weak_etags_label_nothing() {
        assert_eq!(strong_etag("\"a\"").as_deref(), Some("\"a\""));
        assert_eq!(strong_etag("W/\"a\""), None);
        assert_eq!(strong_etag("\"\""), None);
        assert_eq!(strong_etag("a"), None);
    }
}
