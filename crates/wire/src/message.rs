//! What validators send each other.
//!
//! Invariant: every message is bounded; `docs/messages.md` names its sender, receiver, handler and limit.

use crypto::Digest;

use crate::{
    AgreedChange, Blob, BlockRef, List, Round, SignedCeremonyMessage, SnapshotRef, WorkerMessage,
    limits::{
        ANSWER_ITEMS_MAX, BLOCK_BYTES_MAX, CHANGES_ANSWER_MAX, FETCH_MAX, SNAPSHOT_PART_BYTES, SNAPSHOTS_MAX,
    },
};

tagged! {
    /// A message between validators. The link says who sent it.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub enum Message {
        /// From a worker that lives in its validator's process, to the peers' workers of that number.
        0 => Worker { worker: u8, message: WorkerMessage },
        /// The encoding of a `SignedBlock`, from its author or from whoever was asked.
        1 => Block { block: Blob<BLOCK_BYTES_MAX> },
        /// Asks for blocks by reference.
        2 => FetchBlocks { blocks: List<BlockRef, FETCH_MAX> },
        /// Asks for all blocks of rounds from `from` on, as many as fit one answer.
        3 => FetchRounds { from: Round },
        /// Answers with blocks, lower rounds first.
        4 => Blocks { blocks: List<Blob<BLOCK_BYTES_MAX>, ANSWER_ITEMS_MAX> },
        /// Asks for the highest block of the sender that the receiver holds: its own log is lost.
        5 => FetchLatest,
        /// Answers with that block, if there is one.
        6 => Latest { block: Option<Blob<BLOCK_BYTES_MAX>> },
        /// Answers that rounds asked for are kept no more, with the snapshots that take their place.
        7 => Snapshots { snapshots: List<SnapshotRef, SNAPSHOTS_MAX> },
        /// Asks for one part of a snapshot, counted from 0.
        8 => FetchSnapshot { digest: Digest, part: u32 },
        /// Answers with the part: all but the last are full.
        9 => SnapshotPart { digest: Digest, part: u32, bytes: Blob<SNAPSHOT_PART_BYTES> },
        /// Asks which snapshots there are: the sender has nothing of this epoch.
        10 => FetchSnapshots,
    }
}

tagged! {
    /// What travels on a link between validators.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub enum Letter {
        /// A message of one epoch's agreement: those of two epochs have nothing to do with each other.
        0 => Agreement { epoch: u64, message: Message },
        /// A complaint or help outside of the order, when the ceremony is over for the sender.
        1 => Ceremony { message: SignedCeremonyMessage },
        /// Asks how the committee changed after that epoch.
        2 => FetchChanges { after: u64 },
        /// Answers with the changes, earlier ones first; unasked, to whoever speaks of an epoch that is over.
        3 => Changes { changes: List<AgreedChange, CHANGES_ANSWER_MAX> },
    }
}
