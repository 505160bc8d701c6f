//! What a commit's transactions say, and whether they are signed well.
//!
//! Invariant: reading needs no state, so that another thread can read the next commit while one is applied. All
//! signatures of a commit are verified as one batch.

use crypto::{Claim, Digest, verify_batch};
use wire::{CommittedPayload, IntentId, SignedIntent, Transaction};

/// A commit's transactions as they read.
#[derive(Debug, Default)]
pub struct Reading {
    /// In the order in which they came.
    pub(crate) candidates: Vec<Candidate>,
    /// Transactions that are no intents, by the digests of their bytes.
    pub(crate) malformed: Vec<IntentId>,
}

/// A transaction that is an intent.
#[derive(Debug)]
pub(crate) struct Candidate {
    pub id: IntentId,
    pub signed: SignedIntent,
    /// The block it came in, by its place in the commit.
    pub block: usize,
    /// False until `verify` has said otherwise.
    pub is_signed_well: bool,
}

impl Reading {
    pub fn of(payload: &CommittedPayload) -> Self {
        let mut reading = Self::default();
        for (block, it) in payload.blocks.iter().enumerate() {
            it.transactions.iter().for_each(|transaction| reading.read(block, transaction));
        }
        verify(&mut reading.candidates);
        reading
    }

    fn read(&mut self, block: usize, transaction: &Transaction) {
        if let Ok(signed) = SignedIntent::from_transaction(transaction.bytes().clone()) {
            let id = signed.intent.id();
            self.candidates.push(Candidate { id, signed, block, is_signed_well: false });
        } else {
            self.malformed.push(IntentId(Digest::of("clockless malformed transaction 2026", transaction)));
        }
    }
}

/// Looks at all signatures at once.
fn verify(candidates: &mut [Candidate]) {
    let claims: Vec<Claim<'_>> = candidates.iter().map(|it| it.signed.claim(&it.id)).collect();
    let verdicts = verify_batch(&claims);
    for (candidate, verdict) in candidates.iter_mut().zip(verdicts) {
        candidate.is_signed_well = verdict;
    }
}
