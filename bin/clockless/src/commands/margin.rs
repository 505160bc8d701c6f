//! `clockless margin FILE`: what the portfolios of a file could lose, on every grid.

use std::{fs, path::PathBuf};

use clap::Args;
use exchange::risk::file::{Answers, answer};
use serde_json::Value;

use crate::failure::Failure;

#[derive(Args, Debug)]
pub struct MarginArguments {
    /// Portfolios, and grids if they are not the exchange's own, as JSON.
    file: PathBuf,
    /// The file again as one object, with the answers in it.
    #[arg(long)]
    json: bool,
    /// Answer the good portfolios of a file that has bad ones; still ends with 2.
    #[arg(long)]
    keep_going: bool,
}

pub fn run(arguments: &MarginArguments) -> Result<(), Failure> {
    let name = arguments.file.display();
    let source =
        fs::read_to_string(&arguments.file).map_err(|error| Failure::file(&arguments.file, &error))?;
    let Answers { document, errors } =
        answer(&source).map_err(|error| Failure::bad_input(format!("{name}: {error}")))?;
    let lines: Vec<String> = errors.iter().map(|error| format!("{name}: {error}")).collect();
    if lines.is_empty() || arguments.keep_going {
        if arguments.json {
            println!("{document}");
        } else {
            show(&document);
        }
    }
    if lines.is_empty() { Ok(()) } else { Err(Failure::bad_input(lines.join("\nclockless: "))) }
}

/// A line for each portfolio and grid.
fn show(document: &Value) {
    for portfolio in document["portfolios"].as_array().into_iter().flatten() {
        let id = &portfolio["id"];
        if let Some(error) = portfolio["error"].as_str() {
            println!("{id:>6}  {error}");
        }
        for (grid, result) in portfolio["results"].as_object().into_iter().flatten() {
            let loss = result["worst_loss"].as_f64().unwrap_or_default();
            println!("{id:>6}  {grid:<16} loses {loss:>20.6} in scenario {}", result["worst_index"]);
        }
    }
}
