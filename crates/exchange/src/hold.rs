//! Orders that wait: for a price, or for another order to fill. And rivals, of which only one trades.
//!
//! Invariant: a held order is in its account, under its label, and on the agenda if it has a time or a
//! price, or in none of them. It asks for no margin until it enters; then every rule of a new order holds.
//! A commit lets at most a fixed number enter; the rest enter with the next.

use num::Cash;
use wire::{
    Conditions, Event, NewOrder, OrderEnd, OrderId, OrderKind, OrderTarget, Outcome, Reject, Trigger,
};

use crate::{
    account::LabelUse,
    agenda::{Due, Entry, PriceWatch},
    ledger::AccountIndex,
    order::{HeldOrder, Standing},
    place::Entering,
    state::State,
};

/// Held orders that enter in one commit.
const ENTERING_MAX: usize = 1_024;

impl State {
    /// Keeps an order until its trigger comes.
    pub(crate) fn hold(
        &mut self,
        account: AccountIndex,
        terms: &NewOrder,
        (conditions, trigger): (&Conditions, &Trigger),
    ) -> Result<Outcome, Reject> {
        let have = terms.instrument;
        let it = self.instrument_ref(have).ok_or(Reject::UnknownInstrument { have })?;
        self.check_open(it)?;
        self.check_standing(account, terms, conditions)?;
        self.check_lots(terms.lots)?;
        if let OrderKind::Limit { price } = terms.kind
            && price.get() <= 0
            && !it.is_combo()
        {
            return Err(Reject::PriceNotPositive { have: price });
        }
        let primary = self.check_trigger(account, trigger)?;
        self.check_label(account, terms)?;
        let order = self.next_order_id();
        let held = HeldOrder {
            terms: terms.clone(),
            conditions: conditions.clone(),
            primary: primary.filter(|it| it.1.is_none()).map(|it| it.0),
            commit: self.commit,
            place: self.acting,
        };
        self.list_held(account, order, held);
        if let Some((_, Some(OrderEnd::Filled))) = primary {
            self.entering.push((order, account));
        }
        Ok(Outcome::Placed { order })
    }

    /// The order that a trigger waits for, if any, and how that one has ended if it has.
    fn check_trigger(
        &self,
        account: AccountIndex,
        trigger: &Trigger,
    ) -> Result<Option<(OrderId, Option<OrderEnd>)>, Reject> {
        let primary = match trigger {
            Trigger::Price { price, .. } if *price <= Cash::ZERO => {
                return Err(Reject::TriggerNotPositive { have: *price });
            }
            Trigger::Price { .. } => return Ok(None),
            Trigger::Filled { primary } => primary,
        };
        if let OrderTarget::Label { label } = primary
            && let Some(used) = self.account(account).labels.get(label)
            && !used.is_forgotten(self.time)
        {
            return match used.end {
                None | Some(OrderEnd::Filled) => Ok(Some((used.order, used.end))),
                Some(_) => Err(Reject::PrimaryEnded),
            };
        }
        self.find_target(account, primary).map(|order| Some((order, None)))
    }

    pub(crate) fn list_held(&mut self, account: AccountIndex, order: OrderId, held: HeldOrder) {
        for entry in entries(account, order, &held) {
            self.note(entry);
        }
        let (terms, conditions) = (held.terms.clone(), held.conditions.clone());
        let holder = self.account_mut(account);
        if !terms.label.is_empty() {
            holder.labels.insert(terms.label.clone(), LabelUse::new(order, &terms, &conditions));
        }
        holder.held.insert(order, held);
        let account = holder.id;
        self.emit(Event::OrderConditioned { order, account, terms, conditions });
    }

    /// Lets those enter whose trigger has come.
    pub(crate) fn fire_triggers(&mut self) {
        if self.check_running().is_err() {
            return;
        }
        let mut left = ENTERING_MAX;
        for (order, account) in self.reached(left) {
            left -= 1;
            self.enter(account, order);
        }
        // Entering fills primaries, whose followers enter in turn.
        while left > 0 && !self.entering.is_empty() {
            left -= 1;
            let (order, account) = self.entering.remove(0);
            self.enter(account, order);
        }
    }

    fn enter(&mut self, account: AccountIndex, order: OrderId) {
        let Some(held) = self.unlist_held(account, order) else { return };
        let id = self.account(account).id;
        self.emit(Event::OrderTriggered { order, account: id });
        if let Some(rivals) = held.conditions.rivals {
            self.end_rivals(account, order, rivals);
        }
        let planned = self.plan_order(account, &held.terms, (&held.conditions, Entering::Held(order)));
        let written = planned.and_then(|plan| {
            self.whole_or_nothing(account, plan, |state, plan| state.write_order(account, plan))
        });
        if let Err(reject) = written {
            self.emit(Event::OrderRefused { order, account: id, reject });
            self.tell_held_ended(account, order, (&held, OrderEnd::Refused));
        }
    }

    pub(crate) fn unlist_held(&mut self, account: AccountIndex, order: OrderId) -> Option<HeldOrder> {
        let held = self.account(account).held.get(&order)?.clone();
        self.account_mut(account).held.remove(&order);
        for entry in entries(account, order, &held) {
            self.strike(entry);
        }
        Some(held)
    }

    /// Ends an order of an account, wherever it is.
    pub(crate) fn end_any(&mut self, account: AccountIndex, order: OrderId, end: OrderEnd) {
        if self.order(order).is_some() {
            self.end_order(order, end);
        } else if let Some(held) = self.unlist_held(account, order) {
            self.tell_held_ended(account, order, (&held, end));
        }
    }

    /// Says that a held order has ended, and ends those that waited for it.
    pub(crate) fn tell_held_ended(
        &mut self,
        account: AccountIndex,
        order: OrderId,
        (held, end): (&HeldOrder, OrderEnd),
    ) {
        let holder = self.account_mut(account);
        holder.labels.remove(&held.terms.label);
        let (id, instrument, unfilled) = (holder.id, held.terms.instrument, held.terms.lots);
        self.emit(Event::OrderEnded { order, account: id, instrument, end, unfilled });
        self.end_followers(account, order);
    }

    /// An order has ended: whoever waited for it to fill enters, or ends as well.
    pub(crate) fn release_followers(&mut self, account: AccountIndex, primary: OrderId, end: OrderEnd) {
        if self.account(account).held.is_empty() {
            return;
        }
        if end == OrderEnd::Filled {
            let followers = self.followers(account, primary);
            self.entering.extend(followers.into_iter().map(|order| (order, account)));
        } else {
            self.end_followers(account, primary);
        }
    }

    fn followers(&self, account: AccountIndex, primary: OrderId) -> Vec<OrderId> {
        let held = self.account(account).held.iter();
        held.filter(|(_, held)| held.primary == Some(primary)).map(|(order, _)| *order).collect()
    }

    /// Followers of followers too: a list, for their chain may be long.
    fn end_followers(&mut self, account: AccountIndex, primary: OrderId) {
        let mut waiting = self.followers(account, primary);
        while let Some(order) = waiting.pop() {
            let Some(held) = self.unlist_held(account, order) else { continue };
            let holder = self.account_mut(account);
            holder.labels.remove(&held.terms.label);
            let (id, instrument, unfilled) = (holder.id, held.terms.instrument, held.terms.lots);
            let end = OrderEnd::PrimaryEnded;
            self.emit(Event::OrderEnded { order, account: id, instrument, end, unfilled });
            waiting.extend(self.followers(account, order));
        }
    }

    /// Ends the account's other orders with the same number of rivals.
    pub(crate) fn end_rivals(&mut self, account: AccountIndex, winner: OrderId, rivals: u32) {
        let holder = self.account(account);
        let resting = holder
            .orders
            .iter()
            .filter(|order| self.order(*order).is_some_and(|order| order.standing.rivals == Some(rivals)));
        let held = holder.held.iter().filter(|(_, held)| held.conditions.rivals == Some(rivals));
        let all: Vec<OrderId> = resting.chain(held.map(|(order, _)| *order)).collect();
        for order in all.into_iter().filter(|order| *order != winner) {
            self.end_any(account, order, OrderEnd::Rival);
        }
    }
}

/// Where a held order stands on the agenda.
pub(crate) fn entries(
    account: AccountIndex,
    order: OrderId,
    held: &HeldOrder,
) -> impl Iterator<Item = Entry> + use<> {
    let until = Standing::of(&held.terms, &held.conditions).until;
    let time = until.map(|until| Entry::Time(until, Due::Order(order, account)));
    let price = match held.conditions.trigger {
        Some(Trigger::Price { source, crossing, price }) => {
            let watch = PriceWatch { instrument: held.terms.instrument, source, crossing };
            Some(Entry::Price(watch, price, order, account))
        }
        _ => None,
    };
    time.into_iter().chain(price)
}
