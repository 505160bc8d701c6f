//! Proof that a validator signed two blocks for one round: two signed statements that nobody else can make.
//!
//! Invariant: the twins differ and the one with the lower digest comes first, so that there is one encoding
//! of a pair whoever found it. Left out on purpose: the blocks themselves; the signatures speak for them.

use bytes::BufMut;
use commonware_codec::{Buf, EncodeSize, Error, FixedSize, Read, ReadExt, Write};
use crypto::{Digest, Signature};

use crate::{Author, BlockRef, Committee, Round, block::BlockStatement};

/// Two blocks of one author and round, as their author signed them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Equivocation {
    epoch: u64,
    author: Author,
    round: Round,
    twins: [(Digest, Signature); 2],
}

impl Equivocation {
    /// `None` when the two are one block, or of different authors or rounds: that proves nothing.
    pub fn new(epoch: u64, one: (BlockRef, Signature), other: (BlockRef, Signature)) -> Option<Self> {
        let ((one, one_signature), (other, other_signature)) = (one, other);
        let BlockRef { author, round, .. } = one;
        if one == other || (other.author, other.round) != (author, round) {
            return None;
        }
        let mut twins = [(one.digest, one_signature), (other.digest, other_signature)];
        twins.sort_unstable();
        Some(Self { epoch, author, round, twins })
    }

    pub const fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Who signed twice.
    pub const fn author(&self) -> Author {
        self.author
    }

    pub const fn round(&self) -> Round {
        self.round
    }

    /// The digests and signatures, the lower digest first.
    pub const fn twins(&self) -> &[(Digest, Signature); 2] {
        &self.twins
    }

    /// Whether a member of this committee signed both blocks.
    pub fn verify(&self, committee: &Committee) -> bool {
        let Some(key) = committee.verifying_key(self.author) else { return false };
        self.epoch == committee.epoch()
            && self.twins.iter().all(|(digest, signature)| {
                let block = BlockRef { round: self.round, author: self.author, digest: *digest };
                BlockStatement::of(self.epoch, &block).verify(key, signature)
            })
    }
}

impl Write for Equivocation {
    fn write(&self, buf: &mut impl BufMut) {
        self.epoch.write(buf);
        self.author.write(buf);
        self.round.write(buf);
        for (digest, signature) in &self.twins {
            digest.write(buf);
            signature.write(buf);
        }
    }
}

impl EncodeSize for Equivocation {
    fn encode_size(&self) -> usize {
        u64::SIZE + Author::SIZE + Round::SIZE + 2 * (Digest::SIZE + Signature::SIZE)
    }
}

impl Read for Equivocation {
    type Cfg = ();
    fn read_cfg(buf: &mut impl Buf, (): &()) -> Result<Self, Error> {
        let (epoch, author, round) = (u64::read(buf)?, Author::read(buf)?, Round::read(buf)?);
        let twins =
            [(Digest::read(buf)?, Signature::read(buf)?), (Digest::read(buf)?, Signature::read(buf)?)];
        if twins[0].0 >= twins[1].0 {
            return Err(Error::Invalid("Equivocation", "the twins are not two, the lower digest first"));
        }
        Ok(Self { epoch, author, round, twins })
    }
}

#[cfg(test)]
mod tests {
    use commonware_codec::{DecodeExt, Encode};
    use crypto::SigningKey;

    use super::*;
    use crate::Member;

    const EPOCH: u64 = 3;

    fn key(author: u16) -> SigningKey {
        SigningKey::from_bytes([u8::try_from(author).unwrap() + 1; 32])
    }

    fn committee(epoch: u64) -> Committee {
        let members = (0..4).map(|author| Member { key: key(author).public_key(), stake: 1 }).collect();
        Committee::new(epoch, members).unwrap()
    }

    fn signed(author: u16, round: u64, name: u8) -> (BlockRef, Signature) {
        let digest = Digest::of("test block", &[name]);
        let block = BlockRef { round: Round(round), author: Author(author), digest };
        (block, BlockStatement::of(EPOCH, &block).sign(&key(author)))
    }

    #[test]
    fn two_signed_blocks_of_one_round_convict_their_author_in_either_order() {
        let (one, other) = (signed(2, 9, 1), signed(2, 9, 2));
        let proof = Equivocation::new(EPOCH, one, other).unwrap();
        assert_eq!(Some(proof), Equivocation::new(EPOCH, other, one));
        assert!(proof.verify(&committee(EPOCH)));
        assert_eq!((proof.epoch(), proof.author(), proof.round()), (EPOCH, Author(2), Round(9)));
        assert_eq!(Equivocation::decode(proof.encode()).unwrap(), proof);
    }

    #[test]
    fn what_is_no_pair_of_twins_proves_nothing() {
        let one = signed(2, 9, 1);
        for other in [one, signed(2, 8, 2), signed(1, 9, 2)] {
            assert_eq!(Equivocation::new(EPOCH, one, other), None);
        }
    }

    #[test]
    fn nobody_is_convicted_by_what_another_signed_or_in_another_epoch() {
        let (one, other) = (signed(2, 9, 1), signed(2, 9, 2));
        let proof = Equivocation::new(EPOCH, one, other).unwrap();
        assert!(!proof.verify(&committee(EPOCH + 1)));
        assert!(!Equivocation { epoch: EPOCH + 1, ..proof }.verify(&committee(EPOCH + 1)));
        assert!(!Equivocation { author: Author(1), ..proof }.verify(&committee(EPOCH)));
        assert!(!Equivocation { author: Author(4), ..proof }.verify(&committee(EPOCH)));
        assert!(!Equivocation { round: Round(8), ..proof }.verify(&committee(EPOCH)));
        let forged = (other.0, BlockStatement::of(EPOCH, &other.0).sign(&key(0)));
        assert!(!Equivocation::new(EPOCH, one, forged).unwrap().verify(&committee(EPOCH)));
    }

    #[test]
    fn twins_in_the_wrong_order_or_twice_the_same_are_not_read() {
        let proof = Equivocation::new(EPOCH, signed(2, 9, 1), signed(2, 9, 2)).unwrap();
        let [low, high] = proof.twins;
        for twins in [[high, low], [low, low]] {
            assert!(Equivocation::decode(Equivocation { twins, ..proof }.encode()).is_err());
        }
    }
}
