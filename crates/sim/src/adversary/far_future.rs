//! Blocks of rounds that are far away: just within what is looked at, beyond it, and the highest there is.
//!
//! Invariant: their form is sound; only the round is absurd.

use crypto::{CoinShare, Digest};
use wire::{Author, Block, BlockRef, List, Round};

use crate::adversary::{Byzantine, InFlight, Powers};

/// Its validators' blocks between two absurd ones.
const EVERY: u64 = 12;

/// Says now and then that it is far ahead.
#[derive(Debug, Default)]
pub struct FarFuture {
    said: u64,
}

fn absurd(block: &Block, round: Round, members: u16) -> Block {
    let before = Round(round.0 - 1);
    let invented = |author: u16| {
        let bytes = [&before.0.to_be_bytes()[..], &author.to_be_bytes()].concat();
        let digest = Digest::of("clockless sim invented block", &bytes);
        BlockRef { round: before, author: Author(author), digest }
    };
    let others = (0..members).filter(|other| Author(*other) != block.author);
    let parents = core::iter::once(block.author.0).chain(others).map(invented).collect();
    Block {
        round,
        parents: List::new(parents).unwrap_or_default(),
        batches: List::default(),
        coin_share: Some(CoinShare([9; 48])),
        ..block.clone()
    }
}

impl Byzantine for FarFuture {
    fn speak(&mut self, message: InFlight, powers: &mut Powers, out: &mut Vec<InFlight>) {
        if let Some(block) = Powers::own_block(&message) {
            self.said += 1;
            if self.said.is_multiple_of(EVERY) {
                let far = [block.round.after(90_000), block.round.after(200_000), Round(u64::MAX)];
                let round = far[usize::try_from(powers.random.below(3)).unwrap_or(0)];
                let said = powers.sign(absurd(&block, round, powers.members));
                out.extend(said.map(|said| InFlight { message: said, ..message.clone() }));
            }
        }
        out.push(message);
    }
}
