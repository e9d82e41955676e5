//! The argument behind a violation as a graph: a box an operation, an arrow for "comes before",
//! labelled with what it rests on. Following the arrows leads back to where one began, which no
//! order can.
//!
//! The operations stand on an ellipse in the order of the circle, arrows bend outwards, and so
//! nothing crosses.

use std::fmt::Write as _;

use checker::verdict::{Anomaly, Because, Relation};

use super::markup::{escape, shortened};
use super::scene::Scene;
use super::text;

const WIDTH: f64 = 1120.0;
const HALF_BOX: (f64, f64) = (125.0, 25.0);
/// A larger circle is told in words only.
const MOST_NODES: usize = 8;

/// The graph, or nothing where there is no circle, or one too large to see anything.
pub(crate) fn graph(scene: &Scene, anomaly: &Anomaly) -> Option<String> {
    let steps = text::circle(anomaly);
    if steps.len() < 2 || steps.len() > MOST_NODES {
        return None;
    }
    let height = if steps.len() == 2 { 190.0 } else { 380.0 };
    let center = Point { x: WIDTH / 2.0, y: height / 2.0 };
    let places: Vec<Point> = (0..steps.len()).map(|n| place(n, steps.len(), center)).collect();
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" \
         height=\"{height}\" font-family=\"system-ui, 'Segoe UI', Helvetica, Arial, sans-serif\" \
         font-size=\"14\" fill=\"#16202b\" role=\"img\">\n<title>what must come before what</title>\n\
         {HEADS}<rect width=\"{WIDTH}\" height=\"{height}\" rx=\"6\" fill=\"#ffffff\"/>\n"
    );
    for (n, step) in steps.iter().enumerate() {
        arrow(&mut svg, places[n], places[(n + 1) % places.len()], center, step.relation);
    }
    for (step, place) in steps.iter().zip(&places) {
        node(&mut svg, scene, step, *place);
    }
    svg.push_str("</svg>\n");
    Some(svg)
}

#[derive(Clone, Copy)]
struct Point {
    x: f64,
    y: f64,
}

impl Point {
    fn towards(self, other: Point, share: f64) -> Point {
        Point { x: self.x + (other.x - self.x) * share, y: self.y + (other.y - self.y) * share }
    }
}

/// Clockwise from the left.
#[expect(clippy::cast_precision_loss, reason = "a handful of operations")]
fn place(n: usize, all: usize, center: Point) -> Point {
    let angle = std::f64::consts::PI * (1.0 + 2.0 * n as f64 / all as f64);
    Point { x: center.x + 340.0 * angle.cos(), y: center.y + 125.0 * angle.sin() }
}

/// Solid for what the history shows, dashed for what follows from it.
fn arrow(svg: &mut String, from: Point, to: Point, center: Point, relation: Relation) {
    let middle = from.towards(to, 0.5);
    // Of two opposite arrows one bends up and the other down: from left to right is up.
    let away = match (middle.x - center.x, middle.y - center.y) {
        (x, y) if x.abs() + y.abs() < 1.0 => {
            let up = if from.x < to.x { -1.0 } else { 1.0 };
            Point { x: 0.0, y: up * 130.0 }
        }
        (x, y) => Point { x: x * 0.35, y: y * 0.8 },
    };
    let bend = Point { x: middle.x + away.x, y: middle.y + away.y };
    let (start, end) = (edge_of_box(from, bend), edge_of_box(to, bend));
    let dash = match relation {
        Relation::RealTime | Relation::ReadsFrom => "",
        Relation::MustPrecede => " stroke-dasharray=\"6 4\"",
    };
    let _ = writeln!(
        svg,
        "<path d=\"M{:.1} {:.1} Q{:.1} {:.1} {:.1} {:.1}\" fill=\"none\" stroke=\"#51606f\" \
         stroke-width=\"2\"{dash} marker-end=\"url(#head)\"/>",
        start.x, start.y, bend.x, bend.y, end.x, end.y
    );
    // Where the curve is at half of its way.
    let label = start.towards(end, 0.5).towards(bend, 0.5);
    let words = match relation {
        Relation::RealTime => "ended before it began",
        Relation::ReadsFrom => "was read by",
        Relation::MustPrecede => "must precede",
    };
    let _ = writeln!(
        svg,
        "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\" font-size=\"13\" stroke=\"#ffffff\" \
         stroke-width=\"6\" paint-order=\"stroke\">{words}</text>",
        label.x,
        label.y + 4.0
    );
}

/// Where a line from the middle of a box leaves it.
fn edge_of_box(middle: Point, towards: Point) -> Point {
    let (dx, dy) = (towards.x - middle.x, towards.y - middle.y);
    let share = |half: f64, distance: f64| match distance.abs() {
        none if none < 0.001 => f64::INFINITY,
        distance => half / distance,
    };
    let share = share(HALF_BOX.0 + 3.0, dx).min(share(HALF_BOX.1 + 3.0, dy));
    middle.towards(towards, share.min(1.0))
}

fn node(svg: &mut String, scene: &Scene, step: &Because, at: Point) {
    let Some(call) = scene.row(step.from).map(|row| &scene.calls()[row]) else { return };
    let who = match scene.node(call) {
        Some(node) => format!("process {} on {node}", call.process),
        None => format!("process {}", call.process),
    };
    let _ = writeln!(
        svg,
        "<rect x=\"{:.1}\" y=\"{:.1}\" width=\"{}\" height=\"{}\" rx=\"5\" fill=\"#e3f1fe\" \
         stroke=\"#16202b\" stroke-opacity=\"0.5\"/>",
        at.x - HALF_BOX.0,
        at.y - HALF_BOX.1,
        2.0 * HALF_BOX.0,
        2.0 * HALF_BOX.1
    );
    let mut line = |y: f64, style: &str, text: String, letters: usize| {
        let text = escape(&shortened(text, letters));
        let x = at.x;
        let _ = writeln!(
            svg,
            "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"middle\" {style}>{text}</text>"
        );
    };
    line(at.y - 3.0, "font-weight=\"600\"", scene.label(call), 30);
    line(at.y + 15.0, "font-size=\"12\" fill=\"#51606f\"", who, 36);
}

const HEADS: &str = "<defs><marker id=\"head\" viewBox=\"0 0 10 10\" refX=\"9\" refY=\"5\" \
markerWidth=\"8\" markerHeight=\"8\" orient=\"auto-start-reverse\">\
<path d=\"M0 0 L10 5 L0 10 z\" fill=\"#51606f\"/></marker></defs>\n";
