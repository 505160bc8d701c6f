//! Proofs of equivocation on their way into the order.
//!
//! Invariant: whoever knows of a proof carries it in an own block until a commit orders a proof against the same
//! validator, so that one correct validator that knows is enough.

use std::collections::BTreeMap;

use wire::{Author, BlockRef, Equivocation, List, Round, limits::BLOCK_EVIDENCE_MAX};

use super::{Agreement, Output};

/// What is known against validators, one proof each.
#[derive(Debug, Default)]
pub(super) struct Evidence(BTreeMap<Author, Exhibit>);

#[derive(Debug)]
struct Exhibit {
    proof: Equivocation,
    /// The own round that carries it.
    carried: Option<Round>,
    ordered: bool,
}

impl Agreement {
    /// Takes what the DAG found out since the last call.
    pub(super) fn note_convictions(&mut self, out: &mut Vec<Output>) {
        for proof in self.dag.take_convictions() {
            let exhibit = Exhibit { proof, carried: None, ordered: false };
            self.evidence.0.entry(proof.author()).or_insert(exhibit);
            out.push(Output::Equivocation(proof));
        }
    }

    /// The proofs that the own block of `round` carries: those that no own block above the floor carries.
    pub(super) fn take_evidence(&mut self, round: Round) -> List<Equivocation, BLOCK_EVIDENCE_MAX> {
        let floor = self.ordering.floor();
        let is_due = |it: &&mut Exhibit| !it.ordered && it.carried.is_none_or(|carrier| carrier <= floor);
        let due = self.evidence.0.values_mut().filter(is_due).take(BLOCK_EVIDENCE_MAX);
        let taken = due.map(|exhibit| {
            exhibit.carried = Some(round);
            exhibit.proof
        });
        List::new(taken.collect()).unwrap_or_default()
    }

    /// What this ordered block proves need not be carried any more.
    pub(super) fn settle_evidence(&mut self, block: &BlockRef) {
        let Some(it) = self.dag.accepted().get(block) else { return };
        for proof in &it.block.evidence {
            if let Some(exhibit) = self.evidence.0.get_mut(&proof.author()) {
                exhibit.ordered = true;
            }
        }
    }
}
