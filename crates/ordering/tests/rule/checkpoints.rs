//! Taken up at a checkpoint, with the blocks above its floor, the rule puts out what it would have without.
//!
//! Invariant: the comparison is with the same rule over the whole DAG, in other orders and at other paces.

use ordering::{Decision, Vertex};
use wire::{Checkpoint, Commit, Round};

use crate::{
    dag::Dag,
    run::{Pace, causal_order, commits_of},
    tape::Tape,
    weave::weave,
};

/// Everything that is decided, from the start or from a checkpoint.
fn decisions(dag: &Dag, from: Option<&Checkpoint>, pace: Pace, tape: &mut Tape) -> Vec<Decision> {
    let mut ordering = dag.ordering();
    let mut floor = Round(0);
    if let Some(checkpoint) = from {
        ordering.resume(checkpoint);
        floor = checkpoint.floor;
    }
    let above: Vec<Vertex> = dag.vertices.iter().filter(|it| it.reference.round > floor).cloned().collect();
    let mut decisions = Vec::new();
    for vertex in causal_order(&above, tape) {
        ordering.accept(vertex);
        if !matches!(pace, Pace::AtTheEnd) {
            ordering.advance(&mut decisions).unwrap();
        }
    }
    ordering.advance(&mut decisions).unwrap();
    decisions
}

fn checkpoints(decisions: &[Decision]) -> Vec<Checkpoint> {
    let checkpoint = |it: &Decision| match it {
        Decision::Checkpoint(checkpoint) => Some(checkpoint.clone()),
        _ => None,
    };
    decisions.iter().filter_map(checkpoint).collect()
}

fn after(commits: &[Commit], checkpoint: &Checkpoint) -> Vec<Commit> {
    commits.iter().filter(|commit| commit.index > checkpoint.index).cloned().collect()
}

#[test]
fn the_rule_goes_on_from_every_checkpoint_as_if_it_had_seen_everything() {
    let (mut resumed, mut went_on, mut with_ordered) = (0, 0, 0);
    for seed in 0..300 {
        let dag = weave(&mut Tape::seeded(seed));
        let mut tape = Tape::seeded(seed);
        let whole = decisions(&dag, None, Pace::EveryBlock, &mut tape);
        let (commits, all) = (commits_of(whole.clone()), checkpoints(&whole));
        for checkpoint in &all {
            let again = decisions(&dag, Some(checkpoint), Pace::EveryBlock, &mut tape);
            let rest = after(&commits, checkpoint);
            assert_eq!(commits_of(again.clone()), rest, "seed {seed}, checkpoint {checkpoint:?}");
            let later: Vec<Checkpoint> =
                all.iter().filter(|it| it.index > checkpoint.index).cloned().collect();
            assert_eq!(checkpoints(&again), later, "checkpoints after one are the same too");
            resumed += 1;
            went_on += usize::from(!rest.is_empty());
            with_ordered += usize::from(!checkpoint.ordered.is_empty());
        }
    }
    assert!(resumed > 200 && went_on > 100 && with_ordered > 100, "{resumed} {went_on} {with_ordered}");
}

#[test]
fn a_checkpoint_lies_at_the_same_commits_whatever_the_order_of_delivery() {
    for seed in 0..100 {
        let dag = weave(&mut Tape::seeded(seed));
        let mut tape = Tape::seeded(seed + 1);
        let first = checkpoints(&decisions(&dag, None, Pace::EveryBlock, &mut tape));
        let at_once = checkpoints(&decisions(&dag, None, Pace::AtTheEnd, &mut tape));
        assert_eq!(first, at_once, "seed {seed}");
    }
}
