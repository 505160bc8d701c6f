//! How large files and functions may be, and the one list of exceptions, which may only shrink.
//!
//! Invariant: an exception states the size it excuses. A subject that outgrows it, falls below it or no longer
//! needs it is a finding, so the list follows the code down and never up.

use std::{cmp::Reverse, collections::BTreeSet};

use crate::{
    Finding,
    project::Project,
    source::{Source, functions, is_test_path, nesting},
};

const EXCEPTIONS: &str = "xtask/exceptions.toml";

/// A limit of CONTRIBUTING's table of sizes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Rule {
    /// Lines without the test modules; a test file counts whole.
    FileLines,
    FunctionLines,
    Parameters,
    /// Blocks that are open at the start of a line.
    Nesting,
}

impl Rule {
    const ALL: [Self; 4] = [Self::FileLines, Self::FunctionLines, Self::Parameters, Self::Nesting];

    const fn limit(self) -> usize {
        match self {
            Self::FileLines => 500,
            Self::FunctionLines => 70,
            Self::Parameters | Self::Nesting => 5,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::FileLines => "file-lines",
            Self::FunctionLines => "function-lines",
            Self::Parameters => "parameters",
            Self::Nesting => "nesting",
        }
    }
}

/// Something over its limit.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Excess {
    rule: Rule,
    path: String,
    /// A function's name; empty for a file.
    subject: String,
    line: usize,
    have: usize,
}

/// What somebody decided to let stand.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Exception {
    rule: Rule,
    path: String,
    subject: String,
    have: usize,
}

pub(super) fn check(project: &Project) -> Vec<Finding> {
    let excesses: Vec<Excess> = Source::all(project).flat_map(|source| measure(&source)).collect();
    match parse(project.text(EXCEPTIONS)) {
        Ok(exceptions) => judge(&excesses, &exceptions),
        Err(message) => vec![Finding::of(EXCEPTIONS, message)],
    }
}

fn measure(source: &Source<'_>) -> Vec<Excess> {
    let total = source.text.lines().count();
    let lines = if is_test_path(source.path) { total } else { source.test_lines.outside(total) };
    let (deepest, deepest_line) = deepest(source);
    let mut sizes = vec![
        (Rule::FileLines, String::new(), 0, lines),
        (Rule::Nesting, String::new(), deepest_line, deepest),
    ];
    for function in functions(&source.masked.code, source.language) {
        sizes.push((Rule::FunctionLines, function.name.clone(), function.line, function.lines));
        sizes.push((Rule::Parameters, function.name, function.line, function.parameters));
    }
    let excess =
        |(rule, subject, line, have)| Excess { rule, path: source.path.to_owned(), subject, line, have };
    sizes.into_iter().map(excess).filter(|it| it.have > it.rule.limit()).collect()
}

/// The level of the deepest line and its number; the block of a file's test module does not count.
fn deepest(source: &Source<'_>) -> (usize, usize) {
    let module = |line| usize::from(source.test_lines.contains(line) && !is_test_path(source.path));
    let levels = nesting(&source.masked.code).into_iter();
    let first_wins = |(line, level): (usize, usize)| (level.saturating_sub(module(line)), Reverse(line));
    levels.map(first_wins).max().map_or((0, 0), |(level, Reverse(line))| (level, line))
}

/// Reads `[[exception]]` tables with `rule`, `path`, `subject` (for functions), `have` and `reason`.
fn parse(text: &str) -> Result<Vec<Exception>, String> {
    let table: toml::Table = text.parse().map_err(|error: toml::de::Error| error.message().to_owned())?;
    if let Some(key) = table.keys().find(|key| *key != "exception") {
        return Err(format!("`{key}` is no list of exceptions"));
    }
    let list = table.get("exception").and_then(toml::Value::as_array).cloned().unwrap_or_default();
    list.iter().map(parse_one).collect()
}

fn parse_one(value: &toml::Value) -> Result<Exception, String> {
    let text = |key: &str| value.get(key).and_then(toml::Value::as_str).unwrap_or_default().to_owned();
    let (path, name) = (text("path"), text("rule"));
    let rule = Rule::ALL
        .into_iter()
        .find(|rule| rule.name() == name)
        .ok_or(format!("`{name}` is no rule of sizes"))?;
    if text("reason").is_empty() {
        return Err(format!("the exception of {path} from {name} gives no reason"));
    }
    let have = value.get("have").and_then(toml::Value::as_integer).and_then(|it| usize::try_from(it).ok());
    let have = have.ok_or(format!("the exception of {path} from {name} does not say what it has"))?;
    Ok(Exception { rule, path, subject: text("subject"), have })
}

fn judge(excesses: &[Excess], exceptions: &[Exception]) -> Vec<Finding> {
    let mut findings: Vec<Finding> = exceptions.iter().filter_map(|it| stale(it, excesses)).collect();
    findings
        .extend(excesses.iter().filter(|it| !exceptions.iter().any(|other| excuses(other, it))).map(report));
    let mut seen = BTreeSet::new();
    let twice = exceptions.iter().filter(|it| !seen.insert((it.rule, &it.path, &it.subject)));
    findings.extend(twice.map(|it| {
        Finding::of(EXCEPTIONS, format!("names {} {} twice for {}", it.path, it.subject, it.rule.name()))
    }));
    findings
}

fn is_about(exception: &Exception, excess: &Excess) -> bool {
    (exception.rule, &exception.path, &exception.subject) == (excess.rule, &excess.path, &excess.subject)
}

fn excuses(exception: &Exception, excess: &Excess) -> bool {
    is_about(exception, excess) && excess.have <= exception.have
}

fn report(excess: &Excess) -> Finding {
    let Excess { rule, path, subject, line, have } = excess;
    let who = if subject.is_empty() { String::new() } else { format!(" of `{subject}`") };
    Finding::at(path, *line, format!("{}{who}: have {have}, limit {}", rule.name(), rule.limit()))
}

/// An exception that excuses more than there is, or nothing.
fn stale(exception: &Exception, excesses: &[Excess]) -> Option<Finding> {
    let Exception { rule, path, subject, have } = exception;
    let now = excesses.iter().filter(|it| is_about(exception, it)).map(|it| it.have).max();
    match now {
        None => Some(Finding::of(
            EXCEPTIONS,
            format!("{path} {subject} keeps the limit of {} now: take the exception out", rule.name()),
        )),
        Some(now) if now < *have => Some(Finding::of(
            EXCEPTIONS,
            format!("{path} {subject} shrank for {}: lower {have} to {now}", rule.name()),
        )),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn excess(have: usize) -> Excess {
        Excess { rule: Rule::FunctionLines, path: "a.rs".to_owned(), subject: "b".to_owned(), line: 3, have }
    }

    fn exception(have: usize) -> Exception {
        Exception { rule: Rule::FunctionLines, path: "a.rs".to_owned(), subject: "b".to_owned(), have }
    }

    #[track_caller]
    fn check_judgement(excesses: &[Excess], exceptions: &[Exception], expected: &[&str]) {
        let found: Vec<_> = judge(excesses, exceptions).iter().map(Finding::to_string).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn an_exception_excuses_its_size_and_no_more() {
        check_judgement(&[excess(90)], &[exception(90)], &[]);
        check_judgement(&[excess(90)], &[], &["a.rs:3: function-lines of `b`: have 90, limit 70"]);
        check_judgement(
            &[excess(91)],
            &[exception(90)],
            &["a.rs:3: function-lines of `b`: have 91, limit 70"],
        );
    }

    #[test]
    fn the_list_of_exceptions_only_shrinks() {
        let shrank = "xtask/exceptions.toml: a.rs b shrank for function-lines: lower 90 to 80";
        check_judgement(&[excess(80)], &[exception(90)], &[shrank]);
        let gone =
            "xtask/exceptions.toml: a.rs b keeps the limit of function-lines now: take the exception out";
        check_judgement(&[], &[exception(90)], &[gone]);
        let twice = "xtask/exceptions.toml: names a.rs b twice for function-lines";
        check_judgement(&[excess(90)], &[exception(90), exception(90)], &[twice]);
    }

    #[test]
    fn an_exception_says_what_it_excuses_and_why() {
        let right = "[[exception]]\nrule = \"function-lines\"\npath = \"a.rs\"\nsubject = \"b\"\nhave = 90\nreason = \"a flat match\"\n";
        assert_eq!(parse(right), Ok(vec![exception(90)]));
        assert_eq!(parse(""), Ok(Vec::new()));
        for wrong in [
            right.replace("have = 90", ""),
            right.replace("a flat match", ""),
            right.replace("function-lines", "size"),
        ] {
            assert!(parse(&wrong).is_err(), "{wrong}");
        }
        assert!(parse("[exceptions]\n").is_err());
    }

    #[test]
    fn what_is_over_a_limit_is_measured() {
        let body = "    a();\n".repeat(69);
        let text = format!("//! A.\nfn b(c: C, d: D, e: E, f: F, g: G, h: H) {{\n{body}}}\n");
        let source = Source::new("a.rs", &text).expect("a Rust file");
        let found: Vec<_> =
            measure(&source).into_iter().map(|it| (it.rule, it.subject, it.line, it.have)).collect();
        assert_eq!(
            found,
            [(Rule::FunctionLines, "b".to_owned(), 2, 71), (Rule::Parameters, "b".to_owned(), 2, 6)]
        );
    }

    #[test]
    fn the_block_of_the_test_module_is_no_level() {
        let deep =
            |levels: usize| format!("fn a() {{\n{}b();\n{}", "{\n".repeat(levels), "}\n".repeat(levels + 1));
        let counted = |text: &str| measure(&Source::new("src/a.rs", text).expect("a Rust file")).len();
        assert_eq!(counted(&deep(4)), 0);
        assert_eq!(counted(&deep(5)), 1);
        assert_eq!(counted(&format!("#[cfg(test)]\nmod tests {{\n{}}}\n", deep(4))), 0);
        assert_eq!(counted(&format!("#[cfg(test)]\nmod tests {{\n{}}}\n", deep(5))), 1);
    }

    #[test]
    fn tests_do_not_make_a_file_longer_but_a_test_file_counts() {
        let text = format!("fn a() {{}}\n#[cfg(test)]\nmod tests {{\n{}}}\n", "\n".repeat(600));
        let counted = |path| measure(&Source::new(path, &text).expect("a Rust file")).len();
        assert_eq!(counted("src/a.rs"), 0);
        assert_eq!(counted("tests/a.rs"), 1);
    }
}
