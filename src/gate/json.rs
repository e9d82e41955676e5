//! The decision for programs; docs/gate.md documents the schema.

use serde::Serialize;

use super::{Decision, Figures, Finding, Policy};

/// The schema and its version.
const SCHEMA: &str = "ordeal-gate/1";

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    ship: bool,
    exit: u8,
    from: &'a [String],
    reasons: Vec<&'a Finding>,
    notes: Vec<&'a Finding>,
    cells: Vec<Row<'a>>,
    figures: &'a Figures,
    policy: &'a Policy,
}

#[derive(Serialize)]
struct Row<'a> {
    cell: &'a str,
    verdict: &'a str,
    attempts: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    sentence: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    folder: Option<&'a str>,
}

/// The document.
///
/// # Errors
/// When a figure is no number, which none is.
pub fn json(decision: &Decision) -> serde_json::Result<String> {
    let cells = decision.evidence.cells.iter().map(|cell| {
        let result = cell.result();
        Row {
            cell: &cell.name,
            verdict: result.map_or("missing", |record| record.verdict.word()),
            attempts: cell.attempts.len(),
            sentence: result.map(|record| record.sentence.as_str()),
            folder: result.map(|record| record.folder.as_str()),
        }
    });
    let document = Document {
        schema: SCHEMA,
        ship: decision.ships(),
        exit: decision.exit().code(),
        from: &decision.evidence.from,
        reasons: decision.reasons().collect(),
        notes: decision.notes().collect(),
        cells: cells.collect(),
        figures: &decision.figures,
        policy: &decision.policy,
    };
    Ok(serde_json::to_string_pretty(&document)? + "\n")
}
