//! Which blocks an author may make: every rule that needs no other block, and its fault.

mod support;

use bytes::Bytes;
use crypto::CoinShare;
use dag::{Fault, ReadBlock, VerifiedBlock};
use num::Timestamp;
use proptest::prelude::*;
use support::{DEPTH, WAVE, all_of, batch, block, rules, sign, stranger};
use wire::{Author, Block, BlockRef, List, Round};

/// An honest block of validator 1 in round 20.
fn honest() -> Block {
    block(1, 20, all_of(19, 1))
}

fn with_parents(parents: Vec<BlockRef>) -> Block {
    Block { parents: List::new(parents).expect("few"), ..honest() }
}

/// The honest parents with one exchanged.
fn parents_but(place: usize, parent: BlockRef) -> Block {
    let mut parents = all_of(19, 1);
    parents[place] = parent;
    with_parents(parents)
}

fn verify(encoded: Bytes) -> Result<VerifiedBlock, Fault> {
    ReadBlock::read(encoded).and_then(|read| rules().verify(read))
}

fn fault(block: Block) -> Option<Fault> {
    verify(sign(block)).err()
}

#[test]
fn honest_blocks_keep_the_rules() {
    let late_own = [vec![stranger(3, 1)], all_of(19, 1).split_off(1)].concat();
    let oldest = [all_of(19, 1)[..3].to_vec(), vec![stranger(20 - DEPTH, 3)]].concat();
    let cases = [
        ("an ordinary one", honest()),
        ("the first of all", block(2, 1, all_of(0, 2))),
        ("the last without a coin share", block(2, WAVE - 1, all_of(WAVE - 2, 2))),
        ("the first with one", block(2, WAVE, all_of(WAVE - 1, 2))),
        ("of any round", block(1, 1_000_000, all_of(999_999, 1))),
        ("with a bare quorum of parents", with_parents(all_of(19, 1)[..3].to_vec())),
        ("whose author was away for long", with_parents(late_own)),
        ("with the oldest parent there can be", with_parents(oldest)),
        ("with batches of its author", Block { batches: List::new(vec![batch(1, 1)]).unwrap(), ..honest() }),
        ("from a clock that stands still", Block { timestamp: Timestamp::ZERO, ..honest() }),
        ("from a clock that runs away", Block { timestamp: Timestamp::MAX, ..honest() }),
        ("with a wrong coin share", Block { coin_share: Some(CoinShare([255; 48])), ..honest() }),
    ];
    for (what, block) in cases {
        let reference = block.reference();
        let encoded = sign(block.clone());
        let verified = verify(encoded.clone());
        let verified = verified.unwrap_or_else(|fault| panic!("{what}: {fault}"));
        assert_eq!((verified.reference, verified.block, verified.encoded), (reference, block, encoded));
    }
}

#[test]
fn every_broken_rule_has_its_fault() {
    let (low, high) = (Round(20 - DEPTH), Round(19));
    let outside = |parent| Fault::ParentRound { parent, low, high };
    let foreign = List::new(vec![batch(1, 1), batch(2, 2)]).unwrap();
    let genesis = BlockRef { digest: stranger(0, 3).digest, ..BlockRef::genesis(Author(3)) };
    let young = Block { parents: List::new(parents_of_two(genesis)).unwrap(), ..block(1, 1, Vec::new()) };
    let cases = [
        (Block { epoch: 4, ..honest() }, Fault::Epoch { have: 4, need: 3 }),
        (Block { author: Author(4), ..honest() }, Fault::Author { have: Author(4) }),
        (Block { round: Round(0), ..honest() }, Fault::Round),
        (Block { coin_share: None, ..honest() }, Fault::CoinShare { need: WAVE }),
        (
            Block { coin_share: Some(CoinShare([1; 48])), ..block(1, WAVE - 1, all_of(WAVE - 2, 1)) },
            Fault::CoinShare { need: WAVE },
        ),
        (with_parents(Vec::new()), Fault::OwnParent),
        (with_parents(all_of(19, 2)), Fault::OwnParent),
        (parents_but(0, stranger(20, 1)), Fault::OwnParent),
        (parents_but(1, stranger(20, 0)), outside(stranger(20, 0))),
        (parents_but(1, stranger(9, 0)), outside(stranger(9, 0))),
        (young, Fault::ParentRound { parent: genesis, low: Round(0), high: Round(0) }),
        (parents_but(1, stranger(19, 4)), Fault::Author { have: Author(4) }),
        (parents_but(1, stranger(18, 1)), Fault::ParentTwice { author: Author(1) }),
        (parents_but(1, stranger(19, 2)), Fault::ParentTwice { author: Author(2) }),
        (with_parents(all_of(19, 1)[..2].to_vec()), Fault::Parents { have: 2, need: 3 }),
        (parents_of_other_rounds(), Fault::Parents { have: 2, need: 3 }),
        (Block { batches: foreign, ..honest() }, Fault::ForeignBatch { have: Author(2), need: Author(1) }),
    ];
    for (block, need) in cases {
        let shown = format!("{block:?}");
        assert_eq!(fault(block), Some(need), "{shown}");
    }
}

fn parents_of_two(other: BlockRef) -> Vec<BlockRef> {
    let genesis = |author| BlockRef::genesis(Author(author));
    vec![genesis(1), genesis(0), genesis(2), other]
}

/// A quorum of parents, but not of the round before.
fn parents_of_other_rounds() -> Block {
    let mut parents = all_of(19, 1);
    parents[2] = stranger(18, 2);
    parents[3] = stranger(18, 3);
    with_parents(parents)
}

#[test]
fn a_block_is_its_author_s_alone() {
    let forged = honest().sign(&support::key(2));
    let encoded = commonware_codec::Encode::encode(&forged);
    assert_eq!(verify(encoded).err(), Some(Fault::Signature));
    let mut changed = sign(honest()).to_vec();
    let timestamp = 8 + 2 + 8;
    changed[timestamp + 7] ^= 1;
    assert_eq!(verify(Bytes::from(changed)).err(), Some(Fault::Signature));
}

#[test]
fn what_is_cut_off_or_goes_on_is_no_block() {
    let sound = sign(honest());
    for end in 0..sound.len() {
        assert_eq!(verify(sound.slice(..end)).err(), Some(Fault::Malformed), "{end} bytes");
    }
    let longer = Bytes::from([&sound[..], &[0]].concat());
    assert_eq!(verify(longer).err(), Some(Fault::Malformed));
}

proptest! {
    #[test]
    fn no_bytes_of_a_peer_pass_or_panic(
        place in any::<prop::sample::Index>(), bit in 0_u8..8, noise in prop::collection::vec(any::<u8>(), 0..400),
    ) {
        let mut flipped = sign(honest()).to_vec();
        let place = place.index(flipped.len());
        flipped[place] ^= 1 << bit;
        prop_assert!(verify(Bytes::from(flipped)).is_err());
        prop_assert!(verify(Bytes::from(noise)).is_err());
    }
}
