//! Withdrawals: asked for in order, waited for, and paid at fixed times.
//!
//! What is asked for leaves the account at once, so it counts for no margin while it waits. At the end of each
//! period what has waited long enough is paid. When that is more than a share of all deposits, everybody gets the
//! same part of it and the rest waits: there is nothing to win by being the first to run.
//!
//! Invariant: what waits is in its purse to the micro; what leaves in a period is never more than its share. When an
//! account is liquidated, what it waits for comes back first.
//! Left out on purpose: where the money goes. The destination is bytes that a bridge reads.

use std::collections::BTreeMap;

use num::{Cash, Duration, Fix, Rounding, Timestamp, div_floor};
use wire::{Destination, Event, Reject};

use crate::{
    ladder::Use,
    ledger::{AccountIndex, Purse},
    state::State,
};

/// Money on its way out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Withdrawal {
    /// What has not been paid yet.
    pub left: Cash,
    pub to: Destination,
    /// Paid with the first period that ends from then on.
    pub ready_at: Timestamp,
}

saved!(Withdrawal { left, to, ready_at });

/// All money on its way out.
#[derive(Clone, Debug, Default)]
pub(crate) struct Withdrawals {
    /// By account and number.
    pub waiting: BTreeMap<(AccountIndex, u64), Withdrawal>,
    /// The number of the next one.
    pub next: u64,
    /// When the present period ends.
    pub pays_at: Timestamp,
}

saved!(Withdrawals { waiting, next, pays_at });

impl State {
    /// The withdrawals that an account waits for, by their numbers.
    pub fn withdrawals(&self, account: AccountIndex) -> impl Iterator<Item = (u64, &Withdrawal)> {
        let all = self.withdrawals.waiting.range((account, 0)..=(account, u64::MAX));
        all.map(|((_, number), it)| (*number, it))
    }

    pub(crate) fn withdraw(
        &mut self,
        account: AccountIndex,
        amount: Cash,
        to: &Destination,
    ) -> Result<u64, Reject> {
        let rules = self.parameters.withdrawals.ok_or(Reject::WithdrawalsClosed)?;
        if !amount.is_positive() {
            return Err(Reject::AmountNotPositive { have: amount });
        }
        let have = u32::try_from(self.withdrawals(account).count()).unwrap_or(u32::MAX);
        if have >= rules.waiting_max {
            return Err(Reject::WithdrawalLimit { have, need: rules.waiting_max });
        }
        self.check_running()?;
        self.check_rungs(account, Use::Withdraw)?;
        let have = self.free_balance(account);
        if amount > have {
            return Err(Reject::BalanceTooLow { have, need: amount });
        }
        let withdrawal = self.withdrawals.next;
        self.withdrawals.next += 1;
        let ready_at = self.time.saturating_add(Duration::from_millis(rules.delay_ms));
        self.pay(Purse::Account(account), Purse::Withdrawals, amount);
        let id = self.account(account).id;
        self.emit(Event::WithdrawalRequested { withdrawal, account: id, amount, to: to.clone(), ready_at });
        let asked = Withdrawal { left: amount, to: to.clone(), ready_at };
        self.set_withdrawal((account, withdrawal), Some(asked));
        Ok(withdrawal)
    }

    pub(crate) fn cancel_withdrawal(&mut self, account: AccountIndex, have: u64) -> Result<(), Reject> {
        let place = (account, have);
        let it = self.withdrawals.waiting.get(&place).ok_or(Reject::UnknownWithdrawal { have })?;
        let amount = it.left;
        self.pay(Purse::Withdrawals, Purse::Account(account), amount);
        self.set_withdrawal(place, None);
        let account = self.account(account).id;
        self.emit(Event::WithdrawalReturned { withdrawal: have, account, amount });
        Ok(())
    }

    /// What an account that is being liquidated waits for comes back.
    pub(crate) fn recall_withdrawals(&mut self, account: AccountIndex) {
        for number in self.withdrawals(account).map(|(number, _)| number).collect::<Vec<_>>() {
            let back = self.cancel_withdrawal(account, number);
            back.expect("invariant: what waits can come back");
        }
    }

    /// Pays what is ready when a period has ended.
    pub(crate) fn pay_withdrawals(&mut self) {
        let Some(rules) = self.parameters.withdrawals else { return };
        if self.time < self.withdrawals.pays_at || self.check_running().is_err() {
            return;
        }
        let began = self.time.millis() - self.time.millis() % rules.period_ms;
        self.withdrawals.pays_at = Timestamp::from_millis(began.saturating_add(rules.period_ms));
        let ready: Vec<((AccountIndex, u64), Cash)> = self
            .withdrawals
            .waiting
            .iter()
            .filter(|(_, it)| it.ready_at <= self.time)
            .map(|(place, it)| (*place, it.left))
            .collect();
        let asked: i128 = ready.iter().map(|(_, left)| i128::from(left.micros())).sum();
        let deposits = self.ledger.balance(Purse::Outside).checked_neg().unwrap_or(Cash::ZERO);
        let room = deposits.scale(Fix::from_raw(rules.share_billionths), Rounding::Floor);
        let room = i128::from(room.unwrap_or(Cash::ZERO).micros()).min(asked);
        for (place, left) in ready {
            let part = div_floor(i128::from(left.micros()) * room, asked).and_then(Cash::from_i128);
            self.pay_withdrawal(place, part.unwrap_or(Cash::ZERO));
        }
    }

    fn pay_withdrawal(&mut self, place: (AccountIndex, u64), amount: Cash) {
        let Some(mut it) = self.withdrawals.waiting.get(&place).cloned() else { return };
        if !amount.is_positive() {
            return;
        }
        self.pay(Purse::Withdrawals, Purse::Outside, amount);
        it.left = it.left.checked_sub(amount).unwrap_or(Cash::ZERO);
        let (account, withdrawal, left) = (self.account(place.0).id, place.1, it.left);
        self.emit(Event::WithdrawalPaid { withdrawal, account, amount, left });
        self.set_withdrawal(place, Some(it).filter(|it| it.left.is_positive()));
    }

    /// Puts a withdrawal where it waits, or takes it out.
    pub(crate) fn set_withdrawal(&mut self, place: (AccountIndex, u64), it: Option<Withdrawal>) {
        self.keep_withdrawal(place);
        self.touched.withdrawals.insert(place);
        match it {
            Some(it) => drop(self.withdrawals.waiting.insert(place, it)),
            None => drop(self.withdrawals.waiting.remove(&place)),
        }
    }
}
