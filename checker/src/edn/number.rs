//! Numbers: 64-bit and big integers, floating point, decimals (`M`) and ratios.

use std::sync::Arc;

use crate::value::Value;

/// The value of a token that starts like a number; `None` if it is none.
///
/// Octal (`017`) is refused rather than guessed: Clojure reads 15, everybody else 17.
pub(crate) fn parse(token: &str) -> Option<Value> {
    let magnitude = token.strip_prefix(['-', '+']).unwrap_or(token);
    if let Some(hex) = magnitude.strip_prefix("0x") {
        return hexadecimal(token, hex);
    }
    let digits = magnitude.bytes().take_while(u8::is_ascii_digit).count();
    let (whole, tail) = magnitude.split_at(digits);
    if whole.is_empty() || (whole.len() > 1 && whole.starts_with('0')) {
        return None;
    }
    match tail {
        "" => Some(integer(token)),
        "N" => Some(Value::BigInt(big(&token[..token.len() - 1]))),
        "M" => Some(Value::Exact(token.into())),
        _ => match tail.strip_prefix('/') {
            Some(denominator) => ratio(token, denominator),
            None => fractional(token, tail),
        },
    }
}

fn integer(text: &str) -> Value {
    text.parse().map_or_else(|_| Value::BigInt(big(text)), Value::Int)
}

/// The digits of an integer in the one way of writing them.
fn big(text: &str) -> Arc<str> {
    match text.strip_prefix('+').unwrap_or(text) {
        "-0" => "0".into(),
        plain => plain.into(),
    }
}

fn hexadecimal(token: &str, hex: &str) -> Option<Value> {
    let starts_with_digit = hex.starts_with(|first: char| first.is_ascii_hexdigit());
    let magnitude = i64::from_str_radix(hex, 16).ok().filter(|_| starts_with_digit)?;
    Some(Value::Int(if token.starts_with('-') { -magnitude } else { magnitude }))
}

fn ratio(token: &str, denominator: &str) -> Option<Value> {
    let plain = !denominator.is_empty() && denominator.bytes().all(|byte| byte.is_ascii_digit());
    (plain && !denominator.starts_with('0')).then(|| Value::Exact(token.into()))
}

/// `tail` is what follows the whole part: `.5`, `e7`, `.5e-7M`.
fn fractional(token: &str, tail: &str) -> Option<Value> {
    let decimal = tail.strip_suffix('M');
    let tail = decimal.unwrap_or(tail);
    let (fraction, exponent) = match tail.split_once(['e', 'E']) {
        Some((fraction, exponent)) => {
            let digits = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
            (fraction, Some(digits))
        }
        None => (tail, None),
    };
    let fraction = fraction.strip_prefix('.').or(fraction.is_empty().then_some(""))?;
    let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !all_digits(fraction) || exponent.is_some_and(|text| text.is_empty() || !all_digits(text)) {
        return None;
    }
    if decimal.is_some() {
        return Some(Value::Exact(token.into()));
    }
    // Silently reading 1e999 as infinity would change what a client saw.
    token.parse().ok().filter(|number: &f64| number.is_finite()).map(Value::Float)
}

/// Whether this text, written as it is, would be read as a [`Value::Exact`] again.
pub(crate) fn is_exact(text: &str) -> bool {
    matches!(parse(text), Some(Value::Exact(_)))
}

/// Whether this text is decimal digits as [`Value::BigInt`] holds them.
pub(crate) fn is_big(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    plain && (digits.len() == 1 || !digits.starts_with('0')) && text != "-0"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_number_is_read() {
        assert_eq!(parse("-9223372036854775808"), Some(Value::Int(i64::MIN)));
        assert_eq!(parse("9223372036854775808"), Some(Value::BigInt("9223372036854775808".into())));
        assert_eq!(parse("+12N"), Some(Value::BigInt("12".into())));
        assert_eq!(parse("0x3de6"), Some(Value::Int(0x3de6)));
        assert_eq!(parse("1."), Some(Value::Float(1.0)));
        assert_eq!(parse("-1.5e-3"), Some(Value::Float(-0.0015)));
        assert_eq!(parse("1e3"), Some(Value::Float(1000.0)));
        for exact in ["1.5M", "1M", "-1e3M", "1/3"] {
            assert_eq!(parse(exact), Some(Value::Exact(exact.into())));
        }
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for text in ["", "-", "017", "1.5.5", "1e", "1e999", "1/0", "1/", "1x", "0x", "0x-1", "1NN"]
        {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
