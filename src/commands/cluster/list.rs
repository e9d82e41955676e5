//! `checker list`: what can be named on the command line, straight from the registries, so that it
//! cannot fall behind the code.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use checker::model::ModelName;
use clap::ValueEnum;
use nemesis::schedule::{FaultKind, Target};
use nemesis::topology::Topology;

use crate::commands::cluster::columns;
use crate::console::Console;
use crate::exit::Exit;
use crate::systems::described::{self, Described};
use crate::systems::{self, Flaw, System};

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
    /// What can be tested: `test --system`; built in, or described in the current folder.
    Systems,
    /// What can be broken: `test --nemesis`.
    Faults,
    /// Whom a kill, pause or restart hits.
    Targets,
    /// The shapes of a partition.
    Topologies,
    /// How a system can be broken on purpose: `test --bug`.
    Bugs,
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
            Section::Systems => {
                let systems = systems::all();
                let built_in = systems.iter().map(|it| Entry::new(it.name(), it.about()));
                built_in.chain(FOLDERS.iter().flat_map(|folder| described(folder))).collect()
            }
            Section::Faults => {
                FaultKind::ALL.iter().map(|kind| Entry::new(kind.word(), kind.about())).collect()
            }
            Section::Targets => Target::DRAWN
                .iter()
                .map(|target| Entry::new(target.word(), of_target(target)))
                .collect(),
            Section::Topologies => Topology::DRAWN.iter().map(topology).collect(),
            Section::Bugs => {
                systems::all().iter().flat_map(|system| bugs(system.as_ref())).collect()
            }
            Section::Models => {
                let set = Entry::new("set", "elements: add, read; none lost, none from nowhere");
                let models = ModelName::ALL.iter();
                models.map(|model| Entry::new(model.name(), model.about())).chain([set]).collect()
            }
        }
    }
}

/// Where descriptions of systems are looked for, from the current folder.
const FOLDERS: [&str; 3] = [".", "systems", "scenarios/systems"];

/// The systems that files in a folder describe, by what `--system` takes.
fn described(folder: &str) -> Vec<Entry> {
    let entry = |(path, system): (PathBuf, anyhow::Result<Described>)| {
        let about = match system {
            Ok(system) => format!("{}: {}", system.name(), system.about()),
            Err(_) => "has a mistake; `checker doctor --system` says which".to_owned(),
        };
        Entry::new(path.display().to_string(), about)
    };
    described::in_folder(Path::new(folder)).into_iter().map(entry).collect()
}

fn of_target(target: &Target) -> &'static str {
    match target {
        Target::One => "one node",
        Target::Minority => "the largest minority",
        Target::Majority => "the smallest majority",
        Target::Primaries => "the nodes that lead when it happens",
        Target::All => "every node",
        Target::Nodes(_) => "these nodes",
    }
}

fn topology(topology: &Topology) -> Entry {
    let about = match topology {
        Topology::One => "one node, and the rest",
        Topology::Majority => "the largest minority, and the smallest majority",
        Topology::Halves => "two halves, as equal as can be",
        Topology::MinorityThird => "a third, rounded down, and the rest",
        Topology::MajoritiesRing => "every node hears a majority, no two the same one",
        Topology::Bridge => "two halves that hear each other only through one node",
        Topology::Primaries => "every node that leads, each for itself, and the rest",
        Topology::OneWay => "one node does not hear the rest, or is not heard by them",
        Topology::Groups(_) => "nodes hear each other if some group has both",
        Topology::Links(_) => "exactly these directions are cut",
    };
    Entry::new(topology.word(), format!("{about}; from {} nodes", topology.smallest_cluster()))
}

fn bugs(system: &dyn System) -> Vec<Entry> {
    let describe = |flaw: Flaw| {
        let (system, about, shown_by) = (system.name(), flaw.about, flaw.shown_by);
        Entry::new(flaw.name.as_ref(), format!("{system}: {about}; shown by: {shown_by}"))
    };
    system.flaws().into_iter().map(describe).collect()
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
