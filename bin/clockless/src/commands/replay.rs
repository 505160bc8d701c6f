//! `clockless replay matching FILE`: a command stream through the book.

use std::{fs, path::PathBuf, time::Instant};

use clap::{Args, Subcommand};
use exchange::{
    book::PagedBook,
    stream::{MarketLimits, Replayer, Stream, replay},
};
use serde_json::{Value, json};

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
    let latency = latencies(&stream);
    let (trade_hash, book_checksum) = (result.end.trade_hash, result.end.book_checksum);
    let out = json!({
        "commands": stream.commands.len(),
        "trades": result.end.trades,
        "trade_hash": format!("{trade_hash:016x}"),
        "book_checksum": format!("{book_checksum:016x}"),
        "resting_orders": result.end.resting,
        "commands_per_s": commands_per_s.round(),
        "latency_ns": latency,
    });
    if *json {
        println!("{out}");
    } else {
        println!("{}", serde_json::to_string_pretty(&out).unwrap_or_default());
    }
    Ok(())
}

/// What single commands take in a second run, the reading of the clock included.
pub fn latencies(stream: &Stream) -> Value {
    let mut replayer = Replayer::<PagedBook>::new(MarketLimits::default());
    let mut took: Vec<u128> = Vec::with_capacity(stream.commands.len());
    for command in &stream.commands {
        let began = Instant::now();
        replayer.apply(command);
        took.push(began.elapsed().as_nanos());
    }
    took.sort_unstable();
    let last = took.len().saturating_sub(1);
    let at = |thousandths: usize| took.get(last * thousandths / 1_000);
    json!({ "p50": at(500), "p99": at(990), "p999": at(999) })
}
