//! Numbers: integers of any size, floating point, decimals with an `M`, ratios.

use crate::value::Value;

/// The value of a word that starts like a number; `None` if it is none. Octal integers are none:
/// Clojure and everybody else read them differently.
pub(crate) fn read(word: &str) -> Option<Value> {
    let magnitude = word.strip_prefix(['-', '+']).unwrap_or(word);
    if let Some(hex) = magnitude.strip_prefix("0x") {
        let plain = hex.bytes().all(|byte| byte.is_ascii_hexdigit());
        let number = i64::from_str_radix(hex, 16).ok().filter(|_| plain)?;
        return Some(Value::Int(if word.starts_with('-') { -number } else { number }));
    }
    let whole = magnitude.bytes().take_while(u8::is_ascii_digit).count();
    if whole == 0 || (whole > 1 && magnitude.starts_with('0')) {
        return None;
    }
    let tail = &magnitude[whole..];
    match tail {
        "" => Some(Value::integer(word)),
        "N" => Some(Value::integer(&word[..word.len() - 1])),
        "M" => Some(Value::Exact(word.into())),
        _ if tail.starts_with('/') => ratio(word, &tail[1..]),
        _ => fraction(word, tail),
    }
}

fn is_digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

fn ratio(word: &str, denominator: &str) -> Option<Value> {
    let sound = !denominator.is_empty() && is_digits(denominator) && !denominator.starts_with('0');
    sound.then(|| Value::Exact(word.into()))
}

/// What has a point or an exponent; `tail` starts with it.
fn fraction(word: &str, tail: &str) -> Option<Value> {
    let bare = tail.strip_suffix('M').unwrap_or(tail);
    let (digits, exponent) = match bare.find(['e', 'E']) {
        Some(at) => (&bare[..at], Some(&bare[at + 1..])),
        None => (bare, None),
    };
    let digits = if digits.is_empty() { digits } else { digits.strip_prefix('.')? };
    let exponent = exponent.map(|text| text.strip_prefix(['-', '+']).unwrap_or(text));
    if !is_digits(digits) || exponent.is_some_and(|text| text.is_empty() || !is_digits(text)) {
        return None;
    }
    if tail.ends_with('M') {
        return Some(Value::Exact(word.into()));
    }
    word.parse().ok().filter(|number: &f64| number.is_finite()).map(Value::float)
}
