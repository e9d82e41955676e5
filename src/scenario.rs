//! A scenario: everything that decides a run, in one file or from flags.
//!
//! `checker test` starts from the defaults here, lays a TOML file over them (`--scenario FILE`),
//! then the flags. What comes out is plain data, saved in the run's manifest.

use std::fmt;
use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use nemesis::schedule::{FaultKind, Step, Target};
use nemesis::topology::Topology;
use serde::{Deserialize, Serialize};
use workloads::Params;

/// Everything that decides a run, but for its seed.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct Scenario {
    /// The folder below `store/`; by default made of system, bug and workload.
    pub name: Option<String>,
    /// What it shows, for the reader of the file.
    pub about: Option<String>,
    /// The system under test: a name (see `checker list`), or the path of a description.
    pub system: String,
    /// A knowingly broken variant of it.
    pub bug: Option<String>,
    /// What the clients do: see `checker list`.
    pub workload: String,
    /// How many nodes, 1 to 7.
    pub nodes: u16,
    /// How many client workers: a number, or a multiple of the nodes such as `2n`.
    pub concurrency: Concurrency,
    /// Operations a second over all workers; 0 is as fast as they can.
    pub rate: f64,
    /// How long the load and the faults last.
    pub time_limit: Span,
    /// How long a client waits for an answer before it says that it does not know.
    pub timeout: Span,
    /// Operations on a key before its workers move on to the next.
    pub ops_per_key: u32,
    /// Draw values from this small domain instead of making each unique.
    pub values: Option<u32>,
    /// Whether a process stays with its node or asks the leader.
    pub route: Route,
    /// What breaks, and when.
    pub nemesis: Faults,
    /// How long recovery and final reads may take, each.
    pub final_time_limit: Span,
}

/// What breaks, and when.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct Faults {
    /// Kinds drawn from; empty for none.
    pub faults: Vec<FaultKind>,
    /// Whom kills, pauses and restarts hit.
    pub targets: Vec<Target>,
    /// Partition topologies drawn from.
    pub partitions: Vec<Topology>,
    /// From the beginning of one fault to that of the next, about; by default a quarter of the
    /// time limit, within 2 and 10 seconds.
    pub interval: Option<Span>,
    /// How much of an interval is calm, about; by default a quarter.
    pub stable_period: Option<Span>,
    /// At least so many nodes stay up; by default a majority.
    pub keep_up: Option<u16>,
    /// An explicit list of steps instead of random ones; see `scenarios/`.
    pub steps: Vec<Step>,
}

impl Default for Scenario {
    fn default() -> Scenario {
        Scenario {
            name: None,
            about: None,
            system: "sandbox".into(),
            bug: None,
            workload: "register".into(),
            nodes: 5,
            concurrency: Concurrency::PerNode(2),
            rate: 200.0,
            time_limit: Span(Duration::from_secs(30)),
            timeout: Span(Duration::from_secs(1)),
            ops_per_key: Params::default().ops_per_key,
            values: None,
            route: Route::Pinned,
            nemesis: Faults::default(),
            final_time_limit: Span(Duration::from_secs(30)),
        }
    }
}

impl Default for Faults {
    fn default() -> Faults {
        Faults {
            faults: FaultKind::DEFAULT.to_vec(),
            targets: Target::DRAWN.to_vec(),
            partitions: Topology::DRAWN.to_vec(),
            interval: None,
            stable_period: None,
            keep_up: None,
            steps: Vec::new(),
        }
    }
}

impl Scenario {
    /// Reads a TOML file over the defaults.
    ///
    /// # Errors
    /// With the file's name, line and column, when it cannot be read or has an unknown entry.
    pub fn read(path: &Path) -> Result<Scenario> {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("cannot read the scenario {}", path.display()))?;
        toml::from_str(&text).with_context(|| format!("in the scenario {}", path.display()))
    }

    /// The name of the run's folder.
    pub fn store_name(&self) -> String {
        if let Some(name) = &self.name {
            return name.clone();
        }
        let path = path_in(&self.system).and_then(Path::file_stem);
        let system = path.map_or(self.system.as_str().into(), |stem| stem.to_string_lossy());
        let parts = [Some(system.as_ref()), self.bug.as_deref(), Some(self.workload.as_str())];
        parts.into_iter().flatten().collect::<Vec<_>>().join("-")
    }

    /// How many workers the concurrency means here.
    pub fn workers(&self) -> usize {
        match self.concurrency {
            Concurrency::Workers(n) => n,
            Concurrency::PerNode(n) => n * usize::from(self.nodes),
        }
    }

    /// Refuses what cannot be run however many nodes there turn out to be.
    ///
    /// # Errors
    /// As [`Scenario::validate`] of a single node.
    pub fn validate_uncounted(&self) -> Result<()> {
        Scenario { nodes: 1, ..self.clone() }.validate()
    }

    /// Refuses what cannot be run, with the reason.
    ///
    /// # Errors
    /// When a number is out of its bounds.
    pub fn validate(&self) -> Result<()> {
        if !(1..=7).contains(&self.nodes) {
            bail!("{} nodes: a cluster has 1 to 7", self.nodes);
        }
        if !(1..=10_000).contains(&self.workers()) {
            bail!(
                "concurrency {} means {} workers: use 1 to 10000",
                self.concurrency,
                self.workers()
            );
        }
        if self.workers() < usize::from(self.nodes) {
            bail!(
                "concurrency {} leaves nodes without a client: use at least 1n ({} workers)",
                self.concurrency,
                self.nodes
            );
        }
        if !self.rate.is_finite() || self.rate < 0.0 {
            bail!("rate {}: use operations a second, or 0 for no limit", self.rate);
        }
        if self.time_limit.0.is_zero() || self.timeout.0.is_zero() {
            bail!("the time limit and the client time-out must be longer than nothing");
        }
        if workloads::find(&self.workload).is_none() {
            let known: Vec<&str> = workloads::ALL.iter().map(|workload| workload.name).collect();
            bail!("no workload {:?}; there is: {}", self.workload, known.join(", "));
        }
        if self.ops_per_key == 0 || self.values == Some(0) {
            bail!("a key needs at least one operation, and a domain at least one value");
        }
        Ok(())
    }
}

/// The path in what `--system` was given, if it is no name: it has a slash, or ends in `.toml`.
pub fn path_in(system: &str) -> Option<&Path> {
    let is_path = system.contains('/') || system.ends_with(".toml");
    is_path.then_some(Path::new(system))
}

/// Whether a process stays with its node or asks the leader.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Route {
    /// A process talks to one node, process modulo nodes: deposed leaders are asked too.
    Pinned,
    /// A process asks who leads and talks to that node.
    Leader,
}

impl From<Route> for workloads::Route {
    fn from(route: Route) -> workloads::Route {
        match route {
            Route::Pinned => workloads::Route::Pinned,
            Route::Leader => workloads::Route::Leader,
        }
    }
}

/// A number of workers, fixed or by node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Concurrency {
    /// So many.
    Workers(usize),
    /// So many a node: `2n`.
    PerNode(usize),
}

impl FromStr for Concurrency {
    type Err = String;

    fn from_str(text: &str) -> Result<Concurrency, String> {
        let (digits, wrap): (&str, fn(usize) -> Concurrency) = match text.strip_suffix('n') {
            Some(digits) => (digits, Concurrency::PerNode),
            None => (text, Concurrency::Workers),
        };
        match digits.parse() {
            Ok(n) if (1..=10_000).contains(&n) => Ok(wrap(n)),
            _ => {
                Err(format!("concurrency {text:?}: use a number of workers, or 2n for two a node"))
            }
        }
    }
}

impl TryFrom<String> for Concurrency {
    type Error = String;

    fn try_from(text: String) -> Result<Concurrency, String> {
        text.parse()
    }
}

impl From<Concurrency> for String {
    fn from(concurrency: Concurrency) -> String {
        concurrency.to_string()
    }
}

impl fmt::Display for Concurrency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Concurrency::Workers(n) => write!(f, "{n}"),
            Concurrency::PerNode(n) => write!(f, "{n}n"),
        }
    }
}

/// A length of time as people write it: `60s`, `1m 30s`, `250ms`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Span(pub Duration);

impl Span {
    /// So many seconds.
    pub const fn from_secs(seconds: u64) -> Span {
        Span(Duration::from_secs(seconds))
    }
}

impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Span, String> {
        let wrong = || format!("{text:?} is not a length of time: write 60s, 1m30s or 250ms");
        let span: jiff::SignedDuration = text.parse().map_err(|_| wrong())?;
        Duration::try_from(span).map(Span).map_err(|_| wrong())
    }
}

impl TryFrom<String> for Span {
    type Error = String;

    fn try_from(text: String) -> Result<Span, String> {
        text.parse()
    }
}

impl From<Span> for String {
    fn from(span: Span) -> String {
        span.to_string()
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let span = jiff::SignedDuration::try_from(self.0).map_err(|_| fmt::Error)?;
        write!(f, "{span:#}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_file_is_the_default_and_a_saved_scenario_reads_back_equal() {
        let default: Scenario = toml::from_str("").unwrap();
        let again: Scenario = toml::from_str(&toml::to_string(&default).unwrap()).unwrap();
        assert_eq!(format!("{default:?}"), format!("{again:?}"));
    }

    #[test]
    fn an_unknown_entry_is_an_error_that_names_it() {
        let error = toml::from_str::<Scenario>("tme-limit = '3s'").unwrap_err().to_string();
        assert!(error.contains("tme-limit"), "{error}");
    }

    #[test]
    fn spans_and_concurrency_read_as_people_write_them() {
        assert_eq!("1m 30s".parse::<Span>().unwrap().0, Duration::from_secs(90));
        assert_eq!("250ms".parse::<Span>().unwrap().to_string(), "250ms");
        assert!("-3s".parse::<Span>().is_err());
        assert!("60".parse::<Span>().is_err());
        assert_eq!("2n".parse::<Concurrency>().unwrap(), Concurrency::PerNode(2));
        assert!("0".parse::<Concurrency>().is_err());
        assert!("n".parse::<Concurrency>().is_err());
    }

    #[test]
    fn a_run_is_kept_under_its_name_or_else_under_system_bug_and_workload() {
        let plain = Scenario::default();
        assert_eq!(plain.store_name(), "sandbox-register");
        let broken = Scenario { bug: Some("amnesia".into()), ..Scenario::default() };
        assert_eq!(broken.store_name(), "sandbox-amnesia-register");
        let named = Scenario { name: Some("nightly".into()), ..broken };
        assert_eq!(named.store_name(), "nightly");
    }

    #[test]
    fn an_unknown_workload_is_refused_with_those_there_are() {
        let unknown = Scenario { workload: "queue".into(), ..Scenario::default() };
        let error = unknown.validate().unwrap_err().to_string();
        assert!(error.contains("queue") && error.contains("register, set"), "{error}");
    }

    #[test]
    fn every_node_has_a_client() {
        let few = Scenario { concurrency: Concurrency::Workers(3), ..Scenario::default() };
        assert!(few.validate().unwrap_err().to_string().contains("1n"));
        few.validate_uncounted().unwrap();
    }
}
