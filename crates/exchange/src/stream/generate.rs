//! The order flow of the public yardstick: the same seed gives the same stream as the format's generator.
//!
//! Limit orders gather at exponential distances from a wandering middle, some cross it, a quarter of all
//! commands cancel; cancels name live orders, recent ones, and now and then one that is gone.
//!
//! Invariant: integers only, so every machine makes the same bytes; prices and lots are inside the default
//! limits. Left out on purpose: any claim that a market looks like this.

use num::{Lots, Side, Ticks};
use wire::OrderId;

use super::{Command, Stream};
use crate::book::{Fill, OrderBook, PagedBook, RestingOrder, Taker};

/// How many of 1,024 equal chances fall on a distance of 1, 2, 3, ... ticks: quantiles of an exponential
/// law with a mean of 12 ticks.
const DISTANCE_CHANCES: [u16; 92] = [
    82, 75, 70, 63, 59, 54, 50, 45, 42, 39, 36, 32, 30, 28, 26, 23, 22, 20, 18, 17, 15, 14, 13, 12, 11, 11,
    9, 9, 8, 7, 7, 6, 6, 5, 5, 4, 4, 4, 3, 3, 3, 3, 3, 2, 2, 2, 2, 1, 2, 1, 1, 2, 1, 1, 1, 0, 1, 1, 1, 0, 1,
    0, 1, 0, 0, 1, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1,
];
const MIDDLE_AT_START: i64 = 100_000;

/// SplitMix64.
struct Words(u64);

impl Words {
    const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number from zero to below `bound`.
    fn below(&mut self, bound: u64) -> u64 {
        let scaled = (u128::from(self.next() >> 11) * u128::from(bound)) >> 53;
        u64::try_from(scaled).expect("invariant: a 53-bit fraction of a word")
    }

    fn ticks_below(&mut self, bound: u64) -> i64 {
        i64::try_from(self.below(bound)).expect("invariant: bounds are small")
    }

    fn index_below(&mut self, bound: usize) -> usize {
        let bound = u64::try_from(bound).expect("invariant: lengths have 64 bits or fewer");
        usize::try_from(self.below(bound)).expect("invariant: below a length")
    }

    fn distance(&mut self) -> i64 {
        let mut chance = self.below(1_024);
        let mut ticks = 1;
        for chances in DISTANCE_CHANCES.map(u64::from) {
            if chance < chances {
                break;
            }
            chance -= chances;
            ticks += 1;
        }
        ticks
    }
}

/// The orders at rest, in an order from which one is easily drawn.
#[derive(Default)]
struct Live {
    orders: Vec<OrderId>,
    /// Where an order is in `orders`, by its number.
    positions: Vec<Option<usize>>,
}

impl Live {
    fn insert(&mut self, id: OrderId) {
        let number = index(id);
        if self.positions.len() <= number {
            self.positions.resize(number + 1, None);
        }
        self.positions[number] = Some(self.orders.len());
        self.orders.push(id);
    }

    /// The last order takes the place of the one that goes.
    fn remove(&mut self, id: OrderId) {
        let position = self.positions[index(id)].take().expect("invariant: only live orders are removed");
        let last = self.orders.pop().expect("invariant: at least this one is live");
        if last != id {
            self.orders[position] = last;
            self.positions[index(last)] = Some(position);
        }
    }
}

fn index(id: OrderId) -> usize {
    usize::try_from(id.0).expect("invariant: a generated stream fits in memory")
}

struct Generator {
    words: Words,
    middle: i64,
    next_id: u64,
    book: PagedBook,
    live: Live,
    fills: Vec<Fill>,
}

impl Stream {
    /// `count` commands from a seed.
    pub fn generate(seed: u64, count: usize) -> Self {
        let mut generator = Generator {
            words: Words(seed),
            middle: MIDDLE_AT_START,
            next_id: 1,
            book: PagedBook::default(),
            live: Live::default(),
            fills: Vec::new(),
        };
        Self { seed, commands: (0..count).map(|_| generator.command()).collect() }
    }
}

impl Generator {
    fn command(&mut self) -> Command {
        self.move_middle();
        let kind = self.words.below(1_000);
        if kind < 250 && !self.live.orders.is_empty() { self.cancel() } else { self.order(kind) }
    }

    fn move_middle(&mut self) {
        let word = self.words.next();
        if word & 63 == 0 {
            self.middle += if (word >> 32) & 1 == 1 { 1 } else { -1 };
        } else if word.is_multiple_of(19_997) {
            self.middle += self.words.ticks_below(41) - 20;
        }
    }

    fn cancel(&mut self) -> Command {
        let live = self.live.orders.len();
        let id = match self.words.below(100) {
            0..70 => self.live.orders[self.words.index_below(live)],
            70..95 => self.live.orders[live - 1 - self.words.index_below(live.min(200))],
            _ => OrderId(1 + self.words.below(self.next_id + 10)),
        };
        if self.book.cancel(id).is_some() {
            self.live.remove(id);
        }
        Command::Cancel { id }
    }

    fn order(&mut self, kind: u64) -> Command {
        let side = if self.words.next() >> 63 == 0 { Side::Buy } else { Side::Sell };
        let id = OrderId(self.next_id);
        self.next_id += 1;
        let mut lots = 1 + self.words.below(20);
        if self.words.below(100) < 4 {
            lots = 100 + self.words.below(401);
        }
        if kind < 950 {
            let price = Ticks::new(self.middle + side.sign() * self.limit_beyond_middle());
            let lots = Lots::new(lots);
            let remaining = self.trade(Taker { side, lots, limit: Some(price) });
            if !remaining.is_zero() {
                let order = RestingOrder { id, owner: 0, side, price, remaining };
                self.book.rest(order).expect("invariant: what is left of a new order can rest");
                self.live.insert(id);
            }
            return Command::Add { id, side, lots, price };
        }
        if self.words.below(2) == 0 {
            let lots = Lots::new(lots * 3);
            self.trade(Taker { side, lots, limit: None });
            return Command::Market { id, side, lots };
        }
        let limit = Ticks::new(self.middle + side.sign() * self.words.ticks_below(8));
        let lots = Lots::new(lots * 2);
        self.trade(Taker { side, lots, limit: Some(limit) });
        Command::Immediate { id, side, lots, limit }
    }

    /// How far a limit order reaches over the middle; below zero it waits on its own side.
    fn limit_beyond_middle(&mut self) -> i64 {
        match self.words.below(100) {
            0..58 => -self.words.distance(),
            58..66 => -1 - self.words.ticks_below(400),
            _ => self.words.ticks_below(6),
        }
    }

    fn trade(&mut self, taker: Taker) -> Lots {
        self.fills.clear();
        let rest = self.book.take(taker, &mut self.fills);
        for fill in self.fills.iter().filter(|fill| fill.maker_remaining.is_zero()) {
            self.live.remove(fill.maker);
        }
        rest
    }
}
