//! The rule once more, slowly: recursion over sets, straight from the text, on a DAG that is wholly known.
//!
//! Invariant: it calls nothing of the code it checks. It remembers answers only to end before tomorrow.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
};

use crypto::permutation;
use ordering::Vertex;
use wire::{Author, BlockRef, Round, Stake};

use crate::{coin::right_share, dag::Dag};

/// What becomes of a slot, and by which rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    Undecided,
    Direct(Option<BlockRef>),
    Indirect(Option<BlockRef>),
}

/// A commit, as far as the rule fixes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    pub leader: BlockRef,
    pub time_ms: u64,
    pub blocks: Vec<BlockRef>,
}

/// Everything the DAG decides.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// The slots of all revealed rounds, in order.
    pub slots: Vec<(Round, Author, Fate)>,
    pub commits: Vec<Expected>,
}

pub struct Checker<'a> {
    dag: &'a Dag,
    vertices: BTreeMap<BlockRef, &'a Vertex>,
    wave: u64,
    supported: RefCell<BTreeMap<(BlockRef, Author, Round), Option<BlockRef>>>,
    fates: RefCell<BTreeMap<(Round, usize), Fate>>,
}

pub fn judge(dag: &Dag) -> Verdict {
    let checker = Checker::new(dag);
    Verdict { slots: checker.slots(), commits: checker.commits() }
}

impl<'a> Checker<'a> {
    pub fn new(dag: &'a Dag) -> Self {
        Self {
            dag,
            vertices: dag.vertices.iter().map(|vertex| (vertex.reference, vertex)).collect(),
            wave: u64::from(dag.parameters.wave_length),
            supported: RefCell::default(),
            fates: RefCell::default(),
        }
    }

    /// Depth first, in stored order, nothing below `round`: the first block of `author` there.
    pub fn supported(&self, block: BlockRef, author: Author, round: Round) -> Option<BlockRef> {
        if block.round <= round {
            return (block.round == round && block.author == author).then_some(block);
        }
        let key = (block, author, round);
        if let Some(known) = self.supported.borrow().get(&key) {
            return *known;
        }
        let parents = self.vertices.get(&block)?.parents.iter();
        let answer = parents.into_iter().find_map(|parent| self.supported(*parent, author, round));
        self.supported.borrow_mut().insert(key, answer);
        answer
    }

    fn blocks_of(&self, round: Round) -> impl Iterator<Item = &'a Vertex> {
        self.vertices.values().copied().filter(move |vertex| vertex.reference.round == round)
    }

    fn is_quorum(&self, authors: BTreeSet<Author>) -> bool {
        let stake: Stake = authors.into_iter().map(|author| self.dag.committee.stake(author)).sum();
        let total = self.dag.committee.total_stake();
        stake >= total - (total - 1) / 3
    }

    fn certifies(&self, certifier: &Vertex, leader: BlockRef) -> bool {
        let direct =
            certifier.parents.iter().filter(|parent| parent.round.next() == certifier.reference.round);
        let votes = |voter: &&BlockRef| self.supported(**voter, leader.author, leader.round) == Some(leader);
        self.is_quorum(direct.filter(votes).map(|voter| voter.author).collect())
    }

    fn direct(&self, round: Round, author: Author) -> Option<Option<BlockRef>> {
        let voters = self.blocks_of(round.after(self.wave - 2));
        let blames = |voter: &&Vertex| self.supported(voter.reference, author, round).is_none();
        if self.is_quorum(voters.filter(blames).map(|voter| voter.reference.author).collect()) {
            return Some(None);
        }
        let candidates = self.blocks_of(round).map(|it| it.reference).filter(|it| it.author == author);
        let committed = |leader: &BlockRef| {
            let certifiers =
                self.blocks_of(round.after(self.wave - 1)).filter(|it| self.certifies(it, *leader));
            self.is_quorum(certifiers.map(|it| it.reference.author).collect())
        };
        candidates.into_iter().find(committed).map(Some)
    }

    fn history(&self, top: BlockRef) -> BTreeSet<BlockRef> {
        let mut seen = BTreeSet::new();
        let mut next = BTreeSet::from([top]);
        while let Some(block) = next.pop_first() {
            if let Some(vertex) = self.vertices.get(&block)
                && seen.insert(block)
            {
                next.extend(vertex.parents.iter().copied());
            }
        }
        seen
    }

    fn leaders(&self, round: Round) -> Option<Vec<Author>> {
        let certify = round.after(self.wave - 1);
        let right = |it: &&Vertex| it.coin_share == Some(right_share(it.reference.author, round.0));
        let shown = self.blocks_of(certify).filter(right).map(|it| it.reference.author).collect();
        let order = || permutation(&self.dag.coins[&round.0], self.dag.committee.size());
        let count = usize::from(self.dag.parameters.leaders_per_round);
        self.is_quorum(shown).then(|| order().into_iter().take(count).map(Author).collect())
    }

    fn highest(&self) -> u64 {
        self.vertices.keys().map(|block| block.round.0).max().unwrap_or(0)
    }

    fn fate(&self, round: Round, rank: usize) -> Fate {
        if let Some(known) = self.fates.borrow().get(&(round, rank)) {
            return *known;
        }
        let author = self.leaders(round).expect("only revealed rounds are asked for")[rank];
        let direct = self.direct(round, author).map(Fate::Direct);
        let fate = direct.unwrap_or_else(|| self.indirect(round, author));
        self.fates.borrow_mut().insert((round, rank), fate);
        fate
    }

    fn indirect(&self, round: Round, author: Author) -> Fate {
        let Some(anchor) = self.anchor(round.after(self.wave)) else { return Fate::Undecided };
        let past = self.history(anchor);
        let certified = |leader: &BlockRef| {
            let mut certifiers = self.blocks_of(round.after(self.wave - 1));
            certifiers.any(|it| past.contains(&it.reference) && self.certifies(it, *leader))
        };
        let candidates = self.blocks_of(round).map(|it| it.reference).filter(|it| it.author == author);
        Fate::Indirect(candidates.into_iter().find(certified))
    }

    fn anchor(&self, from: Round) -> Option<BlockRef> {
        for round in (from.0..=self.highest()).map(Round) {
            for rank in 0..self.leaders(round)?.len() {
                match self.fate(round, rank) {
                    Fate::Undecided => return None,
                    Fate::Direct(Some(leader)) | Fate::Indirect(Some(leader)) => return Some(leader),
                    Fate::Direct(None) | Fate::Indirect(None) => {}
                }
            }
        }
        None
    }

    fn slots(&self) -> Vec<(Round, Author, Fate)> {
        let rounds = (1..=self.highest()).map(Round);
        let revealed = rounds.filter_map(|round| Some((round, self.leaders(round)?)));
        revealed
            .flat_map(|(round, leaders)| {
                leaders.into_iter().enumerate().map(move |(rank, author)| (round, rank, author))
            })
            .map(|(round, rank, author)| (round, author, self.fate(round, rank)))
            .collect()
    }

    fn committed(&self) -> Vec<BlockRef> {
        let mut leaders = Vec::new();
        for round in (1..=self.highest()).map(Round) {
            let Some(authors) = self.leaders(round) else { return leaders };
            for rank in 0..authors.len() {
                match self.fate(round, rank) {
                    Fate::Undecided => return leaders,
                    Fate::Direct(leader) | Fate::Indirect(leader) => leaders.extend(leader),
                }
            }
        }
        leaders
    }

    fn commits(&self) -> Vec<Expected> {
        let (mut ordered, mut time_ms) = (BTreeSet::new(), 0);
        let mut commits = Vec::new();
        for leader in self.committed() {
            let above = |block: &BlockRef| {
                block.round.0 > leader.round.0.saturating_sub(self.dag.parameters.gc_depth)
            };
            let past = self.history(leader);
            let mut blocks: Vec<BlockRef> =
                past.into_iter().filter(above).filter(|block| !ordered.contains(block)).collect();
            blocks.sort_by_key(|block| (block.round, block.author, block.digest));
            ordered.extend(blocks.iter().copied());
            time_ms = time_ms.max(self.median(self.vertices[&leader].parents.iter().filter(|it| above(it))));
            commits.push(Expected { leader, time_ms, blocks });
        }
        commits
    }

    /// Every unit of stake states its author's time; the lower one of the middle.
    fn median<'b>(&self, parents: impl Iterator<Item = &'b BlockRef>) -> u64 {
        let mut times = Vec::new();
        for vertex in parents.filter_map(|parent| self.vertices.get(parent)) {
            let stake = usize::try_from(self.dag.committee.stake(vertex.reference.author)).unwrap();
            times.extend(vec![vertex.timestamp.millis(); stake]);
        }
        times.sort_unstable();
        times.get(times.len().saturating_sub(1) / 2).copied().unwrap_or(0)
    }
}
