//! Links in documents lead somewhere.
//!
//! Left out on purpose: addresses on the web, which a test must not depend on.

use std::collections::BTreeSet;

use crate::{Finding, project::Project};

pub(super) fn check(project: &Project) -> Vec<Finding> {
    project.with_extension("md").flat_map(|(path, text)| broken(path, text, project)).collect()
}

fn broken(path: &str, text: &str, project: &Project) -> Vec<Finding> {
    let of_line = |(line, number): (String, usize)| -> Vec<Finding> {
        let targets = targets(&line);
        let broken = targets.into_iter().filter(|target| !leads_somewhere(path, target, project));
        broken
            .map(|target| Finding::at(path, number, format!("the link to `{target}` leads nowhere")))
            .collect()
    };
    prose(text).into_iter().zip(1..).flat_map(of_line).collect()
}

/// The lines of a document with its code left out.
fn prose(text: &str) -> Vec<String> {
    let mut fenced = false;
    let mut lines = Vec::new();
    for line in text.lines() {
        let is_fence = line.trim_start().starts_with("```");
        fenced ^= is_fence;
        let shown = if fenced || is_fence { String::new() } else { line.split('`').step_by(2).collect() };
        lines.push(shown);
    }
    lines
}

/// Targets of `[..](target)`, `src="target"` and `href="target"` that are no web addresses.
fn targets(line: &str) -> Vec<&str> {
    let marks = [("](", ')'), ("src=\"", '"'), ("href=\"", '"')];
    let found = marks.into_iter().flat_map(|(start, end)| {
        line.split(start).skip(1).filter_map(move |rest| rest.split_once(end)).map(|(target, _)| target)
    });
    let target_only = found.map(|target| target.split_whitespace().next().unwrap_or_default());
    target_only.filter(|it| !it.contains("://") && !it.starts_with("mailto:")).collect()
}

fn leads_somewhere(from: &str, target: &str, project: &Project) -> bool {
    let (file, anchor) = target.split_once('#').map_or((target, None), |(file, anchor)| (file, Some(anchor)));
    let path = if file.is_empty() { Some(from.to_owned()) } else { resolve(from, file) };
    let Some(path) = path else { return false };
    match anchor {
        Some(anchor) => anchors(project.text(&path)).contains(anchor),
        None => path.is_empty() || project.paths.contains(&path),
    }
}

/// The path from the root; `None` when it leaves the project.
fn resolve(from: &str, target: &str) -> Option<String> {
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}

/// What the headings of a document are called in links.
fn anchors(text: &str) -> BTreeSet<String> {
    let headings =
        text.lines().filter(|line| line.starts_with('#')).map(|line| line.trim_start_matches('#').trim());
    headings
        .map(|heading| {
            let kept = heading.to_lowercase();
            let kept = kept.chars().filter(|it| it.is_alphanumeric() || " -_".contains(*it));
            kept.map(|it| if it == ' ' { '-' } else { it }).collect()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn project() -> Project {
        let mut project = Project::default();
        project.files.insert("GLOSSARY.md".to_owned(), "# Words\n## What's a *commit*?\n".to_owned());
        for path in ["GLOSSARY.md", "docs", "docs/adr", "docs/adr/0001-dag.md"] {
            project.paths.insert(path.to_owned());
        }
        project
    }

    #[track_caller]
    fn check_link(from: &str, text: &str, broken_links: usize) {
        assert_eq!(broken(from, text, &project()).len(), broken_links, "{text}");
    }

    #[test]
    fn a_link_resolves_from_its_own_document() {
        check_link("docs/a.md", "[a](adr/0001-dag.md) [b](../GLOSSARY.md) [c](adr/)", 0);
        check_link("docs/a.md", "[a](0001-dag.md)", 1);
        check_link("docs/a.md", "[a](../../outside.md)", 1);
        check_link("README.md", "<img src=\"docs/none.png\"> ![b](docs/none.png \"title\")", 2);
    }

    #[test]
    fn an_anchor_is_a_heading() {
        check_link("README.md", "[a](GLOSSARY.md#whats-a-commit)", 0);
        check_link("README.md", "[a](GLOSSARY.md#whats-a-block)", 1);
        check_link("GLOSSARY.md", "[a](#words)", 0);
    }

    #[test]
    fn the_web_and_code_are_left_alone() {
        check_link("README.md", "[a](https://example.org/b) `[c](d)`\n```\n[e](f)\n```\n", 0);
    }
}
