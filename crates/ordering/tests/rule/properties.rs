//! Random DAGs in random causal orders: every validator puts out one sequence, the one the checker derives.

use std::collections::BTreeSet;

use ordering::Vertex;
use proptest::prelude::*;
use wire::{BlockRef, Round};

use crate::{
    checker::{Checker, Verdict, judge},
    dag::Dag,
    run::{Pace, assert_chain, causal_order, compare, counts, deliver, stripped},
    tape::Tape,
    weave::weave,
};

/// A part of the DAG that a validator may hold: without some blocks and without all that refer to them.
fn part(dag: &Dag, tape: &mut Tape) -> Vec<Vertex> {
    let mut lost: BTreeSet<BlockRef> = BTreeSet::new();
    let rare = 1 + tape.below(8);
    let mut held = Vec::new();
    for vertex in &dag.vertices {
        if tape.chance(rare) || vertex.parents.iter().any(|parent| lost.contains(parent)) {
            lost.insert(vertex.reference);
        } else {
            held.push(vertex.clone());
        }
    }
    held
}

fn one_sequence(dag: &Dag, verdict: &Verdict, seed: u64) {
    for delivery in 0..3 {
        compare(dag, verdict, seed + delivery);
    }
    let mut tape = Tape::seeded(seed);
    for _ in 0..2 {
        let held = part(dag, &mut tape);
        let alone = Dag { vertices: held.clone(), ..dag.clone() };
        let order = causal_order(&held, &mut tape);
        let (commits, _) = deliver(&alone, &order, Pace::Now(20), &mut tape);
        assert_chain(&commits, dag);
        let commits = stripped(&commits);
        assert_eq!(commits, judge(&alone).commits, "what is held decides");
        assert!(verdict.commits.starts_with(&commits), "what a part decides is a prefix of what all decides");
    }
}

#[test]
fn every_order_of_every_seed_gives_the_sequence_of_the_checker() {
    let mut seen = [0; 4];
    let mut undecided = 0;
    for seed in 0..300 {
        let dag = weave(&mut Tape::seeded(seed));
        let verdict = judge(&dag);
        one_sequence(&dag, &verdict, seed);
        let counts = counts(&verdict);
        (0..4).for_each(|rule| seen[rule] += counts[rule]);
        undecided += u64::try_from(verdict.slots.len()).unwrap() - counts.iter().sum::<u64>();
    }
    // The woven DAGs must reach every branch of the rule, or the agreement above says little.
    assert!(seen.iter().all(|count| *count > 50) && undecided > 50, "{seen:?} {undecided}");
}

#[test]
fn the_support_vector_is_the_first_block_of_a_depth_first_walk() {
    let mut supported = 0;
    for seed in 1000..1060 {
        let mut dag = weave(&mut Tape::seeded(seed));
        dag.parameters.gc_depth = 1000;
        let (_, ordering) = deliver(&dag, &dag.vertices, Pace::AtTheEnd, &mut Tape::seeded(seed));
        let walk = Checker::new(&dag);
        let distance = u64::from(dag.parameters.wave_length) - 2;
        for block in dag.vertices.iter().map(|vertex| vertex.reference) {
            for round in (block.round.0.saturating_sub(distance).max(1)..block.round.0).map(Round) {
                for author in dag.committee.authors() {
                    let expected = walk.supported(block, author, round);
                    assert_eq!(ordering.supported(&block, author, round), expected, "seed {seed} {block:?}");
                    supported += u32::from(expected.is_some());
                }
            }
        }
    }
    assert!(supported > 10_000, "{supported}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, max_shrink_iters: 4096, ..ProptestConfig::default() })]

    #[test]
    fn every_tape_gives_one_sequence(words in prop::collection::vec(any::<u32>(), 0..1500), seed in 0..1000u64) {
        let dag = weave(&mut Tape::new(words));
        one_sequence(&dag, &judge(&dag), seed);
    }
}
