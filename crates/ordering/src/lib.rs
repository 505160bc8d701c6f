//! The commit rule: from a DAG and a coin to one sequence of commits.
//!
//! Source: Mahi-Mahi (Jovanovic et al., ICDCS 2025, arXiv 2410.08670), with the corrections found by
//! machine-checked proofs of the rule. The rules are numbered in docs/spec/ordering.md.
//!
//! Invariant: two validators that hold the same blocks, in whatever order they came, give the same commits;
//! one that holds fewer gives a prefix. Slots of rounds whose coin is not revealed are never looked at.
//! Left out on purpose: whether a block is valid or available (`dag`), what a block carries, and time: no
//! clock decides anything here.

mod decide;
mod linear;
mod parameters;
mod reveal;
mod store;
mod wave;

use crypto::{Coin, CoinShare, CoinValue};
use num::Timestamp;
use wire::{Author, BlockRef, Commit, Committee, Round};

pub use parameters::{Parameters, ParametersError};
pub use wave::Wave;

use crate::{decide::Slots, linear::Line, reveal::Reveal, store::Store};

/// What the rule needs of an accepted block.
#[derive(Clone, Debug)]
pub struct Vertex {
    pub reference: BlockRef,
    /// In the order of the block.
    pub parents: Vec<BlockRef>,
    pub timestamp: Timestamp,
    pub coin_share: Option<CoinShare>,
}

/// What an advance found, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// The coin of the wave that starts at `round` is known; to be stored.
    Revealed {
        round: Round,
        value: CoinValue,
    },
    /// The author's block of `round` carries a share that is none. It counts as absent.
    WrongShare {
        author: Author,
        round: Round,
    },
    Commit(Commit),
}

/// The fault assumption is broken: more than f validators lie. There is no right answer any more.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    #[error("a quorum blames {slot:?} and a quorum certifies {block:?}")]
    SkippedAndCommitted { slot: (Round, Author), block: BlockRef },
    #[error("{first:?} and its twin {second:?} are both certified")]
    TwoCertified { first: BlockRef, second: BlockRef },
}

/// The commit rule of one epoch.
pub struct Ordering {
    committee: Committee,
    parameters: Parameters,
    wave: Wave,
    store: Store,
    reveal: Reveal,
    slots: Slots,
    line: Line,
}

impl Ordering {
    /// Refuses parameters whose relations do not hold for this committee.
    pub fn new(
        committee: Committee,
        parameters: Parameters,
        coin: Box<dyn Coin>,
    ) -> Result<Self, ParametersError> {
        parameters.check(&committee)?;
        let wave = Wave::new(parameters.wave_length);
        Ok(Self {
            store: Store::new(committee.size(), wave),
            reveal: Reveal::new(coin, wave),
            slots: Slots::new(parameters.leaders_per_round),
            line: Line::new(parameters.gc_depth),
            committee,
            parameters,
            wave,
        })
    }

    /// This validator's coin share for its block of `round`; `None` in the first rounds.
    pub fn share_for(&self, round: Round) -> Option<CoinShare> {
        self.reveal.share_for(round)
    }

    /// Takes a block whose parents were taken before, lie at or under the floor, or are of round 0.
    pub fn accept(&mut self, vertex: Vertex) {
        if vertex.reference.round <= self.line.floor() || !self.store.insert(&vertex) {
            return;
        }
        if let Some(share) = vertex.coin_share {
            self.reveal.add(&self.committee, vertex.reference, share);
        }
    }

    /// A coin of the own log, not verified again.
    pub fn restore_coin(&mut self, round: Round, value: CoinValue) {
        self.reveal.restore(round, value);
    }

    /// Decides what can be decided now.
    pub fn advance(&mut self, out: &mut Vec<Decision>) -> Result<(), Fault> {
        self.reveal.recover(&self.committee, out);
        let leaders = self.slots.decide(&self.committee, self.wave, &self.store, &self.reveal)?;
        for (leader, coin) in leaders {
            let commit = self.line.commit(&self.committee, &self.store, (leader, coin));
            out.push(Decision::Commit(commit));
        }
        let floor = self.line.floor();
        self.store.forget_through(floor);
        self.reveal.forget_before(self.slots.next_round());
        Ok(())
    }

    /// Blocks at or under this round are never ordered any more.
    pub fn floor(&self) -> Round {
        self.line.floor()
    }

    /// Index of the last commit; 0 before the first.
    pub fn last_commit(&self) -> u64 {
        self.line.last_commit()
    }

    pub fn is_ordered(&self, block: &BlockRef) -> bool {
        self.line.is_ordered(block)
    }

    /// Rounds between the first undecided slot and the highest block.
    pub fn undecided_depth(&self) -> u64 {
        self.store.highest_round().0.saturating_sub(self.slots.next_round().0)
    }

    pub const fn parameters(&self) -> &Parameters {
        &self.parameters
    }
}

impl core::fmt::Debug for Ordering {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Ordering").field("last_commit", &self.last_commit()).finish_non_exhaustive()
    }
}
