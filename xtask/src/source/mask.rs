//! Tells code from comments and strings.
//!
//! Invariant: both halves have the lines and columns of the text; a character shows in one half only, and
//! what is inside a string shows as `"` in the code.

use super::Language;

/// A text in two halves of the same shape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Masked {
    /// Comments are blank.
    pub(crate) code: String,
    /// Everything but comments is blank.
    pub(crate) comments: String,
}

pub(crate) fn mask(text: &str, language: Language) -> Masked {
    let mut scanner = Scanner {
        characters: text.chars().collect(),
        at: 0,
        language,
        code: String::with_capacity(text.len()),
        comments: String::with_capacity(text.len()),
    };
    while scanner.peek(0).is_some() {
        scanner.step();
    }
    Masked { code: scanner.code, comments: scanner.comments }
}

/// What a character is shown as.
#[derive(Clone, Copy)]
enum Kind {
    Code,
    Text,
    Comment,
}

struct Scanner {
    characters: Vec<char>,
    at: usize,
    language: Language,
    code: String,
    comments: String,
}

impl Scanner {
    fn peek(&self, ahead: usize) -> Option<char> {
        self.characters.get(self.at + ahead).copied()
    }

    fn starts_with(&self, wanted: &str) -> bool {
        wanted.chars().enumerate().all(|(ahead, it)| self.peek(ahead) == Some(it))
    }

    /// Passes one character, if there is one.
    fn take(&mut self, kind: Kind) {
        let Some(character) = self.peek(0) else { return };
        self.at += 1;
        let (code, comment) = match kind {
            _ if character == '\n' => ('\n', '\n'),
            Kind::Code => (character, ' '),
            Kind::Text => ('"', ' '),
            Kind::Comment => (' ', character),
        };
        self.code.push(code);
        self.comments.push(comment);
    }

    fn take_many(&mut self, count: usize, kind: Kind) {
        for _ in 0..count {
            self.take(kind);
        }
    }

    /// Passes one comment, string or character of code.
    fn step(&mut self) {
        if self.starts_with("//") {
            return self.line_comment();
        }
        if self.starts_with("/*") {
            return self.block_comment();
        }
        if self.starts_with("\"") {
            return self.quoted('"');
        }
        match self.language {
            Language::Rust => self.step_rust(),
            Language::TypeScript => self.step_typescript(),
        }
    }

    fn step_rust(&mut self) {
        if let Some(hashes) = self.raw_string() {
            return self.raw(hashes);
        }
        let is_character = self.peek(1) == Some('\\') || self.peek(2) == Some('\'');
        if self.starts_with("'") && is_character { self.quoted('\'') } else { self.take(Kind::Code) }
    }

    fn step_typescript(&mut self) {
        match self.peek(0) {
            Some('\'') => self.quoted('\''),
            Some('`') => self.template(),
            Some('/') if self.expects_value() => self.regular_expression(),
            _ => self.take(Kind::Code),
        }
    }

    fn line_comment(&mut self) {
        while self.peek(0).is_some_and(|it| it != '\n') {
            self.take(Kind::Comment);
        }
    }

    fn block_comment(&mut self) {
        let mut depth = 0_u32;
        while self.peek(0).is_some() {
            if self.starts_with("/*") && (depth == 0 || self.language == Language::Rust) {
                depth += 1;
                self.take_many(2, Kind::Comment);
            } else if self.starts_with("*/") {
                depth -= 1;
                self.take_many(2, Kind::Comment);
            } else {
                self.take(Kind::Comment);
            }
            if depth == 0 {
                return;
            }
        }
    }

    /// A string or character that ends with `quote` and escapes with a backslash.
    fn quoted(&mut self, quote: char) {
        self.take(Kind::Text);
        while let Some(character) = self.peek(0) {
            let count = if character == '\\' { 2 } else { 1 };
            self.take_many(count, Kind::Text);
            if character == quote {
                return;
            }
        }
    }

    /// The number of `#` when a raw string starts here.
    fn raw_string(&self) -> Option<usize> {
        let inside_word = self.code.chars().next_back().is_some_and(|it| it.is_alphanumeric() || it == '_');
        if inside_word {
            return None;
        }
        let prefix = ["r", "br", "cr"]
            .into_iter()
            .find(|prefix| self.starts_with(prefix) && matches!(self.peek(prefix.len()), Some('"' | '#')))?;
        let hashes = (prefix.len()..).take_while(|ahead| self.peek(*ahead) == Some('#')).count();
        (self.peek(prefix.len() + hashes) == Some('"')).then_some(hashes)
    }

    fn raw(&mut self, hashes: usize) {
        while self.peek(0) != Some('"') {
            self.take(Kind::Text);
        }
        self.take(Kind::Text);
        let end = format!("\"{}", "#".repeat(hashes));
        while self.peek(0).is_some() && !self.starts_with(&end) {
            self.take(Kind::Text);
        }
        self.take_many(end.len(), Kind::Text);
    }

    /// A template with whatever is interpolated; code in there counts as text.
    fn template(&mut self) {
        self.take(Kind::Text);
        while let Some(character) = self.peek(0) {
            if self.starts_with("${") {
                self.interpolation();
                continue;
            }
            let count = if character == '\\' { 2 } else { 1 };
            self.take_many(count, Kind::Text);
            if character == '`' {
                return;
            }
        }
    }

    fn interpolation(&mut self) {
        let mut depth = 0_u32;
        while let Some(character) = self.peek(0) {
            match character {
                '`' => self.template(),
                '\'' | '"' => self.quoted(character),
                _ => self.take(Kind::Text),
            }
            match character {
                '{' => depth += 1,
                '}' => depth -= 1,
                _ => {}
            }
            if depth == 0 && character == '}' {
                return;
            }
        }
    }

    /// Whether `/` here starts a regular expression and does not divide.
    fn expects_value(&self) -> bool {
        let before = self.code.trim_end().chars().next_back();
        before.is_none_or(|it| "(,=:[!&|?{};+->".contains(it))
    }

    fn regular_expression(&mut self) {
        let mut in_class = false;
        self.take(Kind::Text);
        while let Some(character) = self.peek(0).filter(|it| *it != '\n') {
            let count = if character == '\\' { 2 } else { 1 };
            self.take_many(count, Kind::Text);
            match character {
                '[' => in_class = true,
                ']' => in_class = false,
                '/' if !in_class => return,
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(language: Language, text: &str, code: &str) {
        let masked = mask(text, language);
        assert_eq!(masked.code, code);
        assert_eq!(masked.comments.chars().count(), text.chars().count());
    }

    #[test]
    fn rust_strings_and_comments_leave_the_code() {
        check(Language::Rust, "a; // b \"\nc", "a;       \nc");
        check(Language::Rust, "a /* b /* c */ d */ e", "a                   e");
        check(Language::Rust, r#"f("a // \" b"); g"#, r#"f("""""""""""); g"#);
        check(Language::Rust, "r#\"a\"b\"# + c", "\"\"\"\"\"\"\"\" + c");
        check(Language::Rust, "for r in x", "for r in x");
    }

    #[test]
    fn a_lifetime_is_no_character() {
        check(Language::Rust, "fn f<'a>(x: &'a str)", "fn f<'a>(x: &'a str)");
        check(Language::Rust, r"['{', '\'', 'b']", "[\"\"\", \"\"\"\", \"\"\"]");
    }

    #[test]
    fn typescript_strings_templates_and_patterns_leave_the_code() {
        check(Language::TypeScript, "a('{') // b", "a(\"\"\")     ");
        check(
            Language::TypeScript,
            "`a${b('}') + `${c}`}d`; e",
            "\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"; e",
        );
        check(Language::TypeScript, "x = /[/'\"]+/; y / z / 2", "x = \"\"\"\"\"\"\"\"; y / z / 2");
    }

    #[test]
    fn comments_keep_their_place() {
        let masked = mask("let a; // why\n/* b */ c", Language::Rust);
        assert_eq!(masked.comments, "       // why\n/* b */  ");
    }
}
