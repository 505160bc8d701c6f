//! Names of market makers' groups, and what of their protection the exchange does not keep.
//!
//! The exchange knows the groups of an account by number. The group of an index has the number of its underlying; one that
//! its account named has a number that is made of both names, the same at every gateway, and which says whose it is. A
//! gateway that never heard the name calls it by its number, as `#4711`, and every gateway understands that.
//!
//! Invariant: what is kept here is of groups that the exchange has too, so that it bounds how much there is.

use std::collections::BTreeMap;

use crypto::Digest;
use num::Fix;
use wire::AccountId;

/// Numbers below this are those of underlyings.
const NAMED_MIN: u16 = 256;

/// A group as its account means it.
#[derive(Clone, Debug, PartialEq, Eq)]
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

    /// A group by its name, or by its number: of the underlying with a number of so many.
    pub fn named(underlying: String, (place, places): (u16, u16), name: &str) -> Self {
        let written = name.strip_prefix('#').and_then(|digits| digits.parse().ok());
        let number = written.filter(|number| place_of(*number, places) == Some(place)).unwrap_or_else(|| {
            let text = format!("{underlying}\n{name}");
            let digest = Digest::of("clockless gateway mmp group 2026", text.as_bytes());
            let hashed = u16::from_be_bytes([digest.0[0], digest.0[1]]);
            let rounds = (u16::MAX - NAMED_MIN + 1) / places.max(1);
            NAMED_MIN + hashed % rounds.max(1) * places + place
        });
        Self { underlying, name: name.to_owned(), number }
    }

    /// What everybody can call a group of a number.
    pub fn of_number(underlying: String, number: u16) -> Self {
        Self { underlying, name: format!("#{number}"), number }
    }

    fn is_called_by_number(&self) -> bool {
        self.name.starts_with('#')
    }
}

/// Which of so many underlyings a group with a name is of; `None` for the number of an index.
pub(crate) fn place_of(number: u16, places: u16) -> Option<u16> {
    number.checked_sub(NAMED_MIN)?.checked_rem(places)
}

/// The groups that accounts have named or limited.
#[derive(Debug, Default)]
pub(crate) struct Groups {
    /// By number, with the most that an order or a quote of the group may leave on one side of a book.
    known: BTreeMap<AccountId, BTreeMap<u16, (Group, Option<Fix>)>>,
}

impl Groups {
    pub fn set(&mut self, account: AccountId, group: Group, most: Option<Fix>) {
        self.note(account, &group);
        if let Some((_, present)) = self.known.entry(account).or_default().get_mut(&group.number) {
            *present = most;
        }
    }

    pub fn remove(&mut self, account: &AccountId, number: u16) {
        if let Some(of) = self.known.get_mut(account) {
            of.remove(&number);
        }
        self.known.retain(|_, of| !of.is_empty());
    }

    /// Remembers the name of a group that the exchange has; a number takes no name's place.
    pub fn note(&mut self, account: AccountId, group: &Group) {
        let of = self.known.entry(account).or_default();
        let (known, _) = of.entry(group.number).or_insert_with(|| (group.clone(), None));
        if !group.is_called_by_number() {
            known.clone_from(group);
        }
    }

    pub fn get(&self, account: &AccountId, number: u16) -> Option<&(Group, Option<Fix>)> {
        self.known.get(account)?.get(&number)
    }

    pub fn most(&self, account: &AccountId, number: u16) -> Option<Fix> {
        self.get(account, number)?.1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(place: u16, name: &str) -> Group {
        Group::named(["BTC", "ETH"][usize::from(place)].to_owned(), (place, 2), name)
    }

    #[test]
    fn a_name_has_a_number_that_says_of_which_underlying_it_is() {
        let numbers = [named(0, "a"), named(0, "b"), named(1, "a")].map(|it| it.number);
        assert!(numbers[0] != numbers[1]);
        assert_eq!(numbers.map(|number| place_of(number, 2)), [Some(0), Some(0), Some(1)]);
        assert_eq!(place_of(255, 2), None, "the number of an index");
        let written = format!("#{}", numbers[0]);
        assert_eq!(named(0, &written).number, numbers[0]);
        assert_ne!(named(1, &written).number, numbers[0], "it is the other's");
    }

    #[test]
    fn a_name_takes_the_place_of_a_number_and_not_the_other_way_round() {
        let (mut groups, account) = (Groups::default(), AccountId::default());
        let group = named(0, "a");
        let bare = Group::of_number("BTC".to_owned(), group.number);
        groups.set(account, bare.clone(), Some(Fix::ONE));
        groups.note(account, &group);
        groups.note(account, &bare);
        assert_eq!(groups.get(&account, group.number), Some(&(group.clone(), Some(Fix::ONE))));
        groups.remove(&account, group.number);
        assert_eq!((groups.get(&account, group.number), groups.known.len()), (None, 0));
    }
}
