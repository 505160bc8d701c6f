//! `clockless bench gateway`: one gateway process in front of a node that orders whatever comes at once, so that what
//! is measured is the gateway and not the network.
//!
//! Order round trips: connections that each place orders and cancel them, a call counted when its answer says that the
//! exchange has executed it. Fan-out: subscribers of the raw books of several instruments, a latency counted from the
//! moment the node has the commit to the moment the subscriber has read the change.

mod fanout;
mod orders;
mod sequencer;
mod socket;

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use clap::Args;
use client::Wallet;
use crypto::SigningKey;
use exchange::State;
use gateway::{Limits, Rate, auth::ApiKeyFile};
use num::{Cash, DAY_MS, Lots, Rounding, Ticks, Timestamp};
use serde_json::json;
use wire::{Action, Atomicity, InstrumentId, QuoteSide, Transaction, UnderlyingId};

use crate::{
    bench::{quantile, rounded},
    commands::{
        block_on,
        gateway::{GatewayFile, KeyFile},
        genesis::{Plan, make},
    },
    demo::{chain, listing, parse_span},
    failure::Failure,
    local::{Process, free_addresses, wait_for},
    network::write_secret,
    node::Clock,
};

use sequencer::Sequencer;

/// More than anybody asks for: the bench measures work, not limits.
const NO_LIMIT: Rate = Rate { rate: 10_000_000, burst: 10_000_000 };
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
    let orders = orders::run(&bench, arguments).await?;
    let fanout = fanout::run(&bench, arguments).await?;
    let out = json!({
        "connections": arguments.connections,
        "window": arguments.window,
        "commit_ms": arguments.commit_ms,
        "seconds": arguments.span.as_secs_f64(),
        "round_trips_per_s": orders.per_s.round(),
        "round_trip_ms": latency(&orders.latencies_ms),
        "rejected": orders.rejected,
        "cpu_us_per_round_trip": rounded(orders.cpu_us),
        "fanout": {
            "subscribers": arguments.subscribers,
            "instruments": arguments.instruments,
            "changes_per_s": arguments.changes,
            "notifications_per_s": fanout.per_s.round(),
            "expected_per_s": u64::from(arguments.changes) * u64::from(arguments.subscribers),
            "latency_ms": latency(&fanout.latencies_ms),
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
    rejected: u64,
    cpu_us: f64,
}

fn latency(sorted: &[f64]) -> serde_json::Value {
    let at = |part| quantile(sorted, part).map(rounded);
    json!({ "p50": at(0.5), "p99": at(0.99), "p999": at(0.999), "max": at(1.0) })
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

/// An instrument that the maker quotes.
#[derive(Clone, Debug)]
struct Book {
    id: InstrumentId,
    name: String,
    bid: Ticks,
    ask: Ticks,
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

fn key(kind: u8, number: u16) -> SigningKey {
    let mut secret = [kind; 32];
    secret[..2].copy_from_slice(&number.to_be_bytes());
    SigningKey::from_bytes(secret)
}

fn trader_key(number: u16) -> SigningKey {
    key(1, number)
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
        let money = Cash::from_whole(1_000_000_000).unwrap_or(Cash::ZERO);
        let mut maker = wallet(&maker);
        let fund = |wallet: &mut Wallet| {
            let signed = wallet.sign(vec![Action::Faucet { amount: money }], Atomicity::Independent);
            signed.map(|(_, transaction)| transaction)
        };
        let traders =
            (0..arguments.connections).filter_map(|it| fund(&mut wallet(&trader_key(it)))).collect();
        sequencer.commit(fund(&mut maker).into_iter().collect());
        sequencer.commit(traders);
        sequencer.replay(&mut state);
        let resting = resting_prices(&state);
        let books = quotable(&state, usize::from(arguments.instruments));
        if books.len() < usize::from(arguments.instruments) || resting.is_empty() {
            let have = books.len();
            return Err(Failure::bad_input(format!("--instruments: {have} can be quoted")));
        }
        tokio::spawn(keep_reporting(sequencer.clone(), report, chain));
        let files = (home.as_path(), folder.path());
        let address = addresses[4];
        let gateway = start_gateway(files, (address, addresses[3]), arguments.connections)?;
        Ok(Self { sequencer, gateway, address, resting, books, maker: Maker(maker), _folder: folder })
    }
}

/// One observation of every underlying, signed.
fn observe(wallet: &mut Wallet, chain: &chain::Chain) -> Vec<Transaction> {
    let observed_at = Timestamp::from_millis(sequencer::now_ms());
    let observation = |(place, price): (usize, &Cash)| Action::Observe {
        underlying: UnderlyingId(u16::try_from(place).unwrap_or(0)),
        price: *price,
        observed_at,
    };
    let actions = chain.spot.values().enumerate().map(observation).collect();
    wallet.sign(actions, Atomicity::Independent).map(|(_, transaction)| transaction).into_iter().collect()
}

async fn keep_reporting(sequencer: Sequencer, mut wallet: Wallet, chain: chain::Chain) {
    loop {
        tokio::time::sleep(REPORT_PAUSE).await;
        sequencer.commit(observe(&mut wallet, &chain));
    }
}

/// A tenth below the mark of every future.
fn resting_prices(state: &State) -> Vec<(String, f64)> {
    let futures = state.instruments().iter().filter(|it| !it.is_option());
    let price = |it: &exchange::Instrument| {
        let low = it.mark()?.micros() / 10 * 9;
        let ticks = it.market.ticks(Cash::from_micros(low), Rounding::Floor)?;
        Some((it.name.clone(), it.market.price(ticks)?.micros() as f64 / 1e6))
    };
    futures.filter_map(price).collect()
}

/// The first instruments that are worth a few ticks, with a bid and an ask around their marks.
fn quotable(state: &State, count: usize) -> Vec<Book> {
    let quote = |it: &exchange::Instrument| {
        let mark = it.mark()?.micros();
        let half = (mark / 50).max(2 * it.market.tick_size().micros());
        let bid = it.market.ticks(Cash::from_micros(mark - half), Rounding::Floor)?;
        let ask = it.market.ticks(Cash::from_micros(mark + half), Rounding::Ceil)?;
        (bid.get() > 10).then(|| Book { id: it.id, name: it.name.clone(), bid, ask })
    };
    state.instruments().iter().filter_map(quote).take(count).collect()
}

fn start_gateway(
    (home, folder): (&std::path::Path, &std::path::Path),
    (listen, node): (SocketAddr, SocketAddr),
    traders: u16,
) -> Result<Process, Failure> {
    let key = |number| {
        let secret = trader_key(number);
        ApiKeyFile {
            client_id: format!("trader-{number}"),
            client_secret: "secret".to_owned(),
            owner: secret.public_key().to_string(),
            subaccount: 0,
            session_key: hex::encode(secret.to_bytes()),
            scope: String::new(),
        }
    };
    let keys = KeyFile { keys: (0..traders).map(key).collect() };
    let text = serde_json::to_string(&keys).map_err(|error| Failure::failed(error.to_string()))?;
    write_secret(&home.join("api-keys.json"), &text)?;
    let file = GatewayFile {
        genesis: PathBuf::from("genesis.json"),
        node: node.to_string(),
        listen,
        keys: PathBuf::from("api-keys.json"),
        clock_offset_ms: 0,
        limits: Limits { connection: NO_LIMIT, address: NO_LIMIT, account: NO_LIMIT, trading: NO_LIMIT },
        history: "sqlite:history.sqlite".to_owned(),
    };
    let path = home.join("gateway.toml");
    let text = toml::to_string_pretty(&file).map_err(|error| Failure::failed(error.to_string()))?;
    std::fs::write(&path, text).map_err(|error| Failure::file(&path, &error))?;
    let mut process =
        Process::start(&["gateway", "--config", &path.display().to_string()], &folder.join("gateway.log"))?;
    wait_for(listen, &mut process)?;
    Ok(process)
}
