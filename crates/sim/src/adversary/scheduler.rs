//! An asynchronous scheduler: it picks a slow set of up to f validators, changes its mind at will, and
//! stretches what they send and receive without bound but for eventual delivery.
//!
//! Invariant: every message arrives in the end; nothing about when is promised to anybody.

use num::Timestamp;

use crate::{
    adversary::{Fate, InFlight, Network, View},
    random::Random,
};

/// Delays chosen against whoever it likes at the moment.
#[derive(Debug, Default)]
pub struct Scheduler {
    slow: Vec<u16>,
    until: Timestamp,
}

impl Scheduler {
    fn choose(&mut self, now: Timestamp, members: u64, random: &mut Random) {
        if now < self.until {
            return;
        }
        let faults = members.saturating_sub(1) / 3;
        let count = random.between(0, faults);
        self.slow = (0..count).filter_map(|_| u16::try_from(random.below(members)).ok()).collect();
        self.until = Timestamp::from_millis(now.millis() + random.between(20, 400));
    }
}

impl Network for Scheduler {
    fn fate(&mut self, message: &InFlight, view: &View<'_>, random: &mut Random) -> Fate {
        let members = u64::try_from(view.rounds.len()).unwrap_or(u64::MAX);
        self.choose(message.sent_at, members, random);
        let slow = self.slow.contains(&message.from.0) || self.slow.contains(&message.to.0);
        match (slow, random.below(4)) {
            (true, _) => Fate::After(random.between(50, 1_000)),
            (false, 0) => Fate::After(random.between(0, 60)),
            (false, _) => Fate::After(random.between(0, 4)),
        }
    }
}
