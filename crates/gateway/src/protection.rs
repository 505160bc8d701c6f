//! Names of market makers' groups, and what of their protection the exchange does not keep.
//!
//! The exchange knows the groups of an account by number. The group of an index has the number of its underlying; one that
//! its account named has a number that is made of both names, the same at every gateway.
//!
//! Invariant: what is kept here is of groups that the exchange has too, so that it bounds how much there is.
//! Left out on purpose: what a group is called after this gateway was restarted, until somebody calls it by its name.

use std::collections::BTreeMap;

use crypto::Digest;
use num::Fix;
use wire::AccountId;

/// Numbers below this are those of underlyings.
const NAMED_MIN: u16 = 256;

/// A group as its account means it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Group {
    /// "BTC"
    pub underlying: String,
    /// Empty for the group of the index.
    pub name: String,
    pub number: u16,
}

impl Group {
    /// The group of an index, whose underlying has a number.
    pub fn of_index(underlying: String, number: u16) -> Self {
        Self { underlying, name: String::new(), number }
    }

    pub fn named(underlying: String, name: &str) -> Self {
        let digest =
            Digest::of("clockless gateway mmp group 2026", format!("{underlying}\n{name}").as_bytes());
        let hashed = u16::from_be_bytes([digest.0[0], digest.0[1]]);
        let number = NAMED_MIN + hashed % (u16::MAX - NAMED_MIN);
        Self { underlying, name: name.to_owned(), number }
    }
}

/// The groups that accounts have named or limited.
#[derive(Debug, Default)]
pub(crate) struct Groups {
    /// With the most that an order or a quote of the group may leave on one side of a book.
    known: BTreeMap<AccountId, BTreeMap<Group, Option<Fix>>>,
}

impl Groups {
    pub fn set(&mut self, account: AccountId, group: Group, most: Option<Fix>) {
        self.known.entry(account).or_default().insert(group, most);
    }

    pub fn remove(&mut self, account: &AccountId, group: &Group) {
        if let Some(of) = self.known.get_mut(account) {
            of.remove(group);
        }
        self.known.retain(|_, of| !of.is_empty());
    }

    /// Remembers the name of a group that the exchange has.
    pub fn note(&mut self, account: AccountId, group: &Group) {
        self.known.entry(account).or_default().entry(group.clone()).or_default();
    }

    pub fn most(&self, account: &AccountId, group: &Group) -> Option<Fix> {
        self.known.get(account)?.get(group).copied().flatten()
    }

    pub fn of(&self, account: &AccountId) -> impl Iterator<Item = &Group> {
        self.known.get(account).into_iter().flat_map(BTreeMap::keys)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_a_number_of_its_own_under_each_underlying_and_beside_those_of_indices() {
        let numbers = [("BTC", "a"), ("BTC", "b"), ("ETH", "a")]
            .map(|(underlying, name)| Group::named(underlying.to_owned(), name).number);
        assert!(numbers.iter().all(|number| *number >= NAMED_MIN));
        assert!(numbers[0] != numbers[1] && numbers[0] != numbers[2]);
        assert_eq!(Group::named("BTC".to_owned(), "a").number, numbers[0]);
    }

    #[test]
    fn what_was_taken_away_leaves_nothing() {
        let (mut groups, account) = (Groups::default(), AccountId::default());
        let group = Group::named("BTC".to_owned(), "a");
        groups.set(account, group.clone(), Some(Fix::ONE));
        groups.note(account, &group);
        assert_eq!(groups.most(&account, &group), Some(Fix::ONE));
        groups.remove(&account, &group);
        assert_eq!((groups.of(&account).count(), groups.known.len()), (0, 0));
    }
}
