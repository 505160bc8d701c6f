//! Four validators and the blocks they might make.
#![allow(dead_code, unreachable_pub, reason = "each test file uses its part")]

use bytes::Bytes;
use commonware_codec::Encode;
use crypto::{CoinShare, Digest, SigningKey};
use dag::{Dag, Rules, VerifiedBlock};
use num::Timestamp;
use wire::{Author, BatchRef, Block, BlockRef, Committee, List, Member, Round};

pub const EPOCH: u64 = 3;
pub const WAVE: u64 = 4;
pub const DEPTH: u64 = 10;
pub const AHEAD: u64 = 50_000;

pub fn key(author: u16) -> SigningKey {
    SigningKey::from_bytes([u8::try_from(author).expect("few") + 1; 32])
}

pub fn rules() -> Rules {
    let members = (0..4).map(|author| Member { key: key(author).public_key(), stake: 1 }).collect();
    let committee = Committee::new(EPOCH, members).expect("four keys");
    Rules { committee, wave_length: WAVE, gc_depth: DEPTH, rounds_ahead_max: AHEAD }
}

/// The DAG as validator 0 holds it.
pub fn dag() -> Dag {
    Dag::new(rules(), Author(0))
}

/// A batch that nobody has made.
pub fn batch(author: u16, name: u8) -> BatchRef {
    BatchRef { author: Author(author), worker: 0, digest: Digest::of("test batch", &[name]) }
}

/// A block that stands for itself: any other reference with its round and author is another block.
pub fn stranger(round: u64, author: u16) -> BlockRef {
    BlockRef { round: Round(round), author: Author(author), digest: Digest::of("test stranger", &[]) }
}

/// A block on top of `parents`, a share of the coin where one is due.
pub fn block(author: u16, round: u64, parents: Vec<BlockRef>) -> Block {
    Block {
        epoch: EPOCH,
        author: Author(author),
        round: Round(round),
        timestamp: Timestamp::from_millis(1_000 * round),
        parents: List::new(parents).expect("few parents"),
        batches: List::default(),
        coin_share: (round >= WAVE).then_some(CoinShare([1; 48])),
        attestations: List::default(),
        evidence: List::default(),
    }
}

/// References of all four authors to a round, the author's own first.
pub fn all_of(round: u64, author: u16) -> Vec<BlockRef> {
    let others = (0..4).filter(|other| *other != author);
    let reference = |author| {
        if round == 0 { BlockRef::genesis(Author(author)) } else { stranger(round, author) }
    };
    core::iter::once(author).chain(others).map(reference).collect()
}

pub fn sign(block: Block) -> Bytes {
    let author = block.author.0;
    block.sign(&key(author)).encode()
}

/// A block as it stands after its verification, which other tests look at.
pub fn verified(block: Block) -> VerifiedBlock {
    let reference = block.reference();
    let signature = block.clone().sign(&key(block.author.0)).signature;
    VerifiedBlock { reference, block, signature, encoded: Bytes::new() }
}
