//! Finds what at most f of faulty stake cannot bring about, and who did it.
//!
//! Invariant: a fault names a slot only when a certificate stands against a quorum of blame or against the
//! certificate of a twin. Two quorums then share more than f of stake that signed two blocks in one round.

use std::collections::BTreeMap;

use wire::{Author, BlockRef, Round};

use super::{Certified, Graph, Place};
use crate::{
    Contradiction, Fault,
    support::{Index, NONE},
};

impl Graph {
    /// Looks at a slot after its blame became a quorum or one more of its blocks was certified.
    pub(super) fn suspect(&mut self, round: Round, seat_of: usize) {
        if self.fault.is_none() {
            self.fault = self.contradiction(round, seat_of);
        }
    }

    fn contradiction(&self, round: Round, seat_of: usize) -> Option<Fault> {
        let seat = self.layer(round)?.seats.get(seat_of)?;
        let block = |it: &Certified| self.reference(Place { round, index: it.block });
        let (contradiction, one, other) = match seat.certified.as_slice() {
            [one, other, ..] => {
                let certificates = [self.reference(one.first), self.reference(other.first)];
                let twins =
                    Contradiction::TwinsCertified { blocks: [block(one), block(other)], certificates };
                (twins, self.voters(one, seat_of), self.voters(other, seat_of))
            }
            [one] if seat.blame.is_quorum(&self.committee) => {
                let certificate = self.reference(one.first);
                let blamed = Contradiction::BlamedAndCertified { block: block(one), certificate };
                (blamed, self.voters(one, seat_of), self.blamers(round, seat_of))
            }
            _ => return None,
        };
        let culprits = one.into_iter().filter_map(|(author, block)| Some((block, *other.get(&author)?)));
        let author = Author(u16::try_from(seat_of).expect("invariant: a seat of the committee"));
        let (contradiction, culprits) = (Box::new(contradiction), culprits.collect());
        Some(Fault::AssumptionBroken { round, author, contradiction, culprits })
    }

    /// The voting blocks behind a certificate.
    fn voters(&self, certified: &Certified, seat_of: usize) -> BTreeMap<Author, BlockRef> {
        let parents = self.node(certified.first).parents.iter();
        let direct = parents.filter(|parent| parent.round.next() == certified.first.round).copied();
        self.voting(direct, seat_of, certified.block)
    }

    /// The voting blocks that support nothing in the slot.
    fn blamers(&self, round: Round, seat_of: usize) -> BTreeMap<Author, BlockRef> {
        let vote = self.length.proposed_in(round).map_or(round, |wave| wave.vote());
        let nodes = self.layer(vote).map_or(0, |layer| layer.nodes.len());
        let indices = (0..nodes).filter_map(|index| Index::try_from(index).ok());
        self.voting(indices.map(|index| Place { round: vote, index }), seat_of, NONE)
    }

    fn voting(
        &self,
        voters: impl Iterator<Item = Place>,
        seat_of: usize,
        vote: Index,
    ) -> BTreeMap<Author, BlockRef> {
        voters
            .map(|voter| self.node(voter))
            .filter(|node| self.votes(node)[seat_of] == vote)
            .map(|node| (node.reference.author, node.reference))
            .collect()
    }
}
