//! How the cost of a check grows: with the length of a history, with what crashed in it, and with
//! how many clients were at work at once.
//!
//! The slope is that of the line which fits best (least squares) through the measured points in a
//! log-log plot: 1 means that twice as much costs twice as much.

use super::Bench;
use super::judge::judge;
use super::table::{Met, Row, Section};

/// Nothing here should take a fraction of it.
const GIVE_UP_MS: f64 = 60_000.0;

/// One kind of history at growing sizes.
struct Sweep {
    /// What grows, by the flag that sets it.
    flag: &'static str,
    sizes: &'static [u64],
    /// What does not.
    fixed: &'static str,
    /// Which of valid, stale and phantom.
    lies: &'static [&'static str],
    slope_max: f64,
}

const LENGTH: Sweep = Sweep {
    flag: "--operations",
    sizes: &[10_000, 100_000, 1_000_000, 10_000_000],
    fixed: "--workload cas-register --processes 10 --values 5",
    lies: &["none"],
    slope_max: 1.1,
};

const CRASHES: Sweep = Sweep {
    flag: "--crashed",
    sizes: &[0, 10, 20, 50, 100, 200, 500, 1000],
    fixed: "--workload cas-register --processes 10 --values 5 --operations 10000",
    lies: &["none", "stale"],
    slope_max: 1.3,
};

const CONCURRENCY: Sweep = Sweep {
    flag: "--processes",
    sizes: &[5, 10, 20, 50, 100],
    fixed: "--workload cas-register --values unique --operations 10000",
    lies: &["none", "stale"],
    slope_max: 1.2,
};

/// Cost against length.
pub(crate) fn length(bench: &Bench) -> Result<Section, String> {
    measure(bench, "cost against length", &LENGTH)
}

/// Cost against crashed operations.
pub(crate) fn crashes(bench: &Bench) -> Result<Section, String> {
    measure(bench, "cost against crashes", &CRASHES)
}

/// Cost against concurrency.
pub(crate) fn concurrency(bench: &Bench) -> Result<Section, String> {
    measure(bench, "cost against concurrency", &CONCURRENCY)
}

fn measure(bench: &Bench, title: &'static str, sweep: &Sweep) -> Result<Section, String> {
    let columns =
        [sweep.flag.trim_start_matches("--"), "kind", "verdict", "expansions", "ms", "MB"];
    let mut points = vec![columns.map(str::to_owned).to_vec()];
    let mut rows = Vec::new();
    for lie in sweep.lies {
        let right = if *lie == "none" { "valid" } else { "invalid" };
        let (mut curve, mut wrong) = (Vec::new(), 0);
        for size in sweep.sizes {
            let judged = judge(&bench.this, &sweep.shape(*size, lie), GIVE_UP_MS)?;
            wrong += usize::from(judged.verdict != right);
            if *size > 0 {
                curve.push((*size as f64, judged.cost.cpu_ms));
            }
            let kind = if *lie == "none" { "valid" } else { lie };
            let cells =
                [size.to_string(), kind.to_owned(), judged.verdict, judged.expansions.to_string()];
            let figures = [format!("{:.1}", judged.cost.cpu_ms), format!("{:.0}", judged.peak_mb)];
            let cells: Vec<String> = cells.into_iter().chain(figures).collect();
            eprintln!("{}", cells.join(" | "));
            points.push(cells);
        }
        let slope = slope(&curve);
        let decided =
            if wrong == 0 { String::new() } else { format!(", {wrong} not decided rightly") };
        rows.push(Row {
            work: format!("{title}, {}", if *lie == "none" { "valid" } else { "invalid" }),
            target: format!("all decided, slope at most {}", sweep.slope_max),
            measured: format!("slope {slope:.2}{decided}"),
            met: Met::of(wrong == 0 && slope <= sweep.slope_max),
        });
    }
    Ok(Section {
        title,
        about: format!(
            "`{}`, generated as above. Processor time of checking alone, median of up to nine runs \
             (of one where it takes long); memory of the whole process. The slope is that of the \
             line that fits best in a log-log plot, sizes of 0 left out.",
            sweep.fixed
        ),
        rows,
        points,
    })
}

impl Sweep {
    fn shape(&self, size: u64, lie: &str) -> Vec<String> {
        let flags = format!("{} {size} {} --lie {lie}", self.flag, self.fixed);
        flags.split(' ').map(str::to_owned).collect()
    }
}

/// The slope of the best line through the points in a log-log plot.
fn slope(points: &[(f64, f64)]) -> f64 {
    let logs: Vec<(f64, f64)> = points.iter().map(|(x, y)| (x.ln(), y.max(1e-6).ln())).collect();
    let count = logs.len() as f64;
    let mean = |of: fn(&(f64, f64)) -> f64| logs.iter().map(of).sum::<f64>() / count;
    let (mean_x, mean_y) = (mean(|(x, _)| *x), mean(|(_, y)| *y));
    let together: f64 = logs.iter().map(|(x, y)| (x - mean_x) * (y - mean_y)).sum();
    let alone: f64 = logs.iter().map(|(x, _)| (x - mean_x).powi(2)).sum();
    together / alone
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slope_is_the_power() {
        let powers = |power: f64| -> Vec<(f64, f64)> {
            [1.0_f64, 10.0, 100.0].iter().map(|x| (*x, 3.0 * x.powf(power))).collect()
        };
        assert!((slope(&powers(1.0)) - 1.0).abs() < 1e-9);
        assert!((slope(&powers(2.0)) - 2.0).abs() < 1e-9);
        assert!(slope(&powers(0.0)).abs() < 1e-9);
    }
}
