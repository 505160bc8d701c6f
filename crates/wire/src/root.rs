//! Commitments to the state and what makes one certain.
//!
//! Invariant: a certificate holds signatures of a quorum on one root, so that the committee's keys alone
//! suffice to check it.

use crypto::{Digest, Signature, SigningKey};

use crate::{Author, Committee, List, Tally, limits::COMMITTEE_MAX};

record! {
    /// A validator's signed word on the root after a commit.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Attestation {
        pub commit: u64,
        pub root: Digest,
        pub signature: Signature,
    }
}

record! {
    /// One validator's part of a certificate.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct RootSignature {
        pub author: Author,
        pub signature: Signature,
    }
}

record! {
    /// Attestations of a quorum to one root.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Certificate {
        pub epoch: u64,
        pub commit: u64,
        pub root: Digest,
        pub signatures: List<RootSignature, COMMITTEE_MAX>,
    }
}

/// Why a certificate proves nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    #[error("it is of epoch {have}, the committee of epoch {need}")]
    Epoch { have: u64, need: u64 },
    #[error("validator {author} is named twice or is no member")]
    Author { author: Author },
    #[error("the signature of validator {author} is not on this root")]
    Signature { author: Author },
    #[error("stake {have} signed, {need} needed")]
    Quorum { have: u64, need: u64 },
}

const ROOT_NAMESPACE: &[u8] = b"clockless root";

fn statement(epoch: u64, commit: u64, root: &Digest) -> [u8; 48] {
    let mut bytes = [0; 48];
    bytes[..8].copy_from_slice(&epoch.to_be_bytes());
    bytes[8..16].copy_from_slice(&commit.to_be_bytes());
    bytes[16..].copy_from_slice(&root.0);
    bytes
}

impl Attestation {
    pub fn sign(epoch: u64, commit: u64, root: Digest, key: &SigningKey) -> Self {
        let signature = key.sign(ROOT_NAMESPACE, &statement(epoch, commit, &root));
        Self { commit, root, signature }
    }

    pub fn verify(&self, committee: &Committee, author: Author) -> bool {
        let statement = statement(committee.epoch(), self.commit, &self.root);
        committee
            .verifying_key(author)
            .is_some_and(|key| key.verify(ROOT_NAMESPACE, &statement, &self.signature))
    }
}

impl Certificate {
    /// Checks every signature and that they make a quorum, with the committee's keys only.
    pub fn verify(&self, committee: &Committee) -> Result<(), CertificateError> {
        if self.epoch != committee.epoch() {
            return Err(CertificateError::Epoch { have: self.epoch, need: committee.epoch() });
        }
        let mut tally = Tally::new();
        for RootSignature { author, signature } in &self.signatures {
            if !tally.add(committee, *author) {
                return Err(CertificateError::Author { author: *author });
            }
            let attestation = Attestation { commit: self.commit, root: self.root, signature: *signature };
            if !attestation.verify(committee, *author) {
                return Err(CertificateError::Signature { author: *author });
            }
        }
        if !tally.is_quorum(committee) {
            return Err(CertificateError::Quorum { have: tally.stake(), need: committee.quorum() });
        }
        Ok(())
    }
}
