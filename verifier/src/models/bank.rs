//! Accounts between which money is moved, and which are read all at once. An account is known by
//! its text: `0`, `:0` and `"0"` are one.
//!
//! *Leaving out.* Every transfer moves what comes behind it, so only observers are left out: reads,
//! and transfers of nothing, or from an account to itself, or that can never be.

use std::collections::BTreeMap;

use super::{Asks, Model, Offers, no_function};
use crate::keys::Operation;
use crate::pairing::Outcome;
use crate::value::Value;

#[derive(Clone, Debug)]
pub(crate) struct Bank {
    init: Value,
    accounts: BTreeMap<String, usize>,
    initial: Vec<i64>,
}

/// What can happen to a bank.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Step {
    /// All balances were read; `None` if these are not the accounts that there are.
    Read(Option<Vec<i64>>),
    /// So much was moved between two accounts; `None` if there is no such account.
    Transfer(Option<(usize, usize)>, i64),
}

fn text(account: &Value) -> String {
    account.name().map_or_else(|| account.to_string(), str::to_owned)
}

impl Bank {
    pub(crate) fn new(init: &Value) -> Result<Bank, String> {
        let Value::Map(entries) = init else {
            return Err(format!("a bank starts with balances, not with {init}"));
        };
        let (mut accounts, mut initial) = (BTreeMap::new(), Vec::new());
        let mut total = 0_i128;
        for (account, balance) in &entries[..] {
            let Value::Int(balance) = *balance else {
                return Err(format!("the balance of account {account} must be a number"));
            };
            if accounts.insert(text(account), initial.len()).is_some() {
                return Err(format!("there are two accounts {}", text(account)));
            }
            initial.push(balance);
            total += i128::from(balance.max(0));
        }
        match total <= i128::from(i64::MAX) {
            true => Ok(Bank { init: init.clone(), accounts, initial }),
            false => Err("there is more money than fits into 64 bits".to_owned()),
        }
    }

    fn place(&self, account: &Value) -> Option<usize> {
        self.accounts.get(&text(account)).copied()
    }

    fn balances(&self, entries: &[(Value, Value)]) -> Option<Vec<i64>> {
        let mut balances = vec![None; self.initial.len()];
        for (account, balance) in entries {
            let Value::Int(balance) = *balance else { return None };
            match balances[self.place(account)?].replace(balance) {
                None => {}
                Some(_) => return None,
            }
        }
        balances.into_iter().collect()
    }
}

impl Model for Bank {
    /// The balances, by account.
    type State = Vec<i64>;
    type Step = Step;

    fn assumptions(&self) -> Vec<String> {
        let initial = format!("the accounts hold {} at first", self.init);
        vec![initial, "no account may be overdrawn".to_owned()]
    }

    fn initial(&self) -> Vec<i64> {
        self.initial.clone()
    }

    fn read(&mut self, one: &Operation<'_>) -> Result<Option<Step>, String> {
        match (one.f.name(), one.outcome) {
            (Some("read" | "transfer"), Outcome::Fail) | (Some("read"), Outcome::Info) => Ok(None),
            (Some("read"), Outcome::Ok) => match one.result {
                Value::Map(entries) => Ok(Some(Step::Read(self.balances(entries)))),
                other => Err(format!("op {}: {other} is no map of balances", one.index)),
            },
            (Some("transfer"), _) => {
                let entry = |name| one.argument.entry(name);
                let (Some(from), Some(to), Some(Value::Int(amount))) =
                    (entry("from"), entry("to"), entry("amount"))
                else {
                    return Err(format!("op {}: {} is no transfer", one.index, one.argument));
                };
                let between = self.place(from).zip(self.place(to));
                Ok(Some(Step::Transfer(between, *amount)))
            }
            _ => Err(no_function(one)),
        }
    }

    fn advance(&self, state: &mut Vec<i64>, step: &Step) -> bool {
        match step {
            Step::Read(balances) => balances.as_ref() == Some(state),
            Step::Transfer(Some((from, to)), amount) if *amount >= 0 && state[*from] >= *amount => {
                state[*from] -= amount;
                state[*to] += amount;
                true
            }
            Step::Transfer(..) => false,
        }
    }

    fn asks(&self, _: &Step) -> Asks {
        Asks::Everything
    }

    fn offers(&self, step: &Step) -> Offers {
        match *step {
            Step::Read(_) | Step::Transfer(None, _) => Offers::Nothing,
            Step::Transfer(Some((from, to)), amount) if from == to || amount <= 0 => {
                Offers::Nothing
            }
            Step::Transfer(..) => Offers::Everything,
        }
    }
}
