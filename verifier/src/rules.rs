//! By which rules the objects of a history are judged: what the first line of a certificate says.

use crate::certificate::{Entries, Header};
use crate::keys::Keys;
use crate::linearizable::Specification;
use crate::models::{
    Bag, Bank, Counter, Elements, Log, Map, Model, Next, OwnerMutex, Permits, Readings, Register,
    Returns, Row, Tokens, Transactions, Versioned,
};
use crate::sets::Reads;
use crate::text::{Notation, edn_value};

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
    Linearizable(Box<dyn Specification>),
    Set(Reads),
    /// A model that cannot begin as it is said to; why. Nothing is proved by it.
    Senseless(String),
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
            Judge::Linearizable(model) => model.assumptions(),
            Judge::Set(reads) => {
                vec!["the set is empty at first".to_owned(), reads.sentence().to_owned()]
            }
            Judge::Senseless(_) | Judge::Unknown => Vec::new(),
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
    let counter = |returns| judge_if(Counter::new(returns, &init));
    Ok(match model {
        "register" => judge(Register::new(readings(entries, false)?, init)),
        "cas-register" => judge(Register::new(readings(entries, true)?, init)),
        "versioned-register" => judge(Versioned::new(readings(entries, true)?, init)),
        "multi-register" => judge_if(Transactions::new(&init)),
        "bank" => judge_if(Bank::new(&init)),
        "fifo-queue" => judge(Row::new(Next::First)),
        "unordered-queue" => judge(Bag::default()),
        "stack" => judge(Row::new(Next::Last)),
        "mutex" => judge(Permits::mutex()),
        "semaphore" => judge_if(Permits::semaphore(&init)),
        "owner-mutex" => judge(OwnerMutex::new(Tokens::None)),
        "fenced-mutex" => judge(OwnerMutex::new(Tokens::Growing)),
        "mutable-set" => judge(Elements::default()),
        "counter" => counter(Returns::Nothing),
        "fetch-and-add" => counter(Returns::Before),
        "add-and-fetch" => counter(Returns::After),
        "log" => judge(Log::default()),
        "map" => judge(Map::new(nil_unknown(entries)?, init)),
        _ => Judge::Unknown,
    })
}

fn judge(model: impl Model + 'static) -> Judge {
    Judge::Linearizable(Box::new(model))
}

fn judge_if(model: Result<impl Model + 'static, String>) -> Judge {
    model.map_or_else(Judge::Senseless, judge)
}

fn nil_unknown(entries: &Entries) -> Result<bool, String> {
    one_of(entries, "nil-reads", [("value", false), ("unknown", true)])
}

fn readings(entries: &Entries, has_cas: bool) -> Result<Readings, String> {
    Ok(Readings {
        has_cas,
        nil_unknown: nil_unknown(entries)?,
        observe_failed_cas: one_of(entries, "failed-cas", [("drop", false), ("observe", true)])?,
    })
}
