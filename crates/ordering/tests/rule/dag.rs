//! A whole DAG as tests hold it: who may speak, what was said, and which coins hide in it.
//!
//! Invariant: `vertices` lie in causal order, and names are unique: letter of the author, round, one prime
//! for each twin before.

use std::collections::BTreeMap;

use crypto::{CoinValue, Digest, SigningKey};
use ordering::{Ordering, Parameters, Vertex};
use wire::{Author, BlockRef, Committee, Member, Round, Stake};

use crate::coin::ScriptedCoin;

#[derive(Clone, Debug)]
pub struct Dag {
    pub committee: Committee,
    pub parameters: Parameters,
    pub coins: BTreeMap<u64, CoinValue>,
    pub vertices: Vec<Vertex>,
}

impl Dag {
    pub fn ordering(&self) -> Ordering {
        let coin = ScriptedCoin::new(self.committee.clone(), self.coins.clone());
        Ordering::new(self.committee.clone(), self.parameters, Box::new(coin)).unwrap()
    }

    pub fn names(&self) -> BTreeMap<BlockRef, String> {
        let named = |vertex: &Vertex| {
            let BlockRef { round, author, .. } = vertex.reference;
            let twin = (0..).find(|twin| reference(author, round, *twin) == vertex.reference);
            (vertex.reference, name(author, round, twin.expect("endless search")))
        };
        self.vertices.iter().map(named).collect()
    }
}

/// `C3''` is the third block that C signed for round 3.
pub fn name(author: Author, round: Round, twin: usize) -> String {
    let letter = char::from(b'A' + u8::try_from(author.0).expect("tests have at most 26 members"));
    format!("{letter}{round}{}", "'".repeat(twin))
}

pub fn reference(author: Author, round: Round, twin: usize) -> BlockRef {
    if round == Round(0) {
        return BlockRef::genesis(author);
    }
    BlockRef {
        round,
        author,
        digest: Digest::of("clockless test block", name(author, round, twin).as_bytes()),
    }
}

pub fn committee(stakes: &[Stake]) -> Committee {
    let member = |(seed, stake): (usize, &Stake)| Member {
        key: SigningKey::from_bytes([u8::try_from(seed).unwrap(); 32]).public_key(),
        stake: *stake,
    };
    Committee::new(0, stakes.iter().enumerate().map(member).collect()).unwrap()
}
