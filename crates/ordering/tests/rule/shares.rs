//! Coin shares: who reveals a round, wrong shares, restored coins, and the real threshold coin.
//!
//! Invariant: a wrong share never keeps its block out of the order.

use core::num::NonZeroU32;

use crypto::{Coin, CoinShare, ThresholdCoin, deal};
use ordering::{Decision, Ordering, Vertex};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use wire::{Author, Round};

use crate::{
    coin::{right_share, wrong_share},
    dag::Dag,
    drawing::draw,
    run::commits_of,
};

fn advance(ordering: &mut Ordering) -> Vec<Decision> {
    let mut out = Vec::new();
    ordering.advance(&mut out).unwrap();
    out
}

fn revealed(dag: &Dag, round: u64) -> Decision {
    Decision::Revealed { round: Round(round), value: dag.coins[&round] }
}

/// An ordering that holds rounds 1 to 4, and the blocks of round 5.
fn before_round_five(dag: &Dag) -> (Ordering, Vec<Vertex>) {
    let mut ordering = dag.ordering();
    let (below, fifth) = dag.vertices.split_at(16);
    below.iter().for_each(|vertex| ordering.accept(vertex.clone()));
    assert_eq!(advance(&mut ordering), []);
    (ordering, fifth.to_vec())
}

#[test]
fn a_quorum_of_shares_reveals_the_coin_once() {
    let dag = draw("1-5: A B C D");
    let (mut ordering, fifth) = before_round_five(&dag);
    let mut decisions: Vec<Vec<Decision>> = Vec::new();
    for vertex in fifth {
        ordering.accept(vertex);
        decisions.push(advance(&mut ordering));
    }
    assert_eq!(decisions[..2], [[], []]);
    assert_eq!(decisions[2][0], revealed(&dag, 1));
    assert!(matches!(&decisions[2][1..], [Decision::Commit(commit)] if commit.coin == dag.coins[&1]));
    assert_eq!(decisions[3], []);
}

#[test]
fn a_wrong_share_is_reported_and_the_next_right_one_reveals() {
    let dag = draw("1-5: A B C D; share B5 wrong");
    let (mut ordering, fifth) = before_round_five(&dag);
    fifth[..3].iter().for_each(|vertex| ordering.accept(vertex.clone()));
    assert_eq!(advance(&mut ordering), [Decision::WrongShare { author: Author(1), round: Round(1) }]);
    assert_eq!(advance(&mut ordering), []);
    ordering.accept(fifth[3].clone());
    let decisions = advance(&mut ordering);
    assert_eq!(decisions[0], revealed(&dag, 1));
    assert_eq!(ordering.metrics().wrong_shares, 1);
    assert_eq!(ordering.metrics().coins_revealed, 1);
    assert_eq!(commits_of(decisions).len(), 1);
}

#[test]
fn the_twin_of_a_block_with_a_wrong_share_can_bring_the_right_one() {
    let dag = draw("1-4: A B C D; 5: A A'[A C B D] B C; share A5 wrong");
    let (mut ordering, fifth) = before_round_five(&dag);
    let [wrong, right, rest @ ..] = &fifth[..] else { panic!("four blocks of round 5") };
    ordering.accept(wrong.clone());
    rest.iter().for_each(|vertex| ordering.accept(vertex.clone()));
    assert_eq!(advance(&mut ordering), [Decision::WrongShare { author: Author(0), round: Round(1) }]);
    ordering.accept(right.clone());
    assert_eq!(advance(&mut ordering)[0], revealed(&dag, 1));
}

#[test]
fn a_wrong_share_that_is_repeated_is_reported_once() {
    let mut dag = draw("1-4: A B C D; 5: A A'[A C B D] A''[A B D C] B C");
    dag.vertices[16..19].iter_mut().for_each(|vertex| vertex.coin_share = Some(wrong_share(7)));
    let (mut ordering, fifth) = before_round_five(&dag);
    let mut reports = 0;
    for index in [3, 4, 0, 1, 2] {
        ordering.accept(fifth[index].clone());
        reports += advance(&mut ordering).len();
    }
    assert_eq!(reports, 1);
    assert_eq!(ordering.metrics().wrong_shares, 1);
}

#[test]
fn a_restored_coin_is_neither_recovered_nor_reported_again() {
    let dag = draw("1-6: A B C D");
    let (mut ordering, fifth) = before_round_five(&dag);
    ordering.restore_coin(Round(1), dag.coins[&1]);
    ordering.restore_coin(Round(1), dag.coins[&1]);
    assert_eq!(advance(&mut ordering), []);
    fifth.iter().for_each(|vertex| ordering.accept(vertex.clone()));
    let decisions = advance(&mut ordering);
    assert_eq!(decisions.iter().filter(|it| **it == revealed(&dag, 1)).count(), 0);
    assert_eq!(decisions.iter().filter(|it| **it == revealed(&dag, 2)).count(), 1);
    assert_eq!(commits_of(decisions).len(), 2);
}

#[test]
fn a_restart_from_the_log_gives_the_same_commits() {
    let dag = draw("coin 2 C; 1-12: A B C D");
    let mut first = dag.ordering();
    dag.vertices.iter().for_each(|vertex| first.accept(vertex.clone()));
    let log = advance(&mut first);
    let mut second = dag.ordering();
    for decision in &log {
        if let Decision::Revealed { round, value } = decision {
            second.restore_coin(*round, *value);
        }
    }
    dag.vertices.iter().for_each(|vertex| second.accept(vertex.clone()));
    let again = advance(&mut second);
    assert!(again.iter().all(|decision| matches!(decision, Decision::Commit(_))));
    assert_eq!(commits_of(again), commits_of(log));
    assert_eq!(second.last_commit(), first.last_commit());
}

#[test]
fn a_validator_gives_the_share_of_the_wave_that_its_round_certifies() {
    let dag = draw("1-5: A B C D");
    let ordering = dag.ordering();
    assert_eq!(ordering.share_for(Round(4)), None);
    assert_eq!(ordering.share_for(Round(5)), Some(right_share(Author(0), 1)));
    assert_eq!(ordering.share_for(Round(9)), Some(right_share(Author(0), 5)));
}

#[test]
fn the_threshold_coin_orders_alike_on_every_validator_and_survives_a_garbled_share() {
    let mut dag = draw("leaders 2; 1-9: A B C D");
    let (key, secrets) = deal(ChaCha20Rng::from_seed([5; 32]), NonZeroU32::new(4).unwrap());
    let coins: Vec<ThresholdCoin> =
        secrets.into_iter().map(|secret| ThresholdCoin::new(key.clone(), secret, 0).unwrap()).collect();
    for vertex in &mut dag.vertices {
        let author = usize::from(vertex.reference.author.0);
        let wave = vertex.reference.round.before(4).filter(|wave| wave.0 > 0);
        vertex.coin_share = wave.map(|wave| coins[author].share(wave.0));
    }
    dag.vertices[16].coin_share = Some(CoinShare([3; 48]));

    let mut sequences = Vec::new();
    for coin in coins {
        let mut ordering = Ordering::new(dag.committee.clone(), dag.parameters, Box::new(coin)).unwrap();
        let mut decisions = Vec::new();
        for vertex in &dag.vertices {
            ordering.accept(vertex.clone());
            ordering.advance(&mut decisions).unwrap();
        }
        assert_eq!(decisions[0], Decision::WrongShare { author: Author(0), round: Round(1) });
        assert_eq!((ordering.metrics().wrong_shares, ordering.metrics().coins_revealed), (1, 5));
        sequences.push(commits_of(decisions));
    }
    assert_eq!(sequences[0].len(), 10);
    assert!(sequences.iter().all(|sequence| *sequence == sequences[0]));
}
