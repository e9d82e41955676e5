//! Accounts between which money is moved, and which are read all at once: Jepsen's `bank`.
//!
//! What there is at first has to be given, since no history says it. An account is known by its
//! text, so that `0`, `:0` and `"0"` are the same one: JSON has no other names for keys.

use rustc_hash::FxHashMap;

use super::{Call, Class, Model, ModelOptions, Requires, ValueId, Values};
use crate::history::Outcome;
use crate::value::Value;
use crate::verdict::Reason;

/// The model `bank`.
#[derive(Clone, Debug)]
pub struct Bank {
    accounts: Result<Accounts, String>,
    /// What was read, …
    reads: Values,
    /// … as balances, where it names every account once and no other.
    balances: Vec<Option<Vec<i64>>>,
}

#[derive(Clone, Debug, Default)]
struct Accounts {
    names: Vec<Value>,
    places: FxHashMap<String, usize>,
    initial: Vec<i64>,
}

/// What can happen to a bank.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BankTransition {
    /// All balances were read.
    Read(ValueId),
    /// This amount was moved between two accounts; `None` if there is no such account.
    Transfer(Option<(usize, usize)>, i64),
}

fn text(account: &Value) -> String {
    account.name().map_or_else(|| account.canonical().to_string(), str::to_owned)
}

impl Accounts {
    fn new(init: Option<&Value>) -> Result<Accounts, String> {
        let Some(Value::Map(entries)) = init else {
            let given = init.map_or(String::new(), |init| format!(", not {init}"));
            return Err(format!(
                "a bank needs --init, a map of its accounts to their balances such as \
                 {{0 10, 1 10}}{given}"
            ));
        };
        let mut accounts = Accounts::default();
        for (account, balance) in entries {
            let Value::Int(balance) = balance else {
                return Err(format!("the balance of account {account} must be a number"));
            };
            if accounts.places.insert(text(account), accounts.names.len()).is_some() {
                return Err(format!("there are two accounts {}", text(account)));
            }
            accounts.names.push(account.clone());
            accounts.initial.push(*balance);
        }
        // Then no balance can ever become too large: money is moved only by whoever has it.
        let total = accounts.initial.iter().filter(|balance| **balance > 0);
        match total.map(|balance| i128::from(*balance)).sum::<i128>() <= i128::from(i64::MAX) {
            true => Ok(accounts),
            false => Err("there is more money than fits into 64 bits".to_owned()),
        }
    }

    fn place(&self, account: &Value) -> Option<usize> {
        self.places.get(&text(account)).copied()
    }

    fn balances(&self, read: &[(Value, Value)]) -> Option<Vec<i64>> {
        let mut balances = vec![None; self.names.len()];
        for (account, balance) in read {
            let place = balances.get_mut(self.place(account)?)?;
            match balance {
                Value::Int(balance) if place.is_none() => *place = Some(*balance),
                _ => return None,
            }
        }
        balances.into_iter().collect()
    }

    fn told(&self, balances: &[i64]) -> Value {
        let balances = balances.iter().map(|balance| Value::Int(*balance));
        Value::Map(self.names.iter().cloned().zip(balances).collect())
    }
}

impl Bank {
    /// A bank whose accounts hold at first what the options say; they must say it.
    pub fn new(options: &ModelOptions) -> Bank {
        let accounts = Accounts::new(options.init.as_ref());
        Bank { accounts, reads: Values::default(), balances: Vec::new() }
    }

    /// What is wrong with the initial balances.
    pub(super) fn problem(&self) -> Option<&String> {
        self.accounts.as_ref().err()
    }

    fn accounts(&self) -> Result<&Accounts, Reason> {
        self.accounts.as_ref().map_err(|why| Reason::BadValue(why.clone()))
    }

    fn read(&mut self, result: &Value) -> Result<BankTransition, Reason> {
        let Value::Map(entries) = result else {
            let text = format!("a read must return a map of accounts to balances, got {result}");
            return Err(Reason::BadValue(text));
        };
        let balances = self.accounts()?.balances(entries);
        let id = self.reads.intern(result);
        if self.reads.len() > self.balances.len() {
            self.balances.push(balances);
        }
        Ok(BankTransition::Read(id))
    }

    fn transfer(&self, argument: &Value) -> Result<BankTransition, Reason> {
        let entry = |name| argument.get(name);
        let (Some(from), Some(to), Some(Value::Int(amount))) =
            (entry("from"), entry("to"), entry("amount"))
        else {
            let text = format!("transfer needs {{:from a, :to b, :amount n}}, got {argument}");
            return Err(Reason::BadValue(text));
        };
        let accounts = self.accounts()?;
        let between = accounts.place(from).zip(accounts.place(to));
        Ok(BankTransition::Transfer(between, *amount))
    }

    fn told(&self, balances: &[i64]) -> Value {
        self.accounts.as_ref().map_or(Value::Nil, |accounts| accounts.told(balances))
    }

    fn name(&self, account: usize) -> &Value {
        self.accounts.as_ref().map_or(&Value::Nil, |accounts| &accounts.names[account])
    }
}

impl Model for Bank {
    /// The balances, by account.
    type State = Vec<i64>;
    type Transition = BankTransition;

    fn initial(&self) -> Vec<i64> {
        self.accounts.as_ref().map_or_else(|_| Vec::new(), |accounts| accounts.initial.clone())
    }

    fn parse(&mut self, call: &Call<'_>) -> Result<Option<BankTransition>, Reason> {
        self.accounts()?;
        match (call.f.name(), call.outcome) {
            (Some("read" | "transfer"), Outcome::Fail) | (Some("read"), Outcome::Info) => Ok(None),
            (Some("read"), Outcome::Ok) => self.read(call.result).map(Some),
            (Some("transfer"), _) => self.transfer(call.argument).map(Some),
            _ => Err(Reason::UnknownFunction(call.f.to_string())),
        }
    }

    fn step(&self, state: &Vec<i64>, transition: &BankTransition) -> Option<Vec<i64>> {
        match *transition {
            BankTransition::Read(read) => {
                (self.balances[read.0 as usize].as_ref() == Some(state)).then(|| state.clone())
            }
            BankTransition::Transfer(Some((from, to)), amount)
                if amount >= 0 && state[from] >= amount =>
            {
                let mut after = state.clone();
                after[from] -= amount;
                after[to] += amount;
                Some(after)
            }
            BankTransition::Transfer(..) => None,
        }
    }

    fn class(&self, transition: &BankTransition) -> Class {
        match *transition {
            BankTransition::Read(_) | BankTransition::Transfer(None, _) => Class::Observer,
            BankTransition::Transfer(Some((from, to)), amount) if from == to || amount <= 0 => {
                Class::Observer
            }
            BankTransition::Transfer(..) => Class::Conditional,
        }
    }

    fn requires(&self, transition: &BankTransition) -> Requires<Vec<i64>> {
        match *transition {
            BankTransition::Read(read) => match &self.balances[read.0 as usize] {
                Some(balances) => Requires::Exactly(balances.clone()),
                None => Requires::Some,
            },
            BankTransition::Transfer(..) => Requires::Some,
        }
    }

    fn produces(&self, _: &BankTransition) -> Option<Vec<i64>> {
        None
    }

    fn describe(&self, state: &Vec<i64>) -> Value {
        self.told(state)
    }

    fn refusal(&self, state: &Vec<i64>, transition: &BankTransition) -> String {
        match *transition {
            BankTransition::Read(read) => {
                format!("read {}, but the bank holds {}", self.reads.value(read), self.told(state))
            }
            BankTransition::Transfer(None, amount) => {
                format!("moved {amount} from or to an account that there is not")
            }
            BankTransition::Transfer(Some(_), amount) if amount < 0 => {
                format!("moved {amount}, which is less than nothing")
            }
            BankTransition::Transfer(Some((from, to)), amount) => format!(
                "moved {amount} from account {} to account {}, but account {} holds {}",
                self.name(from),
                self.name(to),
                self.name(from),
                state[from]
            ),
        }
    }

    fn shows_effect(&self, transition: &BankTransition) -> bool {
        matches!(transition, BankTransition::Read(_))
            && self.step(&self.initial(), transition).is_none()
    }

    fn assumptions(&self) -> Vec<String> {
        let initial = format!("the accounts hold {} at first", self.told(&self.initial()));
        vec![initial, "no account may be overdrawn".to_owned()]
    }

    fn forget(&mut self, _: &mut [Vec<i64>], transitions: &mut [BankTransition]) {
        let names = transitions.iter_mut().filter_map(|transition| match transition {
            BankTransition::Read(read) => Some(read),
            BankTransition::Transfer(..) => None,
        });
        let names: Vec<&mut ValueId> = names.collect();
        let mut kept: Vec<ValueId> = names.iter().map(|name| **name).collect();
        kept.sort_unstable();
        kept.dedup();
        self.balances = kept.iter().map(|id| self.balances[id.0 as usize].take()).collect();
        self.reads.retain(names);
    }

    fn footprint(&self, state: &Vec<i64>) -> usize {
        size_of_val(state) + size_of_val(state.as_slice())
    }
}
