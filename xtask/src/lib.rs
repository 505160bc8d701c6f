//! Checks of the project about itself: dependencies, sizes, headers, words, links.
//!
//! Invariant: every check is a pure function from text to findings; only `project` reads files.
//! Left out on purpose: what rustfmt, clippy, svelte-check and prettier already say.

use std::{io, path::Path};

mod check;
mod finding;
mod project;
mod source;
mod table;

pub use finding::Finding;

use project::Project;

/// The root of the checkout this was compiled in.
pub const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// Links of the HTML pages under `folder` that lead to no file of it, or to no place in one.
///
/// # Errors
/// When a folder or file of it cannot be read.
pub fn broken_links(folder: &Path) -> io::Result<Vec<Finding>> {
    Ok(check::pages(&Project::read(folder)?))
}

/// Everything the project under `root` does against its own habits, in the order of paths and lines.
///
/// # Errors
/// When a folder or file of the project cannot be read.
pub fn tidy(root: &Path) -> io::Result<Vec<Finding>> {
    let project = Project::read(root)?;
    let mut findings = Vec::new();
    for check in check::ALL {
        findings.extend(check(&project));
    }
    findings.sort();
    findings.dedup();
    Ok(findings)
}
