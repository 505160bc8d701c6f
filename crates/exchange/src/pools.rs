//! Isolated pools: each underlying belongs to one, and each pool has its own insurance fund.
//!
//! An account trades in one pool at a time: with a position, an order or a debt in one it cannot enter another. Its
//! collateral answers for that pool alone, what it cannot pay is paid by that pool's fund, and who is deleveraged
//! holds the same instrument, so is of the same pool. Whoever wants two pools uses two subaccounts.
//!
//! Invariant: all positions and orders of an account are of one pool. A failure in a pool reaches neither another's
//! fund nor the collateral of accounts in it.

use wire::{InstrumentId, Reject};

use crate::{
    account::Health,
    instrument::Instrument,
    ledger::{AccountIndex, PoolId, Purse},
    state::State,
};

impl State {
    /// The pool of an instrument.
    pub fn pool_of(&self, id: InstrumentId) -> Option<PoolId> {
        self.instrument_ref(id).map(|it| self.underlying(it.underlying).pool)
    }

    /// The pool that an account cannot leave now, if any.
    fn bound_to(&self, account: AccountIndex) -> Option<PoolId> {
        let holder = self.account(account);
        if !holder.holdings.is_empty() {
            return Some(holder.pool);
        }
        if let Some(order) = holder.orders.iter().next().and_then(|order| self.order(order)) {
            return self.pool_of(order.instrument);
        }
        let owes = self.ledger.balance(Purse::Account(account)).is_negative();
        (owes || holder.health == Health::Liquidating).then_some(holder.pool)
    }

    pub(crate) fn check_pool(&self, account: AccountIndex, it: &Instrument) -> Result<(), Reject> {
        let need = self.underlying(it.underlying).pool;
        match self.bound_to(account) {
            Some(have) if have != need => Err(Reject::OtherPool { have, need }),
            _ => Ok(()),
        }
    }

    /// The insurance fund that stands behind an account.
    pub(crate) fn fund_of(&self, account: AccountIndex) -> Purse {
        Purse::Insurance(self.account(account).pool)
    }
}
