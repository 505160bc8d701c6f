//! The project keeps its own habits. `cargo xtask tidy` prints the same findings.

use std::path::Path;

#[test]
fn the_project_is_tidy() {
    let findings = xtask::tidy(Path::new(xtask::ROOT)).expect("the project can be read");
    let lines: Vec<String> = findings.iter().map(ToString::to_string).collect();
    assert!(lines.is_empty(), "{} findings:\n{}", lines.len(), lines.join("\n"));
}
