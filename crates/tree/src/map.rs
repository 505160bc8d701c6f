//! The map: a binary tree over hashed keys in which a subtree of one pair is that pair.
//!
//! Invariant: every branch holds two pairs or more; a cached hash is present only while nothing below it
//! has changed. Changing k of n pairs costs about k log2 n digests at the next `root`.

use crypto::Digest;

use crate::{Path, Proof, Turn, branch_hash, leaf_hash, turn, value_digest};

/// A sparse Merkle map.
#[derive(Clone, Debug, Default)]
pub struct Map {
    top: Node,
    size: u64,
}

#[derive(Clone, Debug, Default)]
enum Node {
    #[default]
    Empty,
    Leaf(Leaf),
    Branch(Link),
}

#[derive(Clone, Debug)]
struct Leaf {
    path: Digest,
    value: Digest,
    hash: Digest,
}

/// The way to a branch, with its hash beside it: who hashes the branch above need not go there.
#[derive(Clone, Debug)]
struct Link {
    hash: Option<Digest>,
    branch: Box<Branch>,
}

#[derive(Clone, Debug)]
struct Branch {
    left: Node,
    right: Node,
}

impl Map {
    pub fn new() -> Self {
        Self::default()
    }

    /// How many pairs.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Sets the value of a path.
    pub fn insert(&mut self, Path(path): Path, value: &[u8]) {
        let value = value_digest(value);
        let hash = leaf_hash(&path, &value);
        if self.top.insert(Leaf { path, value, hash }, 0) == Change::Grew {
            self.size += 1;
        }
    }

    /// Takes a pair out; nothing happens when there is none.
    pub fn remove(&mut self, Path(path): Path) {
        if self.top.remove(&path, 0) == Change::Shrank {
            self.size -= 1;
        }
    }

    /// The root: `Digest::ZERO` when empty.
    pub fn root(&mut self) -> Digest {
        self.top.hash()
    }

    /// Shows what a path has, or that it has nothing, against the present root.
    pub fn prove(&mut self, Path(path): Path) -> Proof {
        let mut siblings = Vec::new();
        let mut node = &mut self.top;
        let mut depth = 0;
        while let Node::Branch(Link { branch, .. }) = node {
            let (next, sibling) = match turn(&path, depth) {
                Turn::Left => (&mut branch.left, &mut branch.right),
                Turn::Right => (&mut branch.right, &mut branch.left),
            };
            siblings.push(sibling.hash());
            node = next;
            depth += 1;
        }
        let found = match node {
            Node::Leaf(leaf) => Some((leaf.path, leaf.value)),
            Node::Empty | Node::Branch(_) => None,
        };
        Proof { siblings, found }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    None,
    Replaced,
    Grew,
    Shrank,
}

impl Node {
    fn hash(&mut self) -> Digest {
        match self {
            Self::Empty => Digest::ZERO,
            Self::Leaf(leaf) => leaf.hash,
            Self::Branch(link) => link.hash(),
        }
    }

    fn insert(&mut self, leaf: Leaf, depth: usize) -> Change {
        match self {
            Self::Empty => {
                *self = Self::Leaf(leaf);
                Change::Grew
            }
            Self::Leaf(old) if old.path == leaf.path => {
                let change = if old.value == leaf.value { Change::None } else { Change::Replaced };
                *old = leaf;
                change
            }
            Self::Leaf(_) => {
                let mut branch = Box::new(Branch { left: Self::Empty, right: Self::Empty });
                if let Self::Leaf(old) = core::mem::take(self) {
                    branch.insert(old, depth);
                }
                branch.insert(leaf, depth);
                *self = Self::Branch(Link { hash: None, branch });
                Change::Grew
            }
            Self::Branch(link) => {
                let change = link.branch.insert(leaf, depth);
                link.note(change);
                change
            }
        }
    }

    fn remove(&mut self, path: &Digest, depth: usize) -> Change {
        match self {
            Self::Leaf(leaf) if leaf.path == *path => {
                *self = Self::Empty;
                Change::Shrank
            }
            Self::Empty | Self::Leaf(_) => Change::None,
            Self::Branch(link) => {
                let change = link.branch.remove(path, depth);
                link.note(change);
                if let Some(only) = link.branch.only_leaf() {
                    *self = only;
                }
                change
            }
        }
    }
}

impl Link {
    fn hash(&mut self) -> Digest {
        let branch = &mut self.branch;
        *self.hash.get_or_insert_with(|| branch_hash(&branch.left.hash(), &branch.right.hash()))
    }

    fn note(&mut self, change: Change) {
        if change != Change::None {
            self.hash = None;
        }
    }
}

impl Branch {
    fn child(&mut self, path: &Digest, depth: usize) -> &mut Node {
        match turn(path, depth) {
            Turn::Left => &mut self.left,
            Turn::Right => &mut self.right,
        }
    }

    fn insert(&mut self, leaf: Leaf, depth: usize) -> Change {
        let path = leaf.path;
        self.child(&path, depth).insert(leaf, depth + 1)
    }

    fn remove(&mut self, path: &Digest, depth: usize) -> Change {
        self.child(path, depth).remove(path, depth + 1)
    }

    /// The one pair below, when no branch is needed any more.
    fn only_leaf(&mut self) -> Option<Node> {
        match (&mut self.left, &mut self.right) {
            (only @ Node::Leaf(_), Node::Empty) | (Node::Empty, only @ Node::Leaf(_)) => {
                Some(core::mem::take(only))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    /// The root from its definition: no caching, no structure of its own.
    fn obvious_root(pairs: &[(Digest, Digest)], depth: usize) -> Digest {
        match pairs {
            [] => Digest::ZERO,
            [(path, value)] => leaf_hash(path, value),
            many => {
                let (left, right): (Vec<_>, Vec<_>) =
                    many.iter().partition(|(path, _)| turn(path, depth) == Turn::Left);
                branch_hash(&obvious_root(&left, depth + 1), &obvious_root(&right, depth + 1))
            }
        }
    }

    /// Half of the keys lie anywhere, half beside each other.
    fn path(key: u8) -> Path {
        if key.is_multiple_of(2) { Path::of(&[key]) } else { Path::beside(&[key / 64], key.into()) }
    }

    fn obvious(pairs: &BTreeMap<u8, u8>) -> Digest {
        let hashed: Vec<_> = pairs.iter().map(|(k, v)| (path(*k).0, value_digest(&[*v]))).collect();
        obvious_root(&hashed, 0)
    }

    proptest! {
        #[test]
        fn any_history_gives_the_root_of_what_is_left(
            steps in proptest::collection::vec((any::<u8>(), proptest::option::of(any::<u8>())), 0..200),
        ) {
            let (mut map, mut plain) = (Map::new(), BTreeMap::new());
            for (key, value) in steps {
                match value {
                    Some(value) => {
                        map.insert(path(key), &[value]);
                        plain.insert(key, value);
                    }
                    None => {
                        map.remove(path(key));
                        plain.remove(&key);
                    }
                }
                if key % 3 == 0 {
                    prop_assert_eq!(map.root(), obvious(&plain));
                }
            }
            prop_assert_eq!(map.root(), obvious(&plain));
            prop_assert_eq!(map.size(), u64::try_from(plain.len()).unwrap());
            let root = map.root();
            for key in 0..=255u8 {
                let value = plain.get(&key).map(|value| vec![*value]);
                prop_assert_eq!(map.prove(path(key)).verify(&root, path(key), value.as_deref()), Ok(()));
            }
        }
    }

    #[test]
    fn an_empty_map_has_the_zero_root_and_proves_absence() {
        let mut map = Map::new();
        assert_eq!(map.root(), Digest::ZERO);
        assert_eq!(map.prove(path(4)).verify(&Digest::ZERO, path(4), None), Ok(()));
    }

    #[test]
    fn neighbours_share_their_way_up_to_their_place() {
        let shared =
            |a: Path, b: Path| (0..256).take_while(|depth| turn(&a.0, *depth) == turn(&b.0, *depth)).count();
        assert_eq!(shared(Path::beside(b"g", 0), Path::beside(b"g", 1)), 25);
        assert_eq!(shared(Path::beside(b"g", 511), Path::beside(b"g", 512)), 16);
        assert_eq!(Path::beside(b"g", 5), Path::beside(b"g", Path::PLACES + 5), "only so many places");
        assert_ne!(Path::beside(b"g", 5), Path::beside(b"h", 5));
    }
}
