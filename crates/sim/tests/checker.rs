//! The checker itself: every broken promise is reported, and a good run is not.

use crypto::{CoinValue, Digest};
use num::Timestamp;
use sim::{Checker, Problem, adversary::Demand, digest_of};
use wire::{Author, BlockRef, Commit, CommittedBlock, CommittedPayload, List, Round, Transaction};

const FAULTY: Author = Author(3);

fn checker() -> Checker {
    Checker::new([FAULTY])
}

fn block(round: u64, author: u16, name: u8) -> BlockRef {
    BlockRef { round: Round(round), author: Author(author), digest: Digest([name; 32]) }
}

/// A commit of one block with one transaction.
fn commit(index: u64, reference: BlockRef, transaction: &str) -> CommittedPayload {
    let transactions = Transaction::new(transaction.as_bytes().to_vec()).into_iter().collect();
    let block = CommittedBlock {
        reference,
        parents: List::default(),
        transactions: List::new(transactions).expect("few"),
        attestations: List::default(),
        evidence: List::default(),
    };
    let commit = Commit {
        index,
        previous: Digest::ZERO,
        leader: reference,
        time: Timestamp::ZERO,
        coin: CoinValue([0; 48]),
        blocks: List::new(vec![reference]).expect("few"),
    };
    CommittedPayload { commit, blocks: List::new(vec![block]).expect("few") }
}

fn name(transaction: &str) -> Digest {
    digest_of(transaction.as_bytes())
}

/// What a checker says after it has seen this.
fn verdict(happens: impl FnOnce(&mut Checker)) -> Vec<Problem> {
    let mut checker = checker();
    happens(&mut checker);
    checker.finish(Demand::Nothing)
}

#[test]
fn a_good_run_is_good() {
    let problems = verdict(|it| {
        it.made(block(1, 0, 1));
        it.accepted(Author(0), name("a"));
        for author in [0, 1, 2] {
            it.committed(Author(author), &commit(1, block(1, 0, 1), "a"));
            it.executed(Author(author), 1, Digest([7; 32]));
        }
        it.finalized(Author(0), name("a"));
        it.goes_on(Author(1), 0);
        it.committed(Author(1), &commit(1, block(1, 0, 1), "a"));
        it.accused(Author(0), FAULTY);
        it.check_prefix(5);
    });
    assert_eq!(problems, []);
}

#[test]
fn every_broken_promise_about_the_order_is_reported() {
    let (first, second) = (block(1, 0, 1), block(2, 1, 2));
    let made = |it: &mut Checker| [first, second].into_iter().for_each(|block| it.made(block));
    let (zero, one) = (Author(0), Author(1));
    let seen = |it: &mut Checker, author, index, block, transaction: &str| {
        it.committed(author, &commit(index, block, transaction));
    };
    let cases: Vec<(Vec<Problem>, Problem)> = vec![
        (
            verdict(|it| {
                made(it);
                seen(it, zero, 1, first, "a");
                seen(it, one, 1, second, "b");
            }),
            Problem::Disagreement { index: 1, author: one },
        ),
        (
            verdict(|it| {
                made(it);
                seen(it, zero, 2, first, "a");
            }),
            Problem::Gap { author: zero, have: 2, need: 1 },
        ),
        (
            verdict(|it| {
                made(it);
                seen(it, zero, 1, first, "a");
                seen(it, zero, 2, first, "b");
            }),
            Problem::OrderedTwice { block: first },
        ),
        (
            verdict(|it| {
                made(it);
                seen(it, zero, 1, first, "a");
                seen(it, zero, 2, second, "a");
            }),
            Problem::TransactionTwice { transaction: name("a") },
        ),
    ];
    for (problems, expected) in cases {
        assert_eq!(problems, [expected]);
    }
}

#[test]
fn every_other_broken_promise_is_reported() {
    let first = block(1, 0, 1);
    let (zero, one) = (Author(0), Author(1));
    let seen = |it: &mut Checker, author, index, block, transaction: &str| {
        it.committed(author, &commit(index, block, transaction));
    };
    let cases: Vec<(Vec<Problem>, Problem)> = vec![
        (verdict(|it| seen(it, zero, 1, first, "a")), Problem::NeverMade { block: first }),
        (
            verdict(|it| it.accepted(zero, name("a"))),
            Problem::Lost { accepted_by: zero, transaction: name("a") },
        ),
        (
            verdict(|it| it.finalized(zero, name("a"))),
            Problem::FinalWithoutOrder { author: zero, transaction: name("a") },
        ),
        (verdict(|it| it.accused(zero, one)), Problem::Accused { accuser: zero, accused: one }),
        (
            verdict(|it| {
                it.executed(zero, 1, Digest([1; 32]));
                it.executed(one, 1, Digest([2; 32]));
            }),
            Problem::RootsDiffer { index: 1, author: one },
        ),
        (
            verdict(|it| it.halted(zero, "so".to_owned())),
            Problem::Halted { author: zero, reason: "so".to_owned() },
        ),
        (
            verdict(|it| it.invariant_broken(zero, 3, "so".to_owned())),
            Problem::Invariant { author: zero, index: 3, reason: "so".to_owned() },
        ),
        (
            verdict(|it| {
                it.made(first);
                it.made(block(9, 0, 9));
                seen(it, zero, 1, first, "a");
                it.check_prefix(7);
            }),
            Problem::UndecidedPrefix { have: 8, need: 7 },
        ),
    ];
    for (problems, expected) in cases {
        assert_eq!(problems, [expected]);
    }
}

#[test]
fn what_a_faulty_validator_claims_counts_for_nothing() {
    let problems = verdict(|it| {
        it.made(block(1, 0, 1));
        it.committed(Author(0), &commit(1, block(1, 0, 1), "a"));
        it.committed(FAULTY, &commit(1, block(5, 2, 9), "other"));
        it.committed(FAULTY, &commit(7, block(1, 0, 1), "a"));
        it.executed(FAULTY, 1, Digest([9; 32]));
        it.executed(Author(0), 1, Digest([1; 32]));
        it.accepted(FAULTY, name("never ordered"));
        it.finalized(FAULTY, name("never ordered"));
        it.accused(FAULTY, Author(0));
        it.halted(FAULTY, "so".to_owned());
        it.made(block(1_000, FAULTY.0, 4));
        it.check_prefix(0);
    });
    assert_eq!(problems, []);
}

#[test]
fn blocks_of_a_faulty_validator_may_repeat_transactions_and_never_a_block() {
    let problems = verdict(|it| {
        it.committed(Author(0), &commit(1, block(1, FAULTY.0, 1), "a"));
        it.committed(Author(0), &commit(2, block(2, FAULTY.0, 2), "a"));
        it.committed(Author(0), &commit(3, block(2, FAULTY.0, 2), "b"));
    });
    assert_eq!(problems, [Problem::OrderedTwice { block: block(2, FAULTY.0, 2) }]);
}

#[test]
fn who_must_be_accused_or_convicted_and_is_not_is_reported() {
    assert_eq!(checker().finish(Demand::Accusation), [Problem::NotAccused { author: FAULTY }]);
    assert_eq!(checker().finish(Demand::Conviction), [Problem::NotConvicted { author: FAULTY }]);
    let mut accused = checker();
    accused.accused(FAULTY, FAULTY);
    assert_eq!(accused.finish(Demand::Accusation), [Problem::NotAccused { author: FAULTY }]);
    let mut accused = checker();
    accused.accused(Author(0), FAULTY);
    assert_eq!(accused.accusations(), 1);
    assert_eq!(accused.finish(Demand::Accusation), []);
}
