//! Links in documents lead somewhere, and the book lists every page.
//!
//! Left out on purpose: addresses on the web, which a test must not depend on.

use std::collections::BTreeSet;

use crate::{Finding, project::Project};

/// Which pages the book has.
const SUMMARY: &str = "docs/SUMMARY.md";
/// Where links stand in HTML.
const ATTRIBUTES: [(&str, char); 2] = [("src=\"", '"'), ("href=\"", '"')];
/// Where links stand in documents.
const LINKS: [(&str, char); 3] = [("](", ')'), ATTRIBUTES[0], ATTRIBUTES[1]];

pub(super) fn check(project: &Project) -> Vec<Finding> {
    let links = project.with_extension("md").flat_map(|(path, text)| broken(path, text, project));
    links.chain(unlisted(project)).collect()
}

/// Pages that the book does not have, so that links to them break in it.
fn unlisted(project: &Project) -> impl Iterator<Item = Finding> {
    let summary = project.text(SUMMARY);
    let pages = project.with_extension("md").filter(|(path, _)| *path != SUMMARY);
    let unlisted = pages.filter(|(path, _)| {
        path.strip_prefix("docs/").is_some_and(|page| !summary.contains(&format!("({page})")))
    });
    unlisted.map(|(path, _)| Finding::of(path, format!("no page of the book: {SUMMARY} does not list it")))
}

/// Links of rendered pages that lead nowhere.
pub(crate) fn pages(project: &Project) -> Vec<Finding> {
    let of_page = |(path, text): (&str, &str)| -> Vec<Finding> {
        let targets = text.lines().zip(1..).flat_map(|(line, number)| {
            targets(line, &ATTRIBUTES).into_iter().map(move |target| (target, number))
        });
        let broken = targets.filter(|(target, _)| !leads_to_element(path, target, project));
        broken
            .map(|(target, number)| {
                Finding::at(path, number, format!("the link to `{target}` leads nowhere"))
            })
            .collect()
    };
    project.with_extension("html").flat_map(of_page).collect()
}

fn leads_to_element(from: &str, target: &str, project: &Project) -> bool {
    let (file, id) = target.split_once('#').unwrap_or((target, ""));
    let path = if file.is_empty() { Some(from.to_owned()) } else { resolve(from, file) };
    let is_there = |path: &String| path.is_empty() || project.paths.contains(path);
    path.filter(is_there)
        .is_some_and(|path| id.is_empty() || project.text(&path).contains(&format!("id=\"{id}\"")))
}

fn broken(path: &str, text: &str, project: &Project) -> Vec<Finding> {
    let of_line = |(line, number): (String, usize)| -> Vec<Finding> {
        let targets = targets(&line, &LINKS);
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

/// What stands between the marks and is no web address.
fn targets<'a>(line: &'a str, marks: &[(&str, char)]) -> Vec<&'a str> {
    let found = marks.iter().flat_map(|(start, end)| {
        line.split(*start).skip(1).filter_map(|rest| rest.split_once(*end)).map(|(target, _)| target)
    });
    let target_only = found.map(|target| target.split_whitespace().next().unwrap_or_default());
    let is_elsewhere = |it: &&str| it.contains("://") || it.starts_with("mailto:") || it.starts_with("data:");
    target_only.filter(|it| !is_elsewhere(it)).collect()
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
    fn the_book_lists_every_page() {
        let mut project = Project::default();
        for (path, text) in
            [(SUMMARY, "- [A](book/a.md)"), ("docs/book/a.md", ""), ("docs/book/b.md", ""), ("README.md", "")]
        {
            project.files.insert(path.to_owned(), text.to_owned());
        }
        let found: Vec<String> = unlisted(&project).map(|it| it.to_string()).collect();
        assert_eq!(found, ["docs/book/b.md: no page of the book: docs/SUMMARY.md does not list it"]);
    }

    #[test]
    fn a_rendered_link_leads_to_a_file_and_an_element() {
        let mut project = Project::default();
        let page =
            "<a href=\"b.html#x\"></a>\n<a href=\"b.html#y\"></a><img src=\"c.png\"><a href=\"../d\"></a>";
        for (path, text) in [("docs/a.html", page), ("docs/b.html", "<h1 id=\"x\">](z)</h1>")] {
            project.files.insert(path.to_owned(), text.to_owned());
            project.paths.insert(path.to_owned());
        }
        let found: Vec<String> = pages(&project).iter().map(ToString::to_string).collect();
        let broken = ["c.png", "b.html#y", "../d"];
        assert_eq!(found, broken.map(|it| format!("docs/a.html:2: the link to `{it}` leads nowhere")));
    }

    #[test]
    fn the_web_and_code_are_left_alone() {
        check_link("README.md", "[a](https://example.org/b) `[c](d)`\n```\n[e](f)\n```\n", 0);
    }
}
