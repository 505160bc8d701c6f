//! What must hold after every commit, restated from the promises.
//!
//! Invariant: a checker here never calls the rule it checks: sums are taken anew.

use std::collections::BTreeMap;

use num::{Cash, Side};
use wire::{InstrumentId, OrderId};

use crate::{
    account::Health,
    agenda::{Agenda, Due, Entry},
    book::{Depth, RestingOrder},
    hold,
    ledger::{AccountIndex, PoolId, Purse},
    order::Order,
    state::State,
};

/// A promise that does not hold, with what was found.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    #[error("all balances sum to {have}, must be 0")]
    MoneyNotConserved { have: i128 },
    #[error("clearing and open entries sum to {have}, must be 0 or rounding dust")]
    ClearingOff { have: i128 },
    #[error("the vault of pool {pool} has {need} shares, its holders have {have}")]
    Shares { pool: PoolId, have: u128, need: u64 },
    #[error("the purse of withdrawals has {have} more than what waits")]
    WithdrawalsOff { have: i128 },
    #[error("funding that was paid and that is owed sums to {have}, must be 0 or rounding dust")]
    FundingOff { have: i128 },
    #[error("account {account} has {balance} and holds nothing, and is not being liquidated")]
    NegativeCollateral { account: AccountIndex, balance: Cash },
    #[error("long and short of instrument {instrument} sum to {have}, must be 0")]
    OpenInterest { instrument: InstrumentId, have: i128 },
    #[error("instrument {instrument} does not know who holds it")]
    Holders { instrument: InstrumentId },
    #[error("the book of instrument {instrument} is crossed")]
    Crossed { instrument: InstrumentId },
    #[error("order {order} is not the same in book, table and account")]
    Order { order: OrderId },
    #[error("{have} orders rest in books, {need} in the table")]
    OrderCount { have: usize, need: usize },
    #[error("{have} entries of the agenda are not those of orders and switches")]
    Agenda { have: usize },
    #[error("the margin sums of account {account} are not those of its positions and orders")]
    MarginSums { account: AccountIndex },
    #[error("margin and value of account {account} claim {need}, above a ceiling of {have}")]
    Ceiling { account: AccountIndex, have: i128, need: i128 },
}

impl State {
    /// Checks everything; the first broken promise is returned.
    pub fn check_invariants(&self) -> Result<(), Broken> {
        self.check_money()?;
        self.check_positions()?;
        self.check_holders()?;
        self.check_books()?;
        self.check_agenda()?;
        self.check_shares()?;
        self.check_margin_sums()?;
        self.check_ceilings()
    }

    /// Whether deposits are exactly what everybody holds.
    pub fn check_money(&self) -> Result<(), Broken> {
        let have = self.ledger.total();
        if have != 0 {
            return Err(Broken::MoneyNotConserved { have });
        }
        let mut owed = 0;
        for account in &self.accounts {
            for (id, holding) in &account.holdings {
                let paid_when_traded = self.instrument_at(*id).is_option();
                owed += if paid_when_traded { 0 } else { i128::from(holding.entry.micros()) };
            }
        }
        let clearing = i128::from(self.ledger.balance(Purse::Clearing).micros()) + owed;
        if clearing != 0 {
            return Err(Broken::ClearingOff { have: clearing });
        }
        self.check_funding()?;
        let waiting = self.withdrawals.waiting.values().map(|it| i128::from(it.left.micros()));
        let have = i128::from(self.ledger.balance(Purse::Withdrawals).micros()) - waiting.sum::<i128>();
        if have != 0 {
            return Err(Broken::WithdrawalsOff { have });
        }
        for (place, account) in self.accounts.iter().enumerate() {
            let index = AccountIndex::try_from(place).unwrap_or(AccountIndex::MAX);
            let balance = self.ledger.balance(Purse::Account(index));
            let insurance_left = self.ledger.balance(Purse::Insurance(account.pool)).is_positive();
            let holds_nothing = account.holdings.is_empty() && account.orders.is_empty();
            let unattended = holds_nothing && account.health == Health::Sound && insurance_left;
            if balance.is_negative() && unattended {
                return Err(Broken::NegativeCollateral { account: index, balance });
            }
        }
        Ok(())
    }

    /// Whether who is still owed funding can get it from those who paid and those who still owe.
    fn check_funding(&self) -> Result<(), Broken> {
        let mut owed: i128 = 0;
        for (id, holding) in self.accounts.iter().flat_map(|account| &account.holdings) {
            let it = self.instrument_at(*id);
            let units = i128::from(holding.position.get()) * i128::from(it.market.lot_size().raw());
            owed += units * (it.funding.paid - holding.funded);
        }
        let purse = i128::from(self.ledger.balance(Purse::Funding).micros());
        let owed = num::div_ceil(owed, 1_000_000_000_000_000_000).unwrap_or(0);
        if purse + owed < 0 { Err(Broken::FundingOff { have: purse + owed }) } else { Ok(()) }
    }

    fn check_shares(&self) -> Result<(), Broken> {
        for (pool, vault) in &self.vaults.by_pool {
            let shareholdings = self.vaults.shareholdings.iter().filter(|((of, _), _)| of == pool);
            let have: u128 = shareholdings.map(|(_, shareholding)| u128::from(shareholding.shares)).sum();
            if have != u128::from(vault.shares) {
                return Err(Broken::Shares { pool: *pool, have, need: vault.shares });
            }
        }
        Ok(())
    }

    fn check_positions(&self) -> Result<(), Broken> {
        let mut sums: BTreeMap<InstrumentId, (i128, i128)> = BTreeMap::new();
        for account in &self.accounts {
            for (id, holding) in &account.holdings {
                let position = i128::from(holding.position.get());
                let sum = sums.entry(*id).or_default();
                sum.0 += position;
                sum.1 += position.max(0);
            }
        }
        for it in &self.instruments {
            let (net, long) = sums.get(&it.id).copied().unwrap_or_default();
            if net != 0 {
                return Err(Broken::OpenInterest { instrument: it.id, have: net });
            }
            if long != i128::from(it.open_interest) {
                return Err(Broken::OpenInterest { instrument: it.id, have: long });
            }
        }
        Ok(())
    }

    /// Whether every exotic knows who holds it.
    fn check_holders(&self) -> Result<(), Broken> {
        for it in &self.instruments {
            let Some(life) = &it.exotic else { continue };
            let accounts = (0..).zip(&self.accounts);
            let anew = accounts.filter(|(_, account)| account.holdings.contains_key(&it.id));
            if !anew.map(|(index, _)| index).eq(life.holders.iter().copied()) {
                return Err(Broken::Holders { instrument: it.id });
            }
        }
        Ok(())
    }

    fn check_books(&self) -> Result<(), Broken> {
        let mut resting = 0;
        for it in &self.instruments {
            let book = self.book(it.id);
            let touch = book.best(Side::Buy).zip(book.best(Side::Sell));
            if touch.is_some_and(|(bid, ask)| bid >= ask) {
                return Err(Broken::Crossed { instrument: it.id });
            }
            for order in book.orders(Side::Buy).chain(book.orders(Side::Sell)) {
                resting += 1;
                self.check_order(it.id, &order)?;
            }
        }
        let counted: usize = self.accounts.iter().map(|account| account.orders.len()).sum();
        if resting != self.orders.len() || counted != resting {
            return Err(Broken::OrderCount { have: resting, need: self.orders.len().max(counted) });
        }
        Ok(())
    }

    /// Whether table and account know an order as the book does.
    fn check_order(&self, instrument: InstrumentId, order: &RestingOrder) -> Result<(), Broken> {
        let is_same = |kept: &Order| {
            (kept.account, kept.instrument, kept.side) == (order.owner, instrument, order.side)
                && (kept.price, kept.shown()) == (order.price, order.remaining)
        };
        let is_known = self.account(order.owner).orders.contains(order.id);
        if is_known && self.order(order.id).is_some_and(is_same) {
            return Ok(());
        }
        Err(Broken::Order { order: order.id })
    }

    /// Whether the agenda holds what orders, held orders and switches say, and labels name open orders.
    fn check_agenda(&self) -> Result<(), Broken> {
        let mut anew = Agenda::new();
        let index = |place: usize| AccountIndex::try_from(place).unwrap_or(AccountIndex::MAX);
        for order in self.orders.rising() {
            let until = order.standing.until;
            anew.extend(until.map(|until| Entry::Time(until, Due::Order(order.id, order.account))));
        }
        for (place, account) in self.accounts.iter().enumerate() {
            let switch = account.switch.map(|at| Entry::Time(at, Due::Switch(index(place))));
            anew.extend(switch);
            for (order, held) in &account.held {
                anew.extend(hold::entries(index(place), *order, held));
            }
            let open = account.labels.values().filter(|used| used.end.is_none());
            for order in open.map(|used| used.order) {
                if !account.orders.contains(order) && !account.held.contains_key(&order) {
                    return Err(Broken::Order { order });
                }
            }
        }
        let differs = anew.symmetric_difference(&self.agenda).count();
        if differs == 0 { Ok(()) } else { Err(Broken::Agenda { have: differs }) }
    }

    /// Whether no bound that spares looking at an account is below what a look would find.
    fn check_ceilings(&self) -> Result<(), Broken> {
        for place in 0..self.accounts.len() {
            let account = AccountIndex::try_from(place).unwrap_or(AccountIndex::MAX);
            let Some(have) = self.ceiling(account) else { continue };
            let margin = self.margin(account);
            let need = i128::from(margin.initial.micros()) - i128::from(margin.value.micros());
            if have < need {
                return Err(Broken::Ceiling { account, have, need });
            }
        }
        Ok(())
    }

    fn check_margin_sums(&self) -> Result<(), Broken> {
        for (place, account) in self.accounts.iter().enumerate() {
            let Some(risks) = account.risks.get() else { continue };
            let place = AccountIndex::try_from(place).unwrap_or(AccountIndex::MAX);
            let anew = self.risks_anew(place);
            let same = risks
                .iter()
                .all(|(id, risk)| anew.get(id).map_or_else(|| risk.is_empty(), |anew| anew == risk))
                && anew.iter().all(|(id, risk)| risks.contains_key(id) || risk.is_empty());
            if !same {
                return Err(Broken::MarginSums { account: place });
            }
        }
        Ok(())
    }
}
