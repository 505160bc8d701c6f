//! The checks, each over the whole project; the functions inside them are over text.

mod code_map;
mod dependencies;
mod documents;
mod manifest;
mod outside;
mod shell;
mod sizes;
mod words;

use crate::{Finding, project::Project};

pub(crate) use documents::pages;

pub(crate) type Check = fn(&Project) -> Vec<Finding>;

pub(crate) const ALL: [Check; 7] = [
    code_map::check,
    dependencies::check,
    outside::check,
    shell::check,
    sizes::check,
    words::check,
    documents::check,
];

/// The rows, or the finding that there are none: what every check of a table starts with.
fn or_finding(result: Result<Vec<Finding>, Finding>) -> Vec<Finding> {
    result.unwrap_or_else(|finding| vec![finding])
}
