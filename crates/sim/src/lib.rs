//! Many replicas, one seed, an adversary for a network.
//!
//! Invariant: a run is a function of its setup. A seed that breaks a promise is the whole bug report.
//! Left out on purpose: clocks, sockets, threads and files. The cores under test are the real ones; the
//! coin is simulated, because a thousand runs of pairings say nothing new (`crypto` tests the real one).

pub mod adversary;
mod capacity;
mod checker;
mod coin;
mod disk;
mod measure;
mod node;
mod program;
mod random;
mod setup;
mod work;
mod world;

pub use capacity::{Capacity, Carried, Costs, TRANSACTION_BYTES, carry};
pub use checker::{Checker, Problem, digest_of};
pub use coin::CoinKind;
pub use measure::{Figures, Wan, measure};
pub use setup::{Crashes, Executes, Setup, Timers};

use num::Timestamp;
use wire::Author;

use crate::{
    random::Random,
    setup::Factory,
    world::{Cast, DiskFate, World},
};

/// How long the network is fair at the end of a run, in milliseconds: some ten rounds of an idle DAG.
const FAIR_MS: u64 = 3_000;
/// Rounds that may be undecided after that. Four validators, one of them with two votes for everything, leave a
/// slot open now and then; more than 23 rounds in a row were not seen in 3,000 such runs.
const UNDECIDED_ROUNDS_MAX: u64 = 64;

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
    /// Rounds from the last ordered leader's to the highest, at the end.
    pub undecided_rounds: u64,
    /// Milliseconds of the run's time.
    pub elapsed_ms: u64,
    /// Faulty validators that a correct one blamed.
    pub accused: usize,
    /// Broken promises; empty in a good run.
    pub problems: Vec<Problem>,
}

impl Report {
    /// Whether every promise was kept.
    pub fn is_clean(&self) -> bool {
        self.problems.is_empty()
    }
}

/// Crashes in a run that has them one at a time.
const CRASHES: u64 = 3;

/// Why a setup cannot be run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetupError(pub String);

/// Runs a setup to its end.
pub fn run(setup: &Setup) -> Result<Report, SetupError> {
    let mut random = Random::new(setup.seed);
    let work = work::Work::new(setup.executes, &mut random.fork());
    let factory = Factory::new(setup.clone(), work.genesis().cloned()).map_err(SetupError)?;
    let cast = Cast::of(setup, &mut random).ok_or_else(|| {
        SetupError(format!("no adversary {:?}; there are {:?}", setup.adversary, adversary::NAMES))
    })?;
    let mut world = World::new(factory, cast, random.fork());
    let start = world.now();
    plan_work(setup, work, &mut world, &mut random);
    plan_crashes(setup, &mut world, &mut random);
    let give_up = start.millis() + setup.give_up_ms;
    while !is_done(setup, &world, start) && world.now().millis() < give_up {
        if !world.turn() {
            break;
        }
    }
    if is_done(setup, &world, start) {
        world.make_fair();
        let end = world.now().millis() + FAIR_MS;
        while world.now().millis() < end && world.turn() {}
        world.checker.check_prefix(UNDECIDED_ROUNDS_MAX);
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
        Crashes::OneAtATime | Crashes::WithoutDisk => {
            for nth in 0..CRASHES {
                // A restart takes at most three quarters of the time between, so two never overlap.
                let at = nth * setup.crash_every_ms + random.below(setup.crash_every_ms / 4);
                let author = Author(u16::try_from(random.below(u64::from(setup.members))).unwrap_or(0));
                let disk =
                    if setup.crashes == Crashes::WithoutDisk { DiskFate::Lost } else { DiskFate::Kept };
                world.crash_at(at, author, disk);
            }
        }
        Crashes::Everybody => {
            let at = random.below(setup.work_ms);
            world.authors().for_each(|author| world.crash_at(at, author, DiskFate::Kept));
        }
    }
}

/// All work is in, everything accepted is ordered, and every validator has caught up.
fn is_done(setup: &Setup, world: &World, start: Timestamp) -> bool {
    let crashes_end = if setup.crashes == Crashes::None { 0 } else { CRASHES * setup.crash_every_ms };
    let quiet_from = start.millis() + setup.work_ms.max(crashes_end);
    let checker = &world.checker;
    world.now().millis() > quiet_from
        && world.all_up()
        && checker.outstanding() == 0
        && checker.height() > 0
        && checker.is_level(world.authors())
}

fn report(setup: &Setup, world: World, start: Timestamp) -> Report {
    let (rounds, elapsed_ms) = (world.round().0, world.now().since(start).millis());
    let (checker, demand) = (world.checker, world.demand);
    Report {
        seed: setup.seed,
        rounds,
        commits: checker.height(),
        ordered: checker.ordered(),
        outstanding: checker.outstanding(),
        elapsed_ms,
        undecided_rounds: checker.undecided_rounds(),
        accused: checker.accusations(),
        problems: checker.finish(demand),
    }
}
