//! The obvious book: a sorted map of queues.
//!
//! Invariant: it says what the rules say, in the fewest words; speed is of no concern. The fast book is
//! checked against it. Left out on purpose: any index beside the queues themselves, so that nothing here
//! can be out of step.

use std::collections::{BTreeMap, VecDeque};

use num::{Lots, Side, Ticks};
use wire::OrderId;

use super::{Depth, Fill, Level, OrderBook, RESTING_MAX, ReduceError, RestError, RestingOrder};

type Queues = BTreeMap<Ticks, VecDeque<RestingOrder>>;

/// Bids and asks, each a queue per price.
#[derive(Clone, Debug, Default)]
pub struct ReferenceBook {
    bids: Queues,
    asks: Queues,
}

impl ReferenceBook {
    fn queues_mut(&mut self, side: Side) -> &mut Queues {
        match side {
            Side::Buy => &mut self.bids,
            Side::Sell => &mut self.asks,
        }
    }

    /// Queues of a side, best price first.
    fn queues(&self, side: Side) -> Box<dyn Iterator<Item = (Ticks, &VecDeque<RestingOrder>)> + '_> {
        match side {
            Side::Buy => Box::new(self.bids.iter().rev().map(|(price, queue)| (*price, queue))),
            Side::Sell => Box::new(self.asks.iter().map(|(price, queue)| (*price, queue))),
        }
    }

    /// Runs `change` on the queue of a price and forgets the queue when nothing is left in it.
    fn with_queue<T>(
        &mut self,
        at: &RestingOrder,
        change: impl FnOnce(&mut VecDeque<RestingOrder>) -> T,
    ) -> T {
        let queues = self.queues_mut(at.side);
        let queue = queues.get_mut(&at.price).expect("invariant: an order's price has a queue");
        let result = change(queue);
        if queue.is_empty() {
            queues.remove(&at.price);
        }
        result
    }
}

impl OrderBook for ReferenceBook {
    fn rest(&mut self, order: RestingOrder) -> Result<(), RestError> {
        if order.remaining.is_zero() {
            return Err(RestError::NoLots);
        }
        if let Some(have) = self.best(order.side.opposite()).filter(|_| self.crosses(order.side, order.price))
        {
            return Err(RestError::Crosses { have, need: order.price });
        }
        if self.resting() >= RESTING_MAX {
            return Err(RestError::Full { have: self.resting() });
        }
        if self.find(order.id).is_some() {
            return Err(RestError::Duplicate { have: order.id });
        }
        let level = self.levels(order.side).find(|level| level.price == order.price);
        let have = level.map_or(Lots::ZERO, |level| level.lots);
        if have.checked_add(order.remaining).is_none() {
            return Err(RestError::LevelOverflow { have, need: order.remaining });
        }
        self.queues_mut(order.side).entry(order.price).or_default().push_back(order);
        Ok(())
    }

    fn cancel(&mut self, id: OrderId) -> Option<RestingOrder> {
        let order = self.find(id)?;
        self.with_queue(&order, |queue| queue.retain(|other| other.id != id));
        Some(order)
    }

    fn reduce(&mut self, id: OrderId, remaining: Lots) -> Result<RestingOrder, ReduceError> {
        let order = self.find(id).ok_or(ReduceError::Unknown)?;
        if remaining.is_zero() || remaining >= order.remaining {
            return Err(ReduceError::NotSmaller { have: order.remaining, need: remaining });
        }
        self.with_queue(&order, |queue| {
            for other in queue.iter_mut().filter(|other| other.id == id) {
                other.remaining = remaining;
            }
        });
        Ok(RestingOrder { remaining, ..order })
    }

    fn fill_front(&mut self, side: Side, lots: Lots) -> Option<Fill> {
        let front = self.front(side).filter(|_| !lots.is_zero())?;
        let lots = lots.min(front.remaining);
        let left = front.remaining.checked_sub(lots).expect("invariant: the lesser of the two");
        self.with_queue(&front, |queue| {
            if left.is_zero() {
                queue.pop_front();
            } else {
                queue[0].remaining = left;
            }
        });
        Some(Fill { maker: front.id, owner: front.owner, price: front.price, lots, maker_remaining: left })
    }

    fn find(&self, id: OrderId) -> Option<RestingOrder> {
        self.orders(Side::Buy).chain(self.orders(Side::Sell)).find(|order| order.id == id)
    }
}

impl Depth for ReferenceBook {
    fn front(&self, side: Side) -> Option<RestingOrder> {
        self.orders(side).next()
    }

    fn best(&self, side: Side) -> Option<Ticks> {
        self.queues(side).next().map(|(price, _)| price)
    }

    fn resting(&self) -> u32 {
        let orders: usize =
            [&self.bids, &self.asks].iter().flat_map(|side| side.values()).map(VecDeque::len).sum();
        u32::try_from(orders).expect("invariant: a book holds at most RESTING_MAX orders")
    }

    fn levels(&self, side: Side) -> impl Iterator<Item = Level> {
        self.queues(side).map(|(price, queue)| Level {
            price,
            lots: Lots::new(queue.iter().map(|order| order.remaining.get()).sum()),
            orders: u32::try_from(queue.len()).expect("invariant: a book holds at most RESTING_MAX orders"),
        })
    }

    fn orders(&self, side: Side) -> impl Iterator<Item = RestingOrder> {
        self.queues(side).flat_map(|(_, queue)| queue.iter().copied())
    }
}
