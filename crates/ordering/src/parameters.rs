//! What the rule can be told, and the inequalities that hold before it starts.
//!
//! Invariant: an `Ordering` exists only with parameters that passed `check`.

use wire::Committee;

use crate::WaveLength;

/// The rule's variants as data. All validators of an epoch use the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parameters {
    /// Rounds of a wave: 4 or 5.
    pub wave_length: u8,
    /// Slots that every round's coin fills with leaders: 1 to the committee's size.
    pub leaders_per_round: u16,
    /// Rounds below a committed leader after which a block that is not ordered yet never will be.
    pub gc_depth: u64,
    /// Rounds that the floor rises from one checkpoint to the next.
    pub checkpoint_rounds: u64,
}

/// Why the rule cannot start.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParametersError {
    #[error("wave_length is {have}, must be 4 or 5")]
    WaveLength { have: u8 },
    #[error("leaders_per_round is {have}, must be 1 to the committee's size {max}")]
    LeadersPerRound { have: u16, max: u16 },
    #[error("gc_depth is {have}, must be at least {need}: a wave and the round that links to it")]
    GcDepth { have: u64, need: u64 },
    #[error("checkpoint_rounds is 0, must be at least 1")]
    CheckpointRounds,
}

impl Parameters {
    pub(crate) fn check(&self, committee: &Committee) -> Result<WaveLength, ParametersError> {
        let (total, quorum, faulty) = (committee.total_stake(), committee.quorum(), committee.faulty_stake());
        assert!(quorum - (total - quorum) > faulty, "two quorums share a correct validator");
        assert!(quorum <= total - faulty, "the correct validators are a quorum");

        let have = self.wave_length;
        let length = WaveLength::new(have).ok_or(ParametersError::WaveLength { have })?;
        let (have, max) = (self.leaders_per_round, committee.size());
        if have == 0 || have > max {
            return Err(ParametersError::LeadersPerRound { have, max });
        }
        let (have, need) = (self.gc_depth, u64::from(length.rounds()) + 1);
        if have < need {
            return Err(ParametersError::GcDepth { have, need });
        }
        if self.checkpoint_rounds == 0 {
            return Err(ParametersError::CheckpointRounds);
        }
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crypto::SigningKey;
    use wire::Member;

    fn committee(n: u8) -> Committee {
        let member = |seed| Member { key: SigningKey::from_bytes([seed; 32]).public_key(), stake: 1 };
        Committee::new(0, (0..n).map(member).collect()).unwrap()
    }

    #[test]
    fn parameters_outside_their_bounds_are_refused_with_the_bound() {
        let check = |wave_length, leaders_per_round, gc_depth| {
            let checkpoint_rounds = 256;
            Parameters { wave_length, leaders_per_round, gc_depth, checkpoint_rounds }.check(&committee(4))
        };
        assert_eq!(check(5, 2, 60), Ok(WaveLength::FIVE));
        assert_eq!(check(4, 4, 5), Ok(WaveLength::FOUR));
        assert_eq!(check(3, 2, 60), Err(ParametersError::WaveLength { have: 3 }));
        assert_eq!(check(6, 2, 60), Err(ParametersError::WaveLength { have: 6 }));
        assert_eq!(check(5, 0, 60), Err(ParametersError::LeadersPerRound { have: 0, max: 4 }));
        assert_eq!(check(5, 5, 60), Err(ParametersError::LeadersPerRound { have: 5, max: 4 }));
        assert_eq!(check(5, 2, 5), Err(ParametersError::GcDepth { have: 5, need: 6 }));
        assert_eq!(check(4, 2, 4), Err(ParametersError::GcDepth { have: 4, need: 5 }));
        let never = Parameters { wave_length: 5, leaders_per_round: 2, gc_depth: 60, checkpoint_rounds: 0 };
        assert_eq!(never.check(&committee(4)), Err(ParametersError::CheckpointRounds));
    }

    #[test]
    fn every_committee_size_satisfies_the_quorum_inequalities() {
        for n in 1..=100 {
            let parameters =
                Parameters { wave_length: 5, leaders_per_round: 1, gc_depth: 60, checkpoint_rounds: 256 };
            assert!(parameters.check(&committee(n)).is_ok(), "n = {n}");
        }
    }
}
