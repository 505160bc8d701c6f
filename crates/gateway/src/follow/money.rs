//! Money that comes, leaves, or goes to another subaccount.
//!
//! Invariant: whatever changes a balance here is in the account's log and among its movements.

use num::Cash;
use wire::{AccountId, Event};

use crate::{
    history::{Move, What, Why, WithdrawalState},
    view::View,
};

use super::Changes;

impl View {
    pub(super) fn note_move(&mut self, event: &Event, changes: &mut Changes) {
        let (now_ms, minus) = (self.now_ms(), |amount: &Cash| amount.checked_neg().unwrap_or(*amount));
        match event {
            Event::Deposited { account, amount } => {
                self.log(*account, Why::Deposit, *amount, changes);
                self.moved(*account, *amount, What::Deposit);
            }
            Event::Transferred { from, to, amount } => {
                for (account, other, change) in [(from, to, minus(amount)), (to, from, *amount)] {
                    self.log(*account, Why::Transfer, change, changes);
                    let is_income = change.is_positive();
                    self.moved(*account, *amount, What::Transfer { other: *other, is_income });
                }
            }
            Event::WithdrawalRequested { withdrawal, account, amount, to, ready_at } => {
                self.log(*account, Why::Withdrawal, minus(amount), changes);
                let (to, ready_ms) = (hex::encode(&to[..]), ready_at.millis());
                let what = What::Withdrawal { to, ready_ms, state: WithdrawalState::Waiting };
                let (id, amount, time_ms) = (*withdrawal, *amount, now_ms);
                self.history.moved(*account, Move { id, amount, time_ms, updated_ms: time_ms, what });
            }
            Event::WithdrawalPaid { withdrawal, account, left, .. } if *left == Cash::ZERO => {
                self.history.withdrawal_ended(account, (*withdrawal, WithdrawalState::Paid), now_ms);
            }
            Event::WithdrawalReturned { withdrawal, account, amount } => {
                self.log(*account, Why::Withdrawal, *amount, changes);
                self.history.withdrawal_ended(account, (*withdrawal, WithdrawalState::Returned), now_ms);
            }
            Event::VaultEntered { pool, account, amount, shares, .. } => {
                let why = Why::VaultDeposit { pool: *pool, shares: *shares };
                self.log(*account, why, minus(amount), changes);
            }
            Event::VaultLeft { pool, account, amount, shares } => {
                let why = Why::VaultWithdrawal { pool: *pool, shares: *shares };
                self.log(*account, why, *amount, changes);
            }
            Event::ComboListed { instrument, account, fee, .. } => {
                self.log(*account, Why::ComboListing { combo: *instrument }, minus(fee), changes);
                changes.log.iter_mut().last().into_iter().for_each(|entry| entry.fee = *fee);
            }
            Event::ExoticListed { instrument, account, fee, .. } => {
                self.log(*account, Why::ExoticListing { exotic: *instrument }, minus(fee), changes);
                changes.log.iter_mut().last().into_iter().for_each(|entry| entry.fee = *fee);
            }
            Event::InsurancePaid { account, amount, .. } => {
                self.log(*account, Why::Insurance, *amount, changes);
            }
            Event::FundingPaid { account, instrument, amount, .. } => {
                self.log(*account, Why::Funding { perpetual: *instrument }, *amount, changes);
                self.history.funding_paid(*account, *instrument, *amount);
            }
            _ => {}
        }
    }

    fn moved(&mut self, account: AccountId, amount: Cash, what: What) {
        let time_ms = self.now_ms();
        self.history.moved(account, Move { id: 0, amount, time_ms, updated_ms: time_ms, what });
    }
}
