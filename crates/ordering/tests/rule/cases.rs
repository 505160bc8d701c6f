//! Drawn DAGs, one claim each.
//!
//! Invariant: four members of stake 1, waves of five rounds and one leader a round, A by default, unless the
//! drawing says otherwise.

use crate::{
    drawing::draw,
    run::{Pace, check, deliver},
    tape::Tape,
};

/// A1 goes by A2 and A3 alone; who refers to A3 in round 4 votes for it.
const HALF_HIDDEN: &str = "1: A B C D; 2-3: A B[-A] C[-A] D[-A]";

fn check_on(drawing: &str, more: &str, expected: &str) {
    check(&format!("{drawing}\n{more}"), expected);
}

#[test]
fn a_leader_that_everyone_sees_is_committed_when_its_wave_ends() {
    check("1-4: A B C D", "");
    check("1-5: A B C D", "+A1\n A1 at 0: A1");
    check("wave 4; 1-3: A B C D", "");
    check("wave 4; 1-4: A B C D", "+A1\n A1 at 0: A1");
}

#[test]
fn a_wave_starts_in_every_round() {
    check("coin 2 B; coin 3 C; 1-8: A B C D", "+A1 +B2 +C3 +A4");
    check("wave 4; coin 2 B; coin 3 C; 1-7: A B C D", "+A1 +B2 +C3 +A4");
}

#[test]
fn a_quorum_of_voters_and_certifiers_is_enough() {
    check("1-5: A B C", "+A1");
    check("1-3: A B C D; 4-5: B C D", "+A1");
    check("1: A B C D; 2-5: A B C", "+A1");
}

#[test]
fn slots_of_a_round_whose_coin_is_hidden_are_not_evaluated() {
    check("1-4: A B C D; 5: A B", "");
    check("1-5: A B C D; share A5 none; share B5 wrong", "");
    check("1-5: A B C D; share A5 none", "+A1");
}

#[test]
fn later_rounds_wait_for_a_round_whose_coin_stays_hidden() {
    // Round 2's coin is known, its slot decided, and yet nothing is put out before round 1's.
    check("1-6: A B C D; share A5 wrong; share B5 none", "+A2");
}

#[test]
fn a_silent_leader_is_skipped() {
    check("1-5: B C D", "-A1");
    check("wave 4; 1-4: B C D", "-A1");
    check("coin 2 B; 1: B C D; 2-6: A B C D", "-A1 +B2\n B2 at 102: B1 C1 D1 B2");
}

#[test]
fn a_leader_that_nobody_refers_to_is_skipped() {
    check("1: A B C D; 2: B[-A] C[-A] D[-A]; 3-5: B C D", "-A1");
    check("1: A B C D; 2-3: A B[-A] C[-A] D[-A]; 4: A B[-A] C[-A] D[-A]; 5: A B C D", "-A1");
}

#[test]
fn a_slot_without_a_quorum_either_way_is_undecided() {
    check_on(HALF_HIDDEN, "4: A B C[-A] D[-A]; 5: A B C D", "?A1");
    // A quorum of votes, but only two blocks that hold it.
    check_on(HALF_HIDDEN, "4: A B C D[-A]; 5: A[A B C] B[B A C] C[C B D] D[D B C]", "?A1");
}

#[test]
fn an_undecided_slot_holds_up_what_comes_after_it() {
    check_on(HALF_HIDDEN, "coin * B; coin 1 A; 4: A B C[-A] D[-A]; 5-9: A B C D", "?A1 +B2 +B3 +B4 +B5\n");
}

#[test]
fn an_anchor_without_a_certificate_in_its_history_skips() {
    check_on(
        HALF_HIDDEN,
        "coin * B; coin 1 A; 4: A B C[-A] D[-A]; 5-10: A B C D",
        "~-A1 +B2 +B3 +B4 +B5 +B6",
    );
}

#[test]
fn an_anchor_with_a_certificate_in_its_history_commits() {
    check_on(
        HALF_HIDDEN,
        "coin * B; coin 1 A; 4: A B C D[-A]; 5: A[A B C] B[B C D] C[C B D] D[D B C]; 6-10: A B C D",
        "~+A1 +B2 +B3 +B4 +B5 +B6",
    );
}

#[test]
fn a_certificate_outside_the_anchors_history_does_not_commit() {
    check_on(
        HALF_HIDDEN,
        "coin * B; coin 1 A; 4: A B C D[-A]; 5: A[A B C] B[B C D] C[C B D] D[D B C]; 6: B[-A] C[-A] D[-A]
         7-10: B C D",
        "~-A1 +B2 +B3 +B4 +B5 +B6",
    );
}

#[test]
fn skipped_slots_are_no_anchors() {
    check_on(
        HALF_HIDDEN,
        "coin * B; coin 1 A; coin 6 D; 4: A B C D[-A]; 5: A[A B C] B[B C D] C[C B D] D[D B C]; 6-11: A B C",
        "~+A1 +B2 +B3 +B4 +B5 -D6 +B7",
    );
}

#[test]
fn an_undecided_slot_between_blocks_the_anchor_behind_it() {
    // Rounds 6 to 10 hide A6 as rounds 1 to 5 hide A1: B7 is committed and must not serve A1 as anchor.
    check_on(
        HALF_HIDDEN,
        "coin * B; coin 1 A; coin 6 A
         4: A B C[-A] D[-A]; 5-6: A B C D
         7-8: A B[-A] C[-A] D[-A]
         9: A B C[-A] D[-A]; 10-11: A B C D",
        "?A1 +B2 +B3 +B4 +B5 ?A6 +B7",
    );
}

#[test]
fn a_hidden_round_blocks_the_anchor_behind_it() {
    check_on(
        HALF_HIDDEN,
        "coin * B; coin 1 A; 4: A B C[-A] D[-A]; 5-11: A B C D; share A10 wrong; share B10 none",
        "?A1 +B2 +B3 +B4 +B5 +B7",
    );
}

#[test]
fn a_chain_of_anchors_decides_all_that_waited_for_it() {
    check_on(
        HALF_HIDDEN,
        "coin * B; coin 1 A; coin 6 A
         4: A B C[-A] D[-A]; 5-6: A B C D
         7-8: A B[-A] C[-A] D[-A]
         9: A B C[-A] D[-A]; 10-15: A B C D",
        "~-A1 +B2 +B3 +B4 +B5 ~-A6 +B7 +B8 +B9 +B10 +B11",
    );
}

#[test]
fn several_slots_of_a_round_are_put_out_by_rank() {
    check("leaders 2; coin * CB; 1-5: A B C D", "+C1 +B1\n C1 at 0: C1\n B1 at 0: B1");
    check(
        "leaders 4; coin * DCBA; 1-6: A B C",
        "-D1 +C1 +B1 +A1 -D2 +C2 +B2 +A2
         C1 at 0: C1\n B1 at 0: B1\n A1 at 0: A1\n C2 at 101: C2\n B2 at 101: B2\n A2 at 101: A2",
    );
}

#[test]
fn the_second_slot_of_a_round_can_be_the_anchor() {
    check_on(
        HALF_HIDDEN,
        "leaders 2; coin * DB; coin 1 AB; 4: A B C D[-A]; 5: A[A B C] B[B C D] C[C B D] D[D B C]; 6-10: A B C",
        "~+A1 +B1 +D2 +B2 +D3 +B3 +D4 +B4 +D5 +B5 -D6 +B6",
    );
}

#[test]
fn a_twin_that_nobody_refers_to_changes_nothing() {
    check("1: A A' B C D; 2-5: A B C D", "+A1");
    check("1: B C D A'; 2-5: B C D", "-A1");
}

#[test]
fn the_twin_that_the_voters_support_is_committed() {
    check("1: A A' B C D; 2: A[A' B C D] B[B A' C D] C[C A' B D] D[D A' B C]; 3-5: A B C D", "+A1'");
}

#[test]
fn twins_that_split_the_votes_are_skipped_by_the_anchor() {
    let split = "coin * C; coin 1 A; 1: A A' B C D; 2: A B C[C A' B D] D[D A' B C]
                 3: A[A B C] B[B A C] C[C D A] D[D C A]; 4: A B[B A C] C[C D A] D[D C A]";
    check_on(split, "5: A B C D", "?A1");
    check_on(split, "5-10: A B C D", "~-A1 +C2 +C3 +C4 +C5 +C6");
}

#[test]
fn the_first_parent_in_stored_order_decides_between_twins() {
    let twins = "1: A A' B C D; 2: B[B A C D] C[C A' B D] D[D A' B C]";
    // B3 and D3 meet A1 first when they name B2 first, whatever the others say.
    check_on(twins, "3: B[B C D] C[C B D] D[D B C]; 4: B[B C D] C[B C D] D[B C D]; 5: B C D", "+A1");
    check_on(twins, "3: B[C B D] C[C B D] D[D B C]; 4-5: B C D", "+A1'");
}

#[test]
fn a_voter_counts_once_whatever_it_signs() {
    // C4, D4 and D4' blame A1, but they are two authors.
    check_on(HALF_HIDDEN, "4: A B C[-A] D[-A] D'[-A]; 5: A B C D", "?A1");
    // A5, A5' and B5 certify A1, but they are two authors.
    check_on(HALF_HIDDEN, "4: A B C D[-A]; 5: A[A B C] A'[A C B] B[B A C] C[C B D] D[D B C]", "?A1");
}

#[test]
fn votes_pass_through_older_links() {
    // Nobody of round 2 and 3 but A saw A1, and A made nothing more: links from round 4 carry the vote.
    check("1: A B C D; 2-3: B[-A] C[-A] D[-A]; 4: B[- +A1] C[- +A1] D[- +A1]; 5: B C D", "+A1");
    check("1: A B C D; 2-3: B[-A] C[-A] D[-A]; 4: B[- +A1] C[- +A1] D; 5: B C D", "?A1");
}

#[test]
fn stake_counts_and_not_heads() {
    // Of 7 units 5 are a quorum: A, B and C.
    check("stakes 3 1 1 1 1; 1-5: A B C", "+A1");
    check("stakes 3 1 1 1 1; coin * E; 1-5: A B C", "-E1");
    check("stakes 3 1 1 1 1; coin * E; 1-3: A B C D E; 4-5: A B", "");
    let hidden = "stakes 3 1 1 1 1; coin * E; 1: A B C D E; 2-3: A[-E] B[-E] C[-E] D[-E] E";
    check_on(hidden, "4: A[-E] B C[-E] D E; 5: A B C D E", "?E1");
    check_on(hidden, "4: A[-E] B[-E] C[-E] D E; 5: A B C D E", "-E1");
    check_on(hidden, "4: A B C[-E] D[-E] E; 5: A B C D E", "+E1");
}

#[test]
fn committees_that_bear_no_fault_need_everyone() {
    check("stakes 1; 1-5: A", "+A1\n A1 at 0: A1");
    check("stakes 1 1; 1-5: A B", "+A1");
    check("stakes 1 1; 1-4: A B; 5: A", "");
}

#[test]
fn a_validator_that_holds_a_twin_of_the_leader_decides_as_the_others_do() {
    // The regression of the rule's first implementation: it skipped where any twin lacked support, and forked.
    let commits = |drawing: &str| {
        let dag = draw(drawing);
        deliver(&dag, &dag.vertices, Pace::EveryBlock, &mut Tape::new(Vec::new())).0
    };
    for rounds in 5..12 {
        let without = commits(&format!("1: A B C D; 2-{rounds}: A B C D"));
        let with = commits(&format!("1: A A' B C D; 2-{rounds}: A B C D"));
        assert_eq!(with, without);
        assert_eq!(with.len(), rounds - 4);
    }
}

#[test]
fn the_block_that_completes_a_quorum_decides_at_once() {
    let last_decides = |drawing: &str| {
        let dag = draw(&format!("{HALF_HIDDEN}; {drawing}"));
        let (before, last) = dag.vertices.split_at(dag.vertices.len() - 1);
        let (_, mut ordering) = deliver(&dag, before, Pace::EveryBlock, &mut Tape::new(Vec::new()));
        assert_eq!(ordering.first_undecided_round().0, 1);
        ordering.accept(last[0].clone());
        ordering.advance(&mut Vec::new()).unwrap();
        assert_eq!(ordering.first_undecided_round().0, 2);
        *ordering.metrics()
    };
    let blamed = last_decides("4: A B[-A] C[-A]; 5: A B C; 4: D[-A]");
    assert_eq!((blamed.direct_skips, blamed.coins_revealed), (1, 1));
    let certified = last_decides("4: A B C D[-A]; 5: A[A B C] B[B A C] D[D B C] C[C A B]");
    assert_eq!((certified.direct_commits, certified.coins_revealed), (1, 1));
}
