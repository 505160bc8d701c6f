//! What a validator's log keeps.
//!
//! Invariant: replaying the records in order gives back everything a validator has said and decided.

use crypto::CoinValue;

use crate::{
    Blob, Round,
    limits::{BATCH_BYTES_MAX, BLOCK_BYTES_MAX},
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
    }
}
