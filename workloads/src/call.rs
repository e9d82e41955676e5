//! One operation as a client sees it: what is asked, and what came of it.

use std::borrow::Cow;
use std::fmt;

use checker::Value;

/// What a worker asks of the system; becomes the `invoke` event of the history.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// The operation's `:f`, such as `read`.
    pub f: &'static str,
    /// The key, where the workload has independent keys.
    pub key: Option<i64>,
    /// The argument, without the key.
    pub value: Value,
}

impl Call {
    /// A call without a key; see [`PerKey`](crate::generator::PerKey) for where keys come from.
    pub fn new(f: &'static str, value: Value) -> Call {
        Call { f, key: None, value }
    }

    /// The `:value` of the invocation in the history: `[key value]`, or the bare value.
    pub fn recorded(&self) -> Value {
        self.record(self.value.clone())
    }

    /// The `:value` of a completion that answered `answer`: the key, if any, goes before it.
    pub fn record(&self, answer: Value) -> Value {
        match self.key {
            Some(key) => Value::Vector(vec![Value::Int(key), answer]),
            None => answer,
        }
    }

    /// Whether the operation can change the system's state. What can not may be reported as
    /// failed however it ended, since nobody can ever see its effect.
    pub fn mutates(&self) -> bool {
        self.f != "read"
    }
}

/// What came of a call. When in doubt it is [`Outcome::Info`].
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// It took effect; the completion's value, without the key.
    Ok(Value),
    /// It certainly did not take effect, and never will.
    Fail(Reason),
    /// Nobody knows, now or later. The process retires.
    Info(Reason),
}

impl Outcome {
    /// What an operation came to whose answer never arrived: a read changed nothing and may be
    /// called failed, everything else is indeterminate.
    pub fn unanswered(call: &Call, reason: Reason) -> Outcome {
        if call.mutates() { Outcome::Info(reason) } else { Outcome::Fail(reason) }
    }

    /// Whether the system answered as a healthy one does. A compare-and-set that found another
    /// value was refused, not failed.
    pub fn is_healthy(&self) -> bool {
        match self {
            Outcome::Ok(_) => true,
            Outcome::Fail(reason) => reason.word() == Reason::MISMATCH,
            Outcome::Info(_) => false,
        }
    }
}

/// Why an operation failed or is unknown: a stable short word, which reports group by, and what
/// the system itself said, which only people read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    word: Cow<'static, str>,
    detail: Option<String>,
}

impl Reason {
    /// The time limit of the operation passed.
    pub const TIMEOUT: &'static str = "timeout";
    /// No connection could be made within the time for connecting: nothing was sent.
    pub const CONNECT_TIMEOUT: &'static str = "connect-timeout";
    /// A fresh connection was refused: nothing was sent.
    pub const REFUSED: &'static str = "connection-refused";
    /// No connection could be made for another reason: nothing was sent.
    pub const UNREACHABLE: &'static str = "unreachable";
    /// The connection broke after the request may have left.
    pub const RESET: &'static str = "reset";
    /// The answer ended too early.
    pub const TRUNCATED: &'static str = "truncated-answer";
    /// The answer made no sense.
    pub const GARBAGE: &'static str = "garbage-answer";
    /// A redirected read was redirected again, or to a place that cannot be read.
    pub const REDIRECT: &'static str = "redirect";
    /// A compare-and-set found another value.
    pub const MISMATCH: &'static str = "mismatch";
    /// No node says who leads, so nothing was sent.
    pub const NO_LEADER: &'static str = "no-leader";
    /// The client does not know this operation: nothing was sent.
    pub const UNSUPPORTED: &'static str = "unsupported";

    /// The client's program cannot be started, or not opened: nothing was sent.
    pub const NO_CLIENT: &'static str = "no-client";
    /// The client's program ended before it said what came of the operation.
    pub const CLIENT_DIED: &'static str = "client-died";
    /// The client's program gave no reason.
    pub const UNEXPLAINED: &'static str = "unexplained";
    /// The client's program gave a reason in its own words.
    pub const CLIENT_SAYS: &'static str = "client-says";

    /// A reason that needs no detail.
    pub const fn new(word: &'static str) -> Reason {
        Reason { word: Cow::Borrowed(word), detail: None }
    }

    /// An answer with an HTTP status that is not success: `http-503`.
    pub fn http(status: u16) -> Reason {
        Reason { word: Cow::Owned(format!("http-{status}")), detail: None }
    }

    /// What a client's program gave as reason: a word that reports can group by, such as
    /// `mismatch`, or a sentence.
    pub fn said(text: &str) -> Reason {
        const LONGEST_WORD: usize = 32;
        let is_of_a_word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        let begins = text.starts_with(|c: char| c.is_ascii_lowercase());
        if begins && text.len() <= LONGEST_WORD && text.chars().all(is_of_a_word) {
            return Reason { word: Cow::Owned(text.to_owned()), detail: None };
        }
        Reason::new(Reason::CLIENT_SAYS).with_detail(text)
    }

    /// The same reason with what the system said, cut to a length that a history can carry.
    #[must_use]
    pub fn with_detail(mut self, detail: impl AsRef<str>) -> Reason {
        const LONGEST_CHARS: usize = 200;
        self.detail = Some(detail.as_ref().chars().take(LONGEST_CHARS).collect());
        self
    }

    /// The stable short word.
    pub fn word(&self) -> &str {
        &self.word
    }

    /// The `:error` of the history: `:timeout`, or `[:http-503 "what the system said"]`.
    pub fn to_value(&self) -> Value {
        let word = Value::keyword(&self.word);
        match &self.detail {
            None => word,
            Some(detail) => Value::Vector(vec![word, Value::string(detail)]),
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.detail {
            None => f.write_str(&self.word),
            Some(detail) => write!(f, "{}: {detail}", self.word),
        }
    }
}
