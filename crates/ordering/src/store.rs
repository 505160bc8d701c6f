//! The blocks above the floor, with what each one supports.
//!
//! Invariant: a block's support for (author, round) is the block that a walk of its references, depth first
//! in stored order, meets first there. It follows from its parents' supports in O(n) a round: the first
//! parent in stored order that supports one, supports the same.

use std::collections::BTreeMap;

use num::Timestamp;
use wire::{Author, BlockRef, Round};

use crate::{Vertex, Wave};

/// A twin of an (author, round), counted from 1 in the order of acceptance; 0 is none. Local to a validator.
type Twin = u16;

/// An accepted block.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub parents: Vec<BlockRef>,
    pub timestamp: Timestamp,
    /// For each distance 0, 1, ... back, for each author: which twin it supports.
    support: Vec<Twin>,
}

/// All accepted blocks above the floor.
#[derive(Clone, Debug)]
pub(crate) struct Store {
    size: usize,
    distances: u64,
    nodes: BTreeMap<BlockRef, Node>,
    /// For each round, for each author: its blocks.
    layers: BTreeMap<Round, Vec<Vec<BlockRef>>>,
}

impl Store {
    pub(crate) fn new(size: u16, wave: Wave) -> Self {
        Self {
            size: usize::from(size),
            distances: wave.vote_distance() + 1,
            nodes: BTreeMap::new(),
            layers: BTreeMap::new(),
        }
    }

    /// False when the block is there already or its author is no member.
    pub(crate) fn insert(&mut self, vertex: &Vertex) -> bool {
        let BlockRef { round, author, .. } = vertex.reference;
        if usize::from(author.0) >= self.size || self.nodes.contains_key(&vertex.reference) {
            return false;
        }
        let mut support = self.inherit(round, &vertex.parents);
        let layer = self.layers.entry(round).or_insert_with(|| vec![Vec::new(); self.size]);
        let twins = &mut layer[usize::from(author.0)];
        let Ok(twin) = Twin::try_from(twins.len() + 1) else { return false };
        twins.push(vertex.reference);
        support[usize::from(author.0)] = twin;
        let node = Node { parents: vertex.parents.clone(), timestamp: vertex.timestamp, support };
        self.nodes.insert(vertex.reference, node);
        true
    }

    /// The supports that a block of `round` has through its parents.
    fn inherit(&self, round: Round, parents: &[BlockRef]) -> Vec<Twin> {
        let width = self.size;
        let mut support = vec![0; self.places(self.distances)];
        for parent in parents {
            let Some(distance) =
                round.0.checked_sub(parent.round.0).filter(|it| (1..self.distances).contains(it))
            else {
                continue;
            };
            let Some(node) = self.nodes.get(parent) else { continue };
            let inherited = node.support.len() - self.places(distance);
            let from = width * usize::try_from(distance).unwrap_or(0);
            for (mine, theirs) in support[from..].iter_mut().zip(&node.support[..inherited]) {
                if *mine == 0 {
                    *mine = *theirs;
                }
            }
        }
        support
    }

    fn places(&self, distances: u64) -> usize {
        self.size * usize::try_from(distances).unwrap_or(0)
    }

    pub(crate) fn get(&self, block: &BlockRef) -> Option<&Node> {
        self.nodes.get(block)
    }

    /// The blocks of an author in a round.
    pub(crate) fn twins(&self, round: Round, author: Author) -> &[BlockRef] {
        let layer = self.layers.get(&round).and_then(|layer| layer.get(usize::from(author.0)));
        layer.map_or(&[], Vec::as_slice)
    }

    /// Every block of a round.
    pub(crate) fn blocks(&self, round: Round) -> impl Iterator<Item = &BlockRef> {
        self.layers.get(&round).into_iter().flatten().flatten()
    }

    /// The block of `(author, round)` that `block` supports.
    pub(crate) fn supported(&self, block: &BlockRef, (round, author): (Round, Author)) -> Option<BlockRef> {
        let distance = block.round.0.checked_sub(round.0).filter(|it| *it < self.distances)?;
        let node = self.nodes.get(block)?;
        let place = self.places(distance) + usize::from(author.0);
        let twin = usize::from(*node.support.get(place)?);
        self.twins(round, author).get(twin.checked_sub(1)?).copied()
    }

    pub(crate) fn highest_round(&self) -> Round {
        self.layers.last_key_value().map_or(Round(0), |(round, _)| *round)
    }

    /// Drops everything at or under the floor.
    pub(crate) fn forget_through(&mut self, floor: Round) {
        while let Some((round, _)) = self.layers.first_key_value()
            && *round <= floor
        {
            let Some((_, layer)) = self.layers.pop_first() else { return };
            for block in layer.iter().flatten() {
                self.nodes.remove(block);
            }
        }
    }
}
