//! Latency: of every operation, and its quantiles.

use std::collections::BTreeSet;

use checker::history::Outcome;
use plotters::coord::ranged1d::ValueFormatter;
use plotters::prelude::*;

use super::{
    Area, Drawn, Entry, FONT, INK, SOFT, Shape, TimeAxis, bands, chart_on, colour, outcome_colour,
    outcome_word, paper, to_pixel,
};
use crate::report::scene::{Call, Clock, Scene};

/// A dot: when the operation was invoked, how long it took, and what it looks like.
struct Dot {
    time: i64,
    latency: f64,
    shape: Shape,
    colour: RGBColor,
}

/// Every completed operation by its invocation, logarithmic.
pub(crate) fn raw(title: &str, scene: &Scene) -> anyhow::Result<String> {
    let mut seen = BTreeSet::new();
    let mut dots = Vec::new();
    for call in scene.calls() {
        let Some(latency) = latency(scene, call) else { continue };
        let kind = call.kind as usize;
        seen.insert((kind, call.outcome as u8));
        let colour = outcome_colour(call.outcome);
        dots.push(Dot { time: call.start, latency, shape: Shape::of(kind), colour });
    }
    let outcomes = [Outcome::Ok, Outcome::Info, Outcome::Fail];
    let entries: Vec<Entry> = scene
        .kinds()
        .iter()
        .enumerate()
        .flat_map(|(n, kind)| outcomes.map(|outcome| (n, kind, outcome)))
        .filter(|(n, _, outcome)| seen.contains(&(*n, *outcome as u8)))
        .map(|(n, kind, outcome)| Entry {
            shape: Shape::of(n),
            colour: outcome_colour(outcome),
            text: format!("{kind} {}", outcome_word(outcome)),
        })
        .collect();
    let mut svg = String::new();
    {
        let area = paper(&mut svg, &format!("{title}: latency"), scene, &entries)?;
        let highest = dots.iter().map(|dot| dot.latency).fold(1.0, f64::max);
        let lowest = dots.iter().map(|dot| dot.latency).fold(highest, f64::min);
        let plot = frame(&area, scene, lowest..highest)?;
        plot.dots(&dots)?;
    }
    Ok(svg)
}

/// The 0.5, 0.95, 0.99 and 1 quantiles of acknowledged operations, in windows as long as the run asks for.
pub(crate) fn quantiles(title: &str, scene: &Scene) -> anyhow::Result<String> {
    let axis = TimeAxis::of(scene);
    let window = axis.window(30.0);
    let mut windows: Vec<Vec<f64>> = Vec::new();
    for call in scene.calls().iter().filter(|call| call.outcome == Outcome::Ok) {
        let Some(latency) = latency(scene, call) else { continue };
        let at = usize::try_from(to_pixel((axis.value(call.start) / window).floor())).unwrap_or(0);
        if windows.len() <= at {
            windows.resize(at + 1, Vec::new());
        }
        windows[at].push(latency);
    }
    windows.iter_mut().for_each(|window| window.sort_by(f64::total_cmp));
    let all: Vec<f64> = windows.iter().flatten().copied().collect();
    let entries: Vec<Entry> = QUANTILES
        .iter()
        .enumerate()
        .map(|(n, (name, _, hex))| Entry {
            shape: Shape::of(n),
            colour: colour(hex),
            text: (*name).to_owned(),
        })
        .collect();
    let unit = if axis.clock == Clock::Nanoseconds { " s" } else { " events" };
    let mut svg = String::new();
    {
        let title =
            format!("{title}: latency of acknowledged operations, windows of {window}{unit}");
        let area = paper(&mut svg, &title, scene, &entries)?;
        let highest = all.iter().copied().fold(1.0, f64::max);
        let lowest = all.iter().copied().fold(highest, f64::min);
        let plot = frame(&area, scene, lowest..highest)?;
        for (n, (_, permille, hex)) in QUANTILES.iter().enumerate() {
            let points: Vec<(f64, f64)> = windows
                .iter()
                .enumerate()
                .filter(|(_, window)| !window.is_empty())
                .map(|(at, sorted)| ((at_f64(at) + 0.5) * window, quantile(sorted, *permille)))
                .collect();
            plot.line(&points, Shape::of(n), colour(hex))?;
        }
    }
    Ok(svg)
}

const QUANTILES: [(&str, usize, &str); 4] = [
    ("median", 500, "#2b6cb0"),
    ("0.95", 950, "#7b3fb5"),
    ("0.99", 990, "#e08a00"),
    ("slowest", 1000, "#d12b2b"),
];

fn quantile(sorted: &[f64], permille: usize) -> f64 {
    let rank = (sorted.len() * permille).div_ceil(1000).clamp(1, sorted.len());
    sorted[rank - 1]
}

#[expect(clippy::cast_precision_loss, reason = "the number of a window")]
fn at_f64(at: usize) -> f64 {
    at as f64
}

/// Milliseconds, or events; `None` while it has not completed.
#[expect(clippy::cast_precision_loss, reason = "a pixel is far coarser")]
fn latency(scene: &Scene, call: &Call) -> Option<f64> {
    let length = call.end? - call.start;
    Some(match scene.clock {
        Clock::Nanoseconds => (length as f64 / 1e6).max(0.001),
        Clock::Events => (length as f64).max(1.0),
    })
}

/// A chart with its axes drawn: what dots and lines are put on, in pixels of the plotting area.
struct Plot<'a> {
    area: Area<'a>,
    axis: TimeAxis,
    /// Logarithms of the lowest and the highest latency on the vertical axis.
    logs: (f64, f64),
}

fn frame<'a>(
    area: &Area<'a>,
    scene: &Scene,
    range: std::ops::Range<f64>,
) -> anyhow::Result<Plot<'a>> {
    let axis = TimeAxis::of(scene);
    // Whole powers of ten, so that every tick is a round number.
    let (low, high) = (range.start.log10().floor(), (range.end * 1.05).log10().ceil());
    let high = if high <= low { low + 1.0 } else { high };
    let mut chart = chart_on(area).build_cartesian_2d(0.0..axis.end(), Decades(low, high))?;
    let caption =
        if axis.clock == Clock::Nanoseconds { "latency (ms)" } else { "latency (events)" };
    chart
        .configure_mesh()
        .x_labels(10)
        .y_labels(12)
        .light_line_style(TRANSPARENT)
        .bold_line_style(INK.mix(0.12))
        .axis_style(SOFT)
        .label_style((FONT, 14).into_font().color(&INK))
        .axis_desc_style((FONT, 15).into_font().color(&SOFT))
        .x_desc(axis.caption())
        .y_desc(caption)
        .x_label_formatter(&|x| axis.tick(*x))
        .draw()?;
    let area = chart.plotting_area().strip_coord_spec();
    bands(&area, scene, &axis)?;
    Ok(Plot { area, axis, logs: (low, high) })
}

/// The logarithmic axis: its values are powers, its ticks the whole ones.
struct Decades(f64, f64);

impl Ranged for Decades {
    type FormatOption = plotters::coord::ranged1d::NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, power: &f64, (from, to): (i32, i32)) -> i32 {
        from + to_pixel((power - self.0) / (self.1 - self.0) * f64::from(to - from))
    }

    fn key_points<Hint: plotters::coord::ranged1d::KeyPointHint>(&self, _hint: Hint) -> Vec<f64> {
        let decades = usize::try_from(to_pixel(self.1 - self.0)).unwrap_or(0);
        (0..=decades).map(|n| self.0 + at_f64(n)).collect()
    }

    fn range(&self) -> std::ops::Range<f64> {
        self.0..self.1
    }
}

impl ValueFormatter<f64> for Decades {
    fn format_ext(&self, power: &f64) -> String {
        let value = 10_f64.powf(*power);
        let digits = usize::try_from(to_pixel(-power.min(0.0))).unwrap_or(0);
        format!("{value:.digits$}")
    }
}

impl Plot<'_> {
    fn pixel(&self, share: f64, latency: f64) -> (i32, i32) {
        let (width, height) = self.area.dim_in_pixel();
        let up = (latency.log10() - self.logs.0) / (self.logs.1 - self.logs.0);
        (to_pixel(share * f64::from(width)), to_pixel((1.0 - up) * f64::from(height)))
    }

    /// A pixel that holds a dot already gets no second one of the same look: the file stays as
    /// small as the picture, however long the history.
    fn dots(&self, dots: &[Dot]) -> Drawn {
        let mut taken = BTreeSet::new();
        for dot in dots {
            let at = self.pixel(self.axis.share(dot.time), dot.latency);
            let RGBColor(r, g, b) = dot.colour;
            if taken.insert((at, dot.shape as u8, r, g, b)) {
                dot.shape.draw(&self.area, at, dot.colour.mix(0.75).filled())?;
            }
        }
        Ok(())
    }

    fn line(&self, points: &[(f64, f64)], shape: Shape, colour: RGBColor) -> Drawn {
        let end = self.axis.end();
        let pixels: Vec<(i32, i32)> =
            points.iter().map(|(x, y)| self.pixel((x / end).min(1.0), *y)).collect();
        self.area.draw(&PathElement::new(pixels.clone(), colour.stroke_width(2)))?;
        for at in pixels {
            shape.draw(&self.area, at, colour.filled())?;
        }
        Ok(())
    }
}
