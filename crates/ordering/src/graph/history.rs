//! Walks of the past of a block: who certifies in it, and what of it is not ordered yet.
//!
//! Invariant: no walk looks at or under the floor, and none visits a block twice.

use num::Timestamp;
use wire::{Author, BlockRef, Round, Stake};

use super::{Graph, Layer, Node, Place};
use crate::{Wave, support::NONE};

impl Graph {
    /// The block of `author` in the wave's proposing round that a block in the history of `anchor` certifies.
    /// There is at most one, or the graph holds a fault.
    pub(crate) fn certified_in_history(&self, anchor: Place, wave: Wave, author: Author) -> Option<Place> {
        let seat_of = usize::from(author.0);
        if self.layer(wave.propose())?.seats[seat_of].certified.is_empty() {
            return None;
        }
        let certified = |node: &Node| node.certifies.get(seat_of).copied().filter(|block| *block != NONE);
        let index = self.history_at(anchor, wave.certify()).into_iter().find_map(certified)?;
        Some(Place { round: wave.propose(), index })
    }

    /// The blocks of `round` in the history of `top`, which lies higher.
    fn history_at(&self, top: Place, round: Round) -> Vec<&Node> {
        let held = |round| self.layer(Round(round)).expect("invariant: rounds above the floor are held");
        let layers: Vec<&Layer> = (round.0..=top.round.0).map(held).collect();
        let mut marks: Vec<Vec<bool>> = layers.iter().map(|layer| vec![false; layer.nodes.len()]).collect();
        let mark = |marks: &mut Vec<Vec<bool>>, place: Place| {
            let above = usize::try_from(place.round.0 - round.0).expect("invariant: both rounds are held");
            marks[above][usize::try_from(place.index).expect("invariant: an index of its layer")] = true;
        };
        mark(&mut marks, top);
        for above in (1..layers.len()).rev() {
            let marked = core::mem::take(&mut marks[above]);
            let parents = layers[above].marked(&marked).flat_map(|node| &node.parents);
            parents.filter(|parent| parent.round >= round).for_each(|parent| mark(&mut marks, *parent));
        }
        layers[0].marked(&marks[0]).collect()
    }

    /// The history of `leader` above `floor` that is not ordered yet, itself included, by round, author and
    /// digest. It counts as ordered from now on.
    pub(crate) fn take_history(&mut self, leader: Place, floor: Round) -> Vec<BlockRef> {
        let mut taken = Vec::new();
        let mut open = vec![leader];
        while let Some(place) = open.pop() {
            if place.round <= floor.max(self.floor) {
                continue;
            }
            let layer = self.layer_mut(place.round).expect("invariant: a block above the floor is held");
            let node = layer.node_mut(place.index);
            if !core::mem::replace(&mut node.ordered, true) {
                taken.push(node.reference);
                open.extend(node.parents.iter().copied());
            }
        }
        taken.sort_unstable();
        taken
    }

    /// The timestamps of the parents of `block` above `floor`, with their authors' stake.
    pub(crate) fn parent_times(&self, block: Place, floor: Round) -> Vec<(Timestamp, Stake)> {
        let parents = self.node(block).parents.iter().filter(|parent| parent.round > floor.max(self.floor));
        parents
            .map(|parent| self.node(*parent))
            .map(|node| (node.timestamp, self.committee.stake(node.reference.author)))
            .collect()
    }
}

impl Layer {
    fn marked(&self, marks: &[bool]) -> impl Iterator<Item = &Node> {
        self.nodes.iter().zip(marks).filter(|(_, marked)| **marked).map(|(node, _)| node)
    }
}
