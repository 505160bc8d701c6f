//! What the rule is run with; checked against the committee at the start.
//!
//! Invariant: parameters that pass keep the inequalities that safety and liveness need.

use wire::Committee;

/// Parameters of the rule, the same on every validator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parameters {
    /// 4 or 5 rounds from proposal to certificate.
    pub wave_length: u8,
    /// L: slots a round.
    pub leaders_per_round: u16,
    /// How many rounds below a leader its history still counts.
    pub gc_depth: u64,
}

/// Why parameters are refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParametersError {
    #[error("wave length {have}, must be 4 or 5")]
    WaveLength { have: u8 },
    #[error("{have} leaders a round, must be 1 to {need}, the size of the committee")]
    Leaders { have: u16, need: u16 },
    #[error("gc depth {have}, must be at least {need}: twice the wave")]
    Depth { have: u64, need: u64 },
    #[error("2q - N is {have}, must be at least {need}, f + 1")]
    Intersection { have: u64, need: u64 },
    #[error("the quorum {have} is above N - f = {need}")]
    Quorum { have: u64, need: u64 },
}

impl Parameters {
    pub(crate) fn check(&self, committee: &Committee) -> Result<(), ParametersError> {
        let (total, quorum, faulty) = (committee.total_stake(), committee.quorum(), committee.faulty_stake());
        let overlap = (2 * quorum).saturating_sub(total);
        if overlap < faulty + 1 {
            return Err(ParametersError::Intersection { have: overlap, need: faulty + 1 });
        }
        if quorum > total - faulty {
            return Err(ParametersError::Quorum { have: quorum, need: total - faulty });
        }
        if !matches!(self.wave_length, 4 | 5) {
            return Err(ParametersError::WaveLength { have: self.wave_length });
        }
        if self.leaders_per_round == 0 || self.leaders_per_round > committee.size() {
            return Err(ParametersError::Leaders { have: self.leaders_per_round, need: committee.size() });
        }
        let need = 2 * u64::from(self.wave_length);
        if self.gc_depth < need {
            return Err(ParametersError::Depth { have: self.gc_depth, need });
        }
        Ok(())
    }
}
