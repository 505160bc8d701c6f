//! The arithmetic of a wave: every round starts one.
//!
//! Invariant: propose < boost < vote < certify, `w` rounds in all; the certify round reveals the coin.

use wire::Round;

/// A wave length, 4 or 5.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wave {
    length: u64,
}

impl Wave {
    pub(crate) fn new(length: u8) -> Self {
        Self { length: u64::from(length) }
    }

    /// Rounds in a wave.
    pub const fn length(self) -> u64 {
        self.length
    }

    /// Where blocks vote on the proposals of `proposed`.
    pub const fn vote_round(self, proposed: Round) -> Round {
        proposed.after(self.length - 2)
    }

    /// Where blocks certify the proposals of `proposed`, and reveal its coin.
    pub const fn certify_round(self, proposed: Round) -> Round {
        proposed.after(self.length - 1)
    }

    /// The first round whose leaders can anchor the slots of `proposed`.
    pub const fn anchor_round(self, proposed: Round) -> Round {
        proposed.after(self.length)
    }

    /// The wave whose coin a block of `round` has a share of; waves start at round 1.
    pub const fn revealed_by(self, round: Round) -> Option<Round> {
        match round.before(self.length - 1) {
            Some(Round(0)) | None => None,
            proposed => proposed,
        }
    }

    /// Rounds from a vote back to what it votes on.
    pub(crate) const fn vote_distance(self) -> u64 {
        self.length - 2
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rounds_of_a_wave_follow_each_other() {
        for length in [4, 5] {
            let wave = Wave::new(length);
            for round in 1..200 {
                let proposed = Round(round);
                assert_eq!(wave.vote_round(proposed).next(), wave.certify_round(proposed));
                assert_eq!(wave.certify_round(proposed).next(), wave.anchor_round(proposed));
                assert_eq!(wave.anchor_round(proposed).0 - round, u64::from(length));
                assert_eq!(wave.revealed_by(wave.certify_round(proposed)), Some(proposed));
            }
            for early in 0..u64::from(length) {
                assert_eq!(wave.revealed_by(Round(early)), None);
            }
        }
    }
}
