//! Whether the runs are as strong as those of the release before. A night that lost half its
//! operations under faults passes as easily as a good one, and means half as much. Of faults that end
//! by themselves those are compared that met operations: a release that restarts in half the time is
//! not tested half as much.

use std::collections::BTreeMap;

use super::evidence::Evidence;
use super::policy::Power;
use super::power::Figures;
use super::rules::finding;
use super::{Effect, Finding};

/// Holds the figures against those of `baseline`.
pub(super) fn rules(figures: &Figures, baseline: &Evidence, power: &Power) -> Vec<Finding> {
    let before = Figures::of(baseline);
    if before.operations == 0 {
        let sentence = "the baseline has no run to compare with".to_owned();
        return vec![finding("baseline", Effect::TooLittle, sentence, Vec::new())];
    }
    let is = compared(figures);
    let row = |(what, was): (&String, &u64)| weaker(what, is.get(what).copied(), *was, power);
    compared(&before).iter().filter_map(row).collect()
}

/// What is compared, in words.
fn compared(figures: &Figures) -> BTreeMap<String, u64> {
    let writes = ("acknowledged writes".to_owned(), figures.acknowledged_writes);
    let met = &figures.brief_faults_met;
    let lasting = figures.under_faults.iter().filter(|(what, _)| !met.contains_key(*what));
    let operations = lasting.map(|(what, count)| (format!("operations of {what}"), *count));
    let brief = met.iter().map(|(what, count)| (format!("faults met by {what}"), *count));
    std::iter::once(writes).chain(operations).chain(brief).collect()
}

fn weaker(what: &str, is: Option<u64>, was: u64, power: &Power) -> Option<Finding> {
    let (is, least) = (is.unwrap_or(0), power.of_baseline_percent);
    let weaker = u128::from(is) * 100 < u128::from(was) * u128::from(least);
    let share = (is * 100).checked_div(was).unwrap_or(0);
    let sentence = format!("{is} {what}, {share} % of the baseline's {was}, less than {least} %");
    weaker.then(|| finding("baseline", Effect::TooLittle, sentence, Vec::new()))
}
