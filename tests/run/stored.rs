//! What a run left in the store, read as a program that knows only the documented files would.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use nemesis::schedule::{Action, Schedule};
use serde_json::Value as Json;

/// A run's folder.
pub(crate) struct Stored {
    folder: PathBuf,
}

/// A completion by the nemesis: what it did, with proof.
#[derive(Debug)]
pub(crate) struct Deed {
    pub(crate) f: String,
    /// What it broke, if it broke something.
    pub(crate) id: Option<u64>,
    /// What it healed.
    pub(crate) heals: Vec<u64>,
    pub(crate) held: bool,
    pub(crate) skipped: bool,
}

impl Stored {
    pub(crate) fn at(folder: PathBuf) -> Stored {
        Stored { folder }
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    pub(crate) fn text(&self, name: &str) -> String {
        let path = self.path(name);
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    pub(crate) fn json(&self, name: &str) -> Json {
        serde_json::from_str(&self.text(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// The events so far, whole lines only: the journal may be growing.
    pub(crate) fn events(&self) -> Vec<Json> {
        let journal = fs::read_to_string(self.path("history.jsonl")).unwrap_or_default();
        journal
            .split_inclusive('\n')
            .filter(|line| line.ends_with('\n'))
            .map(|line| serde_json::from_str(line).expect("a line of the journal is JSON"))
            .collect()
    }

    /// How many operations were acknowledged so far.
    pub(crate) fn acknowledged(&self) -> usize {
        self.events().iter().filter(|event| event["type"] == "ok").count()
    }

    /// The planned faults.
    pub(crate) fn schedule(&self) -> Schedule {
        serde_json::from_str(&self.text("schedule.json")).expect("schedule.json is a schedule")
    }

    /// What the nemesis did so far.
    pub(crate) fn deeds(&self) -> Vec<Deed> {
        let told = |event: &Json| {
            let value = event["value"].as_object()?;
            let numbers = value.get("heals").and_then(Json::as_array).into_iter().flatten();
            Some(Deed {
                f: event["f"].as_str()?.to_owned(),
                id: value.get("id").and_then(Json::as_u64),
                heals: numbers.filter_map(Json::as_u64).collect(),
                held: event["value"]["proof"]["held"] == true,
                skipped: value.contains_key("skipped"),
            })
        };
        let of_nemesis = |event: &&Json| event["process"] == "nemesis";
        self.events().iter().filter(of_nemesis).filter_map(told).collect()
    }

    /// Asserts that faults happened as planned, as far as there was time, that each was proved in
    /// force, and that each was healed and proved so.
    pub(crate) fn assert_faults_are_proved(&self) {
        let deeds = self.deeds();
        let planned: Vec<&str> = (self.schedule().steps.iter())
            .filter(|step| matches!(step.action, Action::Inject(_)))
            .map(|step| step.f())
            .collect();
        let injected: Vec<&Deed> = deeds.iter().filter(|deed| deed.id.is_some()).collect();
        assert!(!injected.is_empty(), "no fault of {planned:?} happened: {deeds:?}");
        // One that found nobody to hit has no number, and was planned all the same.
        let tried = deeds.iter().filter(|deed| deed.id.is_some() || deed.skipped);
        let names: Vec<&str> = tried.map(|deed| deed.f.as_str()).collect();
        assert!(planned.starts_with(&names), "{names:?} is not how {planned:?} begins");

        for deed in deeds.iter().filter(|deed| !deed.skipped) {
            assert!(deed.held, "not proved: {deed:?}");
        }
        let healed: BTreeSet<u64> = deeds.iter().flat_map(|deed| deed.heals.clone()).collect();
        for deed in injected.iter().filter(|deed| !deed.skipped && deed.f != "restart") {
            let id = deed.id.expect("it broke something");
            assert!(healed.contains(&id), "never healed: {deed:?} in {deeds:?}");
        }
        assert_eq!(self.json("results.json")["axes"]["harness"]["word"], "ok");
    }

    /// Asserts a verdict of valid that means something.
    pub(crate) fn assert_valid_and_not_vacuous(&self) {
        let results = self.json("results.json");
        assert_eq!(results["valid?"], true, "{results:#}");
        assert_eq!(results["vacuous?"], false, "{results:#}");
        assert!(results["stats"]["acknowledged-writes"].as_u64() > Some(0), "{results:#}");
        assert!(results["stats"]["reads-of-written-values"].as_u64() > Some(0), "{results:#}");
    }
}
