//! Two headers for every round: half of the validators get the one, half the other, now and then somebody both.
//!
//! Invariant: the twins of a round are the same whenever they are sent.

use num::{Duration, Timestamp};
use wire::{Author, Block};

use crate::adversary::{Byzantine, Demand, InFlight, Powers};

/// Signs header twins.
#[derive(Debug)]
pub struct Equivocator;

/// The other block: the same but for its timestamp.
pub fn twin_of(block: Block) -> Block {
    let timestamp: Timestamp = block.timestamp.saturating_add(Duration::from_millis(1));
    Block { timestamp, ..block }
}

/// Whether `to` is in the half that gets the twin; the halves change with the rounds.
pub fn gets_twin(block: &Block, to: Author) -> bool {
    (u64::from(to.0) + block.round.0 / 7).is_multiple_of(2)
}

impl Byzantine for Equivocator {
    fn speak(&mut self, message: InFlight, powers: &mut Powers, out: &mut Vec<InFlight>) {
        let Some(block) = Powers::own_block(&message) else { return out.push(message) };
        let twin_too = powers.random.chance(16);
        if gets_twin(&block, message.to) || twin_too {
            let twin = powers.sign(twin_of(block.clone()));
            out.extend(twin.map(|twin| InFlight { message: twin, ..message.clone() }));
        }
        if !gets_twin(&block, message.to) || twin_too {
            out.push(message);
        }
    }

    fn demand(&self) -> Demand {
        Demand::Conviction
    }
}
