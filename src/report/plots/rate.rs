//! Rate: completions a second, by what was done and how it ended.

use std::collections::BTreeMap;

use checker::history::Outcome;
use plotters::prelude::*;

use super::{
    Entry, FONT, INK, SOFT, Shape, TimeAxis, bands, chart_on, outcome_colour, outcome_word, paper,
    to_pixel,
};
use crate::report::scene::{Clock, Scene};

/// One line: the shape of its kind, its outcome, and completions by window.
struct Line {
    shape: Shape,
    outcome: Outcome,
    text: String,
    counts: Vec<f64>,
}

/// Completions a second in windows as long as the run asks for.
pub(crate) fn rate(title: &str, scene: &Scene) -> anyhow::Result<String> {
    let axis = TimeAxis::of(scene);
    let window = axis.window(100.0);
    let lines = lines(scene, &axis, window);
    let entries: Vec<Entry> = lines
        .iter()
        .map(|line| Entry {
            shape: line.shape,
            colour: outcome_colour(line.outcome),
            text: line.text.clone(),
        })
        .collect();
    let highest = lines.iter().flat_map(|line| &line.counts).copied().fold(1.0, f64::max) * 1.1;
    let mut svg = String::new();
    {
        let area = paper(&mut svg, &format!("{title}: rate"), scene, &entries)?;
        let mut chart = chart_on(&area).build_cartesian_2d(0.0..axis.end(), 0.0..highest)?;
        let per =
            if axis.clock == Clock::Nanoseconds { "completions a second" } else { "completions" };
        chart
            .configure_mesh()
            .x_labels(10)
            .y_labels(8)
            .light_line_style(TRANSPARENT)
            .bold_line_style(INK.mix(0.12))
            .axis_style(SOFT)
            .label_style((FONT, 14).into_font().color(&INK))
            .axis_desc_style((FONT, 15).into_font().color(&SOFT))
            .x_desc(axis.caption())
            .y_desc(per)
            .x_label_formatter(&|x| axis.tick(*x))
            .y_label_formatter(&|y| {
                if highest < 5.0 { format!("{y:.1}") } else { format!("{y:.0}") }
            })
            .draw()?;
        let plot = chart.plotting_area().strip_coord_spec();
        bands(&plot, scene, &axis)?;
        let (width, height) = plot.dim_in_pixel();
        for line in &lines {
            let colour = outcome_colour(line.outcome);
            let mut middle = -0.5 * window;
            let mut pixels = Vec::with_capacity(line.counts.len());
            for count in &line.counts {
                middle += window;
                // Less than half a window at the end would look like a collapse.
                if middle > axis.end() {
                    break;
                }
                let x = (middle / axis.end()).min(1.0) * f64::from(width);
                pixels.push((to_pixel(x), to_pixel((1.0 - count / highest) * f64::from(height))));
            }
            plot.draw(&PathElement::new(pixels.clone(), colour.stroke_width(2)))?;
            for at in pixels.into_iter().step_by(4) {
                line.shape.draw(&plot, at, colour.filled())?;
            }
        }
    }
    Ok(svg)
}

fn lines(scene: &Scene, axis: &TimeAxis, window: f64) -> Vec<Line> {
    let kinds = scene.kinds();
    let windows = usize::try_from(to_pixel((axis.end() / window).ceil())).unwrap_or(0).max(1);
    let each = if axis.clock == Clock::Nanoseconds { 1.0 / window } else { 1.0 };
    let mut lines: BTreeMap<(usize, u8), Line> = BTreeMap::new();
    for call in scene.calls() {
        let Some(end) = call.end else { continue };
        let kind = call.kind as usize;
        let line = lines.entry((kind, call.outcome as u8)).or_insert_with(|| Line {
            shape: Shape::of(kind),
            outcome: call.outcome,
            text: format!("{} {}", kinds[kind], outcome_word(call.outcome)),
            counts: vec![0.0; windows],
        });
        let at = usize::try_from(to_pixel((axis.value(end) / window).floor())).unwrap_or(0);
        line.counts[at.min(windows - 1)] += each;
    }
    lines.into_values().collect()
}
