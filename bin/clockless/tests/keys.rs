//! Keys of people: made, shown, backed up as words and restored, with secrets kept where they belong.
#![allow(clippy::disallowed_methods, reason = "tests wait for processes, by the clock")]

mod support;

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use support::{Ended, clockless, run, run_json};
use tempfile::TempDir;

/// A folder with a password in it.
struct Home(TempDir);

impl Home {
    fn new() -> Self {
        let home = Self(tempfile::tempdir().expect("a folder"));
        fs::write(home.path("password"), "correct horse\nand what follows\n").expect("a file");
        home
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).to_str().expect("a plain path").to_owned()
    }

    fn keys(&self, arguments: &[&str]) -> std::process::Command {
        let mut command = clockless(&["keys"]);
        command.args(arguments).env_remove("CLOCKLESS_PASSWORD");
        command
    }

    fn locked(&self, arguments: &[&str]) -> std::process::Command {
        let mut command = self.keys(arguments);
        command.args(["--password-file", &self.path("password")]);
        command
    }
}

fn refused(ended: &Ended, need: &str) {
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), ""), "{ended:?}");
    assert!(ended.stderr.contains(need), "{ended:?} should say {need}");
}

#[test]
fn a_key_comes_back_from_its_words() {
    let home = Home::new();
    let (first, second) = (home.path("first"), home.path("second"));
    let made = run_json(&mut home.locked(&["new", "--json", "--out", &first]));
    assert_eq!(fs::metadata(&first).unwrap().permissions().mode() & 0o777, 0o600);
    let shown = run_json(&mut home.keys(&["show", "--json", &first]));
    assert_eq!(shown["public_key"], made["public_key"]);
    let backup = run_json(&mut home.locked(&["backup", "--json", &first]));
    assert_eq!(backup["public_key"], made["public_key"]);
    let words = backup["words"].as_str().unwrap();
    assert_eq!(words.split(' ').count(), 24);
    fs::write(home.path("words"), words).unwrap();
    let mut restore =
        home.keys(&["restore", "--json", "--out", &second, "--words-file", &home.path("words")]);
    let restored = run_json(restore.env("CLOCKLESS_PASSWORD", "another"));
    assert_eq!(restored["public_key"], made["public_key"]);
    let again = run(home.keys(&["backup", &second]).env("CLOCKLESS_PASSWORD", "another"));
    assert_eq!((again.code, again.stdout.trim()), (Some(0), words));
    for secret in [words, "correct horse"] {
        assert!(!fs::read_to_string(&first).unwrap().contains(secret));
    }
}

#[test]
fn what_is_wrong_with_a_key_is_named() {
    let home = Home::new();
    let file = home.path("key");
    run_json(&mut home.locked(&["new", "--json", "--out", &file]));
    let before = fs::read(&file).unwrap();
    refused(&run(&mut home.locked(&["new", "--out", &file])), "File exists");
    assert_eq!(fs::read(&file).unwrap(), before, "a key is never overwritten");
    refused(&run(&mut home.keys(&["backup", &file])), "--password-file, CLOCKLESS_PASSWORD or a terminal");
    refused(&run(home.keys(&["backup", &file]).env("CLOCKLESS_PASSWORD", "wrong")), "the password is wrong");
    refused(&run(home.keys(&["backup", &file]).env("CLOCKLESS_PASSWORD", "")), "the password is empty");
    refused(&run(&mut home.keys(&["show", "/nowhere"])), "/nowhere: No such file");
    fs::write(home.path("words"), "abandon ".repeat(24)).unwrap();
    let restore = ["restore", "--out", &home.path("new"), "--words-file", &home.path("words")];
    refused(&run(&mut home.locked(&restore)), "words: the words do not fit together");
    refused(&run(&mut home.locked(&restore[..3])), "the input: 0 words, 24 are expected");
    assert!(!Path::new(&home.path("new")).exists());
    for (content, need) in
        [("{\"version\":", "EOF"), ("12ab", "64 hexadecimal digits"), ("{}", "missing field")]
    {
        fs::write(&file, content).unwrap();
        refused(&run(&mut home.keys(&["show", &file])), need);
    }
}

#[test]
fn a_plain_key_of_a_test_network_can_be_shown_and_backed_up() {
    let home = Home::new();
    fs::write(home.path("plain"), "00".repeat(32)).unwrap();
    let backup = run_json(&mut home.keys(&["backup", "--json", &home.path("plain")]));
    assert_eq!(backup["words"], "abandon ".repeat(23) + "art");
    let shown = run(&mut home.keys(&["show", &home.path("plain")]));
    assert_eq!(shown.stdout.trim(), backup["public_key"].as_str().unwrap());
}
