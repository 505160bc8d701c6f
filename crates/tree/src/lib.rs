//! Root of the state and proofs against it: a sparse Merkle map from keys to values.
//!
//! Invariant: the root depends on the set of (key, value) pairs alone, never on the order in which they
//! came. A proof shows that a key has a value, or that it has none, to whoever knows the root.
//! Left out on purpose: the values themselves. The map keeps their digests; the state keeps the values.

mod map;
mod proof;

pub use map::{Changes, Map};
pub use proof::{Proof, ProofError};

use std::sync::LazyLock;

use crypto::{Digest, Hasher, Namespace};

/// Levels of the tree: bits of a path. Also the largest number of siblings in a proof.
pub const DEPTH_MAX: usize = 256;

static KEY: LazyLock<Namespace> = LazyLock::new(|| Namespace::new("clockless tree key 2026"));
static VALUE: LazyLock<Namespace> = LazyLock::new(|| Namespace::new("clockless tree value 2026"));
static LEAF: LazyLock<Namespace> = LazyLock::new(|| Namespace::new("clockless tree leaf 2026"));
static BRANCH: LazyLock<Namespace> = LazyLock::new(|| Namespace::new("clockless tree branch 2026"));

fn digest(namespace: &Namespace, parts: &[&[u8]]) -> Digest {
    let mut hasher = Hasher::within(namespace);
    parts.iter().for_each(|part| hasher.update(part));
    hasher.finish()
}

/// Where a pair lives: 256 bits, the highest bit of the first byte first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Path(Digest);

/// Bits of the place in a group, and the bits of the group's digest that stand before them.
const PLACE_BITS: u32 = 10;
const GROUP_BITS: u32 = 16;

impl Path {
    /// How many places a group has.
    pub const PLACES: u16 = 1 << PLACE_BITS;

    /// The bits of a key's digest: keys lie anywhere.
    pub fn of(key: &[u8]) -> Self {
        Self(digest(&KEY, &[key]))
    }

    /// Where a numbered thing of a kind lies: those of neighbouring numbers in one group. The key of the group is the kind
    /// and the number of the group.
    pub fn numbered(kind: u8, number: u64) -> Self {
        let places = u64::from(Self::PLACES);
        let group = [&[kind][..], &(number / places).to_be_bytes()].concat();
        Self::beside(&group, u16::try_from(number % places).unwrap_or(0))
    }

    /// Beside the other places of the same group, in their order. What comes and goes together shares most of its way
    /// then, and most of the digests over it. The group's key must be no other key; of the place the low
    /// ten bits count.
    pub fn beside(group: &[u8], place: u16) -> Self {
        const AFTER_GROUP: u32 = u64::BITS - GROUP_BITS;
        const AFTER_PLACE: u32 = AFTER_GROUP - PLACE_BITS;
        let mut path = digest(&KEY, &[group]);
        let (head, _) = path.0.split_at_mut(size_of::<u64>());
        let bits = head.iter().fold(0, |bits: u64, byte| (bits << 8) | u64::from(*byte));
        let kept = bits & !(u64::from(Self::PLACES - 1) << AFTER_PLACE);
        let placed = kept | (u64::from(place % Self::PLACES) << AFTER_PLACE);
        head.copy_from_slice(&placed.to_be_bytes());
        Self(path)
    }
}

fn value_digest(value: &[u8]) -> Digest {
    digest(&VALUE, &[value])
}

/// The hash of a subtree that holds one pair. It names the whole path, so the pair can stand at any depth.
fn leaf_hash(path: &Digest, value: &Digest) -> Digest {
    digest(&LEAF, &[&path.0, &value.0])
}

/// The hash of a subtree that holds two pairs or more. An empty side is `Digest::ZERO`.
fn branch_hash(left: &Digest, right: &Digest) -> Digest {
    digest(&BRANCH, &[&left.0, &right.0])
}

/// Which way a path goes at a depth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    Left,
    Right,
}

fn turn(path: &Digest, depth: usize) -> Turn {
    let byte = path.0.get(depth / 8).copied().unwrap_or(0);
    if byte & (0x80 >> (depth % 8)) == 0 { Turn::Left } else { Turn::Right }
}
