//! Where functions stand in TypeScript: named functions, methods and arrow functions with a body.
//!
//! Left out on purpose: arrow functions that are one expression, and the callbacks of `describe`, which only
//! group tests.

use super::{
    Token,
    functions::{Place, first_outside_brackets},
    tokens::after_match,
};

/// Words that stand before a bracket and a block without being a function's name.
const CONTROL: [&str; 7] = ["if", "for", "while", "switch", "catch", "with", "await"];

pub(super) fn places(tokens: &[Token<'_>]) -> Vec<Place> {
    (0..tokens.len())
        .filter(|index| tokens[*index].text == "(")
        .filter_map(|open| place(tokens, open))
        .collect()
}

fn place(tokens: &[Token<'_>], open: usize) -> Option<Place> {
    let after = after_match(tokens, open);
    let next = after_return_type(tokens, after)?;
    let before = open.checked_sub(1).map(|index| tokens[index]);
    match tokens[next].text {
        "=>" if text(tokens, next + 1) == "{" && !groups_tests(tokens, open) => {
            Some(Place { name: arrow_name(tokens, open), parameters: open, body: Some(next + 1) })
        }
        "{" => before.filter(|token| token.is_word() && !CONTROL.contains(&token.text)).map(|_| Place {
            name: open - 1,
            parameters: open,
            body: Some(next),
        }),
        _ => None,
    }
}

fn text<'a>(tokens: &[Token<'a>], index: usize) -> &'a str {
    tokens.get(index).map_or("", |token| token.text)
}

/// The `{` or `=>` at `start` or behind a return type that starts there.
fn after_return_type(tokens: &[Token<'_>], start: usize) -> Option<usize> {
    match text(tokens, start) {
        "{" | "=>" => return Some(start),
        ":" => {}
        _ => return None,
    }
    let type_start = start + 1;
    let behind_object =
        if text(tokens, type_start) == "{" { after_match(tokens, type_start) } else { type_start };
    let end = ["{", "=>", ";", ",", ")", "=", "?", "}"];
    let found = first_outside_brackets(tokens, behind_object, &end)?;
    matches!(text(tokens, found), "{" | "=>").then_some(found)
}

/// The word that an arrow function is assigned to, or else its first bracket.
fn arrow_name(tokens: &[Token<'_>], open: usize) -> usize {
    let before = |count: usize| open.checked_sub(count).map_or("", |index| text(tokens, index));
    let skipped = usize::from(before(1) == "async");
    if matches!(before(skipped + 1), "=" | ":") { open.saturating_sub(skipped + 2) } else { open }
}

/// Whether the arrow function whose parameters open here is what `describe("...", ...)` groups.
fn groups_tests(tokens: &[Token<'_>], open: usize) -> bool {
    let before = |count: usize| open.checked_sub(count).map_or("", |index| text(tokens, index));
    let strings = (2..).take_while(|count| before(*count) == "\"").count();
    before(1) == "," && before(2 + strings) == "(" && before(3 + strings) == "describe"
}

#[cfg(test)]
mod tests {
    use super::super::{Language, functions, mask};

    #[track_caller]
    fn check(text: &str, expected: &[(&str, usize, usize)]) {
        let masked = mask(text, Language::TypeScript);
        let found = functions(&masked.code, Language::TypeScript);
        let found: Vec<_> = found.iter().map(|it| (it.name.as_str(), it.lines, it.parameters)).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn functions_and_methods_are_found_with_and_without_a_return_type() {
        check("function a(b: X, c: Y): Z {\n}\n", &[("a", 2, 2)]);
        check(
            "class A {\n  constructor() {\n  }\n  b(): { c: X } {\n  }\n}",
            &[("constructor", 2, 0), ("b", 2, 0)],
        );
        check("async function a(): Promise<Map<X, Y>> {}", &[("a", 1, 0)]);
    }

    #[test]
    fn control_flow_and_calls_are_no_functions() {
        check("if (a) {\n}\nfor (const b of c) {\n}\nd(e);\nswitch (f(g)) { case h(i): { } }", &[]);
    }

    #[test]
    fn an_arrow_function_has_the_name_it_is_given_to() {
        check("const a = async (b: X): Promise<Y> => {\n};", &[("a", 2, 1)]);
        check("call((b) => {\n});\nlet c = (d) => d + 1;", &[("line 1", 2, 1)]);
    }

    #[test]
    fn a_group_of_tests_is_no_function() {
        check("describe('a', () => {\n  it('b', () => {\n  });\n});", &[("line 2", 2, 0)]);
    }
}
