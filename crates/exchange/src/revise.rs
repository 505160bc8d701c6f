//! Cancelling and amending orders that rest.
//!
//! Invariant: an order that shrinks at its price keeps its place; any other amendment goes to the back, and
//! trades first if it now crosses. What is ordered later is out of reach: a cancel never ends an order that
//! a later action of the same commit has placed in an earlier turn.

use num::{Lots, Ticks};
use wire::{
    Event, InstrumentId, NewOrder, OrderEnd, OrderId, OrderKind, OrderTarget, PostOnly, ReduceOnly, Reject,
    TimeInForce, TradeKind,
};

use crate::{
    book::OrderBook, coverage::OrderChange, ledger::AccountIndex, order::Order, state::State,
    trade::TakerSide,
};

impl State {
    /// The account's own open order that a target names, of those ordered before the present action.
    pub(crate) fn find_target(&self, account: AccountIndex, target: &OrderTarget) -> Result<OrderId, Reject> {
        let id = match target {
            OrderTarget::Id { order } => *order,
            OrderTarget::Label { label } => {
                self.account(account).labels.get(label).copied().ok_or(Reject::UnknownOrder)?
            }
        };
        match self.order(id) {
            Some(found) if found.account != account => Err(Reject::NotOwner { have: id }),
            Some(found) if self.was_before(found) => Ok(id),
            _ => Err(Reject::UnknownOrder),
        }
    }

    fn was_before(&self, order: &Order) -> bool {
        order.commit < self.commit || order.place < self.acting
    }

    pub(crate) fn cancel(&mut self, account: AccountIndex, target: &OrderTarget) -> Result<(), Reject> {
        let order = self.find_target(account, target)?;
        self.end_order(order, OrderEnd::Cancelled);
        Ok(())
    }

    /// Cancels all of an account's orders, or those in one instrument.
    pub(crate) fn cancel_all(
        &mut self,
        account: AccountIndex,
        only: Option<InstrumentId>,
    ) -> Result<(), Reject> {
        if let Some(have) = only
            && self.instrument_ref(have).is_none()
        {
            return Err(Reject::UnknownInstrument { have });
        }
        for id in self.orders_of(account) {
            let is_meant =
                |order: &Order| only.is_none_or(|only| order.instrument == only) && self.was_before(order);
            if self.order(id).is_some_and(is_meant) {
                self.end_order(id, OrderEnd::Cancelled);
            }
        }
        Ok(())
    }

    /// Ends all of an account's orders.
    pub(crate) fn end_all(&mut self, account: AccountIndex, end: OrderEnd) {
        for id in self.orders_of(account) {
            self.end_order(id, end);
        }
    }

    fn orders_of(&self, account: AccountIndex) -> Vec<OrderId> {
        self.account(account).orders.iter().copied().collect()
    }

    /// Gives an order a new total and price.
    pub(crate) fn amend(
        &mut self,
        account: AccountIndex,
        target: &OrderTarget,
        (lots, price): (Lots, Ticks),
    ) -> Result<OrderId, Reject> {
        let id = self.find_target(account, target)?;
        let order = self.order(id).cloned().ok_or(Reject::UnknownOrder)?;
        let lots = self.check_amend(&order, lots, price)?;
        if price == order.price && lots <= order.lots {
            self.shrink(&order, lots);
        } else {
            self.requeue(order, lots, price);
        }
        Ok(id)
    }

    /// The order's new total: what is asked for, or less when it may only reduce.
    fn check_amend(&self, order: &Order, lots: Lots, price: Ticks) -> Result<Lots, Reject> {
        let it = self.instrument_at(order.instrument);
        self.check_open(it)?;
        self.check_lots(lots)?;
        self.check_limit(it, price)?;
        let below = Reject::AmendBelowFilled { have: lots, need: order.filled };
        let open = lots.checked_sub(order.filled).filter(|open| !open.is_zero()).ok_or(below)?;
        let open = self.check_reduce(order.account, it, (order.side, order.reduce_only, open))?;
        let lots = order.filled.checked_add(open).unwrap_or(lots);
        if price == order.price && lots <= order.lots {
            return Ok(lots);
        }
        self.check_position(order.account, it, (order.side, open))?;
        self.check_post_only(it, (order.side, order.post_only, price))?;
        if order.reduce_only == ReduceOnly::Off {
            let adds = self.open_order(it.id, order.side, open, price);
            let removes = Some(self.open_order(it.id, order.side, order.remaining(), order.price));
            self.check_margin(order.account, it, &OrderChange { adds, removes })?;
        }
        Ok(lots)
    }

    fn shrink(&mut self, order: &Order, lots: Lots) {
        let mut shrunk = order.clone();
        shrunk.lots = lots;
        self.count_order(order, -1);
        if lots < order.lots {
            let reduced = self.book_mut(order.instrument).reduce(order.id, shrunk.remaining());
            debug_assert!(reduced.is_ok(), "the check saw that it shrinks and stays above zero");
        }
        self.count_order(&shrunk, 1);
        let (id, account) = (order.id, self.account(order.account).id);
        self.store_order(shrunk);
        self.emit(Event::OrderAmended { order: id, account, lots, price: order.price, kept_place: true });
    }

    fn requeue(&mut self, mut order: Order, lots: Lots, price: Ticks) {
        self.book_mut(order.instrument).cancel(order.id);
        self.count_order(&order, -1);
        (order.lots, order.price, order.commit, order.place) = (lots, price, self.commit, self.acting);
        let account = self.account(order.account).id;
        self.emit(Event::OrderAmended { order: order.id, account, lots, price, kept_place: false });
        let taker = TakerSide {
            account: order.account,
            order: order.id,
            side: order.side,
            kind: TradeKind::Ordinary,
        };
        let rest = self.trade(order.instrument, taker, (price, order.remaining()));
        order.filled = order.lots.checked_sub(rest).unwrap_or(order.lots);
        self.settle_rest(order);
    }
}

/// An order that takes what is there and drops the rest.
pub(crate) fn immediate(instrument: InstrumentId, side: num::Side, lots: Lots) -> NewOrder {
    NewOrder {
        instrument,
        side,
        lots,
        kind: OrderKind::Market,
        time_in_force: TimeInForce::ImmediateOrCancel,
        post_only: PostOnly::Off,
        reduce_only: ReduceOnly::On,
        label: wire::Label::default(),
    }
}
