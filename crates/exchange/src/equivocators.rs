//! Validators that are proved to have signed two blocks for one round, for whoever slashes them.
//!
//! Invariant: the first ordered proof against a validator of an epoch is kept, told as an event and committed to
//! by the root, exactly once; later ones change nothing. The proof was checked before its block was accepted.

use wire::{Author, CommittedPayload, Equivocation, Event};

use crate::state::State;

impl State {
    pub(crate) fn take_evidence(&mut self, payload: &CommittedPayload) {
        for proof in payload.blocks.iter().flat_map(|block| block.evidence.iter()) {
            let (epoch, author, round) = (proof.epoch(), proof.author(), proof.round());
            if self.equivocators.contains_key(&(epoch, author)) {
                continue;
            }
            self.equivocators.insert((epoch, author), *proof);
            self.touched.equivocators.insert((epoch, author));
            self.emit(Event::Equivocated { epoch, author, round });
        }
    }

    /// The proof against a validator of an epoch, when one was ordered.
    pub fn equivocation(&self, epoch: u64, author: Author) -> Option<&Equivocation> {
        self.equivocators.get(&(epoch, author))
    }

    /// Every validator with a proof against it, by epoch and place.
    pub fn equivocations(&self) -> impl Iterator<Item = &Equivocation> {
        self.equivocators.values()
    }
}
