//! Vaults: who pays in and out, at what a share is worth at the marks.

use crypto::{Digest, PublicKey};
use num::{Cash, Timestamp};
use wire::{AccountId, Event, InstrumentId, OrderEnd, Outcome, Reject};

use super::{Marks, ONE, Reference, cash, ceil, cover::Orders};

/// The vault of a pool.
#[derive(Clone, Debug)]
pub(super) struct Vault {
    pub account: AccountId,
    pub shares: u64,
    /// Where its next quotes begin.
    pub next: InstrumentId,
}

/// What of a vault is whose, and from when on it can be given back.
pub(super) type Shareholding = (u64, Timestamp);

/// Nobody knows the key.
fn owner(pool: u16) -> AccountId {
    let owner = PublicKey(Digest::of("clockless vault 2026", &pool.to_be_bytes()).0);
    AccountId { owner, subaccount: 0 }
}

impl Reference {
    pub(super) fn enter_vault(
        &mut self,
        state: &Marks,
        account: AccountId,
        (pool, amount): (u16, Cash),
    ) -> Result<Outcome, Reject> {
        let rules = self.genesis.vault.filter(|_| self.funds.contains_key(&pool));
        let rules = rules.ok_or(Reject::NoVault { have: pool })?;
        if amount.is_positive() {
            self.check_running()?;
        }
        self.check_free(state, account, amount.micros().into())?;
        self.open(owner(pool));
        let new = Vault { account: owner(pool), shares: 0, next: InstrumentId(0) };
        let vault = self.vaults.get(&pool).cloned().unwrap_or(new);
        let worth = self.worth(state, &vault)?;
        let paid = i128::from(amount.micros());
        let bought = if vault.shares == 0 { paid } else { paid * i128::from(vault.shares) / worth };
        let bought = u64::try_from(bought).expect("a test's shares fit");
        if bought == 0 {
            return Err(Reject::VaultShares { have: 0, need: 1 });
        }
        self.holder(account).balance -= paid;
        self.holder(vault.account).balance += paid;
        self.vaults.insert(pool, Vault { shares: vault.shares + bought, ..vault });
        let unlocks_at = Timestamp::from_millis(self.now.millis() + rules.lock_ms);
        let held = self.shareholdings.get(&(pool, account)).map_or(0, |it| it.0);
        self.shareholdings.insert((pool, account), (held + bought, unlocks_at));
        self.tell(Event::VaultEntered { pool, account, amount, shares: bought, unlocks_at });
        Ok(Outcome::Done)
    }

    pub(super) fn leave_vault(
        &mut self,
        state: &Marks,
        account: AccountId,
        (pool, shares): (u16, u64),
    ) -> Result<Outcome, Reject> {
        let none = Reject::NoVault { have: pool };
        let rules = self.genesis.vault.ok_or(none.clone())?;
        let vault = self.vaults.get(&pool).cloned().ok_or(none)?;
        let (have, unlocks_at) =
            self.shareholdings.get(&(pool, account)).copied().unwrap_or((0, Timestamp::ZERO));
        if shares == 0 || shares > have {
            return Err(Reject::VaultShares { have, need: shares.max(1) });
        }
        if self.now < unlocks_at {
            return Err(Reject::VaultLocked { have: self.now, need: unlocks_at });
        }
        self.check_running()?;
        let worth = self.worth(state, &vault)?;
        let whole = worth * i128::from(shares) / i128::from(vault.shares);
        let exit = ceil(whole * i128::from(rules.exit_billionths), ONE);
        let amount = if shares == vault.shares { whole } else { whole - exit };
        let room = self.room(state, vault.account, Orders::Withdrawn);
        if amount > room {
            return Err(Reject::BalanceTooLow { have: cash(room), need: cash(amount) });
        }
        if amount > self.room(state, vault.account, Orders::Stand) {
            let all = self.open_where(vault.account, |_| true, |_| true);
            all.into_iter().for_each(|id| self.end_any(id, OrderEnd::Cancelled));
        }
        self.holder(vault.account).balance -= amount;
        self.holder(account).balance += amount;
        self.vaults.insert(pool, Vault { shares: vault.shares - shares, ..vault });
        self.shareholdings.insert((pool, account), (have - shares, unlocks_at));
        self.tell(Event::VaultLeft { pool, account, amount: cash(amount), shares });
        Ok(Outcome::Done)
    }

    /// What all shares are worth; nobody comes or goes while it is being closed, or owes.
    fn worth(&self, state: &Marks, vault: &Vault) -> Result<i128, Reject> {
        let worth = self.judge(state, vault.account, (&[], &[])).equity;
        self.check_health(vault.account)?;
        if worth < 0 || (vault.shares > 0 && worth == 0) {
            return Err(Reject::VaultWorthless { have: cash(worth) });
        }
        Ok(worth)
    }

    /// What can leave a vault so that its margin and its worst case stay covered.
    fn room(&self, state: &Marks, account: AccountId, orders: Orders) -> i128 {
        let mine = self.orders.iter().filter(|it| it.account == account).map(|it| it.id);
        let less: Vec<u64> = mine.filter(|_| orders == Orders::Withdrawn).collect();
        let judged = self.judge(state, account, (&[], &less));
        let balance = self.holders[&account].balance;
        let covered = self.cover(state, account, orders).room(balance);
        (judged.equity - judged.initial).min(covered).min(balance).max(0)
    }
}
