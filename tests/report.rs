//! The report, looked at as a person would: what the terminal says, and what a browser shows.

#[path = "report/sample.rs"]
mod sample;

use std::path::PathBuf;

use checker::Value;
use ordeal::report::{Colour, Input, text, write_all};

fn folder(name: &str) -> PathBuf {
    let dir = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("report").join(name);
    let _ = std::fs::remove_dir_all(&dir);
    std::fs::create_dir_all(&dir).expect("the test folder is ours");
    dir
}

#[test]
fn every_file_of_a_run_is_written_without_a_warning() {
    for operations in [1_000, 10_000] {
        let sample = sample::invalid(operations, &Value::Int);
        let input = Input {
            title: format!("sandbox register, {operations} operations"),
            history: &sample.history,
            verdict: &sample.verdict,
            run: Some(sample::facts()),
        };
        let dir = folder(&operations.to_string());
        assert_eq!(write_all(&dir, &input), Vec::<String>::new());
        let text = text(&input, &input.axes(), Some(&dir), Colour::Never);
        println!("{text}");
        assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
        assert!(text.starts_with("INVALID  "), "{text}");
    }
}
