//! What became of an intent, with nobody to be trusted for it.
//!
//! Invariant: what `verify` returns is what the committee signed: the receipt lies in the map of its commit's receipts,
//! and the root of that map is a leaf of a certified state.

use commonware_codec::DecodeExt;
use crypto::Digest;
use tree::{Path, Proof};
use wire::{AccountId, Committee, Event, IntentId, Outcome};

use crate::leaf::{LeafProof, Unproved};

/// A receipt, and the ways from it to its commit's root of receipts and from there to a certified root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceiptProof {
    pub intent: IntentId,
    /// The commit that executed the intent.
    pub commit: u64,
    /// Encoding of `wire::Event`.
    pub receipt: Vec<u8>,
    pub receipt_proof: Vec<u8>,
    /// Its leaf is the root of the commit's receipts.
    pub state: LeafProof,
}

/// What a quorum says became of an intent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProvedReceipt {
    pub account: AccountId,
    /// One an action.
    pub outcomes: Vec<Outcome>,
    /// The commit whose state was signed: that of the intent or a later one.
    pub certified_commit: u64,
    pub root: Digest,
}

impl ReceiptProof {
    /// What the committee vouches for. `first` is the committee of the genesis of `network`.
    pub fn verify(&self, network: Digest, first: &Committee) -> Result<ProvedReceipt, Unproved> {
        let malformed = |part| Unproved::Malformed { part };
        // Of kind 7, by commit: as exchange::leaf has it.
        let certificate = self.state.verify(Path::numbered(7, self.commit), network, first)?;
        let receipts: [u8; 32] =
            self.state.leaf.as_slice().try_into().map_err(|_| malformed("root of the receipts"))?;
        let proof =
            Proof::decode(self.receipt_proof.clone()).map_err(|_| malformed("proof of the receipt"))?;
        proof.verify(&Digest(receipts), Path::of(&self.intent.0.0), Some(&self.receipt))?;
        let Ok(Event::Receipt { intent, account, outcomes }) = Event::decode(self.receipt.clone()) else {
            return Err(malformed("receipt"));
        };
        if intent != self.intent {
            return Err(Unproved::OtherIntent { have: intent.0, need: self.intent.0 });
        }
        Ok(ProvedReceipt {
            account,
            outcomes: outcomes.into_vec(),
            certified_commit: certificate.commit,
            root: certificate.root,
        })
    }
}
