//! Feeds a DAG to the rule and compares what comes out with what a drawing or the checker expects.
//!
//! Invariant: each comparison runs the rule over the whole DAG at once and block by block in several orders.

use std::collections::{BTreeMap, BTreeSet};

use crypto::Digest;
use ordering::{Decision, Metrics, Ordering, Vertex};
use wire::{BlockRef, Commit};

use crate::{
    checker::{Expected, Fate, Verdict, judge},
    dag::{Dag, name},
    drawing::draw,
    tape::Tape,
};

/// How often a validator looks at what it holds.
#[derive(Clone, Copy, Debug)]
pub enum Pace {
    EveryBlock,
    AtTheEnd,
    /// After about this percentage of blocks.
    Now(usize),
}

/// Checks a drawing. The first line of `expected` names the slots of all revealed rounds: `+A1` directly
/// committed, `-A1` directly skipped, `~+A1` and `~-A1` indirectly, `?A1` undecided. Further lines, if any,
/// are all commits: leader, time in ms, blocks.
pub fn check(drawing: &str, expected: &str) {
    let dag = draw(drawing);
    let verdict = judge(&dag);
    let names = dag.names();
    let mut lines = expected.lines().map(str::trim).filter(|line| !line.is_empty());
    assert_eq!(
        slots_text(&verdict, &names),
        lines.next().unwrap_or_default(),
        "slots of the checker\n{drawing}"
    );

    let (commits, ordering) = deliver(&dag, &dag.vertices, Pace::AtTheEnd, &mut Tape::new(Vec::new()));
    let lines: Vec<&str> = lines.collect();
    let have: Vec<String> = commits.iter().map(|commit| commit_text(commit, &names)).collect();
    assert!(lines.is_empty() || have == lines, "commits of the rule\n{drawing}\n{}", have.join("\n"));
    assert_eq!(commits.len(), verdict.commits.len(), "{drawing}");
    assert_eq!(ruled(ordering.metrics()), counts(&verdict), "metrics\n{drawing}");
    for seed in 0..12 {
        compare(&dag, &verdict, seed);
    }
}

/// Delivers the DAG in the order and at the pace that `seed` gives; everything must agree with the checker.
pub fn compare(dag: &Dag, verdict: &Verdict, seed: u64) {
    let mut tape = Tape::seeded(seed);
    let order = causal_order(&dag.vertices, &mut tape);
    let pace = [Pace::EveryBlock, Pace::AtTheEnd, Pace::Now(10), Pace::Now(40)][tape.below(4)];
    let (commits, _) = deliver(dag, &order, pace, &mut tape);
    assert_chain(&commits, dag);
    assert_eq!(stripped(&commits), verdict.commits, "delivery {seed} at {pace:?}");
}

/// What a validator commits that gets `vertices` in this order.
pub fn deliver(dag: &Dag, vertices: &[Vertex], pace: Pace, tape: &mut Tape) -> (Vec<Commit>, Ordering) {
    let mut ordering = dag.ordering();
    let mut decisions = Vec::new();
    for vertex in vertices {
        ordering.accept(vertex.clone());
        let now = match pace {
            Pace::EveryBlock => true,
            Pace::AtTheEnd => false,
            Pace::Now(percent) => tape.chance(percent),
        };
        if now {
            ordering.advance(&mut decisions).unwrap();
        }
    }
    ordering.advance(&mut decisions).unwrap();
    (commits_of(decisions), ordering)
}

pub fn commits_of(decisions: Vec<Decision>) -> Vec<Commit> {
    let commit = |decision| match decision {
        Decision::Commit(commit) => Some(commit),
        Decision::Revealed { .. } | Decision::WrongShare { .. } | Decision::Checkpoint(_) => None,
    };
    decisions.into_iter().filter_map(commit).collect()
}

/// Any order in which no block comes before its parents.
pub fn causal_order(vertices: &[Vertex], tape: &mut Tape) -> Vec<Vertex> {
    let all: BTreeSet<BlockRef> = vertices.iter().map(|vertex| vertex.reference).collect();
    let mut missing: BTreeMap<BlockRef, BTreeSet<BlockRef>> = BTreeMap::new();
    for vertex in vertices {
        let parents = vertex.parents.iter().copied().filter(|parent| all.contains(parent));
        missing.insert(vertex.reference, parents.collect());
    }
    let by_reference: BTreeMap<BlockRef, &Vertex> = vertices.iter().map(|it| (it.reference, it)).collect();
    let mut order = Vec::new();
    while !missing.is_empty() {
        let ready: Vec<BlockRef> =
            missing.iter().filter(|(_, parents)| parents.is_empty()).map(|(block, _)| *block).collect();
        let block = tape.pick(&ready);
        missing.remove(&block);
        for parents in missing.values_mut() {
            parents.remove(&block);
        }
        order.push(by_reference[&block].clone());
    }
    order
}

/// Total order and integrity: an unbroken chain with rising time that orders no block twice, and none that
/// nobody made.
pub fn assert_chain(commits: &[Commit], dag: &Dag) {
    let made: BTreeSet<BlockRef> = dag.vertices.iter().map(|vertex| vertex.reference).collect();
    let mut ordered = BTreeSet::new();
    let (mut previous, mut time) = (Digest::ZERO, num::Timestamp::ZERO);
    for (index, commit) in (1..).zip(commits) {
        assert_eq!(commit.index, index);
        assert_eq!(commit.previous, previous);
        assert!(commit.time >= time);
        assert_eq!(commit.coin, dag.coins[&commit.leader.round.0]);
        assert_eq!(commit.blocks.last(), Some(&commit.leader));
        for block in &commit.blocks {
            assert!(made.contains(block), "nobody made {block:?}");
            assert!(ordered.insert(*block), "{block:?} ordered twice");
        }
        (previous, time) = (commit.digest(), commit.time);
    }
}

pub fn stripped(commits: &[Commit]) -> Vec<Expected> {
    let strip = |commit: &Commit| Expected {
        leader: commit.leader,
        time_ms: commit.time.millis(),
        blocks: commit.blocks.to_vec(),
    };
    commits.iter().map(strip).collect()
}

/// How many slots each rule decided: direct commits, direct skips, indirect commits, indirect skips.
pub fn counts(verdict: &Verdict) -> [u64; 4] {
    let mut counts = [0; 4];
    for (_, _, fate) in &verdict.slots {
        match fate {
            Fate::Undecided => {}
            Fate::Direct(Some(_)) => counts[0] += 1,
            Fate::Direct(None) => counts[1] += 1,
            Fate::Indirect(Some(_)) => counts[2] += 1,
            Fate::Indirect(None) => counts[3] += 1,
        }
    }
    counts
}

fn ruled(metrics: &Metrics) -> [u64; 4] {
    [metrics.direct_commits, metrics.direct_skips, metrics.indirect_commits, metrics.indirect_skips]
}

fn slots_text(verdict: &Verdict, names: &BTreeMap<BlockRef, String>) -> String {
    let text = |(round, author, fate): &(_, _, Fate)| {
        let slot = name(*author, *round, 0);
        match fate {
            Fate::Undecided => format!("?{slot}"),
            Fate::Direct(Some(leader)) => format!("+{}", names[leader]),
            Fate::Direct(None) => format!("-{slot}"),
            Fate::Indirect(Some(leader)) => format!("~+{}", names[leader]),
            Fate::Indirect(None) => format!("~-{slot}"),
        }
    };
    verdict.slots.iter().map(text).collect::<Vec<_>>().join(" ")
}

fn commit_text(commit: &Commit, names: &BTreeMap<BlockRef, String>) -> String {
    let blocks: Vec<&str> = commit.blocks.iter().map(|block| names[block].as_str()).collect();
    format!("{} at {}: {}", names[&commit.leader], commit.time.millis(), blocks.join(" "))
}
