//! What a validator's log keeps.
//!
//! Invariant: replaying the records in order gives back everything a validator has said and decided.

use crypto::CoinValue;

use crate::{
    BatchNote, Blob, BlockRef, List, Round,
    limits::{BATCH_BYTES_MAX, BLOCK_BYTES_MAX, OWN_BATCHES_MAX, WORKERS_MAX},
};

tagged! {
    /// One entry of the log.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub enum Record {
        /// The encoding of a `SignedBlock` that was accepted.
        0 => Block { block: Blob<BLOCK_BYTES_MAX> },
        /// The encoding of a `Batch` that is held.
        1 => Batch { batch: Blob<BATCH_BYTES_MAX> },
        /// The coin of a wave, verified when it was revealed.
        2 => Coin { round: Round, value: CoinValue },
        /// What of this validator's own still matters of the records before: its highest block, its batches that are
        /// not ordered, and the highest sequence number of each of its workers. First in each section of the log
        /// but the oldest.
        3 => Own {
            latest: BlockRef,
            batches: List<BatchNote, OWN_BATCHES_MAX>,
            sequences: List<u64, WORKERS_MAX>,
        },
        /// A worker of this validator's own has a batch to be carried.
        4 => Sealed { batch: BatchNote },
    }
}
