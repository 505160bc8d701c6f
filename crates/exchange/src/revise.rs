//! Cancelling and amending orders that rest.
//!
//! Invariant: an order that shrinks at its price keeps its place; any other amendment goes to the back, and
//! trades first if it now crosses. What is ordered later is out of reach: a cancel never ends an order that
//! a later action of the same commit has placed in an earlier turn.

use num::{Lots, Ticks};
use wire::{
    Event, InstrumentId, NewOrder, OrderEnd, OrderFilter, OrderId, OrderKind, OrderTarget, PostOnly,
    ReduceOnly, Reject, TimeInForce, TradeKind,
};

use crate::{
    coverage::OrderChange,
    ledger::AccountIndex,
    order::{ActionPlace, Order},
    state::State,
    trade::TakerSide,
};

impl State {
    /// The account's own open order that a target names, of those ordered before the present action.
    pub(crate) fn find_target(&self, account: AccountIndex, target: &OrderTarget) -> Result<OrderId, Reject> {
        let id = match target {
            OrderTarget::Id { order } => *order,
            OrderTarget::Label { label } => {
                self.account(account).labelled(label).ok_or(Reject::UnknownOrder)?
            }
        };
        match self.order(id) {
            Some(found) if found.account != account => Err(Reject::NotOwner { have: id }),
            Some(found) if self.was_before(found.commit, found.place) => Ok(id),
            Some(_) => Err(Reject::UnknownOrder),
            None => match self.account(account).held.get(&id) {
                Some(held) if self.was_before(held.commit, held.place) => Ok(id),
                _ => Err(Reject::UnknownOrder),
            },
        }
    }

    fn was_before(&self, commit: u64, place: ActionPlace) -> bool {
        commit < self.commit || place < self.acting
    }

    pub(crate) fn cancel(&mut self, account: AccountIndex, target: &OrderTarget) -> Result<(), Reject> {
        let order = self.find_target(account, target)?;
        self.end_any(account, order, OrderEnd::Cancelled);
        Ok(())
    }

    /// Cancels all of an account's orders that a filter fits, held ones too.
    pub(crate) fn cancel_matching(
        &mut self,
        account: AccountIndex,
        filter: &OrderFilter,
    ) -> Result<(), Reject> {
        if let Some(have) = filter.instrument
            && self.instrument_ref(have).is_none()
        {
            return Err(Reject::UnknownInstrument { have });
        }
        if let Some(have) = filter.underlying
            && self.underlying_of(have).is_none()
        {
            return Err(Reject::UnknownUnderlying { have });
        }
        for id in self.orders_of(account) {
            if self.is_meant(account, id, filter) {
                self.end_any(account, id, OrderEnd::Cancelled);
            }
        }
        Ok(())
    }

    /// Whether a filter fits an open order that was ordered before the present action.
    fn is_meant(&self, account: AccountIndex, id: OrderId, filter: &OrderFilter) -> bool {
        let ((instrument, side, label), protection, (commit, place)) = match self.order(id) {
            Some(it) => {
                let terms = (it.instrument, it.side, &it.label);
                (terms, it.standing.protection, (it.commit, it.place))
            }
            None => match self.account(account).held.get(&id) {
                Some(it) => {
                    let terms = (it.terms.instrument, it.terms.side, &it.terms.label);
                    (terms, it.conditions.protection, (it.commit, it.place))
                }
                None => return false,
            },
        };
        let it = self.instrument_at(instrument);
        self.was_before(commit, place)
            && filter.instrument.is_none_or(|only| instrument == only)
            && filter.underlying.is_none_or(|only| it.underlying == only)
            && filter.kind.is_none_or(|only| it.kind() == only)
            && filter.side.is_none_or(|only| side == only)
            && filter.label.as_ref().is_none_or(|only| label == only)
            && filter.protection.is_none_or(|only| protection == Some(only))
    }

    /// Ends all of an account's orders.
    pub(crate) fn end_all(&mut self, account: AccountIndex, end: OrderEnd) {
        for id in self.orders_of(account) {
            self.end_any(account, id, end);
        }
    }

    fn orders_of(&self, account: AccountIndex) -> Vec<OrderId> {
        let holder = self.account(account);
        holder.orders.iter().chain(holder.held.keys().copied()).collect()
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
        let (lots, price) = self.check_amend(&order, lots, price)?;
        if price == order.price && lots <= order.lots {
            self.shrink(&order, lots);
        } else {
            self.requeue(order, lots, price);
        }
        Ok(id)
    }

    /// The order's new total and price: what is asked for; or less when it may only reduce, and farther when
    /// it may not trade.
    fn check_amend(&self, order: &Order, lots: Lots, price: Ticks) -> Result<(Lots, Ticks), Reject> {
        let it = self.instrument_at(order.instrument);
        self.check_open(it)?;
        self.check_lots(lots)?;
        self.check_limit(it, price)?;
        let below = Reject::AmendBelowFilled { have: lots, need: order.filled };
        let open = lots.checked_sub(order.filled).filter(|open| !open.is_zero()).ok_or(below)?;
        let open = self.check_reduce(order.account, it, (order.side, order.reduce_only, open))?;
        let lots = order.filled.checked_add(open).unwrap_or(lots);
        if price == order.price && lots <= order.lots {
            return Ok((lots, price));
        }
        self.check_position(order.account, it, (order.side, open))?;
        let price = self.check_post_only(it, (order.side, order.post_only, price))?;
        if order.reduce_only == ReduceOnly::Off {
            let adds = self.open_order(it.id, order.side, open, price);
            self.check_margin(order.account, it, &OrderChange::replacing(order, adds))?;
        }
        Ok((lots, price))
    }

    pub(crate) fn shrink(&mut self, order: &Order, lots: Lots) {
        let mut shrunk = order.clone();
        shrunk.lots = lots;
        // What is hidden goes first.
        shrunk.hidden = shrunk.remaining().checked_sub(order.shown()).unwrap_or(Lots::ZERO);
        self.count_order(order, -1);
        if shrunk.shown() < order.shown() {
            let reduced = self.book_mut(order.instrument).reduce(order.slot, order.id, shrunk.shown());
            debug_assert!(reduced.is_ok(), "the check saw that it shrinks and stays above zero");
        }
        self.count_order(&shrunk, 1);
        let (id, account) = (order.id, self.account(order.account).id);
        self.store_order(&shrunk);
        self.emit(Event::OrderAmended { order: id, account, lots, price: order.price, kept_place: true });
    }

    fn requeue(&mut self, mut order: Order, lots: Lots, price: Ticks) {
        self.book_mut(order.instrument).cancel(order.slot, order.id);
        self.count_order(&order, -1);
        // While it trades it is not among those that rules of the fills may end.
        self.remove_order(order.id);
        self.account_mut(order.account).orders.remove(order.id);
        (order.lots, order.price, order.commit, order.place) = (lots, price, self.commit, self.acting);
        let account = self.account(order.account).id;
        self.emit(Event::OrderAmended { order: order.id, account, lots, price, kept_place: false });
        let taker = TakerSide {
            account: order.account,
            order: order.id,
            side: order.side,
            kind: TradeKind::Ordinary,
            standing: order.standing,
        };
        let taken = self.trade(order.instrument, taker, (price, order.remaining()));
        order.filled = order.lots.checked_sub(taken.rest).unwrap_or(order.lots);
        self.settle_rest(&mut order, taken.end);
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
