//! A leaf of a state that a quorum has signed.
//!
//! Invariant: `verify` needs the genesis and nothing else: each committee has signed for the one after it.

use commonware_codec::DecodeExt;
use crypto::Digest;
use tree::{Path, Proof, ProofError};
use wire::{AgreedChange, Certificate, CertificateError, ChangeError, Committee, committee_after};

/// A leaf, the way from it to a root, and the committee's signatures on that root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeafProof {
    /// Empty when the proof says that there is no such leaf.
    pub leaf: Vec<u8>,
    pub proof: Vec<u8>,
    pub certificate: Vec<u8>,
    /// Encodings of `wire::AgreedChange`, from the genesis on, at least up to the certificate's epoch.
    pub changes: Vec<Vec<u8>>,
}

/// Why something is not proved.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unproved {
    #[error("the {part} cannot be read")]
    Malformed { part: &'static str },
    #[error("a change of the committee does not hold: {0}")]
    Change(#[from] ChangeError),
    #[error("the certificate does not hold: {0}")]
    Certificate(#[from] CertificateError),
    #[error("the proof does not hold: {0}")]
    Proof(#[from] ProofError),
    #[error("the receipt is of intent {have}, asked for was {need}")]
    OtherIntent { have: Digest, need: Digest },
}

impl LeafProof {
    /// The certificate of the state that has this leaf at a path, or nothing there when the leaf is empty. `first` is the
    /// committee of the genesis of `network`.
    pub fn verify(&self, path: Path, network: Digest, first: &Committee) -> Result<Certificate, Unproved> {
        let malformed = |part| Unproved::Malformed { part };
        let certificate =
            Certificate::decode(self.certificate.clone()).map_err(|_| malformed("certificate"))?;
        let changes: Result<Vec<AgreedChange>, _> =
            self.changes.iter().cloned().map(AgreedChange::decode).collect();
        let changes = changes.map_err(|_| malformed("change of the committee"))?;
        let until = changes.iter().take_while(|agreed| agreed.change.epoch <= certificate.epoch);
        certificate.verify(&committee_after(network, first, until)?)?;
        let proof = Proof::decode(self.proof.clone()).map_err(|_| malformed("proof"))?;
        proof.verify(&certificate.root, path, self.value())?;
        Ok(certificate)
    }

    /// The leaf; `None` when there is none.
    pub fn value(&self) -> Option<&[u8]> {
        (!self.leaf.is_empty()).then_some(self.leaf.as_slice())
    }
}
