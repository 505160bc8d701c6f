//! A bad line: one message in 20 is lost for ever, one in 10 has to be retransmitted, one in 50 crawls.

use crate::{
    adversary::{Fate, InFlight, Network, View},
    random::Random,
};

/// Loss, retransmission and long tails.
#[derive(Debug)]
pub struct Lossy;

impl Network for Lossy {
    fn fate(&mut self, _: &InFlight, _: &View<'_>, random: &mut Random) -> Fate {
        match random.below(100) {
            0..5 => Fate::Lose,
            5..15 => Fate::After(random.between(100, 400)),
            15..17 => Fate::After(random.between(500, 2_000)),
            _ => Fate::After(random.between(1, 40)),
        }
    }
}
