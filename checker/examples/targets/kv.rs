//! Porcupine's key-value histories: by key, and as one object.

use std::path::Path;
use std::time::Duration;

use checker::history::{Independent, read_path};
use checker::{Budget, CheckOptions, check, infer_spec};

use super::table::{Met, Row, Section};
use super::time::Cost;
use super::{Bench, judge, time};

const TITLE: &str = "`porcupine/kv`";
const ENOUGH: Duration = Duration::from_secs(1);

/// File, verdict, whether it is split by key, and the most milliseconds.
const FILES: &[(&str, &str, Independent, f64)] = &[
    ("c50-ok", "valid", Independent::Auto, 25.0),
    ("c50-bad", "invalid", Independent::Auto, 25.0),
    ("c10-ok", "valid", Independent::No, 100.0),
    ("c10-bad", "invalid", Independent::No, 100.0),
];

/// Measures the four.
pub(crate) fn measure(bench: &Bench) -> Result<Section, String> {
    let Some(folder) = &bench.corpus else {
        return Ok(Section::skipped(TITLE, "right, within 25 ms by key, 100 ms as one object"));
    };
    let mut rows = Vec::new();
    for (file, right, independent, ms_max) in FILES {
        let path = folder.join(format!("porcupine/kv/{file}.txt"));
        let (word, expansions, cost) = measured(&path, *independent)?;
        let split = if *independent == Independent::No { ", not split by key" } else { "" };
        rows.push(Row {
            work: format!("{TITLE} {file}{split}"),
            target: format!("{right}, at most {ms_max} ms of checking"),
            measured: format!("{word}, {expansions} expansions, {:.1} ms", cost.at_most_ms()),
            met: Met::of(word == *right && cost.at_most_ms() <= *ms_max),
        });
    }
    let about = "The smaller of elapsed and processor time of two cores, median of up to nine runs, \
                 without reading and explaining.";
    Ok(Section { title: TITLE, about: about.to_owned(), rows, points: Vec::new() })
}

fn measured(path: &Path, independent: Independent) -> Result<(&'static str, u64, Cost), String> {
    let history = read_path(path, None).map_err(|error| error.to_string())?;
    let spec = infer_spec(&history);
    let options = judge::alone(CheckOptions { spec, independent, ..CheckOptions::default() });
    let (verdict, cost) = time::median(ENOUGH, || check(&history, &options, &Budget::unlimited()));
    Ok((verdict.validity.word(), verdict.stats.expansions, cost))
}
