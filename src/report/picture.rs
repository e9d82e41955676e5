//! A violation as a picture: the few operations that matter, one a row, with what each of them is,
//! who did it, where, when, and which part it plays.
//!
//! The operations may lie seconds apart and last microseconds, so time is drawn to a square-root
//! scale between neighbouring events: the order is exact, near things stay apart, and the true
//! times stand beside the rows. One row an operation leaves room for words, and nothing overlaps.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use checker::history::Outcome;
use checker::verdict::Anomaly;

use super::markup::{escape, fitted, shortened};
use super::scene::{Call, Scene};

const WIDTH: f64 = 1120.0;
const LEFT: f64 = 150.0;
const CHART: f64 = 540.0;
const ROW: f64 = 46.0;
/// More rows than this explain nothing; the timeline has them all.
const MOST_ROWS: usize = 12;
const MOST_STATES: usize = 4;
/// Letters of the bold headline, and of the footer, that surely fit a line.
const HEADLINE_LETTERS: usize = 112;
const LETTERS: usize = 132;

/// Whether there is anything to draw: an operation of this history that the anomaly names.
pub(crate) fn shows(scene: &Scene, anomaly: &Anomaly) -> bool {
    !roles(scene, anomaly).is_empty()
}

/// The picture, or nothing where the anomaly names no operation of this history.
pub(crate) fn picture(scene: &Scene, anomaly: &Anomaly) -> Option<String> {
    let roles = roles(scene, anomaly);
    if roles.is_empty() {
        return None;
    }
    let mut rows: Vec<(usize, String)> = roles.into_iter().collect();
    rows.sort_by_key(|(row, _)| scene.calls()[*row].start);
    let failing = anomaly.op.and_then(|op| scene.row(op));
    let scale = Scale::of(rows.iter().map(|(row, _)| &scene.calls()[*row]));
    let headline = lines(&anomaly.sentence, HEADLINE_LETTERS);
    let top = 34.0 + 20.0 * count(&headline);
    let bottom = top + 26.0 + ROW * count(&rows);
    let footer = footer(scene, anomaly);
    let height = bottom + 40.0 + 19.0 * count(&footer);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" \
         height=\"{height}\" font-family=\"system-ui, 'Segoe UI', Helvetica, Arial, sans-serif\" \
         font-size=\"14\" fill=\"#16202b\" role=\"img\">\n<title>{}</title>\n{HATCHES}\
         <rect width=\"{WIDTH}\" height=\"{height}\" rx=\"6\" fill=\"#ffffff\"/>\n",
        escape(&anomaly.kind),
    );
    for (n, line) in headline.iter().enumerate() {
        write_text(
            &mut svg,
            16.0,
            28.0 + 20.0 * f64_of(n),
            "font-weight=\"600\" font-size=\"16\"",
            line,
        );
    }
    bands(&mut svg, scene, &scale, top, bottom);
    for (n, (row, role)) in rows.iter().enumerate() {
        let y = top + 26.0 + ROW * f64_of(n);
        let call = &scene.calls()[*row];
        draw_row(&mut svg, scene, &scale, call, y, role, Some(*row) == failing);
    }
    if let Some(call) = failing.map(|row| &scene.calls()[row]) {
        let x = scale.x(call.start);
        write_line(&mut svg, x, top + 22.0, bottom, "stroke=\"#a3002f\" stroke-dasharray=\"4 3\"");
    }
    for (n, line) in footer.iter().enumerate() {
        let weight = if n == 0 { "fill=\"#51606f\" font-size=\"12\"" } else { "" };
        write_text(&mut svg, 16.0, bottom + 26.0 + 19.0 * f64_of(n), weight, line);
    }
    svg.push_str("</svg>\n");
    Some(svg)
}

/// The rows to draw and the part that each plays.
fn roles(scene: &Scene, anomaly: &Anomaly) -> BTreeMap<usize, String> {
    let mut roles = BTreeMap::new();
    if let Some(row) = anomaly.op.and_then(|op| scene.row(op)) {
        roles.insert(row, "cannot be placed".to_owned());
    }
    let open = anomaly.states.iter().flat_map(|state| {
        let done = state.linearized.iter().map(|at| (*at, "was open, may have taken effect"));
        done.chain(state.pending.iter().map(|at| (*at, "was open")))
    });
    let related = anomaly.related.iter().map(|related| (related.index, related.role.as_str()));
    for (index, role) in related.chain(open) {
        if let Some(row) = scene.row(index).filter(|_| roles.len() < MOST_ROWS) {
            roles.entry(row).or_insert_with(|| role.to_owned());
        }
    }
    roles
}

fn footer(scene: &Scene, anomaly: &Anomaly) -> Vec<String> {
    let mut footer = vec![
        "Time runs to the right; its order is exact, long distances are drawn shorter.".to_owned(),
    ];
    // The same state with other operations open reads alike.
    let mut states: Vec<String> = Vec::new();
    for state in &anomaly.states {
        let line = format!("Possible state before it: {}. But: {}.", state.state, state.why);
        if !states.contains(&line) {
            states.push(line);
        }
    }
    footer.extend(states.iter().take(MOST_STATES).flat_map(|line| lines(line, LETTERS)));
    if states.len() > MOST_STATES {
        footer.push(format!("… and {} more possible states.", states.len() - MOST_STATES));
    }
    if let Some(key) = &anomaly.key {
        footer.extend(lines(&format!("Key {key}, of {}.", scene.keys.len().max(1)), LETTERS));
    }
    footer
}

/// Maps time to the chart: piecewise, between the moments at which something began or ended.
struct Scale {
    moments: Vec<(i64, f64)>,
}

impl Scale {
    fn of<'c>(calls: impl Iterator<Item = &'c Call>) -> Scale {
        let mut times: Vec<i64> =
            calls.flat_map(|call| [call.start, call.end.unwrap_or(call.start)]).collect();
        times.sort_unstable();
        times.dedup();
        #[expect(clippy::cast_precision_loss, reason = "a pixel is far coarser")]
        let roots: Vec<f64> = times.windows(2).map(|w| ((w[1] - w[0]) as f64).sqrt()).collect();
        let (sum, least) = (roots.iter().sum::<f64>().max(1.0), 16.0_f64);
        let free = (CHART - 60.0 - least * count(&roots)).max(0.0);
        let mut x = LEFT + 20.0;
        let mut moments = Vec::with_capacity(times.len());
        for (n, time) in times.iter().enumerate() {
            moments.push((*time, x));
            x += roots.get(n).map_or(0.0, |root| least + free * root / sum);
        }
        Scale { moments }
    }

    #[expect(clippy::cast_precision_loss, reason = "a pixel is far coarser")]
    fn x(&self, time: i64) -> f64 {
        let after = self.moments.partition_point(|(at, _)| *at < time);
        let Some((to, right)) = self.moments.get(after) else { return LEFT + CHART };
        let Some((from, left)) = after.checked_sub(1).map(|n| self.moments[n]) else {
            return if time < *to { LEFT } else { *right };
        };
        left + (right - left) * ((time - from) as f64 / (to - from) as f64)
    }
}

fn bands(svg: &mut String, scene: &Scene, scale: &Scale, top: f64, bottom: f64) {
    let Some((&(first, _), &(last, _))) = scale.moments.first().zip(scale.moments.last()) else {
        return;
    };
    for fault in scene.faults.iter().filter(|fault| fault.start <= last && fault.end >= first) {
        for (from, to, opacity) in
            [(fault.start, fault.end, 0.3), (fault.inner_start, fault.inner_end, 0.4)]
        {
            let (x, end) = (scale.x(from), scale.x(to));
            let (y, height) = (top, bottom - top);
            let _ = writeln!(
                svg,
                "<rect x=\"{x:.1}\" y=\"{y}\" width=\"{:.1}\" height=\"{height}\" fill=\"{}\" opacity=\"{opacity}\"/>",
                (end - x).max(1.0),
                fault.colour(),
            );
        }
        let room = (scale.x(fault.end) - scale.x(fault.start)) / 6.6;
        if room > 8.0 {
            let name = format!("{}: {}", fault.family, fault.what);
            let fits: String = name.chars().take(usize_of(room)).collect();
            write_text(
                svg,
                scale.x(fault.start) + 5.0,
                top + 15.0,
                "font-size=\"12\" fill=\"#51606f\"",
                &fits,
            );
        }
    }
}

fn draw_row(
    svg: &mut String,
    scene: &Scene,
    scale: &Scale,
    call: &Call,
    y: f64,
    role: &str,
    fails: bool,
) {
    let who = match scene.node(call) {
        Some(node) => format!("process {} on {node}", call.process),
        None => format!("process {}", call.process),
    };
    write_text(svg, 16.0, y + 25.0, "font-size=\"13\"", &shortened(who, 20));
    let (x, open) = (scale.x(call.start), call.outcome == Outcome::Info);
    let end = if open { LEFT + CHART } else { scale.x(call.end.unwrap_or(call.start)) };
    let fill = match call.outcome {
        Outcome::Ok => "#81BFFC",
        Outcome::Info => "url(#info)",
        Outcome::Fail => "url(#fail)",
    };
    let stroke =
        if fails { "#a3002f\" stroke-width=\"3" } else { "#16202b\" stroke-opacity=\"0.5" };
    let _ = writeln!(
        svg,
        "<rect x=\"{x:.1}\" y=\"{}\" width=\"{:.1}\" height=\"22\" fill=\"{fill}\" stroke=\"{stroke}\"/>",
        y + 10.0,
        (end - x).max(3.0),
    );
    let words = LEFT + CHART + 16.0;
    let outcome = match call.outcome {
        Outcome::Ok => "",
        Outcome::Info => " (info: nobody knows)",
        Outcome::Fail => " (fail)",
    };
    let colour = if fails { "font-weight=\"600\" fill=\"#a3002f\"" } else { "font-weight=\"600\"" };
    let label = format!("{}{}{outcome}", if fails { "✗ " } else { "" }, scene.label(call));
    write_text(svg, words, y + 17.0, colour, &fitted(label, 44));
    let times = match call.end {
        Some(end) => format!("{} to {}", scene.clock.moment(call.start), scene.clock.moment(end)),
        None => format!("{}, never completed", scene.clock.moment(call.start)),
    };
    let note = fitted(format!("{role} · {times}"), 66);
    write_text(svg, words, y + 34.0, "font-size=\"12\" fill=\"#51606f\"", &note);
    let _ = writeln!(
        svg,
        "<line x1=\"16\" y1=\"{0}\" x2=\"{1}\" y2=\"{0}\" stroke=\"#16202b\" stroke-opacity=\"0.1\"/>",
        y + ROW - 1.0,
        WIDTH - 16.0,
    );
}

fn write_text(svg: &mut String, x: f64, y: f64, style: &str, text: &str) {
    let _ = writeln!(svg, "<text x=\"{x:.1}\" y=\"{y:.1}\" {style}>{}</text>", escape(text));
}

fn write_line(svg: &mut String, x: f64, top: f64, bottom: f64, style: &str) {
    let _ =
        writeln!(svg, "<line x1=\"{x:.1}\" y1=\"{top}\" x2=\"{x:.1}\" y2=\"{bottom}\" {style}/>");
}

/// Outcomes are told apart without colour too.
const HATCHES: &str = "<defs>\
<pattern id=\"info\" width=\"8\" height=\"8\" patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(45)\">\
<rect width=\"8\" height=\"8\" fill=\"#FFA400\"/><rect width=\"3\" height=\"8\" fill=\"#ffc766\"/></pattern>\
<pattern id=\"fail\" width=\"8\" height=\"8\" patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(-45)\">\
<rect width=\"8\" height=\"8\" fill=\"#FF1E90\"/><rect width=\"3\" height=\"8\" fill=\"#ff7cbe\"/></pattern>\
</defs>\n";

/// Text broken at spaces, at most four lines of it.
fn lines(text: &str, letters: usize) -> Vec<String> {
    let mut lines = super::wrapped(text, letters);
    if lines.len() > 4 {
        lines.truncate(4);
        lines[3].push('…');
    }
    lines
}

fn count<T>(items: &[T]) -> f64 {
    f64_of(items.len())
}

#[expect(clippy::cast_precision_loss, reason = "a handful of rows")]
fn f64_of(number: usize) -> f64 {
    number as f64
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a number of letters that fits a picture"
)]
fn usize_of(number: f64) -> usize {
    number.max(0.0) as usize
}
