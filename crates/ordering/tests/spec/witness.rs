//! Shows the DAG of a state to the code, and asks it what became of the slot.
//!
//! Invariant: the code gets blocks and coins, and is read by its commits alone.

use crypto::{Coin, CoinError, CoinShare, CoinValue, Digest, SigningKey, permutation};
use num::Timestamp;
use ordering::{Decision, Ordering, Parameters, Vertex};
use wire::{Author, BlockRef, Committee, Member, Round};

use crate::model::{MEMBERS, Made, Spec};

/// What became of the slot of round 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    Open,
    Skipped,
    /// Which twin.
    Committed(u8),
}

/// The same leader in every round.
#[derive(Debug)]
struct OneLeader(CoinValue);

impl Coin for OneLeader {
    fn share(&self, _: u64) -> CoinShare {
        CoinShare([0; 48])
    }

    fn recover(&self, _: u64, _: &[(u16, CoinShare)]) -> Result<CoinValue, CoinError> {
        Ok(self.0)
    }

    fn verify(&self, _: u64, value: &CoinValue) -> bool {
        *value == self.0
    }
}

/// Runs the code over DAGs.
pub struct Code {
    committee: Committee,
    coin: CoinValue,
    parameters: Parameters,
}

impl Code {
    pub fn new(spec: &Spec) -> Self {
        let member = |seed| Member { key: SigningKey::from_bytes([seed; 32]).public_key(), stake: 1 };
        let committee = Committee::new(0, (0..MEMBERS).map(member).collect()).expect("four keys");
        let leads =
            |value: &CoinValue| permutation(value, MEMBERS.into())[0] == u16::from(spec.slot_author());
        let coin = (0..=u8::MAX).map(|byte| CoinValue([byte; 48])).find(leads).expect("one in four leads");
        let parameters =
            Parameters { wave_length: spec.wave, leaders_per_round: 1, gc_depth: 20, checkpoint_rounds: 64 };
        Self { committee, coin, parameters }
    }

    /// What the code makes of the slot when it gets these blocks in order.
    pub fn fate(&self, blocks: &[Made]) -> Fate {
        let coin = Box::new(OneLeader(self.coin));
        let mut ordering =
            Ordering::new(self.committee.clone(), self.parameters, coin).expect("parameters that suit four");
        for made in blocks {
            ordering.accept(self.vertex(made));
        }
        let mut decisions = Vec::new();
        ordering.advance(&mut decisions).expect("one of four is faulty");
        let first = decisions.iter().find_map(|decision| match decision {
            Decision::Commit(commit) => Some(commit.leader),
            _ => None,
        });
        match first.filter(|leader| leader.round == Round(1)) {
            Some(leader) => Fate::Committed(leader.digest.0[2]),
            None if ordering.first_undecided_round() > Round(1) => Fate::Skipped,
            None => Fate::Open,
        }
    }

    fn vertex(&self, made: &Made) -> Vertex {
        let below = made.round - 1;
        let genesis = (0..MEMBERS).map(|step| (made.author + step) % MEMBERS);
        let parents = if below == 0 {
            genesis.map(|author| BlockRef::genesis(Author(author.into()))).collect()
        } else {
            made.parents.iter().map(|(author, twin)| reference(below, *author, *twin)).collect()
        };
        Vertex {
            reference: reference(made.round, made.author, made.twin),
            parents,
            timestamp: Timestamp::from_millis(made.round.into()),
            coin_share: (made.round >= self.parameters.wave_length).then_some(CoinShare([0; 48])),
        }
    }
}

fn reference(round: u8, author: u8, twin: u8) -> BlockRef {
    let mut digest = [0; 32];
    digest[..3].copy_from_slice(&[round, author, twin]);
    BlockRef { round: Round(round.into()), author: Author(author.into()), digest: Digest(digest) }
}
