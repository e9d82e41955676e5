//! Exit codes, the same for every command, since scripts gate releases on them.
//!
//! They are Jepsen's numbers with two of its inconsistencies removed: `analyze` reports its verdict
//! too, and of several outcomes the worst in the order *invalid, broken, bad input, unknown, valid*
//! wins. So a violation that was found is never hidden by anything that happened beside it, and
//! nothing undecided ever counts as a pass.

use std::process::ExitCode;

use checker::Validity;
use checker::verdict::Reason;

/// How a command ended. The order of the variants is that of severity: the worst is the maximum.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exit {
    /// Everything that was judged is valid, or the command did what it was asked for.
    Valid,
    /// Something could not be decided, and nothing was worse.
    Unknown,
    /// The arguments make no sense, or an input could not be read.
    BadInput,
    /// The tester itself failed; this says nothing about the system under test.
    Broken,
    /// A violation was found.
    Invalid,
}

impl Exit {
    /// The number that the shell sees.
    pub fn code(self) -> u8 {
        match self {
            Exit::Valid => 0,
            Exit::Invalid => 1,
            Exit::Unknown => 2,
            Exit::BadInput => 254,
            Exit::Broken => 255,
        }
    }

    /// The exit that an error stands for: [`BadInput`] anywhere in its chain says that the caller
    /// is to blame, [`GaveUp`] that nobody is, everything else is our own failure.
    pub fn of_error(error: &anyhow::Error) -> Exit {
        if error.downcast_ref::<GaveUp>().is_some() {
            return Exit::Unknown;
        }
        match error.downcast_ref::<BadInput>() {
            Some(_) => Exit::BadInput,
            None => Exit::Broken,
        }
    }
}

impl From<Validity> for Exit {
    fn from(validity: Validity) -> Exit {
        match validity {
            Validity::Valid => Exit::Valid,
            Validity::Unknown => Exit::Unknown,
            Validity::Invalid => Exit::Invalid,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit.code())
    }
}

/// An error that the caller can mend: a bad argument or an unreadable input. A command returns it
/// (bare, or as the context of another error) to end with [`Exit::BadInput`].
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct BadInput(pub String);

/// An error that says only that it would have cost more than was allowed. A command returns it to
/// end with [`Exit::Unknown`].
#[derive(Debug, thiserror::Error)]
#[error("{told}")]
pub struct GaveUp {
    /// What was spent.
    pub reason: Reason,
    /// At what, and what would allow more.
    pub told: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::Context as _;

    #[test]
    fn the_worst_of_several_wins_in_the_documented_order() {
        let order = [1, 255, 254, 2, 0];
        let mut exits = [Exit::Valid, Exit::Invalid, Exit::Unknown, Exit::BadInput, Exit::Broken];
        exits.sort();
        exits.reverse();
        assert_eq!(exits.map(Exit::code), order);
    }

    #[test]
    fn bad_input_is_recognised_under_a_context_and_as_a_context() {
        let inner = Err::<(), _>(BadInput("no such file".into()));
        let error = inner.context("reading the history").unwrap_err();
        assert_eq!(Exit::of_error(&error), Exit::BadInput);

        let outer = Err::<(), _>(std::io::Error::other("disk")).context(BadInput("x".into()));
        assert_eq!(Exit::of_error(&outer.unwrap_err()), Exit::BadInput);

        let gave_up = Err::<(), _>(GaveUp { reason: Reason::Deadline, told: "too long".into() })
            .context("reading")
            .unwrap_err();
        assert_eq!(Exit::of_error(&gave_up), Exit::Unknown);

        assert_eq!(Exit::of_error(&anyhow::anyhow!("we are broken")), Exit::Broken);
    }
}
