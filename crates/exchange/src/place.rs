//! A new order: first a complete plan or the first reject, then writes that cannot fail.
//!
//! Invariant: nothing is written before every rule has been looked at; the rules are looked at in the order
//! of `Reject`. Self-trade prevention expires the maker.

use num::{Lots, Ticks};
use wire::{
    Event, InstrumentId, NewOrder, OrderEnd, OrderId, OrderKind, ReduceOnly, Reject, TimeInForce, TradeKind,
};

use crate::{
    book::{OrderBook, RestingOrder},
    coverage::OrderChange,
    ledger::AccountIndex,
    order::Order,
    rules::Size,
    state::State,
    trade::{Blocked, TakerSide, reducible},
};

/// An order that passed every rule.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub terms: NewOrder,
    pub kind: TradeKind,
    /// The worst price it trades at, and the lots that may trade or rest: fewer than asked for when the
    /// order may only reduce.
    pub size: Size,
}

impl State {
    /// Places an order for an account.
    pub(crate) fn place(&mut self, account: AccountIndex, terms: &NewOrder) -> Result<OrderId, Reject> {
        let plan = self.plan_order(account, terms)?;
        Ok(self.write_order(account, plan))
    }

    fn plan_order(&self, account: AccountIndex, terms: &NewOrder) -> Result<Plan, Reject> {
        let have = terms.instrument;
        let it = self.instrument_ref(have).ok_or(Reject::UnknownInstrument { have })?;
        self.check_open(it)?;
        self.check_lots(terms.lots)?;
        let limit = self.check_price(it, terms)?;
        self.check_label(account, terms)?;
        self.check_room(it)?;
        let lots = self.check_reduce(account, it, (terms.side, terms.reduce_only, terms.lots))?;
        self.check_position(account, it, (terms.side, lots))?;
        self.check_post_only(it, (terms.side, terms.post_only, limit))?;
        self.check_fillable(account, terms, (limit, lots))?;
        if terms.reduce_only == ReduceOnly::Off {
            let adds = self.open_order(it.id, terms.side, lots, limit);
            self.check_margin(account, it, &OrderChange { adds, removes: None })?;
        }
        Ok(Plan { terms: terms.clone(), kind: TradeKind::Ordinary, size: (limit, lots) })
    }

    /// Numbers the order, trades what trades, rests what rests.
    pub(crate) fn write_order(&mut self, account: AccountIndex, plan: Plan) -> OrderId {
        let order = OrderId(self.next_order);
        self.next_order += 1;
        let (limit, lots) = plan.size;
        let terms = NewOrder { lots, ..plan.terms };
        let id = terms.instrument;
        self.emit(Event::OrderPlaced { order, account: self.account(account).id, terms: terms.clone() });
        let taker = TakerSide { account, order, side: terms.side, kind: plan.kind };
        let rest = self.trade(id, taker, plan.size);
        let resting = Order {
            id: order,
            account,
            instrument: id,
            side: terms.side,
            price: limit,
            lots,
            filled: lots.checked_sub(rest).unwrap_or(lots),
            post_only: terms.post_only,
            reduce_only: terms.reduce_only,
            label: terms.label,
            commit: self.commit,
            place: self.acting,
        };
        let is_immediate =
            terms.time_in_force != TimeInForce::GoodTilCancelled || terms.kind == OrderKind::Market;
        if is_immediate && !rest.is_zero() {
            self.forget_order(&resting, OrderEnd::Dropped);
        } else {
            self.settle_rest(resting);
        }
        order
    }

    /// What becomes of an order once it has traded: it rests, unless nothing is left of it.
    pub(crate) fn settle_rest(&mut self, order: Order) {
        if order.remaining().is_zero() {
            self.forget_order(&order, OrderEnd::Filled);
        } else if self.book(order.instrument).crosses(order.side, order.price) {
            // Only what could not be counted any more leaves something to trade with.
            self.forget_order(&order, OrderEnd::PositionLimit);
        } else {
            self.rest_order(order);
        }
    }

    /// Trades up to `lots` at `limit` or better; returns what is left.
    pub(crate) fn trade(&mut self, id: InstrumentId, taker: TakerSide, (limit, lots): (Ticks, Lots)) -> Lots {
        let mut rest = lots;
        while !rest.is_zero() && self.book(id).crosses(taker.side, limit) {
            let Some(front) = self.book(id).front(taker.side.opposite()) else { break };
            if front.owner == taker.account {
                self.end_order(front.id, OrderEnd::SelfTrade);
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
                Err(Blocked::Taker) => break,
            }
        }
        rest
    }

    /// What the first resting order may trade: all of it, or what its owner still has to reduce.
    fn maker_lots(&self, front: &RestingOrder) -> Lots {
        match self.order(front.id) {
            Some(order) if order.reduce_only == ReduceOnly::On => front
                .remaining
                .min(reducible(self.account(front.owner).position(order.instrument), front.side)),
            _ => front.remaining,
        }
    }
}
