//! A proof against a validator is recorded once: told, kept, and under the root.

mod support;

use commonware_codec::Encode;
use crypto::{Digest, SigningKey};
use exchange::{State, apply, leaf::LeafKey};
use num::Timestamp;
use support::payload;
use wire::{Author, Block, CommittedPayload, Equivocation, Event, List, Round};

fn proof(author: u16, round: u64, millis: u64) -> Equivocation {
    let signed = |millis| {
        let block = Block {
            epoch: 1,
            author: Author(author),
            round: Round(round),
            timestamp: Timestamp::from_millis(millis),
            parents: List::default(),
            batches: List::default(),
            coin_share: None,
            attestations: List::default(),
            evidence: List::default(),
        };
        (block.reference(), block.sign(&SigningKey::from_bytes([7; 32])).signature)
    };
    Equivocation::new(1, signed(millis), signed(millis + 1)).expect("two blocks of one round")
}

fn commit(index: u64, proofs: &[Equivocation]) -> CommittedPayload {
    let mut payload = payload(index, 1_000 * index, Vec::new());
    let mut blocks = payload.blocks.into_vec();
    blocks[0].evidence = List::new(proofs.to_vec()).expect("few");
    payload.blocks = List::new(blocks).expect("one block");
    payload
}

fn convicted(state: &mut State, payload: &CommittedPayload) -> Vec<(u64, u16, u64)> {
    let mut events = Vec::new();
    apply(state, payload, &mut events);
    let told = |event: &Event| match event {
        Event::Equivocated { epoch, author, round } => Some((*epoch, author.0, round.0)),
        _ => None,
    };
    events.iter().filter_map(told).collect()
}

#[test]
fn the_first_proof_against_each_validator_is_recorded_and_no_other() {
    let genesis = exchange::Genesis::with_usual_parameters();
    let mut state = State::new(&genesis, Digest::ZERO).expect("the usual parameters are sound");
    assert_eq!(convicted(&mut state, &commit(1, &[])), []);
    let first = proof(2, 9, 1);
    let both = [first, proof(3, 4, 1)];
    assert_eq!(convicted(&mut state, &commit(2, &both)), [(1, 2, 9), (1, 3, 4)]);
    let mut leaves = Vec::new();
    state.take_changes(|key, value| leaves.push((key, value)));
    assert!(leaves.contains(&(LeafKey::Equivocator(1, Author(2)), Some(first.encode().to_vec()))));
    let later = [proof(2, 11, 1), proof(3, 4, 1)];
    assert_eq!(convicted(&mut state, &commit(3, &later)), []);
    assert_eq!(state.equivocation(1, Author(2)), Some(&first));
    assert_eq!(state.equivocations().count(), 2);
    let mut leaves = 0;
    state.take_changes(|_, _| leaves += 1);
    assert_eq!(leaves, 0, "what is known changes nothing under the root");
}
