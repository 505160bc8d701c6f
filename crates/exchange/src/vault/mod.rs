//! Liquidity vaults: an account a pool that belongs to all who paid into it, and quotes options by rule.
//!
//! Whoever pays in gets shares at what one is worth at the marks; they can be given back when a span of commit time
//! has passed, for what they are worth then. What the account does is `quoting`'s to say; its orders are orders like
//! all others, with margin like all others.
//!
//! Invariant: nobody's coming or going takes anything from those who stay: shares and payments are rounded for the
//! vault. The account has no key: what its owner would sign with is a digest. It holds options alone, and in any
//! outcome of all of them and of any subset of its orders it keeps what it owes (`cover`).
//! Left out on purpose: a say for holders. The rule has parameters, and governance changes those.

mod cover;
mod quoting;

use std::collections::BTreeMap;

use crypto::{Digest, PublicKey};
use num::{Cash, Duration, Fix, Rounding, Timestamp, div_floor};
use wire::{AccountId, Event, InstrumentId, OrderEnd, Outcome, Reject};

use crate::{
    account::Health,
    ladder::Use,
    ledger::{AccountIndex, PoolId, Purse},
    state::State,
};

/// Shares that there may be of one vault.
const SHARES_MAX: u64 = 1 << 62;

/// The vault of one pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vault {
    pub account: AccountIndex,
    /// All shares that there are.
    pub shares: u64,
    /// Where its next quotes begin.
    pub(crate) next: InstrumentId,
}

saved!(Vault { account, shares, next });

/// What one account has of a vault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shareholding {
    pub shares: u64,
    /// From when on they can be given back.
    pub unlocks_at: Timestamp,
}

saved!(Shareholding { shares, unlocks_at });

/// All vaults and who has a part of them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Vaults {
    pub by_pool: BTreeMap<PoolId, Vault>,
    pub shareholdings: BTreeMap<(PoolId, AccountIndex), Shareholding>,
}

saved!(Vaults { by_pool, shareholdings });

/// Whether a vault's orders are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Orders {
    Stand,
    Withdrawn,
}

/// Whose account a vault is: nobody's, for nobody knows what this is the public key of.
fn owner(pool: PoolId) -> PublicKey {
    PublicKey(Digest::of("clockless vault 2026", &pool.to_be_bytes()).0)
}

/// The shares that an amount buys of a vault that is worth so much, rounded down.
fn shares_for(amount: Cash, shares: u64, worth: Cash) -> Option<u64> {
    if shares == 0 {
        return u64::try_from(amount.micros()).ok();
    }
    let bought = i128::from(amount.micros()) * i128::from(shares);
    u64::try_from(div_floor(bought, worth.micros().into())?).ok()
}

/// What some of all shares are worth, less the part that stays; rounded down. The last one leaves nothing behind.
fn worth_of(part: u64, shares: u64, worth: Cash, exit: Fix) -> Option<Cash> {
    let whole = Cash::from_i128(div_floor(i128::from(worth.micros()) * i128::from(part), shares.into())?)?;
    if part == shares {
        return Some(whole);
    }
    whole.checked_sub(whole.scale(exit, Rounding::Ceil)?)
}

impl State {
    /// The vault of a pool, if anybody has paid into it.
    pub fn vault(&self, pool: PoolId) -> Option<&Vault> {
        self.vaults.by_pool.get(&pool)
    }

    /// What an account has of a pool's vault.
    pub fn shareholding(&self, pool: PoolId, account: AccountIndex) -> Option<&Shareholding> {
        self.vaults.shareholdings.get(&(pool, account))
    }

    /// Pays into a pool's vault.
    pub(crate) fn pay_into_vault(
        &mut self,
        account: AccountIndex,
        (pool, amount): (PoolId, Cash),
    ) -> Result<Outcome, Reject> {
        let rules = self.parameters.vault.filter(|_| usize::from(pool) < self.ledger.pools());
        let rules = rules.ok_or(Reject::NoVault { have: pool })?;
        if !amount.is_positive() {
            return Err(Reject::AmountNotPositive { have: amount });
        }
        self.check_running()?;
        let have = self.free_balance(account);
        if amount > have {
            return Err(Reject::BalanceTooLow { have, need: amount });
        }
        let vault = self.open_vault(pool)?;
        let worth = self.check_vault(&vault)?;
        let bought = shares_for(amount, vault.shares, worth).unwrap_or(0);
        let shares = vault.shares.checked_add(bought).filter(|sum| bought > 0 && *sum <= SHARES_MAX);
        let shares = shares.ok_or(Reject::VaultShares { have: bought, need: 1 })?;
        self.pay(Purse::Account(account), Purse::Account(vault.account), amount);
        self.set_vault(pool, Vault { shares, ..vault });
        let unlocks_at = self.time.saturating_add(Duration::from_millis(rules.lock_ms));
        let held = self.shareholding(pool, account).map_or(0, |shareholding| shareholding.shares);
        let shareholding = Shareholding { shares: held.saturating_add(bought), unlocks_at };
        self.set_shareholding((pool, account), Some(shareholding));
        let account = self.account(account).id;
        self.emit(Event::VaultEntered { pool, account, amount, shares: bought, unlocks_at });
        Ok(Outcome::Done)
    }

    /// Gives shares of a pool's vault back.
    pub(crate) fn leave_vault(
        &mut self,
        account: AccountIndex,
        (pool, shares): (PoolId, u64),
    ) -> Result<Outcome, Reject> {
        let rules = self.parameters.vault.ok_or(Reject::NoVault { have: pool })?;
        let vault = self.vault(pool).copied().ok_or(Reject::NoVault { have: pool })?;
        let shareholding = self.shareholding(pool, account).copied();
        let held = shareholding.map_or(0, |shareholding| shareholding.shares);
        let shareholding = shareholding.filter(|_| (1..=held).contains(&shares));
        let shareholding = shareholding.ok_or(Reject::VaultShares { have: held, need: shares.max(1) })?;
        if self.time < shareholding.unlocks_at {
            return Err(Reject::VaultLocked { have: self.time, need: shareholding.unlocks_at });
        }
        self.check_running()?;
        let worth = self.check_vault(&vault)?;
        let exit = Fix::from_raw(rules.exit_billionths);
        let amount = worth_of(shares, vault.shares, worth, exit).unwrap_or(Cash::ZERO);
        let have = self.vault_room(vault.account, Orders::Withdrawn);
        if amount > have {
            return Err(Reject::BalanceTooLow { have, need: amount });
        }
        if amount > self.vault_room(vault.account, Orders::Stand) {
            // What is left may not cover them; it quotes anew when the commit ends.
            self.end_all(vault.account, OrderEnd::Cancelled);
        }
        self.pay(Purse::Account(vault.account), Purse::Account(account), amount);
        self.set_vault(pool, Vault { shares: vault.shares.saturating_sub(shares), ..vault });
        let left = held.saturating_sub(shares);
        self.set_shareholding(
            (pool, account),
            (left > 0).then_some(Shareholding { shares: left, ..shareholding }),
        );
        let account = self.account(account).id;
        self.emit(Event::VaultLeft { pool, account, amount, shares });
        Ok(Outcome::Done)
    }

    /// What can leave a vault's account so that its margin and its worst case stay covered.
    fn vault_room(&self, account: AccountIndex, orders: Orders) -> Cash {
        let margin = match orders {
            Orders::Stand => self.margin(account),
            Orders::Withdrawn => self.margin_without_orders(account),
        };
        let free = self.equity(account, &margin).checked_sub(margin.initial).unwrap_or(Cash::ZERO);
        let covered = self.cover_of(account, orders).room();
        free.min(covered).min(self.ledger.balance(Purse::Account(account))).max(Cash::ZERO)
    }

    fn open_vault(&mut self, pool: PoolId) -> Result<Vault, Reject> {
        if let Some(vault) = self.vault(pool) {
            return Ok(*vault);
        }
        let need = self.parameters.limits.accounts_max;
        let id = AccountId { owner: owner(pool), subaccount: 0 };
        let account = self.open_account(id).ok_or(Reject::AccountLimit { have: need, need })?;
        Ok(Vault { account, shares: 0, next: InstrumentId(0) })
    }

    /// What all shares are worth at good marks; a vault that owes, or is being closed, is closed to everybody.
    fn check_vault(&self, vault: &Vault) -> Result<Cash, Reject> {
        self.check_rungs(vault.account, Use::Withdraw)?;
        let worth = self.margin_of(vault.account).0;
        if self.account(vault.account).health != Health::Sound {
            return Err(Reject::Liquidating);
        }
        if worth.is_negative() || (vault.shares > 0 && worth.is_zero()) {
            return Err(Reject::VaultWorthless { have: worth });
        }
        Ok(worth)
    }

    pub(crate) fn set_vault(&mut self, pool: PoolId, vault: Vault) {
        self.keep_vault(pool);
        self.vaults.by_pool.insert(pool, vault);
    }

    pub(crate) fn set_shareholding(
        &mut self,
        place: (PoolId, AccountIndex),
        shareholding: Option<Shareholding>,
    ) {
        self.keep_shareholding(place);
        self.touched.shareholdings.insert(place);
        match shareholding {
            Some(shareholding) => drop(self.vaults.shareholdings.insert(place, shareholding)),
            None => drop(self.vaults.shareholdings.remove(&place)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Whether one share is worth at least what it was: `after.1 / after.0 >= before.1 / before.0`.
    fn keeps_its_worth(before: (u64, i64), after: (u64, i64)) -> bool {
        i128::from(after.1) * i128::from(before.0) >= i128::from(before.1) * i128::from(after.0)
    }

    proptest! {
        #[test]
        fn who_stays_loses_nothing_by_who_comes_and_goes(
            shares in 1..1u64 << 50,
            worth in 1..1i64 << 50,
            amount in 1..1i64 << 50,
            part in 1..1u64 << 50,
            exit in 0..100_000_000i64,
        ) {
            let exit = Fix::from_raw(exit);
            let cash = Cash::from_micros;
            if let Some(bought) = shares_for(cash(amount), shares, cash(worth)) {
                prop_assert!(keeps_its_worth((shares, worth), (shares + bought, worth + amount)));
                if bought > 0 {
                    let back = worth_of(bought, shares + bought, cash(worth + amount), exit);
                    prop_assert!(back.unwrap().micros() <= amount, "in and out at once earns nothing");
                }
            }
            let part = part.min(shares);
            let paid = worth_of(part, shares, cash(worth), exit).unwrap().micros();
            prop_assert!(keeps_its_worth((shares, worth), (shares - part, worth - paid)));
            prop_assert!(part < shares || paid == worth, "the last leaves nothing behind");
        }
    }
}
