//! How far finality is over a wide network, with all validators or with some silent: what the rounds of the rule
//! promise.
//!
//! Invariant: times are of the run, not of this machine; the same question has the same answer everywhere.
//! Left out on purpose: the time that machines take to compute, and bandwidth.

use std::collections::BTreeMap;

use num::Timestamp;
use wire::{Author, BlockRef, CommittedPayload};

use crate::{
    SetupError,
    adversary::mean_delay_us,
    coin::CoinKind,
    random::Random,
    setup::{Crashes, Executes, Factory, Setup, Timers},
    work::Work,
    world::{Cast, World},
};

/// A network over five regions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wan {
    pub validators: u16,
    pub wave_length: u8,
    pub leaders_per_round: u16,
    /// Validators that never say a word: the last ones.
    pub silent: u16,
    /// How long is measured, after a second of warming up.
    pub millis: u64,
    pub seed: u64,
}

impl Default for Wan {
    fn default() -> Self {
        Self { validators: 10, wave_length: 5, leaders_per_round: 2, silent: 0, millis: 10_000, seed: 1 }
    }
}

/// What was measured. Times are in microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    pub rounds: u64,
    pub commits: u64,
    /// The mean one-way delay between two different validators.
    pub mean_delay_us: u64,
    /// The mean time between two rounds.
    pub round_us: u64,
    /// From when a leader's block is made until its author has it ordered: the mean, and 99 of 100 of them.
    pub finality_us: u64,
    pub finality_us_p99: u64,
    /// The same for every block, leader or not.
    pub block_finality_us: u64,
}

/// Takes the times of blocks.
#[derive(Debug, Default)]
pub(crate) struct Stopwatch {
    from: Timestamp,
    made: BTreeMap<BlockRef, Timestamp>,
    leaders_ms: Vec<u64>,
    blocks_ms: Vec<u64>,
}

impl Stopwatch {
    /// Only what is made from then on counts.
    pub(crate) fn new(from: Timestamp) -> Self {
        Self { from, ..Self::default() }
    }

    pub(crate) fn made(&mut self, block: BlockRef, now: Timestamp) {
        if now >= self.from {
            self.made.entry(block).or_insert(now);
        }
    }

    /// `author` has this ordered; it counts for its own blocks.
    pub(crate) fn committed(&mut self, author: Author, payload: &CommittedPayload, now: Timestamp) {
        for block in payload.commit.blocks.iter().filter(|block| block.author == author) {
            let Some(made) = self.made.remove(block) else { continue };
            let taken = now.since(made).millis();
            self.blocks_ms.push(taken);
            if *block == payload.commit.leader {
                self.leaders_ms.push(taken);
            }
        }
    }
}

/// Runs a network over five regions under steady work and takes its times.
pub fn measure(wan: &Wan) -> Result<Figures, SetupError> {
    const WARM_UP_MS: u64 = 1_000;
    let setup = setup_of(wan);
    let mut random = Random::new(wan.seed);
    let factory = Factory::new(setup.clone(), None).map_err(SetupError)?;
    let cast = Cast::of(&setup, &mut random).ok_or_else(|| SetupError("no such network".to_owned()))?;
    let silent = (wan.validators.saturating_sub(wan.silent)..wan.validators).map(Author);
    let mut world = World::new(factory, cast.with_silent(silent.collect()), random.fork());
    let from = Timestamp::from_millis(world.now().millis() + WARM_UP_MS);
    world.stopwatch = Some(Stopwatch::new(from));
    let end = from.millis() + wan.millis;
    let mut work = Work::new(Executes::Nothing, &mut random);
    for at in (0..WARM_UP_MS + wan.millis).step_by(20) {
        for author in world.authors() {
            world.submit_at(at, author, work.next(&mut random));
        }
    }
    let mut began = None;
    while world.now().millis() < end && world.turn() {
        if began.is_none() && world.now() >= from {
            began = Some((world.round().0, world.checker.height()));
        }
    }
    let (round, commit) = began.unwrap_or_default();
    let (rounds, commits) = (world.round().0 - round, world.checker.height() - commit);
    let watch = world.stopwatch.take().unwrap_or_default();
    Ok(figures(wan, (rounds, commits), watch))
}

fn setup_of(wan: &Wan) -> Setup {
    Setup {
        members: wan.validators,
        wave_length: wan.wave_length,
        leaders_per_round: wan.leaders_per_round,
        coin: CoinKind::Hidden,
        crashes: Crashes::None,
        executes: Executes::Nothing,
        timers: Timers::On,
        ..Setup::of_seed(wan.seed, "wide")
    }
}

fn figures(wan: &Wan, (rounds, commits): (u64, u64), mut watch: Stopwatch) -> Figures {
    watch.leaders_ms.sort_unstable();
    let count = watch.leaders_ms.len();
    let p99 = watch.leaders_ms.get(count.saturating_sub(1) * 99 / 100).copied().unwrap_or_default();
    Figures {
        rounds,
        commits,
        mean_delay_us: mean_delay_us(wan.validators),
        round_us: (wan.millis * 1_000).checked_div(rounds).unwrap_or_default(),
        finality_us: mean_us(&watch.leaders_ms),
        finality_us_p99: p99 * 1_000,
        block_finality_us: mean_us(&watch.blocks_ms),
    }
}

fn mean_us(times_ms: &[u64]) -> u64 {
    let count = u64::try_from(times_ms.len()).unwrap_or(u64::MAX);
    (times_ms.iter().sum::<u64>() * 1_000).checked_div(count).unwrap_or_default()
}
