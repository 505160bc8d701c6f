//! Orders that wait for a price or for another order, and what has its time.

use num::{Cash, Timestamp};
use wire::{
    AccountId, Conditions, Crossing, Event, InstrumentId, NewOrder, OrderEnd, OrderId, OrderKind,
    OrderTarget, Outcome, PriceSource, Reject, Trigger,
};

use super::{Held, Marks, Named, Reference, until};

/// Orders that enter in one commit.
const ENTERING_MAX: usize = 1_024;

/// What has its time, in the order in which it is taken.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Due {
    Order(u64),
    Switch(usize, AccountId),
}

impl Reference {
    /// Keeps an order until its trigger comes.
    pub(super) fn hold(
        &mut self,
        state: &Marks,
        account: AccountId,
        (terms, conditions, trigger): (&NewOrder, &Conditions, &Trigger),
    ) -> Result<Outcome, Reject> {
        let it = self.asset(state, terms.instrument)?;
        self.check_open(&it)?;
        self.check_standing(account, terms, conditions)?;
        self.check_lots(terms.lots)?;
        if let OrderKind::Limit { price } = terms.kind
            && price.get() <= 0
            && !it.is_combo
        {
            return Err(Reject::PriceNotPositive { have: price });
        }
        let primary = match trigger {
            Trigger::Price { price, .. } if *price <= Cash::ZERO => {
                return Err(Reject::TriggerNotPositive { have: *price });
            }
            Trigger::Price { .. } => None,
            Trigger::Filled { primary } => Some(self.primary(account, primary)?),
        };
        self.check_label(account, terms)?;
        let primary_open = primary.filter(|(_, is_filled)| !is_filled).map(|(id, _)| id);
        let id = self.keep_held(account, (terms, conditions), primary_open);
        if primary.is_some_and(|(_, is_filled)| is_filled) {
            self.entering.push(id);
        }
        Ok(Outcome::Placed { order: OrderId(id) })
    }

    /// Keeps an order that is not in a book.
    pub(super) fn keep_held(
        &mut self,
        account: AccountId,
        (terms, conditions): (&NewOrder, &Conditions),
        primary: Option<u64>,
    ) -> u64 {
        let id = self.number();
        self.name(account, id, (terms, conditions));
        let (terms, conditions, order) = (terms.clone(), conditions.clone(), OrderId(id));
        let (kept, asked) = (terms.clone(), conditions.clone());
        self.tell(Event::OrderConditioned { order, account, terms, conditions });
        let placed = self.acting;
        self.held.push(Held { id, account, terms: kept, conditions: asked, primary, placed });
        id
    }

    /// The order that another waits for, and whether it has filled already: a label still knows.
    fn primary(&self, account: AccountId, target: &OrderTarget) -> Result<(u64, bool), Reject> {
        if let OrderTarget::Label { label } = target
            && let Some(named) = self.holders[&account].labels.get(label)
            && !named.ended.is_some_and(|(_, at)| self.is_forgotten(at))
        {
            return match named.ended {
                None => Ok((named.order, false)),
                Some((OrderEnd::Filled, _)) => Ok((named.order, true)),
                Some(_) => Err(Reject::PrimaryEnded),
            };
        }
        Ok((self.target(account, target)?, false))
    }

    pub(super) fn name(
        &mut self,
        account: AccountId,
        order: u64,
        (terms, conditions): (&NewOrder, &Conditions),
    ) {
        if !terms.label.is_empty() {
            let (terms, conditions) = (terms.clone(), conditions.clone());
            let named = Named { order, terms, conditions, filled: 0, ended: None };
            self.holder(account).labels.insert(named.terms.label.clone(), named);
        }
    }

    /// Lets those enter whose price is reached, and then those whose primary has filled.
    pub(super) fn fire_triggers(&mut self, state: &Marks) {
        let reached = self.reached(state);
        for id in &reached {
            self.enter_held(state, *id);
        }
        for _ in reached.len()..ENTERING_MAX {
            if self.entering.is_empty() {
                return;
            }
            let id = self.entering.remove(0);
            self.enter_held(state, id);
        }
    }

    /// By instrument, source and side, then by price and number.
    fn reached(&self, state: &Marks) -> Vec<u64> {
        let mut reached: Vec<((InstrumentId, PriceSource, Crossing), Cash, u64)> = Vec::new();
        for held in &self.held {
            let Some(Trigger::Price { source, crossing, price }) = held.conditions.trigger else { continue };
            let id = held.terms.instrument;
            if self.check_trading(id).is_err() {
                continue;
            }
            let Some(now) = self.watched(state, (id, source)) else { continue };
            let is_reached = match crossing {
                Crossing::Rises => price <= now,
                Crossing::Falls => price >= now,
            };
            if is_reached {
                reached.push(((id, source, crossing), price, held.id));
            }
        }
        reached.sort_unstable();
        reached.into_iter().map(|(_, _, id)| id).take(ENTERING_MAX).collect()
    }

    fn watched(&self, state: &Marks, (id, source): (InstrumentId, PriceSource)) -> Option<Cash> {
        let it = self.asset(state, id).ok()?;
        if source == PriceSource::Mark {
            it.check_marked().ok()?;
        }
        Some(super::cash(match source {
            PriceSource::Mark => it.mark(),
            PriceSource::Index => self.indices[&it.underlying],
            PriceSource::Last => i128::from(*self.lasts.get(&id)?) * it.tick,
        }))
    }

    fn enter_held(&mut self, state: &Marks, id: u64) {
        let Some(held) = self.take_held(id) else { return };
        let (order, account) = (OrderId(id), held.account);
        self.tell(Event::OrderTriggered { order, account });
        if let Some(rivals) = held.conditions.rivals {
            self.end_rivals(account, id, rivals);
        }
        let asked = (&held.terms, &held.conditions);
        let done = self.plan(state, account, (asked, Some(id))).and_then(|planned| {
            self.whole_or_nothing((asked.0, planned), |it| it.write(state, (account, id), (asked, planned)))
        });
        if let Err(reject) = done {
            self.tell(Event::OrderRefused { order, account, reject });
            self.tell_held_ended(&held, OrderEnd::Refused);
        }
    }

    /// Ends orders whose time has come, and all of those who fell silent; the earliest first.
    pub(super) fn take_due(&mut self) {
        loop {
            let orders = self.orders.iter().filter_map(|it| Some((it.until?, Due::Order(it.id))));
            let held = self.held.iter().filter_map(|it| Some((until(&it.terms)?, Due::Order(it.id))));
            let switches =
                self.holders.iter().filter_map(|(id, it)| Some((it.switch?, Due::Switch(it.opened, *id))));
            let first = orders.chain(held).chain(switches).min();
            match first.filter(|(at, _)| *at < self.now) {
                Some((_, Due::Order(id))) => self.end_any(id, OrderEnd::Expired),
                Some((_, Due::Switch(_, account))) => {
                    self.holder(account).switch = None;
                    let all = self.open_where(account, |_| true, |_| true);
                    all.into_iter().for_each(|id| self.end_any(id, OrderEnd::Switch));
                }
                None => return,
            }
        }
    }

    pub(super) fn set_switch(&mut self, account: AccountId, at: Option<Timestamp>) -> Result<(), Reject> {
        if let Some(have) = at.filter(|at| *at <= self.now) {
            return Err(Reject::TimeNotAhead { have, need: self.now });
        }
        self.holder(account).switch = at;
        Ok(())
    }
}
