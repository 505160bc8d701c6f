//! Transactions made available together.
//!
//! Invariant: to agreement a transaction is bytes; what they mean is the exchange's to say.

use bytes::Bytes;
use commonware_codec::Encode;
use crypto::Digest;

use crate::{
    Author, Blob, List,
    limits::{BATCH_TRANSACTIONS_MAX, TRANSACTION_BYTES_MAX},
};

/// One client submission: opaque to agreement.
pub type Transaction = Blob<TRANSACTION_BYTES_MAX>;

record! {
    /// What one worker streams ahead of its validator's blocks.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Batch {
        pub epoch: u64,
        pub author: Author,
        pub worker: u8,
        /// Rises by one for each batch of this worker, restarts included.
        pub sequence: u64,
        pub transactions: List<Transaction, BATCH_TRANSACTIONS_MAX>,
    }
}

record! {
    /// A batch as a block refers to it. The digest binds everything else.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub struct BatchRef {
        pub author: Author,
        pub worker: u8,
        pub digest: Digest,
    }
}

impl Batch {
    /// The digest of a batch's encoding.
    pub fn digest_of(encoded: &Bytes) -> Digest {
        Digest::of("clockless batch 2026", encoded)
    }

    pub fn reference(&self) -> BatchRef {
        let digest = Self::digest_of(&self.encode());
        BatchRef { author: self.author, worker: self.worker, digest }
    }
}
