//! `clockless bench end-to-end`: orders of Deribit clients through a gateway, signed, ordered by validators, executed by
//! each of them and by the gateway, until the client has the answer that says what became of them.
//!
//! Twice: quotes in batches under one signature (`private/mass_quote`), and orders that are placed and cancelled with a
//! signature each (`private/buy`, `private/cancel`). Validators, gateway and clients share the machine.
//!
//! Invariant: latency runs from the call to its answer, at the client; only what the exchange accepted is counted.

use std::time::Duration;

use clap::Args;
use client::{NodeClient, Wallet};
use crypto::SigningKey;
use exchange::State;
use num::DAY_MS;
use serde_json::{Value, json};

use crate::{
    bench::{
        calls::{self, Script, Seen},
        rounded,
        traders::{self, Book, trader_key},
    },
    commands::{block_on, genesis::Plan},
    demo::{
        chain::{self, Chain},
        listing, parse_span,
    },
    failure::Failure,
    local::{LocalNetwork, Process, free_addresses},
    node::Clock,
};

/// How often the index is reported.
const REPORT_PAUSE: Duration = Duration::from_secs(1);
/// How long the network may take to open the market.
const OPENING_MAX: Duration = Duration::from_secs(30);
/// Instruments that are quoted.
const BOOKS: usize = 200;

#[derive(Args, Debug)]
pub struct EndToEndArguments {
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=256))]
    validators: u16,
    /// WebSocket connections, each for an account of its own.
    #[arg(long, default_value_t = 14, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    connections: u16,
    /// Two-sided quotes under a signature.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=64))]
    actions: u16,
    /// Calls that a connection has on their way at once.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..=128))]
    window: u16,
    /// How long each of the two is measured.
    #[arg(long = "for", value_parser = parse_span, default_value = "15s")]
    span: Duration,
    #[arg(long)]
    json: bool,
}

pub fn run(arguments: &EndToEndArguments) -> Result<(), Failure> {
    let chain = chain::built_in(Clock { offset_ms: 0 }.now().millis() / DAY_MS * DAY_MS);
    let reporter = traders::key(2, 0);
    let exchange = listing::genesis(&chain, &[reporter.public_key()]);
    let mut network = LocalNetwork::start(arguments.validators, Plan { exchange, ..Plan::default() })?;
    block_on(measure(&mut network, (reporter, chain), arguments))?
}

async fn measure(
    network: &mut LocalNetwork,
    market: (SigningKey, Chain),
    arguments: &EndToEndArguments,
) -> Result<(), Failure> {
    let state = tokio::time::timeout(OPENING_MAX, open(network, market, arguments.connections));
    let state = state.await.map_err(|_| Failure::failed("the market did not open"))??;
    let home = network.path("");
    let listen = free_addresses(1)?[0];
    let gateway = traders::start_gateway((&home, &home), (listen, network.rpc[0]), arguments.connections)?;
    let books = traders::quotable(&state, BOOKS);
    let resting = traders::resting_prices(&state);
    if books.is_empty() || resting.is_empty() {
        return Err(Failure::failed("nothing has a mark"));
    }
    let pace = (arguments.window, arguments.span);
    let mut watched: Vec<&Process> = network.nodes.iter().collect();
    watched.push(&gateway);
    let connections = usize::from(arguments.connections);
    let scripts = (0..connections).map(|place| quotes(&books, place * 7, arguments.actions.into()));
    let batches = calls::run(listen, scripts.collect(), pace, &watched).await?;
    let scripts = calls::place_and_cancel(&resting, arguments.connections);
    let single = calls::run(listen, scripts, pace, &watched).await?;
    network.check_alive(None)?;
    let out = json!({
        "validators": arguments.validators,
        "connections": arguments.connections,
        "window": arguments.window,
        "seconds": arguments.span.as_secs_f64(),
        "batches": told(&batches, arguments.actions, arguments.span),
        "single": told(&single, 1, arguments.span),
    });
    println!("{}", if arguments.json { out.to_string() } else { format!("{out:#}") });
    if batches.orders == 0 || single.orders == 0 {
        return Err(Failure::failed("no order was placed"));
    }
    Ok(())
}

/// Calls, actions and orders a second. A two-sided quote is one action and places two orders.
fn told(seen: &Seen, actions: u16, span: Duration) -> Value {
    let (calls, seconds) = (seen.latencies_ms.len() as f64, span.as_secs_f64());
    let actions_done = calls * f64::from(actions) - if actions > 1 { seen.rejected as f64 } else { 0.0 };
    json!({
        "actions_per_signature": actions,
        "signatures_per_s": (calls / seconds).round(),
        "actions_per_s": (actions_done / seconds).round(),
        "orders_per_s": (seen.orders as f64 / seconds).round(),
        "latency_ms": seen.latency_json(),
        "rejected": seen.rejected,
        "cpu_us_per_action": rounded(seen.cpu_seconds * 1e6 / actions_done.max(1.0)),
    })
}

/// Money for the traders and a first index; the state once both have been ordered.
async fn open(
    network: &LocalNetwork,
    (reporter, chain): (SigningKey, Chain),
    connections: u16,
) -> Result<State, Failure> {
    let failed = |error: client::NodeError| Failure::failed(error.to_string());
    let id = network.genesis.digest();
    let mut node = NodeClient::connect(&network.rpc[0].to_string()).await.map_err(failed)?;
    let wallet = |key: SigningKey| Wallet::of_owner(id, key, 1);
    let funds = (0..connections).filter_map(|it| traders::fund(&mut wallet(trader_key(it))));
    let refusals = node.submit(funds.collect()).await.map_err(failed)?;
    if let Some(reason) = refusals.into_iter().find(|it| !it.is_empty()) {
        return Err(Failure::failed(reason));
    }
    let rpc = network.rpc[0].to_string();
    tokio::spawn(report(rpc, wallet(reporter), chain));
    let mut state =
        State::new(&network.genesis.exchange, id).map_err(|error| Failure::failed(error.to_string()))?;
    let is_open = |state: &State| {
        let is_there = |it| state.account_index(&wallet(trader_key(it)).account()).is_some();
        (0..connections).all(is_there) && !traders::quotable(state, 1).is_empty()
    };
    let followed = node.commits(1, |committed| {
        exchange::apply(&mut state, &committed.payload, &mut Vec::new());
        state.forget_changes();
        if is_open(&state) { std::ops::ControlFlow::Break(()) } else { std::ops::ControlFlow::Continue(()) }
    });
    followed.await.map_err(failed)?;
    Ok(state)
}

/// Says the same price again and again, so that it never grows old.
async fn report(rpc: String, mut wallet: Wallet, chain: Chain) {
    loop {
        if let Ok(mut node) = NodeClient::connect(&rpc).await {
            // A validator that is gone is tried again with the next word.
            while node.submit(traders::observe(&mut wallet, &chain)).await.is_ok() {
                tokio::time::sleep(REPORT_PAUSE).await;
            }
        }
        tokio::time::sleep(REPORT_PAUSE).await;
    }
}

/// Quotes so many books in a call, going on where the last call ended; each time at other prices, so that both orders of
/// every quote are placed anew.
fn quotes(books: &[Book], first: usize, actions: usize) -> Script {
    let books = books.to_vec();
    let (mut next, mut turn) = (first, 0_i64);
    Box::new(move |_| {
        let quote = |place: usize| {
            let it = &books[place % books.len()];
            let away = (place / books.len()) as i64 % 2 + turn % 2;
            let side = |ticks: i64| json!({ "price": it.price(ticks), "contracts": 10 });
            json!({ "instrument_name": it.name, "bid": side(it.bid.get() - away), "ask": side(it.ask.get() + away) })
        };
        let quotes: Vec<Value> = (next..next + actions).map(quote).collect();
        (next, turn) = (next + actions, turn + 1);
        ("private/mass_quote", json!({ "quote_id": "bench", "quotes": quotes }))
    })
}
