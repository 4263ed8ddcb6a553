//! The colour of each role. No meaning depends on a colour alone.

use std::fmt::Write;

use colored::{Color, ColoredString, Colorize, Styles};

use crate::render::{
    look::{Colour, Look},
    text::{Line, Role, Text},
};

/// The colours of one stream. `colored` decides by stdout for the whole process; its decision is
/// overridden, because each stream needs its own.
#[derive(Clone, Debug)]
pub struct Theme {
    colours: bool,
}

impl Theme {
    /// A theme with or without colours.
    pub fn new(colours: bool) -> Self {
        if colours {
            // The override is process-wide; streams without colours do not use `colored`.
            colored::control::set_override(true);
        }
        Self { colours }
    }

    /// The line as it is written to the stream, without its end.
    pub fn paint(&self, line: &Line) -> String {
        let mut painted = String::new();
        self.paint_onto(&mut painted, line);
        painted
    }

    /// The text as it is written to the stream, every line ended.
    pub fn paint_all(&self, text: &Text) -> String {
        let mut painted = String::new();
        self.append(text, &mut painted);
        painted
    }

    /// Appends the text to `painted`, as it is written to the stream, every line ended.
    pub fn append(&self, text: &Text, painted: &mut String) {
        for line in &text.lines {
            self.paint_onto(painted, line);
            painted.push('\n');
        }
    }

    fn paint_onto(&self, painted: &mut String, line: &Line) {
        if !self.colours {
            painted.push_str(line.as_plain());
            return;
        }
        for (role, run) in line.runs() {
            // Writing to a string cannot fail.
            let _ = write!(painted, "{}", paint_run(role, run));
        }
    }
}

fn paint_run(role: Role, text: &str) -> ColoredString {
    match role {
        Role::Plain => text.normal(),
        Role::Strong => text.bold(),
        Role::Dim => text.dimmed(),
        Role::Good => text.green(),
        Role::Bad => text.red().bold(),
        Role::Warn => text.yellow(),
        Role::Accent => text.cyan(),
        Role::Own(look) => paint_look(look, text),
    }
}

/// The colours that every terminal has, by their numbers.
const NAMED: [Color; 16] = [
    Color::Black,
    Color::Red,
    Color::Green,
    Color::Yellow,
    Color::Blue,
    Color::Magenta,
    Color::Cyan,
    Color::White,
    Color::BrightBlack,
    Color::BrightRed,
    Color::BrightGreen,
    Color::BrightYellow,
    Color::BrightBlue,
    Color::BrightMagenta,
    Color::BrightCyan,
    Color::BrightWhite,
];

fn paint_look(look: Look, text: &str) -> ColoredString {
    let mut painted = match look.colour {
        None => text.normal(),
        Some(Colour::Palette(number)) => {
            let named = NAMED.get(usize::from(number)).copied();
            text.color(named.unwrap_or(Color::AnsiColor(number)))
        }
        Some(Colour::Rgb(r, g, b)) => text.truecolor(r, g, b),
    };
    for (is_set, style) in [
        (look.bold, Styles::Bold),
        (look.dim, Styles::Dimmed),
        (look.underline, Styles::Underline),
    ] {
        if is_set {
            painted.style.add(style);
        }
    }
    painted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_theme_adds_nothing() {
        let line = Line::new().with(Role::Bad, "no").plain(" way");
        assert_eq!(Theme::new(false).paint(&line), "no way");
    }

    #[test]
    fn a_coloured_theme_keeps_the_text() {
        let line = Line::new().with(Role::Bad, "no").plain(" way");
        let painted = Theme::new(true).paint(&line);
        assert!(painted.contains('\u{1b}'), "{painted:?}");
        assert!(painted.contains("no") && painted.ends_with(" way"));
    }
}
