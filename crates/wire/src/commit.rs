//! An ordered piece of the DAG.
//!
//! Invariant: commits form a chain; two validators with the same digest at an index agree on everything
//! up to it.

use commonware_codec::Encode;
use crypto::{CoinValue, Digest};
use num::Timestamp;

use crate::{
    BlockRef, List, Transaction,
    limits::{BATCH_TRANSACTIONS_MAX, BLOCK_BATCHES_MAX, BLOCK_PARENTS_MAX, COMMIT_BLOCKS_MAX},
};

record! {
    /// One step of the total order.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Commit {
        /// 1, 2, 3, ... without gaps.
        pub index: u64,
        /// The digest of the commit before; zero for the first.
        pub previous: Digest,
        pub leader: BlockRef,
        /// The stake-weighted median of the timestamps of the leader's parents, never below the commit before.
        pub time: Timestamp,
        /// The coin of the leader's round.
        pub coin: CoinValue,
        /// What this commit orders, the leader last of its round.
        pub blocks: List<BlockRef, COMMIT_BLOCKS_MAX>,
    }
}

record! {
    /// One ordered block with everything that execution and its observers need of it.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct CommittedBlock {
        pub reference: BlockRef,
        pub parents: List<BlockRef, BLOCK_PARENTS_MAX>,
        /// The transactions of the block's batches, in the order of the block.
        pub transactions: List<Transaction, { BLOCK_BATCHES_MAX * BATCH_TRANSACTIONS_MAX }>,
        /// What the author attested to: roots of earlier commits.
        pub attestations: List<crate::Attestation, { crate::limits::BLOCK_ATTESTATIONS_MAX }>,
        /// What the author proved against members; checked when the block was accepted.
        pub evidence: List<crate::Equivocation, { crate::limits::BLOCK_EVIDENCE_MAX }>,
    }
}

record! {
    /// A commit with its contents: the one value that passes from agreement to execution.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct CommittedPayload {
        pub commit: Commit,
        pub blocks: List<CommittedBlock, COMMIT_BLOCKS_MAX>,
    }
}

impl Commit {
    pub fn digest(&self) -> Digest {
        Digest::of("clockless commit 2026", &self.encode())
    }
}
