//! What others may read of the state.
//!
//! Invariant: reading changes nothing and needs no knowledge of how the state is laid out.

use num::{Cash, Duration, Fix, Lots, Position, Side, Ticks, Timestamp};
use wire::{AccountId, InstrumentId, OrderId, ProtectionLimits, UnderlyingId};

use crate::{
    book::{Depth, Level},
    genesis::Fees,
    holding::Holding,
    instrument::Instrument,
    ledger::{AccountIndex, PoolId, Purse},
    margin::{Margin, units_as_fix},
    order::Order,
    protection::Protection,
    risk::Grid,
    state::{Parameters, State, Underlying},
};

/// Money by where it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Totals {
    /// Deposited and not withdrawn.
    pub deposits: Cash,
    pub accounts: i128,
    pub fees: Cash,
    pub insurance: Cash,
    /// On its way out.
    pub withdrawals: Cash,
    /// Paid by some and not yet to others.
    pub funding: Cash,
    pub clearing: Cash,
}

impl State {
    pub fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    pub fn fees(&self) -> &Fees {
        &self.parameters.fees
    }

    /// The index of the last commit applied; 0 before the first.
    pub fn commit(&self) -> u64 {
        self.commit
    }

    /// The time of the last commit applied.
    pub fn time(&self) -> Timestamp {
        self.time
    }

    pub fn instruments(&self) -> &[Instrument] {
        &self.instruments
    }

    pub fn instrument(&self, id: InstrumentId) -> Option<&Instrument> {
        self.instrument_ref(id)
    }

    pub fn instrument_named(&self, name: &str) -> Option<&Instrument> {
        self.names.get(name).and_then(|id| self.instrument_ref(*id))
    }

    /// What a long unit of a perpetual pays over a span at its present premium, as a part of its index; zero for
    /// everything else.
    pub fn funding_over(&self, id: InstrumentId, span: Duration) -> Fix {
        let Some((it, rules)) = self.instrument_ref(id).zip(self.parameters.funding) else {
            return Fix::ZERO;
        };
        let rate = i128::from(rules.rate(it.funding.premium).raw()) * i128::from(span.millis());
        Fix::from_raw(i64::try_from(rate / i128::from(rules.period_ms)).unwrap_or(0))
    }

    pub fn underlyings(&self) -> &[Underlying] {
        &self.underlyings
    }

    pub fn underlying_of(&self, id: UnderlyingId) -> Option<&Underlying> {
        self.underlyings.get(usize::from(id.0))
    }

    /// The scenarios that instruments on an underlying are valued in.
    pub fn grid(&self, id: UnderlyingId) -> Option<&Grid> {
        self.underlying_of(id).map(|it| self.parameters.grid_of(&it.symbol))
    }

    /// The best `depth` levels of a side.
    pub fn levels(&self, id: InstrumentId, side: Side, depth: usize) -> Vec<Level> {
        let book = usize::try_from(id.0).ok().and_then(|place| self.books.get(place));
        book.map(|book| book.levels(side).take(depth).collect()).unwrap_or_default()
    }

    pub fn best(&self, id: InstrumentId, side: Side) -> Option<Ticks> {
        usize::try_from(id.0).ok().and_then(|place| self.books.get(place))?.best(side)
    }

    /// The lowest and the highest price that an order may have; `None` while there is no mark.
    pub fn price_band(&self, id: InstrumentId) -> Option<(Ticks, Ticks)> {
        let band = self.band(self.instrument_ref(id)?, self.parameters.limits.price_band_billionths).ok()?;
        Some((band.low, band.high))
    }

    pub fn account_index(&self, id: &AccountId) -> Option<AccountIndex> {
        self.account_index.get(id).copied()
    }

    pub fn account_count(&self) -> usize {
        self.accounts.len()
    }

    /// Zero for an account that does not exist.
    pub fn balance(&self, account: AccountIndex) -> Cash {
        self.ledger.balance(Purse::Account(account))
    }

    pub fn holdings(&self, account: AccountIndex) -> impl Iterator<Item = (&Instrument, &Holding)> {
        let holder = usize::try_from(account).ok().and_then(|place| self.accounts.get(place));
        let holdings = holder.into_iter().flat_map(|holder| &holder.holdings);
        holdings.filter_map(|(id, holding)| Some((self.instrument_ref(*id)?, holding)))
    }

    pub fn realised(&self, account: AccountIndex) -> Cash {
        let holder = usize::try_from(account).ok().and_then(|place| self.accounts.get(place));
        holder.map_or(Cash::ZERO, |holder| holder.realised)
    }

    pub fn open_orders(&self, account: AccountIndex) -> impl Iterator<Item = &Order> {
        let holder = usize::try_from(account).ok().and_then(|place| self.accounts.get(place));
        holder.into_iter().flat_map(|holder| holder.orders.iter()).filter_map(|id| self.order(id))
    }

    /// A market maker's protection of one of his groups.
    pub fn protection(&self, account: AccountIndex, group: u16) -> Option<&ProtectionLimits> {
        let holder = usize::try_from(account).ok().and_then(|place| self.accounts.get(place));
        holder.and_then(|holder| holder.protections.get(&group)).map(Protection::limits)
    }

    /// The groups that an account protects, by their numbers.
    pub fn protections(&self, account: AccountIndex) -> impl Iterator<Item = u16> {
        let holder = usize::try_from(account).ok().and_then(|place| self.accounts.get(place));
        holder.into_iter().flat_map(|holder| holder.protections.keys().copied())
    }

    /// Until when a group is frozen after it tripped, for ever when only its account can end that; `None` when it is not.
    pub fn frozen_until(&self, account: AccountIndex, group: u16) -> Option<Timestamp> {
        let holder = usize::try_from(account).ok().and_then(|place| self.accounts.get(place))?;
        holder.protections.get(&group)?.frozen_until(self.time)
    }

    pub fn find_order(&self, id: OrderId) -> Option<&Order> {
        self.order(id)
    }

    pub fn resting_orders(&self) -> usize {
        self.orders.len()
    }

    pub fn trades(&self) -> u64 {
        self.trades
    }

    /// Equity and margin of an account over all underlyings.
    pub fn margin_summary(&self, account: AccountIndex) -> (Cash, Margin) {
        if usize::try_from(account).is_ok_and(|place| place < self.accounts.len()) {
            self.remember_risks(account);
            self.margin_of(account)
        } else {
            (Cash::ZERO, Margin::default())
        }
    }

    /// Whole units of an instrument's underlying in so many lots.
    pub fn units(instrument: &Instrument, position: Position) -> num::Fix {
        units_as_fix(instrument, position)
    }

    /// Whole units of an amount of lots; saturates.
    pub fn amount(instrument: &Instrument, lots: Lots) -> num::Fix {
        units_as_fix(instrument, Position::new(i64::try_from(lots.get()).unwrap_or(i64::MAX)))
    }

    /// What the insurance fund of a pool holds.
    pub fn insurance_of(&self, pool: PoolId) -> Cash {
        self.ledger.balance(Purse::Insurance(pool))
    }

    /// All insurance funds together; saturates.
    fn insurance(&self) -> Cash {
        let pools = (0..self.ledger.pools()).filter_map(|pool| PoolId::try_from(pool).ok());
        let sum = pools.map(|pool| i128::from(self.insurance_of(pool).micros())).sum();
        Cash::from_i128(sum).unwrap_or(Cash::MAX)
    }

    pub fn totals(&self) -> Totals {
        let accounts = (0..self.accounts.len())
            .filter_map(|place| AccountIndex::try_from(place).ok())
            .map(|index| i128::from(self.balance(index).micros()))
            .sum();
        Totals {
            deposits: self.ledger.balance(Purse::Outside).checked_neg().unwrap_or(Cash::MAX),
            accounts,
            fees: self.ledger.balance(Purse::Fees),
            insurance: self.insurance(),
            withdrawals: self.ledger.balance(Purse::Withdrawals),
            funding: self.ledger.balance(Purse::Funding),
            clearing: self.ledger.balance(Purse::Clearing),
        }
    }
}
