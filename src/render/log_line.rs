//! The columns that all lines of the mock's log share: the time, who called, the status and the
//! milliseconds.

use jiff::{Timestamp, tz::TimeZone};

use super::{
    text::{Line, Role},
    units::duration,
};

/// Columns of the milliseconds.
const MS_COLUMNS: usize = 8;
/// Columns of the word for who called: the kind of token, or a word for a line of another kind.
const WHO_COLUMNS: usize = 5;
/// Blanks for the widest column.
const BLANKS: &str = "        ";

/// The columns of a line that is not about a call: time, who, result, milliseconds.
pub(super) fn columns(
    at: Timestamp,
    zone: &TimeZone,
    who: &str,
    (role, status): (Role, &str),
    ms: Option<f64>,
) -> Line {
    let ms = ms.map(duration).unwrap_or_default();
    time(at, zone)
        .plain(format_args!("{who:<WHO_COLUMNS$}  "))
        .with(role, status)
        .with(Role::Dim, format_args!("{ms:>MS_COLUMNS$}  "))
}

/// The time of day with milliseconds.
pub(super) fn time(at: Timestamp, zone: &TimeZone) -> Line {
    let at = zone.to_datetime(at);
    let mut clock = *b"00:00:00.000";
    for (digits, number) in [
        (0..2, at.hour().into()),
        (3..5, at.minute().into()),
        (6..8, at.second().into()),
        (9..12, at.millisecond()),
    ] {
        put_digits(&mut clock[digits], number.unsigned_abs());
    }
    let mut line = Line::new();
    line.push_trusted(Role::Dim, str::from_utf8(&clock).unwrap_or_default());
    line.push_trusted(Role::Plain, "  ");
    line
}

/// Appends the word for who called, padded to its column.
pub(super) fn push_column(line: &mut Line, who: &str) {
    line.push_trusted(Role::Plain, who);
    line.push_trusted(
        Role::Plain,
        BLANKS.get(who.len()..WHO_COLUMNS).unwrap_or_default(),
    );
    line.push_trusted(Role::Plain, "  ");
}

/// Appends the milliseconds, right-aligned behind the status.
pub(super) fn push_ms(line: &mut Line, ms: f64) {
    let ms = duration(ms);
    line.push_trusted(
        Role::Dim,
        BLANKS.get(ms.len()..MS_COLUMNS).unwrap_or_default(),
    );
    line.push_trusted(Role::Dim, &ms);
    line.push_trusted(Role::Dim, "  ");
}

/// Appends the status; `---` for a call that was never answered.
pub(super) fn push_status(line: &mut Line, status: u16) {
    let role = match status {
        0 => return line.push_trusted(Role::Warn, "---"),
        400.. => Role::Bad,
        _ => Role::Good,
    };
    if !(100..1000).contains(&status) {
        return line.push(role, status);
    }
    let mut digits = *b"000";
    put_digits(&mut digits, status);
    line.push_trusted(role, str::from_utf8(&digits).unwrap_or_default());
}

/// Fills `digits` with the last decimal digits of `number`, padded with zeros.
fn put_digits(digits: &mut [u8], number: u16) {
    let mut rest = number;
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
}
