//! `clockless margin` as a person meets it: what it prints, and how it ends.

use std::{fs, process::Command};

use tempfile::TempDir;

const GOOD: &str = r#"{"id": 1, "spot": 100, "positions": [{"kind": "perp", "forward": 100, "qty": 2}]}"#;
const BAD: &str = r#"{"id": 2, "spot": 100, "positions": [{"kind": "perp", "forward": NaN, "qty": 2}]}"#;
const REASON: &str = "portfolios[1].positions[0].forward is \"NaN\", must be a number above zero";

/// Exit code, output and errors of `clockless margin` on a file with these portfolios.
fn margin(portfolios: &[&str], flags: &[&str]) -> (Option<i32>, String, String) {
    let folder = TempDir::new().expect("a folder for the test");
    let file = folder.path().join("portfolios.json");
    fs::write(&file, format!(r#"{{"portfolios": [{}]}}"#, portfolios.join(", ")))
        .expect("the file is written");
    let done = Command::new(env!("CARGO_BIN_EXE_clockless")).arg("margin").arg(&file).args(flags).output();
    let done = done.expect("the program starts");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("it prints text");
    (done.status.code(), text(done.stdout), text(done.stderr))
}

#[test]
fn answers_are_one_object_with_what_was_asked_in_it() {
    let (code, out, _) = margin(&[GOOD], &["--json"]);
    assert_eq!(code, Some(0));
    let told: serde_json::Value = serde_json::from_str(&out).expect("it prints JSON");
    let portfolio = &told["portfolios"][0];
    assert_eq!(portfolio["positions"][0]["qty"], 2);
    assert_eq!(portfolio["results"]["grid27_ext8"]["worst_loss"], 32.0);
    assert_eq!(portfolio["futures_contingency"], 1.2);
}

#[test]
fn a_bad_portfolio_ends_it_with_2_and_is_named() {
    let (code, out, errors) = margin(&[GOOD, BAD], &["--json"]);
    assert_eq!((code, out.as_str()), (Some(2), ""));
    assert!(errors.contains(REASON), "{errors}");
}

#[test]
fn asked_to_keep_going_it_answers_the_good_ones() {
    let (code, out, errors) = margin(&[GOOD, BAD], &["--json", "--keep-going"]);
    assert_eq!(code, Some(2));
    assert!(errors.contains(REASON), "{errors}");
    let told: serde_json::Value = serde_json::from_str(&out).expect("it prints JSON");
    assert_eq!(told["portfolios"][0]["results"]["span16"]["worst_loss"], 32.0);
    assert_eq!(told["portfolios"][1]["error"], REASON);
    let (_, out, _) = margin(&[GOOD], &[]);
    assert!(out.contains("derive23_tail8"), "{out}");
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let done = Command::new(env!("CARGO_BIN_EXE_clockless")).args(["margin", "no-such-file.json"]).output();
    let done = done.expect("the program starts");
    assert_eq!(done.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&done.stderr).contains("no-such-file.json"));
}
