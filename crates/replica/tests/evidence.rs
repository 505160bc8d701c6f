//! A proof of equivocation that one validator finds is ordered for all.

mod support;

use commonware_codec::Encode;
use replica::agreement::Input;
use support::{GC_DEPTH, Letter, Net, all, committee, key};
use wire::{Author, Blob, Block, BlockRef, List, Message, Round};

/// A block of validator 3 in round 1 that it did not make in any of its lives.
fn twin() -> Message {
    let genesis = |author| BlockRef::genesis(Author(author));
    let block = Block {
        epoch: 1,
        author: Author(3),
        round: Round(1),
        timestamp: num::Timestamp::from_millis(7),
        parents: List::new([3, 0, 1, 2].map(genesis).to_vec()).expect("four"),
        batches: List::default(),
        coin_share: None,
        attestations: List::default(),
        evidence: List::default(),
    };
    Message::Block { block: Blob::new(block.sign(&key(3)).encode()).expect("a small block") }
}

/// The authors that ordered blocks of a validator's commits prove to have signed twice.
fn ordered_proofs(net: &Net, author: u16) -> Vec<Author> {
    let commits = &net.histories[usize::from(author)].commits;
    let blocks = commits.iter().flat_map(|payload| payload.blocks.iter());
    let proofs = blocks.flat_map(|block| block.evidence.iter());
    proofs.inspect(|proof| assert!(proof.verify(&committee()))).map(|proof| proof.author()).collect()
}

fn betray(net: &mut Net, to: u16) {
    net.step(to, Input::Message { from: Author(3), message: twin() });
}

#[test]
fn what_one_validator_saw_all_have_ordered() {
    let mut net = Net::new();
    net.run(20, all);
    betray(&mut net, 0);
    net.run(3_000, all);
    for author in 0..4 {
        let proofs = ordered_proofs(&net, author);
        assert!((1..=4).contains(&proofs.len()), "each validator carries it at most once: {proofs:?}");
        assert!(proofs.iter().all(|it| *it == Author(3)));
        let told = &net.histories[usize::from(author)].convicted;
        assert_eq!(told.iter().map(|proof| proof.author()).collect::<Vec<_>>(), [Author(3)]);
    }
    net.assert_agreement();
    let before = ordered_proofs(&net, 0).len();
    betray(&mut net, 1);
    net.run(1_000, all);
    assert_eq!(ordered_proofs(&net, 0).len(), before, "it is carried until it is ordered, and no longer");
}

#[test]
fn honest_validators_are_never_convicted_by_restarts() {
    let mut net = Net::new();
    for turn in 0..12 {
        net.submit(turn % 4, u64::from(turn), &format!("work {turn}"));
        net.run(30, all);
        net.kill(turn % 4);
        net.restart(turn % 4);
    }
    net.run(500, all);
    for author in 0..4 {
        assert_eq!(ordered_proofs(&net, author), []);
        assert_eq!(net.histories[usize::from(author)].convicted, []);
    }
}

#[test]
fn a_proof_outlives_a_restart_and_a_carrier_that_nobody_heard_of() {
    let mut net = Net::new();
    let alone = |letter: &Letter| letter.from != 0 && letter.to != 0;
    net.run(20, all);
    betray(&mut net, 0);
    net.run(100, alone);
    net.kill(0);
    net.restart(0);
    for ticket in 0..100 {
        net.submit(1, ticket, &format!("time passes {ticket}"));
        net.run(10, alone);
    }
    assert!(net.round(1) > net.round(0) + 2 * GC_DEPTH, "the floor is above the carrier");
    assert_eq!(ordered_proofs(&net, 1), []);
    net.run(4_000, all);
    for author in 0..4 {
        assert!(ordered_proofs(&net, author).contains(&Author(3)), "at {author}");
    }
    net.assert_agreement();
}
