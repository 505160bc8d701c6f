//! `clockless price FILE.csv --kind KIND`: the answers of a formula beside its inputs.
//!
//! Invariant: a row is answered or refused with its row, line, column and reason; nothing is written when a row
//! is refused, unless `--keep-going` asks for the others. An answer never overwrites what was given: a given
//! column with an answer's name is kept as `given_NAME`, unless it is an input.

mod exotic;
mod kinds;
mod models;
mod sheet;

use std::{fs, path::PathBuf};

use clap::Args;

use self::{
    kinds::{KINDS, Kind},
    sheet::{Answered, Sheet},
};
use crate::failure::{self, Failure};

#[derive(Args, Debug)]
pub struct PriceArguments {
    /// A table with a header; which columns it needs depends on the kind.
    file: PathBuf,
    /// What stands in the rows: european_black76, european_bs, implied_vol and more; `--kind help` lists all.
    #[arg(long)]
    kind: String,
    /// Where to write; the standard output without it.
    #[arg(long)]
    out: Option<PathBuf>,
    /// One JSON object with `rows` and `refused` in place of a table.
    #[arg(long)]
    json: bool,
    /// Answer the good rows although others are refused; still ends with 2 then.
    #[arg(long)]
    keep_going: bool,
}

pub fn run(arguments: &PriceArguments) -> Result<(), Failure> {
    let kind =
        KINDS.iter().find(|kind| kind.name == arguments.kind).ok_or_else(|| unknown(&arguments.kind))?;
    let text = fs::read(&arguments.file).map_err(|error| Failure::file(&arguments.file, &error))?;
    let name = arguments.file.display();
    let in_file = |reason: String| Failure::bad_input(format!("{name}: {reason}"));
    let sheet = Sheet::read(&text).map_err(in_file)?;
    sheet.require(kind).map_err(in_file)?;
    let answered = Answered::of(kind, &sheet);
    if let (Some(first), false) = (answered.refused.first(), arguments.keep_going) {
        return Err(in_file(format!("{first} (--keep-going answers the other rows)")));
    }
    let text = if arguments.json { answered.json() } else { answered.csv().map_err(in_file)? };
    match &arguments.out {
        Some(path) => fs::write(path, text).map_err(|error| Failure::file(path, &error))?,
        None => failure::answer(&text)?,
    }
    for refusal in &answered.refused {
        eprintln!("{name}: {refusal}");
    }
    match answered.refused.len() {
        0 => Ok(()),
        count => Err(in_file(format!("{count} of {} rows refused", sheet.rows.len()))),
    }
}

fn unknown(have: &str) -> Failure {
    let list: String = KINDS.iter().map(|kind| format!("\n  {:<18} {}", kind.name, describe(kind))).collect();
    Failure::bad_input(format!("--kind {have}: one of these is expected{list}"))
}

fn describe(kind: &Kind) -> String {
    format!("{} -> {}", kind.needs.join(","), kind.answers.join(","))
}
