//! Expiry: orders end, and whoever holds what has expired is paid at the delivery price: the median over reporters of
//! each one's average over the last half hour, once a quorum has spoken from beyond it.

use std::collections::BTreeMap;

use exchange::{
    Genesis, Instrument,
    name::{Contract, Right},
};
use num::{Cash, MINUTE_MS, Timestamp};
use wire::{AccountId, Event, InstrumentId, OrderEnd, Reject, UnderlyingId};

use super::{Marks, ONE, Reference, assets::Asset, cash, half_even};

const WINDOW_MS: u64 = 30 * MINUTE_MS;

/// A reporter's word on an underlying.
pub(super) type Word = (UnderlyingId, usize, Timestamp, Cash);

/// Those of what genesis lists.
pub(super) fn windows(genesis: &Genesis) -> BTreeMap<(UnderlyingId, Timestamp), usize> {
    let window = |name: &String| {
        let (symbol, contract) = exchange::name::parse(name)?;
        let place = genesis.underlyings.iter().position(|it| it.symbol == symbol)?;
        Some(((UnderlyingId(u16::try_from(place).ok()?), contract.expiry()?), 0))
    };
    genesis.instruments.iter().filter_map(window).collect()
}

/// What an option is in the money by, in micros.
pub(super) fn intrinsic(right: Right, price: i128, strike: Cash) -> i128 {
    let strike = i128::from(strike.micros());
    if right == Right::Call { (price - strike).max(0) } else { (strike - price).max(0) }
}

impl Reference {
    /// Neither closed nor halted, and of a combo every leg.
    pub(super) fn check_open(&self, it: &Asset<'_>) -> Result<(), Reject> {
        self.check_open_alone(it.id)?;
        it.legs.iter().try_for_each(|leg| self.check_open_alone(leg.it.id))
    }

    pub(super) fn check_open_alone(&self, have: InstrumentId) -> Result<(), Reject> {
        if self.closed.contains(&have) {
            return Err(Reject::InstrumentClosed { have });
        }
        self.check_running()?;
        self.check_trading(have)
    }

    /// Words in the window of the next delivery count whenever they come.
    pub(super) fn is_in_window(&self, of: UnderlyingId, at: Timestamp) -> bool {
        let next = self.windows.keys().find(|(underlying, _)| *underlying == of);
        next.is_some_and(|(_, expiry)| at.millis() + WINDOW_MS >= expiry.millis())
    }

    /// What reporters say from now on counts for an expiry.
    pub(super) fn open_window(&mut self, of: UnderlyingId, expiry: Timestamp) {
        self.windows.entry((of, expiry)).or_insert(self.said.len());
    }

    pub(super) fn deliver_expiries(&mut self, state: &Marks) {
        let has_expired = |it: &&Instrument| it.contract.expiry().is_some_and(|expiry| expiry <= self.now);
        let plain = self.listed(state).filter(has_expired);
        let mut expired: Vec<InstrumentId> = plain.map(|it| it.id).collect();
        let combos = self.combos.iter().filter(|(_, legs)| legs.iter().any(|(leg, _)| expired.contains(leg)));
        let combos: Vec<InstrumentId> = combos.map(|(id, _)| *id).collect();
        expired.extend(combos);
        expired.retain(|id| !self.closed.contains(id));
        expired.sort_unstable();
        self.end_held_in(&expired);
        for instrument in expired {
            self.end_book(instrument);
            self.closed.insert(instrument);
            if self.combos.contains_key(&instrument) {
                self.tell(Event::Delisted { instrument });
            }
        }
        for ((underlying, expiry), from) in self.windows.clone() {
            let price = self.delivery_price((underlying, expiry), from).filter(|_| expiry <= self.now);
            if let Some(price) = price {
                self.deliver(state, (underlying, expiry), price);
            }
        }
    }

    pub(super) fn end_held_in(&mut self, expired: &[InstrumentId]) {
        let held = self.held.iter().filter(|it| expired.contains(&it.terms.instrument));
        let mut all: Vec<(usize, u64)> = held.map(|it| (self.holders[&it.account].opened, it.id)).collect();
        all.sort_unstable();
        all.into_iter().for_each(|(_, id)| self.end_any(id, OrderEnd::InstrumentExpired));
    }

    fn end_book(&mut self, id: InstrumentId) {
        let mut all: Vec<_> = self.orders.iter().filter(|it| it.instrument == id).collect();
        all.sort_by_key(|it| (-it.side.sign(), -it.price * it.side.sign(), it.queued));
        let all: Vec<u64> = all.into_iter().map(|it| it.id).collect();
        all.into_iter().for_each(|id| self.end_any(id, OrderEnd::InstrumentExpired));
    }

    fn delivery_price(
        &self,
        (underlying, expiry): (UnderlyingId, Timestamp),
        from_word: usize,
    ) -> Option<Cash> {
        let rules = &self.genesis.oracle;
        let average = |reporter: usize| {
            let words =
                || self.said[from_word..].iter().filter(move |it| (it.0, it.1) == (underlying, reporter));
            let beyond = words().filter(|it| it.2 >= expiry).map(|it| (it.2, it.3)).min()?.1;
            let from = expiry.millis() - WINDOW_MS;
            let within: Vec<i128> = words()
                .filter(|it| (from..expiry.millis()).contains(&it.2.millis()))
                .map(|it| it.3.micros().into())
                .collect();
            let number = i128::try_from(within.len()).expect("few");
            if number == 0 {
                return Some(beyond);
            }
            let sum: i128 = within.iter().sum();
            Some(cash(half_even(sum, number)))
        };
        let all = rules.reporters.iter().enumerate();
        self.weighted_median(all.filter_map(|(place, it)| Some((average(place)?, it.weight))).collect())
    }

    fn deliver(&mut self, state: &Marks, (underlying, expiry): (UnderlyingId, Timestamp), price: Cash) {
        self.windows.remove(&(underlying, expiry));
        self.tell(Event::Delivered { underlying, expiry, price });
        self.fix_averages((underlying, expiry), price);
        let due = |it: &&Instrument| it.underlying == underlying && it.contract.expiry() == Some(expiry);
        let due: Vec<&Instrument> = self.listed(state).filter(due).collect();
        if due.is_empty() {
            return;
        }
        for it in &due {
            self.touch(it.id, price);
        }
        let mut accounts: Vec<(usize, AccountId)> =
            self.holders.iter().map(|(id, it)| (it.opened, *id)).collect();
        accounts.sort_unstable();
        for (_, account) in accounts {
            for it in &due {
                self.settle(account, it, price);
            }
        }
        // What rounding left over when nothing is owed.
        let kept = self.unclaimed(state);
        if kept > 0 {
            *self.funds.get_mut(&0).expect("of genesis") += kept;
        }
    }

    /// What a unit pays at the delivery price, in micros.
    fn payoff(&self, it: &Instrument, price: i128) -> i128 {
        match it.contract {
            Contract::Option { strike, right, .. } => intrinsic(right, price, strike),
            Contract::Exotic { strike, right, style, .. } => {
                self.exotic_payoff(it.id, (strike, right, style), price)
            }
            _ => price,
        }
    }

    fn settle(&mut self, account: AccountId, it: &Instrument, price: Cash) {
        let pool = self.genesis.underlyings[usize::from(it.underlying.0)].pool;
        let each = self.payoff(it, price.micros().into());
        let holder = self.holder(account);
        let Some(held) = holder.holdings.remove(&it.id) else { return };
        let units = held.position * i128::from(it.market.lot_size().raw());
        let owed = if it.is_option() { 0 } else { held.entry };
        let amount = (units * each).div_euclid(ONE) - owed;
        holder.balance += amount;
        holder.pool = pool;
        let position = num::Position::new(i64::try_from(held.position).expect("counted"));
        self.tell(Event::PositionSettled { account, instrument: it.id, position, amount: cash(amount) });
    }
}
