//! Cancelling and amending orders that rest.
//!
//! Invariant: an order that shrinks at its price keeps its place; any other amendment goes to the back, and
//! trades first if it now crosses.

use num::{Lots, Ticks};
use wire::{
    Event, InstrumentId, NewOrder, OrderEnd, OrderId, OrderKind, OrderTarget, PostOnly, Reject, TimeInForce,
    TradeKind,
};

use crate::{book::OrderBook, ledger::AccountIndex, order::Order, state::State, trade::TakerSide};

impl State {
    /// The account's own open order that a target names.
    pub(crate) fn find_target(&self, account: AccountIndex, target: &OrderTarget) -> Result<OrderId, Reject> {
        match target {
            OrderTarget::Id { order } => match self.order(*order) {
                None => Err(Reject::UnknownOrder),
                Some(found) if found.account != account => Err(Reject::NotOwner { have: *order }),
                Some(_) => Ok(*order),
            },
            OrderTarget::Label { label } => {
                self.account(account).labels.get(label).copied().ok_or(Reject::UnknownOrder)
            }
        }
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
        self.end_all(account, only, OrderEnd::Cancelled);
        Ok(())
    }

    pub(crate) fn end_all(&mut self, account: AccountIndex, only: Option<InstrumentId>, end: OrderEnd) {
        let orders: Vec<OrderId> = self.account(account).orders.iter().copied().collect();
        for id in orders {
            if self.order(id).is_some_and(|order| only.is_none_or(|only| order.instrument == only)) {
                self.end_order(id, end);
            }
        }
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
        self.check_amend(&order, lots, price)?;
        if price == order.price && lots <= order.lots {
            self.shrink(&order, lots);
        } else {
            self.requeue(order, lots, price);
        }
        Ok(id)
    }

    fn check_amend(&self, order: &Order, lots: Lots, price: Ticks) -> Result<(), Reject> {
        let it = self.instrument_at(order.instrument);
        if !it.is_open() || it.has_expired(self.time) {
            return Err(Reject::InstrumentClosed { have: it.id });
        }
        self.check_lots(lots)?;
        if price.get() <= 0 {
            return Err(Reject::PriceNotPositive { have: price });
        }
        self.check_band(self.band(it, self.parameters.limits.price_band_billionths)?, price)?;
        if lots <= order.filled {
            return Err(Reject::AmendBelowFilled { have: lots, need: order.filled });
        }
        if order.post_only == PostOnly::Reject && self.book(it.id).crosses(order.side, price) {
            let need = self.book(it.id).best(order.side.opposite()).unwrap_or(price);
            return Err(Reject::PostOnlyWouldTrade { have: price, need });
        }
        it.market.notional(price, lots, num::Rounding::Ceil).ok_or(Reject::Overflow)?;
        if order.reduce_only == wire::ReduceOnly::On {
            return Ok(());
        }
        // The order as it is stays counted: amending asks for no less margin than placing beside it would.
        let more = lots.checked_sub(order.filled).unwrap_or(Lots::ZERO);
        if price == order.price && lots <= order.lots {
            Ok(())
        } else {
            self.check_replaced(order, more, price)
        }
    }

    /// The margin rule for an order that takes the place of `order`.
    fn check_replaced(&self, order: &Order, lots: Lots, price: Ticks) -> Result<(), Reject> {
        let it = self.instrument_at(order.instrument);
        let open = self.open_order(it.id, order.side, lots, price);
        let old = self.open_order(it.id, order.side, order.remaining(), order.price);
        let account = self.account(order.account);
        let Some(risk) = account.risk.get(&it.underlying) else { return Ok(()) };
        let now = self.margin(order.account);
        let mut after = risk.clone();
        after.add_order(it, &old, -1);
        after.add_order(it, &open, 1);
        let index = self.underlying(it.underlying).index;
        let (before, after) =
            (risk.margin(index, &self.parameters.margin), after.margin(index, &self.parameters.margin));
        let increase = after.initial.checked_sub(before.initial).ok_or(Reject::Overflow)?;
        let (have, need) =
            (self.equity(order.account, &now), now.initial.checked_add(increase).ok_or(Reject::Overflow)?);
        if have >= need || !increase.is_positive() {
            Ok(())
        } else {
            Err(Reject::MarginTooLow { have, need })
        }
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
        (order.lots, order.price, order.commit) = (lots, price, self.commit);
        let account = self.account(order.account).id;
        self.emit(Event::OrderAmended { order: order.id, account, lots, price, kept_place: false });
        let taker = TakerSide {
            account: order.account,
            order: order.id,
            side: order.side,
            kind: TradeKind::Ordinary,
        };
        let open = order.remaining();
        let rest = self.trade(order.instrument, taker, (price, open));
        let filled_now = open.checked_sub(rest).unwrap_or(Lots::ZERO);
        order.filled = order.filled.checked_add(filled_now).unwrap_or(order.lots);
        if rest.is_zero() {
            self.forget_order(&order, OrderEnd::Filled);
        } else {
            self.rest_order(order);
        }
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
        reduce_only: wire::ReduceOnly::On,
        label: wire::Label::default(),
    }
}
