//! Source files as the checks see them: code, comments and strings told apart, line by line.
//!
//! Left out on purpose: grammar. Brackets, words and lines are enough for what is checked, and hold for
//! three languages.

mod functions;
mod mask;
mod test_code;
mod tokens;
mod typescript;

pub(crate) use functions::functions;
pub(crate) use mask::{Masked, mask};
pub(crate) use test_code::{TestLines, is_test_path};
pub(crate) use tokens::{Token, nesting, tokens};

use crate::project::Project;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Language {
    Rust,
    TypeScript,
}

/// A source file with its masks. The script of a `.svelte` file stands for the whole; its markup is masked.
#[derive(Debug)]
pub(crate) struct Source<'a> {
    pub(crate) path: &'a str,
    pub(crate) text: &'a str,
    pub(crate) language: Language,
    pub(crate) masked: Masked,
    pub(crate) test_lines: TestLines,
}

impl<'a> Source<'a> {
    pub(crate) fn new(path: &'a str, text: &'a str) -> Option<Self> {
        let (_, extension) = path.rsplit_once('.')?;
        let (language, masked) = match extension {
            "rs" => (Language::Rust, mask(text, Language::Rust)),
            "ts" => (Language::TypeScript, mask(text, Language::TypeScript)),
            "svelte" => (Language::TypeScript, mask(&script_of(text), Language::TypeScript)),
            _ => return None,
        };
        let test_lines = TestLines::find(path, &masked, language);
        Some(Self { path, text, language, masked, test_lines })
    }

    /// Every source file of the project.
    pub(crate) fn all(project: &Project) -> impl Iterator<Item = Source<'_>> {
        project.files.iter().filter_map(|(path, text)| Source::new(path, text))
    }
}

/// The script of a Svelte component, with an empty line for every other line.
fn script_of(component: &str) -> String {
    let mut inside = false;
    let mut script = String::new();
    for line in component.lines() {
        inside &= !line.starts_with("</script>");
        if inside {
            script.push_str(line);
        }
        script.push('\n');
        inside |= line.starts_with("<script");
    }
    script
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_script_of_a_component_keeps_its_line_numbers() {
        let component = "<!-- don't -->\n<script lang=\"ts\">\nlet a;\n</script>\n<p>it's</p>\n";
        assert_eq!(script_of(component), "\n\nlet a;\n\n\n");
    }

    #[test]
    fn other_files_are_no_source() {
        assert!(Source::new("Makefile", "").is_none());
        assert!(Source::new("a.toml", "").is_none());
    }
}
