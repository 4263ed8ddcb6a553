//! The rules for cards. The table [`Violation::row`] holds for each violation its code, its effect in
//! Box, the refusal as Box words it, and the message for an author. A new rule is a variant, its row,
//! and the code in `check` or `entries` that finds it.
//!
//! Sources: docs/box/cards.md for Box's description and captured refusals, docs/box/preview.md for
//! what is shown.

use super::{
    codes::{DOCUMENTED_STATUSES, SOMETHING_WENT_WRONG, misspelt_status},
    messages::{
        alternatives, did_you_mean, far_unit, fix_missing, fix_type, listed, missing_properties,
        nearest_card_type, not_in_enum, quoted, shortened, wrong_primitive,
    },
    model::CardType,
    types::{Schema, Type, type_in_words, type_name},
};
use crate::domain::{diagnostic::Severity, json::tree::Tree};

/// A broken rule. Borrows what it is about: nothing is allocated until its texts are needed.
#[derive(Clone, Copy, Debug)]
pub(super) enum Violation<'a> {
    /// A value of another type than Box accepts.
    WrongType { found: Tree<'a>, should: Type },
    /// An id that is not a string. Box refuses integers, though its own test event has them.
    WrongIdType { found: Tree<'a> },
    /// `null` for an optional member.
    Null { should: Type },
    /// Members that the description requires, in alphabetical order.
    Missing { names: &'a [&'static str] },
    /// The member without which nothing is shown, and a member that may be a misspelling of it.
    NothingToShow {
        name: &'static str,
        near: Option<&'a str>,
    },
    /// A `skill_card_type` that neither Box nor its preview knows.
    UnknownCardType { found: &'a str },
    /// A `skill_card_type` that the preview knows and Box's description does not.
    UndocumentedCardType { found: &'a str },
    /// `error` on a card without `status`: the preview shows a status card instead.
    ErrorMember,
    /// A member with one allowed value that has another.
    OtherConstant {
        found: &'a str,
        should: &'static str,
    },
    /// A status outside the list of a skill_invocations body.
    UnknownStatus { found: &'a str },
    /// A status code outside the description; `official` where the kit or the preview has it.
    UnknownStatusCode { found: &'a str, official: bool },
    /// A status whose code the preview does not know, without a message.
    ShowsAsError {
        code: Option<&'a str>,
        near: Option<&'static str>,
        documented: bool,
    },
    /// A message that is never shown, because the preview has its own for the code.
    MessageIgnored { shown: &'static str },
    /// A time that is not RFC 3339.
    NoDateTime { found: &'a str },
    /// Times or durations that are not whole seconds: how many in the card.
    Fractions { found: Tree<'a>, count: usize },
    /// `title`, which nothing reads.
    TitleIgnored { shown: &'a str },
    /// A title message that is never shown, because the preview has its own for the code.
    TitleCodeWins { shown: &'static str },
    /// An empty list of entries.
    NoEntries,
    /// An entry without text.
    NoText,
    /// Times without effect, because the card has no duration: how many entries have them.
    NoDuration { count: usize },
    /// A duration of 0 or less.
    EmptyDuration { found: f64 },
    /// An appearance that begins at the end or later.
    BeyondDuration { start: f64, duration: f64 },
    /// Appearances so far beyond the duration that their unit must be another: how many of the card.
    FarBeyondDuration {
        start: f64,
        duration: f64,
        count: usize,
    },
    /// An appearance before the beginning.
    BelowZero { start: f64 },
    /// An appearance that ends before it starts.
    EndsBeforeStart { start: f64, end: f64 },
    /// An appearance without a start.
    NoStart,
    /// A transcript line with several appearances, of which none is shown.
    SeveralTimes { count: usize },
    /// A face without an image.
    NoImage,
    /// An image address that a browser cannot load.
    OddImage,
    /// An image that an https page may not load.
    InsecureImage,
    /// A member that may be a misspelling of one that is missing.
    Misspelt { key: &'a str, should: &'static str },
}

/// What Box and its preview do with a violation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Effect {
    /// Box refuses the write.
    Refused,
    /// Box accepts it, and its preview shows nothing of the card.
    Hidden,
    /// Box accepts it, but does not document it or displays it differently than intended.
    Doubtful,
    /// Box accepts it, and real skills write it on purpose.
    Fine,
}

/// A violation in words.
#[derive(Debug)]
pub(super) struct Report {
    /// What is wrong, in a sentence without a full stop.
    pub(super) message: String,
    /// The value in the input.
    pub(super) found: String,
    /// What should be there.
    pub(super) expected: String,
    /// How to correct it.
    pub(super) help: String,
}

impl Violation<'_> {
    /// The table of rules.
    #[allow(
        clippy::too_many_lines,
        reason = "a table: one row for each rule, and nowhere else a part of one"
    )]
    fn row<'q>(&self, ask: Ask<'q>) -> Row<'q> {
        use Effect::{Doubtful, Fine, Hidden, Refused};
        const STATUSES: &str =
            "invoked, processing, success, transient_failure or permanent_failure";
        const IMAGE: &str = "an https address, or a data URI of a 45×45 PNG";
        const MAKE_IMAGE: &str = "`skillctl cards new timeline` makes a data URI of an image";

        let row = |code, effect| Row::new(ask, code, effect);
        match *self {
            Self::WrongType { found, should } => row("wrong-type", Refused)
                .undocumented(|schema| wrong_primitive(type_name(found), should, schema))
                .report(|subject| {
                    let is = type_in_words(found);
                    says(
                        format!("{subject} is {is}; Box accepts only {}", should.plural()),
                        is,
                        should.singular(),
                        fix_type(found, should),
                    )
                }),
            Self::WrongIdType { found } => row("id-not-a-string", Refused)
                .undocumented(|schema| wrong_primitive(type_name(found), Type::String, schema))
                .report(|subject| {
                    let is = type_in_words(found);
                    says(
                        format!("{subject} is {is}; Box accepts only strings"),
                        is,
                        "a string",
                        fix_type(found, Type::String),
                    )
                }),
            Self::Null { should } => row("null-member", Doubtful)
                .undocumented(|schema| wrong_primitive("null", should, schema))
                .report(|subject| {
                    says(
                        format!("{subject} is null"),
                        "null",
                        format!("{}, or no such member", should.singular()),
                        "remove the member",
                    )
                }),
            Self::Missing { names } => row("missing-member", Doubtful)
                .undocumented(|_| missing_properties(names))
                .absence(names.len() == 1)
                .report(|subject| {
                    let list = listed(names);
                    says(
                        format!("{subject} has no {list}, which Box's description requires"),
                        "no such member",
                        list,
                        fix_missing(names),
                    )
                }),
            Self::NothingToShow { name, near } => row("nothing-to-show", Hidden)
                .undocumented(|_| missing_properties(&[name]))
                .absence(true)
                .report(|subject| {
                    says(
                        format!("{subject} has no `{name}`, so Box's preview does not show it"),
                        "no such member",
                        format!("`{name}`"),
                        match near {
                            Some(key) => {
                                format!("did you mean `{name}` instead of `{}`?", shortened(key))
                            }
                            None => format!("add `{name}`, or remove the card"),
                        },
                    )
                }),
            Self::UnknownCardType { found } => row("unknown-card-type", Hidden)
                .undocumented(|_| not_in_enum(found, &CardType::DOCUMENTED.map(CardType::as_str)))
                .report(|subject| {
                    says(
                        format!(
                            "{subject} is {}, a type that Box does not know; its preview does \
                             not show the card",
                            quoted(found)
                        ),
                        quoted(found),
                        alternatives(&CardType::DOCUMENTED.map(CardType::as_str)),
                        did_you_mean(nearest_card_type(found), "use one of these types"),
                    )
                }),
            Self::UndocumentedCardType { found } => row("undocumented-card-type", Doubtful)
                .undocumented(|_| not_in_enum(found, &CardType::DOCUMENTED.map(CardType::as_str)))
                .report(|subject| {
                    says(
                        format!(
                            "{subject} is {}, which Box's preview shows as a timeline; Box does \
                             not document it, and may refuse it",
                            quoted(found)
                        ),
                        quoted(found),
                        alternatives(&CardType::DOCUMENTED.map(CardType::as_str)),
                        "write \"timeline\": the preview shows it in the same way",
                    )
                }),
            Self::ErrorMember => row("error-member", Doubtful).report(|_| {
                says(
                    format!(
                        "for a card with `error` the preview shows a status card: \
                         “{SOMETHING_WENT_WRONG}”"
                    ),
                    "`error`, and no `status`",
                    "a status card that says what failed",
                    "write a status card with a message, or remove `error`",
                )
            }),
            Self::OtherConstant { found, should } => row("other-type", Doubtful)
                .undocumented(|_| not_in_enum(found, &[should]))
                .report(|subject| {
                    says(
                        format!("{subject} is {}; Box documents \"{should}\"", quoted(found)),
                        quoted(found),
                        format!("\"{should}\""),
                        format!("write \"{should}\""),
                    )
                }),
            Self::UnknownStatus { found } => row("unknown-status", Doubtful)
                .undocumented(|_| not_in_enum(found, &DOCUMENTED_STATUSES))
                .report(|subject| {
                    says(
                        format!(
                            "{subject} is {}, not a status of an invocation",
                            quoted(found)
                        ),
                        quoted(found),
                        STATUSES,
                        "use one of these statuses",
                    )
                }),
            Self::UnknownStatusCode { found, official } => row(
                "unknown-status-code",
                if official { Fine } else { Doubtful },
            )
            .undocumented(|_| not_in_enum(found, &DOCUMENTED_STATUSES))
            .report(|_| {
                says(
                    format!("Box does not document the status code {}", quoted(found)),
                    quoted(found),
                    STATUSES,
                    did_you_mean(
                        misspelt_status(found),
                        "Box accepts it and shows the message; the official kit writes \
                                 \"custom_error\"",
                    ),
                )
            }),
            Self::ShowsAsError {
                code,
                near,
                documented,
            } => row("status-shows-as-error", Doubtful)
                .undocumented_unless(documented, |_| match code {
                    Some(code) => not_in_enum(code, &DOCUMENTED_STATUSES),
                    None => missing_properties(&["code"]),
                })
                .report(|_| {
                    let found = match code {
                        Some(code) => format!("the status code {}", quoted(code)),
                        None => "a status without a code".to_owned(),
                    };
                    says(
                        format!(
                            "{found} has no message, so Box's preview shows an error: \
                             “{SOMETHING_WENT_WRONG}”"
                        ),
                        "no `message`",
                        "a `message`, or a code that the preview knows",
                        did_you_mean(
                            near,
                            "add \"message\": the preview shows it for every code that it does \
                             not know",
                        ),
                    )
                }),
            Self::MessageIgnored { shown } => row("message-never-shows", Doubtful).report(|_| {
                says(
                    "the message is never shown: Box's preview has its own text for this code",
                    format!("shown: “{shown}”"),
                    "no message with this code",
                    "remove the message, or use a code that the preview does not know, like \
                     \"processing\"",
                )
            }),
            Self::NoDateTime { found } => row("no-date-time", Doubtful)
                .undocumented(|_| {
                    format!(
                        "string {} is invalid against requested date format(s) \
                         [yyyy-MM-dd'T'HH:mm:ssZ, yyyy-MM-dd'T'HH:mm:ss.[0-9]{{1,12}}Z]",
                        quoted(found)
                    )
                })
                .report(|subject| {
                    says(
                        format!("{subject} is not a date and time"),
                        quoted(found),
                        "a date and time in RFC 3339 format",
                        "write it like \"2018-10-29T11:29:09-07:00\", with an offset or Z",
                    )
                }),
            Self::Fractions { found, count } => row("fractions", Doubtful)
                .undocumented(|schema| wrong_primitive("number", Type::Seconds, schema))
                .report(|_| {
                    let times = match count {
                        1 => "a time has a fraction".to_owned(),
                        _ => format!("{count} times of this card have fractions"),
                    };
                    says(
                        format!("{times}; Box documents whole seconds"),
                        found.to_string(),
                        "an integer",
                        "Box accepts it, and the official kit writes it too; whole seconds \
                         follow the description",
                    )
                }),
            Self::TitleIgnored { shown } => row("title-ignored", Doubtful).report(|_| {
                says(
                    format!(
                        "`title` is ignored: the card's title is “{}”",
                        shortened(shown)
                    ),
                    "a member that nothing reads",
                    "`skill_card_title`, an object with a `message`",
                    "write \"skill_card_title\": {\"message\": …}",
                )
            }),
            Self::TitleCodeWins { shown } => row("title-code-wins", Doubtful).report(|_| {
                says(
                    format!(
                        "the title's message is never shown: for its code the preview shows \
                         “{shown}”"
                    ),
                    format!("shown: “{shown}”"),
                    format!("“{shown}”, or a code that the preview does not know"),
                    "use a title code of your own",
                )
            }),
            Self::NoEntries => row("no-entries", Doubtful).report(|_| {
                says(
                    "the list of entries is empty: the preview shows the card closed, with the \
                     text that no information was found",
                    "an empty list",
                    "at least one entry",
                    "remove the card if there is nothing to show",
                )
            }),
            Self::NoText => row("no-text", Doubtful).absence(true).report(|subject| {
                says(
                    format!("{subject} has no text to show"),
                    "no text",
                    "a `text` that is not empty",
                    "add \"text\", or remove the entry",
                )
            }),
            Self::NoDuration { count } => row("no-duration", Doubtful).report(|_| {
                let entries = match count {
                    1 => "this entry has times".to_owned(),
                    _ => format!("{count} entries of this card have times"),
                };
                says(
                    format!("{entries}, but without `duration` a click opens an empty timeline"),
                    "no `duration` on the card",
                    "a `duration` in seconds on the card",
                    "add \"duration\": the length of the file in seconds",
                )
            }),
            Self::EmptyDuration { found } => row("empty-duration", Doubtful).report(|_| {
                says(
                    format!("with a duration of {found} s, a click opens an empty timeline"),
                    found.to_string(),
                    "more than 0",
                    "write the length of the file in seconds",
                )
            }),
            Self::BeyondDuration { start, duration } => {
                row("beyond-duration", Doubtful).report(|_| {
                    says(
                        format!(
                            "it starts at {start} s, but the card lasts {duration} s: the \
                             preview does not show it"
                        ),
                        start.to_string(),
                        format!("less than {duration}"),
                        "times are in seconds, and less than `duration`",
                    )
                })
            }
            Self::FarBeyondDuration {
                start,
                duration,
                count,
            } => row("beyond-duration", Doubtful).report(|_| {
                let others = match count {
                    1 => String::new(),
                    _ => format!(", like {count} times of this card"),
                };
                let (unit, advice) = far_unit(start, duration);
                says(
                    format!("start {start} is far beyond the duration {duration}{others}: {unit}?"),
                    start.to_string(),
                    format!("seconds, less than {duration}"),
                    advice,
                )
            }),
            Self::BelowZero { start } => row("below-zero", Doubtful).report(|_| {
                says(
                    format!("it starts at {start} s, before the beginning"),
                    start.to_string(),
                    "0 or more",
                    "count from the beginning of the file, in seconds",
                )
            }),
            Self::EndsBeforeStart { start, end } => {
                row("ends-before-start", Doubtful).report(|_| {
                    says(
                        format!("it ends at {end} s, before it starts at {start} s"),
                        end.to_string(),
                        format!("{start} or more"),
                        "are the two swapped, or is this a length?",
                    )
                })
            }
            Self::NoStart => row("no-start", Doubtful).absence(true).report(|subject| {
                says(
                    format!("{subject} has no `start`: the preview does not show it"),
                    "no `start`",
                    "a `start` in seconds",
                    "add \"start\", or remove the appearance",
                )
            }),
            Self::SeveralTimes { count } => row("several-times", Doubtful).report(|_| {
                says(
                    format!("a line with {count} times shows none of them"),
                    format!("{count} appearances"),
                    "exactly one appearance",
                    "keep the first, or make a line of each",
                )
            }),
            Self::NoImage => row("no-image", Doubtful).absence(true).report(|subject| {
                says(
                    format!("{subject} has no `image_url`, so no face is shown"),
                    "no image",
                    IMAGE,
                    MAKE_IMAGE,
                )
            }),
            Self::OddImage => row("odd-image", Doubtful).report(|_| {
                says(
                    "a browser cannot load an image from this",
                    "neither https nor a complete data URI",
                    IMAGE,
                    MAKE_IMAGE,
                )
            }),
            Self::InsecureImage => row("insecure-image", Doubtful).report(|_| {
                says(
                    "a browser does not load an http image into Box's https page",
                    "an http address",
                    IMAGE,
                    "use its https address if there is one, else a data URI",
                )
            }),
            Self::Misspelt { key, should } => row("unknown-member", Doubtful).report(|_| {
                says(
                    format!("nothing reads `{}`", shortened(key)),
                    "a member that nothing reads",
                    format!("`{should}`"),
                    format!("did you mean `{should}`?"),
                )
            }),
        }
    }

    /// How severe it is under `schema`; `None` where it is not a finding.
    pub(super) fn severity(&self, schema: Schema) -> Option<Severity> {
        let row = self.row(Ask::Rule);
        match row.effect {
            _ if schema == Schema::Documented && !row.is_documented => Some(Severity::Error),
            Effect::Refused | Effect::Hidden => Some(Severity::Error),
            Effect::Doubtful => Some(Severity::Warning),
            Effect::Fine => None,
        }
    }

    /// Whether a write with it is refused under `schema`.
    pub(super) fn is_refused(&self, schema: Schema) -> bool {
        let row = self.row(Ask::Rule);
        match schema {
            Schema::Box => row.effect == Effect::Refused,
            Schema::Documented => !row.is_documented,
        }
    }

    /// Whether a member is missing or empty, so that the violation is about the object that lacks
    /// it.
    pub(super) fn is_absence(&self) -> bool {
        self.row(Ask::Rule).is_absence
    }

    /// Its stable name, and the message for a person; `subject` is what the value is called.
    pub(super) fn report(&self, subject: &str) -> (&'static str, Report) {
        let row = self.row(Ask::Report(subject));
        (row.code, row.report.expect("each rule has a report"))
    }

    /// The refusal as Box's validator words it. The form for types is captured from Box; the
    /// others are those of the same validator for the other keywords of JSON Schema. Empty for
    /// what Box's description allows.
    pub(super) fn refusal(&self, schema: Schema) -> String {
        let row = self.row(Ask::Refusal(schema));
        row.refusal.unwrap_or_default()
    }
}

/// What a row is asked for. Texts are made only when asked for: the mock checks every write.
#[derive(Clone, Copy)]
enum Ask<'a> {
    Rule,
    /// Of what is called this.
    Report(&'a str),
    Refusal(Schema),
}

/// What is known of a violation.
struct Row<'a> {
    ask: Ask<'a>,
    code: &'static str,
    effect: Effect,
    /// Whether the published description allows it.
    is_documented: bool,
    is_absence: bool,
    report: Option<Report>,
    refusal: Option<String>,
}

impl<'a> Row<'a> {
    fn new(ask: Ask<'a>, code: &'static str, effect: Effect) -> Self {
        Self {
            ask,
            code,
            effect,
            is_documented: true,
            is_absence: false,
            report: None,
            refusal: None,
        }
    }

    fn undocumented(self, refusal: impl FnOnce(Schema) -> String) -> Self {
        self.undocumented_unless(false, refusal)
    }

    fn undocumented_unless(
        mut self,
        is_documented: bool,
        refusal: impl FnOnce(Schema) -> String,
    ) -> Self {
        self.is_documented = is_documented;
        if let Ask::Refusal(schema) = self.ask {
            self.refusal = Some(refusal(schema));
        }
        self
    }

    fn absence(mut self, is_absence: bool) -> Self {
        self.is_absence = is_absence;
        self
    }

    fn report(mut self, report: impl FnOnce(&str) -> Report) -> Self {
        if let Ask::Report(subject) = self.ask {
            self.report = Some(report(subject));
        }
        self
    }
}

fn says(
    message: impl Into<String>,
    found: impl Into<String>,
    expected: impl Into<String>,
    help: impl Into<String>,
) -> Report {
    Report {
        message: message.into(),
        found: found.into(),
        expected: expected.into(),
        help: help.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_has_a_message_and_states_found_expected_and_help() {
        let five = 5.into();
        let odd = Tree::Number(&five);
        let all = [
            Violation::WrongType {
                found: odd,
                should: Type::String,
            },
            Violation::WrongType {
                found: odd,
                should: Type::Array,
            },
            Violation::WrongIdType { found: odd },
            Violation::Null {
                should: Type::Object,
            },
            Violation::Missing { names: &["id"] },
            Violation::Missing {
                names: &["invocation", "skill"],
            },
            Violation::NothingToShow {
                name: "entries",
                near: None,
            },
            Violation::UnknownCardType { found: "map" },
            Violation::UndocumentedCardType { found: "face" },
            Violation::ErrorMember,
            Violation::OtherConstant {
                found: "a",
                should: "b",
            },
            Violation::UnknownStatus { found: "a" },
            Violation::UnknownStatusCode {
                found: "a",
                official: false,
            },
            Violation::ShowsAsError {
                code: None,
                near: None,
                documented: false,
            },
            Violation::MessageIgnored { shown: "a" },
            Violation::NoDateTime { found: "a" },
            Violation::Fractions {
                found: odd,
                count: 2,
            },
            Violation::TitleIgnored { shown: "a" },
            Violation::TitleCodeWins { shown: "a" },
            Violation::NoEntries,
            Violation::NoText,
            Violation::NoDuration { count: 1 },
            Violation::EmptyDuration { found: 0.0 },
            Violation::BeyondDuration {
                start: 2.0,
                duration: 1.0,
            },
            Violation::FarBeyondDuration {
                start: 734_000.0,
                duration: 812.0,
                count: 2,
            },
            Violation::BelowZero { start: -1.0 },
            Violation::EndsBeforeStart {
                start: 2.0,
                end: 1.0,
            },
            Violation::NoStart,
            Violation::SeveralTimes { count: 2 },
            Violation::NoImage,
            Violation::OddImage,
            Violation::InsecureImage,
            Violation::Misspelt {
                key: "apears",
                should: "appears",
            },
        ];
        let mut codes = std::collections::HashSet::new();
        for violation in all {
            let (code, report) = violation.report("`it`");
            codes.insert(code);
            for part in [report.message, report.found, report.expected, report.help] {
                assert!(!part.is_empty(), "{violation:?}");
                assert!(!part.ends_with('.') || part.ends_with("…"), "{part}");
            }
            let is_refused = violation.is_refused(Schema::Documented);
            let refusal = violation.refusal(Schema::Documented);
            assert_eq!(is_refused, !refusal.is_empty(), "{violation:?}");
        }
        assert_eq!(codes.len(), 30, "each rule has a name of its own");
    }
}
