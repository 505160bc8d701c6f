//! More than f of faulty stake: the rule stops with evidence instead of choosing a side.
//!
//! Invariant: A and B are the culprits of every drawing, C and D never are.

use std::collections::BTreeSet;

use ordering::{Contradiction, Fault};
use wire::{Author, Round};

use crate::{dag::Dag, drawing::draw, run::causal_order, tape::Tape};

const HIDDEN: &str = "1: A A' B C D
    2: A A'[A1' B C D] B[-A] C[-A] D[-A]
    3: A A'[A2' B C D] B[-A] C[-A] D[-A]";

fn fault_of(dag: &Dag, seed: u64) -> Option<Fault> {
    let mut ordering = dag.ordering();
    let mut out = Vec::new();
    for vertex in causal_order(&dag.vertices, &mut Tape::seeded(seed)) {
        ordering.accept(vertex);
        if let Err(fault) = ordering.advance(&mut out) {
            assert_eq!(ordering.advance(&mut out), Err(fault.clone()), "a fault stands");
            return Some(fault);
        }
    }
    None
}

fn check(drawing: &str) -> Contradiction {
    let dag = draw(drawing);
    for seed in 0..20 {
        let Some(Fault::AssumptionBroken { round, author, culprits, .. }) = fault_of(&dag, seed) else {
            panic!("no fault with order {seed}")
        };
        assert_eq!((round, author), (Round(1), Author(0)));
        let authors: BTreeSet<Author> = culprits.iter().map(|(one, _)| one.author).collect();
        assert_eq!(authors, BTreeSet::from([Author(0), Author(1)]));
        for (one, other) in culprits {
            assert_eq!((one.round, one.author), (other.round, other.author));
            assert_ne!(one.digest, other.digest);
        }
    }
    match fault_of(&dag, 0) {
        Some(Fault::AssumptionBroken { contradiction, .. }) => *contradiction,
        None => panic!("no fault"),
    }
}

#[test]
fn certificates_of_two_twins_are_a_fault_with_the_voters_that_signed_both() {
    let contradiction = check(&format!(
        "{HIDDEN}; 4: A A'[A3' B C D] B B'[B A3' C D] C D[D A' B C]; 5: C[C A B D] D[D A' B' C]"
    ));
    let Contradiction::TwinsCertified { blocks, certificates } = contradiction else { panic!("twins") };
    assert_eq!(blocks.map(|block| (block.round, block.author)), [(Round(1), Author(0)); 2]);
    assert_eq!(certificates.map(|block| block.round), [Round(5); 2]);
    assert_ne!(blocks[0], blocks[1]);
}

#[test]
fn a_certificate_against_a_quorum_of_blame_is_a_fault() {
    let contradiction =
        check(&format!("{HIDDEN}; 4: A A'[B C D] B B'[B C D] C D[-A]; 5: C[C A B D] D[D A' B' C]"));
    let Contradiction::BlamedAndCertified { block, certificate } = contradiction else { panic!("blame") };
    assert_eq!((block.round, block.author), (Round(1), Author(0)));
    assert_eq!(certificate.round, Round(5));
}

#[test]
fn what_one_equivocator_can_do_is_no_fault() {
    let twins = "4: A A'[A3' B C D] B C[C A' B D] D[-A]; 5: A[A B C] A'[A' B C] B[B A C] C[C A' B] D[D B C]";
    let dag = draw(&format!("{HIDDEN}; {twins}; 6-10: A B C D"));
    for seed in 0..20 {
        assert_eq!(fault_of(&dag, seed), None);
    }
}

#[test]
fn nothing_is_committed_after_a_fault() {
    let drawing = format!(
        "{HIDDEN}; 4: A A'[A3' B C D] B B'[B A3' C D] C D[D A' B C]; 5: C[C A B D] D[D A' B' C] B; 6-12: B C D"
    );
    let dag = draw(&drawing);
    let mut ordering = dag.ordering();
    dag.vertices.iter().for_each(|vertex| ordering.accept(vertex.clone()));
    let mut out = Vec::new();
    let fault = ordering.advance(&mut out).unwrap_err();
    assert!(out.is_empty());
    assert!(fault.to_string().contains("the fault assumption is broken at slot 0@1"), "{fault}");
}
