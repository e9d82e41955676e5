//! The violation of a run whose tester died after it had judged and before it put that on record:
//! while it drew, which takes the most memory, or because its time was up.
//!
//! Results are written before anything is drawn, so `results.json` has it. Without this the run would
//! be one that never ended, and be run again until it is good.

use std::path::Path;

use serde_json::Value as Json;

use super::record::Violation;

/// What was found until the tester died.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Salvaged {
    /// The verdict in a sentence.
    pub(crate) sentence: String,
    /// One a fingerprint, or a kind where there is none.
    pub(crate) violations: Vec<Violation>,
}

/// The violation that the results in `folder` tell of; nothing if they tell of none, or are not there
/// whole.
pub(crate) fn salvaged(folder: &Path) -> Option<Salvaged> {
    let results: Json =
        serde_json::from_slice(&std::fs::read(folder.join("results.json")).ok()?).ok()?;
    if results["valid?"] != false {
        return None;
    }
    let sentence = text(&results["axes"]["safety"], "sentence");
    let mut violations = Vec::new();
    let of_keys = results["results"].as_object().into_iter().flat_map(|keys| keys.values());
    for result in std::iter::once(&results).chain(of_keys) {
        for anomaly in result["anomalies"].as_array().into_iter().flatten() {
            add(&mut violations, anomaly);
        }
    }
    Some(Salvaged { sentence, violations })
}

fn add(violations: &mut Vec<Violation>, anomaly: &Json) {
    let fingerprint = Some(text(anomaly, "fingerprint")).filter(|text| !text.is_empty());
    let (kind, sentence) = (text(anomaly, "type"), text(anomaly, "sentence"));
    let same = |seen: &&mut Violation| {
        seen.fingerprint == fingerprint && (fingerprint.is_some() || seen.kind == kind)
    };
    match violations.iter_mut().find(same) {
        Some(seen) => seen.count += 1,
        None => violations.push(Violation { fingerprint, kind, sentence, count: 1 }),
    }
}

fn text(of: &Json, name: &str) -> String {
    of[name].as_str().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn salvaged_from(results: &str) -> Option<Salvaged> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("results.json"), results).unwrap();
        salvaged(folder.path())
    }

    #[test]
    fn a_violation_is_found_with_its_fingerprints_wherever_its_key_is() {
        let anomaly = r#"{"type": "lost", "fingerprint": "f1", "sentence": "7 is lost"}"#;
        let found = salvaged_from(&format!(
            r#"{{"valid?": false, "axes": {{"safety": {{"sentence": "1 of 2 keys"}}}},
                "results": {{"1": {{"anomalies": [{anomaly}, {anomaly}]}}, "2": {{}}}}}}"#
        ));
        let found = found.expect("there is one");
        assert_eq!(found.sentence, "1 of 2 keys");
        let [violation] = &found.violations[..] else { panic!("one: {found:?}") };
        assert_eq!((violation.fingerprint.as_deref(), violation.count), (Some("f1"), 2));
    }

    #[test]
    fn what_is_valid_unknown_or_torn_is_no_violation() {
        for results in [r#"{"valid?": true}"#, r#"{"valid?": "unknown"}"#, r#"{"valid?": fal"#, ""]
        {
            assert_eq!(salvaged_from(results), None, "{results}");
        }
        assert_eq!(salvaged(Path::new("/nowhere")), None);
    }
}
