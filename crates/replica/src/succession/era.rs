//! What everybody knows of one epoch: its committee and its coin's key.
//!
//! Invariant: the era after a change follows from the era before, the change and the key that the ceremony made.

use crypto::{Digest, PublicKey, SealingKey, ThresholdKey};
use wire::{Author, Committee, SignedCommitteeChange};

use crate::ceremony::{Holders, Plan, Receiver};

/// One epoch.
#[derive(Clone, Debug)]
pub struct Era {
    pub committee: Committee,
    /// Of the members, in their order.
    pub sealing: Vec<SealingKey>,
    /// Of the coin. Its public part is the same in all eras.
    pub key: ThresholdKey,
}

impl Era {
    pub fn epoch(&self) -> u64 {
        self.committee.epoch()
    }

    pub fn author(&self, key: &PublicKey) -> Option<Author> {
        self.committee.author_of(key)
    }

    /// The ceremony by which this era's key goes to the committee of `change`, if that is its successor by the word
    /// of `governance`.
    pub(super) fn plan(
        &self,
        network: Digest,
        governance: &PublicKey,
        signed: &SignedCommitteeChange,
    ) -> Option<Next> {
        let change = &signed.change;
        if change.network != network || change.epoch != self.epoch() + 1 || !signed.verify(governance) {
            return None;
        }
        let committee = change.committee().ok()?;
        let receivers =
            change.members.iter().map(|it| Receiver { key: it.key, sealing: it.sealing }).collect();
        let members = self.committee.authors().filter_map(|author| self.committee.key(author)).collect();
        let previous = Some(Holders { key: self.key.clone(), members });
        let sealing = change.members.iter().map(|it| it.sealing).collect();
        Some(Next { plan: Plan { network, epoch: change.epoch, receivers, previous }, committee, sealing })
    }
}

/// An epoch to come.
#[derive(Clone, Debug)]
pub(super) struct Next {
    pub(super) plan: Plan,
    pub(super) committee: Committee,
    pub(super) sealing: Vec<SealingKey>,
}

impl Next {
    pub(super) fn with(self, key: ThresholdKey) -> Era {
        Era { committee: self.committee, sealing: self.sealing, key }
    }
}
