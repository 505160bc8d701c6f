//! The fast book with an index of order numbers, for streams of commands that name orders by number.
//!
//! Invariant: an order is in the book and in the index, or in neither.
//! Left out on purpose: knowledge of how the index finds a number.

use num::{Lots, Side, Ticks};
use wire::OrderId;

use super::index::OrderIndex;
use super::placed::LadderBook;
use super::slab::Slot;
use super::{Depth, Fill, Level, OrderBook, ReduceError, RestError, RestingOrder, Taker};

/// A [`LadderBook`] that finds orders by their numbers.
#[derive(Clone, Debug, Default)]
pub struct PagedBook {
    book: LadderBook,
    index: OrderIndex,
}

impl PagedBook {
    #[inline]
    fn slot(&self, id: OrderId) -> Option<Slot> {
        self.index.find(id, &self.book.slab).map(Slot)
    }

    #[inline]
    fn fill_within(&mut self, side: Side, lots: u64, limit: i64) -> Option<Fill> {
        let (fill, freed) = self.book.fill_within(side, lots, limit)?;
        if let Some(slot) = freed {
            self.index.remove(fill.maker, slot.0);
        }
        Some(fill)
    }
}

impl Depth for PagedBook {
    #[inline]
    fn front(&self, side: Side) -> Option<RestingOrder> {
        self.book.front(side)
    }

    #[inline]
    fn best(&self, side: Side) -> Option<Ticks> {
        self.book.best(side)
    }

    fn resting(&self) -> u32 {
        self.book.resting()
    }

    fn levels(&self, side: Side) -> impl Iterator<Item = Level> {
        self.book.levels(side)
    }

    fn orders(&self, side: Side) -> impl Iterator<Item = RestingOrder> {
        self.book.orders(side)
    }
}

impl OrderBook for PagedBook {
    #[inline]
    fn rest(&mut self, order: RestingOrder) -> Result<(), RestError> {
        self.book.check_rest(&order)?;
        let vacancy = self.index.vacancy(order.id, &self.book.slab);
        let vacancy = vacancy.ok_or(RestError::Duplicate { have: order.id })?;
        let slot = self.book.append(&order)?;
        self.index.insert(vacancy, order.id, slot.0);
        Ok(())
    }

    #[inline]
    fn cancel(&mut self, id: OrderId) -> Option<RestingOrder> {
        let slot = self.slot(id)?;
        self.index.remove(id, slot.0);
        self.book.cancel(slot, id)
    }

    fn reduce(&mut self, id: OrderId, remaining: Lots) -> Result<RestingOrder, ReduceError> {
        let slot = self.slot(id).ok_or(ReduceError::Unknown)?;
        self.book.reduce(slot, id, remaining)
    }

    #[inline]
    fn fill_front(&mut self, side: Side, lots: Lots) -> Option<Fill> {
        self.fill_within(side, lots.get(), i64::MAX)
    }

    fn find(&self, id: OrderId) -> Option<RestingOrder> {
        self.book.find(self.slot(id)?, id)
    }

    #[inline]
    fn take(&mut self, taker: Taker, fills: &mut Vec<Fill>) -> Lots {
        let side = taker.side.opposite();
        let limit = taker.limit.map_or(i64::MAX, |price| self.book.ladder(side).key(price));
        let mut rest = taker.lots.get();
        while let Some(fill) = self.fill_within(side, rest, limit) {
            rest -= fill.lots.get();
            fills.push(fill);
        }
        Lots::new(rest)
    }
}
