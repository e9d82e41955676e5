//! The cells of a suite: each a scenario that is settled to its last entry, a seed, and the flags
//! that no scenario holds.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context, Result};
use nemesis::schedule::FaultKind;
use serde::{Deserialize, Serialize};
use toml::{Table, Value};

use super::file::{Matrix, Override, Suite};
use super::seeds::{self, Seed};
use crate::exit::BadInput;
use crate::scenario::Scenario;
use crate::store::safe_name;

/// One run that a night is to have.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Cell {
    /// Its name, the same every night, and its folder in the night's.
    pub id: String,
    /// The system under test.
    pub system: String,
    /// The knowingly broken variant of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bug: Option<String>,
    /// What clients do.
    pub workload: String,
    /// What breaks, as the suite spells it.
    pub nemesis: String,
    /// Where every random choice comes from.
    pub seed: u64,
    /// The whole scenario, as TOML.
    pub scenario: String,
    /// The environment, where the suite names one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub env: Option<String>,
    /// Further flags of `checker test`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub args: Vec<String>,
}

impl Cell {
    /// As people name it.
    pub fn label(&self) -> String {
        let system = match &self.bug {
            Some(bug) => format!("{} with {bug}", self.system),
            None => self.system.clone(),
        };
        let seed = format!("seed {}", self.seed);
        [system, self.workload.clone(), self.nemesis.clone(), seed].join(" · ")
    }

    /// Whether anything is to break. The scenario knows, as the suite may call its faults `quiet`.
    pub fn plans_faults(&self) -> bool {
        self.scenario().map_or(self.nemesis != "none", |scenario| {
            !(scenario.nemesis.faults.is_empty() && scenario.nemesis.steps.is_empty())
        })
    }

    /// The scenario, read back.
    ///
    /// # Errors
    /// When the plan that it comes from was edited.
    pub fn scenario(&self) -> Result<Scenario> {
        toml::from_str(&self.scenario).with_context(|| format!("the scenario of {}", self.id))
    }
}

/// All cells of a suite in a night with this seed, in the order in which they are run.
///
/// # Errors
/// [`BadInput`] when an entry means nothing, or two cells have one name.
pub(super) fn all(suite: &Suite, night: u64) -> Result<Vec<Cell>> {
    let mut cells = Vec::new();
    let mut names = BTreeSet::new();
    for matrix in &suite.matrix {
        for seed in seeds::of(matrix, night) {
            for axes in Axes::product(matrix) {
                let Some(cell) = cell(suite, matrix, &axes, &seed)? else { continue };
                if !names.insert(cell.id.clone()) {
                    let cure = "give one of their [[matrix]] a name";
                    return Err(BadInput(format!("two cells are {}: {cure}", cell.id)).into());
                }
                cells.push(cell);
            }
        }
    }
    if cells.is_empty() {
        return Err(BadInput(format!("every cell of {} is skipped", suite.name)).into());
    }
    Ok(cells)
}

/// One value of each axis; `None` where the matrix leaves it out.
#[derive(Clone, Copy, Default)]
struct Axes<'a> {
    system: Option<&'a str>,
    bug: Option<&'a str>,
    workload: Option<&'a str>,
    nemesis: Option<&'a str>,
}

impl<'a> Axes<'a> {
    fn product(matrix: &'a Matrix) -> Vec<Axes<'a>> {
        let mut all = vec![Axes::default()];
        type Put<'a> = fn(&mut Axes<'a>, &'a str);
        let axes: [(&'a [String], Put<'a>); 4] = [
            (&matrix.system, |axes, value| axes.system = Some(value)),
            (&matrix.bug, |axes, value| axes.bug = Some(value)),
            (&matrix.workload, |axes, value| axes.workload = Some(value)),
            (&matrix.nemesis, |axes, value| axes.nemesis = Some(value)),
        ];
        for (values, put) in axes.into_iter().filter(|(values, _)| !values.is_empty()) {
            let with = |axes: Axes<'a>, value: &'a String| {
                let mut axes = axes;
                put(&mut axes, value);
                axes
            };
            all = all
                .into_iter()
                .flat_map(|axes| values.iter().map(move |value| with(axes, value)))
                .collect();
        }
        all
    }
}

impl Override {
    fn matches(&self, scenario: &Scenario, nemesis: &str) -> bool {
        let among = |list: &[String], value: Option<&str>| {
            list.is_empty() || value.is_some_and(|value| list.iter().any(|one| one == value))
        };
        among(&self.system, Some(&scenario.system))
            && among(&self.bug, scenario.bug.as_deref())
            && among(&self.workload, Some(&scenario.workload))
            && among(&self.nemesis, Some(nemesis))
    }
}

/// The cell at a point of the matrix; nothing if an override skips it.
fn cell(suite: &Suite, matrix: &Matrix, axes: &Axes, seed: &Seed) -> Result<Option<Cell>> {
    let mut settings = Settings::default();
    settings.lay(&suite.set, &suite.folder)?;
    settings.lay(&matrix.set, &suite.folder)?;
    for (name, value) in [("system", axes.system), ("bug", axes.bug), ("workload", axes.workload)] {
        if let Some(value) = value {
            settings.entries.insert(name.into(), Value::String(value.into()));
        }
    }
    if let Some(nemesis) = axes.nemesis {
        settings.breaks(nemesis, suite)?;
    }
    let nemesis = axes.nemesis.map_or_else(|| settings.faults(), |name| Ok(name.to_owned()))?;
    let before = settings.scenario()?;
    for change in suite.overrides.iter().filter(|change| change.matches(&before, &nemesis)) {
        if change.skip.is_some() {
            return Ok(None);
        }
        settings.lay(&change.set, &suite.folder)?;
    }
    let mut scenario = settings.scenario()?;
    let parts = [
        matrix.name.clone(),
        Some(scenario.system.clone()),
        scenario.bug.clone(),
        Some(scenario.workload.clone()),
        Some(nemesis.replace([',', ' '], "+")),
        Some(seed.name.clone()),
    ];
    let id = safe_name(&parts.into_iter().flatten().collect::<Vec<_>>().join("."));
    scenario.name = Some(id.clone());
    Ok(Some(Cell {
        id,
        system: scenario.system.clone(),
        bug: scenario.bug.clone(),
        workload: scenario.workload.clone(),
        nemesis,
        seed: seed.seed,
        scenario: toml::to_string(&scenario).context("writing a cell's scenario")?,
        env: settings.env,
        args: settings.args,
    }))
}

/// What a cell has been given so far.
#[derive(Default)]
struct Settings {
    entries: Table,
    env: Option<String>,
    args: Vec<String>,
}

impl Settings {
    /// Lays a `set` over what there is.
    fn lay(&mut self, set: &Table, folder: &Path) -> Result<()> {
        let mut set = set.clone();
        if let Some(file) = set.remove("scenario") {
            merge(&mut self.entries, read_table(&folder.join(text("scenario", file)?))?);
        }
        if let Some(env) = set.remove("env") {
            self.env = Some(text("env", env)?);
        }
        if let Some(Value::Array(args)) = set.get("args") {
            let words = args.iter().map(|word| text("args", word.clone()));
            self.args = words.collect::<Result<_>>()?;
            set.remove("args");
        }
        merge(&mut self.entries, set);
        Ok(())
    }

    /// Has it break what a value of the axis says.
    fn breaks(&mut self, nemesis: &str, suite: &Suite) -> Result<()> {
        if let Some(named) = suite.nemesis.get(nemesis) {
            self.entries.insert("nemesis".into(), Value::Table(named.clone()));
            return Ok(());
        }
        let kinds: Vec<FaultKind> = match nemesis {
            "none" => Vec::new(),
            "all" => FaultKind::DEFAULT.to_vec(),
            list => list
                .split(',')
                .map(|kind| kind.trim().parse())
                .collect::<Result<_, _>>()
                .map_err(|error| BadInput(format!("nemesis {nemesis:?}: {error}")))?,
        };
        let words = kinds.iter().map(|kind| Value::String(kind.word().into())).collect();
        let faults = Table::from_iter([
            ("faults".to_owned(), Value::Array(words)),
            ("steps".to_owned(), Value::Array(Vec::new())),
        ]);
        merge(&mut self.entries, Table::from_iter([("nemesis".to_owned(), Value::Table(faults))]));
        Ok(())
    }

    /// The faults in a word, where no axis names them.
    fn faults(&self) -> Result<String> {
        let faults = self.scenario()?.nemesis;
        let kinds: Vec<&str> = faults.faults.iter().map(|kind| kind.word()).collect();
        Ok(match (faults.steps.is_empty(), kinds.is_empty()) {
            (false, _) => "steps".to_owned(),
            (true, true) => "none".to_owned(),
            (true, false) if faults.faults == FaultKind::DEFAULT => "all".to_owned(),
            (true, false) => kinds.join(","),
        })
    }

    fn scenario(&self) -> Result<Scenario> {
        let scenario = Value::Table(self.entries.clone()).try_into();
        Ok(scenario.map_err(|error| BadInput(format!("what a cell has set: {error}")))?)
    }
}

fn text(name: &str, value: Value) -> Result<String> {
    match value {
        Value::String(text) => Ok(text),
        other => Err(BadInput(format!("{name} = {other}: write it in quotes")).into()),
    }
}

fn read_table(path: &Path) -> Result<Table> {
    let read = || -> Result<Table> { Ok(std::fs::read_to_string(path)?.parse()?) };
    Ok(read().map_err(|e| BadInput(format!("the scenario {}: {e:#}", path.display())))?)
}

/// Lays one table over another, tables within tables too.
fn merge(below: &mut Table, above: Table) {
    for (key, value) in above {
        match (below.get_mut(&key), value) {
            (Some(Value::Table(below)), Value::Table(above)) => merge(below, above),
            (_, value) => drop(below.insert(key, value)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells(text: &str) -> Result<Vec<Cell>> {
        let mut suite: Suite = toml::from_str(text).unwrap();
        suite.name = "t".into();
        all(&suite, 40)
    }

    fn ids(text: &str) -> Vec<String> {
        cells(text).unwrap().into_iter().map(|cell| cell.id).collect()
    }

    #[test]
    fn a_matrix_is_the_product_of_its_axes_seed_by_seed() {
        let suite = "[[matrix]]\nsystem = ['sandbox']\nworkload = ['register', 'set']\n\
                     nemesis = ['none', 'kill,pause']\nseeds = [1]\nfresh-seeds = 1\n";
        assert_eq!(
            ids(suite),
            [
                "sandbox.register.none.s1",
                "sandbox.register.kill-pause.s1",
                "sandbox.set.none.s1",
                "sandbox.set.kill-pause.s1",
                "sandbox.register.none.r1",
                "sandbox.register.kill-pause.r1",
                "sandbox.set.none.r1",
                "sandbox.set.kill-pause.r1",
            ]
        );
        assert_eq!(cells(suite).unwrap()[5].seed, 40);
    }

    #[test]
    fn later_settings_lie_over_earlier_ones_and_overrides_only_over_what_they_match() {
        let suite = "[set]\ntime-limit = '9s'\nenv = 'local'\nnemesis = { interval = '3s' }\n\
                     [[matrix]]\nworkload = ['register', 'set']\nnemesis = ['kill']\n\
                     set = { rate = 50.0 }\n\
                     [[override]]\nworkload = ['set']\n\
                     set = { time-limit = '4s', args = ['--threads', '1'] }\n";
        let cells = cells(suite).unwrap();
        let [register, set] = &cells[..] else { unreachable!("two workloads: {cells:?}") };
        let (of_register, of_set) = (register.scenario().unwrap(), set.scenario().unwrap());
        assert_eq!((of_register.time_limit.to_string().as_str(), of_register.rate), ("9s", 50.0));
        assert_eq!(of_set.time_limit.to_string(), "4s");
        assert_eq!(of_set.nemesis.faults, [FaultKind::Kill]);
        assert_eq!(of_set.nemesis.interval.unwrap().to_string(), "3s");
        assert_eq!((register.env.as_deref(), &*register.args), (Some("local"), &[][..]));
        assert_eq!(set.args, ["--threads", "1"]);
    }

    #[test]
    fn named_faults_stand_in_for_kinds_and_some_cells_may_be_skipped() {
        let suite = "[nemesis.drill]\nsteps = [{ at_ms = 5, inject = { fault = 'kill', target = 'one' } }]\n\
                     [[matrix]]\nnemesis = ['drill', 'none']\n\
                     [[override]]\nnemesis = ['none']\nskip = 'not tonight'\n";
        let cells = cells(suite).unwrap();
        assert_eq!(cells.len(), 1);
        assert_eq!(cells[0].scenario().unwrap().nemesis.steps.len(), 1);
        assert_eq!(cells[0].nemesis, "drill");
    }

    #[test]
    fn the_suites_that_are_shipped_can_be_played() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/suites");
        for (file, count) in [("sandbox.toml", 6), ("nightly.toml", 41)] {
            let suite = Suite::read(&folder.join(file)).unwrap();
            let cells = suite.cells(1).unwrap();
            assert_eq!(cells.len(), count, "{file}");
            for cell in cells {
                cell.scenario().and_then(|scenario| scenario.validate()).unwrap();
            }
        }
    }

    #[test]
    fn what_cannot_be_meant_is_refused_with_its_place() {
        let error = |text| format!("{:#}", cells(text).unwrap_err());
        assert!(error("[[matrix]]\nnemesis = ['flood']\n").contains("flood"));
        assert!(error("[[matrix]]\nset = { tme-limit = '3s' }\n").contains("tme-limit"));
        assert!(
            error("[[matrix]]\n[[matrix]]\n").contains("two cells are sandbox.register.all.r1")
        );
    }
}
