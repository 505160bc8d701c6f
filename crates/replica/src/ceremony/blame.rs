//! A dealer's lie, for everybody to check.
//!
//! Invariant: no set of statements that an honest dealer or receiver signed makes a blame that holds.

use std::collections::BTreeMap;

use crypto::{Digest, Terms};
use wire::{SignedCeremonyMessage, Statement};

use super::{
    Plan,
    dealt::{Dealt, Progress, parts_of},
};

/// A dealer, and what proves that its dealing was nonsense for somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blame {
    /// By its place among the dealers.
    pub dealer: u16,
    /// The dealer's own statements, and a receiver's complaint when those alone do not show it.
    pub evidence: Vec<SignedCeremonyMessage>,
}

impl Blame {
    /// Whether the evidence shows it, to somebody who knows nothing but the plan.
    pub fn holds(&self, plan: &Plan) -> bool {
        let Ok(terms) = plan.terms() else { return false };
        let id = plan.digest();
        let mut dealt = BTreeMap::new();
        let told = |signed: &SignedCeremonyMessage| {
            signed.message.ceremony == id && signed.verify() && self.tell(signed, (plan, &terms), &mut dealt)
        };
        self.evidence.iter().all(told) && dealt.values().any(|dealt| dealt.progress == Progress::Out)
    }

    /// Takes one piece of evidence; whether it belongs here.
    fn tell(
        &self,
        signed: &SignedCeremonyMessage,
        (plan, terms): (&Plan, &Terms),
        dealt: &mut BTreeMap<Digest, Dealt>,
    ) -> bool {
        let sender = &signed.message.sender;
        match &signed.message.statement {
            Statement::Part { dealing, part, parts, .. } => {
                let dealt = dealt.entry(*dealing).or_insert_with(|| Dealt::new(*dealing, terms));
                dealt.add_part(*part, signed.clone(), terms, self.dealer);
                plan.dealer(sender) == Some(self.dealer) && *parts == parts_of(terms)
            }
            Statement::Complaint { dealing, opening } => {
                let accused = dealt.get_mut(dealing).zip(plan.receiver(sender));
                let complaint = accused
                    .map(|(dealt, receiver)| dealt.complain((receiver, opening), signed, terms, self.dealer));
                complaint.is_some()
            }
            Statement::Acknowledgement { .. } | Statement::Help { .. } => false,
        }
    }
}
