//! Proofs of presence and absence.
//!
//! Invariant: `verify` accepts exactly what the map with that root holds; it needs nothing but the root.

use bytes::BufMut;
use commonware_codec::{Buf, EncodeSize, Error, RangeCfg, Read, ReadExt, Write};
use crypto::Digest;

use crate::{DEPTH_MAX, Path, Turn, branch_hash, leaf_hash, turn, value_digest};

/// The way from the root to where a key is or would be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// Hashes beside the way, from the root down.
    pub(crate) siblings: Vec<Digest>,
    /// The pair at the end of the way, as (path, digest of the value); `None` when nothing is there.
    pub(crate) found: Option<(Digest, Digest)>,
}

/// Why a proof does not show what is claimed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    #[error("the proof leads to root {have}, the claim is about root {need}")]
    Root { have: Digest, need: Digest },
    #[error("the proof shows a value with digest {have}, the claimed one has digest {need}")]
    Value { have: Digest, need: Digest },
    #[error("the proof shows that the key is absent")]
    Absent,
    #[error("the proof shows that the key is present, with a value of digest {have}")]
    Present { have: Digest },
    #[error("the pair at the end of the proof lies elsewhere")]
    Path,
}

impl Proof {
    /// Whether the map with `root` has this value at a path; `None` claims that nothing is there.
    pub fn verify(&self, root: &Digest, Path(path): Path, value: Option<&[u8]>) -> Result<(), ProofError> {
        self.verify_end(&path, value.map(value_digest))?;
        let have = self.root_over(&path);
        if have == *root { Ok(()) } else { Err(ProofError::Root { have, need: *root }) }
    }

    fn verify_end(&self, path: &Digest, claimed: Option<Digest>) -> Result<(), ProofError> {
        let same_way =
            |other: &Digest| (0..self.siblings.len()).all(|depth| turn(other, depth) == turn(path, depth));
        match (&self.found, claimed) {
            (Some((found, have)), Some(need)) if found == path => {
                if *have == need {
                    Ok(())
                } else {
                    Err(ProofError::Value { have: *have, need })
                }
            }
            (Some((found, have)), None) if found == path => Err(ProofError::Present { have: *have }),
            (_, Some(_)) => Err(ProofError::Absent),
            (Some((found, _)), None) if !same_way(found) => Err(ProofError::Path),
            (_, None) => Ok(()),
        }
    }

    fn root_over(&self, path: &Digest) -> Digest {
        let end = self.found.as_ref().map_or(Digest::ZERO, |(found, value)| leaf_hash(found, value));
        self.siblings.iter().enumerate().rev().fold(end, |below, (depth, sibling)| match turn(path, depth) {
            Turn::Left => branch_hash(&below, sibling),
            Turn::Right => branch_hash(sibling, &below),
        })
    }
}

impl Write for Proof {
    fn write(&self, buf: &mut impl BufMut) {
        self.siblings.write(buf);
        self.found.is_some().write(buf);
        if let Some((path, value)) = &self.found {
            path.write(buf);
            value.write(buf);
        }
    }
}

impl EncodeSize for Proof {
    fn encode_size(&self) -> usize {
        let found = if self.found.is_some() { 64 } else { 0 };
        self.siblings.encode_size() + 1 + found
    }
}

impl Read for Proof {
    type Cfg = ();
    fn read_cfg(buf: &mut impl Buf, (): &()) -> Result<Self, Error> {
        let siblings = Vec::<Digest>::read_cfg(buf, &(RangeCfg::from(0..=DEPTH_MAX), ()))?;
        let found = if bool::read(buf)? { Some((Digest::read(buf)?, Digest::read(buf)?)) } else { None };
        Ok(Self { siblings, found })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Changes, Map};
    use commonware_codec::{DecodeExt, Encode};

    fn map() -> Map {
        let (mut map, mut changes) = (Map::new(), Changes::new());
        for i in 0..50u8 {
            changes.add(Path::of(&[i]), Some(&[i, i]));
        }
        map.update(changes);
        map
    }

    #[test]
    fn a_proof_shows_neither_another_value_nor_absence_nor_another_root() {
        let map = map();
        let root = map.root();
        let proof = map.prove(Path::of(&[7]));
        assert_eq!(proof.verify(&root, Path::of(&[7]), Some(&[7, 7])), Ok(()));
        assert!(matches!(proof.verify(&root, Path::of(&[7]), Some(&[7, 8])), Err(ProofError::Value { .. })));
        assert!(matches!(proof.verify(&root, Path::of(&[7]), None), Err(ProofError::Present { .. })));
        assert!(matches!(
            proof.verify(&Digest::ZERO, Path::of(&[7]), Some(&[7, 7])),
            Err(ProofError::Root { .. })
        ));
    }

    #[test]
    fn a_proof_for_one_key_shows_nothing_about_another() {
        let map = map();
        let root = map.root();
        for key in 50..120u8 {
            let stolen = map.prove(Path::of(&[7]));
            assert!(stolen.verify(&root, Path::of(&[key]), Some(&[7, 7])).is_err());
        }
        for present in 0..50u8 {
            for absent in 50..80u8 {
                let absence = map.prove(Path::of(&[absent]));
                assert!(absence.verify(&root, Path::of(&[present]), None).is_err());
            }
        }
    }

    #[test]
    fn any_changed_byte_of_a_proof_is_noticed() {
        let map = map();
        let root = map.root();
        let bytes = map.prove(Path::of(&[7])).encode().to_vec();
        for i in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[i] ^= 1;
            let holds = Proof::decode(changed)
                .is_ok_and(|proof| proof.verify(&root, Path::of(&[7]), Some(&[7, 7])).is_ok());
            assert!(!holds, "byte {i}");
        }
        assert!(Proof::decode(bytes).unwrap().verify(&root, Path::of(&[7]), Some(&[7, 7])).is_ok());
    }
}
