//! A validator's signed vertex of the DAG.
//!
//! Invariant: a block's reference binds every field; the signature is on epoch, round, author and digest, so
//! that two signatures prove two blocks of one round without the blocks.

use commonware_codec::Encode;
use crypto::{CoinShare, Digest, Signature, SigningKey, VerifyingKey};
use num::Timestamp;

use crate::{
    Attestation, BatchRef, Equivocation, List,
    limits::{BLOCK_ATTESTATIONS_MAX, BLOCK_BATCHES_MAX, BLOCK_EVIDENCE_MAX, BLOCK_PARENTS_MAX},
};

newtype! {
    /// A validator by its place in the committee.
    pub struct Author(pub u16);
}
newtype! {
    /// A layer of the DAG. Round 0 holds one implied block an author.
    pub struct Round(pub u64);
}

record! {
    /// A block by position and digest.
    #[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub struct BlockRef {
        pub round: Round,
        pub author: Author,
        pub digest: Digest,
    }
}

record! {
    /// What a validator says in a round.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Block {
        pub epoch: u64,
        pub author: Author,
        pub round: Round,
        /// The author's own clock; never a validity rule, only an input to the commit's median.
        pub timestamp: Timestamp,
        /// The author's own previous block first, then others; at most one an author.
        pub parents: List<BlockRef, BLOCK_PARENTS_MAX>,
        pub batches: List<BatchRef, BLOCK_BATCHES_MAX>,
        /// The share of the wave that this round certifies; absent in the first rounds of an epoch.
        pub coin_share: Option<CoinShare>,
        pub attestations: List<Attestation, BLOCK_ATTESTATIONS_MAX>,
        /// Proofs against members that no commit known to the author orders yet; at most one a member.
        pub evidence: List<Equivocation, BLOCK_EVIDENCE_MAX>,
    }
}

record! {
    /// A block as it travels, its signature not yet checked.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct SignedBlock {
        pub block: Block,
        pub signature: Signature,
    }
}

const BLOCK_NAMESPACE: &[u8] = b"clockless block";

/// What a block's signature is on.
pub(crate) struct BlockStatement([u8; 50]);

impl BlockStatement {
    pub(crate) fn of(epoch: u64, block: &BlockRef) -> Self {
        let mut bytes = [0; 50];
        bytes[..8].copy_from_slice(&epoch.to_be_bytes());
        bytes[8..16].copy_from_slice(&block.round.0.to_be_bytes());
        bytes[16..18].copy_from_slice(&block.author.0.to_be_bytes());
        bytes[18..].copy_from_slice(&block.digest.0);
        Self(bytes)
    }

    pub(crate) fn sign(&self, key: &SigningKey) -> Signature {
        key.sign(BLOCK_NAMESPACE, &self.0)
    }

    pub(crate) fn verify(&self, key: &VerifyingKey, signature: &Signature) -> bool {
        key.verify(BLOCK_NAMESPACE, &self.0, signature)
    }
}

impl Round {
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// `None` below round 0.
    #[must_use]
    pub const fn before(self, rounds: u64) -> Option<Self> {
        match self.0.checked_sub(rounds) {
            Some(round) => Some(Self(round)),
            None => None,
        }
    }

    #[must_use]
    pub const fn after(self, rounds: u64) -> Self {
        Self(self.0.saturating_add(rounds))
    }
}

impl BlockRef {
    /// The implied block of round 0.
    pub const fn genesis(author: Author) -> Self {
        Self { round: Round(0), author, digest: Digest::ZERO }
    }
}

impl core::fmt::Debug for BlockRef {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "B{}@{}#{:?}", self.author, self.round, self.digest)
    }
}

impl Block {
    pub fn reference(&self) -> BlockRef {
        let digest = Digest::of("clockless block 2026", &self.encode());
        BlockRef { round: self.round, author: self.author, digest }
    }

    pub fn sign(self, key: &SigningKey) -> SignedBlock {
        let signature = BlockStatement::of(self.epoch, &self.reference()).sign(key);
        SignedBlock { block: self, signature }
    }
}

impl SignedBlock {
    /// Whether `key` signed the block that `reference` (computed by the caller) names.
    pub fn verify(&self, reference: &BlockRef, key: &VerifyingKey) -> bool {
        BlockStatement::of(self.block.epoch, reference).verify(key, &self.signature)
    }
}
