//! Completions and manual pages know every command.
#![allow(clippy::disallowed_methods, reason = "a test waits by the clock")]

mod support;

use std::fs;

use support::clockless;

fn commands() -> Vec<String> {
    let help = clockless(&["--help"]).output().expect("it runs");
    let help = String::from_utf8(help.stdout).expect("text");
    let list = help.split("Commands:\n").nth(1).and_then(|it| it.split("\n\n").next()).expect("a list");
    list.lines().filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect()
}

#[test]
fn shells_complete_every_command() {
    for shell in ["bash", "zsh", "fish"] {
        let done = clockless(&["completions", shell]).output().expect("it runs");
        let text = String::from_utf8(done.stdout).expect("text");
        assert!(done.status.success(), "{shell}");
        for command in commands() {
            assert!(text.contains(&command), "{shell} does not complete {command}");
        }
    }
    let unknown = clockless(&["completions", "tcsh2"]).output().expect("it runs");
    assert_eq!(unknown.status.code(), Some(2));
}

#[test]
fn every_command_has_a_manual_page() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("man1");
    let done = clockless(&["man", "--out"]).arg(&out).status().expect("it runs");
    assert!(done.success());
    for command in commands().iter().filter(|it| *it != "help") {
        let page = fs::read_to_string(out.join(format!("clockless-{command}.1"))).expect("a page");
        assert!(page.contains(".SH NAME"), "{command}");
    }
}
