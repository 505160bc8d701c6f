//! Expiry by data time: who holds what is paid at the delivery price, all in one commit.
//!
//! Invariant: after a delivery no position and no order in the instrument is left, its open interest is
//! zero, and what rounding kept back belongs to the insurance fund.

use num::{Cash, Rounding, Timestamp};
use wire::{Event, InstrumentId, OrderEnd, OrderId, UnderlyingId};

use crate::{
    book::Depth,
    holding::Holding,
    instrument::Listing,
    ledger::{AccountIndex, Purse},
    state::State,
};

impl State {
    /// Closes what has expired and settles what has a delivery price.
    pub(crate) fn deliver_expiries(&mut self) {
        let expired: Vec<InstrumentId> = self
            .instruments
            .iter()
            .filter(|it| it.is_open() && it.has_expired(self.time))
            .map(|it| it.id)
            .collect();
        if !expired.is_empty() {
            self.end_held_in(&expired);
        }
        for id in expired {
            self.end_book(id);
            let it = self.instrument_mut(id);
            it.collected.clear();
            if it.is_combo() {
                self.delist(id);
            } else {
                it.listing = Listing::Expired;
            }
        }
        for (underlying, expiry, price) in self.oracle.deliverable(self.time) {
            self.deliver(underlying, expiry, price);
        }
    }

    fn deliver(&mut self, underlying: UnderlyingId, expiry: Timestamp, price: Cash) {
        self.oracle.settled(underlying, expiry);
        self.emit(Event::Delivered { underlying, expiry, price });
        self.fix_averages(underlying, expiry, price);
        let due: Vec<InstrumentId> = self
            .instruments
            .iter()
            .filter(|it| {
                it.underlying == underlying && it.contract.expiry() == Some(expiry) && !it.is_combo()
            })
            .map(|it| it.id)
            .collect();
        // A day on which something was fixed and nothing ends.
        if due.is_empty() {
            return;
        }
        self.touch_at_delivery(&due, price);
        for id in &due {
            self.end_book(*id);
        }
        let accounts = AccountIndex::try_from(self.accounts.len()).unwrap_or(AccountIndex::MAX);
        for account in 0..accounts {
            self.settle_account(account, &due, price);
        }
        for id in due {
            self.instrument_mut(id).listing = Listing::Settled { price };
        }
        self.sweep_clearing();
    }

    fn settle_account(&mut self, account: AccountIndex, due: &[InstrumentId], price: Cash) {
        let held: Vec<(InstrumentId, Holding)> = self
            .account(account)
            .holdings
            .iter()
            .filter(|(id, _)| due.binary_search(id).is_ok())
            .map(|(id, holding)| (*id, *holding))
            .collect();
        for (id, holding) in held {
            let it = self.instrument_at(id);
            let payoff = it.market.value(it.payoff(price), holding.position, Rounding::Floor);
            let amount = payoff
                .and_then(|payoff| payoff.checked_sub(holding.cost(it)))
                .expect("invariant: positions and entries are limited to what adds in 64 bits");
            self.set_holding(account, id, Holding::default());
            self.clear(Purse::Account(account), amount);
            let holder = self.account_mut(account);
            holder.realised = holder.realised.checked_add(amount).unwrap_or(holder.realised);
            let (account, position) = (holder.id, holding.position);
            self.emit(Event::PositionSettled { account, instrument: id, position, amount });
        }
    }

    /// Ends every held order in instruments that expired, which are given by rising number.
    pub(crate) fn end_held_in(&mut self, expired: &[InstrumentId]) {
        for account in 0..AccountIndex::try_from(self.accounts.len()).unwrap_or(AccountIndex::MAX) {
            let held = self.account(account).held.iter();
            let due = held.filter(|(_, held)| expired.binary_search(&held.terms.instrument).is_ok());
            for order in due.map(|(order, _)| *order).collect::<Vec<_>>() {
                self.end_any(account, order, OrderEnd::InstrumentExpired);
            }
        }
    }

    /// Ends every order of an instrument.
    fn end_book(&mut self, id: InstrumentId) {
        let sides = [num::Side::Buy, num::Side::Sell];
        let orders: Vec<OrderId> = sides
            .into_iter()
            .flat_map(|side| self.book(id).orders(side).map(|it| it.id).collect::<Vec<_>>())
            .collect();
        for order in orders {
            self.end_order(order, OrderEnd::InstrumentExpired);
        }
    }

    /// What rounding left in the clearing once nothing is owed goes to the insurance fund.
    fn sweep_clearing(&mut self) {
        let owed: i128 = self
            .accounts
            .iter()
            .flat_map(|account| &account.holdings)
            .map(|(id, holding)| i128::from(holding.cost(self.instrument_at(*id)).micros()))
            .sum();
        let kept = i128::from(self.ledger.balance(Purse::Clearing).micros()) + owed;
        if let Some(dust) = Cash::from_i128(kept).filter(|dust| dust.is_positive()) {
            self.pay(Purse::Clearing, Purse::Insurance(0), dust);
        }
    }
}
