//! Deposits of the test faucet, transfers between subaccounts, session keys.
//!
//! Invariant: what all accounts could ever hold is bounded by `DEPOSITS_MAX`, so that no sum of the exchange
//! can overflow; a transfer leaves the initial margin covered.

use crypto::PublicKey;
use num::{Cash, Timestamp};
use wire::{AccountId, Event, Permission, Reject};

use crate::{
    ledger::{AccountIndex, Purse},
    state::{SessionKey, State},
};

/// All deposits together: 100 billion USDC. Far below what 64 bits hold, so that positions worth many times
/// the collateral still fit.
pub(crate) const DEPOSITS_MAX: Cash = Cash::from_micros(100_000_000_000_000_000);

impl State {
    pub(crate) fn faucet(&mut self, account: AccountIndex, amount: Cash) -> Result<(), Reject> {
        let most = self.parameters.faucet_max;
        if most.is_zero() {
            return Err(Reject::FaucetClosed);
        }
        if !amount.is_positive() {
            return Err(Reject::AmountNotPositive { have: amount });
        }
        let deposited = self.ledger.balance(Purse::Outside).checked_neg().unwrap_or(Cash::MAX);
        let room = DEPOSITS_MAX.checked_sub(deposited).unwrap_or(Cash::ZERO).min(most);
        if amount > room {
            return Err(Reject::AmountTooLarge { have: amount, need: room });
        }
        self.pay(Purse::Outside, Purse::Account(account), amount);
        let account = self.account(account).id;
        self.emit(Event::Deposited { account, amount });
        Ok(())
    }

    pub(crate) fn transfer(
        &mut self,
        from: AccountIndex,
        subaccount: u16,
        amount: Cash,
    ) -> Result<(), Reject> {
        let from_id = self.account(from).id;
        if from_id.subaccount == subaccount {
            return Err(Reject::SameSubaccount { have: subaccount });
        }
        if !amount.is_positive() {
            return Err(Reject::AmountNotPositive { have: amount });
        }
        let have = self.free_balance(from);
        if amount > have {
            return Err(Reject::BalanceTooLow { have, need: amount });
        }
        let to_id = AccountId { owner: from_id.owner, subaccount };
        let need = self.parameters.limits.accounts_max;
        let to = self.open_account(to_id).ok_or(Reject::AccountLimit { have: need, need })?;
        self.pay(Purse::Account(from), Purse::Account(to), amount);
        self.emit(Event::Transferred { from: from_id, to: to_id, amount });
        Ok(())
    }

    /// What can leave an account: no more than its balance and what margin does not need. Gains that are
    /// not realised do not leave.
    pub(crate) fn free_balance(&self, account: AccountIndex) -> Cash {
        let margin = self.margin(account);
        let free = self.equity(account, &margin).checked_sub(margin.initial).unwrap_or(Cash::ZERO);
        free.min(self.ledger.balance(Purse::Account(account))).max(Cash::ZERO)
    }

    pub(crate) fn register_key(
        &mut self,
        account: AccountIndex,
        key: PublicKey,
        permission: Permission,
        valid_until: Timestamp,
    ) -> Result<(), Reject> {
        let id = self.account(account).id;
        if id.owner == key {
            return Err(Reject::KeyIsOwner);
        }
        let place = (account, key);
        let registered =
            self.keys.range((account, PublicKey([0; 32]))..=(account, PublicKey([0xff; 32]))).count();
        let (have, need) =
            (u32::try_from(registered).unwrap_or(u32::MAX), self.parameters.limits.session_keys_max);
        if have >= need && !self.keys.contains_key(&place) {
            return Err(Reject::KeyLimit { have, need });
        }
        self.keep_key(place);
        self.keys.insert(place, SessionKey { permission, valid_until });
        self.emit(Event::KeyRegistered { account: id, key, permission, valid_until });
        Ok(())
    }

    pub(crate) fn revoke_key(&mut self, account: AccountIndex, key: PublicKey) -> Result<(), Reject> {
        let place = (account, key);
        if !self.keys.contains_key(&place) {
            return Err(Reject::KeyUnknown { have: key });
        }
        self.keep_key(place);
        self.keys.remove(&place);
        let account = self.account(account).id;
        self.emit(Event::KeyRevoked { account, key });
        Ok(())
    }
}
