//! The rules for the entries of a data card: texts, images, times. A violation that a card repeats
//! in each entry is counted, and reported once.

use super::{
    members::{Flow, Reporter, fitting, nothing_to_show, optional, wrong_type},
    model::CardType,
    path::Path,
    types::Type,
    violation::Violation,
};
use crate::domain::{
    json::tree::{Items, Members, Tree},
    text::is_misspelling,
};

/// Walks through the entries and the duration of a card of `card_type`.
pub(super) fn check(
    path: &Path<'_>,
    members: Members<'_>,
    card_type: CardType,
    reporter: &mut impl Reporter,
) -> Flow {
    Entries::new(path, members, card_type).check(reporter)
}

/// The entries of a data card, and what is counted over all of them.
struct Entries<'a> {
    path: &'a Path<'a>,
    members: Members<'a>,
    card_type: CardType,
    duration: Option<f64>,
    /// Whether the card has a `duration`, valid or not.
    has_duration: bool,
    fractions: Option<(TimePosition, Tree<'a>)>,
    fraction_count: usize,
    timeless: Option<usize>,
    timeless_count: usize,
    /// The first start that is far beyond the duration, with its position.
    far: Option<(TimePosition, f64)>,
    far_count: usize,
}

/// Where in a card a time is.
#[derive(Clone, Copy)]
enum TimePosition {
    Duration,
    Appearance(usize, usize, &'static str),
}

impl<'a> Entries<'a> {
    fn new(path: &'a Path<'a>, members: Members<'a>, card_type: CardType) -> Self {
        Self {
            path,
            members,
            card_type,
            duration: None,
            has_duration: members.contains_key("duration"),
            fractions: None,
            fraction_count: 0,
            timeless: None,
            timeless_count: 0,
            far: None,
            far_count: 0,
        }
    }

    fn check(mut self, reporter: &mut impl Reporter) -> Flow {
        self.check_duration(reporter)?;
        let here = self.path.key("entries");
        match self.members.get("entries") {
            None => return nothing_to_show(self.path, self.members, "entries", reporter),
            Some(Tree::Array(entries)) if entries.is_empty() => {
                reporter.report(&here, &Violation::NoEntries)?;
            }
            Some(Tree::Array(entries)) => {
                for (index, entry) in entries.iter().enumerate() {
                    self.check_entry(&here.index(index), index, entry, reporter)?;
                }
            }
            Some(other) => return wrong_type(&here, other, Type::Array, reporter),
        }
        self.report_counts(&here, reporter)
    }

    /// Keywords have no duration in the description; where there is one, their bars use it.
    fn check_duration(&mut self, reporter: &mut impl Reporter) -> Flow {
        let value = optional(self.path, self.members, "duration", Type::Seconds, reporter)?;
        if let Some(value) = value {
            self.duration = value.as_f64();
            self.count_fraction(TimePosition::Duration, value);
        }
        Flow::Continue(())
    }

    fn check_entry(
        &mut self,
        path: &Path<'_>,
        index: usize,
        entry: Tree<'a>,
        reporter: &mut impl Reporter,
    ) -> Flow {
        let Tree::Object(members) = entry else {
            return wrong_type(path, entry, Type::Object, reporter);
        };
        let mut has_text = false;
        let mut has_image = false;
        // One look at each member instead of one search for each name: an entry has few members,
        // and there may be a hundred thousand entries.
        for (key, value) in members.iter() {
            match (key, value) {
                ("text", Tree::String(text)) => has_text = !text.is_empty(),
                ("text", Tree::Null) => reporter.report(
                    &path.key(key),
                    &Violation::Null {
                        should: Type::String,
                    },
                )?,
                ("text", other) => {
                    has_text = true;
                    wrong_type(&path.key(key), other, Type::String, reporter)?;
                }
                ("image_url", value) if self.card_type.has_images() => {
                    has_image = true;
                    image(&path.key(key), value, reporter)?;
                }
                ("appears", Tree::Array(appearances)) => {
                    self.check_appearances(&path.key(key), index, appearances, reporter)?;
                }
                ("appears", Tree::Null) => reporter.report(
                    &path.key(key),
                    &Violation::Null {
                        should: Type::Array,
                    },
                )?,
                ("appears", other) => wrong_type(&path.key(key), other, Type::Array, reporter)?,
                (key, _) if reporter.wants_display_rules() => {
                    self.check_spelling(path, key, members, reporter)?;
                }
                _ => {}
            }
        }
        if !has_text && !members.get("text").is_some_and(Tree::is_null) {
            // An empty line of a transcript is a pause, not a mistake.
            let is_pause = self.card_type == CardType::Transcript && members.contains_key("text");
            if !is_pause {
                reporter.report(&path.key("text"), &Violation::NoText)?;
            }
        }
        if self.card_type.has_images() && !has_image {
            reporter.report(&path.key("image_url"), &Violation::NoImage)?;
        }
        Flow::Continue(())
    }

    /// An entry may have members of its own, so only a likely misspelling of a missing member is
    /// reported.
    fn check_spelling(
        &self,
        path: &Path<'_>,
        key: &str,
        members: Members<'_>,
        reporter: &mut impl Reporter,
    ) -> Flow {
        const NAMES: [&str; 2] = ["appears", "image_url"];
        for should in NAMES {
            let belongs = should == "appears" || self.card_type.has_images();
            if belongs && is_misspelling(key, should) && !members.contains_key(should) {
                return reporter.report(&path.key(key), &Violation::Misspelt { key, should });
            }
        }
        Flow::Continue(())
    }

    fn check_appearances(
        &mut self,
        path: &Path<'_>,
        index: usize,
        appearances: Items<'a>,
        reporter: &mut impl Reporter,
    ) -> Flow {
        let mut shows = false;
        for (nth, appearance) in appearances.iter().enumerate() {
            let here = path.index(nth);
            let Tree::Object(members) = appearance else {
                wrong_type(&here, appearance, Type::Object, reporter)?;
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
            let start = fitting(&here, "start", start, Type::Seconds, reporter)?;
            let end = fitting(&here, "end", end, Type::Seconds, reporter)?;
            if reporter.wants_description_rules() {
                for (name, value) in [("start", start), ("end", end)] {
                    if let Some(value) = value {
                        self.count_fraction(TimePosition::Appearance(index, nth, name), value);
                    }
                }
            }
            shows |= start.is_some();
            if !has_start {
                reporter.report(&here.key("start"), &Violation::NoStart)?;
            }
            if reporter.wants_display_rules()
                && let Some(start) = start.and_then(Tree::as_f64)
            {
                let position = TimePosition::Appearance(index, nth, "start");
                if self.is_far_beyond(start) {
                    self.far.get_or_insert((position, start));
                    self.far_count += 1;
                } else {
                    self.check_times(&here, start, end.and_then(Tree::as_f64), reporter)?;
                }
            }
        }
        if self.card_type == CardType::Transcript {
            let count = appearances.len();
            if count > 1 {
                reporter.report(path, &Violation::SeveralTimes { count })?;
            }
        } else if shows && !self.has_duration {
            self.timeless.get_or_insert(index);
            self.timeless_count += 1;
        }
        Flow::Continue(())
    }

    /// Whether a start is so far beyond the duration that its unit must be another.
    fn is_far_beyond(&self, start: f64) -> bool {
        const FAR: f64 = 10.0;
        let duration = self.duration.filter(|seconds| *seconds > 0.0);
        duration.is_some_and(|duration| start > FAR * duration)
    }

    fn check_times(
        &self,
        path: &Path<'_>,
        start: f64,
        end: Option<f64>,
        reporter: &mut impl Reporter,
    ) -> Flow {
        if start < 0.0 {
            return reporter.report(&path.key("start"), &Violation::BelowZero { start });
        }
        let draws_bars = self.card_type != CardType::Transcript;
        match self.duration.filter(|seconds| draws_bars && *seconds > 0.0) {
            Some(duration) if start >= duration => {
                let violation = Violation::BeyondDuration { start, duration };
                return reporter.report(&path.key("start"), &violation);
            }
            _ => {}
        }
        match end {
            Some(end) if end < start => {
                reporter.report(&path.key("end"), &Violation::EndsBeforeStart { start, end })
            }
            _ => Flow::Continue(()),
        }
    }

    fn count_fraction(&mut self, position: TimePosition, value: Tree<'a>) {
        // Most times are integers, which the first test finds quickly.
        if let Tree::Number(number) = value
            && number.is_f64()
            && number.as_f64().is_some_and(|number| number.fract() != 0.0)
        {
            self.fractions.get_or_insert((position, value));
            self.fraction_count += 1;
        }
    }

    fn report_at(
        &self,
        position: TimePosition,
        entries: &Path<'_>,
        violation: &Violation<'_>,
        reporter: &mut impl Reporter,
    ) -> Flow {
        match position {
            TimePosition::Duration => reporter.report(&self.path.key("duration"), violation),
            TimePosition::Appearance(entry, nth, name) => {
                let entry = entries.index(entry);
                let appears = entry.key("appears");
                reporter.report(&appears.index(nth).key(name), violation)
            }
        }
    }

    /// Reports each counted violation once, where it occurs first.
    fn report_counts(&self, entries: &Path<'_>, reporter: &mut impl Reporter) -> Flow {
        if let Some((position, found)) = self.fractions {
            let violation = Violation::Fractions {
                found,
                count: self.fraction_count,
            };
            self.report_at(position, entries, &violation, reporter)?;
        }
        if let (Some((position, start)), Some(duration)) = (self.far, self.duration) {
            let violation = Violation::FarBeyondDuration {
                start,
                duration,
                count: self.far_count,
            };
            self.report_at(position, entries, &violation, reporter)?;
        }
        if let Some(index) = self.timeless {
            let violation = Violation::NoDuration {
                count: self.timeless_count,
            };
            let entry = entries.index(index);
            reporter.report(&entry.key("appears"), &violation)?;
        }
        match self.duration {
            Some(found) if found <= 0.0 && self.card_type != CardType::Transcript => {
                let violation = Violation::EmptyDuration { found };
                reporter.report(&self.path.key("duration"), &violation)
            }
            _ => Flow::Continue(()),
        }
    }
}

fn image(path: &Path<'_>, value: Tree<'_>, reporter: &mut impl Reporter) -> Flow {
    match value {
        Tree::String(_) if !reporter.wants_display_rules() => Flow::Continue(()),
        Tree::String(address) if address.starts_with("http://") => {
            reporter.report(path, &Violation::InsecureImage)
        }
        Tree::String(address) if !is_image_address(address) => {
            reporter.report(path, &Violation::OddImage)
        }
        Tree::String(_) => Flow::Continue(()),
        Tree::Null => reporter.report(
            path,
            &Violation::Null {
                should: Type::String,
            },
        ),
        other => wrong_type(path, other, Type::String, reporter),
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
