//! A long history that is easy to judge: reading, pairing and splitting are the work.

use std::fs::File;
use std::io::BufWriter;
use std::path::PathBuf;

use super::simulate::{self, Shape};
use super::table::{Met, Row, Section};
use super::{Bench, process};

const OPERATIONS: usize = 10_000_000;
const PER_SECOND_MIN: f64 = 2e6;
const BYTES_EACH_MAX: f64 = 100.0;
const CORES: f64 = 2.0;

/// Measures one run of the command.
pub(crate) fn measure(bench: &Bench) -> Result<Section, String> {
    let shape = Shape { operations: OPERATIONS, keys: 1000, ..Shape::default() };
    let file = written(bench, "easy.edn", &shape)?;
    let ended = process::once(bench, ["analyze".as_ref(), file.as_os_str()])?;
    let megabytes = std::fs::metadata(&file).map_or(0, |about| about.len()) / 1_000_000;
    std::fs::remove_file(&file).map_err(|error| error.to_string())?;
    let operations = OPERATIONS as f64;
    let per_second = operations / (ended.cost.elapsed_ms / 1e3);
    let undisturbed = operations / (ended.cost.cpu_ms / 1e3 / CORES);
    let bytes_each = ended.peak_mb * 1e6 / operations;
    let right = ended.code == 0;
    let row = |target: &str, measured, met| Row {
        work: "10 million easy operations over 1,000 keys, from EDN".to_owned(),
        target: target.to_owned(),
        measured,
        met: Met::of(met),
    };
    let speed = format!(
        "{:.2} million elapsed, {:.2} million if both cores had been ours",
        per_second / 1e6,
        undisturbed / 1e6
    );
    Ok(Section {
        title: "analysis of a long easy history",
        about: format!(
            "A register, 10 processes, 5 values, {megabytes} MB of EDN; one run of `checker analyze`: \
             {:.1} s elapsed, {:.1} s of processor time, {:.0} MB, exit code {}.",
            ended.cost.elapsed_ms / 1e3,
            ended.cost.cpu_ms / 1e3,
            ended.peak_mb,
            ended.code
        ),
        rows: vec![
            row(
                "valid, at least 2 million operations a second on two cores",
                speed,
                right && per_second.max(undisturbed) >= PER_SECOND_MIN,
            ),
            row(
                "at most 100 bytes of memory an operation",
                format!("{bytes_each:.0} bytes"),
                right && bytes_each <= BYTES_EACH_MAX,
            ),
        ],
        points: Vec::new(),
    })
}

/// A history as a file.
pub(crate) fn written(bench: &Bench, name: &str, shape: &Shape) -> Result<PathBuf, String> {
    let path = bench.folder.path().join(name);
    let about = |error: std::io::Error| format!("{}: {error}", path.display());
    let out = BufWriter::with_capacity(1 << 20, File::create(&path).map_err(about)?);
    simulate::write(shape, out).map_err(about)?;
    Ok(path)
}
