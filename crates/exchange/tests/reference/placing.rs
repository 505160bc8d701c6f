//! A new order: every rule in its turn, then what trades trades and what rests rests.

use num::Ticks;
use wire::{
    AccountId, Conditions, Event, NewOrder, OrderId, OrderKind, Outcome, ReduceOnly, Reject, TimeInForce,
    TradeKind,
};

use super::{Marks, Reference, Resting, lots, until};

/// A new order as it will trade.
#[derive(Clone, Copy)]
pub(super) struct Planned {
    pub limit: i64,
    pub lots: u64,
}

/// An order as it is asked for.
pub(super) type Asked<'a> = (&'a NewOrder, &'a Conditions);

impl Reference {
    pub(super) fn number(&mut self) -> u64 {
        self.next_order += 1;
        self.next_order - 1
    }

    pub(super) fn place(
        &mut self,
        state: &Marks,
        account: AccountId,
        asked: Asked<'_>,
    ) -> Result<Outcome, Reject> {
        let (terms, conditions) = asked;
        if let Some(outcome) = self.repeated(account, asked) {
            return Ok(outcome);
        }
        self.check_has_book(terms.instrument)?;
        if conditions.trigger.is_none() && self.collects(terms.instrument) {
            return self.collect(state, account, asked);
        }
        if let Some(trigger) = &conditions.trigger {
            return self.hold(state, account, (terms, conditions, trigger));
        }
        let planned = self.plan(state, account, (asked, None))?;
        let id = self.number();
        self.whole_or_nothing((terms, planned), |it| {
            if !terms.label.is_empty() {
                it.forget_labels(account);
            }
            it.name(account, id, asked);
            it.write(state, (account, id), (asked, planned))
        })?;
        Ok(Outcome::Placed { order: OrderId(id) })
    }

    /// What became of the same order under the same label, if it was placed lately.
    fn repeated(&self, account: AccountId, (terms, conditions): Asked<'_>) -> Option<Outcome> {
        let named = self.holders[&account].labels.get(&terms.label)?;
        let is_same = named.terms == *terms && named.conditions == *conditions;
        if !is_same || named.ended.is_some_and(|(_, at)| self.is_forgotten(at)) {
            return None;
        }
        let filled = self.orders.iter().find(|it| it.id == named.order).map_or(named.filled, |it| it.filled);
        let (order, filled, end) = (OrderId(named.order), lots(filled), named.ended.map(|(end, _)| end));
        Some(Outcome::Repeated { order, filled, end })
    }

    /// Does something that fills so much; of what must fill whole all of it, or nothing has happened.
    pub(super) fn whole_or_nothing(
        &mut self,
        (terms, planned): (&NewOrder, Planned),
        act: impl FnOnce(&mut Self) -> u64,
    ) -> Result<(), Reject> {
        if terms.time_in_force != TimeInForce::FillOrKill {
            act(self);
            return Ok(());
        }
        let saved = self.clone();
        let filled = act(self);
        if filled == planned.lots {
            return Ok(());
        }
        self.go_back(saved);
        Err(Reject::NotFillable { have: lots(filled), need: lots(planned.lots) })
    }

    /// Trades, and answers with how much.
    pub(super) fn write(
        &mut self,
        state: &Marks,
        (account, id): (AccountId, u64),
        (asked, planned): (Asked<'_>, Planned),
    ) -> u64 {
        let (order, (terms, conditions)) = (OrderId(id), asked);
        let is_market = terms.kind == OrderKind::Market;
        let kind = if is_market { terms.kind } else { OrderKind::Limit { price: Ticks::new(planned.limit) } };
        let told = NewOrder { kind, lots: lots(planned.lots), ..terms.clone() };
        if *conditions != Conditions::default() && conditions.trigger.is_none() {
            let (terms, conditions) = (told.clone(), conditions.clone());
            self.tell(Event::OrderConditioned { order, account, terms, conditions });
        }
        self.tell(Event::OrderPlaced { order, account, terms: told });
        let stays =
            matches!(terms.time_in_force, TimeInForce::GoodTilCancelled | TimeInForce::GoodTilTime { .. });
        let order = self.as_order((account, id), asked, &planned);
        self.enter(state, order, stays && !is_market)
    }

    pub(super) fn as_order(
        &self,
        (account, id): (AccountId, u64),
        (terms, conditions): Asked<'_>,
        planned: &Planned,
    ) -> Resting {
        Resting {
            id,
            account,
            instrument: terms.instrument,
            side: terms.side,
            price: planned.limit,
            lots: planned.lots,
            filled: 0,
            shown: 0,
            until: until(terms),
            post_only: terms.post_only,
            reduce_only: terms.reduce_only,
            label: terms.label.clone(),
            conditions: conditions.clone(),
            kind: TradeKind::Ordinary,
            is_collected: false,
            queued: 0,
            placed: self.acting,
        }
    }

    /// Every rule; an order that was held has its label and its number already.
    pub(super) fn plan(
        &self,
        state: &Marks,
        account: AccountId,
        (asked, entering): (Asked<'_>, Option<u64>),
    ) -> Result<Planned, Reject> {
        let (terms, conditions) = asked;
        let it = self.asset(state, terms.instrument)?;
        self.check_open(&it)?;
        self.check_pool(state, account, it.underlying)?;
        self.check_standing(account, terms, conditions)?;
        self.check_lots(terms.lots)?;
        let limit = self.limit(&it, terms)?;
        if entering.is_none() {
            self.check_label(account, terms)?;
        }
        self.check_room(it.id)?;
        let lots = self.check_reduce(account, it.id, (terms.side, terms.reduce_only, terms.lots.get()))?;
        self.check_position(account, &it, (terms.side, lots))?;
        let limit = self.check_post_only(&it, (terms.side, terms.post_only, limit))?;
        let planned = Planned { limit, lots };
        if terms.time_in_force == TimeInForce::FillOrKill {
            self.check_fillable(account, asked, &planned)?;
        }
        if terms.reduce_only == ReduceOnly::Off {
            let more = self.as_order((account, 0), asked, &planned);
            self.check_margin(state, account, (&[more], &[]))?;
        }
        Ok(planned)
    }
}
