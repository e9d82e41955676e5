//! A command line as a person would type it again: in the manifest, and at the end of a report.

use std::fmt;

/// How people get at the program, where that is not by its name.
const COMMAND_VARIABLE: &str = "ORDEAL_COMMAND";

/// The words of a command, the program's name first. Shown, it can be pasted into a shell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandLine(Vec<String>);

impl CommandLine {
    /// A command of these words.
    pub fn of<W: Into<String>>(words: impl IntoIterator<Item = W>) -> CommandLine {
        CommandLine(words.into_iter().map(Into::into).collect())
    }

    /// Takes a command apart that was shown by [`CommandLine`]: words between blanks, single quotes,
    /// and a backslash before a quote.
    pub fn parse(text: &str) -> CommandLine {
        let mut words: Vec<String> = Vec::new();
        let mut word: Option<String> = None;
        let mut quoted = false;
        let mut letters = text.chars();
        while let Some(letter) = letters.next() {
            match letter {
                '\'' => {
                    quoted = !quoted;
                    word.get_or_insert_default();
                }
                '\\' if !quoted => word.get_or_insert_default().extend(letters.next()),
                ' ' if !quoted => words.extend(word.take()),
                other => word.get_or_insert_default().push(other),
            }
        }
        words.extend(word);
        CommandLine(words)
    }

    /// Its words.
    pub fn words(&self) -> &[String] {
        &self.0
    }

    /// The one that this process was started with, as a person would have to type it.
    pub fn current() -> CommandLine {
        let arguments = std::env::args_os().skip(1).map(|word| word.to_string_lossy().into_owned());
        CommandLine::of_checker(arguments)
    }

    /// The program with these arguments: under its own name wherever it lies, or where it runs in a
    /// container, by the command that $ORDEAL_COMMAND says gets one there.
    pub fn of_checker<W: Into<String>>(words: impl IntoIterator<Item = W>) -> CommandLine {
        let command = std::env::var(COMMAND_VARIABLE).unwrap_or_default();
        let mut program: Vec<String> = command.split_whitespace().map(str::to_owned).collect();
        if program.is_empty() {
            program.push("checker".to_owned());
        }
        CommandLine(program).with(words)
    }

    /// Whether people type commands somewhere else than where this process runs.
    pub fn is_elsewhere() -> bool {
        std::env::var_os(COMMAND_VARIABLE).is_some_and(|command| !command.is_empty())
    }

    /// The same without these options and their values, written `--option value` or
    /// `--option=value`.
    #[must_use]
    pub fn without(self, options: &[&str]) -> CommandLine {
        let mut words = self.0.into_iter();
        let mut kept = Vec::new();
        while let Some(word) = words.next() {
            let (name, value) = word.split_once('=').map_or((&*word, None), |(n, v)| (n, Some(v)));
            match (options.contains(&name), value) {
                (false, _) => kept.push(word),
                (true, Some(_)) => {}
                (true, None) => drop(words.next()),
            }
        }
        CommandLine(kept)
    }

    /// The same with more words at its end.
    #[must_use]
    pub fn with<W: Into<String>>(mut self, words: impl IntoIterator<Item = W>) -> CommandLine {
        self.0.extend(words.into_iter().map(Into::into));
        self
    }
}

impl fmt::Display for CommandLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, word) in self.0.iter().enumerate() {
            f.write_str(if i == 0 { "" } else { " " })?;
            let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=,:@%+".contains(c);
            match !word.is_empty() && word.chars().all(plain) {
                true => f.write_str(word)?,
                false => write!(f, "'{}'", word.replace('\'', r"'\''"))?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_a_shell_would_take_apart_are_quoted() {
        let command = CommandLine::of(["checker", "--name", "two words", "it's", "", "a=b,c"]);
        assert_eq!(command.to_string(), r"checker --name 'two words' 'it'\''s' '' a=b,c");
    }

    #[test]
    fn what_was_shown_is_taken_apart_into_the_same_words() {
        let words = ["checker", "--name", "two words", "it's", "", "a=b,c", "\\", "'", "é \n"];
        let command = CommandLine::of(words);
        assert_eq!(CommandLine::parse(&command.to_string()), command);
        assert_eq!(CommandLine::parse("  a  b "), CommandLine::of(["a", "b"]));
    }

    #[test]
    fn an_option_goes_with_its_value_however_it_is_spelled() {
        let command = CommandLine::of(["checker", "--a", "1", "--b=2", "--ab", "3", "--b", "4"]);
        assert_eq!(command.without(&["--a", "--b"]), CommandLine::of(["checker", "--ab", "3"]));
    }
}
