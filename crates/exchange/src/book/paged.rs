//! The fast book: a slab of orders, a ladder of prices for each side, an index of order numbers.
//!
//! Invariant: an order is in the slab, in one queue of one ladder and in the index, or in none of them.
//! Every call does its checks first; what follows them cannot fail.
//! Left out on purpose: knowledge of how a ladder finds a price or an index a number.

use num::{Lots, Side, Ticks};
use wire::OrderId;

use super::index::OrderIndex;
use super::ladder::{Ladder, view};
use super::slab::{NONE, Slab};
use super::{Fill, Level, OrderBook, RESTING_MAX, ReduceError, RestError, RestingOrder, Taker};

/// A book that answers in tens of nanoseconds whether prices are dense or far apart.
#[derive(Clone, Debug)]
pub struct PagedBook {
    bids: Ladder,
    asks: Ladder,
    slab: Slab,
    index: OrderIndex,
}

impl Default for PagedBook {
    fn default() -> Self {
        Self {
            bids: Ladder::new(Side::Buy),
            asks: Ladder::new(Side::Sell),
            slab: Slab::default(),
            index: OrderIndex::default(),
        }
    }
}

impl PagedBook {
    #[inline]
    fn ladder(&self, side: Side) -> &Ladder {
        match side {
            Side::Buy => &self.bids,
            Side::Sell => &self.asks,
        }
    }

    #[inline]
    fn ladder_mut(&mut self, side: Side) -> (&mut Ladder, &mut Slab, &mut OrderIndex) {
        let ladder = match side {
            Side::Buy => &mut self.bids,
            Side::Sell => &mut self.asks,
        };
        (ladder, &mut self.slab, &mut self.index)
    }

    /// The order in a slot that is in use.
    #[inline]
    fn order(&self, slot: u32) -> RestingOrder {
        let node = self.slab.get(slot);
        view(node, self.ladder(node.place.side()).price_at(node.place))
    }

    /// Trades with the first order of `side` if its key is not above `limit`.
    #[inline]
    fn fill_within(&mut self, side: Side, lots: u64, limit: i64) -> Option<Fill> {
        let (ladder, slab, index) = self.ladder_mut(side);
        let (key, place) = ladder.best()?;
        if key > limit || lots == 0 {
            return None;
        }
        let price = ladder.price(key);
        let queue = ladder.queue_mut(place);
        let slot = queue.head;
        let node = *slab.get(slot);
        if lots < node.lots {
            queue.lots -= lots;
            let left = node.lots - lots;
            slab.get_mut(slot).lots = left;
            return Some(fill(node.id, node.owner, price, [lots, left]));
        }
        ladder.unlink_front(node, slab);
        index.remove(node.id, slot);
        slab.remove(slot);
        Some(fill(node.id, node.owner, price, [node.lots, 0]))
    }
}

#[inline]
fn fill(maker: OrderId, owner: u32, price: Ticks, [lots, left]: [u64; 2]) -> Fill {
    Fill { maker, owner, price, lots: Lots::new(lots), maker_remaining: Lots::new(left) }
}

impl OrderBook for PagedBook {
    #[inline]
    fn rest(&mut self, order: RestingOrder) -> Result<(), RestError> {
        if order.remaining.is_zero() {
            return Err(RestError::NoLots);
        }
        if self.crosses(order.side, order.price) {
            let have = self.best(order.side.opposite()).expect("invariant: only a price can be crossed");
            return Err(RestError::Crosses { have, need: order.price });
        }
        if self.slab.used() >= RESTING_MAX {
            return Err(RestError::Full { have: self.slab.used() });
        }
        let (ladder, slab, index) = self.ladder_mut(order.side);
        let vacancy = index.vacancy(order.id, slab).ok_or(RestError::Duplicate { have: order.id })?;
        let slot = slab.next_slot();
        let need = order.remaining;
        ladder.append(&order, slab).map_err(|have| RestError::LevelOverflow { have, need })?;
        index.insert(vacancy, order.id, slot);
        Ok(())
    }

    #[inline]
    fn cancel(&mut self, id: OrderId) -> Option<RestingOrder> {
        let slot = self.index.find(id, &self.slab)?;
        let order = self.order(slot);
        let node = *self.slab.get(slot);
        let (ladder, slab, index) = self.ladder_mut(order.side);
        ladder.unlink(node, slab);
        index.remove(id, slot);
        slab.remove(slot);
        Some(order)
    }

    fn reduce(&mut self, id: OrderId, remaining: Lots) -> Result<RestingOrder, ReduceError> {
        let slot = self.index.find(id, &self.slab).ok_or(ReduceError::Unknown)?;
        let order = self.order(slot);
        if remaining.is_zero() || remaining >= order.remaining {
            return Err(ReduceError::NotSmaller { have: order.remaining, need: remaining });
        }
        let (ladder, slab, _) = self.ladder_mut(order.side);
        let node = slab.get_mut(slot);
        ladder.queue_mut(node.place).lots -= node.lots - remaining.get();
        node.lots = remaining.get();
        Ok(RestingOrder { remaining, ..order })
    }

    #[inline]
    fn fill_front(&mut self, side: Side, lots: Lots) -> Option<Fill> {
        self.fill_within(side, lots.get(), i64::MAX)
    }

    fn find(&self, id: OrderId) -> Option<RestingOrder> {
        self.index.find(id, &self.slab).map(|slot| self.order(slot))
    }

    #[inline]
    fn front(&self, side: Side) -> Option<RestingOrder> {
        let ladder = self.ladder(side);
        let (key, place) = ladder.best()?;
        let head = ladder.queue(place).head;
        debug_assert_ne!(head, NONE);
        Some(view(self.slab.get(head), ladder.price(key)))
    }

    #[inline]
    fn best(&self, side: Side) -> Option<Ticks> {
        let ladder = self.ladder(side);
        ladder.best().map(|(key, _)| ladder.price(key))
    }

    fn resting(&self) -> u32 {
        self.slab.used()
    }

    fn levels(&self, side: Side) -> impl Iterator<Item = Level> {
        self.ladder(side).levels().map(|(level, _)| level)
    }

    fn orders(&self, side: Side) -> impl Iterator<Item = RestingOrder> {
        self.ladder(side).orders(&self.slab)
    }

    #[inline]
    fn take(&mut self, taker: Taker, fills: &mut Vec<Fill>) -> Lots {
        let side = taker.side.opposite();
        let limit = taker.limit.map_or(i64::MAX, |price| self.ladder(side).key(price));
        let mut rest = taker.lots.get();
        while let Some(fill) = self.fill_within(side, rest, limit) {
            rest -= fill.lots.get();
            fills.push(fill);
        }
        Lots::new(rest)
    }
}
