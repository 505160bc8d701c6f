//! Is this block one that its author may have made?
//!
//! Invariant: a `VerifiedBlock` keeps every rule that can be checked without other blocks: bounds, parents'
//! shape, signature. A block's timestamp is never a rule, and neither is its coin share's validity.

use bytes::Bytes;
use commonware_codec::DecodeExt;
use crypto::Signature;
use wire::{Author, Block, BlockRef, Committee, Round, SignedBlock, Tally};

/// What blocks are checked against.
#[derive(Clone, Debug)]
pub struct Rules {
    pub committee: Committee,
    /// Rounds from proposal to certificate.
    pub wave_length: u64,
    /// How far back parents may lie.
    pub gc_depth: u64,
    /// How far above the highest accepted round a block may lie and still be kept.
    pub rounds_ahead_max: u64,
}

/// A block that keeps the rules, with the bytes it came in.
#[derive(Clone, Debug)]
pub struct VerifiedBlock {
    pub reference: BlockRef,
    pub block: Block,
    pub signature: Signature,
    pub encoded: Bytes,
}

/// A peer's broken rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    #[error("the bytes are no block")]
    Malformed,
    #[error("epoch {have}, must be {need}")]
    Epoch { have: u64, need: u64 },
    #[error("author {have} is no member")]
    Author { have: Author },
    #[error("round 0, where nobody speaks")]
    Round,
    #[error("the first parent must be the author's own previous block")]
    OwnParent,
    #[error("parent {parent:?} lies outside of rounds {low} to {high}")]
    ParentRound { parent: BlockRef, low: Round, high: Round },
    #[error("two parents of author {author}")]
    ParentTwice { author: Author },
    #[error("parents of the round before hold stake {have}, need {need}")]
    Parents { have: u64, need: u64 },
    #[error("a batch of author {have} in a block of author {need}")]
    ForeignBatch { have: Author, need: Author },
    #[error("a coin share must be there from round {need} on and not before")]
    CoinShare { need: u64 },
    #[error("the proof against author {author} does not hold, or is not in the order of authors")]
    Evidence { author: Author },
    #[error("the signature is not the author's")]
    Signature,
    #[error("the batch is not what was asked for, or of another epoch or author")]
    Batch,
    #[error("the parts of the snapshot do not make up what was asked for")]
    Snapshot,
    #[error("the block is not one of those that were asked for")]
    Latest,
}

/// A block that was read and not checked.
#[derive(Clone, Debug)]
pub struct ReadBlock {
    pub reference: BlockRef,
    signed: SignedBlock,
    encoded: Bytes,
}

impl ReadBlock {
    pub fn read(encoded: Bytes) -> Result<Self, Fault> {
        let signed = SignedBlock::decode(encoded.clone()).map_err(|_| Fault::Malformed)?;
        Ok(Self { reference: signed.block.reference(), signed, encoded })
    }
}

impl Rules {
    /// Checks a block by itself. How far ahead it lies is no rule: its reader may be far behind.
    pub fn verify(&self, read: ReadBlock) -> Result<VerifiedBlock, Fault> {
        let ReadBlock { reference, signed, encoded } = read;
        let block = &signed.block;
        self.check_header(block)?;
        self.check_parents(block)?;
        for batch in &block.batches {
            if batch.author != block.author {
                return Err(Fault::ForeignBatch { have: batch.author, need: block.author });
            }
        }
        let key = self.committee.verifying_key(block.author).ok_or(Fault::Author { have: block.author })?;
        if !signed.verify(&reference, key) {
            return Err(Fault::Signature);
        }
        self.check_evidence(&signed.block)?;
        let SignedBlock { block, signature } = signed;
        Ok(VerifiedBlock { reference, block, signature, encoded })
    }

    fn check_header(&self, block: &Block) -> Result<(), Fault> {
        if block.epoch != self.committee.epoch() {
            return Err(Fault::Epoch { have: block.epoch, need: self.committee.epoch() });
        }
        if !self.committee.contains(block.author) {
            return Err(Fault::Author { have: block.author });
        }
        if block.round == Round(0) {
            return Err(Fault::Round);
        }
        if block.coin_share.is_some() != (block.round.0 >= self.wave_length) {
            return Err(Fault::CoinShare { need: self.wave_length });
        }
        Ok(())
    }

    /// Only after the signature: nobody but a member makes us check proofs.
    fn check_evidence(&self, block: &Block) -> Result<(), Fault> {
        let mut before = None;
        for proof in &block.evidence {
            let author = proof.author();
            if before.is_some_and(|before| before >= author) || !proof.verify(&self.committee) {
                return Err(Fault::Evidence { author });
            }
            before = Some(author);
        }
        Ok(())
    }

    fn check_parents(&self, block: &Block) -> Result<(), Fault> {
        let own = block.parents.first().filter(|parent| parent.author == block.author);
        let own = own.filter(|parent| parent.round < block.round).ok_or(Fault::OwnParent)?;
        let high = Round(block.round.0.saturating_sub(1));
        let low = Round(block.round.0.saturating_sub(self.gc_depth));
        let mut authors = Tally::new();
        let mut before = Tally::new();
        for parent in &block.parents {
            if !self.committee.contains(parent.author) {
                return Err(Fault::Author { have: parent.author });
            }
            // The own previous block may lie below: its author was away.
            if parent.round > high || (parent.round < low && parent != own) {
                return Err(Fault::ParentRound { parent: *parent, low, high });
            }
            if parent.round == Round(0) && *parent != BlockRef::genesis(parent.author) {
                return Err(Fault::ParentRound { parent: *parent, low, high });
            }
            if !authors.add(&self.committee, parent.author) {
                return Err(Fault::ParentTwice { author: parent.author });
            }
            if parent.round == high {
                before.add(&self.committee, parent.author);
            }
        }
        if !before.is_quorum(&self.committee) {
            return Err(Fault::Parents { have: before.stake(), need: self.committee.quorum() });
        }
        Ok(())
    }
}
