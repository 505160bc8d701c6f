//! What a commit orders, when it says that it happened, and what it leaves behind for ever.
//!
//! Invariant: the least garbage depth is six rounds, one more than a wave; the floor lies that much below the
//! last leader, and blocks above it count.

use wire::{Author, Round};

use crate::{
    drawing::draw,
    run::{Pace, check, deliver},
    tape::Tape,
};

#[test]
fn a_commit_orders_by_round_author_and_each_block_once() {
    check(
        "coin * D; coin 2 A; 1-7: A B C D",
        "+D1 +A2 +D3
         D1 at 0: D1
         A2 at 101: A1 B1 C1 A2
         D3 at 201: B2 C2 D2 D3",
    );
}

#[test]
fn a_straggler_is_ordered_by_the_link_that_reaches_it() {
    check(
        "coin * B; 1: A B C D; 2: A[-D] B[-D] C[-D]; 3: A B C; 4: A B[- +D1] C; 5-9: A B C",
        "+B1 +B2 +B3 +B4 +B5
         B1 at 0: B1
         B2 at 101: A1 C1 B2
         B3 at 201: A2 C2 B3
         B4 at 300: D1 A3 C3 B4
         B5 at 401: A4 C4 B5",
    );
}

#[test]
fn a_straggler_at_the_floor_is_never_ordered() {
    let drawing = |round: u64| {
        format!(
            "gc 6; coin * B; 1: A B C D; 2: A[-D] B[-D] C[-D]; 3-{}: A B C; {round}: A B[- +D1] C; {}-12: A B C",
            round - 1,
            round + 1
        )
    };
    let ordered = |round: u64| {
        let dag = draw(&drawing(round));
        let straggler = dag.vertices[3].reference;
        let (commits, _) = deliver(&dag, &dag.vertices, Pace::EveryBlock, &mut Tape::new(Vec::new()));
        assert_eq!(commits.len(), 8);
        commits.iter().any(|commit| commit.blocks.contains(&straggler))
    };
    assert!(ordered(6), "B6 has its floor at round 0");
    assert!(!ordered(7), "B7 has its floor at round 1, where D1 lies");
    check(&drawing(6), "+B1 +B2 +B3 +B4 +B5 +B6 +B7 +B8");
    check(&drawing(7), "+B1 +B2 +B3 +B4 +B5 +B6 +B7 +B8");
}

#[test]
fn a_parent_at_the_floor_does_not_count_for_the_time() {
    // D1 would pull the median of B7's parents from 601 to 600.
    let times = "time D1 1; time A6 600; time B6 601; time C6 602";
    let old_link =
        "gc 6; coin * B; 1: A B C D; 2: A[-D] B[-D] C[-D]; 3-6: A B C; 7: A B[- +D1] C; 8-11: A B C";
    let dag = draw(&format!("{old_link}; {times}"));
    let (commits, _) = deliver(&dag, &dag.vertices, Pace::AtTheEnd, &mut Tape::new(Vec::new()));
    assert_eq!(commits[6].time.millis(), 601);
}

#[test]
fn what_lies_under_the_floor_is_forgotten_and_late_blocks_are_ignored() {
    let mut dag = draw("gc 6; coin * B; 1: A B C D; 2: A[-D] B[-D] C[-D]; 3-40: A B C");
    let late = dag.vertices.remove(3);
    let (commits, mut ordering) = deliver(&dag, &dag.vertices, Pace::EveryBlock, &mut Tape::new(Vec::new()));
    assert_eq!(commits.len(), 36);
    assert_eq!(ordering.floor().0, 30);
    assert_eq!(ordering.blocks_held(), 30);
    assert_eq!(ordering.undecided_depth(), 4);
    let reference = late.reference;
    ordering.accept(late);
    dag.vertices.iter().for_each(|vertex| ordering.accept(vertex.clone()));
    assert_eq!(ordering.blocks_held(), 30);
    let lowest = dag.vertices.iter().find(|vertex| vertex.reference.round == Round(32)).unwrap().reference;
    assert!(ordering.supported(&lowest, Author(0), Round(31)).is_some());
    assert_eq!(ordering.supported(&lowest, Author(0), Round(30)), None);
    assert!(!ordering.is_ordered(&reference));
    assert!(ordering.is_ordered(&commits[35].leader));
}

#[test]
fn a_block_is_taken_in_once() {
    let dag = draw("1-5: A B C D");
    let twice: Vec<_> = dag.vertices.iter().chain(&dag.vertices).cloned().collect();
    let (commits, ordering) = deliver(&dag, &twice, Pace::AtTheEnd, &mut Tape::new(Vec::new()));
    assert_eq!(ordering.blocks_held(), 20);
    assert_eq!(commits.len(), 1);
}

#[test]
fn a_commit_has_the_median_time_of_its_leaders_parents() {
    check(
        "1-6: A B C D; time A1 9000; time B1 20; time C1 40; time D1 30",
        "+A1 +A2
         A1 at 0: A1
         A2 at 30: B1 C1 D1 A2",
    );
}

#[test]
fn time_never_runs_backwards() {
    check(
        "1-7: A B C D
         time A1 150; time B1 900; time C1 800; time D1 700
         time A2 1; time B2 2; time C2 3; time D2 4",
        "+A1 +A2 +A3
         A1 at 0: A1
         A2 at 700: B1 C1 D1 A2
         A3 at 700: B2 C2 D2 A3",
    );
}

#[test]
fn stake_moves_the_median() {
    check(
        "stakes 3 1 1 1 1; 1-6: A B C D E; time A1 500; time B1 10; time C1 20; time D1 30; time E1 40",
        "+A1 +A2
         A1 at 0: A1
         A2 at 40: B1 C1 D1 E1 A2",
    );
}
