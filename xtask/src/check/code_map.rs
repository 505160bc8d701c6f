//! Every crate stands in the code map, and every crate of the code map exists.

use std::collections::BTreeSet;

use super::{manifest::Manifest, or_finding};
use crate::{
    Finding,
    project::{ARCHITECTURE, Project},
    table::{self, Row},
};

pub(super) fn check(project: &Project) -> Vec<Finding> {
    or_finding(table::rows(project.text(ARCHITECTURE), "## Code map").and_then(|rows| {
        let manifests = Manifest::all(project)?;
        let folders = manifests.iter().map(|it| it.path.trim_end_matches("/Cargo.toml")).collect();
        Ok(compare(&rows, &folders))
    }))
}

/// The rows' names are folders of crates, or other folders, which end with `/`.
fn compare(rows: &[Row], folders: &BTreeSet<&str>) -> Vec<Finding> {
    let named: BTreeSet<&str> = rows.iter().map(|row| row.name.as_str()).collect();
    let gone = rows
        .iter()
        .filter(|row| !row.name.ends_with('/') && !folders.contains(row.name.as_str()))
        .map(|row| {
            Finding::at(
                ARCHITECTURE,
                row.line,
                format!("the code map names `{}`, which is no crate", row.name),
            )
        });
    let missing = folders
        .difference(&named)
        .map(|folder| Finding::of(ARCHITECTURE, format!("the code map does not name the crate `{folder}`")));
    gone.chain(missing).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_map_and_the_crates_must_agree() {
        let row = |name: &str| Row { line: 7, name: name.to_owned(), cells: Vec::new() };
        let folders = BTreeSet::from(["crates/num", "xtask"]);
        assert_eq!(compare(&[row("crates/num"), row("xtask"), row("web/")], &folders), []);
        let found = compare(&[row("crates/num"), row("crates/gone")], &folders);
        let found: Vec<_> = found.iter().map(Finding::to_string).collect();
        assert_eq!(
            found,
            [
                "ARCHITECTURE.md:7: the code map names `crates/gone`, which is no crate",
                "ARCHITECTURE.md: the code map does not name the crate `xtask`",
            ]
        );
    }
}
