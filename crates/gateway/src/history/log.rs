//! What changed an account's balance, entry by entry.
//!
//! Invariant: over the entries of a commit the changes lead exactly to the balance that the exchange has after
//! it; the balance between two entries of one commit is their difference.

use num::{Cash, Fix, Side};
use wire::{AccountId, InstrumentId, OrderId};

use crate::model::Liquidity;

/// Why a balance changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    Trade,
    Delivery,
    Deposit,
    Withdrawal,
    Transfer,
    /// The insurance fund paid what the account lacked.
    Insurance,
    Funding {
        perpetual: InstrumentId,
    },
    /// A part of a position changed hands in the auction of an account.
    Auction,
    /// What whoever took a part of an account got beside its positions.
    AuctionReward,
    /// A bankrupt account's position was closed with one that held the other side.
    Deleveraging,
    /// Shares of a pool's vault were bought.
    VaultDeposit {
        pool: u16,
        shares: u64,
    },
    /// They were given back.
    VaultWithdrawal {
        pool: u16,
        shares: u64,
    },
    /// The account had a combo listed.
    ComboListing {
        combo: InstrumentId,
    },
    /// The account had an exotic listed.
    ExoticListing {
        exotic: InstrumentId,
    },
}

impl Why {
    /// The venue's word, and ours for what the venue does not have.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Trade => "trade",
            Self::Delivery => "delivery",
            Self::Deposit => "deposit",
            Self::Withdrawal => "withdrawal",
            Self::Transfer => "transfer",
            Self::Insurance => "socialized_fund",
            Self::Funding { .. } => "settlement",
            Self::Auction => "liquidation",
            Self::AuctionReward => "liquidation_reward",
            Self::Deleveraging => "auto_deleveraging",
            Self::VaultDeposit { .. } => "vault_deposit",
            Self::VaultWithdrawal { .. } => "vault_withdrawal",
            Self::ComboListing { .. } => "combo_listing",
            Self::ExoticListing { .. } => "exotic_listing",
        }
    }
}

/// One change of a balance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Rises by one for each entry of the gateway.
    pub id: u64,
    pub account: AccountId,
    pub time_ms: u64,
    pub why: Why,
    /// Fee included.
    pub change: Cash,
    pub fee: Cash,
    /// After it.
    pub balance: Cash,
    pub trade: Option<TradeEntry>,
    /// What was delivered: the instrument, the position that ended, and the price of one unit.
    pub delivered: Option<(InstrumentId, Fix, Cash)>,
}

/// The order that traded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filled {
    pub trade: u64,
    pub order: OrderId,
    pub liquidity: Liquidity,
}

/// The trade, or the transfer of a position, that an entry is of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TradeEntry {
    /// Nothing where no order was filled.
    pub filled: Option<Filled>,
    pub instrument: InstrumentId,
    /// "open buy", "close sell" and so on.
    pub side: &'static str,
    pub amount: Fix,
    pub contracts: u64,
    pub price: Cash,
    pub mark: Option<Cash>,
    pub index: Option<Cash>,
    /// After it.
    pub position: Fix,
    pub profit: Cash,
}

/// A side of a fill in the venue's words: `position` is what it left.
pub const fn side_word(side: Side, position: Fix) -> &'static str {
    let left = position.raw();
    let closes = match side {
        Side::Buy => left <= 0,
        Side::Sell => left >= 0,
    };
    match (side, closes) {
        (Side::Buy, false) => "open buy",
        (Side::Buy, true) => "close buy",
        (Side::Sell, false) => "open sell",
        (Side::Sell, true) => "close sell",
    }
}

impl Entry {
    /// The instrument that it is about.
    pub fn instrument(&self) -> Option<InstrumentId> {
        let named = match self.why {
            Why::ComboListing { combo: it }
            | Why::ExoticListing { exotic: it }
            | Why::Funding { perpetual: it } => Some(it),
            _ => None,
        };
        let of_trade = self.trade.as_ref().map(|trade| trade.instrument);
        of_trade.or(self.delivered.as_ref().map(|(instrument, ..)| *instrument)).or(named)
    }

    pub fn new((account, time_ms): (AccountId, u64), why: Why, change: Cash) -> Self {
        Self {
            id: 0,
            account,
            time_ms,
            why,
            change,
            fee: Cash::ZERO,
            balance: Cash::ZERO,
            trade: None,
            delivered: None,
        }
    }
}

/// Gives the entries of a commit their balances, from those that accounts have after it.
pub fn balance(entries: &mut [Entry], after: impl Fn(&AccountId) -> Cash) {
    let mut balances = std::collections::BTreeMap::new();
    for entry in entries.iter_mut().rev() {
        let balance = balances.entry(entry.account).or_insert_with(|| after(&entry.account));
        entry.balance = *balance;
        *balance = balance.checked_sub(entry.change).unwrap_or(*balance);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_lead_to_the_balance_after_the_commit() {
        let account = |number: u8| AccountId { owner: crypto::PublicKey([number; 32]), subaccount: 0 };
        let entry = |number, change| Entry::new((account(number), 0), Why::Trade, Cash::from_micros(change));
        let mut entries = [entry(1, 5), entry(2, -5), entry(1, -3), entry(1, 10)];
        balance(&mut entries, |_| Cash::from_micros(100));
        assert_eq!(entries.map(|it| it.balance.micros()), [93, 100, 90, 100]);
    }
}
