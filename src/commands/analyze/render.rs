//! Verdicts as lines, JSON and EDN; the explained text of a single one is the report's.

use checker::{Validity, Value, Verdict};

/// How to print.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Format {
    /// For people, and for scripts where there are several files
    #[default]
    Text,
    /// One JSON object a history, on one line
    Json,
    /// One EDN map a history, on one line
    Edn,
}

/// What there is to print about one history.
#[derive(Clone, Copy, Debug)]
pub(super) enum Rendered<'a> {
    Verdict(&'a Verdict),
    Unreadable(&'a str),
}

/// `path TAB verdict TAB detail`; an unreadable history is neither valid nor invalid.
pub(super) fn line(path: &str, rendered: &Rendered<'_>) -> String {
    let (word, detail) = match rendered {
        Rendered::Verdict(verdict) => (verdict.validity.word(), detail(verdict)),
        Rendered::Unreadable(error) => (Validity::Unknown.word(), format!("unreadable: {error}")),
    };
    format!("{}\t{word}\t{}\n", flat(path), flat(&detail))
}

/// The summary, and by what it was judged, which may have been inferred.
fn detail(verdict: &Verdict) -> String {
    let vacuous = if is_vacuous_pass(verdict) {
        "; vacuous: no acknowledged write was ever read"
    } else {
        ""
    };
    format!("{} ({}{vacuous})", verdict.summary, verdict.checker)
}

/// Whether a pass means nothing.
fn is_vacuous_pass(verdict: &Verdict) -> bool {
    verdict.validity == Validity::Valid && verdict.is_vacuous()
}

/// The whole verdict as one line of JSON or EDN, with its path where there are several.
pub(super) fn document(format: Format, path: Option<&str>, rendered: Rendered<'_>) -> String {
    let mut entries = Vec::new();
    if let Some(path) = path {
        entries.push((Value::keyword("path"), Value::string(path)));
    }
    match rendered {
        Rendered::Verdict(verdict) => match verdict.to_value() {
            Value::Map(rest) => entries.extend(rest),
            other => entries.push((Value::keyword("verdict"), other)),
        },
        Rendered::Unreadable(error) => {
            entries.push((Value::keyword("valid?"), Value::keyword("unknown")));
            entries.push((Value::keyword("error"), Value::string(error)));
        }
    }
    let document = Value::Map(entries);
    let mut out = Vec::new();
    let written = match format {
        Format::Json => checker::history::write_value_json_plain(&document, &mut out),
        Format::Edn | Format::Text => checker::history::write_value_edn(&document, &mut out),
    };
    written.expect("memory takes every write");
    out.push(b'\n');
    String::from_utf8_lossy(&out).into_owned()
}

/// Without the tabs and line breaks that separate fields and lines; paths and errors may hold them.
fn flat(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
