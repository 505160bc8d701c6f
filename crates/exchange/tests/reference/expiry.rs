//! Expiry: orders end, and whoever holds what has expired is paid at the delivery price: the median over reporters of
//! each one's average over the last half hour, once a quorum has spoken from beyond it.

use exchange::{
    Instrument,
    name::{Contract, Right},
};
use num::{Cash, MINUTE_MS, Timestamp};
use wire::{AccountId, Event, InstrumentId, OrderEnd, Reject, UnderlyingId};

use super::{Marks, ONE, Reference, assets::Asset, cash, half_even};

const WINDOW_MS: u64 = 30 * MINUTE_MS;

/// A reporter's word on an underlying.
pub(super) type Word = (UnderlyingId, usize, Timestamp, Cash);

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
        self.check_trading(have)
    }

    /// Words in the window of the next delivery count whenever they come.
    pub(super) fn is_in_window(&self, state: &Marks, of: UnderlyingId, at: Timestamp) -> bool {
        let next = self.expiries(state).into_iter().find(|(underlying, _)| *underlying == of);
        next.is_some_and(|(_, expiry)| at.millis() + WINDOW_MS >= expiry.millis())
    }

    /// What has not been delivered yet.
    fn expiries(&self, state: &Marks) -> Vec<(UnderlyingId, Timestamp)> {
        let listed = self.listed(state);
        let mut all: Vec<(UnderlyingId, Timestamp)> =
            listed.filter_map(|it| Some((it.underlying, it.contract.expiry()?))).collect();
        all.sort_unstable();
        all.dedup();
        all.retain(|term| !self.delivered.contains(term));
        all
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
        for (underlying, expiry) in self.expiries(state) {
            let price = self.delivery_price(underlying, expiry).filter(|_| expiry <= self.now);
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

    fn delivery_price(&self, underlying: UnderlyingId, expiry: Timestamp) -> Option<Cash> {
        let rules = &self.genesis.oracle;
        let average = |reporter: usize| {
            let words = || self.said.iter().filter(move |it| (it.0, it.1) == (underlying, reporter));
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
        self.delivered.insert((underlying, expiry));
        self.tell(Event::Delivered { underlying, expiry, price });
        let due = |it: &&Instrument| it.underlying == underlying && it.contract.expiry() == Some(expiry);
        let due: Vec<&Instrument> = self.listed(state).filter(due).collect();
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

    fn settle(&mut self, account: AccountId, it: &Instrument, price: Cash) {
        let pool = self.genesis.underlyings[usize::from(it.underlying.0)].pool;
        let holder = self.holder(account);
        let Some(held) = holder.holdings.remove(&it.id) else { return };
        let (price, units) =
            (i128::from(price.micros()), held.position * i128::from(it.market.lot_size().raw()));
        let each = match it.contract {
            Contract::Option { strike, right: Right::Call, .. } => {
                (price - i128::from(strike.micros())).max(0)
            }
            Contract::Option { strike, right: Right::Put, .. } => {
                (i128::from(strike.micros()) - price).max(0)
            }
            _ => price,
        };
        let owed = if it.is_option() { 0 } else { held.entry };
        let amount = (units * each).div_euclid(ONE) - owed;
        holder.balance += amount;
        holder.pool = pool;
        let position = num::Position::new(i64::try_from(held.position).expect("counted"));
        self.tell(Event::PositionSettled { account, instrument: it.id, position, amount: cash(amount) });
    }
}
