//! The reference corpus: histories with known verdicts, read where they lie, never copied.

use std::path::Path;

use checker::checks::{CheckOptions, CheckerSpec};
use checker::history::{Format, History, Independent, read_path};
use checker::model::{FailedCas, ModelName, ModelOptions, NilReads};

pub(crate) use super::place::folder;

/// One line of `verdicts.tsv`.
pub(crate) struct Entry {
    pub(crate) file: String,
    pub(crate) model: String,
    pub(crate) verdict: String,
}

/// The register histories with a known verdict.
pub(crate) fn entries(folder: &Path) -> Vec<Entry> {
    let table = std::fs::read_to_string(folder.join("verdicts.tsv")).expect("a readable corpus");
    let entry = |line: &str| {
        let mut fields = line.split('\t').map(str::to_owned);
        Some(Entry { file: fields.next()?, model: fields.next()?, verdict: fields.next()? })
    };
    let known = |entry: &Entry| {
        entry.model.contains("register") && ["valid", "invalid"].contains(&entry.verdict.as_str())
    };
    table.lines().skip(1).filter_map(entry).filter(known).collect()
}

impl Entry {
    pub(crate) fn is_log(&self) -> bool {
        self.file.ends_with(".log")
    }

    pub(crate) fn read(&self, folder: &Path) -> History {
        let format = self.is_log().then_some(Format::Log);
        read_path(&folder.join(&self.file), format).expect("a readable history")
    }

    pub(crate) fn options(&self) -> CheckOptions {
        let failed_cas = match self.model.contains("failed cas kept as an observation") {
            true => FailedCas::Observe,
            false => FailedCas::Drop,
        };
        let model = match self.model.starts_with("register") {
            true => ModelName::Register,
            false => ModelName::CasRegister,
        };
        let options = ModelOptions { init: None, nil_reads: NilReads::Value, failed_cas };
        CheckOptions {
            spec: CheckerSpec::Linearizable { model, options },
            independent: Independent::No,
            ..CheckOptions::default()
        }
    }
}
