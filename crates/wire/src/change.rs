//! The next committee, by the word of the present one.
//!
//! Invariant: a change is for one network and one epoch, so it can be carried out once. Members vote for it with
//! their keys; votes with the stake of a quorum make it an [`AgreedChange`], which the keys of the committee before
//! suffice to check. A vote travels as a transaction that begins with `MARK`; to the exchange it is no intent.

use bytes::{BufMut, Bytes, BytesMut};
use commonware_codec::{DecodeExt, Encode, Write};
use crypto::{Digest, PublicKey, SealingKey, Signature, SigningKey};

use crate::{
    Author, Blob, Committee, CommitteeError, List, Member, Tally, Transaction,
    limits::{COMMITTEE_MAX, WORKERS_MAX},
};

const NAMESPACE: &[u8] = b"clockless committee change";
/// What a transaction with a vote begins with. An intent begins with its network's digest.
const MARK: &[u8; 16] = b"\0clockless chg\0\x02";

record! {
    /// Where a validator listens for others.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Endpoint {
        /// An IPv4 address is mapped into IPv6.
        pub ip: [u8; 16],
        pub port: u16,
    }
}

record! {
    /// A validator of the next epoch.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Successor {
        pub key: PublicKey,
        /// To what its share of the coin is sealed.
        pub sealing: SealingKey,
        pub stake: u64,
        /// Where others find it; `None` of a member that stays where it is.
        pub endpoint: Option<Endpoint>,
        /// Where its workers that are processes of their own listen for others, by their numbers; none of a member that
        /// stays where it is.
        pub workers: List<Endpoint, WORKERS_MAX>,
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
    /// A vote for a change as it travels, its signature not yet checked.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct CommitteeVote {
        pub change: CommitteeChange,
        pub voter: PublicKey,
        pub signature: Signature,
    }
}

record! {
    /// One member's part of an agreed change.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct ChangeSignature {
        /// In the committee before.
        pub author: Author,
        pub signature: Signature,
    }
}

record! {
    /// A change with the signatures of a quorum of the committee before.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct AgreedChange {
        pub change: CommitteeChange,
        pub signatures: List<ChangeSignature, COMMITTEE_MAX>,
    }
}

/// Why a change cannot be carried out, or was not agreed to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChangeError {
    #[error("it is for network {have}, this is {need}")]
    Network { have: Digest, need: Digest },
    #[error("it is for epoch {have}, the next is {need}")]
    Epoch { have: u64, need: u64 },
    #[error(transparent)]
    Committee(#[from] CommitteeError),
    #[error("members with stake {have} stay, {need} of the next committee needed")]
    Newcomers { have: u64, need: u64 },
    #[error("validator {author} is named twice or is no member")]
    Author { author: Author },
    #[error("the signature of validator {author} is not on this change")]
    Signature { author: Author },
    #[error("stake {have} signed, {need} needed")]
    Quorum { have: u64, need: u64 },
}

impl CommitteeChange {
    pub fn vote(self, key: &SigningKey) -> CommitteeVote {
        let signature = key.sign(NAMESPACE, &self.encode());
        CommitteeVote { change: self, voter: key.public_key(), signature }
    }

    /// The committee that it names, if that can follow `present`: members that stay must make a quorum of it by stake
    /// and by number, so that the key is handed on and the order goes on without a word of those who are new.
    ///
    /// # Errors
    /// When there can be no such committee after that one.
    pub fn committee_after(&self, network: Digest, present: &Committee) -> Result<Committee, ChangeError> {
        if self.network != network {
            return Err(ChangeError::Network { have: self.network, need: network });
        }
        if self.epoch != present.epoch() + 1 {
            return Err(ChangeError::Epoch { have: self.epoch, need: present.epoch() + 1 });
        }
        let member = |it: &Successor| Member { key: it.key, stake: it.stake };
        let next = Committee::new(self.epoch, self.members.iter().map(member).collect())?;
        let (mut staying, mut count) = (Tally::new(), 0_u64);
        for author in next.authors() {
            if next.key(author).is_some_and(|key| present.author_of(&key).is_some()) {
                staying.add(&next, author);
                count += 1;
            }
        }
        if !staying.is_quorum(&next) {
            return Err(ChangeError::Newcomers { have: staying.stake(), need: next.quorum() });
        }
        // Shares are dealt a head, whatever the stake.
        let heads = u64::from(next.size());
        let need = heads - (heads - 1) / 3;
        if count < need { Err(ChangeError::Newcomers { have: count, need }) } else { Ok(next) }
    }
}

impl CommitteeVote {
    /// Whether the voter signed it.
    pub fn verify(&self) -> bool {
        self.voter.verify(NAMESPACE, &self.change.encode(), &self.signature)
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

impl AgreedChange {
    /// The committee that follows `present` by its own word.
    ///
    /// # Errors
    /// When there can be no such committee, or no quorum of `present` has signed it.
    pub fn committee_after(&self, network: Digest, present: &Committee) -> Result<Committee, ChangeError> {
        let next = self.change.committee_after(network, present)?;
        let (statement, mut tally) = (self.change.encode(), Tally::new());
        for ChangeSignature { author, signature } in &self.signatures {
            if !tally.add(present, *author) {
                return Err(ChangeError::Author { author: *author });
            }
            let key = present.verifying_key(*author);
            if !key.is_some_and(|key| key.verify(NAMESPACE, &statement, signature)) {
                return Err(ChangeError::Signature { author: *author });
            }
        }
        if !tally.is_quorum(present) {
            return Err(ChangeError::Quorum { have: tally.stake(), need: present.quorum() });
        }
        Ok(next)
    }
}

/// The committee after a chain of changes, each agreed to by the committee before it.
///
/// # Errors
/// At the first change that does not hold.
pub fn committee_after<'a>(
    network: Digest,
    first: &Committee,
    changes: impl IntoIterator<Item = &'a AgreedChange>,
) -> Result<Committee, ChangeError> {
    changes.into_iter().try_fold(first.clone(), |present, agreed| agreed.committee_after(network, &present))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NETWORK: Digest = Digest([1; 32]);

    fn key(seed: usize) -> SigningKey {
        SigningKey::from_bytes([u8::try_from(seed % 251).unwrap(); 32])
    }

    fn committee(epoch: u64, members: &[usize]) -> Committee {
        let member = |seed: &usize| Member { key: key(*seed).public_key(), stake: 1 };
        Committee::new(epoch, members.iter().map(member).collect()).unwrap()
    }

    fn change(epoch: u64, members: &[usize]) -> CommitteeChange {
        let member = |seed: &usize| Successor {
            key: key(*seed).public_key(),
            sealing: SealingKey([7; 48]),
            stake: 1,
            endpoint: Some(Endpoint { ip: [7; 16], port: 7_000 }),
            workers: List::default(),
        };
        let members = List::new(members.iter().map(member).collect()).unwrap();
        CommitteeChange { network: NETWORK, epoch, members }
    }

    fn agreed(change: &CommitteeChange, voters: &[(u16, usize)]) -> AgreedChange {
        let sign = |(author, seed): &(u16, usize)| ChangeSignature {
            author: Author(*author),
            signature: change.clone().vote(&key(*seed)).signature,
        };
        let signatures = List::new(voters.iter().map(sign).collect()).unwrap();
        AgreedChange { change: change.clone(), signatures }
    }

    #[test]
    fn a_chain_of_changes_holds_when_a_quorum_of_each_committee_signed_the_next() {
        let first = committee(1, &[0, 1, 2, 3]);
        let to_second = agreed(&change(2, &[1, 2, 3, 4]), &[(0, 0), (2, 2), (3, 3)]);
        let to_third = agreed(&change(3, &[4, 3, 2, 1, 0]), &[(0, 1), (1, 2), (3, 4)]);
        let third = committee_after(NETWORK, &first, [&to_second, &to_third]).unwrap();
        assert_eq!((third.epoch(), third.size()), (3, 5));
        assert_eq!(third.key(Author(4)), Some(key(0).public_key()));
        let skipped = committee_after(NETWORK, &first, [&to_third]);
        assert_eq!(skipped.unwrap_err(), ChangeError::Epoch { have: 3, need: 2 });
    }

    #[test]
    fn what_no_quorum_signed_is_refused_with_its_reason() {
        let first = committee(1, &[0, 1, 2, 3]);
        let second = change(2, &[0, 1, 2, 4]);
        let refusal = |agreed: &AgreedChange| agreed.committee_after(NETWORK, &first).unwrap_err();
        let few = agreed(&second, &[(0, 0), (1, 1)]);
        assert_eq!(refusal(&few), ChangeError::Quorum { have: 2, need: 3 });
        let twice = agreed(&second, &[(0, 0), (1, 1), (1, 1)]);
        assert_eq!(refusal(&twice), ChangeError::Author { author: Author(1) });
        let forged = agreed(&second, &[(0, 0), (1, 1), (2, 9)]);
        assert_eq!(refusal(&forged), ChangeError::Signature { author: Author(2) });
        let elsewhere = second.committee_after(Digest([2; 32]), &first).unwrap_err();
        assert_eq!(elsewhere, ChangeError::Network { have: NETWORK, need: Digest([2; 32]) });
        let new = change(2, &[0, 1, 5, 6]).committee_after(NETWORK, &first).unwrap_err();
        assert_eq!(new, ChangeError::Newcomers { have: 2, need: 3 });
        let nobody = change(2, &[]).committee_after(NETWORK, &first).unwrap_err();
        assert_eq!(nobody, ChangeError::Committee(CommitteeError::Size { have: 0 }));
    }

    #[test]
    fn votes_travel_as_transactions_up_to_what_fits() {
        for members in [1, 4, 140] {
            let members: Vec<usize> = (0..members).collect();
            let vote = change(2, &members).vote(&key(3));
            let transaction = vote.to_transaction().unwrap();
            assert!(vote.verify());
            assert_eq!(CommitteeVote::of_transaction(&transaction), Some(vote));
        }
        let all: Vec<usize> = (0..256).collect();
        assert_eq!(change(2, &all).vote(&key(3)).to_transaction(), None);
        assert_eq!(CommitteeVote::of_transaction(&Blob::new(MARK.to_vec()).unwrap()), None);
    }
}
