//! Who leads: the slots of each revealed round, what became of them, and the next one to be put out.
//!
//! Invariant: a round has slots only once its coin is known, and a slot that is decided stays as it is.
//! Left out on purpose: how a slot is decided.

use std::collections::BTreeMap;

use crypto::{CoinValue, permutation};
use wire::{Author, Round};

use crate::graph::Place;

/// What became of a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    Undecided,
    Skip,
    Commit(Place),
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Slot {
    pub(crate) author: Author,
    pub(crate) status: Status,
}

/// A round whose coin is known.
#[derive(Debug)]
pub(crate) struct Revealed {
    pub(crate) value: CoinValue,
    /// By rank.
    pub(crate) slots: Vec<Slot>,
}

/// Which members the coin makes leaders.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LeaderSchedule {
    pub(crate) members: u16,
    pub(crate) leaders_per_round: u16,
}

impl LeaderSchedule {
    /// The leaders of a round by rank: the first of the coin's permutation.
    pub(crate) fn leaders(&self, value: &CoinValue) -> impl Iterator<Item = Author> + use<> {
        permutation(value, self.members).into_iter().take(usize::from(self.leaders_per_round)).map(Author)
    }
}

/// The revealed rounds from the first with an undecided slot on.
#[derive(Debug)]
pub(crate) struct Slots {
    schedule: LeaderSchedule,
    revealed: BTreeMap<Round, Revealed>,
    next_round: Round,
    next_rank: usize,
}

impl Slots {
    pub(crate) const fn new(schedule: LeaderSchedule) -> Self {
        Self { schedule, revealed: BTreeMap::new(), next_round: Round(1), next_rank: 0 }
    }

    /// Goes on with the slot of rank `rank` in `round`.
    pub(crate) fn restart(&mut self, round: Round, rank: u16) {
        self.revealed.clear();
        self.next_round = round;
        self.next_rank = usize::from(rank);
    }

    /// Whether the coin of `round` is still worth having.
    pub(crate) fn lacks(&self, round: Round) -> bool {
        round >= self.next_round && !self.revealed.contains_key(&round)
    }

    pub(crate) fn reveal(&mut self, round: Round, value: CoinValue) {
        let slots =
            self.schedule.leaders(&value).map(|author| Slot { author, status: Status::Undecided }).collect();
        self.revealed.insert(round, Revealed { value, slots });
    }

    /// The round of the first slot that was not put out.
    pub(crate) const fn next_round(&self) -> Round {
        self.next_round
    }

    /// The rank of that slot in its round.
    pub(crate) fn next_rank(&self) -> u16 {
        u16::try_from(self.next_rank).expect("invariant: a rank is below the committee's size")
    }

    pub(crate) fn highest_revealed(&self) -> Option<Round> {
        self.revealed.last_key_value().map(|(round, _)| *round)
    }

    pub(crate) fn at(&mut self, round: Round) -> Option<&mut [Slot]> {
        self.revealed.get_mut(&round).map(|revealed| revealed.slots.as_mut_slice())
    }

    /// Takes the decision of the next slot and moves on; `None` while that is open. A skip carries nothing,
    /// a commit the leader and its coin.
    pub(crate) fn take_decided(&mut self) -> Option<Option<(Place, CoinValue)>> {
        let revealed = self.revealed.get(&self.next_round)?;
        let decided = match revealed.slots.get(self.next_rank)?.status {
            Status::Undecided => return None,
            Status::Skip => None,
            Status::Commit(leader) => Some((leader, revealed.value)),
        };
        self.next_rank += 1;
        if self.next_rank == revealed.slots.len() {
            self.revealed.remove(&self.next_round);
            self.next_round = self.next_round.next();
            self.next_rank = 0;
        }
        Some(decided)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_coin_of_a_round_is_wanted_until_it_is_known_and_never_after_the_round_is_put_out() {
        let mut slots = Slots::new(LeaderSchedule { members: 4, leaders_per_round: 2 });
        assert!(slots.lacks(Round(1)));
        assert!(!slots.lacks(Round(0)));
        slots.reveal(Round(1), CoinValue([1; 48]));
        assert!(!slots.lacks(Round(1)));
        assert_eq!(slots.take_decided(), None);
        for slot in slots.at(Round(1)).unwrap() {
            slot.status = Status::Skip;
        }
        assert_eq!(
            (slots.take_decided(), slots.take_decided(), slots.take_decided()),
            (Some(None), Some(None), None)
        );
        assert_eq!(slots.next_round(), Round(2));
        assert!(!slots.lacks(Round(1)));
        assert_eq!(slots.highest_revealed(), None);
    }
}
