//! JSON Pointers (RFC 6901): made, resolved, and the nearest one to a misspelt one.

use std::fmt;

use serde_json::Value;

/// A JSON Pointer, kept in its text form: empty for the whole document, else `/a/0/b`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pointer(String);

impl Pointer {
    /// The pointer to the whole document.
    pub const ROOT: Self = Self(String::new());

    /// Parses the text form; `None` unless it is empty or starts with `/`.
    pub fn parse(text: &str) -> Option<Self> {
        (text.is_empty() || text.starts_with('/')).then(|| Self(text.to_owned()))
    }

    /// The pointer to the member `key` of what this one points at.
    #[must_use]
    pub fn key(&self, key: &str) -> Self {
        Self(format!("{}/{}", self.0, escape(key)))
    }

    /// The pointer to the item `index` of what this one points at.
    #[must_use]
    pub fn index(&self, index: usize) -> Self {
        Self(format!("{}/{index}", self.0))
    }

    /// The pointer from the root to what `below` points at, which starts at what this one points
    /// at.
    #[must_use]
    pub fn join(&self, below: &Self) -> Self {
        Self(format!("{}{}", self.0, below.0))
    }

    /// Its text form.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Its reference tokens, unescaped.
    pub fn tokens(&self) -> impl Iterator<Item = String> + '_ {
        self.0
            .split('/')
            .skip(1)
            .map(|token| token.replace("~1", "/").replace("~0", "~"))
    }
}

impl fmt::Display for Pointer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

/// The pointer in `value` that is most similar to `wanted`, for "did you mean"; `None` if none is
/// similar.
pub fn nearest(value: &Value, wanted: &Pointer) -> Option<Pointer> {
    const NEAR_ENOUGH: f64 = 0.7;
    let mut best: Option<(f64, Pointer)> = None;
    visit(value, &Pointer::ROOT, &mut |pointer| {
        let likeness = strsim::jaro_winkler(pointer.as_str(), wanted.as_str());
        if likeness > best.as_ref().map_or(NEAR_ENOUGH, |(most, _)| *most) {
            best = Some((likeness, pointer.clone()));
        }
    });
    best.map(|(_, pointer)| pointer)
}

fn visit(value: &Value, pointer: &Pointer, see: &mut impl FnMut(&Pointer)) {
    match value {
        Value::Object(members) => {
            for (key, member) in members {
                let below = pointer.key(key);
                see(&below);
                visit(member, &below, see);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                let below = pointer.index(index);
                see(&below);
                visit(item, &below, see);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn keys_are_escaped_and_come_back() {
        let pointer = Pointer::ROOT.key("a/b~c").index(3);
        assert_eq!(pointer.as_str(), "/a~1b~0c/3");
        assert_eq!(pointer.tokens().collect::<Vec<_>>(), ["a/b~c", "3"]);
        assert_eq!(
            json!({"a/b~c": [0, 1, 2, "x"]}).pointer(pointer.as_str()),
            Some(&json!("x"))
        );
    }

    #[test]
    fn a_misspelt_pointer_finds_its_neighbour() {
        let event = json!({"source": {"name": "a.txt", "size": 1}, "token": {}});
        let wanted = Pointer::parse("/source/nam").expect("a pointer");
        assert_eq!(
            nearest(&event, &wanted).map(|found| found.to_string()),
            Some("/source/name".to_owned())
        );
        let far = Pointer::parse("/zzz").expect("a pointer");
        assert_eq!(nearest(&event, &far), None);
    }
}
