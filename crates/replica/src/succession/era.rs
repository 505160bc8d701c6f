//! What everybody knows of one epoch: its committee, its coin's key, and how both came about.
//!
//! Invariant: the era after a change follows from the era before, the change and the key that the ceremony made.

use crypto::{Digest, PublicKey, ThresholdKey};
use wire::{AgreedChange, Author, Committee, Endpoint, SignedCeremonyMessage, Successor};

use crate::ceremony::{Ceremony, Holders, Plan, Receiver, Secrets, Step};

/// One epoch.
#[derive(Clone, Debug)]
pub struct Era {
    pub committee: Committee,
    /// Of the coin. Its public part is the same in all eras. `None` for who has not heard of it yet.
    pub key: Option<ThresholdKey>,
}

/// A committee with the changes that lead to it from the genesis.
#[derive(Clone, Debug)]
pub struct Seats {
    pub committee: Committee,
    pub changes: Vec<AgreedChange>,
}

impl Seats {
    /// Where a validator said that it listens; `None` when it never did.
    pub fn endpoint(&self, key: &PublicKey) -> Option<Endpoint> {
        self.said_of(key, |member| member.endpoint)
    }

    /// Where it said that its worker of a number listens.
    pub fn worker_endpoint(&self, key: &PublicKey, number: u8) -> Option<Endpoint> {
        self.said_of(key, |member| member.workers.get(usize::from(number)).copied())
    }

    fn said_of<T>(&self, key: &PublicKey, what: impl Fn(&Successor) -> Option<T>) -> Option<T> {
        let of_change = |agreed: &AgreedChange| {
            agreed.change.members.iter().find(|member| member.key == *key).and_then(&what)
        };
        self.changes.iter().rev().find_map(of_change)
    }
}

impl Era {
    pub fn epoch(&self) -> u64 {
        self.committee.epoch()
    }

    pub fn author(&self, key: &PublicKey) -> Option<Author> {
        self.committee.author_of(key)
    }

    /// The handing on of this era's key to the committee of an agreed change, if there can be one.
    pub(super) fn handover(
        &self,
        network: Digest,
        agreed: &AgreedChange,
        secrets: Secrets,
    ) -> Option<Handover> {
        let change = &agreed.change;
        let committee = change.committee_after(network, &self.committee).ok()?;
        let receivers =
            change.members.iter().map(|it| Receiver { key: it.key, sealing: it.sealing }).collect();
        let members = self.committee.authors().filter_map(|author| self.committee.key(author)).collect();
        let previous = Some(Holders { key: self.key.clone()?, members });
        let plan = Plan { network, epoch: change.epoch, receivers, previous };
        let ceremony = Ceremony::new(plan, secrets).ok()?;
        Some(Handover { ceremony, committee, agreed: agreed.clone(), statements: Vec::new() })
    }
}

/// How the key goes to the next committee.
#[derive(Debug)]
pub(super) struct Handover {
    pub(super) ceremony: Ceremony,
    pub(super) committee: Committee,
    pub(super) agreed: AgreedChange,
    /// What was ordered and counts, in order.
    pub(super) statements: Vec<SignedCeremonyMessage>,
}

impl Handover {
    /// Takes an ordered statement.
    pub(super) fn take(&mut self, signed: &SignedCeremonyMessage, steps: &mut Vec<Step>) {
        if self.ceremony.said(signed, steps) {
            self.statements.push(signed.clone());
        }
    }

    pub(super) fn with_all<'a>(mut self, said: impl IntoIterator<Item = &'a SignedCeremonyMessage>) -> Self {
        // What is to be done comes of it again when the ceremony speaks.
        let mut steps = Vec::new();
        said.into_iter().for_each(|signed| self.take(signed, &mut steps));
        self
    }
}
