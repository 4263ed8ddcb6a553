//! Multipart bodies (RFC 2046): their parts of text, between parts of bytes that are not text.

/// The boundary that a content type names.
pub(super) fn boundary(content_type: &str) -> Option<&str> {
    let (kind, parameters) = content_type.split_once(';')?;
    let is_multipart = kind
        .get(..10)
        .is_some_and(|kind| kind.eq_ignore_ascii_case("multipart/"));
    if !is_multipart {
        return None;
    }
    let mut parameters = parameters
        .split(';')
        .filter_map(|it| it.trim().split_once('='));
    let (_, boundary) = parameters.find(|(name, _)| name.eq_ignore_ascii_case("boundary"))?;
    Some(boundary.trim_matches('"')).filter(|boundary| !boundary.is_empty())
}

/// `body` with `change` applied to the head of each part, which has no name, and to the content of each part
/// that is text, with the name of its field. None where the body is not multipart.
pub(super) fn with_texts(
    body: &[u8],
    content_type: &str,
    mut change: impl FnMut(Option<&str>, &str) -> String,
) -> Option<Vec<u8>> {
    let delimiter = format!("--{}", boundary(content_type)?);
    let mut changed = Vec::with_capacity(body.len());
    let mut rest = body;
    let mut is_preamble = true;
    loop {
        let end = find(rest, delimiter.as_bytes());
        let part = &rest[..end.unwrap_or(rest.len())];
        if is_preamble || end.is_none() {
            changed.extend_from_slice(part);
        } else {
            add_part(part, &mut changed, &mut change);
        }
        let Some(end) = end else {
            return Some(changed);
        };
        changed.extend_from_slice(delimiter.as_bytes());
        rest = &rest[end + delimiter.len()..];
        is_preamble = false;
    }
}

/// A part from behind its delimiter to the next one: a line break, the head, an empty line, the content, a
/// line break.
fn add_part(
    part: &[u8],
    changed: &mut Vec<u8>,
    change: &mut impl FnMut(Option<&str>, &str) -> String,
) {
    const EMPTY_LINE: &[u8] = b"\r\n\r\n";
    const LINE_BREAK: &[u8] = b"\r\n";
    let split = find(part, EMPTY_LINE).map(|at| part.split_at(at + EMPTY_LINE.len()));
    let Some((head, content)) = split else {
        return changed.extend_from_slice(part);
    };
    let content = content.strip_suffix(LINE_BREAK).unwrap_or(content);
    let end = &part[head.len() + content.len()..];
    let head = String::from_utf8_lossy(head);
    changed.extend_from_slice(change(None, &head).as_bytes());
    match std::str::from_utf8(content) {
        Ok(text) => {
            let name = field_name(&head).unwrap_or_default();
            changed.extend_from_slice(change(Some(name), text).as_bytes());
        }
        Err(_) => changed.extend_from_slice(content),
    }
    changed.extend_from_slice(end);
}

/// The name of a field, from its Content-Disposition.
fn field_name(head: &str) -> Option<&str> {
    let parameters = head.split([';', '\n']).map(str::trim);
    let mut names = parameters.filter_map(|it| it.strip_prefix("name="));
    names.next().map(|name| name.trim_matches('"'))
}

/// The first place of `wanted` in `bytes`.
pub(super) fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    let (first, rest) = wanted.split_first()?;
    let mut from = 0;
    loop {
        // The standard library looks for one byte many times faster than for a window.
        from += bytes.get(from..)?.iter().position(|byte| byte == first)?;
        if bytes[from + 1..].starts_with(rest) {
            return Some(from);
        }
        from += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FORM: &str = "multipart/form-data; charset=x; boundary=\"ab\"";

    fn upper(body: &[u8], content_type: &str) -> Option<Vec<u8>> {
        with_texts(body, content_type, |name, text| match name {
            Some(name) => format!("{name}={}", text.to_uppercase()),
            None => text.to_owned(),
        })
    }

    #[test]
    fn texts_are_changed_and_bytes_stay() {
        let body = b"--ab\r\nContent-Disposition: form-data; name=\"one\"\r\n\r\ntext\r\n\
            --ab\r\nContent-Disposition: form-data; name=two; filename=\"f\"\r\n\r\n\xff\r\n\x00\r\n--ab--\r\n";
        let changed = upper(body, FORM).expect("it is multipart");
        let expected = b"--ab\r\nContent-Disposition: form-data; name=\"one\"\r\n\r\none=TEXT\r\n\
            --ab\r\nContent-Disposition: form-data; name=two; filename=\"f\"\r\n\r\n\xff\r\n\x00\r\n--ab--\r\n";
        assert_eq!(changed, expected);
    }

    #[test]
    fn a_malformed_body_stays_as_it_is() {
        for body in [
            &b""[..],
            b"--ab",
            b"text",
            b"--ab\r\nno head--ab",
            b"\r\n\r\n--ab--",
        ] {
            assert_eq!(upper(body, FORM).as_deref(), Some(body));
        }
        for content_type in [
            "text/plain",
            "multipart/form-data",
            "multipart/x; boundary=",
        ] {
            assert_eq!(upper(b"", content_type), None, "{content_type}");
        }
    }
}
