//! The attack that a coin is for: keep the leader's block from everybody until they have voted without it.
//!
//! It takes validator r mod n for the leader of round r and withholds that block from each receiver until
//! the receiver has made its block of the voting round. Whoever makes the rounds go on needs only n - f
//! blocks, so with wave length w the attack can run for ever when w - 2 <= f: at any time the blocks of
//! w - 2 rounds' leaders are withheld. Against a leader schedule that is round robin every slot is then
//! skipped. Against a coin it is a guess that is right once in n times.
//!
//! Invariant: every block is delivered in the end; only order is chosen.

use commonware_codec::DecodeExt;
use wire::{Author, Message, Round, SignedBlock};

use crate::{
    adversary::{Fate, InFlight, Network, View},
    coin::RoundRobinCoin,
    random::Random,
};

/// Delays the blocks of those it takes for leaders.
#[derive(Debug)]
pub struct LeaderDelayer {
    members: u16,
}

impl LeaderDelayer {
    pub const fn new(members: u16) -> Self {
        Self { members }
    }

    fn is_withheld(&self, bytes: &[u8], receiver_round: Round, wave_length: u8) -> bool {
        let Ok(SignedBlock { block, .. }) = SignedBlock::decode(bytes.to_vec()) else { return false };
        let leader = Author(RoundRobinCoin::leader(self.members, block.round.0));
        let voting_round = block.round.after(u64::from(wave_length).saturating_sub(2));
        block.author == leader && receiver_round < voting_round
    }
}

impl Network for LeaderDelayer {
    fn fate(&mut self, message: &InFlight, view: &View<'_>, random: &mut Random) -> Fate {
        let receiver_round = view.rounds.get(usize::from(message.to.0)).copied().unwrap_or_default();
        let withheld = |bytes: &[u8]| self.is_withheld(bytes, receiver_round, view.wave_length);
        let hold = match &message.message {
            Message::Block { block } => withheld(block),
            Message::Blocks { blocks } => blocks.into_iter().any(|block| withheld(block)),
            _ => false,
        };
        if hold { Fate::Hold } else { Fate::After(random.between(1, 3)) }
    }
}
