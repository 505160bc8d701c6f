//! Which crate uses which: the table and the manifests say the same, and the layers stay apart.
//!
//! Invariant: the law of the layers is here, not in the table, so that editing the table cannot bend it.

use std::collections::{BTreeMap, BTreeSet};

use super::{manifest::Manifest, or_finding};
use crate::{
    Finding,
    project::{ARCHITECTURE, Project},
    table,
};

const AGREEMENT: [&str; 3] = ["worker", "dag", "ordering"];
const EXECUTION: [&str; 3] = ["pricing", "exchange", "tree"];

/// Crates by name, each with the crates it uses.
type Edges<'a> = BTreeMap<&'a str, BTreeSet<&'a str>>;

pub(super) fn check(project: &Project) -> Vec<Finding> {
    or_finding(table::rows(project.text(ARCHITECTURE), "## Dependencies").and_then(|rows| {
        let manifests = Manifest::all(project)?;
        let used = edges(&manifests, |it| &it.dependencies);
        let mut findings = compare("may use", &table::names_by_row(&rows, 0), &used);
        let used_by_tests = edges(&manifests, |it| &it.test_dependencies);
        findings.extend(compare("its tests may use", &table::names_by_row(&rows, 1), &used_by_tests));
        findings.extend(layers(&used));
        Ok(findings)
    }))
}

fn edges(manifests: &[Manifest], of: impl Fn(&Manifest) -> &BTreeSet<String>) -> Edges<'_> {
    let crates: BTreeSet<&str> = manifests.iter().map(|it| it.name.as_str()).collect();
    let mut edges = Edges::new();
    for manifest in manifests {
        let used = crates.iter().filter(|name| of(manifest).contains(**name)).copied().collect();
        edges.insert(&manifest.name, used);
    }
    edges
}

/// Both ways: what a manifest has and the table does not allow, what the table allows and nobody uses.
fn compare(column: &str, allowed: &Edges<'_>, used: &Edges<'_>) -> Vec<Finding> {
    let nothing = BTreeSet::new();
    let crates: BTreeSet<&str> = allowed.keys().chain(used.keys()).copied().collect();
    let mut findings = Vec::new();
    for name in crates {
        let (allowed, used) = (allowed.get(name).unwrap_or(&nothing), used.get(name).unwrap_or(&nothing));
        for target in used.difference(allowed) {
            let message = format!(
                "`{name}` uses `{target}` by its Cargo.toml, not by the column \"{column}\" of the dependency table"
            );
            findings.push(Finding::of(ARCHITECTURE, message));
        }
        for target in allowed.difference(used) {
            let message = format!(
                "`{name}` uses `{target}` by the column \"{column}\" of the dependency table, not by its Cargo.toml"
            );
            findings.push(Finding::of(ARCHITECTURE, message));
        }
    }
    findings
}

/// Agreement and execution never reach each other, by whatever way; `pricing` uses `num` alone.
fn layers(used: &Edges<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (own, other) in [(AGREEMENT, EXECUTION), (EXECUTION, AGREEMENT)] {
        for name in own {
            let reached = reachable(used, name);
            findings.extend(other.iter().filter(|it| reached.contains(**it)).map(|target| {
                Finding::of(
                    ARCHITECTURE,
                    format!("`{name}` reaches `{target}`: agreement and execution never import each other"),
                )
            }));
        }
    }
    let pricing = used.get("pricing").into_iter().flatten().filter(|it| **it != "num");
    findings.extend(pricing.map(|target| {
        Finding::of(ARCHITECTURE, format!("`pricing` uses `{target}`: it may use `num` alone"))
    }));
    findings
}

fn reachable<'a>(used: &Edges<'a>, from: &str) -> BTreeSet<&'a str> {
    let mut reached = BTreeSet::new();
    let mut open: Vec<&str> = used.get(from).into_iter().flatten().copied().collect();
    while let Some(name) = open.pop() {
        if reached.insert(name) {
            open.extend(used.get(name).into_iter().flatten());
        }
    }
    reached
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edges_of(rows: &[(&'static str, &[&'static str])]) -> Edges<'static> {
        rows.iter().map(|(name, used)| (*name, used.iter().copied().collect())).collect()
    }

    fn texts(findings: &[Finding]) -> Vec<String> {
        findings.iter().map(Finding::to_string).collect()
    }

    #[test]
    fn an_undeclared_and_a_missing_edge_name_both_sides() {
        let allowed = edges_of(&[("wire", &["num", "crypto"])]);
        assert_eq!(compare("may use", &allowed, &allowed), []);
        let found = compare("may use", &allowed, &edges_of(&[("wire", &["num", "tree"])]));
        assert_eq!(
            texts(&found),
            [
                "ARCHITECTURE.md: `wire` uses `tree` by its Cargo.toml, not by the column \"may use\" of the dependency table",
                "ARCHITECTURE.md: `wire` uses `crypto` by the column \"may use\" of the dependency table, not by its Cargo.toml",
            ]
        );
    }

    #[test]
    fn layers_that_meet_in_a_third_crate_are_found() {
        let used = edges_of(&[("dag", &["wire"]), ("wire", &["num", "exchange"]), ("exchange", &["num"])]);
        let found = texts(&layers(&used));
        assert_eq!(
            found,
            ["ARCHITECTURE.md: `dag` reaches `exchange`: agreement and execution never import each other"]
        );
        assert_eq!(layers(&edges_of(&[("replica", &["dag", "exchange"]), ("dag", &["wire"])])), []);
    }

    #[test]
    fn pricing_may_use_num_alone() {
        assert_eq!(layers(&edges_of(&[("pricing", &["num"])])), []);
        assert_eq!(
            texts(&layers(&edges_of(&[("pricing", &["num", "wire"])]))),
            ["ARCHITECTURE.md: `pricing` uses `wire`: it may use `num` alone"]
        );
    }

    #[test]
    fn a_cycle_ends() {
        let used = edges_of(&[("dag", &["wire"]), ("wire", &["dag"])]);
        assert_eq!(reachable(&used, "dag"), BTreeSet::from(["dag", "wire"]));
    }
}
