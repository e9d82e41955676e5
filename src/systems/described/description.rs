//! What can be in the file that describes a system, entry by entry.
//!
//! Everything is checked while it is read, unknown entries and unknown variables included, so that
//! an error carries the line of the file. What depends on several entries is checked by
//! [`Description::validate`], which names the table instead.

use std::collections::BTreeMap;
use std::fmt;

use anyhow::{Result, bail};
use nemesis::env::{PeerAddresses, StopSignal};
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, MapAccess, Visitor};
use workloads::clients::described::{
    CAS_NIL, Function, Functions, Headers, Pattern, Redirects, StatusRequest, Step,
};
use workloads::template::{
    OfAttached, OfCall, OfClient, OfEndpoint, OfLink, OfMember, OfNumber, Template,
};

use crate::scenario::Span;

/// A whole file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Description {
    pub(super) system: About,
    /// How a member is started; without it, only where something else runs the members.
    pub(super) process: Option<Process>,
    pub(super) docker: Option<Docker>,
    #[serde(default)]
    pub(super) attach: Attach,
    #[serde(default)]
    pub(super) ready: Ready,
    pub(super) form: Option<Form>,
    pub(super) status: Option<StatusRequest>,
    pub(super) version: Option<Version>,
    #[serde(default)]
    pub(super) client: Client,
    /// By workload, then by function.
    #[serde(default)]
    pub(super) functions: BTreeMap<String, Functions>,
    /// Knowingly broken variants, by the name that `--bug` takes.
    #[serde(default)]
    pub(super) bugs: BTreeMap<String, Bug>,
}

/// What it is.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct About {
    pub(super) name: String,
    pub(super) about: String,
    /// How members learn to reach each other.
    #[serde(default)]
    pub(super) peers: Peers,
    /// The longest for which a member may act on a request that its client gave up on.
    pub(super) request_lifetime: Span,
}

/// How members learn to reach each other.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Peers {
    /// All share the address that a member advertises.
    #[default]
    Advertised,
    /// Each can be told its own address for each of the others.
    PerPair,
}

impl From<Peers> for PeerAddresses {
    fn from(peers: Peers) -> PeerAddresses {
        match peers {
            Peers::Advertised => PeerAddresses::Advertised,
            Peers::PerPair => PeerAddresses::PerPair,
        }
    }
}

/// How a member is started and stopped.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Process {
    /// A name to look for in `$PATH`, or a path; a relative one begins at the description's folder.
    pub(super) program: Template<OfMember>,
    /// How to get the program, for who does not have it.
    pub(super) install: Option<String>,
    #[serde(default)]
    pub(super) args: Vec<Arg>,
    #[serde(default)]
    pub(super) env: BTreeMap<String, Template<OfMember>>,
    /// Written before the member starts.
    #[serde(default)]
    pub(super) files: Vec<File>,
    #[serde(default)]
    pub(super) stop_signal: Signal,
    /// How long it may take to stop before that counts as hanging.
    pub(super) stop_grace: Span,
}

/// The signal that asks it to stop.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Signal {
    #[default]
    Term,
    Interrupt,
}

impl From<Signal> for StopSignal {
    fn from(signal: Signal) -> StopSignal {
        match signal {
            Signal::Term => StopSignal::Term,
            Signal::Interrupt => StopSignal::Interrupt,
        }
    }
}

/// One or several words of a command line.
#[derive(Clone, Debug)]
pub(super) enum Arg {
    /// One.
    Word(Template<OfMember>),
    /// These for every member.
    Members(Vec<Template<OfMember>>),
    /// These for every member but this one.
    Others(Vec<Template<OfMember>>),
}

impl<'de> Deserialize<'de> for Arg {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Arg, D::Error> {
        struct WordOrList;
        impl<'de> Visitor<'de> for WordOrList {
            type Value = Arg;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a word, or a list for each member such as { others = [\"--join\", \"{peer}\"] }")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Arg, E> {
                Template::parse(text).map(Arg::Word).map_err(E::custom)
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Arg, A::Error> {
                #[derive(Deserialize)]
                #[serde(rename_all = "kebab-case")]
                enum List {
                    Members(Vec<Template<OfMember>>),
                    Others(Vec<Template<OfMember>>),
                }
                Ok(match List::deserialize(MapAccessDeserializer::new(map))? {
                    List::Members(words) => Arg::Members(words),
                    List::Others(words) => Arg::Others(words),
                })
            }
        }
        deserializer.deserialize_any(WordOrList)
    }
}

/// A file that a member reads.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct File {
    pub(super) path: Template<OfMember>,
    pub(super) text: Template<OfMember>,
}

/// The member as a service of a Compose project.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Docker {
    /// The service's name.
    pub(super) service: Template<OfNumber>,
    /// Where it serves clients inside its container.
    pub(super) client_port: u16,
}

/// What can be done to nodes that something else runs: shell commands, all optional.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(super) struct Attach {
    pub(super) kill: Option<Template<OfAttached>>,
    pub(super) start: Option<Template<OfAttached>>,
    pub(super) stop: Option<Template<OfAttached>>,
    pub(super) pause: Option<Template<OfAttached>>,
    pub(super) resume: Option<Template<OfAttached>>,
    /// Prints `running`, `paused` or `dead`.
    pub(super) state: Option<Template<OfAttached>>,
    /// Run for each link that is cut; `{node}` no longer hears `{other}`.
    pub(super) cut: Option<Template<OfLink>>,
    /// Opens all links to a node.
    pub(super) heal: Option<Template<OfAttached>>,
    /// Succeeds if `{node}` hears `{other}`.
    pub(super) reach: Option<Template<OfLink>>,
    /// Whether `cut` and `reach` tell the two directions between two nodes apart.
    pub(super) one_way: bool,
    /// How long a node may take to stop before it is killed.
    pub(super) stop_grace: Option<Span>,
}

/// What shows that a member that was started is up. All that is given must hold.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(super) struct Ready {
    /// All members must be up within this time.
    pub(super) within: Option<Span>,
    pub(super) http: Option<Step<OfEndpoint>>,
    pub(super) tcp: Option<Port>,
    /// This file exists.
    pub(super) file: Option<Template<OfMember>>,
    /// A line of its log matches.
    pub(super) log: Option<Pattern>,
}

/// One of a member's ports.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Port {
    Client,
    Peer,
}

/// What makes one cluster of the members that are up.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Form {
    pub(super) on: On,
    /// It is tried again and again for so long.
    pub(super) within: Option<Span>,
    pub(super) http: Option<Step<OfMember>>,
    pub(super) command: Option<Vec<Template<OfMember>>>,
}

/// Who is told to form the cluster.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum On {
    /// The first member.
    First,
    /// One after the other.
    Each,
    /// One after the other, but for the first.
    Others,
}

/// A command that prints the system's version.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Version {
    pub(super) command: Vec<String>,
    /// Its first group is the version; without it, the first line is.
    pub(super) matches: Option<Pattern>,
}

/// How clients behave, whatever they are asked.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(super) struct Client {
    pub(super) headers: Headers<OfCall>,
    pub(super) redirects: Redirects,
    /// A program that speaks JSON lines, instead of `[functions]`.
    pub(super) command: Option<Vec<Template<OfClient>>>,
}

/// A knowingly broken variant: what differs from the system as it should be.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Bug {
    pub(super) about: String,
    pub(super) shown_by: String,
    /// More words at the end of the command line.
    #[serde(default)]
    pub(super) args: Vec<Arg>,
    #[serde(default)]
    pub(super) env: BTreeMap<String, Template<OfMember>>,
    /// Functions in place of those of the same name.
    #[serde(default)]
    pub(super) functions: BTreeMap<String, Functions>,
}

impl Description {
    /// Refuses what no single entry shows.
    ///
    /// # Errors
    /// With the table's name and what to do.
    pub(super) fn validate(&self) -> Result<()> {
        let name = &self.system.name;
        if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
        {
            bail!(
                "[system] name {name:?}: use letters, digits, - and _: folders are named after it"
            );
        }
        match (&self.client.command, self.functions.is_empty()) {
            (None, true) => bail!(
                "nothing says what clients send: add [functions.register.read] and the like, or a \
                 [client] command; docs/systems.md has an example"
            ),
            (Some(_), false) => {
                bail!("[client] command and [functions] are two clients: keep one of them")
            }
            (Some(command), true) if command.is_empty() => {
                bail!("[client] command has no program: write [\"python3\", \"client.py\"]")
            }
            _ => {}
        }
        for (place, workloads) in self.all_functions() {
            for (workload, functions) in workloads {
                for (f, function) in functions {
                    check_function(&format!("[{place}.{workload}.{f}]"), workload, f, function)?;
                }
            }
        }
        if let Some(form) = &self.form
            && form.http.is_some() == form.command.is_some()
        {
            bail!("[form] needs one of http and command, and not both");
        }
        Ok(())
    }

    /// Every table of functions with its place in the file.
    fn all_functions(&self) -> impl Iterator<Item = (String, &BTreeMap<String, Functions>)> {
        let usual = ("functions".to_owned(), &self.functions);
        let broken =
            self.bugs.iter().map(|(name, bug)| (format!("bugs.{name}.functions"), &bug.functions));
        std::iter::once(usual).chain(broken)
    }
}

fn check_function(place: &str, workload: &str, f: &str, function: &Function) -> Result<()> {
    let Some(known) = workloads::find(workload) else {
        let names: Vec<&str> = workloads::ALL.iter().map(|workload| workload.name).collect();
        bail!("{place}: no workload {workload:?}; there is: {}", names.join(", "));
    };
    let is_variant = f == CAS_NIL && known.functions.contains(&"cas");
    if !is_variant && !known.functions.contains(&f) {
        bail!("{place}: {workload} has no function {f:?}; it has: {}", known.functions.join(", "));
    }
    if f != "read" && function.tells_of_nothing() {
        bail!("{place}: nil is for read: of a {f} it would acknowledge what was refused");
    }
    if !["cas", CAS_NIL].contains(&f) && function.tells_of_mismatches() {
        bail!("{place}: mismatch is for cas: name what proves that a {f} did nothing under fail");
    }
    if f == "read" && !function.finds_values() {
        bail!(
            "{place}: nothing says where the value is that was read: add value = {{ pointer = \
             \"/value\" }} for JSON, or value = {{ decode = [\"int\"] }} for a bare number"
        );
    }
    Ok(())
}
