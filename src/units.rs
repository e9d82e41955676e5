//! Durations and sizes as people write them: `60s`, `1m30s`, `250ms`; `512MiB`, `2GiB`, `1GB`.
//!
//! A bare number is refused rather than guessed at: Jepsen's `--time-limit 60` means seconds, other
//! tools mean milliseconds, and a gate that silently waits a thousandth of the time is worthless.

use std::time::Duration;

/// Why a quantity could not be read.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnitError {
    /// There is no number where one must be.
    #[error("expected a number in `{0}`")]
    NoNumber(String),
    /// The number has no unit, or one that is not known.
    #[error("expected a unit ({expected}) after `{number}` in `{text}`")]
    BadUnit {
        /// The whole text.
        text: String,
        /// The number that came before it.
        number: String,
        /// The units that would do.
        expected: &'static str,
    },
    /// More than fits.
    #[error("`{0}` is too large")]
    TooLarge(String),
}

const TIME_UNITS: &[(&str, f64)] =
    &[("ms", 0.001), ("s", 1.0), ("m", 60.0), ("min", 60.0), ("h", 3600.0), ("d", 86400.0)];

const SIZE_UNITS: &[(&str, f64)] = &[
    ("B", 1.0),
    ("kB", 1e3),
    ("MB", 1e6),
    ("GB", 1e9),
    ("KiB", 1024.0),
    ("MiB", 1_048_576.0),
    ("GiB", 1_073_741_824.0),
    ("TiB", 1_099_511_627_776.0),
];

/// Reads a duration such as `60s`, `1m30s` or `250ms`.
///
/// # Errors
/// When there is no number, no unit, or too much of it.
pub fn duration(text: &str) -> Result<Duration, UnitError> {
    let seconds = sum(text, TIME_UNITS, "ms, s, m, h, d")?;
    Duration::try_from_secs_f64(seconds).map_err(|_| UnitError::TooLarge(text.to_owned()))
}

/// Reads a size in bytes such as `512MiB`, `2GiB` or `1GB`.
///
/// # Errors
/// When there is no number, no unit, or too much of it.
pub fn bytes(text: &str) -> Result<u64, UnitError> {
    let bytes = sum(text, SIZE_UNITS, "B, kB, MB, GB, KiB, MiB, GiB, TiB")?;
    // An f64 counts bytes exactly up to 8 PiB, far beyond any machine that will run this.
    if bytes > 9e15 {
        return Err(UnitError::TooLarge(text.to_owned()));
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 ≤ bytes ≤ 9e15")]
    Ok(bytes as u64)
}

/// Adds up the terms of `text`, each a number with a unit.
fn sum(text: &str, units: &[(&str, f64)], expected: &'static str) -> Result<f64, UnitError> {
    let mut rest = text.trim();
    let mut total = 0.0;
    loop {
        let (number, after) = split_where(rest, |c| !c.is_ascii_digit() && c != '.');
        let value: f64 = number.parse().map_err(|_| UnitError::NoNumber(text.to_owned()))?;
        let (unit, after) = split_where(after.trim_start(), |c| !c.is_alphabetic());
        let factor = units.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit));
        let Some((_, factor)) = factor else {
            let (text, number) = (text.to_owned(), number.to_owned());
            return Err(UnitError::BadUnit { text, number, expected });
        };
        total += value * factor;
        rest = after.trim_start();
        if rest.is_empty() {
            return Ok(total);
        }
    }
}

/// Splits before the first character that `stops` says.
fn split_where(text: &str, stops: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(stops).unwrap_or(text.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_add_up() {
        assert_eq!(duration("60s"), Ok(Duration::from_secs(60)));
        assert_eq!(duration("1m30s"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("250ms"), Ok(Duration::from_millis(250)));
        assert_eq!(duration(" 1.5 h "), Ok(Duration::from_secs(5400)));
    }

    #[test]
    fn sizes_know_binary_from_decimal() {
        assert_eq!(bytes("2GiB"), Ok(2 << 30));
        assert_eq!(bytes("2gb"), Ok(2_000_000_000));
        assert_eq!(bytes("512 MiB"), Ok(512 << 20));
    }

    #[test]
    fn a_bare_number_is_refused() {
        assert!(matches!(duration("60"), Err(UnitError::BadUnit { .. })));
        assert!(matches!(bytes("1000"), Err(UnitError::BadUnit { .. })));
    }

    #[test]
    fn nonsense_is_refused_without_a_panic() {
        for text in ["", "s", "-1s", "1e9s", "1..2s", "9999999999999999999999d", "ß", "1ß", "."] {
            assert!(duration(text).is_err(), "{text:?}");
            assert!(bytes(text).is_err(), "{text:?}");
        }
    }
}
