//! Many replicas, one seed, an adversary for a network.
//!
//! Invariant: a run is a function of its setup. A seed that breaks a promise is the whole bug report.
//! Left out on purpose: clocks, sockets, threads and files. The cores under test are the real ones; the
//! coin is simulated, because a thousand runs of pairings say nothing new (`crypto` tests the real one).

pub mod adversary;
mod checker;
mod coin;
mod disk;
mod node;
mod random;
mod setup;
mod work;
mod world;

pub use checker::Problem;
pub use coin::CoinKind;
pub use setup::{Crashes, Setup, Timers};

use num::Timestamp;
use wire::Author;

use crate::{random::Random, setup::Factory, world::World};

/// What a run came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    pub seed: u64,
    pub rounds: u64,
    pub commits: u64,
    /// Transactions ordered.
    pub ordered: usize,
    /// Transactions that a validator accepted and no commit ordered before the run was given up.
    pub outstanding: usize,
    /// Milliseconds of the run's time.
    pub elapsed_ms: u64,
    /// Broken promises; empty in a good run.
    pub problems: Vec<Problem>,
}

impl Report {
    /// Whether every promise was kept.
    pub fn is_clean(&self) -> bool {
        self.problems.is_empty()
    }
}

/// Why a setup cannot be run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetupError(pub String);

/// Runs a setup to its end.
pub fn run(setup: &Setup) -> Result<Report, SetupError> {
    let mut random = Random::new(setup.seed);
    let work = work::Work::new(&mut random.fork());
    let adversary = adversary::by_name(setup.adversary, setup.members).ok_or_else(|| {
        SetupError(format!("no adversary {:?}; there are {:?}", setup.adversary, adversary::NAMES))
    })?;
    let factory = Factory::new(setup.clone(), work.genesis().clone()).map_err(SetupError)?;
    let mut world = World::new(factory, adversary, setup.timers, random.fork());
    let start = world.now();
    plan_work(setup, work, &mut world, &mut random);
    plan_crashes(setup, &mut world, &mut random);
    let give_up = start.millis() + setup.give_up_ms;
    while !is_done(setup, &world, start) && world.now().millis() < give_up {
        if !world.turn() {
            break;
        }
    }
    Ok(report(setup, world, start))
}

fn plan_work(setup: &Setup, mut work: work::Work, world: &mut World, random: &mut Random) {
    for _ in 0..setup.intents {
        let at = random.below(setup.work_ms);
        let author = Author(u16::try_from(random.below(u64::from(setup.members))).unwrap_or(0));
        world.submit_at(at, author, work.next(random));
    }
}

fn plan_crashes(setup: &Setup, world: &mut World, random: &mut Random) {
    match setup.crashes {
        Crashes::None => {}
        Crashes::OneAtATime => {
            // A restart takes at most three seconds, so crashes four seconds apart never overlap.
            for nth in 0..3 {
                let at = nth * 4_000 + random.below(1_000);
                let author = Author(u16::try_from(random.below(u64::from(setup.members))).unwrap_or(0));
                world.crash_at(at, author);
            }
        }
        Crashes::Everybody => {
            let at = random.below(setup.work_ms);
            world.authors().for_each(|author| world.crash_at(at, author));
        }
    }
}

/// All work is in, everything accepted is ordered, and every validator has caught up.
fn is_done(setup: &Setup, world: &World, start: Timestamp) -> bool {
    let crashes_end = if setup.crashes == Crashes::None { 0 } else { 12_500 };
    let quiet_from = start.millis() + setup.work_ms.max(crashes_end);
    let checker = &world.checker;
    world.now().millis() > quiet_from
        && world.all_up()
        && checker.outstanding() == 0
        && checker.height() > 0
        && world.authors().all(|author| checker.height_of(author) + 40 > checker.height())
}

fn report(setup: &Setup, world: World, start: Timestamp) -> Report {
    let (rounds, elapsed_ms) = (world.round().0, world.now().since(start).millis());
    let checker = world.checker;
    Report {
        seed: setup.seed,
        rounds,
        commits: checker.height(),
        ordered: checker.ordered(),
        outstanding: checker.outstanding(),
        elapsed_ms,
        problems: checker.finish(),
    }
}
