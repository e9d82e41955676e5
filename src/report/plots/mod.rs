//! The three plots that everybody who reads Jepsen's looks for, as SVG: latency of every operation,
//! its quantiles, and the rate, each over the faults that were in force.
//!
//! Two things are told apart without colour: what was done, by the shape of the mark, and which
//! fault, by its name in the band. The legend has a column of its own at the right, so that it
//! never covers data. plotters draws axes and marks; fonts are named by family, since the file is
//! shown by a browser that has them, and nothing here needs a font file.

mod latency;
mod rate;

use plotters::coord::Shift;
use plotters::prelude::*;

use super::markup::{plain, shortened};
use super::scene::{Clock, Scene};

pub(crate) use latency::{quantiles, raw};
pub(crate) use rate::rate;

const SIZE: (u32, u32) = (1000, 400);
const LEGEND: u32 = 170;
const FONT: &str = "sans-serif";
const INK: RGBColor = RGBColor(22, 32, 43);
const SOFT: RGBColor = RGBColor(81, 96, 111);

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
/// What a plot ends in; plotters' errors name the backend's error type, which nobody wants to spell.
type Drawn = anyhow::Result<()>;

/// The shape that stands for a kind of operation, or for a quantile.
#[derive(Clone, Copy)]
enum Shape {
    Circle,
    Triangle,
    Cross,
    Square,
}

impl Shape {
    fn of(number: usize) -> Shape {
        [Shape::Circle, Shape::Triangle, Shape::Cross, Shape::Square][number % 4]
    }

    /// Draws it around a pixel of the area.
    fn draw(self, area: &Area, (x, y): (i32, i32), style: ShapeStyle) -> Drawn {
        match self {
            Shape::Circle => area.draw(&Circle::new((x, y), 2, style))?,
            Shape::Triangle => area.draw(&TriangleMarker::new((x, y), 4, style))?,
            Shape::Cross => area.draw(&Cross::new((x, y), 3, style))?,
            Shape::Square => area.draw(&Rectangle::new([(x - 2, y - 2), (x + 2, y + 2)], style))?,
        }
        Ok(())
    }
}

/// One line of the legend.
struct Entry {
    shape: Shape,
    colour: RGBColor,
    text: String,
}

/// What all plots share: paper, title, legend and bands. Returns the part left for the chart.
fn paper<'a>(
    svg: &'a mut String,
    title: &str,
    scene: &Scene,
    entries: &[Entry],
) -> anyhow::Result<Area<'a>> {
    let root = SVGBackend::with_string(svg, SIZE).into_drawing_area();
    root.fill(&WHITE)?;
    root.draw(&Text::new(plain(title), (16, 10), (FONT, 20).into_font().color(&INK)))?;
    let (chart, legend) = root.split_horizontally(SIZE.0 - LEGEND);
    let words = (FONT, 15).into_font().color(&INK);
    let mut y = 50;
    for entry in entries {
        entry.shape.draw(&legend, (14, y), entry.colour.filled())?;
        legend.draw(&Text::new(label(&entry.text), (26, y - 7), words.clone()))?;
        y += 20;
    }
    let mut families: Vec<(&str, RGBColor)> = Vec::new();
    for fault in &scene.faults {
        if !families.iter().any(|(family, _)| *family == fault.family) {
            families.push((&fault.family, colour(fault.colour())));
        }
    }
    y += 8;
    for (family, colour) in families {
        legend.draw(&Rectangle::new([(6, y - 6), (22, y + 6)], colour.filled()))?;
        legend.draw(&Text::new(label(family), (26, y - 7), words.clone()))?;
        y += 20;
    }
    Ok(chart)
}

/// A chart with the margins that every plot has, its title's height above.
fn chart_on<'a, 'b>(area: &'a Area<'b>) -> ChartBuilder<'a, 'b, SVGBackend<'b>> {
    let mut chart = ChartBuilder::on(area);
    chart.margin_top(44).margin_left(14).margin_right(12).margin_bottom(8);
    chart.x_label_area_size(42).y_label_area_size(74);
    chart
}

fn label(text: &str) -> String {
    shortened(plain(text), 17)
}

/// The faults behind the data: the whole interval light, the certain part darker, the name on top.
fn bands(area: &Area, scene: &Scene, axis: &TimeAxis) -> Drawn {
    let (across, down) = area.dim_in_pixel();
    let (width, height) = (f64::from(across), i32::try_from(down).unwrap_or(i32::MAX));
    for fault in &scene.faults {
        let at = |time: i64| to_pixel(axis.share(time) * width);
        let colour = colour(fault.colour());
        for (from, to, strength) in
            [(fault.start, fault.end, 0.35), (fault.inner_start, fault.inner_end, 0.45)]
        {
            let corners = [(at(from), 0), (at(to).max(at(from) + 1), height)];
            area.draw(&Rectangle::new(corners, colour.mix(strength).filled()))?;
        }
        let letters = usize::try_from((at(fault.end) - at(fault.start) - 6) / 7).unwrap_or(0);
        if letters >= fault.family.chars().count() {
            let words = (FONT, 13).into_font().color(&SOFT);
            area.draw(&Text::new(plain(&fault.family), (at(fault.start) + 4, 3), words))?;
        }
    }
    Ok(())
}

/// The horizontal axis of a scene.
struct TimeAxis {
    clock: Clock,
    horizon: i64,
}

impl TimeAxis {
    fn of(scene: &Scene) -> TimeAxis {
        TimeAxis { clock: scene.clock, horizon: scene.horizon.max(1) }
    }

    /// Seconds, or events.
    #[expect(clippy::cast_precision_loss, reason = "a pixel is far coarser")]
    fn value(&self, time: i64) -> f64 {
        match self.clock {
            Clock::Nanoseconds => time as f64 / 1e9,
            Clock::Events => time as f64,
        }
    }

    fn end(&self) -> f64 {
        self.value(self.horizon) * 1.01
    }

    /// Where a time is on the axis, from 0 to 1.
    fn share(&self, time: i64) -> f64 {
        (self.value(time) / self.end()).clamp(0.0, 1.0)
    }

    fn caption(&self) -> &'static str {
        match self.clock {
            Clock::Nanoseconds => "time (s)",
            Clock::Events => "event of the history (it has no times)",
        }
    }

    /// A tick's words, with as many digits as neighbouring ticks need.
    fn tick(&self, value: f64) -> String {
        match self.end() {
            end if end > 20.0 || self.clock == Clock::Events => format!("{value:.0}"),
            end if end > 2.0 => format!("{value:.1}"),
            _ => format!("{value:.3}"),
        }
    }

    /// The length of the windows that split the axis into about `parts`: 1, 2 or 5 of some unit.
    fn window(&self, parts: f64) -> f64 {
        let raw = self.end() / parts;
        let unit = 10_f64.powf(raw.log10().floor());
        [1.0, 2.0, 5.0, 10.0].into_iter().map(|n| n * unit).find(|n| *n >= raw).unwrap_or(raw)
    }
}

/// A colour from its `#rrggbb`.
fn colour(hex: &str) -> RGBColor {
    let part = |at: usize| {
        hex.get(at..at + 2).and_then(|digits| u8::from_str_radix(digits, 16).ok()).unwrap_or(0)
    };
    RGBColor(part(1), part(3), part(5))
}

#[expect(clippy::cast_possible_truncation, reason = "pixels of a plot a thousand wide")]
fn to_pixel(x: f64) -> i32 {
    x.round() as i32
}

/// The colours of the outcomes, a shade darker than the timeline's where they are lines on white.
fn outcome_colour(outcome: checker::history::Outcome) -> RGBColor {
    use checker::history::Outcome;
    match outcome {
        Outcome::Ok => colour("#3d9cf0"),
        Outcome::Info => colour("#FFA400"),
        Outcome::Fail => colour("#FF1E90"),
    }
}

fn outcome_word(outcome: checker::history::Outcome) -> &'static str {
    use checker::history::Outcome;
    match outcome {
        Outcome::Ok => "ok",
        Outcome::Info => "info",
        Outcome::Fail => "fail",
    }
}
