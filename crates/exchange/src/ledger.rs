//! The only place where balances move: two sides per entry.
//!
//! Invariant: the sum of all balances is zero, always. What users hold is what the source of deposits lacks.

use num::Cash;

/// An account of the ledger by its number in the state.
pub type AccountIndex = u32;

/// Where money can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Purse {
    Account(AccountIndex),
    /// Deposits come from here and withdrawals go back; its balance is minus what the exchange owes.
    Outside,
    Fees,
    Insurance,
    /// Between the two sides of a trade or settlement; zero after each.
    Clearing,
}

/// All balances.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    accounts: Vec<Cash>,
    outside: Cash,
    fees: Cash,
    insurance: Cash,
    clearing: Cash,
}

/// Why an entry cannot be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LedgerError {
    /// The amount is negative: an entry goes from one side to the other.
    Negative { have: Cash },
    /// A balance would not fit.
    Overflow,
    /// The account was never opened.
    NoAccount { have: AccountIndex },
}

impl Ledger {
    /// Opens the next account, empty.
    pub fn open(&mut self) -> AccountIndex {
        let index =
            AccountIndex::try_from(self.accounts.len()).expect("invariant: accounts are limited below 2^32");
        self.accounts.push(Cash::ZERO);
        index
    }

    /// Zero for an account that was never opened.
    pub fn balance(&self, purse: Purse) -> Cash {
        match purse {
            Purse::Account(index) => {
                self.slot(index).and_then(|i| self.accounts.get(i)).copied().unwrap_or(Cash::ZERO)
            }
            Purse::Outside => self.outside,
            Purse::Fees => self.fees,
            Purse::Insurance => self.insurance,
            Purse::Clearing => self.clearing,
        }
    }

    /// Whether `transfer` of the same would be made.
    pub fn check(&self, from: Purse, to: Purse, amount: Cash) -> Result<(), LedgerError> {
        if amount.is_negative() {
            return Err(LedgerError::Negative { have: amount });
        }
        self.check_open(from)?;
        self.check_open(to)?;
        let fits = self.balance(from).checked_sub(amount).is_some()
            && self.balance(to).checked_add(amount).is_some();
        if fits { Ok(()) } else { Err(LedgerError::Overflow) }
    }

    /// Moves an amount of zero or more from one purse to another, or nothing at all.
    pub fn transfer(&mut self, from: Purse, to: Purse, amount: Cash) -> Result<(), LedgerError> {
        self.check(from, to, amount)?;
        self.add(from, amount.checked_neg().ok_or(LedgerError::Overflow)?);
        self.add(to, amount);
        Ok(())
    }

    /// Moves a signed amount: into `purse` from the clearing when positive, out of it when negative.
    pub fn clear(&mut self, purse: Purse, amount: Cash) -> Result<(), LedgerError> {
        if amount.is_negative() {
            let amount = amount.checked_neg().ok_or(LedgerError::Overflow)?;
            self.transfer(purse, Purse::Clearing, amount)
        } else {
            self.transfer(Purse::Clearing, purse, amount)
        }
    }

    /// The sum over everything: zero, or the ledger is broken.
    pub fn total(&self) -> i128 {
        let accounts: i128 = self.accounts.iter().map(|balance| i128::from(balance.micros())).sum();
        let rest = [self.outside, self.fees, self.insurance, self.clearing];
        accounts + rest.iter().map(|balance| i128::from(balance.micros())).sum::<i128>()
    }

    fn check_open(&self, purse: Purse) -> Result<(), LedgerError> {
        match purse {
            Purse::Account(have) if self.slot(have).is_none_or(|i| i >= self.accounts.len()) => {
                Err(LedgerError::NoAccount { have })
            }
            _ => Ok(()),
        }
    }

    fn slot(&self, index: AccountIndex) -> Option<usize> {
        usize::try_from(index).ok()
    }

    fn add(&mut self, purse: Purse, amount: Cash) {
        let index = match purse {
            Purse::Account(index) => self.slot(index),
            _ => None,
        };
        let balance = match purse {
            Purse::Account(_) => match index.and_then(|i| self.accounts.get_mut(i)) {
                Some(balance) => balance,
                None => return,
            },
            Purse::Outside => &mut self.outside,
            Purse::Fees => &mut self.fees,
            Purse::Insurance => &mut self.insurance,
            Purse::Clearing => &mut self.clearing,
        };
        *balance = balance.checked_add(amount).expect("invariant: `check` saw that the sum fits");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn purse(choice: u8) -> Purse {
        match choice % 8 {
            0 => Purse::Outside,
            1 => Purse::Fees,
            2 => Purse::Insurance,
            3 => Purse::Clearing,
            other => Purse::Account(u32::from(other) - 4),
        }
    }

    proptest! {
        #[test]
        fn no_sequence_of_entries_makes_or_loses_money(
            entries in proptest::collection::vec((any::<u8>(), any::<u8>(), any::<i64>()), 0..100),
        ) {
            let mut ledger = Ledger::default();
            (0..3).for_each(|_| { ledger.open(); });
            for (from, to, amount) in entries {
                let amount = Cash::from_micros(amount >> (to % 60));
                let before = (ledger.balance(purse(from)), ledger.balance(purse(to)));
                let done = ledger.transfer(purse(from), purse(to), amount);
                if done.is_err() {
                    prop_assert_eq!(before, (ledger.balance(purse(from)), ledger.balance(purse(to))));
                }
                prop_assert_eq!(ledger.total(), 0);
            }
        }
    }

    #[test]
    fn an_entry_that_does_not_fit_changes_nothing() {
        let mut ledger = Ledger::default();
        let account = Purse::Account(ledger.open());
        assert_eq!(ledger.transfer(Purse::Outside, account, Cash::MAX), Ok(()));
        assert_eq!(ledger.transfer(Purse::Fees, account, Cash::from_micros(1)), Err(LedgerError::Overflow));
        let negative = Cash::from_micros(-1);
        assert_eq!(
            ledger.transfer(Purse::Fees, account, negative),
            Err(LedgerError::Negative { have: negative })
        );
        assert_eq!(ledger.balance(account), Cash::MAX);
        assert_eq!(ledger.total(), 0);
    }
}
