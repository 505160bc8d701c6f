//! Twins give their author away, wherever they are; and whoever accuses must prove it.

mod support;

use commonware_codec::Encode;
use crypto::Signature;
use dag::{Dag, Fault, ReadBlock};
use num::Timestamp;
use support::{EPOCH, all_of, block, dag, key, rules, sign, stranger, verified};
use wire::{Author, Block, BlockRef, Equivocation, List, Round};

/// A block of `author` in `round`; another `millis` makes a twin.
fn twin(author: u16, round: u64, millis: u64) -> Block {
    Block { timestamp: Timestamp::from_millis(millis), ..block(author, round, all_of(round - 1, author)) }
}

fn insert(dag: &mut Dag, block: Block) {
    dag.insert(verified(block), |_| true, &mut Vec::new());
}

fn signed(block: &Block) -> (BlockRef, Signature) {
    (block.reference(), block.clone().sign(&key(block.author.0)).signature)
}

fn proof(author: u16) -> Equivocation {
    let (one, other) = (signed(&twin(author, 5, 1)), signed(&twin(author, 5, 2)));
    Equivocation::new(EPOCH, one, other).expect("two blocks of one round")
}

#[test]
fn twins_convict_their_author_whether_they_are_accepted_or_wait() {
    for round in [1, 5] {
        let mut dag = dag();
        insert(&mut dag, twin(1, round, 1));
        assert_eq!(dag.take_convictions(), []);
        insert(&mut dag, twin(1, round, 2));
        let [proof] = dag.take_convictions()[..] else { panic!("round {round}: one proof is expected") };
        assert!(proof.verify(&rules().committee));
        assert_eq!((proof.author(), proof.round()), (Author(1), Round(round)));
        assert_eq!(dag.conviction(Author(1)), Some(&proof));
    }
}

#[test]
fn an_honest_author_and_the_same_block_twice_convict_nobody() {
    let mut dag = dag();
    for (author, round) in [(1, 1), (1, 1), (2, 1), (1, 2), (1, 2)] {
        insert(&mut dag, twin(author, round, 1));
    }
    assert_eq!(dag.take_convictions(), []);
}

#[test]
fn one_proof_an_author_is_kept_for_ever() {
    let mut dag = dag();
    for millis in 0..50 {
        insert(&mut dag, twin(1, 1, millis));
        insert(&mut dag, twin(1, 5, millis));
    }
    let first = dag.take_convictions();
    assert_eq!(first.len(), 1, "{first:?}");
    dag.set_floor(Round(20), &mut Vec::new());
    insert(&mut dag, twin(1, 22, 1));
    insert(&mut dag, twin(1, 22, 2));
    assert_eq!(dag.take_convictions(), []);
    assert_eq!(dag.conviction(Author(1)), first.first());
}

#[test]
fn what_another_proves_is_learnt_from_its_block() {
    let mut dag = dag();
    let evidence = List::new(vec![proof(3)]).expect("one");
    insert(&mut dag, Block { evidence, ..twin(1, 1, 1) });
    assert_eq!(dag.take_convictions(), [proof(3)]);
}

#[test]
fn a_block_with_evidence_that_does_not_hold_is_a_fault_of_its_author() {
    let with = |evidence: Vec<Equivocation>| {
        let evidence = List::new(evidence).expect("few");
        let block = Block { evidence, ..block(1, 20, all_of(19, 1)) };
        ReadBlock::read(sign(block)).and_then(|read| rules().verify(read)).err()
    };
    let invented = |author: u16| {
        let forged = |name| {
            let reference = BlockRef { digest: crypto::Digest([name; 32]), ..stranger(5, author) };
            (reference, signed(&twin(2, 5, 1)).1)
        };
        Equivocation::new(EPOCH, forged(1), forged(2)).expect("two references")
    };
    assert_eq!(with(vec![proof(2)]), None);
    assert_eq!(with(vec![proof(0), proof(1), proof(3)]), None, "even against itself");
    let fault = |author| Some(Fault::Evidence { author: Author(author) });
    assert_eq!(with(vec![invented(3)]), fault(3));
    assert_eq!(with(vec![proof(2), invented(3)]), fault(3));
    assert_eq!(with(vec![proof(2), proof(2)]), fault(2), "once is enough");
    assert_eq!(with(vec![proof(3), proof(2)]), fault(2), "by author");
    assert_eq!(with(vec![invented(4)]), fault(4), "a stranger");
}

#[test]
fn evidence_of_a_forged_block_is_not_even_looked_at() {
    let block = Block { evidence: List::new(vec![proof(2)]).expect("one"), ..block(1, 20, all_of(19, 1)) };
    let forged = block.sign(&key(2)).encode();
    let fault = ReadBlock::read(forged).and_then(|read| rules().verify(read)).err();
    assert_eq!(fault, Some(Fault::Signature));
}
