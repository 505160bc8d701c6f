//! Random DAGs: what up to f equivocators and a network that delivers as it likes can make of the protocol.
//!
//! Invariant: correct members sign one block a round on top of their last; every block has its own block
//! first, then a quorum of the round before in any order, then older links, at most one parent an author. A
//! tape of zeros weaves the plainest DAG: four members who all see each other.

use std::collections::BTreeMap;

use num::Timestamp;
use ordering::{Parameters, Vertex};
use wire::{Author, BlockRef, Committee, Round, Stake};

use crate::{
    coin::{right_share, value_for, wrong_share},
    dag::{Dag, committee, reference},
    tape::Tape,
};

struct Weaver<'a> {
    tape: &'a mut Tape,
    committee: Committee,
    parameters: Parameters,
    faulty: Vec<Author>,
    /// Whom few refer to in this round.
    shy: Author,
    blocks: BTreeMap<(Round, Author), Vec<BlockRef>>,
    vertices: Vec<Vertex>,
}

pub fn weave(tape: &mut Tape) -> Dag {
    let members = [4, 4, 4, 7, 10][tape.below(5)];
    let weighted = tape.chance(30);
    let stakes: Vec<Stake> = (0..members).map(|_| if weighted { 1 + tape.stake(3) } else { 1 }).collect();
    let wave_length = [5, 4][tape.below(2)];
    let parameters = Parameters {
        wave_length,
        leaders_per_round: 1 + u16::try_from(tape.below(members.min(4))).unwrap(),
        gc_depth: u64::from(wave_length) + 1 + u64::try_from(tape.below(12)).unwrap(),
        checkpoint_rounds: 2,
    };
    let committee = committee(&stakes);
    let faulty = choose_faulty(tape, &committee);
    let (shy, blocks, vertices) = (Author(0), BTreeMap::new(), Vec::new());
    let mut weaver = Weaver { tape, committee, parameters, faulty, shy, blocks, vertices };
    let rounds = 6 + weaver.tape.below(18);
    (1..=u64::try_from(rounds).unwrap()).for_each(|round| weaver.layer(Round(round)));
    weaver.finish()
}

fn choose_faulty(tape: &mut Tape, committee: &Committee) -> Vec<Author> {
    let mut candidates: Vec<Author> = committee.authors().collect();
    tape.shuffle(&mut candidates);
    let mut stake = 0;
    let wanted = tape.chance(75);
    candidates.retain(|author| {
        let fits = wanted && stake + committee.stake(*author) <= committee.faulty_stake();
        stake += if fits { committee.stake(*author) } else { 0 };
        fits
    });
    candidates
}

impl Weaver<'_> {
    fn layer(&mut self, round: Round) {
        let authors: Vec<Author> = self.committee.authors().collect();
        if self.tape.chance(50) {
            self.shy = self.tape.pick(&authors);
        }
        for author in authors {
            let twins = if self.faulty.contains(&author) { [1, 2, 3, 0][self.tape.below(4)] } else { 1 };
            for twin in 0..twins {
                let vertex = self.block(author, round, twin);
                self.blocks.entry((round, author)).or_default().push(vertex.reference);
                self.vertices.push(vertex);
            }
        }
    }

    fn block(&mut self, author: Author, round: Round, twin: usize) -> Vertex {
        let mut parents = Vec::new();
        parents.extend(self.own_before(author, round));
        self.add_quorum(round, author, &mut parents);
        self.add_older(round, &mut parents);
        let drift = u64::try_from(self.tape.below(500)).unwrap();
        Vertex {
            reference: reference(author, round, twin),
            parents,
            timestamp: Timestamp::from_millis(100 * round.0 + drift),
            coin_share: round
                .0
                .checked_sub(u64::from(self.parameters.wave_length) - 1)
                .filter(|it| *it > 0)
                .map(|wave| {
                    let wrong = self.faulty.contains(&author) && self.tape.chance(30);
                    if wrong { wrong_share(1) } else { right_share(author, wave) }
                }),
        }
    }

    /// The author's last block; one of its twins when it has several.
    fn own_before(&mut self, author: Author, round: Round) -> Option<BlockRef> {
        let lowest = round.0.saturating_sub(self.parameters.gc_depth);
        for below in (lowest.max(1)..round.0).rev() {
            if let Some(twins) = self.blocks.get(&(Round(below), author)) {
                return Some(self.tape.pick(twins));
            }
        }
        (lowest == 0).then(|| BlockRef::genesis(author))
    }

    fn add_quorum(&mut self, round: Round, author: Author, parents: &mut Vec<BlockRef>) {
        let below = Round(round.0 - 1);
        let others: Vec<Author> = self.committee.authors().filter(|other| *other != author).collect();
        let mut available: Vec<(Author, Vec<BlockRef>)> = Vec::new();
        for other in others {
            let known = self.blocks.get(&(below, other)).cloned();
            let twins = known.or_else(|| (below.0 == 0).then(|| vec![BlockRef::genesis(other)]));
            available.extend(twins.map(|twins| (other, twins)));
        }
        self.tape.shuffle(&mut available);
        if self.tape.chance(80) {
            available.sort_by_key(|(other, _)| *other == self.shy);
        }
        let generous = [usize::MAX, 0, 0, 0, 1][self.tape.below(5)];
        let direct = parents.iter().filter(|parent| parent.round == below);
        let mut stake: Stake = direct.map(|parent| self.committee.stake(parent.author)).sum();
        let mut surplus = 0;
        for (other, twins) in available {
            if stake >= self.committee.quorum() {
                surplus += 1;
                if surplus > generous {
                    break;
                }
            }
            stake += self.committee.stake(other);
            parents.push(self.tape.pick(&twins));
        }
    }

    fn add_older(&mut self, round: Round, parents: &mut Vec<BlockRef>) {
        while self.tape.chance(25) {
            let lowest = round.0.saturating_sub(self.parameters.gc_depth).max(1);
            let within = |block: &BlockRef| (lowest..round.0.saturating_sub(1)).contains(&block.round.0);
            let taken = |block: &BlockRef| parents.iter().any(|parent| parent.author == block.author);
            let fresh = self.vertices.iter().map(|vertex| vertex.reference);
            let fresh: Vec<BlockRef> = fresh.filter(|block| within(block) && !taken(block)).collect();
            if fresh.is_empty() {
                return;
            }
            parents.push(self.tape.pick(&fresh));
        }
    }

    fn finish(self) -> Dag {
        let members = self.committee.size();
        let mut authors: Vec<u16> = (0..members).collect();
        let highest = self.vertices.last().map_or(0, |vertex| vertex.reference.round.0);
        let mut coins = BTreeMap::new();
        for round in 1..=highest {
            self.tape.shuffle(&mut authors);
            coins.insert(round, value_for(&authors[..2], members));
        }
        Dag { committee: self.committee, parameters: self.parameters, coins, vertices: self.vertices }
    }
}
