//! When a block is accepted, what it waits for meanwhile, and what is built next.

mod support;

use dag::{Dag, Draft, Insertion, VerifiedBlock};
use support::{AHEAD, all_of, batch, block, dag, verified};
use wire::{Author, Block, BlockRef, List, Round};

/// Inserts a block whose batches are all held.
fn insert(dag: &mut Dag, block: &VerifiedBlock) -> (Insertion, Vec<BlockRef>) {
    let mut accepted = Vec::new();
    let insertion = dag.insert(block.clone(), |_| true, &mut accepted);
    (insertion, accepted)
}

/// Whole rounds of four blocks, each on all of the round before.
fn rounds(count: u64) -> Vec<Vec<VerifiedBlock>> {
    let mut layers: Vec<Vec<VerifiedBlock>> = Vec::new();
    for round in 1..=count {
        let parents = |author: u16| match layers.last() {
            None => all_of(0, author),
            Some(before) => {
                let (own, others): (Vec<_>, Vec<_>) =
                    before.iter().map(|it| it.reference).partition(|it| it.author.0 == author);
                [own, others].concat()
            }
        };
        let layer = (0..4).map(|author| verified(block(author, round, parents(author)))).collect();
        layers.push(layer);
    }
    layers
}

fn full(count: u64) -> (Dag, Vec<Vec<VerifiedBlock>>) {
    let (mut dag, layers) = (dag(), rounds(count));
    for it in layers.iter().flatten() {
        assert_eq!(insert(&mut dag, it).0, Insertion::Accepted);
    }
    (dag, layers)
}

#[test]
fn blocks_that_come_backwards_are_accepted_causes_first() {
    let layers = rounds(5);
    let mut dag = dag();
    let mut order = Vec::new();
    for it in layers.iter().flatten().rev() {
        order.extend(insert(&mut dag, it).1);
    }
    assert_eq!(order.len(), 20);
    for it in layers.iter().flatten() {
        let place = |wanted: &BlockRef| order.iter().position(|have| have == wanted);
        let parents = it.block.parents.iter().filter(|parent| parent.round > Round(0));
        assert!(parents.map(place).all(|parent| parent < place(&it.reference)), "{:?}", it.reference);
    }
    assert_eq!((dag.waiting(), dag.missing_parents().count()), (0, 0));
}

#[test]
fn a_block_waits_for_its_batches_and_says_which() {
    let mut dag = dag();
    let (first, second) = (batch(1, 1), batch(1, 2));
    let batches = List::new(vec![first, second]).unwrap();
    let it = verified(Block { batches, ..block(1, 1, all_of(0, 1)) });
    let mut accepted = Vec::new();
    let insertion = dag.insert(it.clone(), |batch| *batch == first, &mut accepted);
    assert_eq!(insertion, Insertion::Waiting);
    assert_eq!(dag.missing_batches().collect::<Vec<_>>(), [&second]);
    dag.batch_held(&first, &mut accepted);
    assert_eq!(accepted, [], "what was held already changes nothing");
    dag.batch_held(&second, &mut accepted);
    assert_eq!(accepted, [it.reference]);
    assert_eq!(dag.missing_batches().count(), 0);
}

#[test]
fn only_parents_that_nobody_has_are_asked_for() {
    let layers = rounds(3);
    let mut dag = dag();
    for it in layers[2].iter().chain(&layers[1]) {
        assert_eq!(insert(&mut dag, it).0, Insertion::Waiting);
    }
    let mut missing: Vec<BlockRef> = dag.missing_parents().copied().collect();
    missing.sort_unstable();
    let mut first: Vec<BlockRef> = layers[0].iter().map(|it| it.reference).collect();
    first.sort_unstable();
    assert_eq!(missing, first, "the second round is here, it only waits");
    assert_eq!(dag.waiting(), 8);
}

#[test]
fn a_block_is_accepted_once() {
    let layers = rounds(2);
    let mut dag = dag();
    assert_eq!(insert(&mut dag, &layers[1][0]).0, Insertion::Waiting);
    assert_eq!(insert(&mut dag, &layers[1][0]).0, Insertion::Dropped, "it waits already");
    assert_eq!(insert(&mut dag, &layers[0][0]).0, Insertion::Accepted);
    assert_eq!(insert(&mut dag, &layers[0][0]).0, Insertion::Dropped, "it is accepted already");
}

#[test]
fn nothing_under_the_floor_is_taken_or_waited_for() {
    let layers = rounds(4);
    let mut dag = dag();
    for it in layers[1].iter().chain(&layers[2]).chain(&layers[3][..1]) {
        assert_eq!(insert(&mut dag, it).0, Insertion::Waiting);
    }
    let mut accepted = Vec::new();
    dag.set_floor(Round(2), &mut accepted);
    let expected: Vec<BlockRef> = layers[2].iter().chain(&layers[3][..1]).map(|it| it.reference).collect();
    accepted.sort_unstable();
    assert_eq!(accepted, expected, "what stood on the floor is whole");
    assert_eq!((dag.waiting(), dag.missing_parents().count()), (0, 0));
    assert_eq!(insert(&mut dag, &layers[1][0]), (Insertion::Dropped, Vec::new()));
    dag.set_floor(Round(1), &mut accepted);
    assert_eq!(insert(&mut dag, &layers[1][0]).0, Insertion::Dropped, "a floor never sinks");
}

#[test]
fn one_author_fills_its_own_part_of_the_waiting_room_only() {
    const PLACES: u64 = 4_096;
    let mut dag = dag();
    let orphan = |author: u16, round: u64| verified(block(author, round + 2, all_of(round + 1, author)));
    for round in 0..PLACES {
        assert_eq!(insert(&mut dag, &orphan(1, round)).0, Insertion::Waiting);
    }
    assert_eq!(insert(&mut dag, &orphan(1, PLACES)).0, Insertion::Dropped);
    assert_eq!(insert(&mut dag, &orphan(2, PLACES)).0, Insertion::Waiting);
    dag.set_floor(Round(100), &mut Vec::new());
    assert_eq!(insert(&mut dag, &orphan(1, PLACES)).0, Insertion::Waiting, "the floor made room");
}

#[test]
fn a_block_far_ahead_is_seen_and_not_kept() {
    let mut dag = dag();
    for (author, round) in [(1, AHEAD), (2, AHEAD + 1), (3, u64::MAX / 1_000)] {
        let ahead = verified(block(author, round, all_of(round - 1, author)));
        let kept = if round > AHEAD { Insertion::Dropped } else { Insertion::Waiting };
        assert_eq!(insert(&mut dag, &ahead).0, kept, "round {round}");
    }
    assert_eq!(dag.waiting(), 1);
    assert_eq!(dag.quorum_round(), Round(AHEAD + 1), "one of two of them is honest, so it is behind");
}

#[test]
fn twins_are_both_kept_and_the_first_is_built_on() {
    let mut dag = dag();
    let twin = |millis| Block { timestamp: num::Timestamp::from_millis(millis), ..block(1, 1, all_of(0, 1)) };
    let (first, second) = (verified(twin(1)), verified(twin(2)));
    for it in [&first, &second] {
        assert_eq!(insert(&mut dag, it).0, Insertion::Accepted);
    }
    assert_eq!(dag.accepted().first(Round(1), Author(1)), Some(first.reference));
    assert!(dag.accepted().contains(&second.reference));
    assert_eq!(dag.accepted().authors(Round(1)), 1, "twins count once");
}

#[test]
fn liars_of_little_stake_cannot_say_how_far_the_others_are() {
    let mut dag = dag();
    insert(&mut dag, &verified(block(3, 40_000, all_of(39_999, 3))));
    assert_eq!(dag.quorum_round(), Round(0));
    insert(&mut dag, &verified(block(1, 7, all_of(6, 1))));
    assert_eq!(dag.quorum_round(), Round(7), "f + 1 were seen there: one of them is honest");
    assert_eq!((dag.seen(Author(3)), dag.seen(Author(2))), (Round(40_000), Round(0)));
}

#[test]
fn the_next_block_stands_on_the_own_last_one_and_a_quorum() {
    let (mut dag, layers) = full(3);
    let own = dag.own_latest();
    assert_eq!(own, layers[2][0].reference);
    let parents: Vec<BlockRef> = layers[2].iter().map(|it| it.reference).collect();
    assert_eq!(dag.draft(own, Round(1)), Some(Draft { round: Round(4), parents }));
    let late = verified(block(0, 4, layers[2].iter().map(|it| it.reference).collect()));
    insert(&mut dag, &late);
    assert_eq!(dag.draft(late.reference, Round(1)), None, "nobody else is in round 4 yet");
}

/// A validator without its disk learns its last block from others, and may lack what that builds on.
#[test]
fn nothing_is_built_on_an_own_block_that_waits() {
    let (mut dag, layers) = full(1);
    let second = |author: u16| {
        let mut parents: Vec<BlockRef> = layers[0].iter().map(|it| it.reference).collect();
        parents.sort_by_key(|parent| parent.author.0 != author);
        block(author, 2, parents)
    };
    let lacked = batch(0, 9);
    let own = verified(Block { batches: List::new(vec![lacked]).unwrap(), ..second(0) });
    dag.resume_after(own.reference);
    assert_eq!(dag.insert(own.clone(), |_| false, &mut Vec::new()), Insertion::Waiting);
    for author in 1..4 {
        insert(&mut dag, &verified(second(author)));
    }
    assert_eq!(dag.draft(own.reference, Round(1)), None, "a quorum is in round 2, the own block is not");
    dag.batch_held(&lacked, &mut Vec::new());
    assert_eq!(dag.draft(own.reference, Round(1)).map(|draft| draft.round), Some(Round(3)));
}

#[test]
fn who_was_late_is_taken_along() {
    let (mut dag, layers) = full(2);
    let without_last = |author: u16| {
        let mut parents: Vec<BlockRef> = layers[1][..3].iter().map(|it| it.reference).collect();
        parents.sort_by_key(|parent| parent.author.0 != author);
        verified(block(author, 3, parents))
    };
    let third: Vec<VerifiedBlock> = (0..3).map(without_last).collect();
    for it in &third {
        insert(&mut dag, it);
    }
    let draft = dag.draft(third[0].reference, Round(1)).unwrap();
    let mut expected: Vec<BlockRef> = third.iter().map(|it| it.reference).collect();
    expected.push(layers[1][3].reference);
    assert_eq!((draft.round, draft.parents), (Round(4), expected), "validator 3 stopped at round 2");
}

#[test]
fn forgetting_hands_back_the_batches_and_never_goes_above_the_floor() {
    let mut dag = dag();
    let batches = |author| List::new(vec![batch(author, 9)]).unwrap();
    let layers = rounds(1);
    for (author, it) in (0..).zip(&layers[0]) {
        let it = verified(Block { batches: batches(author), ..it.block.clone() });
        assert_eq!(insert(&mut dag, &it).0, Insertion::Accepted);
    }
    assert_eq!(dag.forget_before(Round(5)), [], "the floor is at 0");
    dag.set_floor(Round(2), &mut Vec::new());
    let gone = dag.forget_before(Round(5));
    assert_eq!(gone, [0, 1, 2, 3].map(|author| batch(author, 9)));
    assert_eq!(dag.accepted().highest_round(), Round(0));
}
