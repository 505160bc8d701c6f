//! The fast book: a slab of orders, and a ladder of prices for each side.
//!
//! Invariant: an order is in the slab and in one queue of one ladder, or in neither. Every call does its checks first;
//! what follows them cannot fail. A slot is looked at together with the number of the order that is said to lie there,
//! so that a slot that another order has now is no order.
//! Left out on purpose: knowledge of how a ladder finds a price, and of where an order lies, which whoever rests it is
//! told and keeps.

use num::{Lots, Side, Ticks};
use wire::OrderId;

use super::ladder::{Ladder, view};
use super::slab::{NONE, Slab, Slot};
use super::{Depth, Fill, Level, RESTING_MAX, ReduceError, RestError, RestingOrder};

/// A book that answers in tens of nanoseconds whether prices are dense or far apart.
#[derive(Clone, Debug)]
pub struct LadderBook {
    bids: Ladder,
    asks: Ladder,
    pub(super) slab: Slab,
}

impl Default for LadderBook {
    fn default() -> Self {
        Self { bids: Ladder::new(Side::Buy), asks: Ladder::new(Side::Sell), slab: Slab::default() }
    }
}

impl LadderBook {
    #[inline]
    pub(super) const fn ladder(&self, side: Side) -> &Ladder {
        match side {
            Side::Buy => &self.bids,
            Side::Sell => &self.asks,
        }
    }

    #[inline]
    const fn ladder_mut(&mut self, side: Side) -> (&mut Ladder, &mut Slab) {
        let ladder = match side {
            Side::Buy => &mut self.bids,
            Side::Sell => &mut self.asks,
        };
        (ladder, &mut self.slab)
    }

    /// Asks for the book's own lines.
    pub(crate) fn fetch(&self) {
        self.bids.fetch();
        self.asks.fetch();
        self.slab.fetch();
    }

    /// Asks for what says where the page of a price is.
    pub(crate) fn fetch_line(&self, side: Side, price: Ticks) {
        self.ladder(side).fetch_line(price);
    }

    /// Asks for the first order of a side, where its level is at hand.
    pub(crate) fn fetch_front(&self, side: Side) {
        if let Some((_, place)) = self.ladder(side).best() {
            self.slab.fetch_slot(self.ladder(side).queue(place).head);
        }
    }

    /// Asks for the level of a price, where its page is at hand.
    pub(crate) fn fetch_page(&self, side: Side, price: Ticks) {
        self.ladder(side).fetch_page(price);
    }

    /// Asks for the last order at a price, where its level is at hand.
    pub(crate) fn fetch_tail(&self, side: Side, price: Ticks) {
        if let Some(tail) = self.ladder(side).tail(price) {
            self.slab.fetch_slot(tail);
        }
    }

    /// Asks for where an order lies.
    pub(crate) fn fetch_slot(&self, slot: Slot) {
        self.slab.fetch_slot(slot.0);
    }

    /// Asks for the level of an order and those beside it, where the order is at hand.
    pub(crate) fn fetch_neighbours(&self, slot: Slot) {
        if let Some(node) = self.slab.node(slot) {
            self.ladder(node.place.side()).fetch_level(node.place);
            self.slab.fetch_slot(node.next);
            self.slab.fetch_slot(node.previous);
        }
    }

    /// The order in a slot that is in use.
    #[inline]
    fn order(&self, slot: Slot) -> RestingOrder {
        let node = self.slab.get(slot.0);
        view(node, self.ladder(node.place.side()).price_at(node.place))
    }

    /// Trades with the first order of `side` if its key is not above `limit`; tells the slot that became free.
    #[inline]
    pub(super) fn fill_within(&mut self, side: Side, lots: u64, limit: i64) -> Option<(Fill, Option<Slot>)> {
        let (ladder, slab) = self.ladder_mut(side);
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
            return Some((fill(node.id, node.owner, price, [lots, left]), None));
        }
        ladder.unlink_front(node, slab);
        slab.remove(slot);
        Some((fill(node.id, node.owner, price, [node.lots, 0]), Some(Slot(slot))))
    }

    /// Whether an order can rest, its number apart.
    #[inline]
    pub(super) fn check_rest(&self, order: &RestingOrder) -> Result<(), RestError> {
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
        Ok(())
    }

    /// Puts an order that `check_rest` lets pass behind all others at its price.
    #[inline]
    pub(super) fn append(&mut self, order: &RestingOrder) -> Result<Slot, RestError> {
        let (ladder, slab) = self.ladder_mut(order.side);
        let slot = slab.next_slot();
        let need = order.remaining;
        ladder.append(order, slab).map_err(|have| RestError::LevelOverflow { have, need })?;
        Ok(Slot(slot))
    }

    /// Puts an order, whose number is not in the book, behind all others at its price, and tells where it lies. A
    /// refused order changes nothing.
    #[inline]
    pub fn rest(&mut self, order: &RestingOrder) -> Result<Slot, RestError> {
        self.check_rest(order)?;
        self.append(order)
    }

    /// Removes an order; `None` when it does not rest there.
    #[inline]
    pub fn cancel(&mut self, slot: Slot, id: OrderId) -> Option<RestingOrder> {
        let order = self.find(slot, id)?;
        let node = *self.slab.get(slot.0);
        let (ladder, slab) = self.ladder_mut(order.side);
        ladder.unlink(node, slab);
        slab.remove(slot.0);
        Some(order)
    }

    /// Makes an order smaller without moving it in its queue; answers with the order as it is now.
    pub fn reduce(&mut self, slot: Slot, id: OrderId, remaining: Lots) -> Result<RestingOrder, ReduceError> {
        let order = self.find(slot, id).ok_or(ReduceError::Unknown)?;
        if remaining.is_zero() || remaining >= order.remaining {
            return Err(ReduceError::NotSmaller { have: order.remaining, need: remaining });
        }
        let (ladder, slab) = self.ladder_mut(order.side);
        let node = slab.get_mut(slot.0);
        ladder.queue_mut(node.place).lots -= node.lots - remaining.get();
        node.lots = remaining.get();
        Ok(RestingOrder { remaining, ..order })
    }

    /// Trades up to `lots` with the first order of `side` and no other; `None` when that side is empty
    /// or `lots` is zero.
    #[inline]
    pub fn fill_front(&mut self, side: Side, lots: Lots) -> Option<Fill> {
        self.fill_within(side, lots.get(), i64::MAX).map(|(fill, _)| fill)
    }

    /// The order of this number, if it rests there.
    #[inline]
    pub fn find(&self, slot: Slot, id: OrderId) -> Option<RestingOrder> {
        self.slab.holds(slot, id).then(|| self.order(slot))
    }
}

#[inline]
const fn fill(maker: OrderId, owner: u32, price: Ticks, [lots, left]: [u64; 2]) -> Fill {
    Fill { maker, owner, price, lots: Lots::new(lots), maker_remaining: Lots::new(left) }
}

impl Depth for LadderBook {
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
}
