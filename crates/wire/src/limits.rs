//! The largest of everything that travels. A decoder refuses what is larger; a builder never makes it.
//!
//! Invariant: the relations between limits hold; a test states them.

/// Members of a committee.
pub const COMMITTEE_MAX: usize = 256;
/// Actions under one signature.
pub const ACTIONS_MAX: usize = 64;
/// Bytes of an order's label.
pub const LABEL_BYTES_MAX: usize = 64;
/// Bytes that say where a withdrawal goes.
pub const DESTINATION_BYTES_MAX: usize = 64;
/// Bytes of an instrument's name.
pub const NAME_BYTES_MAX: usize = 48;
/// Legs of a block trade.
pub const BLOCK_LEGS_MAX: usize = 16;
/// Legs of a combo with a book of its own.
pub const COMBO_LEGS_MAX: usize = 4;
/// Bytes of a parameter's name.
pub const PARAMETER_BYTES_MAX: usize = 80;
/// Bytes of one transaction as a client submits it.
pub const TRANSACTION_BYTES_MAX: usize = 16 * 1024;
/// Transactions in a batch.
pub const BATCH_TRANSACTIONS_MAX: usize = 8 * 1024;
/// Bytes of a batch's encoding.
pub const BATCH_BYTES_MAX: usize = 512 * 1024;
/// Workers of one validator.
pub const WORKERS_MAX: usize = 16;
/// Batches that one block refers to.
pub const BLOCK_BATCHES_MAX: usize = 64;
/// Parents of a block: one an author, and as many older links again.
pub const BLOCK_PARENTS_MAX: usize = COMMITTEE_MAX;
/// Attestations of roots in one block.
pub const BLOCK_ATTESTATIONS_MAX: usize = 32;
/// Proofs of equivocation in one block.
pub const BLOCK_EVIDENCE_MAX: usize = 8;
/// Bytes of a dealing in one statement of a ceremony.
pub const CEREMONY_PART_BYTES_MAX: usize = 12 * 1024;
/// Bytes of a coin's public key, as a snapshot carries it.
pub const COIN_KEY_BYTES_MAX: usize = 64 * 1024;
/// Statements of one ceremony that count.
pub const STATEMENTS_MAX: usize = 256 * 1024;
/// Changes of the committee since the genesis.
pub const CHANGES_MAX: usize = 64 * 1024;
/// Changes of the committee in one answer to a peer.
pub const CHANGES_ANSWER_MAX: usize = 16;
/// Bytes of a signed block's encoding.
pub const BLOCK_BYTES_MAX: usize = 48 * 1024;
/// Blocks ordered by one commit.
pub const COMMIT_BLOCKS_MAX: usize = 64 * 1024;
/// References in one request of a peer.
pub const FETCH_MAX: usize = 256;
/// Batches that one word between a worker and its primary names.
pub const NOTES_MAX: usize = 1024;
/// Blocks or batches in one answer to a peer.
pub const ANSWER_ITEMS_MAX: usize = 1024;
/// Ordered blocks above the floor of a checkpoint.
pub const CHECKPOINT_BLOCKS_MAX: usize = 1024 * 1024;
/// Bytes of the execution's state in a snapshot.
pub const SNAPSHOT_BYTES_MAX: usize = 2 * 1024 * 1024 * 1024 - 1;
/// Bytes of a snapshot that travel in one message.
pub const SNAPSHOT_PART_BYTES: usize = 256 * 1024;
/// Snapshots that a validator offers.
pub const SNAPSHOTS_MAX: usize = 2;
/// Own batches that one entry of the log names.
pub const OWN_BATCHES_MAX: usize = 1024 * 1024;
/// Bytes of one message between validators, all included.
pub const MESSAGE_BYTES_MAX: usize = 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limits_fit_into_each_other() {
        let room_for_framing = 1024;
        assert!(TRANSACTION_BYTES_MAX + room_for_framing <= BATCH_BYTES_MAX);
        assert!(CEREMONY_PART_BYTES_MAX + room_for_framing <= TRANSACTION_BYTES_MAX);
        assert!(BATCH_BYTES_MAX + room_for_framing <= MESSAGE_BYTES_MAX);
        assert!(BLOCK_BYTES_MAX + room_for_framing <= MESSAGE_BYTES_MAX);
        let parents = BLOCK_PARENTS_MAX * 42;
        let batches = BLOCK_BATCHES_MAX * 44;
        let attestations = BLOCK_ATTESTATIONS_MAX * 104;
        let evidence = BLOCK_EVIDENCE_MAX * 210;
        assert!(parents + batches + attestations + evidence + room_for_framing <= BLOCK_BYTES_MAX);
        assert!(SNAPSHOT_PART_BYTES + room_for_framing <= MESSAGE_BYTES_MAX);
        assert!(NOTES_MAX * 52 + room_for_framing <= MESSAGE_BYTES_MAX);
        assert!(FETCH_MAX * 42 + room_for_framing <= MESSAGE_BYTES_MAX);
    }
}
