//! Runs a decoded stream through a book and folds what happens into hashes.
//!
//! Invariant: the trade hash covers every trade in order (taker, maker, price, lots), the checksum every
//! order that rests; both are the same for every book that follows the rules.
//! Left out on purpose: the list of trades; `Replayer::fills` shows those of the last command.

use num::{Lots, Side, Ticks};
use wire::OrderId;

use super::{Command, Stream};
use crate::book::{Fill, Fold, OrderBook, RestingOrder, Taker};

/// What a market accepts. Prices and lots below one are refused always.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MarketLimits {
    pub price_max: Ticks,
    pub lots_max: Lots,
    /// Orders at rest; a further one is refused before it trades.
    pub resting_max: u32,
}

impl Default for MarketLimits {
    /// Wide enough for every stream whose prices and quantities are meant.
    fn default() -> Self {
        Self { price_max: Ticks::new(1 << 40), lots_max: Lots::new(1 << 32), resting_max: 1 << 22 }
    }
}

/// How many of what; quantities in lots.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub commands: u64,
    pub trades: u64,
    pub traded_lots: u128,
    /// Sum of ticks times lots.
    pub notional: i128,
    pub commands_that_traded: u64,
    /// The most trades of one command.
    pub trades_max: u64,
    /// Cancels of what does not rest.
    pub rejected_cancels: u64,
    /// Orders outside the market's limits.
    pub rejected_orders: u64,
    /// Accepted orders of which something was left that the book did not take.
    pub refused_rests: u64,
    /// Lots that neither traded nor rest: of market and immediate orders, and of refused rests.
    pub dropped_lots: u128,
}

/// The state of a replay after some command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    pub after_command: u64,
    pub trades: u64,
    pub trade_hash: u64,
    pub book_checksum: u64,
    pub resting: u32,
    pub best_bid: Option<Ticks>,
    pub best_ask: Option<Ticks>,
    pub bid_levels: usize,
    pub ask_levels: usize,
}

/// The outcome of a replay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Replay {
    pub counts: Counts,
    /// The state after the last command.
    pub end: Checkpoint,
}

/// Replays a whole stream from an empty book under the default limits.
pub fn replay<B: OrderBook>(stream: &Stream) -> Replay {
    let mut replayer = Replayer::<B>::new(MarketLimits::default());
    for command in &stream.commands {
        replayer.apply(command);
    }
    replayer.result()
}

/// The same, with the state after every `interval` commands and after the last.
pub fn replay_with_checkpoints<B: OrderBook>(
    stream: &Stream,
    interval: core::num::NonZeroUsize,
) -> (Replay, Vec<Checkpoint>) {
    let mut replayer = Replayer::<B>::new(MarketLimits::default());
    let mut checkpoints = Vec::new();
    for commands in stream.commands.chunks(interval.get()) {
        for command in commands {
            replayer.apply(command);
        }
        checkpoints.push(replayer.checkpoint());
    }
    (replayer.result(), checkpoints)
}

/// A book, the hashes so far and what is needed to apply one command after another.
#[derive(Clone, Debug)]
pub struct Replayer<B> {
    book: B,
    limits: MarketLimits,
    fills: Vec<Fill>,
    trade_hash: Fold,
    counts: Counts,
}

/// What an order trades with and what becomes of its rest.
struct Incoming {
    id: OrderId,
    taker: Taker,
    rest: Rest,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Rest {
    Stays,
    IsDropped,
}

impl<B: OrderBook> Replayer<B> {
    pub fn new(limits: MarketLimits) -> Self {
        Self {
            book: B::default(),
            limits,
            fills: Vec::new(),
            trade_hash: Fold::default(),
            counts: Counts::default(),
        }
    }

    /// Applies the next command.
    #[inline]
    pub fn apply(&mut self, command: &Command) {
        self.counts.commands += 1;
        self.fills.clear();
        match *command {
            Command::Cancel { id } => {
                if self.book.cancel(id).is_none() {
                    self.counts.rejected_cancels += 1;
                }
            }
            Command::Add { id, side, lots, price } => {
                let taker = Taker { side, lots, limit: Some(price) };
                self.match_order(&Incoming { id, taker, rest: Rest::Stays });
            }
            Command::Market { id, side, lots } => {
                let taker = Taker { side, lots, limit: None };
                self.match_order(&Incoming { id, taker, rest: Rest::IsDropped });
            }
            Command::Immediate { id, side, lots, limit } => {
                let taker = Taker { side, lots, limit: Some(limit) };
                self.match_order(&Incoming { id, taker, rest: Rest::IsDropped });
            }
        }
    }

    /// The trades of the last command.
    pub fn fills(&self) -> &[Fill] {
        &self.fills
    }

    pub const fn book(&self) -> &B {
        &self.book
    }

    /// The state now; walks the whole book.
    pub fn checkpoint(&self) -> Checkpoint {
        Checkpoint {
            after_command: self.counts.commands,
            trades: self.counts.trades,
            trade_hash: self.trade_hash.value(),
            book_checksum: self.book.checksum(),
            resting: self.book.resting(),
            best_bid: self.book.best(Side::Buy),
            best_ask: self.book.best(Side::Sell),
            bid_levels: self.book.levels(Side::Buy).count(),
            ask_levels: self.book.levels(Side::Sell).count(),
        }
    }

    pub fn result(&self) -> Replay {
        Replay { counts: self.counts, end: self.checkpoint() }
    }

    #[inline]
    fn match_order(&mut self, incoming: &Incoming) {
        if !self.accepts(incoming) {
            self.counts.rejected_orders += 1;
            return;
        }
        let rest = self.book.take(incoming.taker, &mut self.fills);
        self.record_fills(incoming.id);
        if rest.is_zero() {
            return;
        }
        match (incoming.rest, incoming.taker.limit) {
            (Rest::Stays, Some(price)) => self.rest(incoming, rest, price),
            _ => self.counts.dropped_lots += u128::from(rest.get()),
        }
    }

    #[inline]
    fn accepts(&self, incoming: &Incoming) -> bool {
        let Taker { lots, limit, .. } = incoming.taker;
        let price_fits = limit.is_none_or(|price| price >= Ticks::new(1) && price <= self.limits.price_max);
        let room = incoming.rest == Rest::IsDropped || self.book.resting() < self.limits.resting_max;
        price_fits && !lots.is_zero() && lots <= self.limits.lots_max && room
    }

    #[inline]
    fn rest(&mut self, incoming: &Incoming, remaining: Lots, price: Ticks) {
        let order = RestingOrder { id: incoming.id, owner: 0, side: incoming.taker.side, price, remaining };
        // Only a hand-made stream gets here: one with a number twice, or with more lots than can be summed.
        if self.book.rest(order).is_err() {
            self.counts.refused_rests += 1;
            self.counts.dropped_lots += u128::from(remaining.get());
        }
    }

    #[inline]
    fn record_fills(&mut self, taker: OrderId) {
        if self.fills.is_empty() {
            return;
        }
        for fill in &self.fills {
            self.trade_hash.add(taker.0);
            self.trade_hash.add(fill.maker.0);
            self.trade_hash.add(fill.price.get().cast_unsigned());
            self.trade_hash.add(fill.lots.get());
            self.counts.traded_lots += u128::from(fill.lots.get());
            self.counts.notional += i128::from(fill.price.get()) * i128::from(fill.lots.get());
        }
        let trades = u64::try_from(self.fills.len()).expect("invariant: lengths have 64 bits or fewer");
        self.counts.trades += trades;
        self.counts.commands_that_traded += 1;
        self.counts.trades_max = self.counts.trades_max.max(trades);
    }
}
