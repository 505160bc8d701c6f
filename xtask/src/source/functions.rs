//! Functions with their length and their parameters.
//!
//! Invariant: a line counts when it holds code; comments and empty lines make no function longer.

use std::collections::BTreeSet;

use super::{
    Language, Token,
    tokens::{after_match, tokens},
    typescript,
};

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Function {
    /// `line N` for a function without one.
    pub(crate) name: String,
    pub(crate) line: usize,
    /// Lines of code from the name to the closing bracket; 1 for a declaration.
    pub(crate) lines: usize,
    /// The receiver counts.
    pub(crate) parameters: usize,
}

/// Where a function stands among the tokens of a file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    /// The name, or the first bracket of an arrow function.
    pub(super) name: usize,
    /// The bracket before the parameters.
    pub(super) parameters: usize,
    /// The bracket before the body, when there is one.
    pub(super) body: Option<usize>,
}

pub(crate) fn functions(code: &str, language: Language) -> Vec<Function> {
    let tokens = tokens(code);
    let places = match language {
        Language::Rust => rust_places(&tokens),
        Language::TypeScript => typescript::places(&tokens),
    };
    places.into_iter().map(|place| measure(&tokens, place)).collect()
}

fn measure(tokens: &[Token<'_>], place: Place) -> Function {
    let name = tokens[place.name];
    let end = place.body.map_or(place.name + 1, |body| after_match(tokens, body));
    let lines: BTreeSet<usize> = tokens[place.name..end].iter().map(|token| token.line).collect();
    Function {
        name: if name.is_word() { name.text.to_owned() } else { format!("line {}", name.line) },
        line: name.line,
        lines: lines.len(),
        parameters: parameters(tokens, place.parameters),
    }
}

/// Commas at the top level of the brackets at `open`, a trailing one not counted, and one more.
fn parameters(tokens: &[Token<'_>], open: usize) -> usize {
    let inside = &tokens[open + 1..after_match(tokens, open) - 1];
    let mut depth = 0_i32;
    let mut commas = 0;
    for (index, token) in inside.iter().enumerate() {
        match token.text {
            "(" | "[" | "{" | "<" => depth += 1,
            ")" | "]" | "}" | ">" => depth -= 1,
            "," if depth == 0 && index + 1 < inside.len() => commas += 1,
            _ => {}
        }
    }
    if inside.is_empty() { 0 } else { commas + 1 }
}

fn rust_places(tokens: &[Token<'_>]) -> Vec<Place> {
    let is_function =
        |index: usize| tokens[index].text == "fn" && tokens.get(index + 1).is_some_and(Token::is_word);
    (0..tokens.len())
        .filter(|index| is_function(*index))
        .filter_map(|index| rust_place(tokens, index + 1))
        .collect()
}

fn rust_place(tokens: &[Token<'_>], name: usize) -> Option<Place> {
    let parameters = first_outside_brackets(tokens, name + 1, &["("])?;
    let after = after_match(tokens, parameters);
    let body = first_outside_brackets(tokens, after, &["{", ";"])?;
    Some(Place { name, parameters, body: (tokens[body].text == "{").then_some(body) })
}

/// The first of `wanted` from `start` on that is in no other brackets, `<` and `>` included.
pub(super) fn first_outside_brackets(tokens: &[Token<'_>], start: usize, wanted: &[&str]) -> Option<usize> {
    let mut angles = 0_i32;
    let mut index = start;
    while let Some(token) = tokens.get(index) {
        if angles == 0 && wanted.contains(&token.text) {
            return Some(index);
        }
        match token.text {
            "<" => angles += 1,
            ">" => angles -= 1,
            _ => {}
        }
        let opens = matches!(token.text, "(" | "[" | "{");
        index = if opens { after_match(tokens, index) } else { index + 1 };
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(code: &str, expected: &[(&str, usize, usize)]) {
        let found = functions(code, Language::Rust);
        let found: Vec<_> = found.iter().map(|it| (it.name.as_str(), it.lines, it.parameters)).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn lines_of_code_are_counted_to_the_closing_bracket() {
        check("fn a() {\n  b {\n\n  }\n}\nfn c() {}\n", &[("a", 4, 0), ("c", 1, 0)]);
    }

    #[test]
    fn parameters_are_counted_through_types_with_commas() {
        check("fn a<T: Fn(X, Y) -> Z>(&self, b: (X, Y), c: Map<X, Y>,) -> [X; 2] {\n}", &[("a", 2, 3)]);
        check("fn a(f: impl Fn(X, Y) -> Z, g: fn(X, Y)) {}", &[("a", 1, 2)]);
    }

    #[test]
    fn a_block_in_a_return_type_is_not_the_body() {
        check("fn a() -> List<T, { A * B }> {\n  c\n}", &[("a", 3, 0)]);
    }

    #[test]
    fn a_declaration_has_one_line_and_a_function_type_is_none() {
        check("trait T { fn a(&self, b: u8);\n fn c(&self) { d } }", &[("a", 1, 2), ("c", 1, 1)]);
        check("let f: fn(u8) -> u8 = g;", &[]);
    }
}
