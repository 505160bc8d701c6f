//! Which round does what in a wave.
//!
//! Invariant: round r proposes, r + w - 2 votes, r + w - 1 certifies and reveals the coin, and from r + w on
//! every block has that certificate in its history if a quorum made one. Every round from 1 starts a wave;
//! no other module adds to or subtracts from a round to find a role.

use wire::Round;

/// How many rounds a wave spans: 4 or 5.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WaveLength(u8);

/// One wave by the round that proposes in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wave {
    propose: Round,
    length: WaveLength,
}

impl WaveLength {
    pub const FOUR: Self = Self(4);
    pub const FIVE: Self = Self(5);

    /// `None` for lengths that the rule is not made for.
    pub const fn new(rounds: u8) -> Option<Self> {
        match rounds {
            4 => Some(Self::FOUR),
            5 => Some(Self::FIVE),
            _ => None,
        }
    }

    /// The rounds of a wave.
    pub const fn rounds(self) -> u8 {
        self.0
    }

    /// How many rounds below a voting block the block lies that it votes for.
    pub const fn vote_distance(self) -> u8 {
        self.0 - 2
    }

    /// The wave in which `round` proposes; `None` for round 0, which is implied and proposes nothing.
    pub const fn proposed_in(self, round: Round) -> Option<Wave> {
        match round.0 {
            0 => None,
            _ => Some(Wave { propose: round, length: self }),
        }
    }

    /// The wave in which `round` votes; `None` when it would have started before round 1.
    pub fn voted_in(self, round: Round) -> Option<Wave> {
        self.proposed_in(round.before(u64::from(self.0 - 2))?)
    }

    /// The wave in which `round` certifies and whose coin shares its blocks carry; `None` when it would have
    /// started before round 1.
    pub fn certified_in(self, round: Round) -> Option<Wave> {
        self.proposed_in(round.before(u64::from(self.0 - 1))?)
    }
}

impl Wave {
    pub const fn propose(self) -> Round {
        self.propose
    }

    pub fn vote(self) -> Round {
        self.propose.after(u64::from(self.length.0 - 2))
    }

    pub fn certify(self) -> Round {
        self.propose.after(u64::from(self.length.0 - 1))
    }

    /// The first round whose leaders can decide this wave's slots indirectly.
    pub fn anchor(self) -> Round {
        self.propose.after(u64::from(self.length.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_four_and_five_rounds_make_a_wave() {
        for rounds in 0..=u8::MAX {
            assert_eq!(WaveLength::new(rounds).is_some(), rounds == 4 || rounds == 5);
        }
    }

    #[test]
    fn the_roles_of_every_round_lie_where_the_paper_puts_them() {
        for (length, vote, certify, anchor) in [(WaveLength::FOUR, 2, 3, 4), (WaveLength::FIVE, 3, 4, 5)] {
            assert_eq!(u64::from(length.vote_distance()), vote);
            assert_eq!(length.proposed_in(Round(0)), None);
            for round in 1..200 {
                let wave = length.proposed_in(Round(round)).unwrap();
                assert_eq!(wave.propose(), Round(round));
                assert_eq!(wave.vote(), Round(round + vote));
                assert_eq!(wave.certify(), Round(round + certify));
                assert_eq!(wave.anchor(), Round(round + anchor));
            }
        }
    }

    #[test]
    fn a_round_finds_the_wave_it_votes_in_and_the_wave_it_certifies() {
        for length in [WaveLength::FOUR, WaveLength::FIVE] {
            for round in (0..200).map(Round) {
                let voted = length.voted_in(round);
                assert_eq!(voted.is_some(), round.0 > u64::from(length.rounds()) - 2);
                assert!(voted.is_none_or(|wave| wave.vote() == round));
                let certified = length.certified_in(round);
                assert_eq!(certified.is_some(), round.0 >= u64::from(length.rounds()));
                assert!(certified.is_none_or(|wave| wave.certify() == round));
            }
        }
    }
}
