//! Whether the runs are as strong as those of the release before. A night that lost half its
//! operations under faults passes as easily as a good one, and means half as much.

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
    let writes = ("acknowledged writes", figures.acknowledged_writes, before.acknowledged_writes);
    let under = before.under_faults.iter().map(|(what, was)| {
        (what.as_str(), figures.under_faults.get(what).copied().unwrap_or(0), *was)
    });
    std::iter::once(writes).chain(under).filter_map(|row| weaker(row, power)).collect()
}

fn weaker((what, is, was): (&str, u64, u64), power: &Power) -> Option<Finding> {
    let least = power.of_baseline_percent;
    let weaker = u128::from(is) * 100 < u128::from(was) * u128::from(least);
    let share = (is * 100).checked_div(was).unwrap_or(0);
    let sentence = match what {
        "acknowledged writes" => {
            format!("{is} {what}, {share} % of the baseline's {was}, less than {least} %")
        }
        _ => format!(
            "{is} operations of {what}, {share} % of the baseline's {was}, less than {least} %"
        ),
    };
    weaker.then(|| finding("baseline", Effect::TooLittle, sentence, Vec::new()))
}
