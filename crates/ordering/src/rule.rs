//! The direct and the indirect rule for one slot.
//!
//! Invariant: what is decided here stays right whatever comes in later: quorums only grow, and a history is
//! complete when its block comes in. Quorum intersection makes the two rules agree.

use wire::Author;

use crate::{
    Metrics, Wave,
    graph::{Direct, Graph, Place},
    schedule::Status,
};

/// The first slot from some round on that is not skipped.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Anchor {
    /// Undecided, or in a round whose coin is hidden.
    Open,
    Committed(Place),
}

/// What the rules say of a slot, and which of them.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Ruling {
    Open,
    DirectSkip,
    DirectCommit(Place),
    IndirectSkip,
    IndirectCommit(Place),
}

impl Ruling {
    /// The ruling on the slot of `author` in `wave`, whose first slot from `wave.anchor()` on that is not
    /// skipped is `anchor`.
    pub(crate) fn on(graph: &Graph, wave: Wave, author: Author, anchor: Anchor) -> Self {
        match (graph.direct(wave.propose(), author), anchor) {
            (Direct::Skip, _) => Self::DirectSkip,
            (Direct::Commit(leader), _) => Self::DirectCommit(leader),
            (Direct::Open, Anchor::Open) => Self::Open,
            (Direct::Open, Anchor::Committed(anchor)) => graph
                .certified_in_history(anchor, wave, author)
                .map_or(Self::IndirectSkip, Self::IndirectCommit),
        }
    }

    pub(crate) const fn status(self) -> Status {
        match self {
            Self::Open => Status::Undecided,
            Self::DirectSkip | Self::IndirectSkip => Status::Skip,
            Self::DirectCommit(leader) | Self::IndirectCommit(leader) => Status::Commit(leader),
        }
    }

    pub(crate) const fn count(self, metrics: &mut Metrics) {
        match self {
            Self::Open => {}
            Self::DirectSkip => metrics.direct_skips += 1,
            Self::DirectCommit(_) => metrics.direct_commits += 1,
            Self::IndirectSkip => metrics.indirect_skips += 1,
            Self::IndirectCommit(_) => metrics.indirect_commits += 1,
        }
    }
}
