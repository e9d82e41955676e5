//! What kind of history to make, and how that is said on a command line.

/// The shape of a history.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Shape {
    /// Invocations; a few more where a lie needs them.
    pub(crate) operations: usize,
    /// Independent registers; of one, values are not pairs.
    pub(crate) keys: usize,
    /// Clients at once.
    pub(crate) processes: u64,
    /// Different values a key; `None`: every write writes a new one.
    pub(crate) values: Option<i64>,
    /// Operations that end in `:info`.
    pub(crate) crashed: usize,
    /// Whether there are compare-and-sets.
    pub(crate) cas: bool,
    /// Whether one read, late in the history, returns what it cannot have seen.
    pub(crate) lie: Option<Lie>,
    /// Between two events, in nanoseconds.
    pub(crate) event_ns: u64,
    /// JSON lines instead of EDN.
    pub(crate) jsonl: bool,
    /// Of all that is random.
    pub(crate) seed: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lie {
    /// A value that is certainly overwritten.
    Stale,
    /// A value that nobody wrote.
    Phantom,
}

impl Default for Shape {
    fn default() -> Shape {
        Shape {
            operations: 100_000,
            keys: 1,
            processes: 10,
            values: Some(5),
            crashed: 0,
            cas: false,
            lie: None,
            event_ns: 1000,
            jsonl: false,
            seed: 1,
        }
    }
}

impl Shape {
    /// How many clients there are.
    pub(super) fn clients(&self) -> usize {
        usize::try_from(self.processes).unwrap_or(usize::MAX)
    }

    /// Reads `--operations 1000 --values unique …`; see `generate.rs` for what there is.
    ///
    /// # Errors
    ///
    /// A sentence about what makes no sense.
    pub(crate) fn parse(arguments: &[String]) -> Result<Shape, String> {
        let mut shape = Shape::default();
        for pair in arguments.chunks(2) {
            let [flag, text] = pair else { return Err(format!("{} needs a value", pair[0])) };
            shape.set(flag, text).ok_or_else(|| format!("{flag} {text} makes no sense"))?;
        }
        let few = shape.values.is_some_and(|values| values < 2);
        match shape.keys == 0 || shape.processes == 0 || few {
            true => Err("it takes a key, a process and two values".to_owned()),
            false => Ok(shape),
        }
    }

    fn set(&mut self, flag: &str, text: &str) -> Option<()> {
        match (flag, text) {
            ("--operations", _) => self.operations = text.parse().ok()?,
            ("--keys", _) => self.keys = text.parse().ok()?,
            ("--processes", _) => self.processes = text.parse().ok()?,
            ("--values", "unique") => self.values = None,
            ("--values", _) => self.values = Some(text.parse().ok()?),
            ("--crashed", _) => self.crashed = text.parse().ok()?,
            ("--workload", "register" | "cas-register") => self.cas = text == "cas-register",
            ("--lie", "none") => self.lie = None,
            ("--lie", "stale") => self.lie = Some(Lie::Stale),
            ("--lie", "phantom") => self.lie = Some(Lie::Phantom),
            ("--event-ns", _) => self.event_ns = text.parse().ok()?,
            ("--format", "edn" | "jsonl") => self.jsonl = text == "jsonl",
            ("--seed", _) => self.seed = text.parse().ok()?,
            _ => return None,
        }
        Some(())
    }
}
