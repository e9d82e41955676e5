//! A small line chart as SVG: a point a night, evenly spaced, from zero up, since a curve that does
//! not begin at zero makes every wobble a drop.
//!
//! Drawn by hand rather than with plotters, which has no evenly spaced axis of names: it is two axes
//! and a polyline. Each point tells its value when pointed at, and series differ in their dashes as
//! well as in colour.

use std::fmt::Write as _;

use crate::report::escape;

const WIDTH: f64 = 560.0;
const HEIGHT: f64 = 210.0;
const LEFT: f64 = 58.0;
const RIGHT: f64 = 14.0;
const TOP: f64 = 34.0;
const BOTTOM: f64 = 30.0;

/// Colour and dashes of each series.
const STYLES: [(&str, &str); 2] = [("#0b57b0", "none"), ("#a3002f", "6 3")];

/// A curve.
pub(super) struct Series {
    name: &'static str,
    values: Vec<f64>,
}

impl Series {
    pub(super) fn new(name: &'static str, values: Vec<f64>) -> Series {
        Series { name, values }
    }
}

/// The chart. There is a value of each series at each date.
pub(super) fn lines(title: &str, dates: &[&str], series: &[Series]) -> String {
    let most = series.iter().flat_map(|one| &one.values).copied().fold(0.0, f64::max);
    let top = nice(most);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" \
         width=\"{WIDTH}\" height=\"{HEIGHT}\" font-family=\"system-ui, sans-serif\" \
         font-size=\"12\" fill=\"#16202b\" role=\"img\">\n<title>{0}</title>\n\
         <text x=\"8\" y=\"18\" font-weight=\"600\" font-size=\"13.5\">{0}</text>\n",
        escape(title)
    );
    for step in 0..=4 {
        rule(&mut svg, top, f64::from(step) / 4.0);
    }
    for date in [dates.first().zip(Some("start")), dates.last().zip(Some("end"))].iter().flatten() {
        let x = if date.1 == "start" { LEFT } else { WIDTH - RIGHT };
        let _ = writeln!(
            svg,
            "<text x=\"{x}\" y=\"{:.1}\" text-anchor=\"{}\" fill=\"#51606f\">{}</text>",
            HEIGHT - 8.0,
            date.1,
            escape(date.0)
        );
    }
    let mut legend = WIDTH - RIGHT;
    for (one, (colour, dashes)) in series.iter().zip(STYLES).rev() {
        curve(&mut svg, one, dates, top, (colour, dashes));
        let _ = writeln!(
            svg,
            "<text x=\"{legend}\" y=\"18\" text-anchor=\"end\" fill=\"{colour}\">{}</text>",
            escape(one.name)
        );
        legend -= 10.0 + 7.0 * f64::from(u32::try_from(one.name.len()).unwrap_or(0));
    }
    svg + "</svg>"
}

/// The next of 1, 2, 5, 10, 20, …
fn nice(most: f64) -> f64 {
    if most <= 0.0 {
        return 1.0;
    }
    let power = 10_f64.powf(most.log10().floor());
    let steps = [1.0, 2.0, 5.0, 10.0].map(|step| step * power);
    steps.into_iter().find(|step| *step >= most).unwrap_or(most)
}

/// A line across at a share of the height, with its value.
fn rule(svg: &mut String, top: f64, share: f64) {
    let y = y(share);
    let value = top * share;
    let label = match top {
        ..4.0 => format!("{value:.2}"),
        ..40.0 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    };
    let _ = writeln!(
        svg,
        "<line x1=\"{LEFT}\" x2=\"{:.1}\" y1=\"{y:.1}\" y2=\"{y:.1}\" stroke=\"#d5dce3\"/>\
         <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\" fill=\"#51606f\">{label}</text>",
        WIDTH - RIGHT,
        LEFT - 6.0,
        y + 4.0
    );
}

fn y(share: f64) -> f64 {
    HEIGHT - BOTTOM - share * (HEIGHT - BOTTOM - TOP)
}

fn curve(svg: &mut String, series: &Series, dates: &[&str], top: f64, style: (&str, &str)) {
    let gaps = u32::try_from(series.values.len().saturating_sub(1).max(1)).unwrap_or(u32::MAX);
    let step = (WIDTH - LEFT - RIGHT) / f64::from(gaps);
    let mut points = String::new();
    let mut dots = String::new();
    let mut x = LEFT;
    for (value, date) in series.values.iter().zip(dates) {
        let y = y(value / top);
        let _ = write!(points, "{x:.1},{y:.1} ");
        let _ = writeln!(
            dots,
            "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\" fill=\"{}\"><title>{}: {value:.1}</title>\
             </circle>",
            style.0,
            escape(date)
        );
        x += step;
    }
    let _ = writeln!(
        svg,
        "<polyline points=\"{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"1.8\" \
         stroke-dasharray=\"{}\"/>\n{dots}",
        points.trim_end(),
        style.0,
        style.1
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_axis_ends_at_a_round_number_above_everything() {
        assert_eq!([0.0, 0.7, 1.0, 3.0, 99.0, 101.0].map(nice), [1.0, 1.0, 1.0, 5.0, 100.0, 200.0]);
    }

    #[test]
    fn every_value_is_a_point_within_the_picture() {
        let svg = lines("t", &["a", "b", "c"], &[Series::new("s", vec![0.0, 5.0, 2.5])]);
        assert_eq!(svg.matches("<circle").count(), 3);
        assert!(svg.contains("cy=\"180.0\"") && svg.contains("cy=\"34.0\""), "{svg}");
        assert!(!svg.contains("NaN"), "{svg}");
    }
}
