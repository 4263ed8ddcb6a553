//! What can be wrong with a card: each mistake with its weight (does Box refuse it, does the
//! published description allow it, does the preview show something else), its words for a person,
//! and the words in which Box's own validator puts it.
//!
//! Sources: the OpenAPI description of skill cards, captured refusals of Box, and the preview of
//! box-ui-elements 26.3.

use std::borrow::Cow;

use serde_json::Value;

use super::model::SOMETHING_WENT_WRONG;
use crate::domain::diagnostic::Severity;

/// By which rules cards are judged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Schema {
    /// What Box is known to refuse is an error; what it accepts beyond its description, and what
    /// its preview shows otherwise than meant, is a warning.
    #[default]
    Box,
    /// All that the published description does not allow is an error.
    Documented,
}

/// A type that a value should have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Type {
    String,
    Object,
    Array,
    /// Described as an integer; Box takes any number, and the official kit writes floats.
    Seconds,
}

/// A mistake in a card. Borrows what it speaks about: nothing is allocated until it is put into
/// words.
#[derive(Clone, Copy, Debug)]
pub(super) enum Mistake<'a> {
    /// A value of another type than Box takes.
    WrongType { found: &'a Value, should: Type },
    /// `null` for a member that may be left out.
    Null { should: Type },
    /// Members that the description requires, in the order of the alphabet.
    Missing { names: &'a [&'static str] },
    /// The member without which nothing is shown, and one that looks like a misspelling of it.
    Nothing {
        name: &'static str,
        near: Option<&'a str>,
    },
    /// A `skill_card_type` that neither Box nor its preview knows.
    UnknownKind { found: &'a str },
    /// A member with one allowed value that has another.
    OtherConstant {
        found: &'a str,
        should: &'static str,
    },
    /// A status outside the list of a skill_invocations body.
    OtherStatus { found: &'a str },
    /// A status code outside the description; `official` where the kit or the preview has it.
    OtherCode { found: &'a str, official: bool },
    /// A status whose code the preview does not know, without a message.
    ShowsAsError {
        code: Option<&'a str>,
        near: Option<&'static str>,
        documented: bool,
    },
    /// A message that never shows, because the preview has its own for the code.
    MessageIgnored { shown: &'static str },
    /// A time that is no RFC 3339.
    NoDate { found: &'a str },
    /// Times or durations that are no whole seconds: how many in the card.
    Fractions { found: &'a Value, count: usize },
    /// `title`, which nothing reads.
    TitleIgnored { shown: &'a str },
    /// A title message that never shows, because the preview has its own for the code.
    TitleCodeWins { shown: &'static str },
    /// An empty list of entries.
    NoEntries,
    /// An entry without text.
    NoText,
    /// Times that show nothing, because the card has no duration: how many entries.
    NoDuration { count: usize },
    /// A duration of nothing, or less.
    EmptyDuration { found: f64 },
    /// An appearance that begins at the end or later.
    BeyondDuration { start: f64, duration: f64 },
    /// An appearance before the beginning.
    BelowZero { start: f64 },
    /// An appearance that ends before it starts.
    EndsBefore { start: f64, end: f64 },
    /// An appearance without a start.
    NoStart,
    /// A transcript line with several times, of which none is shown.
    SeveralTimes { count: usize },
    /// A face without an image.
    NoImage,
    /// An image address that no browser can load.
    OddImage,
    /// An image that a page loaded by https may not load.
    InsecureImage,
    /// A member that looks like a misspelling of one that is missing.
    Misspelt { key: &'a str, should: &'static str },
}

/// How Box takes a mistake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Weight {
    /// It refuses it.
    Refused,
    /// It takes it, and nothing can be shown.
    Unseen,
    /// It takes it, and it deserves a look.
    Doubtful,
    /// It takes it, and real skills write it on purpose.
    Fine,
}

/// A mistake in words.
pub(super) struct Words {
    pub(super) code: &'static str,
    pub(super) message: String,
    pub(super) found: Option<String>,
    pub(super) expected: Option<String>,
    pub(super) help: Option<String>,
}

impl Mistake<'_> {
    fn weight(&self) -> Weight {
        match self {
            Self::WrongType { .. } => Weight::Refused,
            Self::Nothing { .. } | Self::UnknownKind { .. } => Weight::Unseen,
            Self::OtherCode { official: true, .. } => Weight::Fine,
            _ => Weight::Doubtful,
        }
    }

    /// Whether the published description rules it out.
    fn is_undocumented(&self) -> bool {
        match self {
            Self::WrongType { .. }
            | Self::Null { .. }
            | Self::Missing { .. }
            | Self::Nothing { .. }
            | Self::UnknownKind { .. }
            | Self::OtherConstant { .. }
            | Self::OtherStatus { .. }
            | Self::OtherCode { .. }
            | Self::NoDate { .. }
            | Self::Fractions { .. } => true,
            Self::ShowsAsError { documented, .. } => !documented,
            _ => false,
        }
    }

    /// How much it weighs under `schema`; nothing where it is no finding there.
    pub(super) fn severity(&self, schema: Schema) -> Option<Severity> {
        if schema == Schema::Documented && self.is_undocumented() {
            return Some(Severity::Error);
        }
        match self.weight() {
            Weight::Refused | Weight::Unseen => Some(Severity::Error),
            Weight::Doubtful => Some(Severity::Warning),
            Weight::Fine => None,
        }
    }

    /// Whether a write with it is refused under `schema`.
    pub(super) fn is_refused(&self, schema: Schema) -> bool {
        match schema {
            Schema::Box => self.weight() == Weight::Refused,
            Schema::Documented => self.is_undocumented(),
        }
    }

    /// Whether it is told of a member that is missing or empty, so that it speaks about the
    /// object that lacks it.
    pub(super) fn is_absence(&self) -> bool {
        match self {
            Self::Missing { names } => names.len() == 1,
            Self::Nothing { .. } | Self::NoText | Self::NoImage | Self::NoStart => true,
            _ => false,
        }
    }

    /// The refusal in the words of Box's validator. The form for types is captured from Box; the
    /// others are those of the same validator for the other keywords of JSON Schema.
    pub(super) fn refusal(&self, schema: Schema) -> String {
        match self {
            Self::WrongType { found, should } => wrong_primitive(type_name(found), *should, schema),
            Self::Null { should } => wrong_primitive("null", *should, schema),
            Self::Fractions { .. } => wrong_primitive("number", Type::Seconds, schema),
            Self::Missing { names } => missing_properties(names),
            Self::Nothing { name, .. } => missing_properties(&[*name]),
            Self::UnknownKind { found } => {
                not_in_enum(found, &["keyword", "status", "timeline", "transcript"])
            }
            Self::OtherConstant { found, should } => not_in_enum(found, &[*should]),
            Self::ShowsAsError { code: None, .. } => missing_properties(&["code"]),
            Self::OtherStatus { found }
            | Self::OtherCode { found, .. }
            | Self::ShowsAsError {
                code: Some(found), ..
            } => not_in_enum(found, &super::model::DOCUMENTED_STATUSES),
            Self::NoDate { found } => format!(
                "string {} is invalid against requested date format(s) \
                 [yyyy-MM-dd'T'HH:mm:ssZ, yyyy-MM-dd'T'HH:mm:ss.[0-9]{{1,12}}Z]",
                quoted(found)
            ),
            _ => String::new(),
        }
    }

    /// The mistake in words for a person; `subject` is what the value is called.
    pub(super) fn words(&self, subject: &str) -> Words {
        self.words_on_structure(subject)
            .or_else(|| self.words_on_titles_and_statuses(subject))
            .unwrap_or_else(|| self.words_on_entries(subject))
    }

    fn words_on_structure(&self, subject: &str) -> Option<Words> {
        Some(match self {
            Self::WrongType { found, should } => {
                let is_id = subject.ends_with("id`");
                let code = if is_id {
                    "id-not-a-string"
                } else {
                    "wrong-type"
                };
                Words::new(
                    code,
                    format!(
                        "{subject} is {}, Box takes only {}",
                        described(found),
                        should.plural()
                    ),
                )
                .found(described(found))
                .expected(should.singular())
                .maybe_help(mend_type(found, *should))
            }
            Self::Null { should } => Words::new("null-member", format!("{subject} is null"))
                .found("null")
                .expected(format!("{}, or no such member", should.singular()))
                .help("leave the member out"),
            Self::Missing { names } => {
                let list = listed(names);
                Words::new("missing-member", format!("{subject} has no {list}, which Box's description requires"))
                    .expected(list)
                    .maybe_help(names.iter().any(|name| matches!(*name, "skill" | "invocation" | "type")).then_some(
                        "`skillctl cards write` fills in type, skill and invocation from the event",
                    ))
            }
            Self::Nothing { name, near } => Words::new(
                "nothing-to-show",
                format!("{subject} has no `{name}`, so nothing of it is shown"),
            )
            .expected(format!("`{name}`"))
            .maybe_help(near.map(|key| format!("did you mean `{name}` by `{}`?", shortened(key)))),
            Self::UnknownKind { found } => Words::new(
                "unknown-card-type",
                format!(
                    "{subject} is {}, a type that Box does not know; nothing of the card is shown",
                    quoted(found)
                ),
            )
            .found(quoted(found))
            .expected("\"keyword\", \"timeline\", \"transcript\" or \"status\"")
            .maybe_help(nearest_kind(found).map(|kind| format!("did you mean \"{kind}\"?"))),
            Self::OtherConstant { found, should } => Words::new(
                "other-type",
                format!(
                    "{subject} is {}, Box's description has \"{should}\" there",
                    quoted(found)
                ),
            )
            .found(quoted(found))
            .expected(format!("\"{should}\"")),
            Self::NoDate { found } => {
                Words::new("no-date-time", format!("{subject} is no date and time"))
                    .found(quoted(found))
                    .expected(
                        "a date and time as RFC 3339 has them, like \"2018-10-29T11:29:09-07:00\"",
                    )
            }
            Self::Fractions { found, count } => {
                let times = match count {
                    1 => "a time is".to_owned(),
                    _ => format!("{count} times of this card are"),
                };
                Words::new(
                    "fractions",
                    format!("{times} given with fractions, Box's description has whole seconds"),
                )
                .found(found.to_string())
                .expected("an integer")
                .help("Box accepts it, and the official kit writes it too")
            }
            Self::Misspelt { key, should } => Words::new(
                "unknown-member",
                format!("nothing reads `{}`", shortened(key)),
            )
            .help(format!("did you mean `{should}`?")),
            _ => return None,
        })
    }

    fn words_on_titles_and_statuses(&self, subject: &str) -> Option<Words> {
        Some(match self {
            Self::OtherStatus { found } => Words::new("unknown-status", format!("{subject} is {}, no status of an invocation", quoted(found)))
                .found(quoted(found))
                .expected("invoked, processing, success, transient_failure or permanent_failure"),
            Self::OtherCode { found, .. } => Words::new("unknown-status-code", format!("the status code {} is not in Box's description", quoted(found)))
                .found(quoted(found))
                .expected("invoked, processing, success, transient_failure or permanent_failure"),
            Self::ShowsAsError { code, near, .. } => {
                let found = match code {
                    Some(code) => format!("the status code {}", quoted(code)),
                    None => "a status without a code".to_owned(),
                };
                let words = Words::new("status-shows-as-error", format!("{found} has no message, so Box's preview shows an error: “{SOMETHING_WENT_WRONG}”"))
                    .expected("a `message` beside the code, or a code that the preview knows");
                match near {
                    Some(near) => words.help(format!("did you mean \"{near}\"?")),
                    None => words.help("add \"message\": the preview shows it for every code that it does not know"),
                }
            }
            Self::MessageIgnored { shown } => Words::new("message-never-shows", "the message never shows: Box's preview has its own text for this code")
                .found(format!("shown: “{shown}”"))
                .help("leave the message out, or use a code that the preview does not know, like \"processing\""),
            Self::TitleIgnored { shown } => Words::new("title-ignored", format!("nothing reads `title`: the card is titled “{}”", shortened(shown)))
                .expected("`skill_card_title`, an object with a `message`")
                .help("write \"skill_card_title\": {\"message\": …}"),
            Self::TitleCodeWins { shown } => Words::new("title-code-wins", format!("the title never shows: its code makes the preview say “{shown}”"))
                .found(format!("shown: “{shown}”"))
                .help("use a title code of your own"),
            _ => return None,
        })
    }

    fn words_on_entries(&self, subject: &str) -> Words {
        match self {
            Self::NoEntries => Words::new("no-entries", "the list of entries is empty: the card starts closed and says that no information was found")
                .found("an empty list")
                .help("leave the card out where there is nothing to show"),
            Self::NoText => Words::new("no-text", format!("{subject} has no text to show"))
                .expected("a `text` that is not empty"),
            Self::NoDuration { count } => {
                let whose = match count {
                    1 => "this entry appears".to_owned(),
                    _ => format!("{count} entries of this card appear"),
                };
                Words::new("no-duration", format!("{whose} at times, but without `duration` the card shows no timeline"))
                    .expected("a `duration` in seconds on the card")
                    .help("add \"duration\": the length of the file in seconds")
            }
            Self::EmptyDuration { found } => Words::new("empty-duration", format!("a duration of {found} shows no timeline"))
                .expected("the length of the file in seconds, above 0"),
            Self::BeyondDuration { start, duration } => Words::new("beyond-duration", format!("it starts at {start} s, the card lasts {duration} s: the preview leaves it out"))
                .expected(format!("less than {duration}"))
                .help("are these milliseconds? Times are in seconds"),
            Self::BelowZero { start } => Words::new("below-zero", format!("it starts at {start} s, before the beginning"))
                .expected("0 or more"),
            Self::EndsBefore { start, end } => Words::new("ends-before-start", format!("it ends at {end} s, before it starts at {start} s"))
                .expected(format!("{start} or more")),
            Self::NoStart => Words::new("no-start", format!("{subject} has no `start`: the preview leaves it out"))
                .expected("a `start` in seconds"),
            Self::SeveralTimes { count } => Words::new("several-times", format!("a line with {count} times shows none of them"))
                .expected("exactly one appearance")
                .help("keep the first, or make a line of each"),
            Self::NoImage => Words::new("no-image", format!("{subject} has no `image_url`, so no face is shown"))
                .expected("an https address, or a data URI of a 45×45 PNG"),
            Self::InsecureImage => Words::new("insecure-image", "a browser does not load an http image into Box's https page")
                .expected("an https address, or a data URI"),
            // What is left is the odd image; the rest has been put into words above.
            _ => Words::new("odd-image", "no browser can load an image from this")
                .expected("an https address, or a data URI of a 45×45 PNG: \"data:image/png;base64,…\""),
        }
    }
}

impl Words {
    fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            found: None,
            expected: None,
            help: None,
        }
    }

    fn found(mut self, found: impl Into<String>) -> Self {
        self.found = Some(found.into());
        self
    }

    fn expected(mut self, expected: impl Into<String>) -> Self {
        self.expected = Some(expected.into());
        self
    }

    fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    fn maybe_help(mut self, help: Option<impl Into<String>>) -> Self {
        self.help = help.map(Into::into);
        self
    }
}

impl Type {
    /// Whether `value` has it.
    pub(super) fn fits(self, value: &Value) -> bool {
        match self {
            Self::String => value.is_string(),
            Self::Object => value.is_object(),
            Self::Array => value.is_array(),
            Self::Seconds => value.is_number(),
        }
    }

    fn singular(self) -> &'static str {
        match self {
            Self::String => "a string",
            Self::Object => "an object",
            Self::Array => "a list",
            Self::Seconds => "a number of seconds",
        }
    }

    fn plural(self) -> &'static str {
        match self {
            Self::String => "strings",
            Self::Object => "objects",
            Self::Array => "lists",
            Self::Seconds => "numbers",
        }
    }
}

/// A value's type by the names of JSON Schema.
fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// A value's type in words.
fn described(value: &Value) -> &'static str {
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

fn wrong_primitive(found: &str, should: Type, schema: Schema) -> String {
    let allowed = match (should, schema) {
        (Type::String, _) => "\"string\"",
        (Type::Object, _) => "\"object\"",
        (Type::Array, _) => "\"array\"",
        (Type::Seconds, Schema::Box) => "\"integer\",\"number\"",
        (Type::Seconds, Schema::Documented) => "\"integer\"",
    };
    format!(
        "instance type ({found}) does not match any allowed primitive type (allowed: [{allowed}])"
    )
}

fn missing_properties(names: &[&str]) -> String {
    format!(
        "object has missing required properties ([{}])",
        joined(names)
    )
}

fn not_in_enum(found: &str, allowed: &[&str]) -> String {
    format!(
        "instance value ({}) not found in enum (possible values: [{}])",
        quoted(found),
        joined(allowed)
    )
}

fn joined(names: &[&str]) -> String {
    let quoted: Vec<_> = names.iter().map(|name| format!("\"{name}\"")).collect();
    quoted.join(",")
}

fn listed(names: &[&str]) -> String {
    let names: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    match names.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
        None => String::new(),
    }
}

/// A string as JSON writes it, shortened for a message.
fn quoted(text: &str) -> String {
    Value::from(shortened(text).as_ref()).to_string()
}

fn shortened(text: &str) -> Cow<'_, str> {
    const LONGEST: usize = 60;
    match text.char_indices().nth(LONGEST) {
        Some((cut, _)) => Cow::Owned(format!("{}…", &text[..cut])),
        None => Cow::Borrowed(text),
    }
}

fn mend_type(found: &Value, should: Type) -> Option<String> {
    match (found, should) {
        (Value::Number(number), Type::String) => Some(format!("write it in quotes: \"{number}\"")),
        (Value::String(text), Type::Seconds) => super::subtitles::seconds(text)
            .map(|seconds| format!("write it in seconds, without quotes: {seconds}")),
        (Value::Object(_), Type::Array) => Some("put it in brackets: [{…}]".to_owned()),
        _ => None,
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
            super::model::Kind::ALL
                .into_iter()
                .map(super::model::Kind::as_str)
                .find(|kind| strsim::jaro_winkler(kind, &found) >= NEAR_ENOUGH)
        })
}
