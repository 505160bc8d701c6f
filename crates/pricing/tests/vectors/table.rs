//! Reads a table of reference rows, and says which row is out of tolerance.
//!
//! Invariant: every failing row is counted; the worst of them are shown.

use std::{fs, path::PathBuf};

/// Rows with a header.
pub struct Table {
    name: String,
    header: Vec<String>,
    rows: Vec<Vec<String>>,
}

/// One line.
pub struct Row<'a> {
    table: &'a Table,
    cells: &'a [String],
}

impl Table {
    /// A file of the shared vectors; nothing where there is no shared folder.
    pub fn shared(file: &str) -> Option<Self> {
        shared_text(file).map(|text| Self::parse(file, &text))
    }

    pub fn parse(name: &str, text: &str) -> Self {
        let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        let cells = |line: &str| line.split(',').map(|cell| cell.trim().to_owned()).collect::<Vec<_>>();
        let header = cells(lines.next().unwrap());
        Self { name: name.to_owned(), header, rows: lines.map(cells).collect() }
    }

    /// Runs `check` on every row; it answers with what is wrong.
    pub fn check(&self, check: impl Fn(&Row<'_>) -> Result<(), String>) {
        assert!(!self.rows.is_empty(), "{} is empty", self.name);
        let faults: Vec<String> = self
            .rows
            .iter()
            .filter_map(|cells| {
                let fault = check(&Row { table: self, cells }).err()?;
                Some(format!("{}: {fault}", cells.join(",")))
            })
            .collect();
        let (count, rows) = (faults.len(), self.rows.len());
        assert!(
            faults.is_empty(),
            "{}: {count} of {rows} rows\n{}",
            self.name,
            faults[..count.min(12)].join("\n")
        );
        println!("{}: {rows} rows hold", self.name);
    }
}

impl Row<'_> {
    pub fn word(&self, column: &str) -> &str {
        let index = self.table.header.iter().position(|name| name == column);
        &self.cells[index.unwrap_or_else(|| panic!("{} has no column {column}", self.table.name))]
    }

    /// What the row itself allows, or else what is advised.
    pub fn tolerance(&self, advised: f64) -> f64 {
        self.or("tolerance", advised)
    }

    /// A number that a table may leave out.
    pub fn or(&self, column: &str, usual: f64) -> f64 {
        let is_stated = self.table.header.iter().any(|name| name == column);
        if is_stated { self.number(column) } else { usual }
    }

    pub fn number(&self, column: &str) -> f64 {
        self.word(column).parse().unwrap()
    }

    pub fn right(&self) -> pricing::Right {
        match self.word("type") {
            "C" => pricing::Right::Call,
            _ => pricing::Right::Put,
        }
    }
}

/// Checks the rows that are written, and the shared file's where there is one.
pub fn hold<const N: usize>(file: &str, written: [&str; N], check: impl Fn(&Row<'_>) -> Result<(), String>) {
    for rows in written {
        Table::parse("written rows", rows).check(&check);
    }
    if let Some(table) = Table::shared(file) {
        table.check(check);
    }
}

/// The text of a file of the shared vectors; nothing where there is no shared folder.
pub fn shared_text(file: &str) -> Option<String> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/vectors");
    let text = fs::read_to_string(folder.join(file)).ok();
    if text.is_none() {
        println!("skipped: no shared folder with {file}");
    }
    text
}

/// A number within an absolute distance of what the row's column says.
pub fn near(row: &Row<'_>, column: &str, have: f64, tolerance: f64) -> Result<(), String> {
    let want = row.number(column);
    let off = (have - want).abs();
    if off <= tolerance {
        Ok(())
    } else {
        Err(format!("{column} is {have:e}, off by {off:e} > {tolerance:e}"))
    }
}
