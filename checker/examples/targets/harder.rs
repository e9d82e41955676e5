//! Harder histories of the same kind: more processes, more crashed operations, longer.

use super::Bench;
use super::judge::{Judged, judge};
use super::table::{Met, Row, Section};

const MS_MAX: f64 = 1000.0;
/// Later is late, however much later.
const GIVE_UP_MS: f64 = 3.0 * MS_MAX;
const MB_MAX: f64 = 1074.0;

const TITLE: &str = "harder generated histories";
const TARGET: &str = "each decided, rightly, within 1 s and 1 GiB";

/// The histories of one size: valid, stale and phantom.
struct Size {
    processes: u64,
    operations: usize,
    crashed: usize,
    values: &'static str,
}

fn sizes() -> Vec<Size> {
    let mut sizes = Vec::new();
    for processes in [50, 100] {
        for operations in [1_000, 10_000] {
            for crashed in [20, 50, 100] {
                for values in ["5", "10", "unique"] {
                    sizes.push(Size { processes, operations, crashed, values });
                }
            }
        }
    }
    sizes
}

impl Size {
    fn shape(&self, lie: &str) -> Vec<String> {
        let Size { processes, operations, crashed, values } = self;
        let flags = format!(
            "--workload cas-register --processes {processes} --operations {operations} \
             --crashed {crashed} --values {values} --lie {lie}"
        );
        flags.split(' ').map(str::to_owned).collect()
    }

    fn name(&self) -> String {
        let Size { processes, operations, crashed, values } = self;
        format!("{processes} | {operations} | {crashed} | {values}")
    }
}

/// Measures all of them.
pub(crate) fn measure(bench: &Bench) -> Result<Section, String> {
    let header = "processes | operations | crashed | values | valid | stale | phantom | most MB";
    let mut points = vec![vec![header.to_owned()]];
    let (mut all, mut undecided, mut wrong, mut late, mut large) = (0, 0, 0, 0, 0);
    let mut slowest = 0.0_f64;
    for size in sizes() {
        let (mut cells, mut most) = (vec![size.name()], 0.0_f64);
        for lie in ["none", "stale", "phantom"] {
            let judged = judge(&bench.this, &size.shape(lie), GIVE_UP_MS)?;
            let right = if lie == "none" { "valid" } else { "invalid" };
            let (ms, is_unknown) = (judged.cost.at_most_ms(), judged.verdict == "unknown");
            all += 1;
            undecided += usize::from(is_unknown);
            wrong += usize::from(!is_unknown && judged.verdict != right);
            late += usize::from(!is_unknown && ms > MS_MAX);
            large += usize::from(judged.peak_mb > MB_MAX);
            slowest = slowest.max(ms);
            most = most.max(judged.peak_mb);
            cells.push(cell(&judged, right));
        }
        cells.push(format!("{most:.0}"));
        eprintln!("{}", cells.join(" | "));
        points.push(cells);
    }
    let measured = format!(
        "of {all}: {undecided} undecided, {wrong} wrong, {late} late, {large} too large; the \
         slowest {slowest:.0} ms"
    );
    let met = Met::of(undecided + wrong + late + large == 0);
    Ok(Section {
        title: TITLE,
        about: "Compare-and-set registers, seed 1. Milliseconds of checking (expansions), given up after three seconds of processor time. The \
                verdict is known from how they are made (`checker/examples/simulate`): without a \
                lie the order of the simulated effects is a linearization; a phantom read returns \
                what nobody wrote; and a stale read returns a value that an acknowledged operation \
                overwrote after everything that could set it had returned, where no operation that \
                crashes ever sets it."
            .to_owned(),
        rows: vec![Row { work: TITLE.to_owned(), target: TARGET.to_owned(), measured, met }],
        points,
    })
}

fn cell(judged: &Judged, right: &str) -> String {
    let ms = judged.cost.at_most_ms();
    let text = format!("{ms:.1} ({})", judged.expansions);
    match judged.verdict.as_str() {
        verdict if verdict != right => format!("**{verdict}** {text}"),
        _ if ms > MS_MAX => format!("**{text}**"),
        _ => text,
    }
}
