//! Root of the state and proofs against it: a sparse Merkle map from keys to values.
//!
//! Invariant: the root depends on the set of (key, value) pairs alone, never on the order in which they
//! came. A proof shows that a key has a value, or that it has none, to whoever knows the root.
//! Left out on purpose: the values themselves. The map keeps their digests; the state keeps the values.

mod map;
mod proof;

pub use map::Map;
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

/// Where a key lives: the bits of its digest, the highest bit of the first byte first.
fn path_of(key: &[u8]) -> Digest {
    digest(&KEY, &[key])
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
