//! What must hold after every commit, restated from the promises over nothing but the reference's own lists.

use std::collections::BTreeMap;

use exchange::State;
use num::Side;
use wire::{AccountId, Event, InstrumentId};

use super::{Marks, Reference};

impl Reference {
    /// Fails with the law that does not hold at the marks in force.
    pub fn check_laws(&self, state: &State, events: &[Event]) {
        let state = &Marks::of(state);
        self.money_is_conserved(state);
        self.open_interest_is_zero_sum();
        self.books_are_uncrossed();
        if self.check_running().is_ok() {
            self.whoever_lacks_margin_is_being_closed(state, events);
        }
    }

    /// What was paid in and has not left is what all have; what futures cost is nobody's until they are closed.
    fn money_is_conserved(&self, state: &Marks) {
        assert_eq!(self.unclaimed(state), 0, "money is conserved");
    }

    /// What was paid in and belongs to nobody.
    pub(super) fn unclaimed(&self, state: &Marks) -> i128 {
        let balances: i128 = self.holders.values().map(|it| it.balance).sum();
        let funds: i128 = self.funds.values().sum();
        let is_owed = |id: &InstrumentId| !state.instrument(*id).is_some_and(exchange::Instrument::is_option);
        let held = self.holders.values().flat_map(|it| &it.holdings).filter(|(id, _)| is_owed(id));
        let entries: i128 = held.map(|(_, holding)| holding.entry).sum();
        self.inside - (balances + funds + self.fees + self.waiting() + self.fundings.purse - entries)
    }

    fn open_interest_is_zero_sum(&self) {
        let mut sums: BTreeMap<InstrumentId, i128> = BTreeMap::new();
        for (id, holding) in self.holders.values().flat_map(|it| &it.holdings) {
            *sums.entry(*id).or_default() += holding.position;
        }
        assert!(sums.values().all(|sum| *sum == 0), "whoever is long has somebody short: {sums:?}");
    }

    fn books_are_uncrossed(&self) {
        for bid in self.orders.iter().filter(|it| it.side == Side::Buy) {
            let ask = self.front(bid.instrument, Side::Sell);
            assert!(ask.is_none_or(|ask| bid.price < ask.price), "{bid:?} crosses {ask:?}");
        }
    }

    /// No account is below its maintenance margin, or owes with nothing left, unless it is seen to. Whoever has just lost
    /// a hedge to a deleveraging is looked at with the next commit.
    fn whoever_lacks_margin_is_being_closed(&self, state: &Marks, events: &[Event]) {
        let has_lost = |of: &AccountId| {
            let lost = |event: &Event| matches!(event, Event::Deleveraged { counterparty, .. } if counterparty == of);
            events.iter().any(lost)
        };
        let sound = self.holders.iter().filter(|(id, it)| it.distress.is_none() && !has_lost(id));
        for (account, holder) in sound {
            let holds_nothing =
                holder.holdings.is_empty() && self.orders.iter().all(|it| it.account != *account);
            let judged = self.judge(state, *account, (&[], &[]));
            let is_covered = holds_nothing || judged.equity >= judged.maintenance;
            assert!(is_covered, "{account:?} has {} of {}", judged.equity, judged.maintenance);
            let is_paid = !holds_nothing || holder.balance >= 0 || self.funds[&holder.pool] <= 0;
            assert!(is_paid, "{account:?} owes while the fund has money");
        }
    }
}
