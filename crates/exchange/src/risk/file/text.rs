//! From a file's text to a JSON value, with words that are no JSON kept where they stand.
//!
//! Other programs write NaN and Infinity, and numbers beyond a double. A parser would refuse the whole file
//! without saying where in the document; here they become texts, so that the field that holds one is named
//! and the rest can be read.
//!
//! Invariant: a text that is JSON comes through as it is.

use serde_json::Value;

use super::FileError;

pub(super) fn parse(source: &str) -> Result<Value, FileError> {
    serde_json::from_str(&quote_words(source)).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        let message = error.to_string();
        let reason = message.split(" at line ").next().unwrap_or_default().to_owned();
        FileError::Syntax { line, column, reason }
    })
}

/// Puts every run of letters and digits that is neither a number in range nor a word of JSON in quotes.
fn quote_words(source: &str) -> String {
    let mut out = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(first) = rest.chars().next() {
        let taken = match first {
            '"' => string_length(rest),
            _ if is_word(first) => rest.find(|c: char| !is_word(c)).unwrap_or(rest.len()),
            _ => first.len_utf8(),
        };
        let (token, behind) = rest.split_at(taken);
        if is_word(first) && !is_json_word(token) {
            out.extend(["\"", token, "\""]);
        } else {
            out.push_str(token);
        }
        rest = behind;
    }
    out
}

/// The length of the string that the text begins with, quotes included.
fn string_length(text: &str) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '+' | '-' | '.' | '_')
}

fn is_json_word(token: &str) -> bool {
    let is_plain = !token.starts_with('+') && token.bytes().any(|byte| byte.is_ascii_digit());
    matches!(token, "true" | "false" | "null") || (is_plain && token.parse().is_ok_and(f64::is_finite))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_are_no_json_become_texts_and_the_rest_stays() {
        for (source, want) in [
            (r#"{"a": NaN, "b": -Infinity}"#, r#"{"a": "NaN", "b": "-Infinity"}"#),
            (r#"[1e999, -1e-5, 12, 0.5, true, null]"#, r#"["1e999", -1e-5, 12, 0.5, true, null]"#),
            (r#"{"NaN \" NaN": "Infinity\\"}"#, r#"{"NaN \" NaN": "Infinity\\"}"#),
            ("[1.5.5, +3, inf]", r#"["1.5.5", "+3", "inf"]"#),
        ] {
            assert_eq!(quote_words(source), want);
        }
    }

    #[test]
    fn broken_text_says_where() {
        let error = parse("{\n \"a\": [1, 2\n}").unwrap_err();
        assert!(matches!(error, FileError::Syntax { line: 3, .. }), "{error}");
        assert!(parse("\"open").is_err());
    }
}
