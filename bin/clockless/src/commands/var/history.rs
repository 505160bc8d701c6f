//! Days of returns: a table with a column for each asset, beside one that names the day.
//!
//! Invariant: a day is whole or refused with its row, column and reason.

use std::{
    fs,
    path::{Path, PathBuf},
};

use pricing::Normal;

use super::VarArguments;
use crate::failure::Failure;

/// Days of returns, and what they are drawn from.
#[derive(Debug)]
pub(super) struct History {
    pub days: Vec<Vec<f64>>,
    pub names: Vec<String>,
    pub market: Normal,
}

/// A table of days as it was given.
#[derive(Debug)]
pub(super) struct Days {
    pub names: Vec<String>,
    pub days: Vec<Vec<f64>>,
    pub refused: Vec<BadDay>,
}

#[derive(Debug)]
pub(super) struct BadDay {
    pub row: usize,
    pub column: String,
    pub reason: String,
}

impl core::fmt::Display for BadDay {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "row {}, column {}: {}", self.row, self.column, self.reason)
    }
}

pub(super) fn path(arguments: &VarArguments) -> Result<PathBuf, Failure> {
    if let Some(path) = &arguments.returns {
        return Ok(path.clone());
    }
    let folder = arguments.file.parent().unwrap_or(Path::new("."));
    let places = [folder.join("returns.csv"), folder.join("../returns.csv")];
    let found = places.iter().find(|path| path.is_file()).cloned();
    found.ok_or_else(|| Failure::bad_input("no returns.csv beside the file; name one with --returns"))
}

impl Days {
    pub(super) fn read(path: &Path) -> Result<Self, Failure> {
        let text = fs::read(path).map_err(|error| Failure::file(path, &error))?;
        let in_file = |reason: String| Failure::bad_input(format!("{}: {reason}", path.display()));
        let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.as_slice());
        let header = reader.headers().map_err(|error| in_file(error.to_string()))?.clone();
        let assets: Vec<usize> =
            (0..header.len()).filter(|i| !matches!(&header[*i], "day" | "date")).collect();
        let mut out = Self {
            names: assets.iter().map(|i| header[*i].to_owned()).collect(),
            days: Vec::new(),
            refused: Vec::new(),
        };
        for (index, record) in reader.records().enumerate() {
            match day(index + 1, &header, &assets, record) {
                Ok(day) => out.days.push(day),
                Err(bad) => out.refused.push(bad),
            }
        }
        Ok(out)
    }
}

fn day(
    row: usize,
    header: &csv::StringRecord,
    assets: &[usize],
    record: csv::Result<csv::StringRecord>,
) -> Result<Vec<f64>, BadDay> {
    let record = record.map_err(|error| BadDay { row, column: "-".into(), reason: error.to_string() })?;
    let number = |column: &usize| match record[*column].parse::<f64>() {
        Ok(number) if number.is_finite() => Ok(number),
        _ => Err(BadDay {
            row,
            column: header[*column].to_owned(),
            reason: format!("{:?} is no finite number", &record[*column]),
        }),
    };
    assets.iter().map(number).collect()
}
