//! `event redact`: replaces tokens, keys, names, addresses and ids in a captured event, so that it can
//! be committed. Equal values get equal replacements in all events of one [`Scrubber`]. The shape is
//! kept: types of values, file extensions, empty strings, times.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{envelope, signature, synthesis::NO_TOKEN, wire};
use crate::domain::{
    json::tree::Tape,
    secret::{is_secret_name, replace_secrets},
};

/// What is not replaced.
#[derive(Clone, Debug, Default)]
pub struct Keep {
    /// Ids.
    pub ids: bool,
    /// Names of files, folders, skills, enterprises and people.
    pub names: bool,
}

/// Scrubs events, and remembers the replacements.
#[derive(Debug, Default)]
pub struct Scrubber {
    keep: Keep,
    /// The original value → its replacement.
    replaced: BTreeMap<String, String>,
    /// The same for ids alone, so that an id is not replaced by the replacement of an equal name.
    ids: BTreeMap<String, String>,
    /// The replacements in the current event, which are also searched for in its other strings.
    here: BTreeMap<String, String>,
    counts: BTreeMap<&'static str, usize>,
}

/// What was removed from an event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Losses {
    /// Whether it had signatures, which no longer match and were removed.
    pub signatures: bool,
}

/// Headers of a proxy event without personal data.
const HARMLESS_HEADERS: &[&str] = &[
    "accept",
    "accept-encoding",
    "accept-language",
    "connection",
    "content-type",
    "user-agent",
    "x-forwarded-port",
    "x-forwarded-proto",
    signature::TIMESTAMP,
    signature::ALGORITHM,
    signature::VERSION,
];

/// Members of a proxy event and its request context without personal data.
const HARMLESS_CONTEXT: &[&str] = &[
    "resource",
    "resourcePath",
    "path",
    "httpMethod",
    "method",
    "protocol",
    "stage",
    "version",
    "routeKey",
    "rawPath",
    "userAgent",
    "isBase64Encoded",
];

/// Members whose values are Box's fixed words, which might also be a name.
const STRUCTURE: &[&str] = &[
    "type",
    "trigger",
    "state",
    "scope",
    "object_type",
    "event_type",
    "token_type",
    "created_at",
    "expires_in",
    "sequence_id",
];

/// The most replacements that are searched for inside other strings. A real event has a dozen; the
/// time grows with their number.
const MAX_LOOKED_FOR: usize = 500;

/// Strings shorter than this are replaced only as whole words, since they may occur by chance inside
/// others.
const MIN_CHARS_INSIDE: usize = 5;

impl Scrubber {
    /// A new scrubber.
    pub fn new(keep: Keep) -> Self {
        Self {
            keep,
            // The placeholder of a token is kept, even where it is the value of a name or an id.
            replaced: BTreeMap::from([(NO_TOKEN.to_owned(), NO_TOKEN.to_owned())]),
            ids: BTreeMap::from([(NO_TOKEN.to_owned(), NO_TOKEN.to_owned())]),
            ..Self::default()
        }
    }

    /// Scrubs an event, bare or in an API Gateway proxy event; the form is kept.
    pub fn scrub(&mut self, captured: &Value) -> (Value, Losses) {
        let Some(Ok(unwrapped)) = envelope::unwrap(Tape::from_value(captured).tree()) else {
            return (self.scrub_event(captured), Losses::default());
        };
        let Ok(inner) = serde_json::from_slice::<Value>(&unwrapped.body) else {
            return (self.scrub_event(captured), Losses::default());
        };
        let body = wire::encode(&self.scrub_event(&inner));
        let mut proxy = captured.as_object().cloned().unwrap_or_default();
        let losses = Losses {
            signatures: unwrapped.headers.iter().any(|(name, _)| is_signature(name)),
        };
        for (name, member) in &mut proxy {
            match name.as_str() {
                "body" => *member = json!(String::from_utf8_lossy(&body)),
                "isBase64Encoded" => *member = json!(false),
                "headers" | "multiValueHeaders" => scrub_headers(member),
                _ => self.scrub_context(name, member),
            }
        }
        (Value::Object(proxy), losses)
    }

    fn scrub_event(&mut self, event: &Value) -> Value {
        let mut event = event.clone();
        self.here.clear();
        // The event's id first, because the invocation's id starts with it.
        if let Some(slot) = event.pointer_mut("/event/event_id") {
            self.id(slot);
        }
        if let Some(members) = event.as_object_mut() {
            self.members(members, "");
        }
        self.sweep(&mut event, "");
        event
    }

    /// Replaces the members of the object `under`, by their names.
    fn members(&mut self, members: &mut Map<String, Value>, under: &str) {
        for (name, member) in members.iter_mut() {
            match name.as_str() {
                _ if member.is_string() && is_secret_name(name) => self.secret(member),
                "restricted_to" => self.restricted_to(member),
                _ if is_id_member(name) => self.id(member),
                "name" => self.name(member, under),
                "login" | "email" => self.login(member),
                _ => self.below(member, name),
            }
        }
    }

    fn below(&mut self, value: &mut Value, name: &str) {
        match value {
            Value::Object(members) => self.members(members, name),
            Value::Array(items) => items.iter_mut().for_each(|item| self.below(item, name)),
            _ => {}
        }
    }

    fn secret(&mut self, slot: &mut Value) {
        if let Value::String(text) = slot
            && !text.is_empty()
        {
            *text = self.put(text, NO_TOKEN.to_owned());
        }
    }

    /// `restricted_to` is JSON in a string.
    fn restricted_to(&mut self, slot: &mut Value) {
        let Some(text) = slot.as_str() else {
            return self.below(slot, "restricted_to");
        };
        if let Ok(mut scopes) = serde_json::from_str::<Value>(text) {
            self.below(&mut scopes, "restricted_to");
            *slot = json!(scopes.to_string());
        }
    }

    fn id(&mut self, slot: &mut Value) {
        if self.keep.ids {
            return;
        }
        match slot {
            Value::String(text) if !matches!(text.as_str(), "" | "0" | "*") => {
                *text = self.new_id(text);
            }
            Value::Number(number) if !number.is_f64() && number.as_u64() != Some(0) => {
                let new = self.new_id(&number.to_string());
                *slot = new
                    .parse::<u64>()
                    .map_or(json!(new), |number| json!(number));
            }
            _ => {}
        }
    }

    /// The replacement of an id; each half of an invocation's id, `<event_id>_<digits>`, has its own.
    fn new_id(&mut self, old: &str) -> String {
        if let Some(known) = self.ids.get(old).cloned() {
            self.look_for(old, &known);
            return known;
        }
        if let Some((event_id, digits)) = old.rsplit_once('_')
            && let Some(event_id) = self.ids.get(event_id).cloned()
            && is_digits(digits)
        {
            return format!("{event_id}_{}", self.new_id(digits));
        }
        let count = self.next("id");
        let new = if is_digits(old) {
            format!("1{count:011}")
        } else if is_uuid(old) {
            format!("00000000-0000-4000-8000-{count:012}")
        } else {
            format!("id-{count}")
        };
        for (old, new) in [(old, &new), (&new, &new)] {
            self.ids.insert(old.to_owned(), new.clone());
            self.replaced.entry(old.to_owned()).or_insert(new.clone());
        }
        self.look_for(old, &new);
        new
    }

    fn name(&mut self, slot: &mut Value, under: &str) {
        let Value::String(old) = slot else { return };
        if old.is_empty() || self.keep.names {
            return;
        }
        if let Some(known) = self.known(old) {
            *old = known;
            return;
        }
        let (kind, ending) = match under {
            "source" => ("File", file_ending(old)),
            "parent" | "old_parent" => ("Folder", ""),
            "enterprise" => ("Enterprise", ""),
            "skill" => ("Skill", ""),
            "created_by" | "collab_accessible_by" | "modified_by" | "owned_by" => ("Person", ""),
            _ => ("Name", ""),
        };
        let new = format!("{kind} {}{ending}", self.next(kind));
        *old = self.remember(old, new);
    }

    fn login(&mut self, slot: &mut Value) {
        if let Value::String(old) = slot
            && !old.is_empty()
        {
            *old = self.new_login(old);
        }
    }

    fn new_login(&mut self, old: &str) -> String {
        if let Some(known) = self.known(old) {
            return known;
        }
        let new = format!("person-{}@example.com", self.next("login"));
        self.remember(old, new)
    }

    fn next(&mut self, kind: &'static str) -> usize {
        let count = self.counts.entry(kind).or_default();
        *count += 1;
        *count
    }

    fn remember(&mut self, old: &str, new: String) -> String {
        // A file that was scrubbed before contains replacements already.
        self.replaced.insert(new.clone(), new.clone());
        self.put(old, new)
    }

    fn put(&mut self, old: &str, new: String) -> String {
        self.replaced.insert(old.to_owned(), new.clone());
        self.look_for(old, &new);
        new
    }

    /// The replacement of `old`, the same each time.
    fn known(&mut self, old: &str) -> Option<String> {
        let new = self.replaced.get(old)?.clone();
        self.look_for(old, &new);
        Some(new)
    }

    fn look_for(&mut self, old: &str, new: &str) {
        if old != new && is_worth_finding(old) && self.here.len() < MAX_LOOKED_FOR {
            self.here.insert(old.to_owned(), new.to_owned());
        }
    }

    /// Searches the other strings (a rule's config, parameters) for values that were replaced elsewhere
    /// in the event, and for addresses.
    fn sweep(&mut self, value: &mut Value, name: &str) {
        match value {
            // Ids are already replaced; one that was kept is not a name.
            Value::String(_) if STRUCTURE.contains(&name) || is_id_member(name) => {}
            Value::String(text) => *text = self.swept(text),
            Value::Array(items) => items.iter_mut().for_each(|item| self.sweep(item, name)),
            Value::Object(members) => members
                .iter_mut()
                .for_each(|(name, member)| self.sweep(member, name)),
            _ => {}
        }
    }

    fn swept(&mut self, text: &str) -> String {
        if let Some(new) = self.replaced.get(text) {
            return new.clone();
        }
        let mut found: Vec<(&String, &String)> = self
            .here
            .iter()
            .filter(|(old, _)| text.contains(*old))
            .collect();
        // The longest first, because one name may start with another.
        found.sort_by_key(|(old, _)| std::cmp::Reverse(old.len()));
        let mut swept = text.to_owned();
        for (old, new) in found {
            swept = if old.chars().count() < MIN_CHARS_INSIDE {
                replace_words(&swept, old, new)
            } else {
                swept.replace(old.as_str(), new)
            };
        }
        // A string may contain a token that is nowhere else, in a link or in nested JSON.
        replace_secrets(&self.without_addresses(&swept), |_| NO_TOKEN.to_owned())
    }

    /// The text with every e-mail address replaced, in one pass.
    fn without_addresses(&mut self, text: &str) -> String {
        let mut replaced = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(start) = rest.find(is_of_an_address) {
            let (before, from) = rest.split_at(start);
            let end = from.find(|it| !is_of_an_address(it));
            let (word, after) = from.split_at(end.unwrap_or(from.len()));
            replaced.push_str(before);
            let address = word.trim_matches('.');
            if is_address(address) {
                let (dots, _) = word.split_at(word.len() - word.trim_start_matches('.').len());
                replaced.push_str(dots);
                replaced.push_str(&self.new_login(address));
                replaced.push_str(&word[dots.len() + address.len()..]);
            } else {
                replaced.push_str(word);
            }
            rest = after;
        }
        replaced.push_str(rest);
        replaced
    }

    /// A member of a proxy event other than body and headers: harmless ones are kept, the rest removed.
    fn scrub_context(&mut self, name: &str, member: &mut Value) {
        match member {
            Value::Object(members) => members
                .iter_mut()
                .for_each(|(name, member)| self.scrub_context(name, member)),
            Value::Array(items) => items
                .iter_mut()
                .for_each(|item| self.scrub_context(name, item)),
            Value::String(text) if name == "sourceIp" => "192.0.2.1".clone_into(text),
            Value::String(text) if HARMLESS_CONTEXT.contains(&name) => *text = self.swept(text),
            Value::String(text) if !text.is_empty() => NO_TOKEN.clone_into(text),
            _ => {}
        }
    }
}

fn is_signature(name: &str) -> bool {
    name.eq_ignore_ascii_case(signature::PRIMARY) || name.eq_ignore_ascii_case(signature::SECONDARY)
}

/// Removes the signatures, which do not match the scrubbed body.
fn scrub_headers(headers: &mut Value) {
    let Some(headers) = headers.as_object_mut() else {
        return;
    };
    headers.retain(|name, _| !is_signature(name) && !name.eq_ignore_ascii_case("content-length"));
    for (name, value) in headers {
        let name = name.to_ascii_lowercase();
        let new = match name.as_str() {
            name if HARMLESS_HEADERS.contains(&name) => continue,
            "host" => "skill.example.com",
            "x-forwarded-for" => "192.0.2.1",
            _ => NO_TOKEN,
        };
        *value = match value {
            Value::Array(_) => json!([new]),
            _ => json!(new),
        };
    }
}

/// `id`, `owner_enterprise_id`, `old_parent_id` and the like, but not `sequence_id`, a small count.
fn is_id_member(name: &str) -> bool {
    name == "id" || name.ends_with("_id") && name != "sequence_id"
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// The extension of a file name with its dot, which skills depend on.
fn file_ending(name: &str) -> &str {
    match name.rfind('.') {
        Some(dot) if (2..=6).contains(&name[dot..].chars().count()) => &name[dot..],
        _ => "",
    }
}

/// Whether a string is long enough to search for: not a single letter, not a short number.
fn is_worth_finding(old: &str) -> bool {
    let least = if is_digits(old) { MIN_CHARS_INSIDE } else { 2 };
    old.chars().count() >= least
}

/// `text` with `old` replaced where no letter or digit is next to it.
fn replace_words(text: &str, old: &str, new: &str) -> String {
    let mut replaced = String::with_capacity(text.len());
    let mut copied = 0;
    for (at, _) in text.match_indices(old) {
        let end = at + old.len();
        let before = text[..at].chars().next_back();
        let after = text[end..].chars().next();
        if before.is_some_and(char::is_alphanumeric) || after.is_some_and(char::is_alphanumeric) {
            continue;
        }
        replaced.push_str(&text[copied..at]);
        replaced.push_str(new);
        copied = end;
    }
    replaced.push_str(&text[copied..]);
    replaced
}

fn is_of_an_address(character: char) -> bool {
    character.is_alphanumeric() || matches!(character, '.' | '_' | '-' | '+' | '@')
}

/// Whether a word is an e-mail address other than one at example.com.
fn is_address(word: &str) -> bool {
    word.split_once('@').is_some_and(|(user, host)| {
        !user.is_empty()
            && host.contains('.')
            && !host.contains('@')
            && !host.ends_with("example.com")
    })
}

#[cfg(test)]
mod tests;
