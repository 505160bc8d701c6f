//! The one binary. Sockets, files, threads and clocks live here and in `gateway`, nowhere else.
//!
//! Exit codes: 0 done, 1 the thing asked about is false or failed, 2 bad usage or bad input.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::float_arithmetic,
    clippy::as_conversions,
    reason = "the shell: clocks, threads, files, and figures for people"
)]

mod bench;
mod commands;
mod demo;
mod failure;
mod keystore;
mod load;
mod local;
mod network;
mod node;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Args, CommandFactory as _, Parser, Subcommand};

use crate::{
    commands::gateway::GatewaySettings,
    failure::Failure,
    node::{
        config::{NodeConfig, NodeSettings},
        worker::config::WorkerConfig,
    },
};

/// State lies scattered in memory, and a thread frees what another made: see docs/adr/0038.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

#[derive(Parser, Debug)]
#[command(version, about = "An options exchange that settles without a clock", max_term_width = 100)]
struct Cli {
    /// Logs as JSON, one object a line.
    #[arg(long, global = true)]
    log_json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Show what an account holds
    Account(commands::account::AccountArguments),
    /// The figures we publish
    Bench(bench::BenchArguments),
    /// What a shell needs to complete commands
    Completions(commands::shell::CompletionsArguments),
    /// A local network with market makers, takers, an oracle, a gateway and the page
    Demo(demo::DemoArguments),
    /// Show, list and exercise options beyond the European one
    Exotic(commands::exotic::ExoticArguments),
    /// Ask for USDC out of nothing, where the genesis allows it
    Faucet(commands::faucet::FaucetArguments),
    /// Keys, a genesis and one configuration per validator
    Genesis(commands::genesis::GenesisArguments),
    /// Make, show, back up and restore a person's keys
    Keys(commands::keys::KeysArguments),
    /// Write the manual pages
    Man(commands::shell::ManArguments),
    /// Say what the portfolios of a file could lose
    Margin(commands::margin::MarginArguments),
    /// Run one validator
    Node(NodeRunArguments),
    /// Run the Deribit-compatible server and the page
    Gateway(GatewayRunArguments),
    /// Place, amend and cancel orders
    Order(commands::order::OrderArguments),
    /// Price the rows of a table, with Greeks or what the kind asks for
    Price(commands::price::PriceArguments),
    /// Run a command stream and print its hashes
    Replay(commands::replay::ReplayArguments),
    /// Run simulated networks
    Sim(commands::sim::SimArguments),
    /// Show who the validators are, and vote to change that
    Validator(commands::validator::ValidatorArguments),
    /// What portfolios may lose in a day: historical, parametric, Cornish-Fisher, Monte Carlo
    Var(commands::var::VarArguments),
    /// Move USDC to another subaccount of the same owner
    Transfer(commands::money::TransferArguments),
    /// Check a balance against a certified root
    Verify(commands::verify::VerifyArguments),
    /// Take USDC out of the exchange, or take a withdrawal back
    Withdraw(commands::money::WithdrawArguments),
    /// Run one worker of a validator, in a process of its own
    Worker(RunArguments),
}

#[derive(Args, Debug)]
struct RunArguments {
    #[arg(long)]
    config: PathBuf,
    /// Ends when the standard input does: for processes that another one started.
    #[arg(long, hide = true)]
    until_stdin_closes: bool,
}

/// A flag goes before the environment, which goes before the file.
#[derive(Args, Debug)]
struct NodeRunArguments {
    #[command(flatten)]
    run: RunArguments,
    #[command(flatten)]
    settings: NodeSettings,
}

/// A flag goes before the environment, which goes before the file.
#[derive(Args, Debug)]
struct GatewayRunArguments {
    #[command(flatten)]
    run: RunArguments,
    #[command(flatten)]
    settings: GatewaySettings,
}

impl RunArguments {
    fn run(&self, run: impl FnOnce(&Path) -> Result<(), Failure>) -> Result<(), Failure> {
        if self.until_stdin_closes {
            local::end_with_parent();
        }
        run(&self.config)
    }
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    start_log(cli.log_json);
    let done = match &cli.command {
        Command::Account(arguments) => commands::account::run(arguments),
        Command::Bench(arguments) => bench::run(arguments),
        Command::Completions(arguments) => commands::shell::completions(Cli::command(), arguments),
        Command::Demo(arguments) => demo::run(arguments),
        Command::Exotic(arguments) => commands::exotic::run(arguments),
        Command::Faucet(arguments) => commands::faucet::run(arguments),
        Command::Gateway(arguments) => {
            arguments.run.run(|path| commands::gateway::run(path, &arguments.settings))
        }
        Command::Genesis(arguments) => commands::genesis::run(arguments),
        Command::Keys(arguments) => commands::keys::run(arguments),
        Command::Man(arguments) => commands::shell::man(Cli::command(), arguments),
        Command::Margin(arguments) => commands::margin::run(arguments),
        Command::Node(arguments) => {
            arguments.run.run(|path| node::run(&NodeConfig::read_under(path, &arguments.settings)?))
        }
        Command::Order(arguments) => commands::order::run(arguments),
        Command::Price(arguments) => commands::price::run(arguments),
        Command::Replay(arguments) => commands::replay::run(arguments),
        Command::Sim(arguments) => commands::sim::run(arguments),
        Command::Transfer(arguments) => commands::money::transfer(arguments),
        Command::Validator(arguments) => commands::validator::run(arguments),
        Command::Var(arguments) => commands::var::run(arguments),
        Command::Verify(arguments) => commands::verify::run(arguments),
        Command::Withdraw(arguments) => commands::money::withdraw(arguments),
        Command::Worker(arguments) => arguments.run(|path| node::worker::run(&WorkerConfig::read(path)?)),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("clockless: {failure}");
            ExitCode::from(Failure::code(&failure))
        }
    }
}

fn start_log(json: bool) {
    use tracing_subscriber::EnvFilter;
    let filter = EnvFilter::try_from_env("CLOCKLESS_LOG")
        .unwrap_or_else(|_| EnvFilter::new("clockless=info,gateway=info,warn"));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    if json {
        log.json().init();
    } else {
        log.init();
    }
}
