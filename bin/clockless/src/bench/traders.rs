//! Who trades through a gateway in a bench, on what, and the gateway process itself.
//!
//! Invariant: keys are made from numbers: the gateway's file of keys and the bench agree on them without a word.

use std::{net::SocketAddr, path::Path};

use client::Wallet;
use crypto::SigningKey;
use exchange::State;
use gateway::{Limits, Rate};
use num::{Cash, Rounding, Ticks, Timestamp};
use wire::{Action, Atomicity, InstrumentId, Transaction, UnderlyingId};

use crate::{
    demo::chain::Chain,
    failure::Failure,
    local::{LocalGateway, Process, api_key, wait_for},
    node::Clock,
};

/// More than anybody asks for: the bench measures work, not limits.
const NO_LIMIT: Rate = Rate { rate: 10_000_000, burst: 10_000_000 };
pub fn key(kind: u8, number: u16) -> SigningKey {
    let mut secret = [kind; 32];
    secret[..2].copy_from_slice(&number.to_be_bytes());
    SigningKey::from_bytes(secret)
}

pub fn trader_key(number: u16) -> SigningKey {
    key(1, number)
}

/// A deposit that no bench uses up.
pub fn fund(wallet: &mut Wallet) -> Option<Transaction> {
    let amount = Cash::from_whole(1_000_000_000).unwrap_or(Cash::ZERO);
    wallet.sign(vec![Action::Faucet { amount }], Atomicity::Independent).map(|(_, transaction)| transaction)
}

/// One observation of every underlying, signed.
pub fn observe(wallet: &mut Wallet, chain: &Chain) -> Vec<Transaction> {
    let observed_at = Timestamp::from_millis(Clock { offset_ms: 0 }.now().millis());
    let observation = |(place, price): (usize, &Cash)| Action::Observe {
        underlying: UnderlyingId(u16::try_from(place).unwrap_or(0)),
        price: *price,
        observed_at,
    };
    let actions = chain.spot.values().enumerate().map(observation).collect();
    wallet.sign(actions, Atomicity::Independent).map(|(_, transaction)| transaction).into_iter().collect()
}

/// An instrument that the maker quotes.
#[derive(Clone, Debug)]
pub struct Book {
    pub id: InstrumentId,
    pub name: String,
    pub bid: Ticks,
    pub ask: Ticks,
    market: num::Market,
}

impl Book {
    /// What so many ticks are in USD, as clients write it.
    pub fn price(&self, ticks: i64) -> f64 {
        self.market.price(Ticks::new(ticks)).map_or(0.0, |price| price.micros() as f64 / 1e6)
    }
}

/// A tenth below the mark of every future.
pub fn resting_prices(state: &State) -> Vec<(String, f64)> {
    let futures = state.instruments().iter().filter(|it| !it.is_option());
    let price = |it: &exchange::Instrument| {
        let low = it.mark()?.micros() / 10 * 9;
        let ticks = it.market.ticks(Cash::from_micros(low), Rounding::Floor)?;
        Some((it.name.clone(), it.market.price(ticks)?.micros() as f64 / 1e6))
    };
    futures.filter_map(price).collect()
}

/// The first instruments that are worth a few ticks, with a bid and an ask around their marks.
pub fn quotable(state: &State, count: usize) -> Vec<Book> {
    let quote = |it: &exchange::Instrument| {
        let mark = it.mark()?.micros();
        let half = (mark / 50).max(2 * it.market.tick_size().micros());
        let bid = it.market.ticks(Cash::from_micros(mark - half), Rounding::Floor)?;
        let ask = it.market.ticks(Cash::from_micros(mark + half), Rounding::Ceil)?;
        (bid.get() > 10).then(|| Book { id: it.id, name: it.name.clone(), bid, ask, market: it.market })
    };
    state.instruments().iter().filter_map(quote).take(count).collect()
}

pub fn start_gateway(
    (home, folder): (&Path, &Path),
    (listen, node): (SocketAddr, SocketAddr),
    traders: u16,
) -> Result<Process, Failure> {
    let gateway = LocalGateway {
        home,
        log: folder.join("gateway.log"),
        listen,
        nodes: &[node],
        limits: Limits { connection: NO_LIMIT, address: NO_LIMIT, account: NO_LIMIT, trading: NO_LIMIT },
        clock: Clock { offset_ms: 0 },
    };
    let key = |number| {
        let secret = trader_key(number);
        api_key((&format!("trader-{number}"), "secret"), &secret.public_key(), &secret)
    };
    let mut process = gateway.start((0..traders).map(key).collect())?;
    wait_for(listen, &mut process)?;
    Ok(process)
}
