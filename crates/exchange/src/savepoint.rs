//! A way back: what an all-or-nothing intent changed, so that a failure leaves no trace.
//!
//! Invariant: while a savepoint is set, whatever changes is kept as it was before its first change; going
//! back restores exactly that. What grows only in number (opened accounts, order numbers) stays grown.

use std::collections::BTreeMap;

use crypto::PublicKey;
use num::Cash;
use wire::{InstrumentId, OrderId};

use crate::{
    account::Account,
    agenda::AgendaChange,
    book::LadderBook,
    governance::Governance,
    instrument::Instrument,
    ledger::{AccountIndex, PoolId, Purse},
    nonce::NonceWindow,
    oracle::Oracle,
    order::Order,
    state::{SessionKey, State},
    vault::{Shareholding, Vault},
    withdrawals::Withdrawal,
};

/// What was there before.
#[derive(Clone, Debug, Default)]
pub(crate) struct Savepoint {
    accounts: BTreeMap<AccountIndex, Account>,
    books: BTreeMap<InstrumentId, LadderBook>,
    instruments: BTreeMap<InstrumentId, Instrument>,
    orders: BTreeMap<OrderId, Option<Order>>,
    withdrawals: BTreeMap<(AccountIndex, u64), Option<Withdrawal>>,
    vaults: BTreeMap<PoolId, Option<Vault>>,
    shareholdings: BTreeMap<(PoolId, AccountIndex), Option<Shareholding>>,
    nonces: BTreeMap<(AccountIndex, PublicKey), Option<NonceWindow>>,
    keys: BTreeMap<(AccountIndex, PublicKey), Option<SessionKey>>,
    oracle: Option<Oracle>,
    governance: Option<Governance>,
    payments: Vec<(Purse, Purse, Cash)>,
    agenda: Vec<AgendaChange>,
    entering: usize,
    listed: usize,
    events: usize,
    trades: u64,
}

impl State {
    pub(crate) fn set_savepoint(&mut self) {
        self.savepoint = Some(Savepoint {
            entering: self.entering.len(),
            listed: self.instruments.len(),
            events: self.events.len(),
            trades: self.trades,
            ..Savepoint::default()
        });
    }

    pub(crate) fn drop_savepoint(&mut self) {
        self.savepoint = None;
    }

    /// Does all of it or, when it is refused, nothing. A group has a way back of its own.
    pub(crate) fn all_or_nothing<T, E>(
        &mut self,
        act: impl FnOnce(&mut Self) -> Result<T, E>,
    ) -> Result<T, E> {
        let alone = self.savepoint.is_none();
        if alone {
            self.set_savepoint();
        }
        let done = act(self);
        match (&done, alone) {
            (Ok(_), true) => self.drop_savepoint(),
            (Err(_), true) => self.go_back(),
            _ => {}
        }
        done
    }

    /// Undoes everything since `set_savepoint`.
    pub(crate) fn go_back(&mut self) {
        let Some(savepoint) = self.savepoint.take() else { return };
        for (from, to, amount) in savepoint.payments.into_iter().rev() {
            self.pay(to, from, amount);
        }
        for (index, account) in savepoint.accounts {
            *self.account_mut(index) = account;
        }
        for (id, book) in savepoint.books {
            *self.book_mut(id) = book;
        }
        for (id, instrument) in savepoint.instruments {
            *self.instrument_mut(id) = instrument;
        }
        for (id, order) in savepoint.orders {
            match order {
                Some(order) => self.store_order(&order),
                None => drop(self.remove_order(id)),
            }
        }
        for (place, key) in savepoint.keys {
            match key {
                Some(key) => drop(self.keys.insert(place, key)),
                None => drop(self.keys.remove(&place)),
            }
        }
        for (place, window) in savepoint.nonces {
            match window {
                Some(window) => drop(self.nonces.insert(place, window)),
                None => drop(self.nonces.remove(&place)),
            }
        }
        for (place, withdrawal) in savepoint.withdrawals {
            self.set_withdrawal(place, withdrawal);
        }
        for (place, shareholding) in savepoint.shareholdings {
            self.set_shareholding(place, shareholding);
        }
        for (pool, vault) in savepoint.vaults {
            match vault {
                Some(vault) => self.set_vault(pool, vault),
                None => drop(self.vaults.by_pool.remove(&pool)),
            }
        }
        if let Some(governance) = savepoint.governance {
            self.governance = governance;
        }
        if let Some(oracle) = savepoint.oracle {
            self.oracle = oracle;
        }
        for change in savepoint.agenda.into_iter().rev() {
            match change {
                AgendaChange::Noted(entry) => drop(self.agenda.remove(&entry)),
                AgendaChange::Struck(entry) => drop(self.agenda.insert(entry)),
            }
        }
        self.entering.truncate(savepoint.entering);
        self.unlist(savepoint.listed);
        self.events.truncate(savepoint.events);
        self.trades = savepoint.trades;
    }

    /// Takes back the instruments that were listed beyond so many.
    fn unlist(&mut self, listed: usize) {
        for it in self.instruments.drain(listed..) {
            self.names.remove(&it.name);
            self.touched.instruments.forget(it.id);
        }
        self.books.truncate(listed);
    }

    pub(crate) fn keep_account(&mut self, index: AccountIndex) {
        let Some(savepoint) = &mut self.savepoint else { return };
        if let Some(account) = usize::try_from(index).ok().and_then(|place| self.accounts.get(place)) {
            savepoint.accounts.entry(index).or_insert_with(|| account.clone());
        }
    }

    pub(crate) fn keep_book(&mut self, id: InstrumentId) {
        let Some(savepoint) = &mut self.savepoint else { return };
        if let Some(book) = usize::try_from(id.0).ok().and_then(|place| self.books.get(place)) {
            savepoint.books.entry(id).or_insert_with(|| book.clone());
        }
    }

    pub(crate) fn keep_instrument(&mut self, id: InstrumentId) {
        let Some(savepoint) = &mut self.savepoint else { return };
        if let Some(instrument) = usize::try_from(id.0).ok().and_then(|place| self.instruments.get(place)) {
            savepoint.instruments.entry(id).or_insert_with(|| instrument.clone());
        }
    }

    pub(crate) fn keep_order(&mut self, id: OrderId) {
        let Some(savepoint) = &mut self.savepoint else { return };
        savepoint.orders.entry(id).or_insert_with(|| self.orders.get(id).cloned());
    }

    pub(crate) fn keep_key(&mut self, place: (AccountIndex, PublicKey)) {
        let Some(savepoint) = &mut self.savepoint else { return };
        savepoint.keys.entry(place).or_insert_with(|| self.keys.get(&place).copied());
    }

    /// An intent's own nonce stays used whatever becomes of it; that of an offer is given back.
    pub(crate) fn keep_nonces(&mut self, place: (AccountIndex, PublicKey)) {
        let Some(savepoint) = &mut self.savepoint else { return };
        savepoint.nonces.entry(place).or_insert_with(|| self.nonces.get(&place).cloned());
    }

    pub(crate) fn keep_withdrawal(&mut self, place: (AccountIndex, u64)) {
        let Some(savepoint) = &mut self.savepoint else { return };
        savepoint.withdrawals.entry(place).or_insert_with(|| self.withdrawals.waiting.get(&place).cloned());
    }

    pub(crate) fn keep_vault(&mut self, pool: PoolId) {
        let Some(savepoint) = &mut self.savepoint else { return };
        savepoint.vaults.entry(pool).or_insert_with(|| self.vaults.by_pool.get(&pool).copied());
    }

    pub(crate) fn keep_shareholding(&mut self, place: (PoolId, AccountIndex)) {
        let Some(savepoint) = &mut self.savepoint else { return };
        savepoint
            .shareholdings
            .entry(place)
            .or_insert_with(|| self.vaults.shareholdings.get(&place).copied());
    }

    /// Only reporters get here: what is copied is small, and theirs is the only word it holds.
    pub(crate) fn keep_oracle(&mut self) {
        let Some(savepoint) = &mut self.savepoint else { return };
        savepoint.oracle.get_or_insert_with(|| self.oracle.clone());
    }

    /// Only members and the guardian get here.
    pub(crate) fn keep_governance(&mut self) {
        let Some(savepoint) = &mut self.savepoint else { return };
        savepoint.governance.get_or_insert_with(|| self.governance.clone());
    }

    pub(crate) fn keep_agenda(&mut self, change: AgendaChange) {
        if let Some(savepoint) = &mut self.savepoint {
            savepoint.agenda.push(change);
        }
    }

    pub(crate) fn keep_payment(&mut self, from: Purse, to: Purse, amount: Cash) {
        if let Some(savepoint) = &mut self.savepoint {
            savepoint.payments.push((from, to, amount));
        }
    }
}
