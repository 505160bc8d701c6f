//! The commit rule for one slot, stated a second time and as plainly as it goes, over every schedule.
//!
//! Four validators, one of which signs two blocks a round, or one, or falls silent. Round by round each block
//! picks its parents: the own block before, and a quorum of the round below in any order that matters. Two states
//! are one when they look the same to the rule; each carries one DAG that leads there, to be shown to the code.
//!
//! Invariant: nothing here calls the code under test. Left out on purpose: links to older rounds than the last,
//! and the slots of other rounds.

use std::collections::BTreeSet;

pub const MEMBERS: u8 = 4;
pub const QUORUM: u32 = 3;
/// Who may sign twice.
pub const EQUIVOCATOR: u8 = 0;

/// Whose slot it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leader {
    Equivocator,
    Correct,
}

/// When a slot is skipped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Skip {
    /// A quorum supports no block of the slot.
    NoSupportAtAll,
    /// A quorum lacks support for one of the slot's blocks: what the paper's artefact does.
    NoSupportForOne,
}

/// The checked model.
#[derive(Clone, Copy, Debug)]
pub struct Spec {
    pub wave: u8,
    pub leader: Leader,
    pub skip: Skip,
}

/// A set of blocks of the slot: bit 0 is the first, bit 1 its twin.
pub type Set = u8;

/// A block as far as the slot is concerned: what it is, supports, certifies or has certified below it, by round.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Block {
    pub author: u8,
    pub twin: u8,
    pub says: Set,
}

/// A block with its parents, which lie in the round below.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Made {
    pub round: u8,
    pub author: u8,
    pub twin: u8,
    /// Author and twin, in stored order.
    pub parents: Vec<(u8, u8)>,
}

/// Everything that the rule can still tell apart.
#[derive(Clone, Debug)]
pub struct State {
    pub round: u8,
    /// Who makes the next block of this round; the equivocator has the last two turns.
    turn: u8,
    below: Vec<Block>,
    layer: Vec<Block>,
    /// The voting round, once it is whole.
    votes: Vec<Block>,
    /// The certifying round, once it is whole.
    certificates: Vec<Block>,
    /// What one block above the certifying round has certified below it.
    pub anchor: Option<Set>,
    /// One DAG that leads here.
    pub witness: Vec<Made>,
}

/// What direct evidence says of the slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Evidence {
    pub committed: Set,
    pub is_skipped: bool,
}

/// The next turn: a block, or none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    Make(Made),
    Pass,
}

const TURNS: [u8; 5] = [1, 2, 3, EQUIVOCATOR, EQUIVOCATOR];

/// What tells states apart.
type View<'a> = (u8, u8, &'a [Block], &'a [Block], &'a [Block], &'a [Block], Option<Set>);

impl State {
    fn view(&self) -> View<'_> {
        (self.round, self.turn, &self.below, &self.layer, &self.votes, &self.certificates, self.anchor)
    }

    fn block(&self, (author, twin): (u8, u8)) -> Option<Block> {
        self.below.iter().copied().find(|it| (it.author, it.twin) == (author, twin))
    }

    /// Whether the last round that decides something by itself is whole.
    pub fn is_certified(&self, spec: &Spec) -> bool {
        self.round > spec.wave
    }
}

impl PartialEq for State {
    fn eq(&self, other: &Self) -> bool {
        self.view() == other.view()
    }
}

impl Eq for State {}

impl PartialOrd for State {
    fn partial_cmp(&self, other: &Self) -> Option<core::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for State {
    fn cmp(&self, other: &Self) -> core::cmp::Ordering {
        self.view().cmp(&other.view())
    }
}

impl Spec {
    pub const fn slot_author(&self) -> u8 {
        match self.leader {
            Leader::Equivocator => EQUIVOCATOR,
            Leader::Correct => 1,
        }
    }

    /// What the direct rules say, with every block at hand.
    pub fn evidence(&self, state: &State) -> Evidence {
        let by_quorum = |blocks: &[Block], holds: &dyn Fn(&Block) -> bool| {
            let authors = blocks.iter().filter(|it| holds(it)).fold(0_u8, |set, it| set | 1 << it.author);
            authors.count_ones() >= QUORUM
        };
        let twins: &[Set] = if self.leader == Leader::Equivocator { &[1, 2] } else { &[1] };
        let certified = |twin: &&Set| by_quorum(&state.certificates, &|it| it.says & **twin != 0);
        let is_skipped = match self.skip {
            Skip::NoSupportAtAll => by_quorum(&state.votes, &|it| it.says == 0),
            Skip::NoSupportForOne => {
                twins.iter().any(|twin| by_quorum(&state.votes, &|it| it.says & twin == 0))
            }
        };
        Evidence { committed: twins.iter().filter(certified).fold(0, |set, twin| set | twin), is_skipped }
    }

    /// No two validators, whatever part of this they hold, decide differently: not both directly, and nobody who
    /// decides by an anchor otherwise than somebody who decides directly.
    pub fn agrees(&self, state: &State) -> bool {
        let Evidence { committed, is_skipped } = self.evidence(state);
        let direct = !(is_skipped && committed != 0) && committed.count_ones() <= 1;
        let indirect = state.anchor.is_none_or(|certified| match (committed, is_skipped) {
            (0, true) => certified == 0,
            (0, false) => certified.count_ones() <= 1,
            (leader, _) => certified == leader,
        });
        direct && indirect
    }

    /// What a block of this round says whose parents say this, in stored order.
    fn says(&self, round: u8, parents: &[Block]) -> Set {
        if round < self.wave {
            return parents.iter().map(|it| it.says).find(|says| *says != 0).unwrap_or(0);
        }
        if round > self.wave {
            return parents.iter().fold(0, |set, it| set | it.says);
        }
        let voters = |twin: Set| parents.iter().filter(|it| it.says & twin != 0).count();
        [1, 2].into_iter().filter(|twin| voters(*twin) >= 3).fold(0, |set, twin| set | twin)
    }

    /// Every choice of parents for the author's next block that can make a difference.
    fn choices(&self, state: &State, author: u8) -> Vec<Vec<(u8, u8)>> {
        let own = state.below.iter().filter(|it| it.author == author);
        let own: Vec<(u8, u8)> = own.map(|it| (it.author, it.twin)).collect();
        let others: Vec<u8> = (0..MEMBERS).filter(|other| *other != author).collect();
        let mut found = Vec::new();
        for own in own {
            for left_out in others.iter().map(|it| Some(*it)).chain([None]) {
                let taken: Vec<u8> = others.iter().copied().filter(|it| Some(*it) != left_out).collect();
                self.orders(state, (own, &taken), &mut found);
            }
        }
        found
    }

    /// The own parent, then the others with any of them first, and any of their twins.
    fn orders(&self, state: &State, (own, others): ((u8, u8), &[u8]), found: &mut Vec<Vec<(u8, u8)>>) {
        let twins_of = |author: u8| {
            let blocks = state.below.iter().filter(move |it| it.author == author);
            blocks.map(|it| (it.author, it.twin)).collect::<Vec<_>>()
        };
        let mut lists = vec![vec![own]];
        for author in others {
            let twins = twins_of(*author);
            lists = lists
                .iter()
                .flat_map(|list| twins.iter().map(|twin| [list.as_slice(), &[*twin]].concat()))
                .collect();
        }
        for list in lists {
            // Where support is what matters the first that has some decides; elsewhere order does not count.
            let firsts = if state.round < self.wave { list.len() - 1 } else { 1 };
            for first in 0..firsts {
                let mut turned = list.clone();
                turned[1..].rotate_left(first);
                found.push(turned);
            }
        }
    }

    fn end_layer(&self, state: &mut State) {
        state.layer.sort_unstable();
        if state.round == self.wave - 1 {
            state.votes = state.layer.clone();
        }
        if state.round == self.wave {
            state.certificates = state.layer.clone();
        }
        state.below = core::mem::take(&mut state.layer);
        state.round += 1;
        state.turn = 0;
    }

    /// The model checker: every state that looks different to the rule, each with a DAG that leads to it.
    pub fn states(&self) -> BTreeSet<State> {
        let (mut known, mut open) = (BTreeSet::new(), vec![self.first_round()]);
        while let Some(state) = open.pop() {
            if known.contains(&state) {
                continue;
            }
            open.extend(
                self.actions(&state).into_iter().filter_map(|action| self.next_state(&state, action)),
            );
            known.insert(state);
        }
        known
    }

    fn first_round(&self) -> State {
        let slot = self.slot_author();
        let block =
            |author: u8, twin: u8| Block { author, twin, says: if author == slot { 1 << twin } else { 0 } };
        let blocks = [block(0, 0), block(0, 1), block(1, 0), block(2, 0), block(3, 0)];
        let made = |it: &Block| Made { round: 1, author: it.author, twin: it.twin, parents: Vec::new() };
        State {
            round: 2,
            turn: 0,
            below: blocks.to_vec(),
            layer: Vec::new(),
            votes: Vec::new(),
            certificates: Vec::new(),
            anchor: None,
            witness: blocks.iter().map(made).collect(),
        }
    }
}

impl Spec {
    fn actions(&self, state: &State) -> Vec<Action> {
        let mut actions = Vec::new();
        if state.anchor.is_some() {
            return actions;
        }
        // Above the certifying round one block is enough: whoever makes it.
        let authors: Vec<u8> = if state.round > self.wave {
            (0..MEMBERS).collect()
        } else {
            vec![TURNS[usize::from(state.turn)]]
        };
        for author in authors {
            if author == EQUIVOCATOR {
                actions.push(Action::Pass);
            }
            let twin = u8::from(state.turn == 4);
            let made = |parents| Made { round: state.round, author, twin, parents };
            actions.extend(self.choices(state, author).into_iter().map(made).map(Action::Make));
        }
        actions
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let mut next = last.clone();
        match action {
            Action::Pass if last.round > self.wave => return None,
            Action::Pass => {}
            Action::Make(made) => {
                let parents: Option<Vec<Block>> = made.parents.iter().map(|it| last.block(*it)).collect();
                let says = self.says(last.round, &parents?);
                if last.round > self.wave {
                    next.anchor = Some(says);
                } else {
                    next.layer.push(Block { author: made.author, twin: made.twin, says });
                }
                next.witness.push(made);
            }
        }
        next.turn += 1;
        if last.round <= self.wave && usize::from(next.turn) == TURNS.len() {
            self.end_layer(&mut next);
        }
        Some(next)
    }
}
