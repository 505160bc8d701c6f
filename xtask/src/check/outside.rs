//! Which libraries from outside each crate uses: a new one needs a deliberate edit of the table.

use std::collections::{BTreeMap, BTreeSet};

use super::{manifest::Manifest, or_finding};
use crate::{
    Finding,
    project::{ARCHITECTURE, Project},
    table,
};

pub(super) fn check(project: &Project) -> Vec<Finding> {
    or_finding(table::rows(project.text(ARCHITECTURE), "## Outside libraries").and_then(|rows| {
        let manifests = Manifest::all(project)?;
        let crates: BTreeSet<&str> = manifests.iter().map(|it| it.name.as_str()).collect();
        let (run, test) = (table::names_by_row(&rows, 0), table::names_by_row(&rows, 1));
        let compared = manifests.iter().flat_map(|it| {
            let mut findings = compare(it, &it.dependencies, &run, &crates);
            findings.extend(compare(it, &it.test_dependencies, &test, &crates));
            findings
        });
        Ok(compared.collect())
    }))
}

fn compare(
    manifest: &Manifest,
    used: &BTreeSet<String>,
    table: &BTreeMap<&str, BTreeSet<&str>>,
    crates: &BTreeSet<&str>,
) -> Vec<Finding> {
    let nothing = BTreeSet::new();
    let name = manifest.name.as_str();
    let allowed = table.get(name).unwrap_or(&nothing);
    let used: BTreeSet<&str> = used.iter().map(String::as_str).filter(|it| !crates.contains(it)).collect();
    let new = used.difference(allowed).map(|library| {
        Finding::of(&manifest.path, format!("`{library}` is not among the outside libraries of `{name}` in ARCHITECTURE.md; a new one needs a decision"))
    });
    let gone = allowed.difference(&used).map(|library| {
        Finding::of(ARCHITECTURE, format!("`{library}` stands among the outside libraries of `{name}`, whose Cargo.toml has no use for it"))
    });
    new.chain(gone).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_library_and_a_forgotten_one_are_found() {
        let text = "[dependencies]\nnum.workspace = true\nbytes = \"1\"\nleftpad = \"1\"\n";
        let manifest = Manifest::parse("crates/wire/Cargo.toml", text).expect("valid");
        let crates = BTreeSet::from(["num", "wire"]);
        let table = BTreeMap::from([("wire", BTreeSet::from(["bytes", "blake3"]))]);
        let found = compare(&manifest, &manifest.dependencies, &table, &crates);
        let found: Vec<_> = found.iter().map(Finding::to_string).collect();
        assert_eq!(
            found,
            [
                "crates/wire/Cargo.toml: `leftpad` is not among the outside libraries of `wire` in ARCHITECTURE.md; a new one needs a decision",
                "ARCHITECTURE.md: `blake3` stands among the outside libraries of `wire`, whose Cargo.toml has no use for it",
            ]
        );
        let right = BTreeMap::from([("wire", BTreeSet::from(["bytes", "leftpad"]))]);
        assert_eq!(compare(&manifest, &manifest.dependencies, &right, &crates), []);
    }
}
