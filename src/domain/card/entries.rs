//! The rules on the entries of a data card: texts, images, times. What is a habit of the whole
//! card is counted, and told once.

use super::{
    check::{Flow, Listener, fitting, is_misspelling, nothing, optional, wrong},
    mistake::{Mistake, Type},
    model::Kind,
    path::Path,
};
use crate::domain::json::tree::{Items, Members, Tree};

/// Walks through the entries and the duration of a card of `kind`.
pub(super) fn check(
    path: &Path<'_>,
    members: Members<'_>,
    kind: Kind,
    listener: &mut impl Listener,
) -> Flow {
    Entries::of(path, members, kind).check(listener)
}

/// The entries of a data card, and what is counted over all of them.
struct Entries<'a> {
    path: &'a Path<'a>,
    members: Members<'a>,
    kind: Kind,
    duration: Option<f64>,
    /// Whether there is one, be it what it may.
    has_duration: bool,
    fractions: Option<(Spot, Tree<'a>)>,
    fraction_count: usize,
    timeless: Option<usize>,
    timeless_count: usize,
}

/// Where in a card a time stands.
#[derive(Clone, Copy)]
enum Spot {
    Duration,
    Appearance(usize, usize, &'static str),
}

impl<'a> Entries<'a> {
    fn of(path: &'a Path<'a>, members: Members<'a>, kind: Kind) -> Self {
        Self {
            path,
            members,
            kind,
            duration: None,
            has_duration: members.contains_key("duration"),
            fractions: None,
            fraction_count: 0,
            timeless: None,
            timeless_count: 0,
        }
    }

    fn check(mut self, listener: &mut impl Listener) -> Flow {
        self.check_duration(listener)?;
        let here = self.path.key("entries");
        match self.members.get("entries") {
            None => return nothing(self.path, self.members, "entries", listener),
            Some(Tree::Array(entries)) if entries.is_empty() => {
                listener.hear(&here, &Mistake::NoEntries)?;
            }
            Some(Tree::Array(entries)) => {
                for (index, entry) in entries.iter().enumerate() {
                    self.check_entry(&here.index(index), index, entry, listener)?;
                }
            }
            Some(other) => return wrong(&here, other, Type::Array, listener),
        }
        self.tell_counts(&here, listener)
    }

    /// Keywords have no duration in the description; where one stands, their bars use it.
    fn check_duration(&mut self, listener: &mut impl Listener) -> Flow {
        let value = optional(self.path, self.members, "duration", Type::Seconds, listener)?;
        if let Some(value) = value {
            self.duration = value.as_f64();
            self.count_fraction(Spot::Duration, value);
        }
        Flow::Continue(())
    }

    fn check_entry(
        &mut self,
        path: &Path<'_>,
        index: usize,
        entry: Tree<'a>,
        listener: &mut impl Listener,
    ) -> Flow {
        let Tree::Object(members) = entry else {
            return wrong(path, entry, Type::Object, listener);
        };
        let mut has_text = false;
        let mut has_image = false;
        // One look at each member instead of one search for each name: an entry has few members,
        // and there may be a hundred thousand entries.
        for (key, value) in members.iter() {
            match (key, value) {
                ("text", Tree::String(text)) => has_text = !text.is_empty(),
                ("text", Tree::Null) => listener.hear(
                    &path.key(key),
                    &Mistake::Null {
                        should: Type::String,
                    },
                )?,
                ("text", other) => {
                    has_text = true;
                    wrong(&path.key(key), other, Type::String, listener)?;
                }
                ("image_url", value) if self.kind == Kind::Timeline => {
                    has_image = true;
                    image(&path.key(key), value, listener)?;
                }
                ("appears", Tree::Array(appearances)) => {
                    self.check_appearances(&path.key(key), index, appearances, listener)?;
                }
                ("appears", Tree::Null) => listener.hear(
                    &path.key(key),
                    &Mistake::Null {
                        should: Type::Array,
                    },
                )?,
                ("appears", other) => wrong(&path.key(key), other, Type::Array, listener)?,
                (key, _) if listener.wants_doubts() => {
                    self.check_spelling(path, key, members, listener)?;
                }
                _ => {}
            }
        }
        if !has_text && !members.get("text").is_some_and(Tree::is_null) {
            // An empty line of a transcript is a pause, not a mistake.
            let is_pause = self.kind == Kind::Transcript && members.contains_key("text");
            if !is_pause {
                listener.hear(&path.key("text"), &Mistake::NoText)?;
            }
        }
        if self.kind == Kind::Timeline && !has_image {
            listener.hear(&path.key("image_url"), &Mistake::NoImage)?;
        }
        Flow::Continue(())
    }

    /// Skills may keep what they like in an entry, so only a near miss of a name that is missing
    /// is worth a word.
    fn check_spelling(
        &self,
        path: &Path<'_>,
        key: &str,
        members: Members<'_>,
        listener: &mut impl Listener,
    ) -> Flow {
        const NAMES: [&str; 2] = ["appears", "image_url"];
        for should in NAMES {
            let belongs = should == "appears" || self.kind == Kind::Timeline;
            if belongs && is_misspelling(key, should) && !members.contains_key(should) {
                return listener.hear(&path.key(key), &Mistake::Misspelt { key, should });
            }
        }
        Flow::Continue(())
    }

    fn check_appearances(
        &mut self,
        path: &Path<'_>,
        index: usize,
        appearances: Items<'a>,
        listener: &mut impl Listener,
    ) -> Flow {
        let mut shows = false;
        for (nth, appearance) in appearances.iter().enumerate() {
            let here = path.index(nth);
            let Tree::Object(members) = appearance else {
                wrong(&here, appearance, Type::Object, listener)?;
                continue;
            };
            let [mut start, mut end] = [None; 2];
            for (key, value) in members.iter() {
                match key {
                    "start" => start = Some(value),
                    "end" => end = Some(value),
                    _ => {}
                }
            }
            let has_start = start.is_some();
            let start = fitting(&here, "start", start, Type::Seconds, listener)?;
            let end = fitting(&here, "end", end, Type::Seconds, listener)?;
            if listener.wants_description() {
                for (name, value) in [("start", start), ("end", end)] {
                    if let Some(value) = value {
                        self.count_fraction(Spot::Appearance(index, nth, name), value);
                    }
                }
            }
            shows |= start.is_some();
            if !has_start {
                listener.hear(&here.key("start"), &Mistake::NoStart)?;
            }
            if listener.wants_doubts()
                && let Some(start) = start.and_then(Tree::as_f64)
            {
                self.check_times(&here, start, end.and_then(Tree::as_f64), listener)?;
            }
        }
        if self.kind == Kind::Transcript {
            let count = appearances.len();
            if count > 1 {
                listener.hear(path, &Mistake::SeveralTimes { count })?;
            }
        } else if shows && !self.has_duration {
            self.timeless.get_or_insert(index);
            self.timeless_count += 1;
        }
        Flow::Continue(())
    }

    fn check_times(
        &self,
        path: &Path<'_>,
        start: f64,
        end: Option<f64>,
        listener: &mut impl Listener,
    ) -> Flow {
        if start < 0.0 {
            return listener.hear(&path.key("start"), &Mistake::BelowZero { start });
        }
        let draws_bars = self.kind != Kind::Transcript;
        match self.duration.filter(|seconds| draws_bars && *seconds > 0.0) {
            Some(duration) if start >= duration => {
                let mistake = Mistake::BeyondDuration { start, duration };
                return listener.hear(&path.key("start"), &mistake);
            }
            _ => {}
        }
        match end {
            Some(end) if end < start => {
                listener.hear(&path.key("end"), &Mistake::EndsBefore { start, end })
            }
            _ => Flow::Continue(()),
        }
    }

    fn count_fraction(&mut self, spot: Spot, value: Tree<'a>) {
        // Most are whole, and known to be.
        if let Tree::Number(number) = value
            && number.is_f64()
            && number.as_f64().is_some_and(|number| number.fract() != 0.0)
        {
            self.fractions.get_or_insert((spot, value));
            self.fraction_count += 1;
        }
    }

    /// What is a habit of the whole card is told once, at the first place.
    fn tell_counts(&self, entries: &Path<'_>, listener: &mut impl Listener) -> Flow {
        if let Some((spot, found)) = self.fractions {
            let mistake = Mistake::Fractions {
                found,
                count: self.fraction_count,
            };
            match spot {
                Spot::Duration => listener.hear(&self.path.key("duration"), &mistake)?,
                Spot::Appearance(entry, nth, name) => {
                    let entry = entries.index(entry);
                    let appears = entry.key("appears");
                    listener.hear(&appears.index(nth).key(name), &mistake)?;
                }
            }
        }
        if let Some(index) = self.timeless {
            let mistake = Mistake::NoDuration {
                count: self.timeless_count,
            };
            let entry = entries.index(index);
            listener.hear(&entry.key("appears"), &mistake)?;
        }
        match self.duration {
            Some(found) if found <= 0.0 && self.kind != Kind::Transcript => {
                let mistake = Mistake::EmptyDuration { found };
                listener.hear(&self.path.key("duration"), &mistake)
            }
            _ => Flow::Continue(()),
        }
    }
}

fn image(path: &Path<'_>, value: Tree<'_>, listener: &mut impl Listener) -> Flow {
    match value {
        Tree::String(_) if !listener.wants_doubts() => Flow::Continue(()),
        Tree::String(address) if address.starts_with("http://") => {
            listener.hear(path, &Mistake::InsecureImage)
        }
        Tree::String(address) if !is_image_address(address) => {
            listener.hear(path, &Mistake::OddImage)
        }
        Tree::String(_) => Flow::Continue(()),
        Tree::Null => listener.hear(
            path,
            &Mistake::Null {
                should: Type::String,
            },
        ),
        other => wrong(path, other, Type::String, listener),
    }
}

/// Whether a browser may load an image from there: https, or a data URI whose base64 is whole.
fn is_image_address(address: &str) -> bool {
    let Some(data) = address.strip_prefix("data:image/") else {
        return address
            .strip_prefix("https://")
            .is_some_and(|rest| !rest.is_empty());
    };
    let Some((_, base64)) = data.split_once(";base64,") else {
        // Data that is percent-encoded, as SVG often is.
        return data.contains(',');
    };
    let body = base64.trim_end_matches('=');
    let padding = base64.len() - body.len();
    let alphabet = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    !body.is_empty() && padding <= 2 && body.len() % 4 != 1 && body.bytes().all(alphabet)
}
