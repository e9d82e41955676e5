//! The decision as JUnit XML: a test case a cell, and one a rule that is about all of them.
//!
//! A violation is a failure; a missing, failed, vacuous or undecided cell is an error, so that no
//! reader that only counts failures takes it for a pass.

use std::fmt::Write as _;

use super::{Cell, Decision, Effect, Finding};
use crate::report::escape;

/// The document.
pub fn junit(decision: &Decision) -> String {
    let general: Vec<&Finding> =
        decision.reasons().filter(|finding| finding.cells.is_empty()).collect();
    let cases: Vec<String> = (decision.evidence.cells.iter())
        .map(|cell| case_of_cell(cell, decision))
        .chain(general.into_iter().map(case_of_rule))
        .collect();
    let count = |what: &str| cases.iter().filter(|case| case.contains(what)).count();
    let (failures, errors) = (count("<failure "), count("<error "));
    let tests = cases.len();
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"ordeal\" tests=\"{tests}\" \
         failures=\"{failures}\" errors=\"{errors}\">\n<testsuite name=\"checker gate\" \
         tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\">\n{}</testsuite>\n\
         </testsuites>\n",
        cases.concat()
    )
}

fn case_of_cell(cell: &Cell, decision: &Decision) -> String {
    let about = |finding: &&Finding| finding.cells.contains(&cell.name);
    let reasons: Vec<&Finding> = decision.reasons().filter(about).collect();
    let seconds = cell.result().map_or(0, |record| record.load_ms / 1000);
    let rejudge = cell.result().map(|record| record.rejudge.as_str()).unwrap_or_default();
    case("cell", &cell.name, seconds, &reasons, rejudge)
}

fn case_of_rule(finding: &Finding) -> String {
    case("gate", finding.rule, 0, &[finding], "")
}

fn case(class: &str, name: &str, seconds: u64, reasons: &[&Finding], output: &str) -> String {
    let mut out =
        format!("<testcase classname=\"{class}\" name=\"{}\" time=\"{seconds}\">\n", escape(name));
    for finding in reasons {
        let element = if finding.effect == Effect::Violation { "failure" } else { "error" };
        let (rule, sentence) = (finding.rule, escape(&finding.sentence));
        let _ = writeln!(out, "<{element} type=\"{rule}\" message=\"{sentence}\"/>");
    }
    if !output.is_empty() {
        let _ = writeln!(out, "<system-out>{}</system-out>", escape(output));
    }
    out + "</testcase>\n"
}
