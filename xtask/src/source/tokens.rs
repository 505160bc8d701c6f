//! Words and marks of masked code.
//!
//! Invariant: `->`, `=>` and `::` are one token each, so that every other `<` and `>` may be counted as a
//! bracket where types stand.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Token<'a> {
    pub(crate) text: &'a str,
    /// From 1.
    pub(crate) line: usize,
}

impl Token<'_> {
    pub(crate) fn is_word(&self) -> bool {
        self.text.starts_with(is_word_part)
    }
}

fn is_word_part(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

pub(crate) fn tokens(code: &str) -> Vec<Token<'_>> {
    let mut found = Vec::new();
    for (text, line) in code.lines().zip(1..) {
        let mut rest = text.trim_start();
        while !rest.is_empty() {
            let (token, after) = rest.split_at(length_of_first(rest));
            found.push(Token { text: token, line });
            rest = after.trim_start();
        }
    }
    found
}

fn length_of_first(text: &str) -> usize {
    let word = text.find(|it| !is_word_part(it)).unwrap_or(text.len());
    let is_pair = ["::", "->", "=>"].into_iter().any(|pair| text.starts_with(pair));
    match word {
        0 if is_pair => 2,
        0 => text.chars().next().map_or(0, char::len_utf8),
        _ => word,
    }
}

/// The index after the bracket that closes the one at `open`, or the end.
pub(crate) fn after_match(tokens: &[Token<'_>], open: usize) -> usize {
    let mut depth = 0_u32;
    for (index, token) in tokens.iter().enumerate().skip(open) {
        match token.text {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            return index + 1;
        }
    }
    tokens.len()
}

/// For every line of code, from 1, how many blocks are open at its start.
pub(crate) fn nesting(code: &str) -> Vec<(usize, usize)> {
    let mut open = 0_usize;
    let mut levels = Vec::new();
    for (line, number) in code.lines().zip(1..) {
        let text = line.trim_start();
        let closers = text.chars().take_while(|it| ")]}".contains(*it)).filter(|it| *it == '}').count();
        if !text.is_empty() {
            levels.push((number, open.saturating_sub(closers)));
        }
        open = (open + text.matches('{').count()).saturating_sub(text.matches('}').count());
    }
    levels
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_marks_are_told_apart() {
        let found = tokens("fn a(b: &str) ->\n  X::<'c> { d!() }");
        let texts: Vec<_> = found.iter().map(|token| token.text).collect();
        assert_eq!(texts.join(" "), "fn a ( b : & str ) -> X :: < ' c > { d ! ( ) }");
        assert_eq!(found[8], Token { text: "->", line: 1 });
        assert_eq!(found[9], Token { text: "X", line: 2 });
    }

    #[test]
    fn brackets_match() {
        let found = tokens("( a [ b ] { c } ) d (");
        assert_eq!(after_match(&found, 0), 9);
        assert_eq!(after_match(&found, 10), 11, "what never closes ends with the file");
    }

    #[test]
    fn every_line_has_its_level() {
        assert_eq!(
            nesting("a {\n  b {\n    c\n  }\n\n  d\n}\n"),
            [(1, 0), (2, 1), (3, 2), (4, 1), (6, 1), (7, 0)]
        );
        assert_eq!(
            nesting("a { b { } }\nc\n"),
            [(1, 0), (2, 0)],
            "what closes within its line does not indent"
        );
        assert_eq!(nesting("f(|x| {\n  g\n})\n"), [(1, 0), (2, 1), (3, 0)]);
    }
}
