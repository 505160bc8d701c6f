//! What is said while a committee makes its coin key, or hands it on.
//!
//! Invariant: a statement is signed for one ceremony, so it means the same whoever carries it: members of the next
//! committee may have it ordered by members of the present one. Statements travel as transactions that begin with
//! `MARK`; to the exchange they are no intents.

use bytes::{BufMut, Bytes, BytesMut};
use commonware_codec::{DecodeExt, Encode, Write};
use crypto::{Digest, Opening, Point, PublicKey, Signature, SigningKey};

use crate::{
    Blob, List, Transaction,
    limits::{CEREMONY_PART_BYTES_MAX, COMMITTEE_MAX},
};

const NAMESPACE: &[u8] = b"clockless ceremony";
/// What a transaction with a statement begins with. An intent begins with its network's digest.
const MARK: &[u8; 16] = b"\0clockless dkg\0\x01";

tagged! {
    /// A member's part in a ceremony.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub enum Statement {
        /// One part of the sender's dealing. Its first statement fixes which dealing is the sender's.
        0 => Part { dealing: Digest, part: u16, parts: u16, bytes: Blob<CEREMONY_PART_BYTES_MAX> },
        /// The sender holds what it was dealt by each of these.
        1 => Acknowledgement { dealings: List<Digest, COMMITTEE_MAX> },
        /// The sender was dealt nonsense, and this is the proof.
        2 => Complaint { dealing: Digest, opening: Opening },
        /// What gives `receiver`, who complained with reason, its share.
        3 => Help { dealing: Digest, receiver: u16, point: Point },
    }
}

record! {
    /// A statement, whose it is, and for which ceremony.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct CeremonyMessage {
        pub ceremony: Digest,
        pub sender: PublicKey,
        pub statement: Statement,
    }
}

record! {
    /// A message as it travels, its signature not yet checked.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct SignedCeremonyMessage {
        pub message: CeremonyMessage,
        pub signature: Signature,
    }
}

impl CeremonyMessage {
    pub fn sign(self, key: &SigningKey) -> SignedCeremonyMessage {
        let signature = key.sign(NAMESPACE, &self.encode());
        SignedCeremonyMessage { message: self, signature }
    }
}

impl SignedCeremonyMessage {
    /// Whether the sender signed it.
    pub fn verify(&self) -> bool {
        self.message.sender.verify(NAMESPACE, &self.message.encode(), &self.signature)
    }

    /// The transaction that carries it.
    pub fn to_transaction(&self) -> Transaction {
        let mut bytes = BytesMut::new();
        bytes.put_slice(MARK);
        self.write(&mut bytes);
        Blob::new(bytes.freeze()).expect("invariant: the limits of a statement fit into a transaction")
    }

    /// `None` for every other transaction, and for one that only begins like this.
    pub fn of_transaction(transaction: &Transaction) -> Option<Self> {
        let bytes: &Bytes = transaction.bytes();
        bytes.starts_with(MARK).then(|| Self::decode(bytes.slice(MARK.len()..)).ok()).flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::TRANSACTION_BYTES_MAX;

    fn signed(statement: Statement) -> SignedCeremonyMessage {
        let key = SigningKey::from_bytes([1; 32]);
        CeremonyMessage { ceremony: Digest([2; 32]), sender: key.public_key(), statement }.sign(&key)
    }

    #[test]
    fn the_largest_statements_fit_into_a_transaction_and_come_back() {
        let dealing = Digest([3; 32]);
        let bytes = Blob::new(vec![4; CEREMONY_PART_BYTES_MAX]).unwrap();
        let statements = [
            Statement::Part { dealing, part: u16::MAX, parts: u16::MAX, bytes },
            Statement::Acknowledgement { dealings: List::new(vec![dealing; COMMITTEE_MAX]).unwrap() },
            Statement::Complaint { dealing, opening: Opening([5; 96]) },
            Statement::Help { dealing, receiver: 6, point: Point([7; 32]) },
        ];
        for statement in statements {
            let message = signed(statement);
            let transaction = message.to_transaction();
            assert!(transaction.len() <= TRANSACTION_BYTES_MAX);
            assert_eq!(SignedCeremonyMessage::of_transaction(&transaction), Some(message));
        }
    }

    #[test]
    fn a_signature_holds_for_its_sender_ceremony_and_statement_only() {
        let statement = Statement::Help { dealing: Digest([3; 32]), receiver: 6, point: Point([7; 32]) };
        let message = signed(statement);
        assert!(message.verify());
        let mut changed = message.clone();
        changed.message.ceremony = Digest([9; 32]);
        assert!(!changed.verify());
        let mut changed = message;
        changed.message.sender = SigningKey::from_bytes([8; 32]).public_key();
        assert!(!changed.verify());
    }

    #[test]
    fn other_transactions_are_no_statements() {
        for bytes in [&b""[..], b"an intent", MARK, &[&MARK[..], b"?"].concat()] {
            let transaction = Blob::new(bytes.to_vec()).unwrap();
            assert_eq!(SignedCeremonyMessage::of_transaction(&transaction), None);
        }
    }
}
