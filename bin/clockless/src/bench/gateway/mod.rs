//! `clockless bench gateway`: one gateway process in front of a node that orders whatever comes at once, so that what
//! is measured is the gateway and not the network.
//!
//! Order round trips: connections that each place orders and cancel them, a call counted when its answer says that the
//! exchange has executed it. Fan-out: subscribers of the raw books of several instruments, a latency counted from the
//! moment the node has the commit to the moment the subscriber has read the change.

mod fanout;
mod sequencer;

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use clap::Args;
use client::Wallet;
use crypto::SigningKey;
use exchange::State;
use num::{DAY_MS, Lots};
use serde_json::json;
use wire::{Action, Atomicity, QuoteSide, Transaction};

use crate::{
    bench::{
        calls::{self, Seen},
        rounded,
        traders::{self, Book, key, observe, trader_key},
    },
    commands::{
        block_on,
        genesis::{Plan, make},
    },
    demo::{chain, listing, parse_span},
    failure::Failure,
    local::{Process, free_addresses},
    node::Clock,
};

use sequencer::Sequencer;

/// How often the index is reported.
const REPORT_PAUSE: Duration = Duration::from_secs(1);
/// What the quotes of the books are made of.
const QUOTE_LOTS: u64 = 100;

#[derive(Args, Debug)]
pub struct GatewayArguments {
    /// WebSocket connections that trade, each for an account of its own.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    connections: u16,
    /// Calls that a connection has on their way at once.
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=128))]
    window: u16,
    /// Connections that listen to books.
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    subscribers: u16,
    /// Instruments whose books each subscriber listens to.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=200))]
    instruments: u16,
    /// Changes of books a second, over all instruments.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=1_000))]
    changes: u16,
    /// How often the stand-in for the network commits what came.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=1_000))]
    commit_ms: u16,
    #[arg(long = "for", value_parser = parse_span, default_value = "15s")]
    span: Duration,
    #[arg(long)]
    json: bool,
}

pub fn run(arguments: &GatewayArguments) -> Result<(), Failure> {
    block_on(measure(arguments))?
}

async fn measure(arguments: &GatewayArguments) -> Result<(), Failure> {
    let bench = Bench::start(arguments).await?;
    let orders = orders(&bench, arguments).await?;
    let fanout = fanout::run(&bench, arguments).await?;
    let out = json!({
        "connections": arguments.connections,
        "window": arguments.window,
        "commit_ms": arguments.commit_ms,
        "seconds": arguments.span.as_secs_f64(),
        "round_trips_per_s": (orders.latencies_ms.len() as f64 / arguments.span.as_secs_f64()).round(),
        "round_trip_ms": orders.latency_json(),
        "rejected": orders.rejected,
        "cpu_us_per_round_trip": rounded(orders.cpu_seconds * 1e6 / orders.latencies_ms.len().max(1) as f64),
        "fanout": {
            "subscribers": arguments.subscribers,
            "instruments": arguments.instruments,
            "changes_per_s": arguments.changes,
            "notifications_per_s": fanout.per_s.round(),
            "expected_per_s": u64::from(arguments.changes) * u64::from(arguments.subscribers),
            "latency_ms": calls::latency_json(&fanout.latencies_ms),
            "cpu_us_per_notification": rounded(fanout.cpu_us),
        },
        "memory_mb": bench.gateway.memory_peak_mb().map(rounded),
    });
    if arguments.json {
        println!("{out}");
    } else {
        println!("{}", serde_json::to_string_pretty(&out).unwrap_or_default());
    }
    Ok(())
}

/// Rate, latencies and processor time of one measurement.
struct Measured {
    per_s: f64,
    /// Sorted.
    latencies_ms: Vec<f64>,
    cpu_us: f64,
}

/// Every connection places orders that rest and cancels them.
async fn orders(bench: &Bench, arguments: &GatewayArguments) -> Result<Seen, Failure> {
    let scripts = calls::place_and_cancel(&bench.resting, arguments.connections);
    calls::run(bench.address, scripts, (arguments.window, arguments.span), &[&bench.gateway]).await
}

/// A gateway, the node it follows, and who trades through it.
struct Bench {
    sequencer: Sequencer,
    gateway: Process,
    address: SocketAddr,
    /// Futures of the exchange by name, with a price that rests far below the market.
    resting: Vec<(String, f64)>,
    books: Vec<Book>,
    maker: Maker,
    _folder: tempfile::TempDir,
}

/// Signs the quotes that move the books.
#[derive(Clone, Debug)]
struct Maker(Wallet);

impl Maker {
    /// Another size on both sides of a book: a change that everybody is told of.
    fn quote(&mut self, book: &Book, turn: u64) -> Option<Transaction> {
        let lots = Lots::new(QUOTE_LOTS + turn % 7);
        let side = |price| Some(QuoteSide { price, lots });
        let (bid, ask) = (side(book.bid), side(book.ask));
        let quote = Action::Quote { instrument: book.id, protection: None, bid, ask };
        self.0.sign(vec![quote], Atomicity::Independent).map(|(_, transaction)| transaction)
    }
}

impl Bench {
    async fn start(arguments: &GatewayArguments) -> Result<Self, Failure> {
        let now_ms = Clock { offset_ms: 0 }.now().millis();
        let (reporter, maker) = (key(2, 0), key(3, 0));
        let chain = chain::built_in(now_ms / DAY_MS * DAY_MS);
        let addresses = free_addresses(5)?;
        let plan = Plan {
            exchange: listing::genesis(&chain, &[reporter.public_key()]),
            addresses: vec![[addresses[0], addresses[1], addresses[2]]],
            ..Plan::default()
        };
        let folder = tempfile::Builder::new().prefix("clockless-").tempdir();
        let folder = folder.map_err(|error| Failure::failed(format!("no temporary folder: {error}")))?;
        let home: PathBuf = folder.path().join("network");
        let genesis = make(&home, plan)?;
        let network = genesis.digest();
        let sequencer =
            Sequencer::start(addresses[3], Duration::from_millis(arguments.commit_ms.into())).await?;
        let mut state =
            State::new(&genesis.exchange, network).map_err(|error| Failure::failed(error.to_string()))?;
        let wallet = |key: &SigningKey| Wallet::of_owner(network, key.clone(), 1);
        let mut report = wallet(&reporter);
        sequencer.commit(observe(&mut report, &chain));
        let mut maker = wallet(&maker);
        let funds =
            (0..arguments.connections).filter_map(|it| traders::fund(&mut wallet(&trader_key(it)))).collect();
        sequencer.commit(traders::fund(&mut maker).into_iter().collect());
        sequencer.commit(funds);
        sequencer.replay(&mut state);
        let resting = traders::resting_prices(&state);
        let books = traders::quotable(&state, usize::from(arguments.instruments));
        if books.len() < usize::from(arguments.instruments) || resting.is_empty() {
            let have = books.len();
            return Err(Failure::bad_input(format!("--instruments: {have} can be quoted")));
        }
        tokio::spawn(keep_reporting(sequencer.clone(), report, chain));
        let files = (home.as_path(), folder.path());
        let address = addresses[4];
        let gateway = traders::start_gateway(files, (address, addresses[3]), arguments.connections)?;
        Ok(Self { sequencer, gateway, address, resting, books, maker: Maker(maker), _folder: folder })
    }
}

async fn keep_reporting(sequencer: Sequencer, mut wallet: Wallet, chain: chain::Chain) {
    loop {
        tokio::time::sleep(REPORT_PAUSE).await;
        sequencer.commit(observe(&mut wallet, &chain));
    }
}
