//! `clockless bench …`: the figures we publish, as one JSON object each.
//!
//! Invariant: what is measured is what runs in production: processes, sockets, files, everything switched on.

mod calls;
mod clients;
mod consensus;
mod end_to_end;
mod exchange;
mod faults;
mod gateway;
mod margin;
mod matching;
mod pricing;
mod socket;
mod traders;

use clap::{Args, Subcommand};

use crate::failure::Failure;

#[derive(Args, Debug)]
pub struct BenchArguments {
    #[command(subcommand)]
    bench: Bench,
}

#[derive(Subcommand, Debug)]
enum Bench {
    /// Throughput and latency of ordering: validator processes on the loopback, coin, encryption and fsync on
    Consensus(consensus::ConsensusArguments),
    /// Orders through gateway, DAG and exchange to their answers, in batches and one by one
    EndToEnd(end_to_end::EndToEndArguments),
    /// Signed actions a second through the exchange alone, with and without the tree
    Exchange(exchange::ExchangeArguments),
    /// What a validator that is stopped, dead or restarted costs the others, and a cluster killed whole
    Faults(faults::FaultsArguments),
    /// What an account's margin costs, and that of very many when marks move
    Margin(margin::MarginArguments),
    /// Orders and cancels a second through one book, beside the obvious one
    Matching(matching::MatchingArguments),
    /// Order round trips and book fan-out of one gateway process, in front of a node that orders at once
    Gateway(gateway::GatewayArguments),
    /// Options valued a second on one thread, with every vector width, beside other crates
    Pricing(pricing::PricingArguments),
}

pub fn run(arguments: &BenchArguments) -> Result<(), Failure> {
    match &arguments.bench {
        Bench::Consensus(arguments) => consensus::run(arguments),
        Bench::EndToEnd(arguments) => end_to_end::run(arguments),
        Bench::Exchange(arguments) => exchange::run(arguments),
        Bench::Faults(arguments) => faults::run(arguments),
        Bench::Margin(arguments) => margin::run(arguments),
        Bench::Matching(arguments) => matching::run(arguments),
        Bench::Gateway(arguments) => gateway::run(arguments),
        Bench::Pricing(arguments) => pricing::run(arguments),
    }
}

/// The value at a part of a sorted list, `None` when it is empty.
fn quantile(sorted: &[f64], part: f64) -> Option<f64> {
    let place = (part * sorted.len().checked_sub(1)? as f64).round() as usize;
    sorted.get(place).copied()
}

/// With three digits after the point.
fn rounded(value: f64) -> f64 {
    (value * 1e3).round() / 1e3
}
