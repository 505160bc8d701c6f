//! What goes into the rule and what comes out of it.
//!
//! Invariant: plain values; nothing here decides.

use crypto::{CoinShare, CoinValue};
use num::Timestamp;
use wire::{Author, BlockRef, Checkpoint, Commit, Round};

/// What the rule needs of an accepted block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vertex {
    pub reference: BlockRef,
    /// In stored order: it decides what the block votes for.
    pub parents: Vec<BlockRef>,
    /// The author's own clock.
    pub timestamp: Timestamp,
    /// The share of the wave that the block's round certifies; not checked yet.
    pub coin_share: Option<CoinShare>,
}

/// What became certain, in the order in which it did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// The coin of the wave that proposes in `round`; to be logged for `restore_coin`.
    Revealed { round: Round, value: CoinValue },
    /// `author` signed a block with a wrong share of the coin of `round`. The block stays valid.
    WrongShare { author: Author, round: Round },
    /// The next step of the total order.
    Commit(Commit),
    /// After the commit before, the rule can go on from this and the blocks above its floor.
    Checkpoint(Checkpoint),
}

/// Why the rule stopped. It answers every later call with the same.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// More stake than f broke the protocol, so that safety no longer holds.
    #[error(
        "the fault assumption is broken at slot {author}@{round}: {contradiction}; \
         validators that signed two blocks: {culprits:?}"
    )]
    AssumptionBroken {
        round: Round,
        author: Author,
        contradiction: Box<Contradiction>,
        /// For each validator that spoke both ways, its two blocks of the voting round: the evidence.
        culprits: Vec<(BlockRef, BlockRef)>,
    },
}

/// Two statements that at most f of stake cannot bring about together.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Contradiction {
    #[error("a quorum blames it and {certificate:?} certifies {block:?}")]
    BlamedAndCertified { block: BlockRef, certificate: BlockRef },
    #[error("{certificates:?} certify the twins {blocks:?}")]
    TwinsCertified { blocks: [BlockRef; 2], certificates: [BlockRef; 2] },
}

/// Counts since the start, for dashboards and tests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Metrics {
    pub coins_revealed: u64,
    pub wrong_shares: u64,
    pub direct_commits: u64,
    pub direct_skips: u64,
    pub indirect_commits: u64,
    pub indirect_skips: u64,
    pub commits: u64,
    pub blocks_ordered: u64,
}
