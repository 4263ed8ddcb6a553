//! Variables as lines of a shell or of a `.env` file.

/// A shell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShellSyntax {
    /// sh, bash, zsh.
    Sh,
    /// fish.
    Fish,
}

impl ShellSyntax {
    /// The line that sets a variable for the shell and what it starts.
    pub fn set(self, name: &str, value: &str) -> String {
        match self {
            Self::Sh => format!("export {name}={}\n", for_sh(value)),
            Self::Fish => format!("set -gx {name} {}\n", for_fish(value)),
        }
    }

    /// The line that sets a variable to the value of another one. The value is not in the line: it may
    /// hold a password.
    pub fn copy(self, name: &str, from: &str) -> String {
        match self {
            Self::Sh => format!("export {name}=\"${{{from}-}}\"\n"),
            // In quotes the elements of a search path are joined by colons again.
            Self::Fish => format!("set -gx {name} \"${from}\"\n"),
        }
    }

    /// The line that removes variables.
    pub fn unset(self, names: &[&str]) -> String {
        let command = match self {
            Self::Sh => "unset",
            Self::Fish => "set -eg",
        };
        format!("{command} {}\n", names.join(" "))
    }
}

/// The line of a `.env` file.
pub fn dotenv(name: &str, value: &str) -> String {
    format!("{name}={}\n", for_dotenv(value))
}

/// Whether shells and readers of `.env` files need no quotes for the value.
fn is_plain(value: &str) -> bool {
    !value.is_empty()
        && value
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-._/:,@%+=".contains(&byte))
}

/// In single quotes if the value needs any.
fn for_sh(value: &str) -> String {
    if is_plain(value) {
        return value.to_owned();
    }
    format!("'{}'", value.replace('\'', r"'\''"))
}

/// In single quotes if the value needs any; a backslash escapes there.
fn for_fish(value: &str) -> String {
    if is_plain(value) {
        return value.to_owned();
    }
    format!("'{}'", value.replace('\\', r"\\").replace('\'', r"\'"))
}

/// In double quotes if the value needs any. A backslash escapes there, and `$` would be expanded.
fn for_dotenv(value: &str) -> String {
    if is_plain(value) {
        return value.to_owned();
    }
    let mut text = String::from("\"");
    for character in value.chars() {
        match character {
            '\n' => text.push_str("\\n"),
            '"' | '\\' | '$' => text.extend(['\\', character]),
            _ => text.push(character),
        }
    }
    text.push('"');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_values_are_not_quoted() {
        let url = "http://127.0.0.1:7269";
        assert_eq!(
            ShellSyntax::Sh.set("NAME", url),
            format!("export NAME={url}\n")
        );
        assert_eq!(
            ShellSyntax::Fish.set("NAME", url),
            format!("set -gx NAME {url}\n")
        );
        assert_eq!(dotenv("NAME", url), format!("NAME={url}\n"));
    }

    #[test]
    fn special_characters_are_quoted() {
        let value = "--require /tmp/it's \"a\" $b\\";
        assert_eq!(
            ShellSyntax::Sh.set("NAME", value),
            "export NAME='--require /tmp/it'\\''s \"a\" $b\\'\n"
        );
        assert_eq!(
            ShellSyntax::Fish.set("NAME", value),
            "set -gx NAME '--require /tmp/it\\'s \"a\" $b\\\\'\n"
        );
        assert_eq!(
            dotenv("NAME", value),
            "NAME=\"--require /tmp/it's \\\"a\\\" \\$b\\\\\"\n"
        );
        assert_eq!(ShellSyntax::Sh.set("NAME", ""), "export NAME=''\n");
        assert_eq!(ShellSyntax::Sh.set("NAME", "*"), "export NAME='*'\n");
    }

    #[test]
    fn values_are_copied_by_name_and_variables_removed() {
        assert_eq!(ShellSyntax::Sh.copy("A", "B"), "export A=\"${B-}\"\n");
        assert_eq!(ShellSyntax::Fish.copy("A", "B"), "set -gx A \"$B\"\n");
        assert_eq!(ShellSyntax::Sh.unset(&["A", "B"]), "unset A B\n");
        assert_eq!(ShellSyntax::Fish.unset(&["A", "B"]), "set -eg A B\n");
    }
}
