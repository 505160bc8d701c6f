//! A balance that nobody has to be trusted for.
//!
//! Invariant: `verify` needs the genesis and nothing else: each committee has signed for the one after it.

use commonware_codec::DecodeExt;
use crypto::Digest;
use num::Cash;
use tree::{Path, Proof, ProofError};
use wire::{AccountId, AgreedChange, Certificate, CertificateError, ChangeError, Committee, committee_after};

/// An account's leaf, the way from it to a root, and the committee's signatures on that root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BalanceProof {
    pub account: AccountId,
    /// Empty when the proof says that there is no such account.
    pub leaf: Vec<u8>,
    pub proof: Vec<u8>,
    pub certificate: Vec<u8>,
    /// Encodings of `wire::AgreedChange`, from the genesis on, at least up to the certificate's epoch.
    pub changes: Vec<Vec<u8>>,
}

/// Why a balance is not proved.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BalanceError {
    #[error("the {part} cannot be read")]
    Malformed { part: &'static str },
    #[error("a change of the committee does not hold: {0}")]
    Change(#[from] ChangeError),
    #[error("the certificate does not hold: {0}")]
    Certificate(#[from] CertificateError),
    #[error("the proof does not hold: {0}")]
    Proof(#[from] ProofError),
}

impl BalanceProof {
    /// The balance that the committee vouches for, the commit it is of, and the root; `None` as a balance
    /// when there is no such account. `first` is the committee of the genesis of `network`.
    pub fn verify(
        &self,
        network: Digest,
        first: &Committee,
    ) -> Result<(Option<Cash>, u64, Digest), BalanceError> {
        let malformed = |part| BalanceError::Malformed { part };
        let certificate =
            Certificate::decode(self.certificate.clone()).map_err(|_| malformed("certificate"))?;
        let changes: Result<Vec<AgreedChange>, _> =
            self.changes.iter().cloned().map(AgreedChange::decode).collect();
        let changes = changes.map_err(|_| malformed("change of the committee"))?;
        let until = changes.iter().take_while(|agreed| agreed.change.epoch <= certificate.epoch);
        certificate.verify(&committee_after(network, first, until)?)?;
        let proof = Proof::decode(self.proof.clone()).map_err(|_| malformed("proof"))?;
        let leaf = (!self.leaf.is_empty()).then_some(self.leaf.as_slice());
        proof.verify(&certificate.root, Path::of(&self.key()), leaf)?;
        let balance = match leaf {
            None => None,
            Some(leaf) => {
                let amount: [u8; 8] =
                    leaf.get(..8).and_then(|it| it.try_into().ok()).ok_or(malformed("leaf"))?;
                Some(Cash::from_micros(i64::from_be_bytes(amount)))
            }
        };
        Ok((balance, certificate.commit, certificate.root))
    }

    /// The account's key in the tree: its kind (0), owner and subaccount.
    fn key(&self) -> Vec<u8> {
        [&[0][..], &self.account.owner.0, &self.account.subaccount.to_be_bytes()].concat()
    }
}
