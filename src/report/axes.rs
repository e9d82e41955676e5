//! The four axes of a run: safety, availability, harness and power.
//!
//! They answer four questions that other tools fold into one colour. Was anything wrong? What was
//! served, and when was nothing? Did the tester itself work, every fault proved and healed? And was
//! the test strong enough to have found something? A run may be safe because nothing was ever
//! acknowledged, or available because no fault took hold; one word could not say so.

use checker::Validity;
use checker::history::{History, Operation, Outcome};
use rayon::prelude::*;

use super::availability::Gaps;
use super::fault::{self, Fault, Proof};
use super::scene::{Clock, Kinds, Scene, anomalies};

/// How good or bad the word of an axis is; it picks a colour and never stands for the word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// As it should be.
    Good,
    /// Something to know about.
    Warn,
    /// Not as it should be.
    Bad,
}

/// One axis: a word and a sentence.
#[derive(Clone, Debug)]
pub struct Axis {
    /// Its name: `safety`.
    pub name: &'static str,
    /// How good the word is.
    pub level: Level,
    /// One plain word.
    pub word: &'static str,
    /// One sentence with the figures behind the word.
    pub sentence: String,
}

/// Operations of one kind by outcome.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// What was done: `read`; empty for the sum over all.
    pub f: String,
    /// Acknowledged.
    pub ok: u64,
    /// Certainly not done.
    pub fail: u64,
    /// Unknown.
    pub info: u64,
}

impl Count {
    /// All of them.
    pub fn all(&self) -> u64 {
        self.ok + self.fail + self.info
    }

    pub(crate) fn add(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Ok => self.ok += 1,
            Outcome::Fail => self.fail += 1,
            Outcome::Info => self.info += 1,
        }
    }

    fn join(&mut self, other: &Count) {
        self.ok += other.ok;
        self.fail += other.fail;
        self.info += other.info;
    }
}

/// A fault with what the clients did while it was certainly in force.
#[derive(Clone, Debug)]
pub struct FaultReport {
    /// The fault.
    pub fault: Fault,
    /// Client operations that overlapped its inner interval, by outcome.
    pub during: Count,
    /// The longest time in it during which operations were asked for and none was acknowledged.
    pub longest_gap: i64,
}

/// The four axes of a run and the figures they rest on.
#[derive(Clone, Debug)]
pub struct Axes {
    /// Was anything wrong?
    pub safety: Axis,
    /// What was served, and when was nothing?
    pub availability: Axis,
    /// Did the tester itself work?
    pub harness: Axis,
    /// Could the test have found something?
    pub power: Axis,
    /// Every fault, in the order of injection.
    pub faults: Vec<FaultReport>,
    /// Operations by outcome: one row a kind, in the order of first use, then the sum.
    pub counts: Vec<Count>,
}

impl Axes {
    /// The axes in the order in which they are read.
    pub fn all(&self) -> [&Axis; 4] {
        [&self.safety, &self.availability, &self.harness, &self.power]
    }

    pub(crate) fn of(scene: &Scene) -> Axes {
        let (gaps, counts) = rayon::join(|| Gaps::of(scene), || counts(scene));
        let faults = faults(scene, &gaps);
        Axes {
            safety: safety(scene),
            availability: availability(scene, &gaps, &counts),
            harness: harness(scene, &faults),
            power: power(scene, &faults, &counts),
            faults,
            counts,
        }
    }

    /// The sum over all kinds of operations.
    pub fn total(&self) -> Count {
        self.counts.last().cloned().unwrap_or_default()
    }
}

fn counts(scene: &Scene) -> Vec<Count> {
    const EACH: usize = 1 << 16;
    let operations = scene.history.operations();
    let tallies: Vec<Tally<'_>> = (0..operations.len())
        .into_par_iter()
        .fold_chunks(EACH, Tally::default, |tally, at| {
            tally.with(scene.history, &operations.at(at))
        })
        .collect();
    let mut rows: Vec<Count> = Vec::new();
    let mut total = Count::default();
    for count in tallies.into_iter().flat_map(|tally| tally.rows) {
        total.join(&count);
        match rows.iter_mut().find(|row| row.f == count.f) {
            Some(row) => row.join(&count),
            None => rows.push(count),
        }
    }
    rows.push(total);
    rows
}

/// Counts of some operations, one row a kind in the order of first use.
#[derive(Default)]
struct Tally<'h> {
    kinds: Kinds<'h>,
    rows: Vec<Count>,
}

impl<'h> Tally<'h> {
    fn with(mut self, history: &'h History, operation: &Operation) -> Tally<'h> {
        let kind = self.kinds.number(history.function(operation)) as usize;
        if kind == self.rows.len() {
            self.rows.push(Count { f: self.kinds.names[kind].clone(), ..Count::default() });
        }
        self.rows[kind].add(operation.outcome);
        self
    }
}

fn faults(scene: &Scene, gaps: &Gaps) -> Vec<FaultReport> {
    if scene.faults.is_empty() {
        return Vec::new();
    }
    let moments = Moments::of(scene);
    scene.faults.iter().map(|fault| report(fault, &moments, gaps)).collect()
}

fn report(fault: &Fault, moments: &Moments, gaps: &Gaps) -> FaultReport {
    let (from, to) = (fault.inner_start, fault.inner_end);
    let during = moments.overlapping(from, to);
    FaultReport { fault: fault.clone(), during, longest_gap: gaps.longest_within(from, to).1 }
}

/// When operations of each outcome began and ended, sorted: a night has hundreds of faults and
/// millions of operations.
struct Moments([(Vec<i64>, Vec<i64>); 3]);

impl Moments {
    fn of(scene: &Scene) -> Moments {
        let sorted = |outcome: Outcome| {
            let those = || scene.spans().filter(move |span| span.outcome == outcome);
            let mut begins: Vec<i64> = those().map(|span| span.start).collect();
            let mut ends: Vec<i64> =
                those().map(|span| span.end.unwrap_or(scene.horizon)).collect();
            begins.sort_unstable();
            ends.sort_unstable();
            (begins, ends)
        };
        Moments([Outcome::Ok, Outcome::Fail, Outcome::Info].map(sorted))
    }

    /// Those that had begun by `to` without those that had ended before `from`. O(log n).
    fn overlapping(&self, from: i64, to: i64) -> Count {
        let [ok, fail, info] = self.0.each_ref().map(|(begins, ends)| {
            let begun = begins.partition_point(|begin| *begin <= to);
            let ended = ends.partition_point(|end| *end < from);
            if from <= to { (begun - ended) as u64 } else { 0 }
        });
        Count { f: String::new(), ok, fail, info }
    }
}

fn safety(scene: &Scene) -> Axis {
    let verdict = scene.verdict;
    let level = match verdict.validity {
        Validity::Valid => Level::Good,
        Validity::Unknown => Level::Warn,
        Validity::Invalid => Level::Bad,
    };
    let sentence = match anomalies(scene.verdict).first() {
        Some(anomaly) if verdict.summary.is_empty() => anomaly.sentence.clone(),
        _ => verdict.summary.clone(),
    };
    Axis { name: "safety", level, word: verdict.validity.word(), sentence }
}

impl Axis {
    /// What is said of it below a heading that says what was found.
    pub(crate) fn brief(&self) -> &str {
        if self.name == "safety" { "see above" } else { &self.sentence }
    }
}

/// Below this share of acknowledged operations, or with a longer gap, service was degraded.
const LEAST_OK_PERCENT: u64 = 90;
const LONGEST_GAP_NS: i64 = 5_000_000_000;

fn availability(scene: &Scene, gaps: &Gaps, counts: &[Count]) -> Axis {
    let total = counts.last().cloned().unwrap_or_default();
    if total.ok == 0 {
        let sentence = match total.all() {
            0 => "no client operation was recorded".to_owned(),
            all => format!("none of {all} client operations was acknowledged"),
        };
        return Axis { name: "availability", level: Level::Bad, word: "nothing", sentence };
    }
    let (from, gap) = gaps.longest_within(i64::MIN, i64::MAX);
    let gap_is_long = scene.clock == Clock::Nanoseconds && gap > LONGEST_GAP_NS;
    let degraded = total.ok * 100 < total.all() * LEAST_OK_PERCENT || gap_is_long;
    let during = scene.faults.iter().find(|fault| fault.start <= from + gap && fault.end >= from);
    let blame = during.map(|fault| format!(", during {}", article(&fault.family)));
    let sentence = format!(
        "{} of {} operations acknowledged; longest time without an acknowledgement {} (from {}{})",
        percent(total.ok, total.all()),
        total.all(),
        scene.clock.span(gap),
        scene.clock.moment(from),
        blame.unwrap_or_default(),
    );
    let (level, word) = if degraded { (Level::Warn, "degraded") } else { (Level::Good, "ok") };
    Axis { name: "availability", level, word, sentence }
}

fn harness(scene: &Scene, faults: &[FaultReport]) -> Axis {
    let mut problems: Vec<String> =
        scene.run.map(|run| run.harness_errors.clone()).unwrap_or_default();
    let proved = count(faults, |fault| fault.proof == Proof::Held);
    let healed = count(faults, |fault| fault.healed_at.is_some());
    let refuted = count(faults, |fault| fault.proof == Proof::Refuted);
    let unproved_heals = count(faults, |fault| fault.heal_proof == Proof::Refuted);
    for (number, what) in [
        (refuted, "did not take hold"),
        (faults.len() - healed, "not healed"),
        (unproved_heals, "healed without proof"),
    ] {
        if number > 0 {
            problems.push(format!("{number} of {} faults {what}", faults.len()));
        }
    }
    if !problems.is_empty() {
        let sentence = problems.join("; ");
        // A foreign history may end in the middle of a fault without anybody's mistake.
        let foreign = scene.run.is_none() && refuted == 0 && unproved_heals == 0;
        let (level, word) = if foreign { (Level::Warn, "unknown") } else { (Level::Bad, "failed") };
        return Axis { name: "harness", level, word, sentence };
    }
    let (level, word, sentence) = match (faults.len(), proved) {
        (0, _) if scene.run.is_none() => {
            (Level::Good, "ok", "the history records no fault".to_owned())
        }
        (0, _) => (Level::Good, "ok", "no fault was injected; nothing went wrong".to_owned()),
        (all, proved) if all == proved => (
            Level::Good,
            "ok",
            format!("all {all} faults proved in force, healed, and proved healed"),
        ),
        (all, proved) => {
            (Level::Warn, "unproved", format!("the history proves {proved} of its {all} faults"))
        }
    };
    // What the system did by itself is no failure of the tester, and no fault that it proved.
    let mut asides = fault::surprises(scene.history.ops());
    let by_itself = !asides.is_empty();
    match fault::skipped(scene.history.ops()) {
        0 => {}
        left_out => asides.push(format!(
            "{left_out} of {} planned faults left out where too little would have stayed up, or nobody led",
            faults.len() + left_out
        )),
    }
    let sentence = [vec![sentence], asides].concat().join("; ");
    let level = if by_itself { Level::Warn } else { level };
    Axis { name: "harness", level, word, sentence }
}

fn count(faults: &[FaultReport], holds: impl Fn(&Fault) -> bool) -> usize {
    faults.iter().filter(|report| holds(&report.fault)).count()
}

fn power(scene: &Scene, faults: &[FaultReport], counts: &[Count]) -> Axis {
    let stats = &scene.verdict.stats;
    let total = counts.last().cloned().unwrap_or_default();
    let (writes, reads) = (stats.acknowledged_writes, stats.reads_of_written_values);
    if writes == 0 || reads == 0 {
        let what = if writes == 0 {
            "no write was acknowledged".to_owned()
        } else {
            format!("{writes} writes were acknowledged, but no read returned a written value")
        };
        let sentence = format!("{what}: any verdict on this history means little");
        return Axis { name: "power", level: Level::Bad, word: "vacuous", sentence };
    }
    let mut sentence = format!(
        "{writes} acknowledged writes, {reads} reads of written values{}",
        load(scene, total.all())
    );
    let met = faults.iter().filter(|report| report.during.all() > 0).count();
    let leaders: Vec<bool> = faults.iter().filter_map(|report| report.fault.hit_leader()).collect();
    if !faults.is_empty() {
        let least = faults.iter().map(|report| report.during.all()).min().unwrap_or_default();
        sentence.push_str("; ");
        sentence += &met_operations(met, faults.len(), least);
        sentence += match leaders.iter().filter(|hit| **hit).count() {
            0 if leaders.is_empty() => "",
            0 => "; the leader was never hit",
            _ => "; the leader was hit",
        };
    }
    let weak = met < faults.len() || (!leaders.is_empty() && !leaders.contains(&true));
    let (level, word) = if weak { (Level::Warn, "weak") } else { (Level::Good, "ok") };
    Axis { name: "power", level, word, sentence }
}

fn met_operations(met: usize, all: usize, least: u64) -> String {
    format!("{met} of {all} faults met operations (at least {least} each)")
}

/// The load, where there is a clock to measure it by.
fn load(scene: &Scene, operations: u64) -> String {
    let (first, last) = scene.load();
    let span = u64::try_from(last - first).unwrap_or(0);
    if scene.clock == Clock::Events || span == 0 {
        return String::new();
    }
    let per_second = u128::from(operations) * 1_000_000_000 / u128::from(span);
    format!(", {per_second} operations a second")
}

/// A share with one decimal that never rounds up to 100 %.
pub(crate) fn percent(part: u64, whole: u64) -> String {
    let permille = u128::from(part) * 1000 / u128::from(whole.max(1));
    if permille == 1000 {
        "all".to_owned()
    } else {
        format!("{}.{} %", permille / 10, permille % 10)
    }
}

fn article(family: &str) -> String {
    let an = family.starts_with(['a', 'e', 'i', 'o', 'u']);
    format!("{} {family}", if an { "an" } else { "a" })
}
