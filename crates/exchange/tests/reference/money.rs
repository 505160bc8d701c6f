//! Money in, out and between subaccounts; keys; the model of margin.

use num::Timestamp;
use wire::{AccountId, Action, Destination, Event, MarginModel, Outcome, Reject};

use super::{Marks, ONE, Reference, cash};

/// Money on its way out.
#[derive(Clone, Debug)]
pub(super) struct Withdrawal {
    left: i128,
    account: AccountId,
    ready_at: Timestamp,
}

impl Reference {
    pub(super) fn move_money(
        &mut self,
        state: &Marks,
        account: AccountId,
        action: &Action,
    ) -> Result<Outcome, Reject> {
        match action {
            Action::Faucet { amount } => {
                if !amount.is_positive() {
                    return Err(Reject::AmountNotPositive { have: *amount });
                }
                self.holder(account).balance += i128::from(amount.micros());
                self.inside += i128::from(amount.micros());
                self.tell(Event::Deposited { account, amount: *amount });
            }
            Action::Transfer { subaccount, amount } => {
                if account.subaccount == *subaccount {
                    return Err(Reject::SameSubaccount { have: *subaccount });
                }
                self.check_free(state, account, amount.micros().into())?;
                let to = AccountId { subaccount: *subaccount, ..account };
                self.open(to);
                self.holder(account).balance -= i128::from(amount.micros());
                self.holder(to).balance += i128::from(amount.micros());
                self.tell(Event::Transferred { from: account, to, amount: *amount });
            }
            Action::RegisterKey { key, permission, valid_until } => {
                if account.owner == *key {
                    return Err(Reject::KeyIsOwner);
                }
                let have = self.keys.keys().filter(|(of, _)| *of == account).count();
                let (have, need) = (u32::try_from(have).expect("few"), self.genesis.limits.session_keys_max);
                if have >= need && !self.keys.contains_key(&(account, *key)) {
                    return Err(Reject::KeyLimit { have, need });
                }
                self.keys.insert((account, *key), (*permission, *valid_until));
                let (key, permission, valid_until) = (*key, *permission, *valid_until);
                self.tell(Event::KeyRegistered { account, key, permission, valid_until });
            }
            Action::RevokeKey { key } => {
                self.keys.remove(&(account, *key)).ok_or(Reject::KeyUnknown { have: *key })?;
                self.tell(Event::KeyRevoked { account, key: *key });
            }
            Action::Withdraw { amount, to } => {
                return self.withdraw(state, account, (amount.micros().into(), to));
            }
            Action::CancelWithdrawal { withdrawal } => {
                let place = (self.holders[&account].opened, *withdrawal);
                let gone = self.withdrawals.remove(&place);
                let it = gone.ok_or(Reject::UnknownWithdrawal { have: *withdrawal })?;
                self.holder(account).balance += it.left;
                let (withdrawal, amount) = (*withdrawal, cash(it.left));
                self.tell(Event::WithdrawalReturned { withdrawal, account, amount });
            }
            other => unreachable!("the reference is not asked for {other:?}"),
        }
        Ok(Outcome::Done)
    }

    /// What margin does not need, and no more than there is: gains that are not realised do not leave.
    pub(super) fn free(&self, state: &Marks, account: AccountId) -> i128 {
        let judged = self.judge(state, account, (&[], &[]));
        (judged.equity - judged.initial).min(self.holders[&account].balance).max(0)
    }

    /// Takes a fee out of that.
    pub(super) fn charge(&mut self, state: &Marks, account: AccountId, fee: i128) -> Result<(), Reject> {
        let have = self.free(state, account);
        if have < fee {
            return Err(Reject::BalanceTooLow { have: cash(have), need: cash(fee) });
        }
        self.holder(account).balance -= fee;
        self.fees += fee;
        Ok(())
    }

    pub(super) fn check_free(&self, state: &Marks, account: AccountId, amount: i128) -> Result<(), Reject> {
        if amount <= 0 {
            return Err(Reject::AmountNotPositive { have: cash(amount) });
        }
        let free = self.free(state, account);
        if amount <= free {
            return Ok(());
        }
        Err(Reject::BalanceTooLow { have: cash(free), need: cash(amount) })
    }

    fn withdraw(
        &mut self,
        state: &Marks,
        account: AccountId,
        (amount, to): (i128, &Destination),
    ) -> Result<Outcome, Reject> {
        let rules = self.genesis.withdrawals.ok_or(Reject::WithdrawalsClosed)?;
        if amount <= 0 {
            return Err(Reject::AmountNotPositive { have: cash(amount) });
        }
        let have = self.withdrawals.values().filter(|it| it.account == account).count();
        let (have, need) = (u32::try_from(have).expect("few"), rules.waiting_max);
        if have >= need {
            return Err(Reject::WithdrawalLimit { have, need });
        }
        self.check_running()?;
        self.check_free(state, account, amount)?;
        let withdrawal = self.next_withdrawal;
        self.next_withdrawal += 1;
        self.holder(account).balance -= amount;
        let ready_at = Timestamp::from_millis(self.now.millis() + rules.delay_ms);
        let it = Withdrawal { left: amount, account, ready_at };
        self.withdrawals.insert((self.holders[&account].opened, withdrawal), it);
        let (amount, to) = (cash(amount), to.clone());
        self.tell(Event::WithdrawalRequested { withdrawal, account, amount, to, ready_at });
        Ok(Outcome::Withdrawing { withdrawal })
    }

    /// All money on its way out.
    pub(super) fn waiting(&self) -> i128 {
        self.withdrawals.values().map(|it| it.left).sum()
    }

    /// What an account that is being liquidated waits for comes back.
    pub(super) fn recall_withdrawals(&mut self, account: AccountId) {
        let of = |(_, it): &(&(usize, u64), &Withdrawal)| it.account == account;
        let waiting: Vec<(usize, u64)> =
            self.withdrawals.iter().filter(of).map(|(place, _)| *place).collect();
        for place in waiting {
            let it = self.withdrawals.remove(&place).expect("it waits");
            self.holder(account).balance += it.left;
            self.tell(Event::WithdrawalReturned { withdrawal: place.1, account, amount: cash(it.left) });
        }
    }

    /// At the end of a period what is ready is paid, all of it or of each the same part.
    pub(super) fn pay_withdrawals(&mut self) {
        let Some(rules) = self.genesis.withdrawals else { return };
        if self.now < self.pays_at || self.check_running().is_err() {
            return;
        }
        let periods = self.now.millis() / rules.period_ms;
        self.pays_at = Timestamp::from_millis((periods + 1) * rules.period_ms);
        let ready = self.withdrawals.iter().filter(|(_, it)| it.ready_at <= self.now);
        let ready: Vec<((usize, u64), i128)> = ready.map(|(place, it)| (*place, it.left)).collect();
        let asked: i128 = ready.iter().map(|(_, left)| left).sum();
        let room = (self.inside * i128::from(rules.share_billionths)).div_euclid(ONE).min(asked);
        for (place, left) in ready {
            let part = left * room / asked;
            if part == 0 {
                continue;
            }
            let it = self.withdrawals.get_mut(&place).expect("it waits");
            it.left -= part;
            let (account, withdrawal, amount, left) = (it.account, place.1, cash(part), cash(it.left));
            if it.left == 0 {
                self.withdrawals.remove(&place);
            }
            self.inside -= part;
            self.tell(Event::WithdrawalPaid { withdrawal, account, amount, left });
        }
    }

    pub(super) fn set_margin_model(
        &mut self,
        state: &Marks,
        account: AccountId,
        model: MarginModel,
    ) -> Result<(), Reject> {
        let before = core::mem::replace(&mut self.holder(account).model, model);
        let judged = self.judge(state, account, (&[], &[]));
        if judged.equity < judged.initial {
            self.holder(account).model = before;
            return Err(Reject::MarginTooLow { have: cash(judged.equity), need: cash(judged.initial) });
        }
        self.tell(Event::MarginModelSet { account, model });
        Ok(())
    }
}
