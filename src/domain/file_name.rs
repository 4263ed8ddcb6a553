//! Makes a name from outside safe for a file: no path, nothing that a shell or terminal interprets, not
//! hidden, not an option.

/// The longest name, in bytes; leaves space for the suffix of a partial file.
const MAX_BYTES: usize = 200;

/// The name `given` by a server, made safe; `otherwise` if nothing of it is left. The extension is kept.
pub fn safe(given: &str, otherwise: &str) -> String {
    let last = given.rsplit(['/', '\\']).next().unwrap_or(given);
    let clean: String = last
        .chars()
        .filter(|character| is_harmless(*character))
        .collect();
    let clean = clean
        .trim_start_matches(['-', '.', ' ', '~'])
        .trim_end_matches(['.', ' ']);
    if clean.is_empty() {
        return otherwise.to_owned();
    }
    shortened(clean)
}

/// `name` with another extension: `talk.mp4` as `txt` is `talk.txt`.
pub fn with_extension(name: &str, extension: &str) -> String {
    let stem = match name.rsplit_once('.') {
        Some((stem, _)) if !stem.is_empty() => stem,
        _ => name,
    };
    format!("{stem}.{extension}")
}

/// Not a control character, a direction mark or an invisible character.
fn is_harmless(character: char) -> bool {
    !character.is_control()
        && !matches!(
            character,
            '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{2069}' | '\u{feff}'
        )
}

fn shortened(name: &str) -> String {
    if name.len() <= MAX_BYTES {
        return name.to_owned();
    }
    let (stem, extension) = match name.rsplit_once('.') {
        Some((stem, extension)) if extension.len() <= 20 => (stem, format!(".{extension}")),
        _ => (name, String::new()),
    };
    let mut end = MAX_BYTES - extension.len();
    while !stem.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}{extension}", &stem[..end])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ordinary_names_stay_as_they_are() {
        for name in [
            "talk.mp4",
            "a b (1).tar.gz",
            "名前.txt",
            "no extension",
            "a-b_c",
        ] {
            assert_eq!(safe(name, "x"), name);
        }
    }

    #[test]
    fn paths_controls_and_leading_dashes_and_dots_are_removed() {
        assert_eq!(safe("../../etc/passwd", "x"), "passwd");
        assert_eq!(safe("C:\\temp\\a.txt", "x"), "a.txt");
        assert_eq!(safe("-rf", "x"), "rf");
        assert_eq!(safe(".bashrc", "x"), "bashrc");
        assert_eq!(safe("a\n\u{1b}[31mb.txt", "x"), "a[31mb.txt");
        assert_eq!(safe("gpj.\u{202e}exe", "x"), "gpj.exe");
        assert_eq!(safe("a.txt. .", "x"), "a.txt");
    }

    #[test]
    fn a_name_with_nothing_left_gets_the_other_name() {
        for name in ["", ".", "..", "/", "a/", "---", "\u{7f}"] {
            assert_eq!(safe(name, "file-7"), "file-7", "{name:?}");
        }
    }

    #[test]
    fn long_names_keep_their_extension() {
        let long = format!("{}.mp4", "é".repeat(300));
        let name = safe(&long, "x");
        assert!(name.len() <= MAX_BYTES && name.ends_with("é.mp4"), "{name}");
    }

    #[test]
    fn extensions_are_replaced() {
        assert_eq!(with_extension("talk.mp4", "txt"), "talk.txt");
        assert_eq!(with_extension("talk", "txt"), "talk.txt");
        assert_eq!(with_extension("a.b.c", "txt"), "a.b.txt");
    }

    proptest! {
        #[test]
        fn every_name_is_safe(given in any::<String>()) {
            let name = safe(&given, "file-7");
            prop_assert!(!name.is_empty() && name.len() <= MAX_BYTES);
            prop_assert!(!name.starts_with(['-', '.']));
            let unsafe_ones = ['/', '\\', '\0', '\n', '\u{1b}'];
            prop_assert!(!name.contains(unsafe_ones));
        }
    }
}
