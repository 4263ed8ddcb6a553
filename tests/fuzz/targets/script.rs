//! A sequence of steps in a text format that can be written by hand and mutated: a line `%%` separates
//! steps. The first line of a step is the command; lines `name: value`, an empty line and a body follow.

use http::{HeaderMap, HeaderName, HeaderValue};

/// Further steps are ignored: they find no more faults.
const MAX_STEPS: usize = 40;

/// One step.
#[derive(Debug)]
pub(crate) struct Step<'a> {
    /// The words of its first line.
    pub(crate) words: Vec<&'a str>,
    /// The lines below it, as far as they can be headers.
    pub(crate) headers: HeaderMap,
    /// The body.
    pub(crate) body: &'a [u8],
}

/// The steps of a script.
pub(crate) fn steps(script: &[u8]) -> Vec<Step<'_>> {
    let mut steps = Vec::new();
    let mut start = 0;
    let mut at = 0;
    for line in script.split_inclusive(|byte| *byte == b'\n') {
        if line.trim_ascii_end() == b"%%" {
            steps.push(step(&script[start..at]));
            start = at + line.len();
        }
        at += line.len();
    }
    steps.push(step(&script[start..]));
    steps.truncate(MAX_STEPS);
    steps
}

fn step(text: &[u8]) -> Step<'_> {
    let (first, mut rest) = line_of(text);
    let words = std::str::from_utf8(first).unwrap_or_default();
    let mut headers = HeaderMap::new();
    while !rest.is_empty() {
        let (line, after) = line_of(rest);
        rest = after;
        if line.is_empty() {
            break;
        }
        if let Some((name, value)) = header(line) {
            headers.append(name, value);
        }
    }
    // The line end before the next step is not the body's.
    let body = rest.strip_suffix(b"\n").unwrap_or(rest);
    Step {
        words: words.split_whitespace().collect(),
        headers,
        body,
    }
}

fn line_of(text: &[u8]) -> (&[u8], &[u8]) {
    match text.iter().position(|byte| *byte == b'\n') {
        Some(end) => (&text[..end], &text[end + 1..]),
        None => (text, &[]),
    }
}

fn header(line: &[u8]) -> Option<(HeaderName, HeaderValue)> {
    let colon = line.iter().position(|byte| *byte == b':')?;
    let name = HeaderName::from_bytes(&line[..colon]).ok()?;
    let value = HeaderValue::from_bytes(line[colon + 1..].trim_ascii()).ok()?;
    Some((name, value))
}
