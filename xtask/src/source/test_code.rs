//! Which lines are tests.

use super::{
    Language, Masked,
    tokens::{Token, after_match, tokens},
};

/// Ranges of lines, from 1, that are compiled for tests only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TestLines(Vec<(usize, usize)>);

/// Whether a file is for tests or benchmarks as a whole.
pub(crate) fn is_test_path(path: &str) -> bool {
    let (folders, name) = path.rsplit_once('/').unwrap_or(("", path));
    let stem_ends = [".test.ts", ".spec.ts"].into_iter().any(|end| name.ends_with(end));
    folders.split('/').any(|it| matches!(it, "tests" | "benches")) || name == "tests.rs" || stem_ends
}

impl TestLines {
    pub(super) fn find(path: &str, masked: &Masked, language: Language) -> Self {
        match language {
            _ if is_test_path(path) => Self(vec![(1, usize::MAX)]),
            Language::Rust => Self(test_items(&tokens(&masked.code))),
            Language::TypeScript => Self(Vec::new()),
        }
    }

    pub(crate) fn contains(&self, line: usize) -> bool {
        self.0.iter().any(|(first, last)| (*first..=*last).contains(&line))
    }

    /// Lines of a file of `total` lines that are no tests.
    pub(crate) fn outside(&self, total: usize) -> usize {
        (1..=total).filter(|line| !self.contains(*line)).count()
    }
}

/// The items under `#[cfg(test)]`, attribute included.
fn test_items(tokens: &[Token<'_>]) -> Vec<(usize, usize)> {
    let attribute = ["#", "[", "cfg", "(", "test", ")", "]"];
    let starts = (0..tokens.len()).filter(|start| {
        attribute.iter().zip(&tokens[*start..]).filter(|(wanted, token)| **wanted == token.text).count()
            == attribute.len()
    });
    starts.map(|start| (tokens[start].line, last_line(tokens, start))).collect()
}

fn last_line(tokens: &[Token<'_>], attribute: usize) -> usize {
    let mut index = attribute;
    while let Some(token) = tokens.get(index) {
        index = match token.text {
            ";" => return token.line,
            "{" => return tokens[after_match(tokens, index) - 1].line,
            "[" | "(" => after_match(tokens, index),
            _ => index + 1,
        };
    }
    usize::MAX
}

#[cfg(test)]
mod tests {
    use super::super::Source;
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[usize]) {
        let source = Source::new("src/a.rs", text).expect("a Rust file");
        let total = text.lines().count();
        let found: Vec<_> = (1..=total).filter(|line| source.test_lines.contains(*line)).collect();
        assert_eq!(found, expected);
        assert_eq!(source.test_lines.outside(total), total - expected.len());
    }

    #[test]
    fn a_test_module_is_its_attribute_and_its_block() {
        check("a\n#[cfg(test)]\n#[allow(x, reason = \"{\")]\nmod tests {\n}\nb\n", &[2, 3, 4, 5]);
    }

    #[test]
    fn a_test_import_ends_with_its_semicolon() {
        check("#[cfg(test)]\nuse a::b;\nfn c() {}\n", &[1, 2]);
        check("fn c() {}\n", &[]);
    }

    #[test]
    fn test_files_are_known_by_their_path() {
        for path in
            ["crates/a/tests/b.rs", "crates/a/benches/b.rs", "crates/a/src/tests.rs", "web/src/a.test.ts"]
        {
            assert!(is_test_path(path), "{path}");
        }
        for path in ["crates/a/src/test_code.rs", "crates/a/src/b.rs", "web/src/tests.ts"] {
            assert!(!is_test_path(path), "{path}");
        }
    }
}
