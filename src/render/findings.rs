//! Findings about cards as lines below the event or the call that wrote them: grouped by their code,
//! the first of each with its place.

use super::{
    text::{Line, Role, Text},
    units::counted,
};
use crate::domain::diagnostic::Severity;

/// A finding as it is shown here.
#[derive(Clone, Copy, Debug)]
pub struct Finding<'a> {
    /// How severe it is.
    pub severity: Severity,
    /// Its code, by which findings are grouped.
    pub code: &'a str,
    /// What is wrong, in a sentence.
    pub message: &'a str,
    /// The value that it is about, if it is about one.
    pub pointer: &'a str,
}

/// Up to `max` lines, and one that counts the rest: `warning   message  at /0/entries, and 3 more`.
pub fn grouped<'a>(findings: impl Iterator<Item = Finding<'a>>, max: usize) -> Text {
    let mut groups: Vec<(Finding<'_>, usize)> = Vec::new();
    for finding in findings {
        match groups
            .iter_mut()
            .find(|(first, _)| first.code == finding.code)
        {
            Some((_, more)) => *more += 1,
            None => groups.push((finding, 0)),
        }
    }
    let left_out = groups.len().saturating_sub(max);
    let shown = groups.into_iter().take(max);
    let mut text: Text = shown.map(|(first, more)| line(first, more)).collect();
    if left_out > 0 {
        let rest = format!(
            "and {} of finding",
            counted(left_out, "more kind", "more kinds")
        );
        text.push(Line::from("          ").with(Role::Dim, rest));
    }
    text
}

fn line(first: Finding<'_>, more: usize) -> Line {
    let role = match first.severity {
        Severity::Warning => Role::Warn,
        Severity::Error => Role::Bad,
    };
    let mut line = Line::new()
        .with(role, first.severity.as_str())
        .padded(10)
        .plain(first.message);
    if !first.pointer.is_empty() {
        line = line.with(Role::Dim, format!("  at {}", first.pointer));
    }
    if more > 0 {
        line = line.with(Role::Dim, format!(", and {more} more"));
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    fn warning<'a>(code: &'a str, pointer: &'a str) -> Finding<'a> {
        Finding {
            severity: Severity::Warning,
            code,
            message: "it is odd",
            pointer,
        }
    }

    #[test]
    fn findings_of_one_code_are_one_line_and_the_rest_is_counted() {
        let findings = [
            warning("a", "/0"),
            warning("b", ""),
            warning("a", "/1"),
            warning("c", "/2"),
            warning("d", "/3"),
        ];
        let text = grouped(findings.into_iter(), 2).to_plain();
        assert_eq!(
            text,
            "warning   it is odd  at /0, and 1 more\n\
             warning   it is odd\n\
             \u{20}         and 2 more kinds of finding\n"
        );
    }
}
