//! `report.html`: everything on one page, the answer first.
//!
//! The page has no script: it prints, mails and archives as it looks. Pictures and plots are inlined
//! as SVG; the timeline, which needs a script, is a page of its own that this one links to.

use std::fmt::Write as _;

use checker::verdict::Anomaly;
use checker::{Validity, Verdict};

use super::axes::{Axes, Axis, Count, FaultReport, Level};
use super::fault::Proof;
use super::independent::Folders;
use super::markup::{escape, fill, shortened};
use super::scene::{Scene, anomalies};
use super::{Input, RunFacts, conflict, not_exercised, picture, text};

/// So many violations are drawn; the others are a line each in the table of keys.
const MOST_PICTURES: usize = 5;
const MOST_KEYS: usize = 100;
const MOST_LETTERS: usize = 1_000;

/// The whole page. `plots` are the SVGs that could be drawn.
pub(crate) fn page(
    input: &Input,
    scene: &Scene,
    axes: &Axes,
    plots: &[String],
    folders: &Folders,
) -> String {
    let found = anomalies(input.verdict);
    let run = input.run.as_ref();
    let plots: String = plots.iter().map(|svg| format!("<figure>{svg}</figure>\n")).collect();
    fill(
        include_str!("assets/report.html"),
        &[
            ("title", &escape(&input.title)),
            ("css", include_str!("assets/report.css")),
            ("verdict", input.verdict.validity.word()),
            ("sentence", &words(&axes.safety.sentence)),
            ("facts", &facts(input, run)),
            ("axes", &axes.all().map(axis).concat()),
            ("violations", &violations(scene, &found)),
            ("faults", &faults(scene, &axes.faults)),
            ("counts", &counts(&axes.counts)),
            ("keys", &keys(input.verdict, folders)),
            ("plots", &plots),
            ("missing", &escape(&not_exercised(input, axes).join(", "))),
            ("assumptions", &assumptions(&input.verdict.assumptions)),
            ("again", &run.map(again).unwrap_or_default()),
            ("files", &files(input)),
        ],
    )
}

fn words(text: &str) -> String {
    escape(&shortened(text.to_owned(), MOST_LETTERS))
}

fn facts(input: &Input, run: Option<&RunFacts>) -> String {
    let mut facts = vec![input.verdict.checker.clone()];
    if let Some(run) = run {
        let nodes = format!("{} nodes, {} workers", run.nodes.len(), run.workers);
        let seed = format!("seed {}", run.seed);
        let ours = format!("Ordeal {}", run.version);
        let (system, environment) = (run.system.clone(), run.environment.clone());
        facts.extend([
            run.workload.clone(),
            system,
            environment,
            nodes,
            seed,
            run.started.clone(),
            ours,
        ]);
    }
    facts.retain(|fact| !fact.is_empty());
    escape(&facts.join(" · "))
}

fn axis(axis: &Axis) -> String {
    let level = match axis.level {
        Level::Good => "good",
        Level::Warn => "warn",
        Level::Bad => "bad",
    };
    format!(
        "<div class=\"axis {level}\"><h3>{} <b>{}</b></h3><p>{}</p></div>\n",
        axis.name,
        axis.word,
        words(axis.brief())
    )
}

fn violations(scene: &Scene, found: &[Anomaly]) -> String {
    if found.is_empty() {
        return String::new();
    }
    let mut out = String::from("<section>\n<h2>What cannot be</h2>\n");
    for anomaly in found.iter().take(MOST_PICTURES) {
        let link = match anomaly.op {
            Some(op) => format!(
                "<a href=\"timeline.html#i{op}\">see it among the others in the timeline</a>"
            ),
            None => "<a href=\"timeline.html\">timeline</a>".to_owned(),
        };
        let drawn = picture::picture(scene, anomaly)
            .unwrap_or_else(|| format!("<p>{}</p>", words(&anomaly.sentence)));
        // Writing to a String cannot fail, here and below.
        let graph = conflict::graph(scene, anomaly).unwrap_or_default();
        let why = argument(anomaly) + &graph + &examination(anomaly);
        let _ = writeln!(out, "<figure>{drawn}{why}<figcaption>{link}</figcaption></figure>");
    }
    if found.len() > MOST_PICTURES {
        let _ = writeln!(
            out,
            "<p>{} violations in all; the timeline steps through them.</p>",
            found.len()
        );
    }
    out + "</section>\n"
}

/// The circle behind a violation, step by step.
fn argument(anomaly: &Anomaly) -> String {
    let lines = text::argument(anomaly);
    let Some((conclusion, rest)) = lines.split_last() else { return String::new() };
    let circle = text::circle(anomaly);
    let steps: String =
        circle.iter().map(|step| format!("<li>{}</li>\n", words(&step.sentence))).collect();
    let introduction = rest.first().filter(|_| rest.len() > circle.len());
    let introduction = introduction.map(|line| format!("<p>{}</p>\n", words(line)));
    format!(
        "<div class=\"argument\">{}<ol>\n{steps}</ol><p>{}</p></div>\n",
        introduction.unwrap_or_default(),
        words(conclusion)
    )
}

/// What else was found out about a violation.
fn examination(anomaly: &Anomaly) -> String {
    let lines = text::examination(anomaly);
    let lines: String = lines.iter().map(|line| format!("<p>{}</p>\n", words(line))).collect();
    if lines.is_empty() { lines } else { format!("<div class=\"argument\">{lines}</div>\n") }
}

fn faults(scene: &Scene, faults: &[FaultReport]) -> String {
    if faults.is_empty() {
        return "<p>None is recorded in this history.</p>".to_owned();
    }
    let mut out = String::from(
        "<div class=\"scroll\"><table><tr><th>fault</th><th>what</th><th>certainly in force</th>\
         <th>proof</th><th class=\"n\">overlapped by</th><th class=\"n\">ok</th>\
         <th class=\"n\">fail</th><th class=\"n\">info</th><th class=\"n\">longest without ok</th>\
         <th>leader</th></tr>\n",
    );
    for report in faults {
        let (fault, during) = (&report.fault, &report.during);
        let clock = scene.clock;
        let (from, to) = (clock.moment(fault.inner_start), clock.moment(fault.inner_end));
        let sure = fault.proof != Proof::Refuted
            && fault.heal_proof != Proof::Refuted
            && fault.healed_at.is_some();
        let leader = match fault.hit_leader() {
            Some(true) => "hit",
            Some(false) => "not hit",
            None => "not recorded",
        };
        let _ = writeln!(
            out,
            "<tr><td><span class=\"swatch\" style=\"background:{}\"></span>{}</td><td>{}</td>\
             <td>{from} to {to}</td><td{}>{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td>\
             <td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td>{leader}</td></tr>",
            fault.colour(),
            words(&fault.family),
            words(&fault.what),
            if sure { "" } else { " class=\"bad\"" },
            words(&fault.proof_words()),
            during.all(),
            during.ok,
            during.fail,
            during.info,
            clock.span(report.longest_gap),
        );
    }
    out + "</table></div>\n"
}

fn counts(counts: &[Count]) -> String {
    let mut out = String::from(
        "<div class=\"scroll\"><table><tr><th></th><th class=\"n\">all</th><th class=\"n\">ok</th>\
         <th class=\"n\">fail</th><th class=\"n\">info</th></tr>\n",
    );
    for count in counts {
        let (class, f) =
            if count.f.is_empty() { (" class=\"sum\"", "all") } else { ("", &*count.f) };
        let _ = writeln!(
            out,
            "<tr{class}><td>{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td>\
             <td class=\"n\">{}</td><td class=\"n\">{}</td></tr>",
            words(f),
            count.all(),
            count.ok,
            count.fail,
            count.info
        );
    }
    out + "</table></div>\n"
}

/// The keys that are not valid; the valid ones are a number.
fn keys(verdict: &Verdict, folders: &Folders) -> String {
    let parts = &verdict.parts;
    if parts.is_empty() {
        return String::new();
    }
    let wrong: Vec<(usize, &Verdict)> = parts
        .iter()
        .enumerate()
        .map(|(n, part)| (n, &part.verdict))
        .filter(|(_, verdict)| verdict.validity != Validity::Valid)
        .collect();
    let valid = parts.len() - wrong.len();
    let mut out = format!("<p>{valid} of {} keys are valid.</p>\n", parts.len());
    if wrong.is_empty() {
        return out;
    }
    out += "<div class=\"scroll\"><table><tr><th>key</th><th>verdict</th><th>why</th></tr>\n";
    for (n, verdict) in wrong.iter().take(MOST_KEYS) {
        let key = escape(&shortened(parts[*n].key.to_string(), 80));
        let key = match folders.link(*n) {
            Some(link) => format!("<a href=\"{}\">{key}</a>", escape(&link)),
            None => key,
        };
        let word = verdict.validity.word();
        let _ = writeln!(
            out,
            "<tr><td class=\"data\">{key}</td><td>{word}</td><td>{}</td></tr>",
            words(&verdict.summary)
        );
    }
    out += "</table></div>\n";
    if wrong.len() > MOST_KEYS {
        let _ = writeln!(out, "<p>… and {} more in results.edn.</p>", wrong.len() - MOST_KEYS);
    }
    out
}

fn assumptions(assumptions: &[String]) -> String {
    if assumptions.is_empty() {
        return String::new();
    }
    let items: String =
        assumptions.iter().map(|line| format!("<li>{}</li>\n", words(line))).collect();
    format!("<section>\n<h2>The verdict assumes</h2>\n<ul>\n{items}</ul>\n</section>\n")
}

fn again(run: &RunFacts) -> String {
    format!(
        "<section>\n<h2>Again</h2>\n<p>It was started as</p>\n<pre>{}</pre>\n\
         <p>To run it again:</p>\n<pre>{}</pre>\n\
         <p>To judge what was recorded again:</p>\n<pre>{}</pre>\n</section>\n",
        escape(&run.command),
        escape(&run.reproduce),
        escape(&run.rejudge)
    )
}

/// What is always written, …
const FILES: [(&str, &str); 4] = [
    ("timeline.html", "every operation, to zoom and click"),
    ("history.txt", "what happened, to grep"),
    ("results.edn", "the verdict"),
    ("results.json", "the verdict for scripts"),
];
/// … what a run of our own leaves besides, and what independent keys do.
const OF_RUNS: (&str, &str) =
    ("history.edn", "what happened, as Jepsen writes it: judge this again");
const OF_KEYS: (&str, &str) = ("independent/", "history and verdict of each key");

fn files(input: &Input) -> String {
    let run = input.run.as_ref().map(|_| OF_RUNS);
    let keys = (!input.verdict.parts.is_empty()).then_some(OF_KEYS);
    let mut out = String::from("<ul>\n");
    for (name, what) in FILES.into_iter().chain(run).chain(keys) {
        let _ = writeln!(out, "<li><a href=\"{name}\">{name}</a>: {what}</li>");
    }
    for log in input.run.as_ref().map(|run| &*run.log_files).unwrap_or_default() {
        let _ = writeln!(out, "<li><a href=\"{0}\">{1}</a></li>", href(log), escape(log));
    }
    out + "</ul>\n"
}

/// A relative path as a link: never a scheme, never markup.
pub(crate) fn href(path: &str) -> String {
    let mut out = String::from("./");
    for byte in path.trim_start_matches('/').bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' | b'~' => {
                out.push(char::from(byte));
            }
            _ => {
                let _ = write!(out, "%{byte:02X}");
            }
        }
    }
    out
}
