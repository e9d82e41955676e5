//! Names and what they mean, in two columns that fit a window beside another one.

/// How wide a line may be.
const WIDTH: usize = 100;

/// Appends `head`, padded to `width` characters, and `text` beside it, wrapped at spaces and
/// continued under its own beginning.
pub(crate) fn beside(out: &mut String, head: &str, width: usize, text: &str) {
    let mut lead = format!("{head:width$}");
    for line in wrapped(text, WIDTH.saturating_sub(width)) {
        out.push_str(&lead);
        out.push_str(&line);
        out.push('\n');
        lead = " ".repeat(width);
    }
}

/// Lines of at most `width` characters; a longer word gets a line of its own.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let line = lines.last_mut().expect("there is always a line");
        if line.is_empty() {
            line.push_str(word);
        } else if line.chars().count() + 1 + word.chars().count() <= width {
            line.push(' ');
            line.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_text_continues_under_its_own_beginning() {
        let mut out = String::new();
        beside(&mut out, "head", 60, &"word ".repeat(15));
        let expected = format!(
            "{:60}{}\n{:60}{}\n",
            "head",
            "word ".repeat(8).trim(),
            "",
            "word ".repeat(7).trim()
        );
        assert_eq!(out, expected);
    }

    #[test]
    fn no_text_still_shows_its_head() {
        let mut out = String::new();
        beside(&mut out, "head", 6, "");
        assert_eq!(out, "head  \n");
    }
}
