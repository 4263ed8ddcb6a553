//! Scrubbing a captured event so that it can be committed and shown: tokens, keys, names,
//! addresses and ids go, and what was equal stays equal, over all events that one [`Scrubber`]
//! sees. The shape stays: kinds of values, endings of file names, empty texts, times.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{envelope, signature, synthesis::NO_TOKEN, wire};

/// What is left as it is.
#[derive(Clone, Debug, Default)]
pub struct Keep {
    /// Ids.
    pub ids: bool,
    /// Names of files, folders, skills, enterprises and people.
    pub names: bool,
}

/// Scrubs events, and remembers what it put in place of what.
#[derive(Debug, Default)]
pub struct Scrubber {
    keep: Keep,
    /// What stood there → what stands there now.
    replaced: BTreeMap<String, String>,
    counts: BTreeMap<&'static str, usize>,
}

/// What one event lost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Losses {
    /// Whether it carried signatures, which no longer hold and are gone.
    pub signatures: bool,
}

/// Headers of a proxy event that say nothing about anybody.
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

/// Members of a proxy event and of its request context that say nothing about anybody.
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

/// Texts shorter than this are replaced only as words of their own: in the midst of others they
/// would be found by chance.
const SHORTEST_INSIDE: usize = 5;

impl Scrubber {
    /// A scrubber that has seen nothing yet.
    pub fn new(keep: Keep) -> Self {
        Self {
            keep,
            ..Self::default()
        }
    }

    /// Scrubs an event, bare or inside an API Gateway proxy event, which it stays.
    pub fn scrub(&mut self, captured: &Value) -> (Value, Losses) {
        let Some(Ok(unwrapped)) = envelope::unwrap(captured) else {
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
        // The event's own id comes first: the invocation's id starts with it.
        if let Some(slot) = event.pointer_mut("/event/event_id") {
            self.id(slot);
        }
        if let Some(members) = event.as_object_mut() {
            self.members(members, "");
        }
        self.sweep(&mut event);
        event
    }

    /// Replaces the members of an object that stands under `under` by their names.
    fn members(&mut self, members: &mut Map<String, Value>, under: &str) {
        for (name, member) in members.iter_mut() {
            match name.as_str() {
                "access_token" | "api_key" | "client_id" | "client_secret" | "refresh_token" => {
                    self.secret(member);
                }
                "restricted_to" => self.restricted_to(member),
                "event_id" => {}
                "id" | "object_id" => self.id(member),
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
            self.replaced.insert(text.clone(), NO_TOKEN.to_owned());
            NO_TOKEN.clone_into(text);
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

    /// The id in place of `old`; of an invocation's id, `<event_id>_<digits>`, each half its own.
    fn new_id(&mut self, old: &str) -> String {
        if let Some(known) = self.replaced.get(old) {
            return known.clone();
        }
        if let Some((event_id, digits)) = old.rsplit_once('_')
            && let Some(event_id) = self.replaced.get(event_id).cloned()
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
        self.remember(old, new)
    }

    fn name(&mut self, slot: &mut Value, under: &str) {
        let Value::String(old) = slot else { return };
        if old.is_empty() || self.keep.names {
            return;
        }
        if let Some(known) = self.replaced.get(old.as_str()) {
            known.clone_into(old);
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
        if let Some(known) = self.replaced.get(old) {
            return known.clone();
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
        self.replaced.insert(old.to_owned(), new.clone());
        // What stands there now may be met again, in a file that was scrubbed before.
        self.replaced.insert(new.clone(), new.clone());
        new
    }

    /// Looks through every text that has no place of its own (a rule's config, parameters) for
    /// what was replaced elsewhere, and for addresses.
    fn sweep(&mut self, value: &mut Value) {
        match value {
            Value::String(text) => *text = self.swept(text),
            Value::Array(items) => items.iter_mut().for_each(|item| self.sweep(item)),
            Value::Object(members) => members.values_mut().for_each(|member| self.sweep(member)),
            _ => {}
        }
    }

    fn swept(&mut self, text: &str) -> String {
        if let Some(new) = self.replaced.get(text) {
            return new.clone();
        }
        let mut found: Vec<(&String, &String)> = self
            .replaced
            .iter()
            .filter(|(old, new)| old != new && is_worth_finding(old) && text.contains(*old))
            .collect();
        // The longest first: one name may be the beginning of another.
        found.sort_by_key(|(old, _)| std::cmp::Reverse(old.len()));
        let mut swept = text.to_owned();
        for (old, new) in found {
            swept = if old.chars().count() < SHORTEST_INSIDE {
                replace_words(&swept, old, new)
            } else {
                swept.replace(old.as_str(), new)
            };
        }
        for address in addresses(&swept) {
            let new = self.new_login(&address);
            swept = swept.replace(&address, &new);
        }
        swept
    }

    /// A member of a proxy event beside body and headers: harmless ones stay, the rest goes.
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

/// Signatures go: they do not hold for the scrubbed body, and must not look as if they did.
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

/// `owner_enterprise_id`, `old_parent_id` and their like; a sequence is a small count.
fn is_id_member(name: &str) -> bool {
    name.ends_with("_id") && name != "sequence_id"
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

/// The ending of a file's name with its dot: Skills go by it.
fn file_ending(name: &str) -> &str {
    match name.rfind('.') {
        Some(dot) if (2..=6).contains(&name[dot..].chars().count()) => &name[dot..],
        _ => "",
    }
}

/// Whether a text says enough to be looked for inside others: neither one letter nor a number so
/// short that it may be anything.
fn is_worth_finding(old: &str) -> bool {
    let least = if is_digits(old) { SHORTEST_INSIDE } else { 2 };
    old.chars().count() >= least
}

/// `text` with `old` replaced where no letter or digit stands beside it.
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

/// What looks like a mail address in a text, except those that stand for nobody.
fn addresses(text: &str) -> Vec<String> {
    let part = |character: char| {
        character.is_alphanumeric() || matches!(character, '.' | '_' | '-' | '+' | '@')
    };
    text.split(|character| !part(character))
        .map(|word| word.trim_matches('.'))
        .filter(|word| {
            word.split_once('@').is_some_and(|(user, host)| {
                !user.is_empty()
                    && host.contains('.')
                    && !host.contains('@')
                    && !host.ends_with("example.com")
            })
        })
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::event::Event;

    fn captured() -> Value {
        json!({
            "type": "skill_invocation",
            "skill": {"id": "137", "type": "skill", "name": "Acme Reader", "api_key": "hxel2s12wd2h9r8n"},
            "token": {
                "write": {"access_token": "1!writetoken", "expires_in": 1, "restricted_to":
                    "[{\"scope\":\"item_upload\",\"object_id\":340708371275,\"object_type\":\"file\"}]"},
                "read": {"access_token": "1!readtoken", "expires_in": 1}
            },
            "skill_rules": [{"id": "7", "config": "{\"notify\":\"ann@acme.test\",\"file\":\"340708371275\"}"}],
            "id": "fd1d2e53-35f5-41fb-9c25-4ba326daf2f9_341016304",
            "created_at": "2018-10-29T11:29:09-07:00",
            "enterprise": {"type": "enterprise", "id": "94713934", "name": "Acme"},
            "source": {
                "type": "file", "id": "340708371275", "name": "Ann's passport.jpg", "sequence_id": "3",
                "owner_enterprise_id": "94713934", "old_parent_id": "", "size": 150_031,
                "collab_accessible_by": {"type": "", "id": "", "name": "", "login": ""}
            },
            "event": {
                "event_id": "fd1d2e53-35f5-41fb-9c25-4ba326daf2f9",
                "created_by": {"type": "user", "id": "6122733934", "name": "Ann Acme", "login": "ann@acme.test"},
                "source": {"id": 340_708_371_275_u64, "name": "Ann's passport.jpg"}
            },
            "parameters": {"note": "for bob@acme.test at Acme and Ann's passport.jpg"}
        })
    }

    fn scrub(value: &Value) -> Value {
        Scrubber::new(Keep::default()).scrub(value).0
    }

    #[test]
    fn nothing_that_names_anybody_is_left() {
        let text = scrub(&captured()).to_string();
        for leak in [
            "137\"",
            "Acme",
            "acme",
            "hxel",
            "writetoken",
            "readtoken",
            "340708371275",
            "fd1d2e53",
            "341016304",
            "94713934",
            "Ann",
            "6122733934",
            "bob@",
        ] {
            assert!(!text.contains(leak), "{leak} is left in {text}");
        }
    }

    #[test]
    fn what_was_equal_stays_equal() {
        let event = scrub(&captured());
        let file = event["source"]["id"].as_str().expect("still a string");
        assert_eq!(
            event["event"]["source"]["id"],
            file.parse::<u64>().expect("digits"),
            "a number stays one"
        );
        assert_eq!(
            event["token"]["write"]["restricted_to"],
            format!(r#"[{{"scope":"item_upload","object_id":{file},"object_type":"file"}}]"#)
        );
        assert_eq!(
            event["enterprise"]["id"],
            event["source"]["owner_enterprise_id"]
        );
        let id = event["id"].as_str().expect("a string");
        let event_id = event["event"]["event_id"].as_str().expect("a string");
        assert!(id.starts_with(&format!("{event_id}_")), "{id}");
        let config = event["skill_rules"][0]["config"]
            .as_str()
            .expect("a string");
        assert!(config.contains(file), "{config}");
        let login = event["event"]["created_by"]["login"]
            .as_str()
            .expect("a string");
        assert!(config.contains(login), "{config}");
    }

    #[test]
    fn the_shape_stays() {
        let event = scrub(&captured());
        assert_eq!(event["source"]["name"], "File 1.jpg");
        assert_eq!(event["source"]["sequence_id"], "3");
        assert_eq!(event["source"]["old_parent_id"], "");
        assert_eq!(event["source"]["collab_accessible_by"]["login"], "");
        assert_eq!(event["source"]["size"], 150_031);
        assert_eq!(event["created_at"], "2018-10-29T11:29:09-07:00");
        assert_eq!(event["token"]["read"]["access_token"], NO_TOKEN);
        assert_eq!(
            event["parameters"]["note"],
            "for person-2@example.com at Enterprise 1 and File 1.jpg"
        );
        assert!(Event::from_value(event).is_ok());
    }

    #[test]
    fn short_names_are_found_as_words_of_their_own() {
        assert_eq!(
            replace_words("Ann, Anna and Joann; (Ann)", "Ann", "X"),
            "X, Anna and Joann; (X)"
        );
    }

    #[test]
    fn scrubbing_twice_changes_nothing_more() {
        let once = scrub(&captured());
        let again = scrub(&once);
        assert_eq!(scrub(&again), again);
        assert_eq!(again["token"], once["token"]);
    }

    #[test]
    fn two_events_of_one_file_stay_of_one_file() {
        let mut scrubber = Scrubber::new(Keep::default());
        let (first, _) = scrubber.scrub(&captured());
        let mut other = captured();
        other["event"]["event_id"] = json!("00d1d2e5-35f5-41fb-9c25-4ba326daf2f9");
        let (second, _) = scrubber.scrub(&other);
        assert_eq!(first["source"], second["source"]);
        assert_ne!(first["event"]["event_id"], second["event"]["event_id"]);
    }

    #[test]
    fn what_is_to_be_kept_is_kept() {
        let mut scrubber = Scrubber::new(Keep {
            ids: true,
            names: true,
        });
        let (event, _) = scrubber.scrub(&captured());
        assert_eq!(event["source"], captured()["source"]);
        assert_eq!(event["skill"]["api_key"], NO_TOKEN);
        assert_eq!(
            event["event"]["created_by"]["login"],
            "person-1@example.com"
        );
    }

    #[test]
    fn a_proxy_event_loses_its_signatures_and_whoever_sent_it() {
        let headers = json!({
            "Host": "abc123.execute-api.us-east-1.amazonaws.com", "Authorization": "Bearer zzz",
            "X-Forwarded-For": "198.51.100.7", "Content-Length": "999",
            "box-delivery-timestamp": "2026-01-01T00:00:00Z", "box-signature-version": "1",
            "box-signature-primary": "c2ln", "box-signature-secondary": "c2ln",
            "User-Agent": "Box-Skills-Client/0.1"
        });
        let proxy = json!({
            "path": "/prod/skill", "httpMethod": "POST", "headers": headers,
            "multiValueHeaders": {"box-signature-primary": ["c2ln"], "X-Key": ["zzz"]},
            "stageVariables": {"secret": "zzz"},
            "requestContext": {"accountId": "123456789012", "identity": {"sourceIp": "198.51.100.7"}},
            "body": captured().to_string(), "isBase64Encoded": false
        });
        let (scrubbed, losses) = Scrubber::new(Keep::default()).scrub(&proxy);
        assert!(losses.signatures);
        let text = scrubbed.to_string();
        for leak in [
            "zzz",
            "c2ln",
            "198.51",
            "amazonaws",
            "1234567",
            "Ann",
            "writetoken",
        ] {
            assert!(!text.contains(leak), "{leak} is left in {text}");
        }
        assert_eq!(scrubbed["path"], "/prod/skill");
        assert_eq!(scrubbed["headers"]["User-Agent"], "Box-Skills-Client/0.1");
        assert_eq!(scrubbed["headers"]["box-signature-version"], "1");
        let inner: Value =
            serde_json::from_str(scrubbed["body"].as_str().expect("a string")).expect("still JSON");
        assert_eq!(inner["source"]["name"], "File 1.jpg");
    }
}
