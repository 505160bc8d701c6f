//! The whole execution at a commit as bytes: what lets a log be cut, and a new validator begin in the middle.
//!
//! Format: eight bytes that say what this is, the version (two bytes), the network's digest, the digest of the
//! rest, the rest. The rest is the root and what `exchange` saves, then the attestations that are still
//! collected.
//!
//! Invariant: validators that applied the same commits save the same bytes, whether or not they began from a
//! snapshot themselves; so they can compare by `digest`. Any bytes are an execution or an error. The tree is
//! made anew from the state, and its root must be the one that was saved.
//! Left out on purpose: whom to believe. A snapshot is the network's when a quorum says so: by a certificate of
//! its root and by its digest.

use std::collections::{BTreeMap, VecDeque};

use crypto::Digest;
use exchange::{Genesis, Input, LoadError, Save, State, snapshot::StateError};
use tree::{Changes, Map};
use wire::{Author, Certificate, RootSignature};

use crate::execution::{Collected, Execution, OPEN_COMMITS_MAX};

const MAGIC: &[u8; 8] = b"CLKLSNAP";
/// Grows with every change of what is saved.
const VERSION: u16 = 2;
const NETWORK_AT: usize = MAGIC.len() + size_of::<u16>();
const DIGEST_AT: usize = NETWORK_AT + 32;
const BODY_AT: usize = DIGEST_AT + 32;

/// Why bytes are no snapshot to go on from.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SnapshotError {
    #[error("{have} bytes, a snapshot has at least {BODY_AT}")]
    Short { have: usize },
    #[error("the bytes are no snapshot")]
    Magic,
    #[error("it is of version {have}, this program reads version {need}")]
    Version { have: u16, need: u16 },
    #[error("it is of network {have}, this is {need}")]
    Network { have: Digest, need: Digest },
    #[error("its contents have digest {have}, it says {need}")]
    Digest { have: Digest, need: Digest },
    #[error("its state cannot be: {0}")]
    State(#[from] StateError),
    #[error("its attestations cannot be: {0}")]
    Attestations(#[from] LoadError),
    #[error("{have} roots end at another commit than the state's, or are more than {OPEN_COMMITS_MAX}")]
    Roots { have: usize },
    #[error("its state has root {have}, it says {need}")]
    Root { have: Digest, need: Digest },
}

impl Execution {
    /// The execution as it is after the commits so far; the same bytes on every correct validator.
    pub fn save(&self) -> Vec<u8> {
        let mut body = Vec::new();
        self.state().save(&mut body);
        let (roots, collected, latest) = self.attested();
        roots.save(&mut body);
        collected.len().save(&mut body);
        for (commit, it) in collected {
            commit.save(&mut body);
            it.votes.save(&mut body);
            it.certified.save(&mut body);
        }
        latest.save(&mut body);
        let mut bytes = Vec::with_capacity(BODY_AT + body.len());
        bytes.extend(MAGIC);
        bytes.extend(VERSION.to_be_bytes());
        bytes.extend(self.state().parameters().network.0);
        bytes.extend(body_digest(&body).0);
        bytes.extend(body);
        bytes
    }

    /// The execution that was saved, with nobody yet to attest to it: `with_committee` goes on from there.
    pub fn restore(genesis: &Genesis, network: Digest, bytes: &[u8]) -> Result<Self, SnapshotError> {
        let body = open(network, bytes)?;
        let mut input = Input::new(body);
        let state = State::load(genesis, network, &mut input)?;
        let roots: VecDeque<(u64, Digest)> = Save::load(&mut input)?;
        let collected = load_collected(&mut input)?;
        let latest: Option<Certificate> = Save::load(&mut input)?;
        input.finish()?;
        check_roots(&roots, state.commit())?;
        let tree = plant(&state, roots.back().map(|(_, root)| *root))?;
        Ok(Self::at(state, tree, (roots, collected, latest)))
    }
}

/// What a snapshot is called by: the digest that it carries of its contents; `None` of bytes that are none.
pub fn digest(snapshot: &[u8]) -> Option<Digest> {
    let bytes = snapshot.get(DIGEST_AT..BODY_AT)?;
    Some(Digest(bytes.try_into().ok()?))
}

fn body_digest(body: &[u8]) -> Digest {
    Digest::of("clockless snapshot 2026", body)
}

/// The contents of a snapshot of this network.
fn open(network: Digest, bytes: &[u8]) -> Result<&[u8], SnapshotError> {
    let Some((head, body)) = bytes.split_at_checked(BODY_AT) else {
        return Err(SnapshotError::Short { have: bytes.len() });
    };
    if !head.starts_with(MAGIC) {
        return Err(SnapshotError::Magic);
    }
    let mut input = Input::new(&head[MAGIC.len()..]);
    let (have, of) = (u16::load(&mut input)?, Digest::load(&mut input)?);
    if have != VERSION {
        return Err(SnapshotError::Version { have, need: VERSION });
    }
    if of != network {
        return Err(SnapshotError::Network { have: of, need: network });
    }
    let (have, need) = (body_digest(body), Digest::load(&mut input)?);
    if have == need { Ok(body) } else { Err(SnapshotError::Digest { have, need }) }
}

fn load_collected(input: &mut Input<'_>) -> Result<BTreeMap<u64, Collected>, LoadError> {
    type Votes = BTreeMap<Digest, BTreeMap<Author, RootSignature>>;
    let saved: BTreeMap<u64, (Votes, bool)> = Save::load(input)?;
    let collected = |(commit, (votes, certified))| (commit, Collected { votes, certified });
    Ok(saved.into_iter().map(collected).collect())
}

/// Roots are of successive commits, the last of them the state's.
fn check_roots(roots: &VecDeque<(u64, Digest)>, commit: u64) -> Result<(), SnapshotError> {
    let have = roots.len();
    let ends = roots.iter().rev().zip(0..).all(|((of, _), back)| commit.checked_sub(back) == Some(*of));
    let is_begun = commit == 0 || have > 0;
    if ends && is_begun && have <= OPEN_COMMITS_MAX { Ok(()) } else { Err(SnapshotError::Roots { have }) }
}

/// The tree over a state's leaves, if its root is the one needed.
fn plant(state: &State, need: Option<Digest>) -> Result<Map, SnapshotError> {
    let (mut tree, mut leaves) = (Map::new(), Changes::new());
    state.leaves(|key, value| leaves.add(key.path(), Some(&value)));
    tree.update(leaves);
    let have = tree.root();
    match need {
        Some(need) if need != have => Err(SnapshotError::Root { have, need }),
        _ => Ok(tree),
    }
}
