//! Five regions of the world: each message takes the delay between two of them, and some jitter.
//!
//! The one-way delays, in milliseconds, are round figures of what providers publish between Virginia, Oregon,
//! Frankfurt, Singapore and São Paulo.
//!
//! Invariant: no loss; validators stand in the regions in turn.

use wire::Author;

use crate::{
    adversary::{Fate, InFlight, Network, View},
    random::Random,
};

/// One-way delays between the regions.
const DELAYS_MS: [[u64; 5]; 5] = [
    [1, 32, 45, 108, 58],
    [32, 1, 73, 82, 89],
    [45, 73, 1, 80, 101],
    [108, 82, 80, 1, 163],
    [58, 89, 101, 163, 1],
];
/// The most that is added to a delay, in percent of it.
const JITTER_PERCENT: u64 = 10;

/// A network over five regions.
#[derive(Debug)]
pub struct Wide;

fn delay_ms(from: Author, to: Author) -> u64 {
    let region = |author: Author| usize::from(author.0 % 5);
    DELAYS_MS[region(from)][region(to)]
}

/// The mean one-way delay between two different validators of such a network, jitter included, in
/// microseconds.
pub fn mean_delay_us(members: u16) -> u64 {
    let pairs = (0..members).flat_map(|from| (0..members).map(move |to| (Author(from), Author(to))));
    let (mut sum, mut count) = (0, 0);
    for (from, to) in pairs.filter(|(from, to)| from != to) {
        sum += delay_ms(from, to) * (200 + JITTER_PERCENT) * 5;
        count += 1;
    }
    sum / u64::max(count, 1)
}

impl Network for Wide {
    fn fate(&mut self, message: &InFlight, _: &View<'_>, random: &mut Random) -> Fate {
        let delay = delay_ms(message.from, message.to);
        Fate::After(delay + random.between(0, delay * JITTER_PERCENT / 100))
    }
}
