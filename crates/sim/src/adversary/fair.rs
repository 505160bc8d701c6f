//! A network without ill will: every message takes 1 to 20 milliseconds, so order is not kept.

use crate::{
    adversary::{Fate, InFlight, Network, View},
    random::Random,
};

/// Random delays, no loss.
#[derive(Debug)]
pub struct Fair;

impl Network for Fair {
    fn fate(&mut self, _: &InFlight, _: &View<'_>, random: &mut Random) -> Fate {
        Fate::After(random.between(1, 20))
    }
}
