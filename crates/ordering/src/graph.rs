//! The blocks above the floor, with what each says about the slots below it.
//!
//! Invariant: every parent of a held block is held too, unless it lies at or under the floor. Blame and
//! certificates are counted once an author, the moment a block comes in, so that a slot is decided by reading
//! two numbers when its coin is revealed.
//! Left out on purpose: leaders. Every block is treated as if it might turn out to be one.

use std::collections::{BTreeSet, VecDeque};

use num::Timestamp;
use wire::{Author, BlockRef, Committee, Round, Stake, Tally};

use crate::{
    Fault, WaveLength,
    support::{Index, NONE, Parent, Support, majority},
};

mod evidence;
mod history;

/// Where a held block lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) round: Round,
    pub(crate) index: Index,
}

#[derive(Debug)]
struct Node {
    reference: BlockRef,
    timestamp: Timestamp,
    /// In stored order, those above the floor.
    parents: Box<[Place]>,
    support: Support,
    /// For each author, the block that proposed in this round's wave and that this block certifies.
    certifies: Box<[Index]>,
    ordered: bool,
}

/// What is known of one author in one round.
#[derive(Clone, Debug, Default)]
struct Seat {
    /// More than one when the author equivocates.
    blocks: Vec<Index>,
    /// Authors of voting blocks that support none of `blocks`.
    blame: Tally,
    certified: Vec<Certified>,
}

#[derive(Clone, Debug)]
struct Certified {
    block: Index,
    by: Tally,
    first: Place,
}

#[derive(Debug)]
struct Layer {
    nodes: Vec<Node>,
    seats: Vec<Seat>,
}

/// What the certifying and voting blocks that are held say of a slot by themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direct {
    Open,
    Skip,
    Commit(Place),
}

#[derive(Debug)]
pub(crate) struct Graph {
    committee: Committee,
    length: WaveLength,
    /// The rounds above the floor, lowest first.
    layers: VecDeque<Layer>,
    floor: Round,
    /// Blocks above the floor that were ordered before a checkpoint and are not held yet.
    ordered: BTreeSet<BlockRef>,
    /// The first contradiction seen.
    fault: Option<Fault>,
}

impl Graph {
    pub(crate) fn new(committee: Committee, length: WaveLength) -> Self {
        let (layers, ordered) = (VecDeque::new(), BTreeSet::new());
        Self { committee, length, layers, floor: Round(0), ordered, fault: None }
    }

    /// Forgets every block and goes on above `floor`, where these are ordered already.
    pub(crate) fn resume(&mut self, floor: Round, ordered: impl Iterator<Item = BlockRef>) {
        self.layers.clear();
        self.floor = floor;
        self.ordered = ordered.collect();
    }

    /// The blocks above the floor that are ordered, sorted.
    pub(crate) fn ordered(&self) -> Vec<BlockRef> {
        let held = self.layers.iter().flat_map(|layer| &layer.nodes).filter(|node| node.ordered);
        let mut ordered: Vec<BlockRef> = held.map(|node| node.reference).collect();
        ordered.extend(self.ordered.iter().copied());
        ordered.sort_unstable();
        ordered
    }

    pub(crate) const fn committee(&self) -> &Committee {
        &self.committee
    }

    pub(crate) const fn fault(&self) -> Option<&Fault> {
        self.fault.as_ref()
    }

    /// Blocks of this round and of lower ones are forgotten.
    pub(crate) const fn floor(&self) -> Round {
        self.floor
    }

    /// The highest round that holds a block; the floor when there is none.
    pub(crate) fn highest(&self) -> Round {
        self.floor.after(self.layers.len().try_into().expect("invariant: a length fits into 64 bits"))
    }

    /// How many blocks are held.
    pub(crate) fn held(&self) -> usize {
        self.layers.iter().map(|layer| layer.nodes.len()).sum()
    }

    /// Takes a block in, unless it is known or lies under the floor; whether it can have decided a slot.
    pub(crate) fn insert(&mut self, reference: BlockRef, timestamp: Timestamp, parents: &[BlockRef]) -> bool {
        let BlockRef { round, author, .. } = reference;
        if round <= self.floor || self.find(&reference).is_some() {
            return false;
        }
        assert!(self.committee.contains(author), "dag accepts blocks of members only: {author}");
        assert!(round <= self.highest().next(), "blocks come in causal order: {round} is ahead");
        if round > self.highest() {
            let seats = vec![Seat::default(); usize::from(self.committee.size())];
            self.layers.push_back(Layer { nodes: Vec::new(), seats });
        }
        let mut node = self.build(reference, timestamp, parents);
        node.ordered = self.ordered.remove(&reference);
        let layer = self.layer_mut(round).expect("invariant: the layer was made above");
        let index =
            Index::try_from(layer.nodes.len()).expect("invariant: memory holds fewer than 2^32 blocks");
        layer.nodes.push(node);
        layer.seats[usize::from(author.0)].blocks.push(index);
        let place = Place { round, index };
        let blamed = self.count_blame(place);
        let certified = self.count_certificates(place);
        blamed || certified
    }

    pub(crate) fn find(&self, reference: &BlockRef) -> Option<Place> {
        let layer = self.layer(reference.round)?;
        let twins = &layer.seats.get(usize::from(reference.author.0))?.blocks;
        let index = twins.iter().find(|index| layer.node(**index).reference == *reference)?;
        Some(Place { round: reference.round, index: *index })
    }

    pub(crate) fn reference(&self, place: Place) -> BlockRef {
        self.node(place).reference
    }

    pub(crate) fn is_ordered(&self, place: Place) -> bool {
        self.node(place).ordered
    }

    /// What `voter` supports of `author` in `round`.
    pub(crate) fn supported(&self, voter: Place, author: Author, round: Round) -> Option<Place> {
        let distance = usize::try_from(voter.round.0.checked_sub(round.0)?).ok()?;
        let index = *self.node(voter).support.row(distance).get(usize::from(author.0))?;
        (index != NONE && round > self.floor).then_some(Place { round, index })
    }

    /// The direct rule for the slot of `author` in `round`.
    pub(crate) fn direct(&self, round: Round, author: Author) -> Direct {
        let Some(layer) = self.layer(round) else { return Direct::Open };
        let seat = &layer.seats[usize::from(author.0)];
        if seat.blame.is_quorum(&self.committee) {
            return Direct::Skip;
        }
        let certified = seat.certified.iter().find(|it| it.by.is_quorum(&self.committee));
        certified.map_or(Direct::Open, |it| Direct::Commit(Place { round, index: it.block }))
    }

    /// Forgets every block of round `floor` and of lower ones. A floor never sinks.
    pub(crate) fn forget(&mut self, floor: Round) {
        while self.floor < floor {
            self.layers.pop_front();
            self.floor = self.floor.next();
        }
        if !self.ordered.is_empty() {
            self.ordered = self.ordered.split_off(&BlockRef { round: floor.next(), ..BlockRef::default() });
        }
    }

    fn build(&self, reference: BlockRef, timestamp: Timestamp, parents: &[BlockRef]) -> Node {
        let parents: Box<[Place]> = parents.iter().filter_map(|parent| self.parent(parent)).collect();
        let round = reference.round;
        let seen = parents.iter().map(|place| self.as_parent(round, *place));
        let distances = usize::from(self.length.vote_distance());
        Node {
            reference,
            timestamp,
            support: Support::of(seen, distances, usize::from(self.committee.size())),
            certifies: self.certifies(round, &parents),
            parents,
            ordered: false,
        }
    }

    fn parent(&self, reference: &BlockRef) -> Option<Place> {
        let place = self.find(reference);
        assert!(
            place.is_some() || reference.round <= self.floor,
            "blocks come in causal order: {reference:?} is missing"
        );
        place
    }

    fn as_parent(&self, round: Round, place: Place) -> Parent<'_> {
        let node = self.node(place);
        let distance = round.0.checked_sub(place.round.0).filter(|distance| *distance > 0);
        let distance = distance.expect("invariant: dag accepts only parents of lower rounds");
        Parent {
            distance: usize::try_from(distance).expect("invariant: both rounds are held in memory"),
            author: usize::from(node.reference.author.0),
            index: place.index,
            support: &node.support,
        }
    }

    /// For each author, the block that a quorum of the direct parents votes for.
    fn certifies(&self, round: Round, parents: &[Place]) -> Box<[Index]> {
        if self.length.certified_in(round).is_none() {
            return Box::default();
        }
        let mut authors = Tally::new();
        let direct = parents.iter().filter(|parent| parent.round.next() == round);
        let voters: Vec<(&[Index], Stake)> = direct
            .map(|parent| self.node(*parent))
            .filter(|node| authors.add(&self.committee, node.reference.author))
            .map(|node| (self.votes(node), self.committee.stake(node.reference.author)))
            .collect();
        (0..usize::from(self.committee.size()))
            .map(|author| {
                majority(voters.iter().map(|(row, stake)| (row[author], *stake)), self.committee.quorum())
            })
            .collect()
    }

    /// What a voting block votes for, by author.
    fn votes<'a>(&self, node: &'a Node) -> &'a [Index] {
        node.support.row(usize::from(self.length.vote_distance()))
    }

    /// Whether the blame of some slot became a quorum.
    fn count_blame(&mut self, voter: Place) -> bool {
        let Some(wave) = self.length.voted_in(voter.round) else { return false };
        let node = self.node(voter);
        let author = node.reference.author;
        let silent = |(seat, vote): (usize, &Index)| (*vote == NONE).then_some(seat);
        let blamed: Vec<usize> = self.votes(node).iter().enumerate().filter_map(silent).collect();
        let mut quorum = false;
        for seat_of in blamed {
            let Some((committee, seat)) = self.seat_mut(wave.propose(), seat_of) else { break };
            if seat.blame.add(committee, author) && seat.blame.is_quorum(committee) {
                quorum = true;
                self.suspect(wave.propose(), seat_of);
            }
        }
        quorum
    }

    /// Whether the certificates of some block became a quorum.
    fn count_certificates(&mut self, certifier: Place) -> bool {
        let Some(wave) = self.length.certified_in(certifier.round) else { return false };
        let node = self.node(certifier);
        let author = node.reference.author;
        let present = |(seat, block): (usize, &Index)| (*block != NONE).then_some((seat, *block));
        let certified: Vec<(usize, Index)> = node.certifies.iter().enumerate().filter_map(present).collect();
        let mut quorum = false;
        for (seat_of, block) in certified {
            let Some((committee, seat)) = self.seat_mut(wave.propose(), seat_of) else { break };
            let fresh = seat.certificate(block, certifier);
            quorum |= fresh.by.add(committee, author) && fresh.by.is_quorum(committee);
            if fresh.first == certifier {
                self.suspect(wave.propose(), seat_of);
            }
        }
        quorum
    }

    fn layer(&self, round: Round) -> Option<&Layer> {
        let above = round.0.checked_sub(self.floor.0)?.checked_sub(1)?;
        self.layers.get(usize::try_from(above).ok()?)
    }

    fn layer_mut(&mut self, round: Round) -> Option<&mut Layer> {
        let above = round.0.checked_sub(self.floor.0)?.checked_sub(1)?;
        self.layers.get_mut(usize::try_from(above).ok()?)
    }

    fn seat_mut(&mut self, round: Round, author: usize) -> Option<(&Committee, &mut Seat)> {
        let above = round.0.checked_sub(self.floor.0)?.checked_sub(1)?;
        let layer = self.layers.get_mut(usize::try_from(above).ok()?)?;
        Some((&self.committee, layer.seats.get_mut(author)?))
    }

    fn node(&self, place: Place) -> &Node {
        self.layer(place.round).expect("invariant: places lie above the floor").node(place.index)
    }
}

impl Layer {
    fn node(&self, index: Index) -> &Node {
        &self.nodes[usize::try_from(index).expect("invariant: an index of this layer")]
    }

    fn node_mut(&mut self, index: Index) -> &mut Node {
        &mut self.nodes[usize::try_from(index).expect("invariant: an index of this layer")]
    }
}

impl Seat {
    fn certificate(&mut self, block: Index, certifier: Place) -> &mut Certified {
        let known = self.certified.iter().position(|it| it.block == block);
        let at = known.unwrap_or(self.certified.len());
        if known.is_none() {
            self.certified.push(Certified { block, by: Tally::new(), first: certifier });
        }
        &mut self.certified[at]
    }
}
