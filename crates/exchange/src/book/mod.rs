//! The order book of one market: who waits at which price, in which order.
//!
//! Invariant: best price first, inside a price oldest first; a partly filled order keeps its place; no
//! order rests at a price that would trade against the other side; every resting order has lots.
//! Left out on purpose: accounts, money, margin, self-trade rules and time in force. An order carries an
//! opaque `owner`, and the state machine decides before it writes: `front` shows the next maker,
//! `fill_front` takes from it, `take` is the loop over both.
//!
//! [`LadderBook`] is the one of the exchange, which keeps with each order where it lies in its book. [`PagedBook`] is
//! the same for whoever knows orders by their numbers alone. [`ReferenceBook`] says what it says slowly and plainly;
//! random input must give both the same fills, prices and checksums.

mod fold;
mod index;
mod ladder;
mod paged;
mod placed;
mod reference;
mod slab;

use num::{Lots, Side, Ticks};
use wire::OrderId;

pub use fold::Fold;
pub use paged::PagedBook;
pub use placed::LadderBook;
pub use reference::ReferenceBook;
pub use slab::Slot;

/// Orders that may rest in one book at a time.
pub const RESTING_MAX: u32 = 1 << 24;

/// An order as it rests in a book.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RestingOrder {
    pub id: OrderId,
    /// Whose it is, in the state machine's numbering; the book never looks at it.
    pub owner: u32,
    pub side: Side,
    pub price: Ticks,
    /// What is left of it; never zero in a book.
    pub remaining: Lots,
}

/// An order that trades at once and does not rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taker {
    pub side: Side,
    pub lots: Lots,
    /// Never trades beyond this price; `None` trades at any price.
    pub limit: Option<Ticks>,
}

/// A trade, as the resting side sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fill {
    pub maker: OrderId,
    pub owner: u32,
    /// The maker's price: trades are always at it.
    pub price: Ticks,
    pub lots: Lots,
    /// What is left of the maker; zero when it left the book.
    pub maker_remaining: Lots,
}

/// All orders of one side at one price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Level {
    pub price: Ticks,
    pub lots: Lots,
    pub orders: u32,
}

/// Why an order cannot rest, in the order in which the reasons are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RestError {
    #[error("an order without lots cannot rest")]
    NoLots,
    #[error("price {} would trade against {}", need.get(), have.get())]
    Crosses { have: Ticks, need: Ticks },
    #[error("the book holds {have} orders and takes no more")]
    Full { have: u32 },
    #[error("order {} already rests here", have.0)]
    Duplicate { have: OrderId },
    #[error("{} lots more on top of {} at this price cannot be counted", need.get(), have.get())]
    LevelOverflow { have: Lots, need: Lots },
}

/// Why an order cannot be made smaller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReduceError {
    #[error("no such order rests here")]
    Unknown,
    #[error("{} lots are not fewer than {} and above zero", need.get(), have.get())]
    NotSmaller { have: Lots, need: Lots },
}

/// What can be seen of a book.
pub trait Depth {
    /// The order of `side` that trades next.
    fn front(&self, side: Side) -> Option<RestingOrder>;

    /// The best price of `side`.
    fn best(&self, side: Side) -> Option<Ticks>;

    /// Orders at rest.
    fn resting(&self) -> u32;

    /// Prices of `side` with orders, best first; `take(n)` limits the depth.
    fn levels(&self, side: Side) -> impl Iterator<Item = Level>;

    /// Orders of `side` in the order in which they would trade.
    fn orders(&self, side: Side) -> impl Iterator<Item = RestingOrder>;

    /// The lots that `take` would trade, at most `taker.lots`.
    fn fillable(&self, taker: Taker) -> Lots {
        let mut rest = taker.lots;
        for level in self.levels(taker.side.opposite()) {
            if rest.is_zero() || taker.limit.is_some_and(|limit| !reaches(taker.side, limit, level.price)) {
                break;
            }
            rest = rest.checked_sub(level.lots).unwrap_or(Lots::ZERO);
        }
        taker.lots.checked_sub(rest).expect("invariant: the rest only shrinks")
    }

    /// Whether an order of `side` at `price` would trade at once.
    fn crosses(&self, side: Side, price: Ticks) -> bool {
        self.best(side.opposite()).is_some_and(|best| reaches(side, price, best))
    }

    /// Whether the best bid is at or above the best ask; never true, for the checks after every commit.
    fn is_crossed(&self) -> bool {
        self.best(Side::Buy).is_some_and(|bid| self.crosses(Side::Buy, bid))
    }

    /// One number for all that rests: bids best first, then asks best first, oldest first in a price;
    /// side, price, order and remaining lots of each.
    fn checksum(&self) -> u64 {
        let mut fold = Fold::default();
        for side in [Side::Buy, Side::Sell] {
            let tag = match side {
                Side::Buy => 0,
                Side::Sell => 1,
            };
            for order in self.orders(side) {
                fold.add(tag);
                fold.add(order.price.get().cast_unsigned());
                fold.add(order.id.0);
                fold.add(order.remaining.get());
            }
        }
        fold.value()
    }
}

/// What a book that knows orders by their numbers can do. Every answer depends only on the calls made so far.
pub trait OrderBook: Depth + Default {
    /// Puts an order behind all others at its price. A refused order changes nothing.
    fn rest(&mut self, order: RestingOrder) -> Result<(), RestError>;

    /// Removes an order; `None` when it does not rest here.
    fn cancel(&mut self, id: OrderId) -> Option<RestingOrder>;

    /// Makes an order smaller without moving it in its queue; answers with the order as it is now.
    fn reduce(&mut self, id: OrderId, remaining: Lots) -> Result<RestingOrder, ReduceError>;

    /// Trades up to `lots` with the first order of `side` and no other; `None` when that side is empty
    /// or `lots` is zero.
    fn fill_front(&mut self, side: Side, lots: Lots) -> Option<Fill>;

    fn find(&self, id: OrderId) -> Option<RestingOrder>;

    /// Trades as far as limit and book allow, appends the fills and answers with the lots left over.
    fn take(&mut self, taker: Taker, fills: &mut Vec<Fill>) -> Lots {
        let mut rest = taker.lots;
        while taker.limit.is_none_or(|limit| self.crosses(taker.side, limit)) {
            let Some(fill) = self.fill_front(taker.side.opposite(), rest) else { break };
            rest = rest.checked_sub(fill.lots).expect("invariant: a fill is never larger than asked for");
            fills.push(fill);
        }
        rest
    }
}

/// Whether an order of `side` with this limit may trade at `price`.
fn reaches(side: Side, limit: Ticks, price: Ticks) -> bool {
    match side {
        Side::Buy => price <= limit,
        Side::Sell => price >= limit,
    }
}
