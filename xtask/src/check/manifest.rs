//! What a crate's `Cargo.toml` says it uses.

use std::collections::BTreeSet;

use crate::{Finding, project::Project};

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Manifest {
    pub(crate) path: String,
    /// The crate's folder: how the tables call it.
    pub(crate) name: String,
    pub(crate) dependencies: BTreeSet<String>,
    /// For tests and for the build script, what `dependencies` has left out.
    pub(crate) test_dependencies: BTreeSet<String>,
}

impl Manifest {
    pub(crate) fn parse(path: &str, text: &str) -> Result<Self, Finding> {
        let table: toml::Table =
            text.parse().map_err(|error: toml::de::Error| Finding::of(path, error.message()))?;
        let keys = |section: &str| -> BTreeSet<String> {
            table
                .get(section)
                .and_then(toml::Value::as_table)
                .map_or_else(BTreeSet::new, |it| it.keys().cloned().collect())
        };
        let dependencies = keys("dependencies");
        let test_dependencies = &(&keys("dev-dependencies") | &keys("build-dependencies")) - &dependencies;
        let name = path.rsplit('/').nth(1).unwrap_or_default().to_owned();
        Ok(Self { path: path.to_owned(), name, dependencies, test_dependencies })
    }

    /// The manifests of all crates of the workspace.
    pub(crate) fn all(project: &Project) -> Result<Vec<Self>, Finding> {
        let is_crate = |path: &str| path.ends_with("/Cargo.toml");
        project
            .with_extension("toml")
            .filter(|(path, _)| is_crate(path))
            .map(|(path, text)| Self::parse(path, text))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dependencies_are_read_in_every_spelling() {
        let text = "[dependencies]\nnum.workspace = true\nbytes = \"1\"\n\
                    [dev-dependencies]\nnum.workspace = true\nproptest.workspace = true\n\
                    [build-dependencies]\nprotox = { version = \"1\" }\n";
        let manifest = Manifest::parse("crates/wire/Cargo.toml", text).expect("valid");
        assert_eq!(manifest.name, "wire");
        assert_eq!(manifest.dependencies, BTreeSet::from(["num".to_owned(), "bytes".to_owned()]));
        assert_eq!(manifest.test_dependencies, BTreeSet::from(["proptest".to_owned(), "protox".to_owned()]));
    }

    #[test]
    fn a_broken_manifest_is_a_finding() {
        assert!(Manifest::parse("crates/wire/Cargo.toml", "[dependencies").is_err());
    }
}
