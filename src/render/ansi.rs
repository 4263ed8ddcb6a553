//! The escape sequences in a program's output: colours become roles, so that a terminal shows them
//! and everything else does not; other sequences are removed, since they could control the
//! terminal.

use super::{
    look::Look,
    text::{Line, Role},
};
use crate::domain::secret::redact_output;

/// A line of output without escape sequences, and with tokens redacted.
pub fn plain(line: &str) -> String {
    let text: String = pieces(line).into_iter().map(|(_, text)| text).collect();
    redact_output(&text)
}

/// The same as a line for a terminal, in the colours of the program. A line with something redacted
/// loses its colours: a token may have several.
pub fn coloured(line: &str) -> Line {
    let pieces = pieces(line);
    let text: String = pieces.iter().map(|(_, text)| *text).collect();
    let redacted = redact_output(&text);
    if redacted != text {
        return Line::from(redacted);
    }
    let mut line = Line::new();
    for (look, text) in pieces {
        let role = if look == Look::default() {
            Role::Plain
        } else {
            Role::Own(look)
        };
        line.push_str(role, text);
    }
    line
}

/// The pieces of a line and their looks. Of text that is written over, as progress bars do it with
/// carriage returns, only the last is left.
fn pieces(line: &str) -> Vec<(Look, &str)> {
    let mut look = Look::default();
    let mut pieces = Vec::new();
    let mut rest = line.trim_end_matches('\r');
    while let Some(at) = rest.find(['\u{1b}', '\r']) {
        let (text, from) = rest.split_at(at);
        pieces.push((look, text));
        if let Some(after) = from.strip_prefix('\r') {
            pieces.clear();
            rest = after;
        } else {
            let (parameters, after) = sequence(&from[1..]);
            if let Some(parameters) = parameters {
                look.change(parameters);
            }
            rest = after;
        }
    }
    pieces.push((look, rest));
    pieces.retain(|(_, text)| !text.is_empty());
    pieces
}

/// The parameters of a sequence that changes colours, and what follows the sequence. `text` begins
/// after the escape character.
fn sequence(text: &str) -> (Option<&str>, &str) {
    let is_final = |character: char| ('@'..='~').contains(&character);
    if let Some(csi) = text.strip_prefix('[') {
        let Some(end) = csi.find(is_final) else {
            return (None, "");
        };
        let parameters = (csi[end..].starts_with('m')).then_some(&csi[..end]);
        return (parameters, &csi[end + 1..]);
    }
    if let Some(command) = text.strip_prefix([']', 'P', 'X', '^', '_']) {
        // Up to a bell or a string terminator: titles, links.
        let end = command.find('\u{7}').map(|at| (at, 1));
        let terminator = command.find("\u{1b}\\").map(|at| (at, 2));
        let end = [end, terminator].into_iter().flatten().min();
        return (None, end.map_or("", |(at, length)| &command[at + length..]));
    }
    let mut characters = text.chars();
    // Intermediate bytes, and the final one.
    for character in characters.by_ref() {
        if !(' '..='/').contains(&character) {
            break;
        }
    }
    (None, characters.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::look::Colour;

    #[test]
    fn escape_sequences_are_removed_and_never_printed() {
        for (line, text) in [
            ("\u{1b}[1;32mok\u{1b}[0m done", "ok done"),
            ("a\u{1b}[2K\u{1b}[1Gb\u{1b}[?25l", "ab"),
            ("\u{1b}]0;title\u{7}a\u{1b}]8;;http://x\u{1b}\\b", "ab"),
            ("a\u{1b}(Bb\u{1b}=c", "abc"),
            ("10 %\r20 %\rdone\r", "done"),
            ("cut \u{1b}[3", "cut "),
            ("cut \u{1b}", "cut "),
            ("\u{1b}]never ended", ""),
        ] {
            assert_eq!(plain(line), text, "{line:?}");
            assert_eq!(coloured(line).as_plain(), text, "{line:?}");
        }
    }

    #[test]
    fn colours_become_roles() {
        let line =
            coloured("a \u{1b}[1;31mred\u{1b}[22;38;5;208m orange\u{1b}[38;2;1;2;3m own\u{1b}[m b");
        let looks: Vec<_> = line.runs().collect();
        let own = |colour, bold| {
            Role::Own(Look {
                colour: Some(colour),
                bold,
                ..Look::default()
            })
        };
        assert_eq!(
            looks,
            [
                (Role::Plain, "a "),
                (own(Colour::Palette(1), true), "red"),
                (own(Colour::Palette(208), false), " orange"),
                (own(Colour::Rgb(1, 2, 3), false), " own"),
                (Role::Plain, " b"),
            ]
        );
    }

    #[test]
    fn a_token_is_redacted_whatever_its_colours() {
        let token = "aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1dE";
        let (first, second) = token.split_at(10);
        for line in [
            format!("\u{1b}[32m{token}\u{1b}[0m"),
            format!("{first}\u{1b}[1m{second}"),
        ] {
            assert!(!plain(&line).contains(token), "{line:?}");
            assert!(!coloured(&line).as_plain().contains(token), "{line:?}");
        }
    }
}
