//! The only place where balances move: two sides per entry.
//!
//! Invariant: the sum of all balances is zero, always. What users hold is what the source of deposits lacks.
//! Balances are kept in 128 bits, so that no number of entries of 64 bits can overflow them: an entry between
//! open accounts always succeeds.

use num::Cash;

/// An account of the ledger by its number in the state.
pub type AccountIndex = u32;

/// A pool by its number in genesis; 0 is the one that is always there.
pub type PoolId = u16;

/// Where money can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Purse {
    Account(AccountIndex),
    /// Deposits come from here and withdrawals go back; its balance is minus what the exchange owes.
    Outside,
    Fees,
    /// A pool's insurance fund.
    Insurance(PoolId),
    /// On its way out.
    Withdrawals,
    /// Between those who paid their funding and those who have not got it yet.
    Funding,
    /// Between the two sides of a trade or settlement; zero after each.
    Clearing,
}

/// All balances.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    accounts: Vec<i128>,
    outside: i128,
    fees: i128,
    /// By pool; at least one.
    insurance: Vec<i128>,
    withdrawals: i128,
    funding: i128,
    clearing: i128,
}

saved!(Ledger { accounts, outside, fees, insurance, withdrawals, funding, clearing });

/// Why an entry cannot be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LedgerError {
    /// The amount is negative: an entry goes from one side to the other.
    Negative { have: Cash },
    /// The account was never opened.
    NoAccount { have: AccountIndex },
    /// There is no such pool.
    NoPool { have: PoolId },
}

impl Ledger {
    /// A ledger with so many pools, one at least.
    pub fn with_pools(pools: usize) -> Self {
        Self { insurance: vec![0; pools.max(1)], ..Self::default() }
    }

    /// How many pools there are.
    pub(crate) fn pools(&self) -> usize {
        self.insurance.len()
    }

    /// Opens the next account, empty.
    pub fn open(&mut self) -> AccountIndex {
        let index =
            AccountIndex::try_from(self.accounts.len()).expect("invariant: accounts are limited below 2^32");
        self.accounts.push(0);
        index
    }

    /// Zero for an account that was never opened. A balance beyond 64 bits shows as the largest or least.
    pub fn balance(&self, purse: Purse) -> Cash {
        let micros = match purse {
            Purse::Account(index) => {
                self.slot(index).and_then(|i| self.accounts.get(i)).copied().unwrap_or(0)
            }
            Purse::Outside => self.outside,
            Purse::Fees => self.fees,
            Purse::Insurance(pool) => self.insurance.get(usize::from(pool)).copied().unwrap_or(0),
            Purse::Withdrawals => self.withdrawals,
            Purse::Funding => self.funding,
            Purse::Clearing => self.clearing,
        };
        Cash::from_i128(micros).unwrap_or(if micros < 0 { Cash::MIN } else { Cash::MAX })
    }

    /// Whether `transfer` of the same would be made.
    pub fn check(&self, from: Purse, to: Purse, amount: Cash) -> Result<(), LedgerError> {
        if amount.is_negative() {
            return Err(LedgerError::Negative { have: amount });
        }
        self.check_open(from)?;
        self.check_open(to)
    }

    /// Moves an amount of zero or more from one purse to another, or nothing at all.
    pub fn transfer(&mut self, from: Purse, to: Purse, amount: Cash) -> Result<(), LedgerError> {
        self.check(from, to, amount)?;
        self.add(from, -i128::from(amount.micros()));
        self.add(to, i128::from(amount.micros()));
        Ok(())
    }

    /// Accounts that were opened.
    pub(crate) fn accounts(&self) -> usize {
        self.accounts.len()
    }

    /// The largest balance, either way, in micros.
    pub(crate) fn largest(&self) -> u128 {
        let rest = [self.outside, self.fees, self.withdrawals, self.funding, self.clearing];
        self.accounts
            .iter()
            .chain(&self.insurance)
            .chain(&rest)
            .map(|micros| micros.unsigned_abs())
            .max()
            .unwrap_or(0)
    }

    /// The sum over everything: zero, or the ledger is broken.
    pub fn total(&self) -> i128 {
        let rest = [self.outside, self.fees, self.withdrawals, self.funding, self.clearing];
        self.accounts.iter().chain(&self.insurance).chain(&rest).sum()
    }

    fn check_open(&self, purse: Purse) -> Result<(), LedgerError> {
        match purse {
            Purse::Account(have) if self.slot(have).is_none_or(|i| i >= self.accounts.len()) => {
                Err(LedgerError::NoAccount { have })
            }
            Purse::Insurance(have) if usize::from(have) >= self.insurance.len() => {
                Err(LedgerError::NoPool { have })
            }
            _ => Ok(()),
        }
    }

    fn slot(&self, index: AccountIndex) -> Option<usize> {
        usize::try_from(index).ok()
    }

    fn add(&mut self, purse: Purse, micros: i128) {
        let balance = match purse {
            Purse::Account(index) => match self.slot(index).and_then(|i| self.accounts.get_mut(i)) {
                Some(balance) => balance,
                None => return,
            },
            Purse::Outside => &mut self.outside,
            Purse::Fees => &mut self.fees,
            Purse::Insurance(pool) => match self.insurance.get_mut(usize::from(pool)) {
                Some(balance) => balance,
                None => return,
            },
            Purse::Withdrawals => &mut self.withdrawals,
            Purse::Funding => &mut self.funding,
            Purse::Clearing => &mut self.clearing,
        };
        *balance += micros;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn purse(choice: u8) -> Purse {
        match choice % 10 {
            0 => Purse::Outside,
            1 => Purse::Fees,
            2 => Purse::Insurance(0),
            3 => Purse::Clearing,
            4 => Purse::Funding,
            5 => Purse::Withdrawals,
            other => Purse::Account(u32::from(other) - 6),
        }
    }

    proptest! {
        #[test]
        fn no_sequence_of_entries_makes_or_loses_money(
            entries in proptest::collection::vec((any::<u8>(), any::<u8>(), any::<i64>()), 0..100),
        ) {
            let mut ledger = Ledger::with_pools(1);
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
    fn a_negative_amount_and_an_account_that_is_not_open_change_nothing() {
        let mut ledger = Ledger::with_pools(1);
        let account = Purse::Account(ledger.open());
        let (negative, one) = (Cash::from_micros(-1), Cash::from_micros(1));
        let refused = ledger.transfer(Purse::Fees, account, negative);
        assert_eq!(refused, Err(LedgerError::Negative { have: negative }));
        let refused = ledger.transfer(Purse::Fees, Purse::Account(1), one);
        assert_eq!(refused, Err(LedgerError::NoAccount { have: 1 }));
        assert_eq!((ledger.balance(account), ledger.balance(Purse::Fees)), (Cash::ZERO, Cash::ZERO));
    }

    #[test]
    fn balances_beyond_64_bits_are_counted_and_come_back() {
        let mut ledger = Ledger::with_pools(1);
        let account = Purse::Account(ledger.open());
        for _ in 0..3 {
            assert_eq!(ledger.transfer(Purse::Outside, account, Cash::MAX), Ok(()));
        }
        assert_eq!((ledger.balance(account), ledger.balance(Purse::Outside)), (Cash::MAX, Cash::MIN));
        for _ in 0..3 {
            assert_eq!(ledger.transfer(account, Purse::Outside, Cash::MAX), Ok(()));
        }
        assert_eq!((ledger.balance(account), ledger.total()), (Cash::ZERO, 0));
    }
}
