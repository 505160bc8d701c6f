//! The map: a binary tree over hashed keys in which a subtree of one pair is that pair.
//!
//! Invariant: every branch holds two pairs or more and knows its hash. Changing k of n pairs at once goes down to each of
//! them and up again in one walk, in the order of their paths: about k log2 (n / k) digests, and each branch once.

use crypto::Digest;

use crate::{Path, Proof, Turn, branch_hash, leaf_hash, turn, value_digest};

/// A sparse Merkle map.
#[derive(Clone, Debug, Default)]
pub struct Map {
    top: Node,
}

/// What is to be set and taken out, to be done at once.
#[derive(Clone, Debug, Default)]
pub struct Changes(Vec<Change>);

#[derive(Clone, Copy, Debug)]
struct Change {
    path: Digest,
    /// The digest of the value; `None` takes the pair out.
    value: Option<Digest>,
}

#[derive(Clone, Debug, Default)]
enum Node {
    #[default]
    Empty,
    Leaf(Leaf),
    Branch(Link),
}

#[derive(Clone, Copy, Debug)]
struct Leaf {
    path: Digest,
    value: Digest,
    hash: Digest,
}

/// The way to a branch, with its hash beside it: who hashes the branch above need not go there.
#[derive(Clone, Debug)]
struct Link {
    hash: Digest,
    branch: Box<Branch>,
}

#[derive(Clone, Debug)]
struct Branch {
    left: Node,
    right: Node,
}

impl Changes {
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the value of a path, or takes its pair out; nothing happens when there is none. Of several words on a path the
    /// last counts.
    pub fn add(&mut self, Path(path): Path, value: Option<&[u8]>) {
        self.0.push(Change { path, value: value.map(value_digest) });
    }

    /// By rising paths, each once.
    fn sorted(self) -> Vec<Change> {
        let Self(mut changes) = self;
        changes.sort_by_key(|change| change.path);
        changes.dedup_by(|later, kept| {
            let is_same = later.path == kept.path;
            if is_same {
                *kept = *later;
            }
            is_same
        });
        changes
    }
}

impl Map {
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes all changes.
    pub fn update(&mut self, changes: Changes) {
        self.top.update(&changes.sorted(), 0);
    }

    /// The root: `Digest::ZERO` when empty.
    pub fn root(&self) -> Digest {
        self.top.hash()
    }

    /// Shows what a path has, or that it has nothing, against the present root.
    pub fn prove(&self, Path(path): Path) -> Proof {
        let mut siblings = Vec::new();
        let mut node = &self.top;
        let mut depth = 0;
        while let Node::Branch(Link { branch, .. }) = node {
            let (next, sibling) = match turn(&path, depth) {
                Turn::Left => (&branch.left, &branch.right),
                Turn::Right => (&branch.right, &branch.left),
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

impl Leaf {
    fn new(path: Digest, value: Digest) -> Self {
        Self { path, value, hash: leaf_hash(&path, &value) }
    }
}

impl Node {
    fn hash(&self) -> Digest {
        match self {
            Self::Empty => Digest::ZERO,
            Self::Leaf(leaf) => leaf.hash,
            Self::Branch(link) => link.hash,
        }
    }

    /// Makes the changes of a subtree, which are sorted.
    fn update(&mut self, changes: &[Change], depth: usize) {
        match self {
            _ if changes.is_empty() => {}
            Self::Branch(link) => {
                if let Some(rest) = link.update(changes, depth) {
                    *self = rest;
                }
            }
            Self::Leaf(leaf) => *self = Self::of(&changed(Some(*leaf), changes), depth),
            Self::Empty => *self = Self::of(&changed(None, changes), depth),
        }
    }

    /// The subtree of these pairs, which are sorted.
    fn of(pairs: &[Leaf], depth: usize) -> Self {
        match pairs {
            [] => Self::Empty,
            [leaf] => Self::Leaf(*leaf),
            many => {
                let (left, right) = parted(many, |leaf| &leaf.path, depth);
                Self::Branch(Link::to(Self::of(left, depth + 1), Self::of(right, depth + 1)))
            }
        }
    }
}

/// The pairs that are left of one pair or none.
fn changed(old: Option<Leaf>, changes: &[Change]) -> Vec<Leaf> {
    let set = changes.iter().filter_map(|it| it.value.map(|value| Leaf::new(it.path, value)));
    let mut pairs: Vec<Leaf> = set.collect();
    if let Some(old) = old
        && let Err(_unsaid) = changes.binary_search_by_key(&old.path, |it| it.path)
    {
        let place = pairs.partition_point(|leaf| leaf.path < old.path);
        pairs.insert(place, old);
    }
    pairs
}

/// What is sorted by its paths, in what goes left and what goes right.
fn parted<T>(all: &[T], path: impl Fn(&T) -> &Digest, depth: usize) -> (&[T], &[T]) {
    all.split_at(all.partition_point(|it| turn(path(it), depth) == Turn::Left))
}

impl Link {
    fn to(left: Node, right: Node) -> Self {
        let hash = branch_hash(&left.hash(), &right.hash());
        Self { hash, branch: Box::new(Branch { left, right }) }
    }

    /// Makes the changes below; returns what stands in its place when no branch is needed any more.
    fn update(&mut self, changes: &[Change], depth: usize) -> Option<Node> {
        let Branch { left, right } = &mut *self.branch;
        let before = (left.hash(), right.hash());
        let (to_left, to_right) = parted(changes, |it| &it.path, depth);
        left.update(to_left, depth + 1);
        right.update(to_right, depth + 1);
        match (&*left, &*right) {
            (Node::Empty, Node::Empty) => Some(Node::Empty),
            (Node::Leaf(only), Node::Empty) | (Node::Empty, Node::Leaf(only)) => Some(Node::Leaf(*only)),
            _ => {
                let after = (left.hash(), right.hash());
                if after != before {
                    self.hash = branch_hash(&after.0, &after.1);
                }
                None
            }
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
            steps in proptest::collection::vec(proptest::collection::vec(
                (any::<u8>(), proptest::option::of(any::<u8>())), 0..40), 0..20),
        ) {
            let (mut map, mut plain) = (Map::new(), BTreeMap::new());
            for together in steps {
                let mut changes = Changes::new();
                for (key, value) in together {
                    changes.add(path(key), value.map(|value| [value]).as_ref().map(|value| &value[..]));
                    match value {
                        Some(value) => plain.insert(key, value),
                        None => plain.remove(&key),
                    };
                }
                map.update(changes);
                prop_assert_eq!(map.root(), obvious(&plain));
            }
            let root = map.root();
            for key in 0..=255u8 {
                let value = plain.get(&key).map(|value| vec![*value]);
                prop_assert_eq!(map.prove(path(key)).verify(&root, path(key), value.as_deref()), Ok(()));
            }
        }
    }

    #[test]
    fn an_empty_map_has_the_zero_root_and_proves_absence() {
        let map = Map::new();
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
