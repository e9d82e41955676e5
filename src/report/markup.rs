//! Text into HTML, SVG and script without becoming markup.
//!
//! Keys and values of a history belong to whoever wrote the history. They pass through here on the
//! way into a page, and nowhere else: the templates under `assets/` hold no value of their own, and
//! [`fill`] reads a template once, so that a value that looks like a placeholder stays a value.

use std::fmt::Write as _;

/// `text` as HTML or XML text, usable inside quoted attributes too. Control characters, which XML
/// does not allow even escaped, become the replacement character.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\n' | '\t' => out.push(c),
            c if is_hostile(c) => out.push('\u{FFFD}'),
            c => out.push(c),
        }
    }
    out
}

/// `text` on one line without control or direction-changing characters, for terminals and plots.
pub(crate) fn plain(text: &str) -> String {
    text.chars().map(|c| if is_hostile(c) { '\u{FFFD}' } else { c }).collect()
}

/// Characters that change what their neighbours look like: controls, and overrides of direction.
fn is_hostile(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{FFFE}' | '\u{FFFF}')
}

/// JSON that may stand inside `<script>`: `<`, `>` and `&` are spelled `\u003c` and so on, which
/// is the same JSON, and leaves nothing that could end the element or open a comment.
pub(crate) fn json_for_script(json: &str) -> String {
    let mut out = String::with_capacity(json.len() + json.len() / 16);
    for c in json.chars() {
        match c {
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                write!(out, "\\u{:04x}", u32::from(c)).expect("a String takes any text");
            }
            c => out.push(c),
        }
    }
    out
}

/// `template` with each `{{name}}` replaced by its part. What was put in is not looked at again.
pub(crate) fn fill(template: &str, parts: &[(&str, &str)]) -> String {
    let mut out = String::with_capacity(template.len());
    let mut rest = template;
    while let Some(at) = rest.find("{{") {
        let end = rest[at..].find("}}").map_or(rest.len(), |length| at + length);
        let name = &rest[at + 2..end];
        out.push_str(&rest[..at]);
        let (_, text) = parts
            .iter()
            .find(|(part, _)| *part == name)
            .expect("every placeholder of an embedded template has its part");
        out.push_str(text);
        rest = rest.get(end + 2..).unwrap_or_default();
    }
    out.push_str(rest);
    out
}

/// At most `limit` characters of `text`; what was left out is said, not hidden.
pub(crate) fn shortened(text: String, limit: usize) -> String {
    let length = text.chars().count();
    if length <= limit {
        return text;
    }
    let head: String = text.chars().take(limit).collect();
    format!("{head}… ({length} characters)")
}

/// The same where there is room for `limit` characters and no more, those that say what was left out
/// included.
pub(crate) fn fitted(text: String, limit: usize) -> String {
    const SAID: usize = 19; // "… (1000 characters)"
    if text.chars().count() <= limit { text } else { shortened(text, limit.saturating_sub(SAID)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_long_for_its_place_says_so_within_it() {
        assert_eq!(fitted("read → 5".into(), 44), "read → 5");
        let long = fitted("1 ".repeat(400), 44);
        assert!(long.ends_with("… (800 characters)") && long.chars().count() <= 44, "{long}");
    }

    const HOSTILE: &str = "</script><img src=x onerror=alert(1)>'\"&";

    #[test]
    fn escaped_text_holds_no_markup() {
        let text = escape(HOSTILE);
        assert!(!text.contains(['<', '>', '"', '\'']), "{text}");
        assert_eq!(escape("a\u{0}b\u{202E}c"), "a\u{FFFD}b\u{FFFD}c");
    }

    #[test]
    fn json_in_a_script_cannot_end_it_and_stays_the_same_json() {
        let json = serde_json::to_string(HOSTILE).unwrap();
        let safe = json_for_script(&json);
        assert!(!safe.contains(['<', '>', '&']), "{safe}");
        assert_eq!(serde_json::from_str::<String>(&safe).unwrap(), HOSTILE);
    }

    #[test]
    fn a_value_that_looks_like_a_placeholder_stays_a_value() {
        assert_eq!(fill("{{a}}-{{b}}.", &[("a", "{{b}}"), ("b", "2")]), "{{b}}-2.");
    }
}
