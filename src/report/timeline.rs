//! `timeline.html`: every operation on a real-time axis, in one page that needs nothing else.
//!
//! The page is `assets/timeline.{html,css,js}` with the data inlined as JSON. Operations are rows of
//! plain arrays rather than objects, which keeps ten thousand of them at about a megabyte.
//!
//! A page holds at most [`MOST_ROWS`] operations: beyond that browsers take seconds to open it. Of
//! a longer history it holds the failing key's, or else those around the failing operation, or else
//! the first, and says so at its top.

use checker::history::Outcome;
use checker::verdict::Anomaly;

use super::fault::{Fault, Proof};
use super::markup::{escape, fill, json_for_script, shortened};
use super::scene::{Call, Clock, Scene, anomalies};

/// The most operations in one page.
pub(crate) const MOST_ROWS: usize = 200_000;
/// A final read of a set may answer with thousands of elements; the history has them all.
const MOST_LETTERS: usize = 2_000;
/// More than anybody steps through; the verdict has them all.
const MOST_ANOMALIES: usize = 100;

/// The whole page. `overlap` counts the operations that met each fault.
pub(crate) fn page(title: &str, scene: &Scene, overlap: &[u64]) -> String {
    page_of(title, scene, overlap, MOST_ROWS)
}

fn page_of(title: &str, scene: &Scene, overlap: &[u64], most: usize) -> String {
    let found = anomalies(scene.verdict);
    let window = Window::choose(scene, &found, most);
    let data =
        json_for_script(&Data { scene, window: &window, found: &found, overlap }.json(title));
    fill(
        include_str!("assets/timeline.html"),
        &[
            ("title", &escape(&format!("{title}: timeline"))),
            ("css", include_str!("assets/timeline.css")),
            (
                "js",
                concat!(
                    include_str!("assets/timeline.js"),
                    "\n",
                    include_str!("assets/timeline-panel.js")
                ),
            ),
            ("data", &data),
        ],
    )
}

/// Which calls are in the page: positions in `scene.calls`, ascending, and what was left out.
struct Window {
    rows: Vec<usize>,
    notice: Option<String>,
}

impl Window {
    fn choose(scene: &Scene, found: &[Anomaly], most: usize) -> Window {
        let all = scene.calls().len();
        if all <= most {
            return Window { rows: (0..all).collect(), notice: None };
        }
        let failing = found.iter().find_map(|anomaly| anomaly.op.and_then(|op| scene.row(op)));
        let key = failing.and_then(|row| scene.calls()[row].key);
        let mut rows: Vec<usize> = match key {
            Some(_) => (0..all).filter(|row| scene.calls()[*row].key == key).collect(),
            None => (0..all).collect(),
        };
        let centre = failing.map_or(0, |failing| rows.partition_point(|row| *row < failing));
        let begin = centre.saturating_sub(most / 2).min(rows.len().saturating_sub(most));
        rows = rows.split_off(begin);
        rows.truncate(most);
        let which = match (key, failing) {
            (Some(key), _) => format!("of key {}", scene.keys[key as usize]),
            (None, Some(_)) => "around the failing one".to_owned(),
            (None, None) => "at the beginning".to_owned(),
        };
        let edge = |row: Option<&usize>| {
            scene.clock.moment(row.map_or(0, |row| scene.calls()[*row].start))
        };
        let notice = format!(
            "This page holds {} of the history's {all} operations: those {which}, invoked from {} \
             to {}. The whole history is in history.edn.",
            rows.len(),
            edge(rows.first()),
            edge(rows.last()),
        );
        Window { rows, notice: Some(notice) }
    }

    /// Where an operation of the history is in the page, if it is.
    fn place(&self, scene: &Scene, index: u64) -> Option<usize> {
        scene.row(index).and_then(|row| self.rows.binary_search(&row).ok())
    }
}

struct Data<'a> {
    scene: &'a Scene<'a>,
    window: &'a Window,
    found: &'a [Anomaly],
    overlap: &'a [u64],
}

/// The strings of a column that few values repeat.
#[derive(Default)]
struct Names(Vec<String>);

impl Names {
    fn number(&mut self, name: String) -> usize {
        self.0.iter().position(|known| *known == name).unwrap_or_else(|| {
            self.0.push(name);
            self.0.len() - 1
        })
    }
}

impl Data<'_> {
    fn json(&self, title: &str) -> String {
        let (mut fs, mut nodes) = (Names::default(), Names::default());
        let mut rows = Vec::with_capacity(self.window.rows.len());
        for row in &self.window.rows {
            rows.push(self.row(&self.scene.calls()[*row], &mut fs, &mut nodes));
        }
        let scene = self.scene;
        let keys: Vec<String> = scene.keys.iter().map(|key| short(key.to_string())).collect();
        let mut failing: Vec<usize> = self
            .found
            .iter()
            .filter_map(|anomaly| {
                scene.keys.iter().position(|key| Some(key) == anomaly.key.as_ref())
            })
            .collect();
        failing.sort_unstable();
        failing.dedup();
        let faults: Vec<_> =
            scene.faults.iter().enumerate().map(|(n, f)| self.fault(n, f)).collect();
        let found: Vec<_> =
            self.found.iter().take(MOST_ANOMALIES).map(|anomaly| self.anomaly(anomaly)).collect();
        let frame = serde_json::json!({
            "title": title,
            "verdict": scene.verdict.validity.word(),
            "sentence": scene.verdict.summary,
            "clock": if scene.clock == Clock::Nanoseconds { "ns" } else { "event" },
            "horizon": scene.horizon,
            "window": self.window.notice,
            "lanes": scene.lanes(),
            "keys": keys,
            "failing": failing,
            "fs": fs.0,
            "nodes": nodes.0,
            "faults": faults,
            "anomalies": found,
        });
        // The rows are text already: the frame is opened and they are put in as its last entry.
        let frame = frame.to_string();
        let open = frame.strip_suffix('}').expect("an object ends with a brace");
        format!("{open},\"ops\":[{}]}}", rows.join(",\n"))
    }

    /// One operation as an array; `timeline.js` destructures it in the same order.
    fn row(&self, call: &Call, fs: &mut Names, nodes: &mut Names) -> String {
        let scene = self.scene;
        let outcome = match call.outcome {
            Outcome::Ok => 0,
            Outcome::Info => 1,
            Outcome::Fail => 2,
        };
        let node = scene.node(call).map(|node| nodes.number(node));
        let row = serde_json::json!([
            scene.invocation(call).index,
            call.lane,
            call.process,
            call.start,
            call.end.unwrap_or(-1),
            outcome,
            fs.number(scene.f(call).to_owned()),
            or_none(call.key.map(|key| key as usize)),
            short(scene.argument(call)),
            short(scene.result(call)),
            short(scene.error(call)),
            or_none(node),
            scene.completion(call).map_or(-1, |op| i64::try_from(op.index).unwrap_or(-1)),
        ]);
        row.to_string()
    }

    fn fault(&self, number: usize, fault: &Fault) -> serde_json::Value {
        serde_json::json!({
            "name": fault.family,
            "what": short(fault.what.clone()),
            "nodes": fault.nodes.join(" "),
            "start": fault.start,
            "end": fault.end,
            "inner": [fault.inner_start, fault.inner_end],
            "held": match fault.proof { Proof::Held => Some(true), Proof::Refuted => Some(false), Proof::None => None },
            "open": fault.healed_at.is_none(),
            "proof": fault.proof_words(),
            "colour": fault.colour(),
            "overlap": self.overlap.get(number).copied().unwrap_or(0),
        })
    }

    fn anomaly(&self, anomaly: &Anomaly) -> serde_json::Value {
        let place = |index: u64| self.window.place(self.scene, index);
        let failing = anomaly.op.and_then(place);
        // The failing operation is open in every state; to say so there explains nothing.
        let places = |all: &[u64]| {
            let rows = all.iter().filter_map(|at| place(*at));
            rows.filter(|row| Some(*row) != failing).collect::<Vec<_>>()
        };
        let related: Vec<_> = anomaly
            .related
            .iter()
            .filter_map(|related| place(related.index).map(|row| (row, related.role.clone())))
            .filter(|(row, _)| Some(*row) != failing)
            .collect();
        let states: Vec<_> = anomaly
            .states
            .iter()
            .map(|state| {
                serde_json::json!({
                    "state": short(state.state.to_string()),
                    "linearized": places(&state.linearized),
                    "pending": places(&state.pending),
                    "why": state.why,
                })
            })
            .collect();
        let argument: Vec<_> = anomaly
            .argument
            .iter()
            .map(|step| (step.sentence.clone(), or_none(place(step.from))))
            .collect();
        let conclusion = super::text::argument(anomaly).pop();
        serde_json::json!({
            "kind": anomaly.kind,
            "sentence": anomaly.sentence,
            "op": or_none(failing),
            "related": related,
            "argument": argument,
            "conclusion": conclusion,
            "states": states,
        })
    }
}

/// A number for the page, where −1 says that there is none.
fn or_none(number: Option<usize>) -> i64 {
    number.and_then(|n| i64::try_from(n).ok()).unwrap_or(-1)
}

fn short(text: String) -> String {
    shortened(text, MOST_LETTERS)
}

#[cfg(test)]
mod tests {
    use checker::history::History;
    use checker::{Kind, Op, Process, Validity, Value, Verdict};

    use super::*;
    use crate::report::Input;

    /// A hundred reads of one process; the one whose completion has index 81 fails.
    fn history() -> History {
        let event = |index: u64| Op {
            index,
            time_ns: i64::try_from(index).expect("small"),
            process: Process::Client(0),
            kind: if index.is_multiple_of(2) { Kind::Invoke } else { Kind::Ok },
            f: Value::keyword("read"),
            value: Value::Nil,
            error: None,
            extra: Vec::new(),
        };
        History::from_ops((0..200).map(event).collect()).expect("well-formed")
    }

    #[test]
    fn a_page_of_a_history_that_is_too_long_holds_the_failing_operation_and_says_what_it_leaves_out()
     {
        let history = history();
        let anomaly = Anomaly {
            kind: "stale-read".into(),
            key: None,
            sentence: String::new(),
            op: Some(81),
            related: Vec::new(),
            argument: Vec::new(),
            states: Vec::new(),
            examination: checker::verdict::Examination::default(),
        };
        let verdict = Verdict {
            checker: String::new(),
            validity: Validity::Invalid,
            reason: None,
            summary: String::new(),
            anomalies: vec![anomaly],
            assumptions: Vec::new(),
            stats: checker::verdict::Stats::default(),
            proof: None,
            parts: Vec::new(),
        };
        let input = Input { title: String::new(), history: &history, verdict: &verdict, run: None };
        let scene = Scene::new(&input);
        let window = Window::choose(&scene, &verdict.anomalies, 10);
        assert_eq!(window.rows, (35..45).collect::<Vec<_>>());
        assert_eq!(window.place(&scene, 81), Some(5));
        assert_eq!(window.place(&scene, 2), None);
        let notice = window.notice.expect("something was left out");
        assert!(notice.contains("10 of the history's 100 operations"), "{notice}");
        let page = page_of("", &scene, &[], 10);
        assert!(page.contains("10 of the history"), "the page says it too");
    }
}
