//! Operations in words: who did what to which key, and when.

use super::object::Recorded;
use crate::history::OpRef;
use crate::history::Outcome;
use crate::op::Process;
use crate::value::Value;

/// The key as part of a sentence: ` from key 12`, or nothing where keys are not told apart.
pub(crate) fn at_key(preposition: &str, key: Option<&Value>) -> String {
    key.map_or_else(String::new, |key| format!(" {preposition} key {key}"))
}

/// `process 7`, or `process 7 on n3` where the operation says to which node it went.
pub(crate) fn process(op: OpRef<'_>) -> String {
    let node = op.extra.iter().find(|(key, _)| key.name() == Some("node"));
    let node = node.map(|(_, node)| node.name().map_or_else(|| node.to_string(), str::to_owned));
    let node = node.map(|node| format!(" on {node}")).unwrap_or_default();
    match op.process {
        Process::Client(number) => format!("process {number}{node}"),
        Process::Other(name) => format!("process {name}{node}"),
    }
}

/// `at 12.031-12.044 s`, or the operation's index where times are unknown.
pub(crate) fn when(recorded: &Recorded<'_>) -> String {
    let begin = recorded.invoke().time_ns;
    match recorded.completion().map(|op| op.time_ns) {
        _ if begin < 0 => format!("(operation {})", recorded.index()),
        Some(end) if end >= 0 => format!("at {}-{} s", seconds(begin), seconds(end)),
        _ => format!("from {} s on", seconds(begin)),
    }
}

/// `process 2, acknowledged at 12.020 s`, or what else is known of it.
pub(crate) fn by_whom(recorded: &Recorded<'_>) -> String {
    let who = process(recorded.invoke());
    let word = match recorded.outcome() {
        Outcome::Ok => "acknowledged",
        Outcome::Fail => "reported as failed",
        Outcome::Info => return format!("{who}, {} and never acknowledged", begun(recorded)),
    };
    match recorded.completion() {
        Some(op) if op.time_ns >= 0 => format!("{who}, {word} at {} s", seconds(op.time_ns)),
        Some(op) => format!("{who}, {word} by operation {}", op.index),
        None => who,
    }
}

fn begun(recorded: &Recorded<'_>) -> String {
    match recorded.invoke().time_ns {
        time if time >= 0 => format!("invoked at {} s", seconds(time)),
        _ => format!("invoked by operation {}", recorded.index()),
    }
}

/// What happened under the name of its kind, which is what people search for.
pub(crate) fn titled(kind: &str, sentence: &str) -> String {
    match kind {
        "nonlinearizable" => format!("not linearizable: {sentence}"),
        _ => format!("{}: {sentence}", kind.replace('-', " ")),
    }
}

/// Nanoseconds as seconds, to the millisecond.
pub(crate) fn seconds(time_ns: i64) -> String {
    let ms = (time_ns + 500_000) / 1_000_000;
    format!("{}.{:03}", ms / 1000, ms % 1000)
}

/// Things in a sentence: `3`, `3 or 4`, `3, 4 or 5`, `3, 4, 5 or 17 others`.
pub(crate) fn alternatives(things: &[String]) -> String {
    const NAMED_MAX: usize = 5;
    let mut named: Vec<String> = things.iter().take(NAMED_MAX).cloned().collect();
    if things.len() > NAMED_MAX {
        named.push(format!("{} others", things.len() - NAMED_MAX));
    }
    joined(&named, "or")
}

/// Things in a list, the last behind this word.
fn joined(things: &[String], word: &str) -> String {
    match things.split_last() {
        None => String::new(),
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} {word} {last}", rest.join(", ")),
    }
}

/// `enqueue 1 (process 0, acknowledged at 0.001 s) and dequeue -> 2 (process 1, …)`
pub(crate) fn operations<'r, 'h: 'r>(these: impl Iterator<Item = &'r Recorded<'h>>) -> String {
    let told = |one: &Recorded<'_>| {
        let f = one.f().name().map_or_else(|| one.f().to_string(), str::to_owned);
        let asked =
            if one.argument.is_nil() { String::new() } else { format!(" {}", one.argument) };
        let tells = one.outcome() == Outcome::Ok && !one.result.is_nil();
        let got = match tells && one.result != one.argument {
            true => format!(" -> {}", one.result),
            false => String::new(),
        };
        format!("{f}{asked}{got} ({})", by_whom(one))
    };
    joined(&these.map(told).collect::<Vec<_>>(), "and")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_seconds_to_the_millisecond() {
        assert_eq!(seconds(12_031_499_999), "12.031");
        assert_eq!(seconds(12_031_999_999), "12.032");
        assert_eq!(seconds(0), "0.000");
    }

    #[test]
    fn many_alternatives_are_counted_rather_than_listed() {
        let things: Vec<String> = (1..=7).map(|n| n.to_string()).collect();
        assert_eq!(alternatives(&things[..1]), "1");
        assert_eq!(alternatives(&things[..3]), "1, 2 or 3");
        assert_eq!(alternatives(&things), "1, 2, 3, 4, 5 or 2 others");
    }
}
