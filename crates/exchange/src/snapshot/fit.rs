//! Whether the parts of a state that was read fit each other and genesis.
//!
//! Invariant: in a state that fits, every number that names something names something there, and every size is
//! within what the exchange could have made, so that no sum over it overflows.

use num::{Cash, Fix, Lots, Ticks};
use wire::{InstrumentId, OrderId, UnderlyingId};

use crate::{
    account::Account,
    genesis::FORWARD_RANGE,
    holding::Holding,
    instrument::{Instrument, Valuation},
    ledger::{AccountIndex, PoolId},
    order::Order,
    receipts,
    state::{ORDERED_BLOCKS_MAX, State},
};

/// Far above what an exchange counts in its time, far below where counting ends.
const COUNT_MAX: u64 = 1 << 62;
/// No balance is beyond this.
const BALANCE_MAX: u128 = 1 << 90;
/// The largest price that comes of an underlying's, as a factor of the highest index that may be observed.
const PRICE_FACTOR_MAX: i64 = 1 << 10;

/// What does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Misfit {
    #[error("commits, orders or trades are counted beyond {COUNT_MAX}")]
    Count,
    #[error("{have} accounts have balances, {need} are there")]
    Accounts { have: usize, need: usize },
    #[error("a balance is of {have} millionths, at most {BALANCE_MAX}")]
    Balance { have: u128 },
    #[error("account {account} holds what cannot be held, or its number is another's")]
    Account { account: AccountIndex },
    #[error("there are not as many insurance funds as genesis has pools")]
    Pools,
    #[error("there is no account {account}")]
    UnknownAccount { account: AccountIndex },
    #[error("order {order} cannot rest where it is")]
    Order { order: OrderId },
    #[error("{have} underlyings, genesis has {need}")]
    Underlyings { have: usize, need: usize },
    #[error("prices of underlying {} are out of range", underlying.0)]
    Underlying { underlying: UnderlyingId },
    #[error("instrument {place} has no name of this genesis, one that is taken, or values out of range")]
    Instrument { place: usize },
    #[error("the oracle has not the reporters and underlyings of genesis")]
    Oracle,
    #[error("changes of parameters do not fit genesis")]
    Governance,
    #[error("a withdrawal waits for nothing")]
    Withdrawal,
    #[error(
        "the shares of the vault of pool {pool} are not those of its holders, or its pool or account is not there"
    )]
    Vault { pool: PoolId },
    #[error(
        "receipts are remembered of more commits than can be, twice of one, or of one that is still to come"
    )]
    Receipts,
    #[error("{have} blocks are remembered, at most {need} can be, each once")]
    Blocks { have: usize, need: usize },
}

impl State {
    pub(super) fn check_fit(&self) -> Result<(), Misfit> {
        if self
            .commit
            .max(self.next_order)
            .max(self.trades)
            .max(self.withdrawals.next)
            .max(self.governance.next)
            > COUNT_MAX
        {
            return Err(Misfit::Count);
        }
        self.check_receipts_fit()?;
        self.check_ledger_fit()?;
        self.check_underlyings_fit()?;
        self.check_instruments_fit()?;
        self.check_accounts_fit()?;
        self.check_vaults_fit()?;
        self.orders.rising().into_iter().try_for_each(|order| self.check_order_fit(order))?;
        let mut blocks: Vec<_> = self.ordered_queue.iter().collect();
        blocks.sort_unstable();
        blocks.dedup();
        let (have, need) = (self.ordered_queue.len(), ORDERED_BLOCKS_MAX);
        if have > need || blocks.len() < have {
            return Err(Misfit::Blocks { have, need });
        }
        Ok(())
    }

    fn check_receipts_fit(&self) -> Result<(), Misfit> {
        let commits = self.receipts.iter().map(|(commit, _)| *commit);
        let fits = self.receipts.len() <= receipts::COMMITS_MAX
            && commits.is_sorted_by(|one, next| one < next)
            && self.receipts.back().is_none_or(|(last, _)| *last <= self.commit);
        if fits { Ok(()) } else { Err(Misfit::Receipts) }
    }

    fn check_ledger_fit(&self) -> Result<(), Misfit> {
        let (have, need) = (self.ledger.accounts(), self.accounts.len());
        if have != need {
            return Err(Misfit::Accounts { have, need });
        }
        if self.ledger.pools() != self.parameters.base.pools.len() + 1 {
            return Err(Misfit::Pools);
        }
        let have = self.ledger.largest();
        if have > BALANCE_MAX { Err(Misfit::Balance { have }) } else { Ok(()) }
    }

    fn check_underlyings_fit(&self) -> Result<(), Misfit> {
        for (place, it) in self.underlyings.iter().enumerate() {
            let underlying = UnderlyingId(u16::try_from(place).unwrap_or(u16::MAX));
            let (low, high) = self.oracle.range(underlying);
            let marked = it.marked.map_or(it.index, |(index, _)| index);
            let recent = it.recent.iter().flat_map(|range| [range.low, range.high]);
            let in_range = [it.index, marked, it.average.value]
                .into_iter()
                .chain(recent)
                .all(|it| low <= it && it <= high);
            let surfaces_fit =
                it.surfaces.iter().all(|surface| FORWARD_RANGE.contains(&surface.forward_billionths));
            let doubt_fits = Fix::ZERO <= it.uncertainty && it.uncertainty <= Fix::from_raw(i64::MAX >> 16);
            if !(in_range && surfaces_fit && doubt_fits) {
                return Err(Misfit::Underlying { underlying });
            }
        }
        Ok(())
    }

    fn check_instruments_fit(&self) -> Result<(), Misfit> {
        let mut names: Vec<&str> = self.instruments.iter().map(|it| it.name.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        if names.len() < self.instruments.len() {
            return Err(Misfit::Instrument { place: self.instruments.len() });
        }
        for (place, it) in self.instruments.iter().enumerate() {
            let highest = self.highest_price(it);
            let fits = it.valuation.as_ref().is_none_or(|valuation| self.is_valuation(valuation, highest));
            let premium = it.funding.premium.raw().saturating_abs();
            if !fits
                || !it.flow.is_possible()
                || premium > Fix::SCALE
                || !Self::is_funding(it, it.funding.paid)
            {
                return Err(Misfit::Instrument { place });
            }
            it.collected.iter().try_for_each(|(_, account)| self.check_account(*account))?;
        }
        Ok(())
    }

    /// Whether funding of a holding can be counted: less than its price, over all time.
    fn is_funding(it: &Instrument, funded: i128) -> bool {
        const PAID_MAX: u128 = 1 << 90;
        let unpaid = it.funding.paid.checked_sub(funded);
        let price_max = it.valuation.as_ref().map_or(0, |valuation| valuation.forward.micros());
        let owed_max = u128::from(price_max.unsigned_abs()) * u128::from(Fix::SCALE.unsigned_abs());
        it.funding.paid.unsigned_abs() <= PAID_MAX
            && unpaid.is_some_and(|unpaid| unpaid.unsigned_abs() <= owed_max)
    }

    fn is_valuation(&self, it: &Valuation, highest: i64) -> bool {
        let prices = [it.mark.micros(), it.forward.micros(), it.standard.long, it.standard.short];
        it.scenarios.len() == self.parameters.grid.len()
            && it.scenarios.iter().chain(&prices).all(|price| price.unsigned_abs() <= highest.unsigned_abs())
    }

    /// The largest number that a price of an instrument may be, in micros.
    fn highest_price(&self, it: &Instrument) -> i64 {
        self.oracle.range(it.underlying).1.micros().saturating_mul(PRICE_FACTOR_MAX)
    }

    fn check_accounts_fit(&self) -> Result<(), Misfit> {
        let mut ids: Vec<_> = self.accounts.iter().map(|account| account.id).collect();
        ids.sort_unstable();
        ids.dedup();
        for (place, account) in self.accounts.iter().enumerate() {
            let index = super::index_of(place);
            if ids.len() < self.accounts.len() || !self.is_account(account) {
                return Err(Misfit::Account { account: index });
            }
        }
        let places = self.keys.keys().chain(self.nonces.keys()).map(|(account, _)| *account);
        let entering = self.entering.iter().map(|(_, account)| *account);
        let waiting = self.withdrawals.waiting.iter();
        let waiting = waiting.map(|((account, _), it)| (*account, it.left));
        let owed = waiting.clone().all(|(_, left)| left.is_positive());
        if !owed {
            return Err(Misfit::Withdrawal);
        }
        let places = places.chain(waiting.map(|(account, _)| account));
        places.chain(entering).try_for_each(|account| self.check_account(account))?;
        match self.liquidations.highest() {
            0 => Ok(()),
            account => self.check_account(account),
        }
    }

    fn check_vaults_fit(&self) -> Result<(), Misfit> {
        for ((pool, account), shareholding) in &self.vaults.shareholdings {
            self.check_account(*account)?;
            if shareholding.shares == 0 || !self.vaults.by_pool.contains_key(pool) {
                return Err(Misfit::Vault { pool: *pool });
            }
        }
        for (pool, vault) in &self.vaults.by_pool {
            self.check_account(vault.account)?;
            if usize::from(*pool) >= self.ledger.pools() || vault.shares > COUNT_MAX {
                return Err(Misfit::Vault { pool: *pool });
            }
        }
        Ok(())
    }

    fn is_account(&self, it: &Account) -> bool {
        let can_hold = |(id, holding): (&InstrumentId, &Holding)| {
            self.instrument_ref(*id).is_some_and(|instrument| {
                !holding.position.is_flat()
                    && holding.position.size() <= self.countable(instrument)
                    && holding.entry_is_counted()
                    && Self::is_funding(instrument, holding.funded)
            })
        };
        usize::from(it.pool) < self.ledger.pools()
            && it.holdings.iter().all(can_hold)
            && it.held.values().all(|held| self.instrument_ref(held.terms.instrument).is_some())
            && it.quotes.keys().all(|(instrument, _)| self.instrument_ref(*instrument).is_some())
    }

    fn check_account(&self, account: AccountIndex) -> Result<(), Misfit> {
        let is_there = usize::try_from(account).is_ok_and(|place| place < self.accounts.len());
        if is_there { Ok(()) } else { Err(Misfit::UnknownAccount { account }) }
    }

    fn check_order_fit(&self, order: &Order) -> Result<(), Misfit> {
        self.check_account(order.account)?;
        let fits = self.instrument_ref(order.instrument).is_some_and(|it| {
            let countable = self.countable(it);
            let most = countable.checked_add(countable).unwrap_or(Lots::new(u64::MAX));
            let price = it.market.price(order.price).map_or(i64::MAX, Cash::micros).saturating_abs();
            it.is_open()
                && order.filled < order.lots
                && order.hidden < order.remaining()
                && order.remaining() <= most
                && (order.price > Ticks::new(0) || it.is_combo())
                && price <= self.highest_price(it)
        });
        if fits && order.id.0 < self.next_order {
            return Ok(());
        }
        Err(Misfit::Order { order: order.id })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn funding_beyond_counting_fits_nowhere_and_is_no_panic() {
        let genesis = include_str!("../../tests/data/genesis.json");
        let genesis = serde_json::from_str(genesis).expect("the test's genesis is well formed");
        let mut state = State::new(&genesis, crypto::Digest::ZERO).expect("the test's genesis is valid");
        assert_eq!(state.check_fit(), Ok(()));
        for paid in [i128::MIN, i128::MAX, -(1 << 91)] {
            state.instruments[0].funding.paid = paid;
            assert_eq!(state.check_fit(), Err(Misfit::Instrument { place: 0 }));
        }
    }
}
