//! Who agrees: the validators of an epoch and their stake.
//!
//! Invariant: with total stake N and f = (N - 1) / 3, the quorum is q = N - f and 2q - N >= f + 1: two
//! quorums share a correct validator.

use crypto::{PublicKey, SigningKey, VerifyingKey};

use crate::{Author, limits::COMMITTEE_MAX};

/// Voting power.
pub type Stake = u64;

/// One validator.
#[derive(Clone, Debug)]
pub struct Member {
    pub key: PublicKey,
    pub stake: Stake,
}

/// The validators of one epoch, in the order that gives them their `Author`.
#[derive(Clone, Debug)]
pub struct Committee {
    epoch: u64,
    members: Vec<Member>,
    keys: Vec<VerifyingKey>,
    total: Stake,
}

/// Why these members are no committee.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommitteeError {
    #[error("{have} members, must be 1 to {max}", max = COMMITTEE_MAX)]
    Size { have: usize },
    #[error("member {member} has stake 0, must be above 0")]
    NoStake { member: usize },
    #[error("the stakes sum to more than 2^64 - 1")]
    StakeOverflow,
    #[error("member {member} has the key of member {other}")]
    DuplicateKey { member: usize, other: usize },
    #[error("member {member}: {key} is no Ed25519 public key")]
    BadKey { member: usize, key: PublicKey },
}

impl Committee {
    pub fn new(epoch: u64, members: Vec<Member>) -> Result<Self, CommitteeError> {
        if members.is_empty() || members.len() > COMMITTEE_MAX {
            return Err(CommitteeError::Size { have: members.len() });
        }
        let mut total: Stake = 0;
        let mut keys = Vec::with_capacity(members.len());
        for (member, it) in members.iter().enumerate() {
            if it.stake == 0 {
                return Err(CommitteeError::NoStake { member });
            }
            if let Some(other) = members[..member].iter().position(|earlier| earlier.key == it.key) {
                return Err(CommitteeError::DuplicateKey { member, other });
            }
            total = total.checked_add(it.stake).ok_or(CommitteeError::StakeOverflow)?;
            keys.push(it.key.decode().ok_or(CommitteeError::BadKey { member, key: it.key })?);
        }
        Ok(Self { epoch, members, keys, total })
    }

    /// A committee of keys that are given as they verify, for simulators with keys that no bytes stand for.
    pub fn simulated(epoch: u64, members: &[(SigningKey, Stake)]) -> Result<Self, CommitteeError> {
        if members.is_empty() || members.len() > COMMITTEE_MAX {
            return Err(CommitteeError::Size { have: members.len() });
        }
        if let Some(member) = members.iter().position(|(_, stake)| *stake == 0) {
            return Err(CommitteeError::NoStake { member });
        }
        let total = members.iter().try_fold(0, |total: Stake, (_, stake)| total.checked_add(*stake));
        Ok(Self {
            epoch,
            keys: members.iter().map(|(key, _)| key.verifying_key()).collect(),
            total: total.ok_or(CommitteeError::StakeOverflow)?,
            members: members
                .iter()
                .map(|(key, stake)| Member { key: key.public_key(), stake: *stake })
                .collect(),
        })
    }

    pub const fn epoch(&self) -> u64 {
        self.epoch
    }

    /// How many members.
    pub fn size(&self) -> u16 {
        u16::try_from(self.members.len()).expect("invariant: a committee has at most 256 members")
    }

    pub fn authors(&self) -> impl Iterator<Item = Author> + use<> {
        (0..self.size()).map(Author)
    }

    pub fn contains(&self, author: Author) -> bool {
        author.0 < self.size()
    }

    /// Zero for a stranger.
    pub fn stake(&self, author: Author) -> Stake {
        self.members.get(usize::from(author.0)).map_or(0, |member| member.stake)
    }

    pub fn key(&self, author: Author) -> Option<PublicKey> {
        self.members.get(usize::from(author.0)).map(|member| member.key)
    }

    pub fn verifying_key(&self, author: Author) -> Option<&VerifyingKey> {
        self.keys.get(usize::from(author.0))
    }

    pub fn author_of(&self, key: &PublicKey) -> Option<Author> {
        self.authors().find(|author| self.key(*author) == Some(*key))
    }

    pub const fn total_stake(&self) -> Stake {
        self.total
    }

    /// Stake that may be faulty: f.
    pub const fn faulty_stake(&self) -> Stake {
        (self.total - 1) / 3
    }

    /// Stake of a quorum: q = N - f.
    pub const fn quorum(&self) -> Stake {
        self.total - self.faulty_stake()
    }

    /// Stake that holds at least one correct validator: f + 1.
    pub const fn validity(&self) -> Stake {
        self.faulty_stake() + 1
    }
}

/// Stake summed over distinct authors. An author counts once, however often it is added.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    members: [u64; COMMITTEE_MAX / 64],
    stake: Stake,
}

impl Tally {
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether `author` was new to the tally.
    pub fn add(&mut self, committee: &Committee, author: Author) -> bool {
        if self.contains(author) || !committee.contains(author) {
            return false;
        }
        self.members[usize::from(author.0 / 64)] |= 1 << (author.0 % 64);
        self.stake += committee.stake(author);
        true
    }

    pub fn contains(&self, author: Author) -> bool {
        let word = self.members.get(usize::from(author.0 / 64)).copied().unwrap_or(0);
        word & (1 << (author.0 % 64)) != 0
    }

    pub const fn stake(&self) -> Stake {
        self.stake
    }

    pub const fn is_quorum(&self, committee: &Committee) -> bool {
        self.stake >= committee.quorum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn committee(stakes: &[Stake]) -> Result<Committee, CommitteeError> {
        let member = |(i, stake): (usize, &Stake)| Member {
            key: SigningKey::from_bytes([u8::try_from(i).unwrap(); 32]).public_key(),
            stake: *stake,
        };
        Committee::new(0, stakes.iter().enumerate().map(member).collect())
    }

    #[test]
    fn two_quorums_share_a_correct_validator_in_every_size() {
        for n in 1..=100 {
            let committee = committee(&vec![1; n]).unwrap();
            let (q, total, f) = (committee.quorum(), committee.total_stake(), committee.faulty_stake());
            assert!(2 * q - total > f, "n = {n}");
            assert!(q <= total - f, "n = {n}");
        }
    }

    #[test]
    fn an_author_counts_once() {
        let committee = committee(&[1, 1, 1, 1]).unwrap();
        let mut tally = Tally::new();
        assert!(tally.add(&committee, Author(1)));
        assert!(!tally.add(&committee, Author(1)));
        assert!(!tally.add(&committee, Author(9)));
        assert_eq!(tally.stake(), 1);
        assert!(!tally.is_quorum(&committee));
        tally.add(&committee, Author(0));
        tally.add(&committee, Author(3));
        assert!(tally.is_quorum(&committee));
    }

    #[test]
    fn a_committee_that_cannot_be_says_why() {
        assert_eq!(committee(&[]).unwrap_err(), CommitteeError::Size { have: 0 });
        assert_eq!(committee(&[1, 0]).unwrap_err(), CommitteeError::NoStake { member: 1 });
        assert_eq!(committee(&[u64::MAX, 1]).unwrap_err(), CommitteeError::StakeOverflow);
        let twice = vec![Member { key: SigningKey::from_bytes([1; 32]).public_key(), stake: 1 }; 2];
        assert_eq!(
            Committee::new(0, twice).unwrap_err(),
            CommitteeError::DuplicateKey { member: 1, other: 0 }
        );
    }
}
