//! Mistakes in words for a person: what is wrong, what was found, what is expected, and how to
//! mend it. Every mistake has all four.

use crate::domain::json::tree::Tree;

use super::{
    check::misspelt_status,
    mistake::{Mistake, Type, quoted, shortened, type_name},
    model::{Kind, SOMETHING_WENT_WRONG},
    subtitles,
};

/// A mistake in words.
pub(super) struct Words {
    /// Its stable name.
    pub(super) code: &'static str,
    /// What is wrong.
    pub(super) message: String,
    /// What stands there.
    pub(super) found: String,
    /// What should stand there.
    pub(super) expected: String,
    /// How to mend it.
    pub(super) help: String,
}

/// The words for a mistake; `subject` is what the value is called.
pub(super) fn of(mistake: &Mistake<'_>, subject: &str) -> Words {
    on_structure(mistake, subject)
        .or_else(|| on_statuses(mistake, subject))
        .or_else(|| on_titles(mistake))
        .or_else(|| on_times(mistake, subject))
        .unwrap_or_else(|| on_entries(mistake, subject))
}

const STATUSES: &str = "invoked, processing, success, transient_failure or permanent_failure";

fn on_structure(mistake: &Mistake<'_>, subject: &str) -> Option<Words> {
    Some(match mistake {
        Mistake::WrongType { found, should } => {
            let is_id = subject.ends_with("id`");
            let code = if is_id {
                "id-not-a-string"
            } else {
                "wrong-type"
            };
            let (is, takes) = (described(*found), should.plural());
            Words::new(code, format!("{subject} is {is}, Box takes only {takes}"))
                .found(is)
                .expected(should.singular())
                .help(mend_type(*found, *should))
        }
        Mistake::Null { should } => Words::new("null-member", format!("{subject} is null"))
            .found("null")
            .expected(format!("{}, or no such member", should.singular()))
            .help("leave the member out"),
        Mistake::Missing { names } => {
            let list = listed(names);
            let message = format!("{subject} has no {list}, which Box's description requires");
            Words::new("missing-member", message)
                .found("no such member")
                .expected(list)
                .help(mend_missing(names))
        }
        Mistake::Nothing { name, near } => {
            let message = format!("{subject} has no `{name}`, so nothing of it is shown");
            Words::new("nothing-to-show", message)
                .found("no such member")
                .expected(format!("`{name}`"))
                .help(match near {
                    Some(key) => format!("did you mean `{name}` by `{}`?", shortened(key)),
                    None => format!("add `{name}`, or leave the card out"),
                })
        }
        Mistake::UnknownKind { found } => {
            let message = format!(
                "{subject} is {}, a type that Box does not know; nothing of the card is shown",
                quoted(found)
            );
            Words::new("unknown-card-type", message)
                .found(quoted(found))
                .expected("\"keyword\", \"timeline\", \"transcript\" or \"status\"")
                .help(match nearest_kind(found) {
                    Some(kind) => format!("did you mean \"{kind}\"?"),
                    None => "write one of the four".to_owned(),
                })
        }
        Mistake::OtherConstant { found, should } => {
            let found = quoted(found);
            let message = format!("{subject} is {found}, Box's description has \"{should}\" there");
            Words::new("other-type", message)
                .found(found)
                .expected(format!("\"{should}\""))
                .help(format!("write \"{should}\""))
        }
        Mistake::NoDate { found } => {
            Words::new("no-date-time", format!("{subject} is no date and time"))
                .found(quoted(found))
                .expected("a date and time as RFC 3339 has them")
                .help("write it like \"2018-10-29T11:29:09-07:00\", with its offset or Z")
        }
        Mistake::Misspelt { key, should } => Words::new(
            "unknown-member",
            format!("nothing reads `{}`", shortened(key)),
        )
        .found("a member that nothing reads")
        .expected(format!("`{should}`"))
        .help(format!("did you mean `{should}`?")),
        _ => return None,
    })
}

fn on_statuses(mistake: &Mistake<'_>, subject: &str) -> Option<Words> {
    Some(match mistake {
        Mistake::OtherStatus { found } => {
            let message = format!("{subject} is {}, no status of an invocation", quoted(found));
            Words::new("unknown-status", message)
                .found(quoted(found))
                .expected(STATUSES)
                .help("write one of them")
        }
        Mistake::OtherCode { found, .. } => {
            let meant = misspelt_status(found);
            let found = quoted(found);
            let message = format!("the status code {found} is not in Box's description");
            Words::new("unknown-status-code", message)
                .found(found)
                .expected(STATUSES)
                .help(match meant {
                    Some(meant) => format!("did you mean \"{meant}\"?"),
                    None => "Box accepts it and shows the message; the official kit writes \
                             \"custom_error\""
                        .to_owned(),
                })
        }
        Mistake::ShowsAsError { code, near, .. } => {
            let found = match code {
                Some(code) => format!("the status code {}", quoted(code)),
                None => "a status without a code".to_owned(),
            };
            let message = format!(
                "{found} has no message, so Box's preview shows an error: \
                 “{SOMETHING_WENT_WRONG}”"
            );
            Words::new("status-shows-as-error", message)
                .found("no message beside it")
                .expected("a `message` beside the code, or a code that the preview knows")
                .help(match near {
                    Some(near) => format!("did you mean \"{near}\"?"),
                    None => "add \"message\": the preview shows it for every code that it does \
                             not know"
                        .to_owned(),
                })
        }
        Mistake::MessageIgnored { shown } => {
            let message = "the message never shows: Box's preview has its own text for this code";
            Words::new("message-never-shows", message)
                .found(format!("shown: “{shown}”"))
                .expected("no message beside this code")
                .help(
                    "leave the message out, or use a code that the preview does not know, like \
                     \"processing\"",
                )
        }
        _ => return None,
    })
}

fn on_titles(mistake: &Mistake<'_>) -> Option<Words> {
    Some(match mistake {
        Mistake::TitleIgnored { shown } => {
            let message = format!(
                "nothing reads `title`: the card is titled “{}”",
                shortened(shown)
            );
            Words::new("title-ignored", message)
                .found("a member that nothing reads")
                .expected("`skill_card_title`, an object with a `message`")
                .help("write \"skill_card_title\": {\"message\": …}")
        }
        Mistake::TitleCodeWins { shown } => {
            let message =
                format!("the title never shows: its code makes the preview say “{shown}”");
            Words::new("title-code-wins", message)
                .found(format!("shown: “{shown}”"))
                .expected(format!(
                    "“{shown}”, or a code that the preview does not know"
                ))
                .help("use a title code of your own")
        }
        _ => return None,
    })
}

fn on_times(mistake: &Mistake<'_>, subject: &str) -> Option<Words> {
    Some(match mistake {
        Mistake::Fractions { found, count } => {
            let times = match count {
                1 => "a time is".to_owned(),
                _ => format!("{count} times of this card are"),
            };
            let message =
                format!("{times} given with fractions, Box's description has whole seconds");
            Words::new("fractions", message)
                .found(found.to_string())
                .expected("an integer")
                .help("Box accepts it, and the official kit writes it too; rounding would please both")
        }
        Mistake::NoDuration { count } => {
            let whose = match count {
                1 => "this entry appears".to_owned(),
                _ => format!("{count} entries of this card appear"),
            };
            let message =
                format!("{whose} at times, but without `duration` the card shows no timeline");
            Words::new("no-duration", message)
                .found("no `duration` on the card")
                .expected("a `duration` in seconds on the card")
                .help("add \"duration\": the length of the file in seconds")
        }
        Mistake::EmptyDuration { found } => {
            let message = format!("a duration of {found} shows no timeline");
            Words::new("empty-duration", message)
                .found(found.to_string())
                .expected("more than 0")
                .help("write the length of the file in seconds")
        }
        Mistake::BeyondDuration { start, duration } => {
            let message = format!(
                "it starts at {start} s, the card lasts {duration} s: the preview leaves it out"
            );
            Words::new("beyond-duration", message)
                .found(start.to_string())
                .expected(format!("less than {duration}"))
                .help("are these milliseconds? Times are in seconds")
        }
        Mistake::BelowZero { start } => {
            let message = format!("it starts at {start} s, before the beginning");
            Words::new("below-zero", message)
                .found(start.to_string())
                .expected("0 or more")
                .help("count from the beginning of the file, in seconds")
        }
        Mistake::EndsBefore { start, end } => {
            let message = format!("it ends at {end} s, before it starts at {start} s");
            Words::new("ends-before-start", message)
                .found(end.to_string())
                .expected(format!("{start} or more"))
                .help("are the two swapped, or is this a length?")
        }
        Mistake::NoStart => {
            let message = format!("{subject} has no `start`: the preview leaves it out");
            Words::new("no-start", message)
                .found("no `start`")
                .expected("a `start` in seconds")
                .help("add \"start\", or leave the appearance out")
        }
        Mistake::SeveralTimes { count } => {
            let message = format!("a line with {count} times shows none of them");
            Words::new("several-times", message)
                .found(format!("{count} appearances"))
                .expected("exactly one appearance")
                .help("keep the first, or make a line of each")
        }
        _ => return None,
    })
}

fn on_entries(mistake: &Mistake<'_>, subject: &str) -> Words {
    const IMAGE: &str = "an https address, or a data URI of a 45×45 PNG";
    const MADE: &str = "`skillctl cards new timeline` makes a data URI of an image";
    match mistake {
        Mistake::NoEntries => {
            let message = "the list of entries is empty: the card starts closed and says that no \
                           information was found";
            Words::new("no-entries", message)
                .found("an empty list")
                .expected("at least one entry")
                .help("leave the card out where there is nothing to show")
        }
        Mistake::NoText => Words::new("no-text", format!("{subject} has no text to show"))
            .found("no text")
            .expected("a `text` that is not empty")
            .help("add \"text\", or leave the entry out"),
        Mistake::NoImage => {
            let message = format!("{subject} has no `image_url`, so no face is shown");
            Words::new("no-image", message)
                .found("no image")
                .expected(IMAGE)
                .help(MADE)
        }
        Mistake::InsecureImage => {
            let message = "a browser does not load an http image into Box's https page";
            Words::new("insecure-image", message)
                .found("an http address")
                .expected(IMAGE)
                .help("is it there by https too? Else make a data URI of it")
        }
        // What is left is the odd image; the rest has been put into words above.
        _ => Words::new("odd-image", "no browser can load an image from this")
            .found("neither https nor a whole data URI")
            .expected(IMAGE)
            .help(MADE),
    }
}

impl Words {
    fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            found: String::new(),
            expected: String::new(),
            help: String::new(),
        }
    }

    fn found(mut self, found: impl Into<String>) -> Self {
        self.found = found.into();
        self
    }

    fn expected(mut self, expected: impl Into<String>) -> Self {
        self.expected = expected.into();
        self
    }

    fn help(mut self, help: impl Into<String>) -> Self {
        self.help = help.into();
        self
    }
}

/// A value's type in words.
fn described(value: Tree<'_>) -> &'static str {
    match type_name(value) {
        "null" => "null",
        "boolean" => "a boolean",
        "number" => "a number with a fraction",
        "integer" => "an integer",
        "string" => "a string",
        "array" => "a list",
        _ => "an object",
    }
}

fn listed(names: &[&str]) -> String {
    let names: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    match names.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
        None => String::new(),
    }
}

fn mend_missing(names: &[&str]) -> &'static str {
    match names {
        ["id"] => "the event has it: it is a string",
        ["code" | "message" | "file" | "status" | "entries"] => "add it",
        _ => "`skillctl cards write` fills in type, skill and invocation from the event",
    }
}

fn mend_type(found: Tree<'_>, should: Type) -> String {
    match (found, should) {
        (Tree::Number(number), Type::String) => format!("write it in quotes: \"{number}\""),
        (Tree::String(text), Type::Seconds) => match subtitles::seconds(text) {
            Some(seconds) => format!("write it in seconds, without quotes: {seconds}"),
            None => "write it in seconds, without quotes".to_owned(),
        },
        (Tree::Object(_), Type::Array) => "put it in brackets: [{…}]".to_owned(),
        (Tree::Null, _) => format!(
            "write {}, or leave out what it stands in",
            should.singular()
        ),
        _ => format!("write {} there", should.singular()),
    }
}

/// The kind that somebody may have meant: by spelling, or by the title that the preview gives it.
fn nearest_kind(found: &str) -> Option<&'static str> {
    const NEAR_ENOUGH: f64 = 0.85;
    let found: String = found.chars().take(40).collect::<String>().to_lowercase();
    let by_title = [
        ("topic", "keyword"),
        ("label", "keyword"),
        ("face", "timeline"),
        ("speech", "transcript"),
        ("error", "status"),
    ];
    by_title
        .into_iter()
        .find(|(title, _)| found.starts_with(title))
        .map(|(_, kind)| kind)
        .or_else(|| {
            Kind::ALL
                .into_iter()
                .map(Kind::as_str)
                .find(|kind| strsim::jaro_winkler(kind, &found) >= NEAR_ENOUGH)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mistake_says_what_is_found_expected_and_to_be_done() {
        let five = 5.into();
        let odd = Tree::Number(&five);
        let all = [
            Mistake::WrongType {
                found: odd,
                should: Type::String,
            },
            Mistake::WrongType {
                found: odd,
                should: Type::Array,
            },
            Mistake::Null {
                should: Type::Object,
            },
            Mistake::Missing { names: &["id"] },
            Mistake::Missing {
                names: &["invocation", "skill"],
            },
            Mistake::Nothing {
                name: "entries",
                near: None,
            },
            Mistake::UnknownKind { found: "map" },
            Mistake::OtherConstant {
                found: "a",
                should: "b",
            },
            Mistake::OtherStatus { found: "a" },
            Mistake::OtherCode {
                found: "a",
                official: false,
            },
            Mistake::ShowsAsError {
                code: None,
                near: None,
                documented: false,
            },
            Mistake::MessageIgnored { shown: "a" },
            Mistake::NoDate { found: "a" },
            Mistake::Fractions {
                found: odd,
                count: 2,
            },
            Mistake::TitleIgnored { shown: "a" },
            Mistake::TitleCodeWins { shown: "a" },
            Mistake::NoEntries,
            Mistake::NoText,
            Mistake::NoDuration { count: 1 },
            Mistake::EmptyDuration { found: 0.0 },
            Mistake::BeyondDuration {
                start: 2.0,
                duration: 1.0,
            },
            Mistake::BelowZero { start: -1.0 },
            Mistake::EndsBefore {
                start: 2.0,
                end: 1.0,
            },
            Mistake::NoStart,
            Mistake::SeveralTimes { count: 2 },
            Mistake::NoImage,
            Mistake::OddImage,
            Mistake::InsecureImage,
            Mistake::Misspelt {
                key: "apears",
                should: "appears",
            },
        ];
        let mut codes = std::collections::HashSet::new();
        for mistake in all {
            let words = of(&mistake, "`it`");
            codes.insert(words.code);
            for part in [&words.message, &words.found, &words.expected, &words.help] {
                assert!(!part.is_empty(), "{mistake:?}");
                assert!(!part.ends_with('.') || part.ends_with("…"), "{part}");
            }
        }
        assert_eq!(
            codes.len(),
            27,
            "each kind of mistake has a name of its own"
        );
    }
}
