//! What every run must show, restated from the promises and not from the code under test.
//!
//! Agreement: no two validators see different commits at an index. Total order: a validator sees 1, 2, 3,
//! ... again after each restart. Integrity: no block is ordered twice, no transaction is ordered twice.
//! Validity: every ordered block was made by its author. No loss: what a validator accepted is ordered.
//! Progress: all of that happens before the run's end.

use std::collections::{BTreeMap, BTreeSet};

use crypto::Digest;
use wire::{Author, BlockRef, CommittedPayload};

/// A broken promise, with what broke it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    Disagreement { index: u64, author: Author },
    RootsDiffer { index: u64, author: Author },
    Gap { author: Author, have: u64, need: u64 },
    OrderedTwice { block: BlockRef },
    TransactionTwice { transaction: Digest },
    NeverMade { block: BlockRef },
    Lost { accepted_by: Author, transaction: Digest },
    FinalWithoutOrder { author: Author, transaction: Digest },
    Accused { accuser: Author, accused: Author },
    Halted { author: Author, reason: String },
    Invariant { author: Author, index: u64, reason: String },
}

/// Everything observed in a run.
#[derive(Debug, Default)]
pub struct Checker {
    /// What the first validator to see an index saw there.
    commits: BTreeMap<u64, Digest>,
    roots: BTreeMap<u64, Digest>,
    next: BTreeMap<Author, u64>,
    made: BTreeSet<BlockRef>,
    ordered_blocks: BTreeSet<BlockRef>,
    ordered_transactions: BTreeSet<Digest>,
    accepted: BTreeMap<Digest, Author>,
    problems: Vec<Problem>,
}

impl Checker {
    pub fn made(&mut self, block: BlockRef) {
        self.made.insert(block);
    }

    pub fn accepted(&mut self, author: Author, transaction: Digest) {
        self.accepted.insert(transaction, author);
    }

    /// A validator goes on after a commit: from its log, or from a snapshot.
    pub fn goes_on(&mut self, author: Author, after: u64) {
        self.next.insert(author, after + 1);
    }

    pub fn committed(&mut self, author: Author, payload: &CommittedPayload) {
        let index = payload.commit.index;
        let need = self.next.get(&author).copied().unwrap_or(1);
        if index != need {
            self.report(Problem::Gap { author, have: index, need });
        }
        self.next.insert(author, index + 1);
        let digest = payload.commit.digest();
        match self.commits.get(&index) {
            Some(first) if *first != digest => self.report(Problem::Disagreement { index, author }),
            Some(_) => {}
            None => {
                self.commits.insert(index, digest);
                self.first_seen(payload);
            }
        }
    }

    pub fn executed(&mut self, author: Author, index: u64, root: Digest) {
        if *self.roots.entry(index).or_insert(root) != root {
            self.report(Problem::RootsDiffer { index, author });
        }
    }

    pub fn finalized(&mut self, author: Author, transaction: Digest) {
        if !self.ordered_transactions.contains(&transaction) {
            self.report(Problem::FinalWithoutOrder { author, transaction });
        }
    }

    pub fn report(&mut self, problem: Problem) {
        self.problems.push(problem);
    }

    /// Commits that somebody saw.
    pub fn height(&self) -> u64 {
        self.commits.last_key_value().map_or(0, |(index, _)| *index)
    }

    /// Commits that `author` has seen since its last start.
    pub fn height_of(&self, author: Author) -> u64 {
        self.next.get(&author).map_or(0, |next| next - 1)
    }

    /// Accepted transactions that no commit orders yet.
    pub fn outstanding(&self) -> usize {
        self.accepted.keys().filter(|transaction| !self.ordered_transactions.contains(*transaction)).count()
    }

    pub fn ordered(&self) -> usize {
        self.ordered_transactions.len()
    }

    /// The verdict at the end of a run.
    pub fn finish(mut self) -> Vec<Problem> {
        for (transaction, accepted_by) in core::mem::take(&mut self.accepted) {
            if !self.ordered_transactions.contains(&transaction) {
                self.report(Problem::Lost { accepted_by, transaction });
            }
        }
        self.problems
    }

    fn first_seen(&mut self, payload: &CommittedPayload) {
        for block in &payload.blocks {
            if !self.ordered_blocks.insert(block.reference) {
                self.report(Problem::OrderedTwice { block: block.reference });
            }
            if !self.made.contains(&block.reference) {
                self.report(Problem::NeverMade { block: block.reference });
            }
            for transaction in &block.transactions {
                let transaction = digest_of(transaction);
                if !self.ordered_transactions.insert(transaction) {
                    self.report(Problem::TransactionTwice { transaction });
                }
            }
        }
    }
}

/// How the checker names a transaction.
pub fn digest_of(transaction: &[u8]) -> Digest {
    Digest::of("clockless sim transaction", transaction)
}
