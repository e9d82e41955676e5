//! Certificates: the file that carries the proofs of a verdict, described in
//! `docs/certificates.md`.
//!
//! One JSON object a line: first what history, model and readings it is about, then a line for
//! each object in the order of their first operations, then the number of these lines, so that a
//! certificate that was cut off shows. Unknown entries are refused where they could change a
//! meaning: a verifier that overlooks something has verified nothing.

use std::sync::Arc;

use crate::frontier::{Config, Frontier, Mark, Stage, StateName};
use crate::sets::Evidence;
use crate::text::{edn_value, json_value};
use crate::value::Value;
use crate::weaken::Part;

/// The version of the format that this verifier reads.
const VERSION: i64 = 1;

/// What a certificate claims of an object, or of the whole history.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Claim {
    /// A correct system could have produced it.
    Valid,
    /// It was not decided.
    Unknown,
    /// No correct system could have produced it.
    Invalid,
}

impl Claim {
    fn named(name: &str) -> Option<Claim> {
        [Claim::Valid, Claim::Unknown, Claim::Invalid].into_iter().find(|one| one.word() == name)
    }

    /// The plain word: `valid`, `unknown` or `invalid`.
    pub fn word(self) -> &'static str {
        match self {
            Claim::Valid => "valid",
            Claim::Unknown => "unknown",
            Claim::Invalid => "invalid",
        }
    }
}

/// The first line.
#[derive(Clone, Debug)]
pub(crate) struct Header {
    pub(crate) sha256: String,
    pub(crate) entries: Entries,
    pub(crate) claim: Claim,
}

/// How an object's verdict is proved.
#[derive(Clone, Debug)]
pub(crate) enum Proof {
    /// It is not; why not.
    None(String),
    Order(Vec<u64>),
    SubHistory(Part),
    Frontier(Part, Frontier),
    Set,
    SetEvidence(Evidence),
}

/// A line about one object.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    /// EDN; `None` where objects are not told apart.
    pub(crate) key: Option<String>,
    pub(crate) claim: Claim,
    pub(crate) proof: Proof,
}

/// The entries of a JSON object.
#[derive(Clone, Debug)]
pub(crate) struct Entries(Arc<[(Value, Value)]>);

impl Entries {
    fn of(value: Value) -> Result<Entries, String> {
        match value {
            Value::Map(entries) => Ok(Entries(entries)),
            _ => Err("a line is no JSON object".to_owned()),
        }
    }

    fn get(&self, name: &str) -> Option<&Value> {
        let found = self.0.iter().find(|(key, _)| key.name() == Some(name));
        found.map(|(_, value)| value).filter(|value| !value.is_nil())
    }

    fn need(&self, name: &str) -> Result<&Value, String> {
        self.get(name).ok_or_else(|| format!("an entry `{name}` is missing"))
    }

    pub(crate) fn text(&self, name: &str) -> Result<&str, String> {
        let text = self.need(name)?.name();
        text.ok_or_else(|| format!("the entry `{name}` is no string"))
    }

    fn optional_index(&self, name: &str) -> Result<Option<u64>, String> {
        self.get(name).map(|value| index(value, name)).transpose()
    }

    fn indices(&self, name: &str) -> Result<Option<Vec<u64>>, String> {
        self.get(name).map(|value| items(value, name, |one| index(one, name))).transpose()
    }

    /// Refuses entries that this verifier does not know.
    fn only(&self, known: &[&str]) -> Result<(), String> {
        let strange =
            self.0.iter().find(|(key, _)| !key.name().is_some_and(|k| known.contains(&k)));
        match strange {
            Some((key, _)) => Err(format!("the entry {key} is not known here")),
            None => Ok(()),
        }
    }
}

fn items<T>(
    value: &Value,
    name: &str,
    each: impl FnMut(&Value) -> Result<T, String>,
) -> Result<Vec<T>, String> {
    let items =
        value.items().ok_or_else(|| format!("`{name}` holds something that is no array"))?;
    items.iter().map(each).collect()
}

fn index(value: &Value, name: &str) -> Result<u64, String> {
    let number = match value {
        Value::Int(number) => u64::try_from(*number).ok(),
        Value::Big(digits) => digits.parse().ok(),
        _ => None,
    };
    number.ok_or_else(|| format!("`{name}` holds {value}, which is no index"))
}

const HEADER: &[&str] = &[
    "certificate",
    "version",
    "sha256",
    "notation",
    "checker",
    "model",
    "init",
    "nil-reads",
    "failed-cas",
    "set-reads",
    "keys",
    "verdict",
];

pub(crate) fn header(line: &[u8]) -> Result<Header, String> {
    let entries = Entries::of(json_value(line).map_err(|error| error.to_string())?)?;
    if entries.text("certificate")? != "ordeal" {
        return Err("it is no certificate of Ordeal".to_owned());
    }
    if *entries.need("version")? != Value::Int(VERSION) {
        return Err(format!("it is not of version {VERSION}, the only one known here"));
    }
    entries.only(HEADER)?;
    let claim = claim(&entries)?;
    Ok(Header { sha256: entries.text("sha256")?.to_owned(), claim, entries })
}

fn claim(entries: &Entries) -> Result<Claim, String> {
    let word = entries.text("verdict")?;
    Claim::named(word).ok_or_else(|| format!("{word} is no verdict"))
}

/// A line after the first: about an object, or the last one with their number.
pub(crate) enum Next {
    Object(Box<Line>),
    End(u64),
}

pub(crate) fn next(line: &[u8]) -> Result<Next, String> {
    let entries = Entries::of(json_value(line).map_err(|error| error.to_string())?)?;
    if let Some(count) = entries.optional_index("end")? {
        entries.only(&["end"])?;
        return Ok(Next::End(count));
    }
    let key = entries.get("key").map(|_| entries.text("key").map(str::to_owned)).transpose()?;
    Ok(Next::Object(Box::new(Line { key, claim: claim(&entries)?, proof: proof(&entries)? })))
}

const LINE: [&str; 3] = ["key", "verdict", "proof"];

fn proof(entries: &Entries) -> Result<Proof, String> {
    let only = |more: &[&str]| entries.only(&[&LINE, more].concat());
    match entries.text("proof")? {
        "none" => {
            only(&["why"])?;
            Ok(Proof::None(entries.text("why")?.to_owned()))
        }
        "order" => {
            only(&["order"])?;
            entries.need("order")?;
            Ok(Proof::Order(entries.indices("order")?.unwrap_or_default()))
        }
        "sub-history" => {
            only(&PART)?;
            Ok(Proof::SubHistory(part(entries)?))
        }
        "frontier" => {
            only(&[&PART[..], &["states", "counted", "start", "stages"]].concat())?;
            Ok(Proof::Frontier(part(entries)?, frontier(entries)?))
        }
        "set" => {
            only(&[])?;
            Ok(Proof::Set)
        }
        "set-evidence" => {
            only(&["anomaly", "element", "read", "witness"])?;
            evidence(entries).map(Proof::SetEvidence)
        }
        other => Err(format!("a proof of the kind {other} is not known here")),
    }
}

const PART: [&str; 5] = ["about", "from", "until", "keep", "as-write"];

fn part(entries: &Entries) -> Result<Part, String> {
    let thing = |one: &Value| {
        let text = one.name().ok_or("`about` holds something that is no string")?;
        edn_value(text).map_err(|error| error.to_string())
    };
    Ok(Part {
        about: entries.get("about").map(|things| items(things, "about", thing)).transpose()?,
        from: entries.optional_index("from")?,
        until: entries.optional_index("until")?,
        keep: entries.indices("keep")?,
        as_write: entries.indices("as-write")?.unwrap_or_default(),
    })
}

fn evidence(entries: &Entries) -> Result<Evidence, String> {
    let element = entries.text("element")?;
    let element = edn_value(element).map_err(|error| error.to_string())?;
    let read = index(entries.need("read")?, "read")?;
    match entries.text("anomaly")? {
        "unexpected" => Ok(Evidence::Unexpected { element, read }),
        "missing" => {
            let witness = index(entries.need("witness")?, "witness")?;
            Ok(Evidence::Missing { element, read, witness })
        }
        other => Err(format!("an anomaly of the kind {other} is not known here")),
    }
}

fn frontier(entries: &Entries) -> Result<Frontier, String> {
    let stage = |value: &Value| match value.items() {
        Some([returns, tried, left]) => Ok(Stage {
            returns: index(returns, "stages")?,
            tried: items(tried, "stages", config)?,
            left: items(left, "stages", config)?,
        }),
        _ => Err("a stage is no [operation, tried, left]".to_owned()),
    };
    Ok(Frontier {
        states: items(entries.need("states")?, "states", state_name)?,
        counted: entries.indices("counted")?.unwrap_or_default(),
        start: items(entries.need("start")?, "start", config)?,
        stages: items(entries.need("stages")?, "stages", stage)?,
    })
}

fn state_name(value: &Value) -> Result<StateName, String> {
    match (value, value.items()) {
        (Value::Nil, _) => Ok(StateName::Initial),
        (Value::Str(text), _) => Ok(StateName::Text(text.to_string())),
        (_, Some([from, operation])) => {
            Ok(StateName::After(position(from)?, index(operation, "states")?))
        }
        _ => Err(format!("{value} names no state")),
    }
}

fn position(value: &Value) -> Result<usize, String> {
    let number = index(value, "a configuration")?;
    usize::try_from(number).map_err(|_| format!("{number} is no position"))
}

fn config(value: &Value) -> Result<Config, String> {
    let (state, marks, counts) = match value.items() {
        Some([state, Value::Str(marks)]) => (state, marks, None),
        Some([state, Value::Str(marks), counts]) => (state, marks, Some(counts)),
        _ => return Err(format!("{value} is no configuration")),
    };
    let mark = |byte| match byte {
        b'.' => Ok(Mark::Not),
        b'x' => Ok(Mark::Done),
        b'?' => Ok(Mark::Either),
        _ => Err(format!("{marks} holds something that is no mark")),
    };
    let count = |value: &Value| {
        let number = index(value, "a count")?;
        u32::try_from(number).map_err(|_| format!("{number} is no count"))
    };
    Ok(Config {
        state: position(state)?,
        marks: marks.bytes().map(mark).collect::<Result<_, _>>()?,
        counts: counts.map(|some| items(some, "counts", count)).transpose()?.unwrap_or_default(),
    })
}
