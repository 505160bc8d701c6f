//! `clockless replay matching FILE`: a command stream through the book.

use std::{fs, path::PathBuf, time::Instant};

use clap::{Args, Subcommand};
use exchange::{
    book::PagedBook,
    stream::{Stream, replay},
};
use serde_json::json;

use crate::failure::Failure;

#[derive(Args, Debug)]
pub struct ReplayArguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand, Debug)]
enum What {
    /// A stream of orders and cancels for one book.
    Matching {
        file: PathBuf,
        #[arg(long)]
        json: bool,
    },
}

pub fn run(arguments: &ReplayArguments) -> Result<(), Failure> {
    let What::Matching { file, json } = &arguments.what;
    let bytes = fs::read(file).map_err(|error| Failure::file(file, &error))?;
    let stream =
        Stream::parse(&bytes).map_err(|error| Failure::bad_input(format!("{}: {error}", file.display())))?;
    let began = Instant::now();
    let result = replay::<PagedBook>(&stream);
    let seconds = began.elapsed().as_secs_f64();
    let commands_per_s = stream.commands.len() as f64 / seconds.max(1e-9);
    let (trade_hash, book_checksum) = (result.end.trade_hash, result.end.book_checksum);
    let out = json!({
        "commands": stream.commands.len(),
        "trades": result.end.trades,
        "trade_hash": format!("{trade_hash:016x}"),
        "book_checksum": format!("{book_checksum:016x}"),
        "resting_orders": result.end.resting,
        "commands_per_s": commands_per_s.round(),
    });
    if *json {
        println!("{out}");
    } else {
        println!("{}", serde_json::to_string_pretty(&out).unwrap_or_default());
    }
    Ok(())
}
