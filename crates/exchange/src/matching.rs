//! An incoming order against the book: fill by fill, each decided before it is written.
//!
//! Invariant: nobody trades with himself; an order that its protection took out, or whose position cannot
//! grow, trades no further, and neither does one whose last fill has stopped its market.

use num::{Lots, Ticks};
use wire::{InstrumentId, OrderEnd, OrderId, ReduceOnly, SelfTrade};

use crate::{
    book::{Depth, RestingOrder},
    state::State,
    trade::{Blocked, TakerSide, reducible},
};

/// What an order has left when it has traded, and why it may not stay with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Taken {
    pub rest: Lots,
    pub end: Option<OrderEnd>,
}

impl State {
    /// Trades up to `lots` at `limit` or better.
    pub(crate) fn trade(
        &mut self,
        id: InstrumentId,
        taker: TakerSide,
        (limit, lots): (Ticks, Lots),
    ) -> Taken {
        if self.instrument_at(id).is_combo() {
            return self.trade_combo(id, taker, (limit, lots));
        }
        let mut rest = lots;
        while !rest.is_zero() && self.book(id).crosses(taker.side, limit) {
            if self.instrument_at(id).halt.is_some() {
                // The last fill has stopped the market; what is left would cross what rests.
                return Taken { rest, end: Some(OrderEnd::Dropped) };
            }
            let Some(front) = self.book(id).front(taker.side.opposite()) else { break };
            if front.owner == taker.account {
                if self.prevent_self_trade(front.id, taker.standing.self_trade) {
                    return Taken { rest, end: Some(OrderEnd::SelfTrade) };
                }
                continue;
            }
            let lots = rest.min(self.maker_lots(&front));
            if lots.is_zero() {
                self.end_order(front.id, OrderEnd::NothingToReduce);
                continue;
            }
            match self.plan_fill(id, taker, (front, lots)) {
                Ok(plan) => {
                    self.write_fill(id, taker, plan);
                    rest = rest.checked_sub(lots).unwrap_or(Lots::ZERO);
                }
                Err(Blocked::Maker) => self.end_order(front.id, OrderEnd::PositionLimit),
                Err(Blocked::Taker) => return Taken { rest, end: Some(OrderEnd::PositionLimit) },
            }
            if !rest.is_zero() && self.is_frozen(taker.account, taker.standing.protection) {
                return Taken { rest, end: Some(OrderEnd::Protection) };
            }
        }
        Taken { rest, end: None }
    }

    /// An order met one of its own account: ends whom the mode says. Answers whether that is the taker.
    pub(crate) fn prevent_self_trade(&mut self, maker: OrderId, mode: SelfTrade) -> bool {
        if mode != SelfTrade::ExpireTaker {
            self.end_order(maker, OrderEnd::SelfTrade);
        }
        mode != SelfTrade::ExpireMaker
    }

    /// What the first resting order may trade: all that it shows, or what its owner still has to reduce.
    fn maker_lots(&self, front: &RestingOrder) -> Lots {
        match self.order(front.id) {
            Some(order) if order.reduce_only == ReduceOnly::On => front
                .remaining
                .min(reducible(self.account(front.owner).position(order.instrument), front.side)),
            _ => front.remaining,
        }
    }
}
