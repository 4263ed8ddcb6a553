//! The names that Box accepts for files and folders.

/// The longest name, in characters.
const MAX_LENGTH: usize = 255;

/// Why Box refuses a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InvalidName {
    /// It is empty, `.` or `..`, ends with a space, or contains a character that Box refuses.
    Malformed,
    /// It is too long.
    TooLong,
}

impl InvalidName {
    /// Box's code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Malformed => "item_name_invalid",
            Self::TooLong => "item_name_too_long",
        }
    }

    /// Box's message.
    pub fn message(self) -> &'static str {
        match self {
            Self::Malformed => "Item name invalid",
            Self::TooLong => "Item name too long",
        }
    }
}

/// Whether Box accepts `name`.
///
/// # Errors
/// Why it does not.
pub fn check(name: &str) -> Result<(), InvalidName> {
    let is_malformed = name.is_empty()
        || name == "."
        || name == ".."
        || name.ends_with(' ')
        || name
            .contains(|character: char| matches!(character, '/' | '\\') || character.is_control());
    if is_malformed {
        return Err(InvalidName::Malformed);
    }
    if name.chars().count() > MAX_LENGTH {
        return Err(InvalidName::TooLong);
    }
    Ok(())
}
