//! Tables in Markdown that people read and checks obey.
//!
//! Invariant: a table is the first one under its heading; a missing heading or table is an error of the
//! page, never an empty table.

use std::collections::{BTreeMap, BTreeSet};

use crate::{Finding, project::ARCHITECTURE};

/// One row: its first cell's name, and the cells after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) line: usize,
    pub(crate) name: String,
    pub(crate) cells: Vec<String>,
}

/// The rows of the table under `heading`, without its head.
pub(crate) fn rows(markdown: &str, heading: &str) -> Result<Vec<Row>, Finding> {
    let mut lines = markdown.lines().zip(1..).skip_while(|(line, _)| line.trim() != heading).skip(1);
    let table: Vec<_> = lines
        .by_ref()
        .take_while(|(line, _)| !line.starts_with('#'))
        .skip_while(|(line, _)| !line.starts_with('|'))
        .take_while(|(line, _)| line.starts_with('|'))
        .collect();
    if table.len() < 3 {
        return Err(Finding::of(ARCHITECTURE, format!("needs a table under the heading \"{heading}\"")));
    }
    Ok(table.into_iter().skip(2).filter_map(|(line, number)| row(line, number)).collect())
}

fn row(line: &str, number: usize) -> Option<Row> {
    let mut cells = line.trim().trim_matches('|').split('|').map(|cell| cell.trim().to_owned());
    let name = cells.next()?.trim_matches('`').to_owned();
    Some(Row { line: number, name, cells: cells.collect() })
}

/// The names in backticks of the cell at `column` after the first, by row.
pub(crate) fn names_by_row(rows: &[Row], column: usize) -> BTreeMap<&str, BTreeSet<&str>> {
    rows.iter()
        .map(|row| (row.name.as_str(), row.cells.get(column).map_or_else(BTreeSet::new, |cell| names(cell))))
        .collect()
}

/// What stands in backticks.
fn names(cell: &str) -> BTreeSet<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "\
# Page
## Other
| a | b |
|---|---|
| `x` | `y` |
## Dependencies
Some words.

| crate | may use | tests |
|---|---|---|
| `num` | nothing | |
| `wire` | `num`, `crypto` | `sim` |

| not | this |
";

    #[test]
    fn the_first_table_under_the_heading_is_read() {
        let rows = rows(PAGE, "## Dependencies").expect("the page has the table");
        assert_eq!(rows.iter().map(|row| row.line).collect::<Vec<_>>(), [11, 12]);
        let used = names_by_row(&rows, 0);
        assert_eq!(used["num"], BTreeSet::new());
        assert_eq!(used["wire"], BTreeSet::from(["num", "crypto"]));
        assert_eq!(names_by_row(&rows, 1)["wire"], BTreeSet::from(["sim"]));
    }

    #[test]
    fn a_missing_heading_or_table_is_an_error() {
        assert!(rows(PAGE, "## Nowhere").is_err());
        assert!(rows("## Here\nno table\n## Next\n| a |\n|---|\n| b |\n", "## Here").is_err());
    }
}
