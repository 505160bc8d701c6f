//! Blocks on top of parents that nobody ever made, so that others ask for them for ever; the blocks of its
//! program go out too, so every one of them has a twin that nobody can accept.
//!
//! Invariant: the round is a present one and the form is sound.

use crypto::Digest;
use wire::{Block, BlockRef, List};

use crate::adversary::{Byzantine, Demand, InFlight, Powers};

/// Its validators' blocks between two fabricated ones.
const EVERY: u64 = 3;

/// Invents ancestors.
#[derive(Debug, Default)]
pub struct Fabricator {
    said: u64,
}

fn with_invented_parents(block: Block) -> Block {
    let invent = |(place, parent): (usize, &BlockRef)| {
        if place == 0 || parent.round.0 == 0 {
            return *parent;
        }
        BlockRef { digest: Digest::of("clockless sim invented block", &parent.digest.0), ..*parent }
    };
    let parents = block.parents.iter().enumerate().map(invent).collect();
    Block { parents: List::new(parents).unwrap_or_default(), ..block }
}

impl Byzantine for Fabricator {
    fn speak(&mut self, message: InFlight, powers: &mut Powers, out: &mut Vec<InFlight>) {
        if let Some(block) = Powers::own_block(&message)
            && block.round.0 > 1
        {
            self.said += 1;
            if self.said.is_multiple_of(EVERY) {
                let said = powers.sign(with_invented_parents(block));
                out.extend(said.map(|said| InFlight { message: said, ..message.clone() }));
            }
        }
        out.push(message);
    }

    fn demand(&self) -> Demand {
        Demand::Conviction
    }
}
