//! Words and names that do not stand in this project, and headers that must.

use crate::{
    Finding,
    project::Project,
    source::{Language, Source, tokens},
};

/// Names that say nothing about what is inside.
const EMPTY_NAMES: [&str; 7] = ["util", "utils", "helper", "helpers", "common", "manager", "misc"];
/// Never, tests included: a word, and the mark behind it.
const NEVER: [(&str, &str); 3] = [("todo", "!"), ("unimplemented", "!"), ("dbg", "!")];
/// Folders of one machine. Written in halves, or this file would name them itself.
const MACHINE_FOLDERS: [&str; 4] =
    [concat!("/wo", "rk/"), concat!("/tm", "p/"), concat!("/ro", "ot/"), concat!("/ho", "me/")];

pub(super) fn check(project: &Project) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in Source::all(project) {
        findings.extend(header(&source));
        findings.extend(names(&source));
        findings.extend(unfinished(&source));
        if source.language == Language::Rust {
            findings.extend(banned(&source));
            findings.extend(expectations(&source));
        }
    }
    findings.extend(project.files.iter().flat_map(|(path, text)| machine_folders(path, text)));
    findings
}

fn header(source: &Source<'_>) -> Option<Finding> {
    let has_header = source.language != Language::Rust || source.text.starts_with("//! ");
    (!has_header)
        .then(|| Finding::at(source.path, 1, "starts without `//!`: what it is and the invariant it keeps"))
}

fn is_empty_name(name: &str) -> bool {
    let versioned = name
        .rsplit_once("_v")
        .is_some_and(|(_, end)| !end.is_empty() && end.chars().all(|it| it.is_ascii_digit()));
    EMPTY_NAMES.contains(&name) || versioned || name.ends_with("_manager")
}

/// Folders, files and inline modules.
fn names(source: &Source<'_>) -> Vec<Finding> {
    let in_path = source.path.split('/').map(|part| part.split('.').next().unwrap_or_default());
    let of_path = in_path
        .filter(|name| is_empty_name(name))
        .map(|name| Finding::of(source.path, format!("`{name}` is no name for a module: say what it holds")));
    let tokens = tokens(&source.masked.code);
    let modules = tokens.windows(2).filter(|pair| pair[0].text == "mod" && is_empty_name(pair[1].text));
    let of_modules = modules.map(|pair| {
        Finding::at(
            source.path,
            pair[1].line,
            format!("`{}` is no name for a module: say what it holds", pair[1].text),
        )
    });
    of_path.chain(of_modules).collect()
}

fn banned(source: &Source<'_>) -> Vec<Finding> {
    let tokens = tokens(&source.masked.code);
    let mut findings = Vec::new();
    for window in tokens.windows(4) {
        let [first, second, third, fourth] = [window[0].text, window[1].text, window[2].text, window[3].text];
        let line = window[0].line;
        let never = NEVER.iter().any(|(word, mark)| (*word, *mark) == (first, second));
        if never {
            findings.push(Finding::at(
                source.path,
                line,
                format!("`{first}{second}` does not stay in the project"),
            ));
        }
        if (first, second, third) == ("#", "[", "ignore") {
            findings.push(Finding::at(
                source.path,
                line,
                "a test is not ignored; a slow one ends in `_slow`",
            ));
        }
        if (first, second, third, fourth) == (".", "unwrap", "(", ")") && !source.test_lines.contains(line) {
            findings.push(Finding::at(
                source.path,
                line,
                "`unwrap` does not say what must hold; answer with a value or `expect(\"invariant: ...\")`",
            ));
        }
    }
    findings
}

/// Outside tests an `expect` names an invariant.
fn expectations(source: &Source<'_>) -> Vec<Finding> {
    let lines = source.text.lines().zip(source.masked.code.lines()).zip(1..);
    let vague = lines.filter(|((text, code), line)| {
        let spoken = text.split(".expect(\"").skip(1).any(|message| !message.starts_with("invariant: "));
        code.contains(".expect(") && spoken && !source.test_lines.contains(*line)
    });
    vague
        .map(|(_, line)| {
            Finding::at(source.path, line, "an `expect` starts with \"invariant: \" and says what must hold")
        })
        .collect()
}

/// A note of unfinished work names its issue: `TODO #12`.
fn unfinished(source: &Source<'_>) -> Vec<Finding> {
    let marks = ["TODO", "FIXME", "XXX"];
    let names_issue = |rest: &str| {
        rest.split_once('#').is_some_and(|(_, number)| number.starts_with(|it: char| it.is_ascii_digit()))
    };
    let open = source.masked.comments.lines().zip(1..).filter(|(comment, _)| {
        marks.iter().any(|mark| comment.split_once(mark).is_some_and(|(_, rest)| !names_issue(rest)))
    });
    open.map(|(_, line)| Finding::at(source.path, line, "unfinished work without the number of its issue"))
        .collect()
}

fn machine_folders(path: &str, text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (line, number) in text.lines().zip(1..) {
        let named = MACHINE_FOLDERS.iter().filter(|folder| names_folder(line, folder));
        findings.extend(
            named.map(|folder| {
                Finding::at(path, number, format!("names a folder of one machine, `{folder}`"))
            }),
        );
    }
    findings
}

/// Whether `folder` starts a path in `line`, rather than standing inside one.
fn names_folder(line: &str, folder: &str) -> bool {
    line.match_indices(folder).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        before.is_none_or(|it| !it.is_alphanumeric() && !"._-}/".contains(it))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source<'a>(path: &'a str, text: &'a str) -> Source<'a> {
        Source::new(path, text).expect("a source file")
    }

    #[test]
    fn a_file_starts_with_its_header() {
        assert_eq!(header(&source("a.rs", "//! Yes.\n")), None);
        assert!(header(&source("a.rs", "use a;\n//! Late.\n")).is_some());
        assert_eq!(header(&source("a.ts", "let a;\n")), None);
    }

    #[test]
    fn names_without_meaning_are_found() {
        for path in [
            "src/utils.rs",
            "src/common/mod.rs",
            "src/book_v2.rs",
            "src/key_manager.rs",
            "web/helpers.test.ts",
        ] {
            assert_eq!(names(&source(path, "")).len(), 1, "{path}");
        }
        assert_eq!(names(&source("src/a.rs", "mod helpers {}")).len(), 1);
        assert_eq!(names(&source("crates/management/src/uncommon.rs", "mod value;")), []);
    }

    #[test]
    fn what_must_not_stay_is_found_in_code_only() {
        for text in [
            "fn a() { todo!() }",
            "fn a() { dbg!(b); }",
            "#[ignore = \"slow\"]\nfn a() {}",
            "let a = b.unwrap();",
        ] {
            assert_eq!(banned(&source("src/a.rs", text)).len(), 1, "{text}");
        }
        assert_eq!(banned(&source("src/a.rs", "// todo!()\nlet a = \"dbg!()\"; b.unwrap_or(c);")), []);
        assert_eq!(banned(&source("src/a.rs", "#[cfg(test)]\nmod tests { fn a() { b.unwrap(); } }")), []);
    }

    #[test]
    fn an_expectation_outside_tests_names_an_invariant() {
        assert_eq!(expectations(&source("src/a.rs", "a.expect(\"invariant: b\")")), []);
        assert_eq!(expectations(&source("src/a.rs", "a.expect(\"b\")")).len(), 1);
        assert_eq!(expectations(&source("tests/a.rs", "a.expect(\"b\")")), []);
    }

    #[test]
    fn unfinished_work_names_its_issue() {
        assert_eq!(unfinished(&source("src/a.rs", "// TODO #12: a\nlet b = \"TODO\";")), []);
        assert_eq!(unfinished(&source("src/a.rs", "// TODO: a")).len(), 1);
        assert_eq!(unfinished(&source("src/a.ts", "/* FIXME */")).len(), 1);
    }

    #[test]
    fn a_folder_of_one_machine_is_found_anywhere_in_the_text() {
        for folder in MACHINE_FOLDERS {
            let line = format!("see {folder}a\n");
            assert_eq!(machine_folders("README.md", &line).len(), 1, "{line}");
            let inside = format!("see docs{folder}a and ..{folder}b\n");
            assert_eq!(machine_folders("README.md", &inside), [], "{inside}");
        }
    }
}
