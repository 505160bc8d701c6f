//! Where the total order can be taken up again without the blocks before.
//!
//! Invariant: a checkpoint, and the state that execution has there, follow from the commits alone, so that two
//! correct validators encode the same snapshot, byte for byte, and the digest of one names it.

use commonware_codec::Encode;
use crypto::Digest;
use num::Timestamp;

use crate::{
    AgreedChange, Blob, BlockRef, CommitteeVote, List, Round, SignedCeremonyMessage,
    limits::{
        CHANGES_MAX, CHECKPOINT_BLOCKS_MAX, COIN_KEY_BYTES_MAX, COMMITTEE_MAX, SNAPSHOT_BYTES_MAX,
        STATEMENTS_MAX,
    },
};

record! {
    /// What the commit rule needs to go on after a commit, beside the blocks above the floor.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Checkpoint {
        pub epoch: u64,
        /// The last commit, which is the last of its leader.
        pub index: u64,
        /// Of that commit.
        pub digest: Digest,
        pub leader: BlockRef,
        pub time: Timestamp,
        /// No block of this round or of a lower one will be ordered any more.
        pub floor: Round,
        /// The first slot that is not decided: its round, and its rank in it.
        pub next_round: Round,
        pub next_rank: u16,
        /// Blocks above the floor that are ordered already, sorted.
        pub ordered: List<BlockRef, CHECKPOINT_BLOCKS_MAX>,
    }
}

record! {
    /// How the committees up to a commit came about, and what was said of the next. Everything but secrets of its
    /// members follows from it, so whoever begins at a snapshot has missed nothing.
    #[derive(Clone, Debug, Default, PartialEq, Eq)]
    pub struct Lineage {
        /// The changes that were carried out since the genesis.
        pub changes: List<AgreedChange, CHANGES_MAX>,
        /// The coin's key before the last of them, or the present one when there was none.
        pub key: Blob<COIN_KEY_BYTES_MAX>,
        /// The statements that handed the key on in the last change.
        pub made: List<SignedCeremonyMessage, STATEMENTS_MAX>,
        /// Votes for the next change, one a member.
        pub votes: List<CommitteeVote, COMMITTEE_MAX>,
        /// The next change, once it is agreed to.
        pub next: Option<AgreedChange>,
        /// The statements so far that hand the key on to it.
        pub making: List<SignedCeremonyMessage, STATEMENTS_MAX>,
    }
}

record! {
    /// A checkpoint with the state of the execution there, which agreement does not read.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Snapshot {
        pub checkpoint: Checkpoint,
        pub lineage: Lineage,
        pub state: Blob<SNAPSHOT_BYTES_MAX>,
    }
}

record! {
    /// A snapshot by its place and its digest.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
    pub struct SnapshotRef {
        /// The commit it was taken at.
        pub index: u64,
        /// Of the snapshot's encoding.
        pub digest: Digest,
        /// Size of the encoding.
        pub bytes: u64,
    }
}

impl Snapshot {
    /// The name of a snapshot's encoding.
    pub fn digest_of(encoded: &[u8]) -> Digest {
        Digest::of("clockless snapshot 2026", encoded)
    }

    /// The encoding with the reference to it.
    pub fn publish(&self) -> (SnapshotRef, bytes::Bytes) {
        let encoded = self.encode();
        let bytes = u64::try_from(encoded.len()).unwrap_or(u64::MAX);
        (SnapshotRef { index: self.checkpoint.index, digest: Self::digest_of(&encoded), bytes }, encoded)
    }
}
