//! What is to happen when a time has come or a price is reached.
//!
//! Invariant: an entry stands here as long as what it is about: an order with an end, an order that waits
//! for a price, an account whose switch is set. Within a group the changes are kept, so that a failure takes
//! them back.

use std::collections::BTreeSet;

use num::{Cash, Timestamp};
use wire::{Crossing, InstrumentId, OrderEnd, OrderId, PriceSource};

use crate::{ladder::Use, ledger::AccountIndex, state::State};

/// What has its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Due {
    Order(OrderId, AccountIndex),
    Switch(AccountIndex),
}

/// One thing to come. Those of time are first, the earliest of them at the very front.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Entry {
    Time(Timestamp, Due),
    Price(PriceWatch, Cash, OrderId, AccountIndex),
}

/// A price, and the side of it that is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct PriceWatch {
    pub instrument: InstrumentId,
    pub source: PriceSource,
    pub crossing: Crossing,
}

/// A change of the agenda that a failed group takes back.
#[derive(Clone, Copy, Debug)]
pub(crate) enum AgendaChange {
    Noted(Entry),
    Struck(Entry),
}

/// Everything to come, in order.
pub(crate) type Agenda = BTreeSet<Entry>;

impl State {
    pub(crate) fn note(&mut self, entry: Entry) {
        if self.agenda.insert(entry) {
            self.keep_agenda(AgendaChange::Noted(entry));
        }
    }

    pub(crate) fn strike(&mut self, entry: Entry) {
        if self.agenda.remove(&entry) {
            self.keep_agenda(AgendaChange::Struck(entry));
        }
    }

    /// Ends the orders whose time has come, and those of accounts whose owner fell silent.
    pub(crate) fn take_due(&mut self) {
        while let Some(Entry::Time(at, due)) = self.agenda.first().copied() {
            if at >= self.time {
                break;
            }
            self.strike(Entry::Time(at, due));
            match due {
                Due::Order(order, account) => self.end_any(account, order, OrderEnd::Expired),
                Due::Switch(account) => {
                    self.account_mut(account).switch = None;
                    self.end_all(account, OrderEnd::Switch);
                }
            }
        }
    }

    /// Orders whose price is reached, at most so many, by instrument, source, and price.
    pub(crate) fn reached(&self, most: usize) -> Vec<(OrderId, AccountIndex)> {
        let mut reached = Vec::new();
        let mut next = self.first_watch_from(None);
        while let Some(watch) = next {
            let underlying = self.instrument_at(watch.instrument).underlying;
            let is_good = self.check_rung(underlying, Use::Trigger).is_ok();
            if let Some(now) = self.watched_price(&watch).filter(|_| is_good) {
                let (low, high) = match watch.crossing {
                    Crossing::Rises => (Cash::MIN, now),
                    Crossing::Falls => (now, Cash::MAX),
                };
                let first = Entry::Price(watch, low, OrderId(0), 0);
                let last = Entry::Price(watch, high, OrderId(u64::MAX), AccountIndex::MAX);
                let due = self.agenda.range(first..=last).filter_map(|entry| match entry {
                    Entry::Price(_, _, order, account) => Some((*order, *account)),
                    Entry::Time(..) => None,
                });
                reached.extend(due.take(most.saturating_sub(reached.len())));
            }
            next = self.first_watch_from(Some(watch));
        }
        reached
    }

    /// The first price that somebody waits for, behind another.
    fn first_watch_from(&self, behind: Option<PriceWatch>) -> Option<PriceWatch> {
        use core::ops::Bound::{Excluded, Unbounded};
        let last = Entry::Time(Timestamp::MAX, Due::Switch(AccountIndex::MAX));
        let from =
            behind.map_or(last, |watch| Entry::Price(watch, Cash::MAX, OrderId(u64::MAX), AccountIndex::MAX));
        match self.agenda.range((Excluded(from), Unbounded)).next() {
            Some(Entry::Price(watch, ..)) => Some(*watch),
            _ => None,
        }
    }

    fn watched_price(&self, watch: &PriceWatch) -> Option<Cash> {
        let it = self.instrument_ref(watch.instrument).filter(|it| it.halt.is_none())?;
        match watch.source {
            PriceSource::Mark => it.mark(),
            PriceSource::Index => Some(self.underlying(it.underlying).index),
            PriceSource::Last => it.market.price(it.last_trade?),
        }
    }
}
