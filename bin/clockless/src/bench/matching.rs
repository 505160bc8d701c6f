//! `clockless bench matching`: a made stream of orders and cancels through one book, on one thread, with the checks of a
//! market's limits on.
//!
//! The stream is that of the public yardstick's generator, so the same seed and count are the same work anywhere; a
//! recorded one goes through `clockless replay matching`. Beside it, on the beginning of the stream, the obvious book: a
//! sorted map of queues.
//!
//! Invariant: both books are seen to do the same, trade by trade and order by order.

use std::time::Instant;

use clap::Args;
use exchange::{
    book::{OrderBook, PagedBook, ReferenceBook},
    stream::{Replay, Stream, replay},
};
use serde_json::json;

use crate::{bench::rounded, commands::replay::latencies, failure::Failure};

/// Of runs over the whole stream the fastest counts.
const RUNS: usize = 3;
/// Commands that the obvious book is given.
const COMPARED: usize = 100_000;

#[derive(Args, Debug)]
pub struct MatchingArguments {
    #[arg(long, default_value_t = 2_000_000, value_parser = clap::value_parser!(u32).range(1..=100_000_000))]
    commands: u32,
    #[arg(long, default_value_t = 1)]
    seed: u64,
    #[arg(long)]
    json: bool,
}

pub fn run(arguments: &MatchingArguments) -> Result<(), Failure> {
    let count = usize::try_from(arguments.commands).unwrap_or(usize::MAX);
    let stream = Stream::generate(arguments.seed, count);
    let mut runs: Vec<(f64, Replay)> = (0..RUNS).map(|_| timed::<PagedBook>(&stream)).collect();
    runs.sort_by(|one, two| one.0.total_cmp(&two.0));
    let (seconds, result) = runs[0];
    let beginning = Stream { commands: stream.commands.iter().take(COMPARED).copied().collect(), ..stream };
    let (own_seconds, own) = timed::<PagedBook>(&beginning);
    let (obvious_seconds, obvious) = timed::<ReferenceBook>(&beginning);
    if own != obvious {
        return Err(Failure::failed("the two books did not do the same"));
    }
    let rate = |commands: usize, seconds: f64| (commands as f64 / seconds.max(1e-9)).round();
    let out = json!({
        "seed": arguments.seed,
        "commands": arguments.commands,
        "trades": result.end.trades,
        "trade_hash": format!("{:016x}", result.end.trade_hash),
        "book_checksum": format!("{:016x}", result.end.book_checksum),
        "resting_orders": result.end.resting,
        "commands_per_s": rate(count, seconds),
        "latency_ns": latencies(&stream),
        "sorted_map": {
            "commands": beginning.commands.len(),
            "commands_per_s": rate(beginning.commands.len(), obvious_seconds),
            "ratio": rounded(obvious_seconds / own_seconds.max(1e-9)),
        },
    });
    println!("{}", if arguments.json { out.to_string() } else { format!("{out:#}") });
    Ok(())
}

fn timed<B: OrderBook + Default>(stream: &Stream) -> (f64, Replay) {
    let began = Instant::now();
    let result = replay::<B>(stream);
    (began.elapsed().as_secs_f64(), result)
}
