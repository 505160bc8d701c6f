//! A table of inputs, and the same table with answers.
//!
//! Invariant: rows keep their order and their text; a number is finite or it is refused.

use core::fmt;

use serde_json::{Map, Value, json};

use super::kinds::Kind;

/// A table as it was given.
#[derive(Debug)]
pub(super) struct Sheet {
    header: Vec<String>,
    pub rows: Vec<Result<Row, Refusal>>,
}

/// One line of it.
#[derive(Clone, Debug)]
pub(super) struct Row {
    /// From one, without the header.
    row: usize,
    line: u64,
    header: Vec<String>,
    cells: Vec<String>,
}

/// Why a row has no answer.
#[derive(Clone, Debug)]
pub(super) struct Refusal {
    row: usize,
    line: u64,
    column: String,
    reason: String,
}

/// A column of a row, and what is wrong there.
#[derive(Debug)]
pub(super) struct Fault {
    pub column: String,
    pub reason: String,
}

/// A table with answers.
#[derive(Debug)]
pub(super) struct Answered<'a> {
    kind: &'a Kind,
    sheet: &'a Sheet,
    /// One for each row; nothing where it was refused.
    answers: Vec<Option<Vec<f64>>>,
    pub refused: Vec<Refusal>,
}

impl Sheet {
    pub(super) fn read(text: &[u8]) -> Result<Self, String> {
        let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text);
        let header: Vec<String> =
            reader.headers().map_err(|error| format!("header: {error}"))?.iter().map(str::to_owned).collect();
        if header.iter().all(String::is_empty) {
            return Err("line 1: a header with the columns' names is expected".into());
        }
        for (index, name) in header.iter().enumerate() {
            if header[..index].contains(name) {
                return Err(format!("line 1: column {name} stands there twice"));
            }
        }
        let rows =
            reader.records().enumerate().map(|(index, record)| Row::of(index + 1, &header, record)).collect();
        Ok(Self { header, rows })
    }

    /// Refuses a table that lacks a column.
    pub(super) fn require(&self, kind: &Kind) -> Result<(), String> {
        let has = |name: &str| self.header.iter().any(|column| column == name);
        match kind.needs.iter().find(|need| !(has(need) || **need == "T" && has("days"))) {
            None => Ok(()),
            Some(need) => {
                Err(format!("line 1: column {need} is missing; kind {} needs {:?}", kind.name, kind.needs))
            }
        }
    }
}

impl Row {
    fn of(row: usize, header: &[String], record: csv::Result<csv::StringRecord>) -> Result<Self, Refusal> {
        let cells = record.map_err(|error| Refusal {
            row,
            line: error.position().map_or(0, csv::Position::line),
            column: "-".into(),
            reason: match error.kind() {
                csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
                    format!("has {len} cells, needs {expected_len}")
                }
                csv::ErrorKind::Utf8 { .. } => "is no UTF-8 text".into(),
                _ => error.to_string(),
            },
        })?;
        let line = cells.position().map_or(0, csv::Position::line);
        Ok(Self { row, line, header: header.to_vec(), cells: cells.iter().map(str::to_owned).collect() })
    }

    pub(super) fn word(&self, column: &str) -> Result<&str, Fault> {
        let index = self.header.iter().position(|name| name == column);
        let cell = index.and_then(|index| self.cells.get(index));
        cell.map(String::as_str).ok_or_else(|| Fault::new(column, "is missing"))
    }

    /// A finite number; T may be given as days of 1/365 years.
    pub(super) fn number(&self, column: &str) -> Result<f64, Fault> {
        if column == "T" && !self.header.iter().any(|name| name == "T") {
            return Ok(self.number("days")? / 365.0);
        }
        let cell = self.word(column)?;
        match cell.parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(number),
            Ok(_) => Err(Fault::new(column, format!("{cell:?} is not finite"))),
            Err(_) => Err(Fault::new(column, format!("{cell:?} is no number"))),
        }
    }

    fn refuse(&self, fault: Fault) -> Refusal {
        Refusal { row: self.row, line: self.line, column: fault.column, reason: fault.reason }
    }
}

impl Fault {
    pub(super) fn new(column: &str, reason: impl Into<String>) -> Self {
        Self { column: column.into(), reason: reason.into() }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "row {} (line {}), column {}: {}", self.row, self.line, self.column, self.reason)
    }
}

impl<'a> Answered<'a> {
    pub(super) fn of(kind: &'a Kind, sheet: &'a Sheet) -> Self {
        let mut refused = Vec::new();
        let answer = |row: &Result<Row, Refusal>| {
            let row = row.as_ref().map_err(Clone::clone)?;
            (kind.answer)(row).map_err(|fault| row.refuse(fault))
        };
        let keep = |answer: Result<Vec<f64>, Refusal>| answer.map_err(|refusal| refused.push(refusal)).ok();
        let answers = sheet.rows.iter().map(answer).map(keep).collect();
        Self { kind, sheet, answers, refused }
    }

    /// Given columns under the names that they have beside the answers.
    fn given(&self) -> impl Iterator<Item = String> + '_ {
        self.sheet.header.iter().map(|name| {
            let taken = self.kind.answers.contains(&name.as_str());
            if taken { format!("given_{name}") } else { name.clone() }
        })
    }

    pub(super) fn csv(&self) -> Result<String, String> {
        let mut out = csv::Writer::from_writer(Vec::new());
        let answers = self.kind.answers.iter().map(|name| (*name).to_owned());
        let error_column = (!self.refused.is_empty()).then(|| "error".to_owned());
        out.write_record(self.given().chain(answers).chain(error_column))
            .map_err(|error| error.to_string())?;
        for (row, answer) in self.sheet.rows.iter().zip(&self.answers) {
            let Ok(row) = row else { continue };
            let nothing = vec![f64::NAN; self.kind.answers.len()];
            let numbers =
                answer.as_ref().unwrap_or(&nothing).iter().map(|number| format!("{number:?}").to_lowercase());
            let error = self.refused.iter().find(|refusal| refusal.row == row.row);
            let error = error.map_or(String::new(), |it| format!("{}: {}", it.column, it.reason));
            let error = (!self.refused.is_empty()).then_some(error);
            out.write_record(row.cells.iter().cloned().chain(numbers).chain(error))
                .map_err(|error| error.to_string())?;
        }
        let bytes = out.into_inner().map_err(|error| error.to_string())?;
        String::from_utf8(bytes).map_err(|error| error.to_string())
    }

    pub(super) fn json(&self) -> String {
        let names: Vec<String> = self.given().collect();
        let rows = self.sheet.rows.iter().zip(&self.answers).filter_map(|(row, answer)| {
            let (row, answer) = (row.as_ref().ok()?, answer.as_ref()?);
            let mut object = Map::new();
            object.insert("row".into(), json!(row.row));
            for (name, cell) in names.iter().zip(&row.cells) {
                let number = cell.parse::<f64>().ok().filter(|number| number.is_finite());
                object.insert(name.clone(), number.map_or_else(|| json!(cell), |number| json!(number)));
            }
            for (name, number) in self.kind.answers.iter().zip(answer) {
                object.insert((*name).to_owned(), json!(number));
            }
            Some(Value::Object(object))
        });
        let rows: Vec<Value> = rows.collect();
        let refused: Vec<Value> = self
            .refused
            .iter()
            .map(|it| json!({"row": it.row, "line": it.line, "column": it.column, "reason": it.reason}))
            .collect();
        let out =
            json!({"kind": self.kind.name, "answers": self.kind.answers, "rows": rows, "refused": refused});
        format!("{out}\n")
    }
}

#[cfg(test)]
mod tests {
    use super::{super::kinds::KINDS, *};

    const GOOD: &str = "id,type,F,K,T,r,sigma,price\n7,C,100,100,1,0,0.2,7.9\n";

    fn kind() -> &'static Kind {
        KINDS.iter().find(|kind| kind.name == "european_black76").unwrap()
    }

    #[test]
    fn answers_stand_beside_the_inputs_and_hide_nothing_given() {
        let sheet = Sheet::read(GOOD.as_bytes()).unwrap();
        let answered = Answered::of(kind(), &sheet);
        let text = answered.csv().unwrap();
        assert!(text.starts_with("id,type,F,K,T,r,sigma,given_price,price,delta,gamma"), "{text}");
        assert!(text.contains("\n7,C,100,100,1,0,0.2,7.9,7.965567455405"), "{text}");
        let json: Value = serde_json::from_str(&answered.json()).unwrap();
        assert_eq!(json["rows"][0]["given_price"], 7.9);
        assert_eq!(json["refused"], json!([]));
    }

    #[test]
    fn a_bad_cell_is_named_by_row_line_column_and_reason() {
        for (line, column, reason) in [
            ("8,X,100,100,1,0,0.2,", "type", "\"X\" is neither C nor P"),
            ("8,C,100,100,1,0,abc,", "sigma", "\"abc\" is no number"),
            ("8,C,100,100,1,0,NaN,", "sigma", "\"NaN\" is not finite"),
            ("8,C,inf,100,1,0,0.2,", "F", "\"inf\" is not finite"),
            ("8,C,100,100,1,0,-0.2,", "sigma", "is -0.2, must be a number from 0.0 to 100.0"),
            ("8,C,100,100,-1,0,0.2,", "T", "is -1.0, must be a number from 0.0 to 200.0"),
            ("8,C,100,0,1,0,0.2,", "K", "is 0.0, must be a number from 1e-60 to 1e60"),
            ("8,C,100,0", "-", "has 4 cells, needs 8"),
        ] {
            let text = format!("{GOOD}{line}\n");
            let sheet = Sheet::read(text.as_bytes()).unwrap();
            let answered = Answered::of(kind(), &sheet);
            let have: Vec<String> = answered.refused.iter().map(ToString::to_string).collect();
            assert_eq!(have, [format!("row 2 (line 3), column {column}: {reason}")]);
            assert!(answered.csv().unwrap().contains("7.965567455405"), "the good row is answered");
        }
    }

    /// A sound cell for each column that some kind needs.
    fn sound(kind: &str, column: &str) -> &'static str {
        match (kind, column) {
            ("lookback", "kind") => "fixed",
            (_, "kind") => "arith_discrete",
            (_, "type") => "C",
            (_, "barrier") => "UO",
            (_, "F" | "S" | "K") => "100",
            (_, "B") => "120",
            (_, "running_extreme") => "110",
            (_, "fixings") => "4",
            (_, "price") => "8",
            (_, "rho") => "-0.5",
            (_, "T" | "kappa" | "beta" | "rebate") => "1",
            _ => "0.1",
        }
    }

    fn refused(kind: &Kind, column: &str, cell: &str) -> Vec<String> {
        let row = |bad: Option<&str>| {
            let cells = kind.needs.iter().map(|it| match bad {
                Some(cell) if *it == column => cell,
                _ => sound(kind.name, it),
            });
            cells.collect::<Vec<_>>().join(",")
        };
        let text = format!("{}\n{}\n{}\n", kind.needs.join(","), row(None), row(Some(cell)));
        let sheet = Sheet::read(text.as_bytes()).unwrap();
        sheet.require(kind).unwrap();
        let answered = Answered::of(kind, &sheet);
        assert!(
            answered.answers[0].is_some(),
            "the good row of {} is answered: {:?}",
            kind.name,
            answered.refused
        );
        answered.refused.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn every_column_of_every_kind_is_refused_by_its_name() {
        for kind in KINDS {
            for column in kind.needs {
                for cell in ["NaN", "inf", "x", ""] {
                    let have = refused(kind, column, cell);
                    let want = format!("row 2 (line 3), column {column}: {cell:?}");
                    assert!(have.len() == 1 && have[0].starts_with(&want), "{} {want}: {have:?}", kind.name);
                }
            }
        }
    }

    #[test]
    fn what_no_formula_is_stated_for_is_refused_by_its_column() {
        for (name, column, cell) in [
            ("european_bs", "sigma", "-0.2"),
            ("european_bs", "T", "-1"),
            ("digital", "T", "0"),
            ("barrier", "rebate", "-1"),
            ("barrier", "T", "0"),
            ("lookback", "running_extreme", "99"),
            ("lookback", "sigma", "0"),
            ("asian", "fixings", "0"),
            ("asian", "sigma", "-1"),
            ("american", "S", "0"),
            ("american", "T", "-0.1"),
            ("heston", "v0", "-0.1"),
            ("heston", "rho", "-1.5"),
            ("sabr_hagan", "beta", "2"),
            ("sabr_hagan", "K", "-1"),
            ("svi_raw", "b", "-1"),
            ("svi_raw", "T", "0"),
            ("implied_vol", "T", "0"),
            ("implied_vol", "price", "-1"),
            ("implied_vol", "price", "101"),
        ] {
            let kind = KINDS.iter().find(|kind| kind.name == name).unwrap();
            let have = refused(kind, column, cell);
            assert!(
                have.len() == 1 && have[0].contains(&format!("column {column}: ")),
                "{name} {column} {cell}: {have:?}"
            );
        }
        let barrier = KINDS.iter().find(|kind| kind.name == "barrier").unwrap();
        let crossed = refused(barrier, "B", "90");
        assert!(
            crossed[0].contains("column S: is 100.0, must be a number from 1e-60 to 90.0"),
            "{crossed:?}"
        );
    }

    #[test]
    fn broken_tables_are_refused_whole() {
        assert!(Sheet::read(b"").unwrap_err().contains("a header"));
        assert!(Sheet::read(b"a,b,a\n").unwrap_err().contains("column a stands there twice"));
        let lacking = Sheet::read(b"type,F,K,T,r\n").unwrap();
        assert!(lacking.require(kind()).unwrap_err().contains("column sigma is missing"));
        let in_days = Sheet::read(b"type,F,K,days,r,sigma\nP,100,90,365,0,0\n").unwrap();
        in_days.require(kind()).unwrap();
        assert!(Answered::of(kind(), &in_days).refused.is_empty());
    }
}
