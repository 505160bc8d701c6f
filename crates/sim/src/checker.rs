//! What every run must show, restated from the promises and not from the code under test.
//!
//! Agreement: no two correct validators see different commits at an index. Total order: a validator sees 1, 2,
//! 3, ... again after each restart. Integrity: no block is ordered twice, no transaction is twice in blocks of
//! correct validators, and a correct validator's block was made by it. Validity: what a correct validator
//! accepted is ordered, and is called final only then. Accusations: nobody correct is blamed, and whoever breaks
//! a rule that can be seen is. Prefix: once the network is fair, a leader is ordered soon after its round.
//!
//! Invariant: what a faulty validator claims to have seen counts for nothing.

use std::collections::{BTreeMap, BTreeSet};

use crypto::Digest;
use wire::{Author, BlockRef, CommittedPayload, Round};

use crate::adversary::Demand;

/// A broken promise, with what broke it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    Disagreement {
        index: u64,
        author: Author,
    },
    RootsDiffer {
        index: u64,
        author: Author,
    },
    Gap {
        author: Author,
        have: u64,
        need: u64,
    },
    OrderedTwice {
        block: BlockRef,
    },
    TransactionTwice {
        transaction: Digest,
    },
    NeverMade {
        block: BlockRef,
    },
    Lost {
        accepted_by: Author,
        transaction: Digest,
    },
    FinalWithoutOrder {
        author: Author,
        transaction: Digest,
    },
    /// A correct validator was blamed.
    Accused {
        accuser: Author,
        accused: Author,
    },
    /// A faulty validator got away with what can be seen.
    NotAccused {
        author: Author,
    },
    NotConvicted {
        author: Author,
    },
    /// Rounds between the last ordered leader and the highest block, when all had been well for a while.
    UndecidedPrefix {
        have: u64,
        need: u64,
    },
    Halted {
        author: Author,
        reason: String,
    },
    Invariant {
        author: Author,
        index: u64,
        reason: String,
    },
}

/// Everything observed in a run.
#[derive(Debug, Default)]
pub struct Checker {
    faulty: BTreeSet<Author>,
    /// Lost their disk: they count among the f that may contradict themselves, and see what the others see.
    forgetful: BTreeSet<Author>,
    /// What the first validator to see an index saw there.
    commits: BTreeMap<u64, Digest>,
    roots: BTreeMap<u64, Digest>,
    next: BTreeMap<Author, u64>,
    made: BTreeSet<BlockRef>,
    highest: Round,
    last_leader: Round,
    ordered_blocks: BTreeSet<BlockRef>,
    ordered_transactions: BTreeSet<Digest>,
    /// In blocks of correct validators.
    ordered_honestly: BTreeSet<Digest>,
    accepted: BTreeMap<Digest, Author>,
    outstanding: BTreeSet<Digest>,
    accused: BTreeSet<Author>,
    convicted: BTreeSet<Author>,
    problems: Vec<Problem>,
}

impl Checker {
    /// A checker of a run in which these validators are faulty.
    pub fn new(faulty: impl IntoIterator<Item = Author>) -> Self {
        Self { faulty: faulty.into_iter().collect(), ..Self::default() }
    }

    fn trusts(&self, author: Author) -> bool {
        !self.faulty.contains(&author)
    }

    /// `author` of the reference made this block.
    pub fn made(&mut self, block: BlockRef) {
        self.made.insert(block);
        if self.trusts(block.author) {
            self.highest = self.highest.max(block.round);
        }
    }

    pub fn accepted(&mut self, author: Author, transaction: Digest) {
        if self.trusts(author) {
            self.accepted.insert(transaction, author);
            if !self.ordered_transactions.contains(&transaction) {
                self.outstanding.insert(transaction);
            }
        }
    }

    /// A validator goes on after a commit: from its log, or from a snapshot.
    pub fn goes_on(&mut self, author: Author, after: u64) {
        self.next.insert(author, after + 1);
    }

    /// A validator lost its disk, and with it what it accepted and nobody has ordered yet.
    pub fn disk_lost(&mut self, author: Author) {
        self.forgetful.insert(author);
        let ordered = &self.ordered_transactions;
        self.accepted.retain(|transaction, by| *by != author || ordered.contains(transaction));
        let accepted = &self.accepted;
        self.outstanding.retain(|transaction| accepted.contains_key(transaction));
    }

    pub fn committed(&mut self, author: Author, payload: &CommittedPayload) {
        if !self.trusts(author) {
            return;
        }
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
                self.first_seen(author, payload);
            }
        }
    }

    pub fn executed(&mut self, author: Author, index: u64, root: Digest) {
        if self.trusts(author) && *self.roots.entry(index).or_insert(root) != root {
            self.report(Problem::RootsDiffer { index, author });
        }
    }

    pub fn finalized(&mut self, author: Author, transaction: Digest) {
        if self.trusts(author) && !self.ordered_transactions.contains(&transaction) {
            self.report(Problem::FinalWithoutOrder { author, transaction });
        }
    }

    /// A validator blames another for a broken rule.
    pub fn accused(&mut self, accuser: Author, accused: Author) {
        if !self.trusts(accuser) {
            return;
        }
        if self.trusts(accused) && !self.forgetful.contains(&accused) {
            self.report(Problem::Accused { accuser, accused });
        }
        self.accused.insert(accused);
    }

    /// A validator says that it cannot go on.
    pub fn halted(&mut self, author: Author, reason: String) {
        if self.trusts(author) {
            self.report(Problem::Halted { author, reason });
        }
    }

    /// A validator's execution broke one of its own promises.
    pub fn invariant_broken(&mut self, author: Author, index: u64, reason: String) {
        if self.trusts(author) {
            self.report(Problem::Invariant { author, index, reason });
        }
    }

    fn report(&mut self, problem: Problem) {
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

    /// Whether every correct validator has seen nearly all that somebody saw.
    pub fn is_level(&self, authors: impl Iterator<Item = Author>) -> bool {
        let height = self.height();
        authors.filter(|author| self.trusts(*author)).all(|author| self.height_of(author) + 40 > height)
    }

    /// Accepted transactions that no commit orders yet.
    pub fn outstanding(&self) -> usize {
        self.outstanding.len()
    }

    pub fn ordered(&self) -> usize {
        self.ordered_transactions.len()
    }

    /// How many validators a correct one blamed.
    pub fn accusations(&self) -> usize {
        self.accused.len()
    }

    /// Rounds from the last ordered leader's to the highest that a correct validator reached. The first undecided
    /// slot lies behind that leader, so its depth is no more.
    pub fn undecided_rounds(&self) -> u64 {
        self.highest.0.saturating_sub(self.last_leader.0)
    }

    /// The network has been fair for long enough: so many rounds at most may be undecided.
    pub fn check_prefix(&mut self, need: u64) {
        let have = self.undecided_rounds();
        if have > need {
            self.report(Problem::UndecidedPrefix { have, need });
        }
    }

    /// The verdict at the end of a run.
    pub fn finish(mut self, demand: Demand) -> Vec<Problem> {
        for (transaction, accepted_by) in core::mem::take(&mut self.accepted) {
            if !self.ordered_transactions.contains(&transaction) {
                self.report(Problem::Lost { accepted_by, transaction });
            }
        }
        for author in self.faulty.clone() {
            match demand {
                Demand::Accusation if !self.accused.contains(&author) => {
                    self.report(Problem::NotAccused { author });
                }
                Demand::Conviction if !self.convicted.contains(&author) => {
                    self.report(Problem::NotConvicted { author });
                }
                Demand::Nothing | Demand::Accusation | Demand::Conviction => {}
            }
        }
        self.problems
    }

    fn first_seen(&mut self, author: Author, payload: &CommittedPayload) {
        self.last_leader = self.last_leader.max(payload.commit.leader.round);
        for block in &payload.blocks {
            let reference = block.reference;
            if !self.ordered_blocks.insert(reference) {
                self.report(Problem::OrderedTwice { block: reference });
            }
            let honest = self.trusts(reference.author);
            if honest && !self.made.contains(&reference) {
                self.report(Problem::NeverMade { block: reference });
            }
            for proof in &block.evidence {
                self.accused(author, proof.author());
                self.convicted.insert(proof.author());
            }
            for transaction in &block.transactions {
                let transaction = digest_of(transaction);
                self.ordered_transactions.insert(transaction);
                self.outstanding.remove(&transaction);
                if honest && !self.ordered_honestly.insert(transaction) {
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
