//! How long something took.

use std::time::{Duration, Instant};

use nix::sys::resource::{Usage, UsageWho, getrusage};

/// What something cost, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Cost {
    /// Of all threads together.
    pub(crate) cpu_ms: f64,
    pub(crate) elapsed_ms: f64,
}

impl Cost {
    /// What it would have taken at most, had the machine had nothing else to do.
    pub(crate) fn at_most_ms(self) -> f64 {
        self.cpu_ms.min(self.elapsed_ms)
    }
}

/// Runs it once.
pub(crate) fn once<T>(work: impl FnOnce() -> T) -> (T, Cost) {
    let (cpu, started) = (cpu_ms(UsageWho::RUSAGE_SELF), Instant::now());
    let result = work();
    let elapsed_ms = started.elapsed().as_secs_f64() * 1e3;
    (result, Cost { cpu_ms: cpu_ms(UsageWho::RUSAGE_SELF) - cpu, elapsed_ms })
}

/// The last result and the medians of some runs: at least one, at most nine, and no more once
/// `enough` has passed.
pub(crate) fn median<T>(enough: Duration, mut work: impl FnMut() -> T) -> (T, Cost) {
    let (started, mut costs) = (Instant::now(), Vec::new());
    loop {
        let (result, cost) = once(&mut work);
        costs.push(cost);
        if costs.len() == 9 || started.elapsed() >= enough {
            return (result, middle(&costs));
        }
    }
}

/// The medians of each.
pub(crate) fn middle(costs: &[Cost]) -> Cost {
    let of = |what: fn(&Cost) -> f64| {
        let mut all: Vec<f64> = costs.iter().map(what).collect();
        all.sort_by(f64::total_cmp);
        all.get(all.len() / 2).copied().unwrap_or_default()
    };
    Cost { cpu_ms: of(|cost| cost.cpu_ms), elapsed_ms: of(|cost| cost.elapsed_ms) }
}

/// The processor time that was used so far.
pub(crate) fn cpu_ms(who: UsageWho) -> f64 {
    let time = |usage: &Usage| {
        let (user, system) = (usage.user_time(), usage.system_time());
        let ms = |seconds: i64, micros: i64| seconds as f64 * 1e3 + micros as f64 / 1e3;
        ms(user.tv_sec(), user.tv_usec()) + ms(system.tv_sec(), system.tv_usec())
    };
    getrusage(who).as_ref().map_or(0.0, time)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_is_of_each_by_itself() {
        let cost = |cpu_ms, elapsed_ms| Cost { cpu_ms, elapsed_ms };
        let all = [cost(1.0, 9.0), cost(5.0, 2.0), cost(3.0, 3.0)];
        assert_eq!(middle(&all), cost(3.0, 3.0));
        assert_eq!(cost(5.0, 2.0).at_most_ms(), 2.0);
    }
}
