//! A new order: first a complete plan or the first reject, then writes that cannot fail.
//!
//! Invariant: nothing is written before every rule has been looked at; the rules are looked at in the order
//! of `Reject`. Under a label, the same order is placed once: who asks again is told what became of it.

use num::Lots;
use wire::{
    Conditions, Event, NewOrder, OrderEnd, OrderId, OrderKind, Outcome, ReduceOnly, Reject, TimeInForce,
    TradeKind,
};

use crate::{
    account::LabelUse,
    book::Slot,
    coverage::OrderChange,
    ledger::AccountIndex,
    order::{Order, Standing},
    rules::Size,
    state::State,
    trade::TakerSide,
};

/// An order that passed every rule.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// The number of an order that was held; a new one has none yet.
    pub order: Option<OrderId>,
    pub terms: NewOrder,
    pub conditions: Conditions,
    pub kind: TradeKind,
    /// The worst price it trades at, and the lots that may trade or rest: fewer than asked for when the
    /// order may only reduce.
    pub size: Size,
}

/// Where an order comes from.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Entering {
    New,
    /// It was held until now.
    Held(OrderId),
    /// It was collected, and comes with an opening beside so many others that are to rest.
    Opening(OrderId, u32),
}

impl Entering {
    const fn order(self) -> Option<OrderId> {
        match self {
            Self::New => None,
            Self::Held(order) | Self::Opening(order, _) => Some(order),
        }
    }

    const fn beside(self) -> u32 {
        match self {
            Self::New | Self::Held(_) => 0,
            Self::Opening(_, beside) => beside,
        }
    }
}

impl State {
    /// Places an order for an account, or keeps it for later.
    pub(crate) fn place(
        &mut self,
        account: AccountIndex,
        terms: &NewOrder,
        conditions: &Conditions,
    ) -> Result<Outcome, Reject> {
        if let Some(outcome) = self.repeated(account, (terms, conditions)) {
            return Ok(outcome);
        }
        let it = self.instrument_ref(terms.instrument);
        if let Some(exotic) = it.filter(|it| it.is_exotic()) {
            return Err(Reject::NoBook { have: exotic.id });
        }
        if conditions.trigger.is_none() && it.is_some_and(|it| it.is_open() && self.collects(it)) {
            return self.collect(account, (terms, conditions));
        }
        if let Some(trigger) = &conditions.trigger {
            return self.hold(account, terms, (conditions, trigger));
        }
        let plan = self.plan_order(account, terms, (conditions, Entering::New))?;
        let order = self.next_order_id();
        self.whole_or_nothing(account, Plan { order: Some(order), ..plan }, |state, plan| {
            state.use_label(account, order, (terms, conditions));
            state.write_order(account, plan)
        })?;
        Ok(Outcome::Placed { order })
    }

    pub(crate) fn next_order_id(&mut self) -> OrderId {
        let order = OrderId(self.next_order);
        self.next_order += 1;
        order
    }

    /// Looks at every rule; an order that was held has its label already.
    pub(crate) fn plan_order(
        &self,
        account: AccountIndex,
        terms: &NewOrder,
        (conditions, entering): (&Conditions, Entering),
    ) -> Result<Plan, Reject> {
        let have = terms.instrument;
        let it = self.instrument_ref(have).ok_or(Reject::UnknownInstrument { have })?;
        self.check_open(it)?;
        self.check_pool(account, it)?;
        self.check_standing(account, terms, conditions)?;
        self.check_lots(terms.lots)?;
        let limit = self.check_price(it, terms)?;
        if entering.order().is_none() {
            self.check_label(account, terms)?;
        }
        self.check_room(it, entering.beside())?;
        let lots = self.check_reduce(account, it, (terms.side, terms.reduce_only, terms.lots))?;
        self.check_position(account, it, (terms.side, lots))?;
        let limit = self.check_post_only(it, (terms.side, terms.post_only, limit))?;
        self.check_fillable(account, (terms, conditions.self_trade), (limit, lots))?;
        if terms.reduce_only == ReduceOnly::Off {
            let adds = self.open_order(it.id, terms.side, lots, limit);
            self.check_margin(account, it, &OrderChange::adding(adds))?;
        }
        let kind = match terms.kind {
            OrderKind::Market => OrderKind::Market,
            OrderKind::Limit { .. } | OrderKind::Volatility { .. } => OrderKind::Limit { price: limit },
        };
        let terms = NewOrder { kind, lots, ..terms.clone() };
        let conditions = conditions.clone();
        Ok(Plan {
            order: entering.order(),
            terms,
            conditions,
            kind: TradeKind::Ordinary,
            size: (limit, lots),
        })
    }

    /// Trades what trades, rests what rests; answers with the lots that traded.
    pub(crate) fn write_order(&mut self, account: AccountIndex, plan: Plan) -> Lots {
        let order = plan.order.unwrap_or_else(|| self.next_order_id());
        let Plan { terms, conditions, kind, size: (limit, lots), .. } = plan;
        let id = terms.instrument;
        self.tell_placed(account, order, (&terms, &conditions));
        let standing = Standing::of(&terms, &conditions);
        let taker = TakerSide { account, order, side: terms.side, kind, standing };
        let taken = self.trade(id, taker, (limit, lots));
        let mut end = taken.end;
        let stays =
            matches!(terms.time_in_force, TimeInForce::GoodTilCancelled | TimeInForce::GoodTilTime { .. });
        if !stays || terms.kind == OrderKind::Market {
            end = end.or(Some(OrderEnd::Dropped));
        }
        let filled = lots.checked_sub(taken.rest).unwrap_or(lots);
        let mut resting = Order {
            id: order,
            account,
            instrument: id,
            side: terms.side,
            price: limit,
            lots,
            filled,
            hidden: Lots::ZERO,
            post_only: terms.post_only,
            reduce_only: terms.reduce_only,
            label: terms.label,
            standing,
            commit: self.commit,
            place: self.acting,
            slot: Slot::NOWHERE,
        };
        self.settle_rest(&mut resting, end);
        filled
    }

    fn tell_placed(&mut self, account: AccountIndex, order: OrderId, it: (&NewOrder, &Conditions)) {
        let (terms, conditions) = it;
        let id = self.account(account).id;
        // A held order has told its conditions when it was placed.
        if conditions.trigger.is_none() && *conditions != Conditions::default() {
            let (terms, conditions) = (terms.clone(), conditions.clone());
            self.emit(Event::OrderConditioned { order, account: id, terms, conditions });
        }
        self.emit(Event::OrderPlaced { order, account: id, terms: terms.clone() });
    }

    /// What becomes of an order once it has traded: it rests, unless nothing is left or it may not stay.
    pub(crate) fn settle_rest(&mut self, order: &mut Order, end: Option<OrderEnd>) {
        if order.remaining().is_zero() {
            self.forget_order(order, OrderEnd::Filled);
        } else if let Some(end) = end {
            self.forget_order(order, end);
        } else {
            self.rest_order(order);
        }
    }

    /// Remembers an order under its label.
    fn use_label(&mut self, account: AccountIndex, order: OrderId, it: (&NewOrder, &Conditions)) {
        let (terms, conditions) = it;
        if !terms.label.is_empty() {
            let now = self.time;
            let holder = self.account_mut(account);
            holder.forget_labels(now);
            holder.labels.insert(terms.label.clone(), LabelUse::new(order, terms, conditions));
        }
    }

    /// What became of the same order under the same label, if it was placed lately.
    fn repeated(
        &self,
        account: AccountIndex,
        (terms, conditions): (&NewOrder, &Conditions),
    ) -> Option<Outcome> {
        let used = self.account(account).labels.get(&terms.label)?;
        if used.terms != *terms || used.conditions != *conditions || used.is_forgotten(self.time) {
            return None;
        }
        let LabelUse { order, end, .. } = *used;
        let filled = self.order(order).map_or(used.filled, |order| order.filled);
        Some(Outcome::Repeated { order, filled, end })
    }
}
