//! The project's text files and manifests, read once.
//!
//! Invariant: what `.gitignore` names is not there, nor is any build cache; paths are relative to the root
//! and use `/`.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::Path,
};

/// The page on which the machine-read tables stand.
pub(crate) const ARCHITECTURE: &str = "ARCHITECTURE.md";

#[derive(Debug, Default)]
pub(crate) struct Project {
    /// Text of every file that is text, by path.
    pub(crate) files: BTreeMap<String, String>,
    /// Every file and folder.
    pub(crate) paths: BTreeSet<String>,
}

impl Project {
    pub(crate) fn read(root: &Path) -> io::Result<Self> {
        let ignored = Ignored::parse(&fs::read_to_string(root.join(".gitignore")).unwrap_or_default());
        let mut project = Self::default();
        project.read_folder(root, "", &ignored)?;
        Ok(project)
    }

    fn read_folder(&mut self, root: &Path, folder: &str, ignored: &Ignored) -> io::Result<()> {
        for entry in fs::read_dir(root.join(folder))? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let path = if folder.is_empty() { name.clone() } else { format!("{folder}/{name}") };
            if ignored.covers(&path, &name) || entry.path().join("CACHEDIR.TAG").exists() {
                continue;
            }
            self.paths.insert(path.clone());
            if entry.file_type()?.is_dir() {
                self.read_folder(root, &path, ignored)?;
            } else if let Ok(text) = String::from_utf8(fs::read(entry.path())?) {
                self.files.insert(path, text);
            }
        }
        Ok(())
    }

    /// The text of a file; empty when there is none, which the checks of the tables then report.
    pub(crate) fn text(&self, path: &str) -> &str {
        self.files.get(path).map_or("", String::as_str)
    }

    /// Files whose name ends in `.extension`.
    pub(crate) fn with_extension<'a>(
        &'a self,
        extension: &'a str,
    ) -> impl Iterator<Item = (&'a str, &'a str)> {
        let wanted = move |path: &str| path.rsplit_once('.').is_some_and(|(_, end)| end == extension);
        self.files
            .iter()
            .filter(move |(path, _)| wanted(path))
            .map(|(path, text)| (path.as_str(), text.as_str()))
    }
}

/// The plain lines of a `.gitignore`: `/a/b` from the root, `name` anywhere. Patterns are not understood.
#[derive(Debug)]
struct Ignored {
    rooted: Vec<String>,
    anywhere: Vec<String>,
}

impl Ignored {
    fn parse(text: &str) -> Self {
        let lines = text.lines().map(|line| line.trim().trim_end_matches('/'));
        let (rooted, anywhere): (Vec<_>, Vec<_>) = lines
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
            .partition(|it| it.starts_with('/'));
        Self {
            rooted: rooted.into_iter().map(|line| line.trim_start_matches('/').to_owned()).collect(),
            anywhere: anywhere.into_iter().map(str::to_owned).chain([".git".to_owned()]).collect(),
        }
    }

    fn covers(&self, path: &str, name: &str) -> bool {
        self.rooted.iter().any(|it| it == path) || self.anywhere.iter().any(|it| it == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ignored_folder_is_skipped_where_the_line_says() {
        let ignored = Ignored::parse("# built\n/target\n/web/dist/\n__pycache__\n");
        assert!(ignored.covers("target", "target"));
        assert!(ignored.covers("web/dist", "dist"));
        assert!(ignored.covers("tests/__pycache__", "__pycache__"));
        assert!(ignored.covers(".git", ".git"));
        assert!(!ignored.covers("docs/target", "target"));
    }

    #[test]
    fn files_are_found_by_their_whole_extension() {
        let mut project = Project::default();
        for path in ["a.rs", "b.ts", "c.svelte.ts", "Makefile"] {
            project.files.insert(path.to_owned(), String::new());
        }
        let found: Vec<_> = project.with_extension("ts").map(|(path, _)| path).collect();
        assert_eq!(found, ["b.ts", "c.svelte.ts"]);
    }
}
