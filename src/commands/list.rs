//! `checker list`: what can be named on the command line, straight from the registries, so that it
//! cannot fall behind the code.

use std::fmt::Write as _;

use clap::ValueEnum;

use crate::columns;
use crate::console::Console;
use crate::exit::Exit;

/// List what can be named: models, workloads, systems, faults, topologies, bugs
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Only these sections, and then only the names, one a line
    #[arg(value_enum)]
    sections: Vec<Section>,
}

/// A kind of thing that has names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Section {
    /// What clients do and what must hold: `test --workload`.
    Workloads,
    /// What a history can be judged by: `analyze --model`.
    Models,
}

/// One thing that can be named.
struct Entry {
    name: String,
    about: String,
}

impl Entry {
    fn new(name: impl Into<String>, about: impl Into<String>) -> Entry {
        Entry { name: name.into(), about: about.into() }
    }
}

impl Section {
    fn entries(self) -> Vec<Entry> {
        match self {
            Section::Workloads => workloads::ALL
                .iter()
                .map(|workload| Entry::new(workload.name, workload.about))
                .collect(),
            Section::Models => vec![
                Entry::new("register", "linearizable register: read, write"),
                Entry::new("cas-register", "linearizable register: read, write, compare-and-set"),
                Entry::new(
                    "set",
                    "nothing acknowledged is lost, nothing unasked appears: add, read",
                ),
            ],
        }
    }
}

/// Prints the sections.
///
/// # Errors
/// When standard output cannot be written.
pub fn run(args: &Args, console: &Console) -> anyhow::Result<Exit> {
    let mut text = String::new();
    if args.sections.is_empty() {
        for section in Section::value_variants() {
            describe(*section, &mut text);
        }
    } else {
        for entry in args.sections.iter().flat_map(|section| section.entries()) {
            text.push_str(&entry.name);
            text.push('\n');
        }
    }
    console.result(text)?;
    Ok(Exit::Valid)
}

/// A section with its title and its names in aligned columns.
fn describe(section: Section, text: &mut String) {
    let title = section.to_possible_value().expect("no section is hidden");
    let entries = section.entries();
    let width = entries.iter().map(|entry| entry.name.len()).max().unwrap_or(0) + 4;
    let _ = writeln!(text, "{}", title.get_name());
    for Entry { name, about } in entries {
        columns::beside(text, &format!("  {name}"), width, &about);
    }
}
