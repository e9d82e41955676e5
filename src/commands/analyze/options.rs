//! How `analyze` is told to read a history; the defaults are the strict ones.

use checker::checks::{Asked, Readings};
use checker::history::{Format, Independent};
use checker::linear::Algorithm;
use checker::model::{FailedCas, ModelName, ModelOptions, NilReads};
use checker::{Budget, CheckOptions, CheckerSpec, History, SetReads, Value};
use clap::ValueEnum;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser as _};

use super::input::{self, Source};
use crate::exit::BadInput;

/// How to read the history.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Reading")]
pub(in crate::commands) struct Reading {
    /// What to judge by; inferred from the operations unless given
    #[arg(long, short, value_parser = judges().map(|name| judge(&name)), value_name = "MODEL")]
    model: Option<Judge>,
    /// What the object is at first, as EDN: a register's value, a semaphore's permits, a bank's
    /// balances; nil or nothing unless given
    #[arg(long, value_name = "EDN", value_parser = edn)]
    init: Option<Value>,
    /// What an acknowledged read of nil means
    #[arg(long, value_enum, default_value_t, value_name = "HOW")]
    nil_reads: NilReading,
    /// What a failed compare-and-set means
    #[arg(long, value_enum, default_value_t, value_name = "HOW")]
    failed_cas: CasReading,
    /// Whether values are pairs `[key value]` of independent objects
    #[arg(long, value_enum, default_value_t, value_name = "WHEN")]
    independent: Independence,
    /// Which set is expected at a read
    #[arg(long, value_enum, default_value_t, value_name = "HOW")]
    set_reads: SetReading,
    /// How to search for a linearization
    #[arg(long, value_enum, default_value_t, value_name = "HOW")]
    algorithm: Search,
    /// The format of the files; from their names and beginnings unless given
    #[arg(long, value_enum, value_name = "FORMAT")]
    input_format: Option<InputFormat>,
}

/// What `--model` names: a model, or the checker of sets.
#[derive(Clone, Copy, Debug)]
enum Judge {
    Linearizable(ModelName),
    Set,
}

/// Every name that `--model` takes, with what `checker list` says about it.
fn judges() -> PossibleValuesParser {
    let models = ModelName::ALL.iter();
    let models = models.map(|model| PossibleValue::new(model.name()).help(model.about()));
    let set = PossibleValue::new(SET).help("elements: add, read; none lost, none from nowhere");
    PossibleValuesParser::new(models.chain([set]))
}

const SET: &str = "set";

fn judge(name: &str) -> Judge {
    ModelName::find(name).map_or(Judge::Set, Judge::Linearizable)
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum NilReading {
    /// `value`, but `unknown` where --init gives another initial value
    #[default]
    Auto,
    /// A value like any other: the initial one
    Value,
    /// Nobody knows what was read (as Knossos takes it)
    Unknown,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum CasReading {
    /// Only that it did not happen
    #[default]
    Drop,
    /// That the value was another one at some point during it, where it failed by comparison (as
    /// in Porcupine's etcd logs)
    Observe,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum Independence {
    /// Where every value is a pair and reads ask for `[key nil]`
    #[default]
    Auto,
    /// Always
    Yes,
    /// Never
    No,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum SetReading {
    /// A read sees all that was acknowledged before it
    #[default]
    Linearizable,
    /// Only the final reads must see it all
    Eventual,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum Search {
    /// Whatever is fastest for each object
    #[default]
    Auto,
    /// Frontier and wgl side by side; the first verdict counts
    Competition,
    /// Depth first, with a memory: for valid histories of very many processes
    Wgl,
    /// Breadth first, return by return
    Frontier,
    /// Without search: values written once, or the model's own procedure
    Zones,
    /// Every order, by the definition: up to 64 operations
    Exhaustive,
}

impl Search {
    fn algorithm(self) -> Algorithm {
        match self {
            Search::Auto => Algorithm::Auto,
            Search::Competition => Algorithm::Competition,
            Search::Wgl => Algorithm::Wgl,
            Search::Frontier => Algorithm::Frontier,
            Search::Zones => Algorithm::Zones,
            Search::Exhaustive => Algorithm::Exhaustive,
        }
    }
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum InputFormat {
    /// EDN: one map a line, or one vector or list of maps
    Edn,
    /// One JSON object a line
    Jsonl,
    /// One JSON array of objects
    Json,
    /// Log lines of an old Jepsen, or its history.txt
    Log,
}

pub(in crate::commands) fn edn(text: &str) -> Result<Value, String> {
    checker::edn::parse(text.as_bytes()).map_err(|error| error.to_string())
}

impl Reading {
    /// Refuses flags that would have no effect, rather than let somebody believe they had one.
    pub(in crate::commands) fn validate(&self) -> Result<(), BadInput> {
        let name = match self.model {
            Some(Judge::Linearizable(model)) if !model.has_initial_value() => model.name(),
            Some(Judge::Set) => SET,
            Some(Judge::Linearizable(_)) | None => return Ok(()),
        };
        match self.init {
            Some(_) => Err(BadInput(format!("--init has no meaning for {name}: it starts empty"))),
            None => Ok(()),
        }
    }

    /// Reads a history as told, within a budget.
    pub(in crate::commands) fn read(
        &self,
        source: &Source,
        budget: &Budget,
    ) -> anyhow::Result<input::Reading> {
        input::load(source, self.format(), self.independent(), budget)
    }

    /// The notation of the files, where it was given.
    pub(in crate::commands) fn format(&self) -> Option<Format> {
        self.input_format.map(|format| match format {
            InputFormat::Edn => Format::Edn,
            InputFormat::Jsonl => Format::Jsonl,
            InputFormat::Json => Format::Json,
            InputFormat::Log => Format::Log,
        })
    }

    fn independent(&self) -> Independent {
        match self.independent {
            Independence::Auto => Independent::Auto,
            Independence::Yes => Independent::Yes,
            Independence::No => Independent::No,
        }
    }

    /// What to check, given what the history shows where nothing was said; an error where that
    /// needs to be told more.
    pub(in crate::commands) fn readings(&self, history: &History) -> Result<Readings, BadInput> {
        let spec = self.model.map(|judge| match judge {
            Judge::Linearizable(model) => {
                CheckerSpec::Linearizable { model, options: self.model_options() }
            }
            Judge::Set => CheckerSpec::Set { reads: self.set_reads() },
        });
        let asked = Asked {
            spec,
            options: self.model_options(),
            set_reads: self.set_reads(),
            independent: self.independent(),
        };
        let readings = checker::readings(history, &asked);
        for reading in &readings.all {
            if let CheckerSpec::Linearizable { model, options } = &reading.spec
                && let Some(problem) = model.initial_value_problem(options)
            {
                return Err(BadInput(problem));
            }
        }
        Ok(readings)
    }

    /// Whether it was left to the history whether it has keys.
    pub(super) fn leaves_keys_open(&self) -> bool {
        self.independent() == Independent::Auto
    }

    /// How to check, whatever it is held against.
    pub(in crate::commands) fn check_options(&self, threads: Option<usize>) -> CheckOptions {
        CheckOptions { threads, algorithm: self.algorithm.algorithm(), ..CheckOptions::default() }
    }

    fn model_options(&self) -> ModelOptions {
        ModelOptions {
            init: self.init.clone(),
            nil_reads: match self.nil_reads {
                NilReading::Auto => NilReads::Auto,
                NilReading::Value => NilReads::Value,
                NilReading::Unknown => NilReads::Unknown,
            },
            failed_cas: match self.failed_cas {
                CasReading::Drop => FailedCas::Drop,
                CasReading::Observe => FailedCas::Observe,
            },
        }
    }

    fn set_reads(&self) -> SetReads {
        match self.set_reads {
            SetReading::Linearizable => SetReads::Linearizable,
            SetReading::Eventual => SetReads::Eventual,
        }
    }
}
