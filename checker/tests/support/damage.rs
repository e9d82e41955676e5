//! Certificates that somebody has been at.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// A certificate with a mark or a number changed, or an element of a list left out, doubled or
/// exchanged with the next.
pub(crate) fn damaged(certificate: &[u8], rng: &mut ChaCha8Rng) -> Vec<u8> {
    let mut text = String::from_utf8_lossy(certificate).into_owned();
    let body = text.find('\n').map_or(0, |end| end + 1);
    let places = |wanted: &dyn Fn(char) -> bool| -> Vec<usize> {
        text.char_indices()
            .filter(|(at, one)| *at > body && wanted(*one))
            .map(|(at, _)| at)
            .collect()
    };
    match rng.random_range(0..5) {
        0 => {
            if let Some(at) = one_of(&places(&|one| ".x?".contains(one)), rng) {
                text.replace_range(at..=at, [".", "x", "?"][rng.random_range(0..3)]);
            }
        }
        1 => {
            if let Some(at) = one_of(&places(&|one| one.is_ascii_digit()), rng) {
                text.replace_range(at..=at, &rng.random_range(0..10).to_string());
            }
        }
        kind => {
            let commas = places(&|one| one == ',');
            let position = rng.random_range(0..commas.len().max(1));
            let [from, to, next] = [0, 1, 2].map(|further| commas.get(position + further).copied());
            if let (Some(from), Some(to)) = (from, to) {
                let element = text[from..to].to_owned();
                match (kind, next) {
                    (2, _) => text.replace_range(from..to, ""),
                    (3, Some(next)) => {
                        let exchanged = format!("{}{element}", &text[to..next]);
                        text.replace_range(from..next, &exchanged);
                    }
                    _ => text.insert_str(from, &element),
                }
            }
        }
    }
    text.into_bytes()
}

fn one_of(places: &[usize], rng: &mut ChaCha8Rng) -> Option<usize> {
    (!places.is_empty()).then(|| places[rng.random_range(0..places.len())])
}
