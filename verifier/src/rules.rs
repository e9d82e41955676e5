//! By which rules the objects of a history are judged: what the first line of a certificate says.

use crate::certificate::{Entries, Header};
use crate::keys::Keys;
use crate::models::{Discipline, Items, Model, OwnerMutex, Permits, Readings, Register, Tokens};
use crate::sets::Reads;
use crate::text::{Notation, edn_value};
use crate::value::Value;

/// See the module.
pub(crate) struct Rules {
    pub(crate) notation: Notation,
    pub(crate) keys: Keys,
    /// The checker with its model.
    pub(crate) name: String,
    pub(crate) judge: Judge,
}

/// What objects are held against.
pub(crate) enum Judge {
    Register(Register),
    Items(Items),
    Permits(Permits),
    Owner(OwnerMutex),
    Set(Reads),
    /// Something that this verifier has no rules for.
    Unknown,
}

impl Rules {
    pub(crate) fn of(header: &Header) -> Result<Rules, String> {
        let entries = &header.entries;
        let notation = entries.text("notation")?;
        let notation = Notation::named(notation).ok_or(format!("{notation} is no notation"))?;
        let keys = entries.text("keys")?;
        let keys = Keys::named(keys).ok_or(format!("{keys} is no way to tell objects apart"))?;
        let (name, judge) = match entries.text("checker")? {
            "set" => ("set".to_owned(), set(entries)?),
            "linearizable" => {
                let model = entries.text("model")?;
                (format!("linearizable {model}"), linearizable(entries, model)?)
            }
            other => (other.to_owned(), Judge::Unknown),
        };
        Ok(Rules { notation, keys, name, judge })
    }

    /// What is believed and not proved.
    pub(crate) fn assumptions(&self) -> Vec<String> {
        let mut assumptions = vec![self.keys.sentence().to_owned()];
        assumptions.extend(match &self.judge {
            Judge::Register(model) => model.assumptions(),
            Judge::Items(model) => model.assumptions(),
            Judge::Permits(model) => model.assumptions(),
            Judge::Owner(model) => model.assumptions(),
            Judge::Set(reads) => {
                vec!["the set is empty at first".to_owned(), reads.sentence().to_owned()]
            }
            Judge::Unknown => Vec::new(),
        });
        let outcomes = "what failed did not happen, and what is indeterminate may have, at any \
                        later time, unless another reading is named here";
        assumptions.push(outcomes.to_owned());
        assumptions
    }
}

fn one_of<T, const N: usize>(
    entries: &Entries,
    name: &str,
    choices: [(&str, T); N],
) -> Result<T, String> {
    let word = entries.text(name)?;
    let chosen = choices.into_iter().find(|(choice, _)| *choice == word);
    chosen.map(|(_, value)| value).ok_or_else(|| format!("{word} is no choice for `{name}`"))
}

fn set(entries: &Entries) -> Result<Judge, String> {
    let choices = [("linearizable", Reads::Every), ("eventual", Reads::Final)];
    one_of(entries, "set-reads", choices).map(Judge::Set)
}

fn linearizable(entries: &Entries, model: &str) -> Result<Judge, String> {
    let init = edn_value(entries.text("init")?).map_err(|error| error.to_string())?;
    Ok(match model {
        "register" | "cas-register" => register(entries, model == "cas-register", init)?,
        "fifo-queue" => Judge::Items(Items::new(Discipline::FirstInFirstOut)),
        "unordered-queue" => Judge::Items(Items::new(Discipline::Any)),
        "stack" => Judge::Items(Items::new(Discipline::LastInFirstOut)),
        "mutex" => Judge::Permits(Permits::mutex()),
        "semaphore" => Judge::Permits(Permits::semaphore(&init)?),
        "owner-mutex" => Judge::Owner(OwnerMutex::new(Tokens::None)),
        "fenced-mutex" => Judge::Owner(OwnerMutex::new(Tokens::Growing)),
        _ => Judge::Unknown,
    })
}

fn register(entries: &Entries, has_cas: bool, init: Value) -> Result<Judge, String> {
    let readings = Readings {
        has_cas,
        nil_unknown: one_of(entries, "nil-reads", [("value", false), ("unknown", true)])?,
        observe_failed_cas: one_of(entries, "failed-cas", [("drop", false), ("observe", true)])?,
    };
    Ok(Judge::Register(Register::new(readings, init)))
}
