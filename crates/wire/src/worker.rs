//! What workers send each other, and what a worker and its primary say to each other.
//!
//! Invariant: the primary hears of references only; the bytes of a batch go to it when it asks for them, to be
//! executed. Both directions are bounded by item and by message.

use crypto::Digest;

use crate::{
    AgreedChange, Author, BatchRef, Blob, List, Transaction,
    limits::{ANSWER_ITEMS_MAX, BATCH_BYTES_MAX, CHANGES_ANSWER_MAX, FETCH_MAX, NOTES_MAX},
};

tagged! {
    /// A message between the workers of one number.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub enum WorkerMessage {
        /// The encoding of a `Batch`, streamed ahead of the block that refers to it.
        0 => Batch { batch: Blob<BATCH_BYTES_MAX> },
        /// Asks for batches by digest.
        1 => Fetch { batches: List<Digest, FETCH_MAX> },
        /// Answers with batches.
        2 => Batches { batches: List<Blob<BATCH_BYTES_MAX>, ANSWER_ITEMS_MAX> },
    }
}

record! {
    /// A batch as its worker tells of it.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct BatchNote {
        pub reference: BatchRef,
        /// The batch's own.
        pub sequence: u64,
        /// Memory that it takes.
        pub bytes: u32,
    }
}

record! {
    /// A batch that a primary lacks.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct WantedBatch {
        pub digest: Digest,
        /// Whom to ask first.
        pub holder: Author,
    }
}

tagged! {
    /// What a worker tells its primary.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub enum WorkerWord {
        /// Own batches that are durable, to be carried by blocks. Said again whenever the primary is met.
        0 => Sealed { batches: List<BatchNote, NOTES_MAX> },
        /// Batches that are held and durable. Said again whenever the primary is met.
        1 => Held { batches: List<BatchNote, NOTES_MAX> },
        /// Batches that had to make room.
        2 => Gone { batches: List<Digest, NOTES_MAX> },
        /// The encoding of a `Batch` whose contents were asked for.
        3 => Contents { batch: Blob<BATCH_BYTES_MAX> },
        /// The words that follow are of this epoch: the worker has been seated in it.
        4 => Seated { epoch: u64 },
    }
}

tagged! {
    /// What a primary tells its worker.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub enum WorkerOrder {
        /// The first order of an acquaintance: the highest sequence number of this worker that the primary knows,
        /// and the section of the primary's log. Nothing is sealed before it.
        0 => Welcome { after: u64, section: u64 },
        /// Batches that may still be on their way.
        1 => Expect { batches: List<WantedBatch, NOTES_MAX> },
        /// Batches to be asked for at once.
        2 => Fetch { batches: List<WantedBatch, NOTES_MAX> },
        /// An accepted block refers to these: they stay until they are to be forgotten.
        3 => Refer { batches: List<Digest, NOTES_MAX> },
        /// Own batches that this commit has ordered, or that were ordered at some time when it is 0.
        4 => Ordered { commit: u64, batches: List<Digest, NOTES_MAX> },
        /// Batches whose contents are to be told, when they are there.
        5 => Give { batches: List<WantedBatch, NOTES_MAX> },
        /// Batches that are needed no more.
        6 => Forget { batches: List<Digest, NOTES_MAX> },
        /// A section of the log begins.
        7 => Begin { section: u64 },
        /// Sections of the log before `keep` are needed no more.
        8 => Cut { keep: u64 },
        /// How the committee changed, from the genesis on; in as many orders as it takes.
        9 => Changes { changes: List<AgreedChange, CHANGES_ANSWER_MAX> },
        /// The validator takes part in this epoch: the first order of a connection but for the changes, and said again
        /// when another epoch begins.
        10 => Seated { epoch: u64 },
        /// What the validator itself has to have ordered.
        11 => Submit { transaction: Transaction },
    }
}
