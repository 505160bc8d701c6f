//! The next committee, by the word of whoever governs the network.
//!
//! Invariant: a change is for one network and one epoch, so it can be carried out once. It travels as a transaction
//! that begins with `MARK`; to the exchange it is no intent.

use bytes::{BufMut, Bytes, BytesMut};
use commonware_codec::{DecodeExt, Encode, Write};
use crypto::{Digest, PublicKey, SealingKey, Signature, SigningKey};

use crate::{Blob, Committee, CommitteeError, List, Member, Transaction, limits::COMMITTEE_MAX};

const NAMESPACE: &[u8] = b"clockless committee change";
/// What a transaction with a change begins with. An intent begins with its network's digest.
const MARK: &[u8; 16] = b"\0clockless chg\0\x01";

record! {
    /// A validator of the next epoch.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Successor {
        pub key: PublicKey,
        /// To what its share of the coin is sealed.
        pub sealing: SealingKey,
        pub stake: u64,
    }
}

record! {
    /// Who the validators of an epoch are to be. The same ones again refreshes their shares.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct CommitteeChange {
        pub network: Digest,
        /// The epoch that begins with it.
        pub epoch: u64,
        pub members: List<Successor, COMMITTEE_MAX>,
    }
}

record! {
    /// A change as it travels, its signature not yet checked.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct SignedCommitteeChange {
        pub change: CommitteeChange,
        pub signature: Signature,
    }
}

impl CommitteeChange {
    pub fn sign(self, governance: &SigningKey) -> SignedCommitteeChange {
        let signature = governance.sign(NAMESPACE, &self.encode());
        SignedCommitteeChange { change: self, signature }
    }

    /// The committee that it names.
    ///
    /// # Errors
    /// When there can be no such committee.
    pub fn committee(&self) -> Result<Committee, CommitteeError> {
        let member = |it: &Successor| Member { key: it.key, stake: it.stake };
        Committee::new(self.epoch, self.members.iter().map(member).collect())
    }
}

impl SignedCommitteeChange {
    /// Whether whoever governs the network signed it.
    pub fn verify(&self, governance: &PublicKey) -> bool {
        governance.verify(NAMESPACE, &self.change.encode(), &self.signature)
    }

    /// The transaction that carries it; `None` when it names more members than fit.
    pub fn to_transaction(&self) -> Option<Transaction> {
        let mut bytes = BytesMut::new();
        bytes.put_slice(MARK);
        self.write(&mut bytes);
        Blob::new(bytes.freeze())
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

    fn signed(members: usize) -> SignedCommitteeChange {
        let member = |seed: usize| Successor {
            key: SigningKey::from_bytes([u8::try_from(seed % 251).unwrap(); 32]).public_key(),
            sealing: SealingKey([7; 48]),
            stake: 1,
        };
        let members = List::new((0..members).map(member).collect()).unwrap();
        CommitteeChange { network: Digest([1; 32]), epoch: 2, members }.sign(&SigningKey::from_bytes([9; 32]))
    }

    #[test]
    fn a_change_holds_for_its_network_epoch_and_governor_only() {
        let governance = SigningKey::from_bytes([9; 32]).public_key();
        let change = signed(4);
        assert!(change.verify(&governance));
        assert!(!change.verify(&SigningKey::from_bytes([8; 32]).public_key()));
        let mut other = change.clone();
        other.change.epoch = 3;
        assert!(!other.verify(&governance));
        assert_eq!(change.change.committee().unwrap().size(), 4);
    }

    #[test]
    fn changes_travel_as_transactions_up_to_what_fits() {
        for members in [1, 4, 180] {
            let change = signed(members);
            let transaction = change.to_transaction().unwrap();
            assert_eq!(SignedCommitteeChange::of_transaction(&transaction), Some(change));
        }
        assert_eq!(signed(256).to_transaction(), None);
        assert_eq!(SignedCommitteeChange::of_transaction(&Blob::new(MARK.to_vec()).unwrap()), None);
    }
}
