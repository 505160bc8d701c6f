//! A balance that nobody has to be trusted for.
//!
//! Invariant: what `verify` returns is what the committee signed.

use crypto::Digest;
use num::Cash;
use tree::Path;
use wire::{AccountId, Committee};

use crate::leaf::{LeafProof, Unproved};

/// An account's leaf of a certified state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BalanceProof {
    pub account: AccountId,
    pub state: LeafProof,
}

impl BalanceProof {
    /// The balance that the committee vouches for, the commit it is of, and the root; `None` as a balance
    /// when there is no such account. `first` is the committee of the genesis of `network`.
    pub fn verify(
        &self,
        network: Digest,
        first: &Committee,
    ) -> Result<(Option<Cash>, u64, Digest), Unproved> {
        let certificate = self.state.verify(Path::of(&self.key()), network, first)?;
        let balance = match self.state.value() {
            None => None,
            Some(leaf) => {
                let amount = leaf.first_chunk().ok_or(Unproved::Malformed { part: "leaf" })?;
                Some(Cash::from_micros(i64::from_be_bytes(*amount)))
            }
        };
        Ok((balance, certificate.commit, certificate.root))
    }

    /// The account's key in the tree: its kind (0), owner and subaccount.
    fn key(&self) -> Vec<u8> {
        [&[0][..], &self.account.owner.0, &self.account.subaccount.to_be_bytes()].concat()
    }
}
