//! Sockets, files, clocks and threads stay in the shell; cores do not iterate over hash maps either.
//!
//! Left out on purpose: tests and build scripts, which may read files.

use super::or_finding;
use crate::{
    Finding,
    project::{ARCHITECTURE, Project},
    source::{Language, Source, Token, tokens},
    table,
};

const OUTSIDE_WORLD: [&str; 10] = [
    "std::fs",
    "std::net",
    "std::thread",
    "std::process",
    "std::env",
    "std::io::stdin",
    "std::io::stdout",
    "std::os",
    "std::time::Instant",
    "std::time::SystemTime",
];
const WORDS: [&str; 4] = ["tokio", "async", "HashMap", "HashSet"];

pub(super) fn check(project: &Project) -> Vec<Finding> {
    or_finding(table::rows(project.text(ARCHITECTURE), "## The shell").map(|rows| {
        let shell: Vec<&str> = rows.iter().map(|row| row.name.as_str()).collect();
        let gone = rows.iter().filter(|row| !exists(project, &row.name)).map(|row| {
            Finding::at(
                ARCHITECTURE,
                row.line,
                format!("the shell names `{}`, which does not exist", row.name),
            )
        });
        let cores =
            Source::all(project).filter(|it| it.language == Language::Rust && is_core(it.path, &shell));
        cores.flat_map(|source| uses(&source)).chain(gone).collect()
    }))
}

fn exists(project: &Project, prefix: &str) -> bool {
    project.paths.contains(prefix) || project.paths.contains(&format!("{prefix}.rs"))
}

/// `shell` holds folders, or modules without their ending.
fn is_core(path: &str, shell: &[&str]) -> bool {
    let within = |prefix: &str| {
        path.strip_prefix(prefix)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/') || rest == ".rs")
    };
    !path.ends_with("build.rs") && !shell.iter().any(|prefix| within(prefix))
}

fn uses(source: &Source<'_>) -> Vec<Finding> {
    let tokens = tokens(&source.masked.code);
    let mut found = Vec::new();
    for (index, token) in tokens.iter().enumerate().filter(|(_, it)| !source.test_lines.contains(it.line)) {
        let follows_path = index.checked_sub(1).is_some_and(|before| tokens[before].text == "::");
        if token.text == "std" && !follows_path {
            found.extend(paths(&tokens, index).into_iter().filter(|(_, path)| is_outside_world(path)));
        } else if WORDS.contains(&token.text) {
            found.push((token.line, token.text.to_owned()));
        }
    }
    let finding = |(line, what): (usize, String)| {
        Finding::at(
            source.path,
            line,
            format!("a core uses `{what}`; only the shell may (ARCHITECTURE.md, \"The shell\")"),
        )
    };
    found.into_iter().map(finding).collect()
}

fn is_outside_world(path: &str) -> bool {
    OUTSIDE_WORLD
        .iter()
        .any(|banned| path.strip_prefix(banned).is_some_and(|rest| rest.is_empty() || rest.starts_with("::")))
}

/// Every path that starts with the word at `start`, groups in braces spelled out.
fn paths(tokens: &[Token<'_>], start: usize) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    path(tokens, start, "", &mut found);
    found
}

/// Reads one branch of a path and returns the index behind it.
fn path(tokens: &[Token<'_>], start: usize, prefix: &str, found: &mut Vec<(usize, String)>) -> usize {
    let Some(word) = tokens.get(start) else { return start };
    let whole = if prefix.is_empty() { word.text.to_owned() } else { format!("{prefix}::{}", word.text) };
    let text = |index: usize| tokens.get(index).map_or("", |token| token.text);
    if text(start + 1) != "::" {
        found.push((word.line, whole));
        return start + 1;
    }
    if text(start + 2) != "{" {
        return path(tokens, start + 2, &whole, found);
    }
    let mut index = start + 3;
    while index < tokens.len() && text(index) != "}" {
        index = if text(index) == "," { index + 1 } else { path(tokens, index, &whole, found) };
    }
    index + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_uses(text: &str, expected: &[&str]) {
        let source = Source::new("crates/dag/src/a.rs", text).expect("a Rust file");
        let found: Vec<String> = uses(&source).iter().map(Finding::to_string).collect();
        assert_eq!(found.len(), expected.len(), "{found:?}");
        for (found, expected) in found.iter().zip(expected) {
            assert!(found.contains(expected), "{found} lacks {expected}");
        }
    }

    #[test]
    fn the_outside_world_is_found_in_every_spelling() {
        check_uses("use std::fs;\n", &["a.rs:1: a core uses `std::fs`"]);
        check_uses(
            "use std::{fmt,\n  time::{Duration, Instant},\n  net::TcpStream,\n};\n",
            &["rs:2: a core uses `std::time::Instant`", "rs:3: a core uses `std::net::TcpStream`"],
        );
        check_uses("let a = std::thread::spawn(b);", &["`std::thread::spawn`"]);
        check_uses("async fn a() { tokio::spawn(b) }", &["`async`", "`tokio`"]);
        check_uses("let a: HashMap<B, C>;", &["`HashMap`"]);
    }

    #[test]
    fn a_span_of_time_is_no_clock_and_a_test_may_read_files() {
        check_uses("use std::time::Duration;\nuse std::io::Error;\n", &[]);
        check_uses("#[cfg(test)]\nmod tests {\n  use std::fs;\n}\n", &[]);
        check_uses("// std::fs\nlet a = \"tokio\";\nuse self::std_fs;", &[]);
    }

    #[test]
    fn the_shell_is_folders_and_modules() {
        let shell = ["bin/clockless", "crates/client/src/transport"];
        assert!(!is_core("bin/clockless/src/main.rs", &shell));
        assert!(!is_core("crates/client/src/transport.rs", &shell));
        assert!(!is_core("crates/client/src/transport/grpc.rs", &shell));
        assert!(is_core("crates/client/src/transports.rs", &shell));
        assert!(is_core("crates/client/src/lib.rs", &shell));
    }
}
