//! Two votes for every slot: the twin of a block builds on other blocks of the round before, or on the same in
//! another order, so that the two support different leaders.
//!
//! Invariant: each twin alone keeps every rule.

use wire::{Block, List};

use crate::adversary::{
    Byzantine, Demand, InFlight, Powers,
    equivocator::{gets_twin, twin_of},
};

/// Signs blocks that vote both ways.
#[derive(Debug)]
pub struct VoteTwins;

/// The same block without one parent of the round before where a quorum can spare it, the others turned round.
fn other_vote(block: Block, members: u16) -> Block {
    let before = block.round.0.saturating_sub(1);
    let mut parents = block.parents.to_vec();
    let direct = parents.iter().filter(|parent| parent.round.0 == before).count();
    let quorum = usize::from(members - (members - 1) / 3);
    if let Some(own) = parents.first().copied() {
        let spared = parents.iter().skip(1).position(|parent| parent.round.0 == before);
        if direct > quorum
            && let Some(place) = spared
        {
            parents.remove(place + 1);
        }
        parents.remove(0);
        parents.reverse();
        parents.insert(0, own);
    }
    twin_of(Block { parents: List::new(parents).unwrap_or_default(), ..block })
}

impl Byzantine for VoteTwins {
    fn speak(&mut self, message: InFlight, powers: &mut Powers, out: &mut Vec<InFlight>) {
        let Some(block) = Powers::own_block(&message) else { return out.push(message) };
        let both = powers.random.chance(8);
        if gets_twin(&block, message.to) || both {
            let twin = powers.sign(other_vote(block.clone(), powers.members));
            out.extend(twin.map(|twin| InFlight { message: twin, ..message.clone() }));
        }
        if !gets_twin(&block, message.to) || both {
            out.push(message);
        }
    }

    fn demand(&self) -> Demand {
        Demand::Conviction
    }
}
