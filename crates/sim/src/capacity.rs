//! What a validator can carry, when computing takes time: each worker and the primary is a machine of its own that
//! does one thing after the other.
//!
//! Invariant: times are of the run, and so is the figure: the same question has the same answer everywhere.
//! Left out on purpose: the execution, which needs its own machine whatever the number of workers.

use std::collections::BTreeMap;

use commonware_codec::EncodeSize;
use wire::{Author, Message};

use crate::{
    SetupError,
    coin::CoinKind,
    random::Random,
    setup::{Crashes, Executes, Factory, Setup, Timers},
    work::Work,
    world::{Cast, World},
};

/// What the machines of one validator take to do things, in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Costs {
    /// A worker, for each byte of a transaction or of a message that comes or goes.
    pub worker_byte: u64,
    pub worker_message: u64,
    /// The primary, for each byte of a block or another message that comes or goes.
    pub primary_byte: u64,
    pub primary_message: u64,
}

impl Default for Costs {
    /// Near to what a core of the reference machine takes: hashing, framing, encrypting and writing a byte some three
    /// nanoseconds, a message ten microseconds, a block with its signature and its share of the coin sixty.
    fn default() -> Self {
        Self { worker_byte: 3, worker_message: 10_000, primary_byte: 3, primary_message: 60_000 }
    }
}

/// One question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capacity {
    pub validators: u16,
    /// Of each validator.
    pub workers: u8,
    pub costs: Costs,
    /// Work that all validators get at once, in transactions of `TRANSACTION_BYTES`.
    pub transactions: u64,
    pub seed: u64,
}

impl Default for Capacity {
    fn default() -> Self {
        Self { validators: 4, workers: 2, costs: Costs::default(), transactions: 12_000, seed: 1 }
    }
}

/// Size of a transaction: large ones stand for many.
pub const TRANSACTION_BYTES: u64 = 16_000;

/// What was measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Carried {
    /// Ordered, of all validators together.
    pub bytes: u64,
    /// From the first submission until all was ordered.
    pub millis: u64,
}

/// Which machine of a validator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Machine {
    Primary,
    Worker(u8),
}

/// How long each machine is busy.
#[derive(Debug)]
pub(crate) struct Machines {
    costs: Costs,
    workers: u8,
    /// Until when, in nanoseconds of the run.
    busy: BTreeMap<(Author, Machine), u64>,
}

impl Machines {
    fn new(costs: Costs, workers: u8) -> Self {
        Self { costs, workers: workers.max(1), busy: BTreeMap::new() }
    }

    /// A message comes or goes: milliseconds from `now_ms` until its machine is done with it.
    pub(crate) fn handle(&mut self, now_ms: u64, at: Author, message: &Message) -> u64 {
        let bytes = u64::try_from(message.encode_size()).unwrap_or(u64::MAX);
        let costs = self.costs;
        match message {
            Message::Worker { worker, .. } => {
                let machine = Machine::Worker(worker % self.workers);
                self.occupy(now_ms, (at, machine), costs.worker_message + costs.worker_byte * bytes)
            }
            _ => {
                let nanos = costs.primary_message + costs.primary_byte * bytes;
                self.occupy(now_ms, (at, Machine::Primary), nanos)
            }
        }
    }

    /// A client's transaction comes.
    pub(crate) fn submit(&mut self, now_ms: u64, at: Author, (client, bytes): (u64, usize)) -> u64 {
        let worker = u8::try_from(client % u64::from(self.workers)).unwrap_or(0);
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        self.occupy(now_ms, (at, Machine::Worker(worker)), self.costs.worker_byte * bytes)
    }

    fn occupy(&mut self, now_ms: u64, machine: (Author, Machine), nanos: u64) -> u64 {
        const MILLI: u64 = 1_000_000;
        let now = now_ms.saturating_mul(MILLI);
        let busy = self.busy.entry(machine).or_default();
        *busy = now.max(*busy).saturating_add(nanos);
        (*busy - now).div_ceil(MILLI)
    }
}

/// Gives a network more work than it can do at once, and takes the time until it is done.
///
/// # Errors
/// When there is no such network, or it is not done in time.
pub fn carry(question: &Capacity) -> Result<Carried, SetupError> {
    let setup = Setup {
        members: question.validators,
        workers: question.workers,
        wave_length: 4,
        leaders_per_round: 2,
        coin: CoinKind::Hidden,
        crashes: Crashes::None,
        executes: Executes::Nothing,
        timers: Timers::On,
        // All of it comes at once.
        open_bytes_max: 1 << 36,
        ..Setup::of_seed(question.seed, "fair")
    };
    let mut random = Random::new(question.seed);
    let factory = Factory::new(setup.clone(), None).map_err(SetupError)?;
    let cast = Cast::of(&setup, &mut random).ok_or_else(|| SetupError("no such network".to_owned()))?;
    let mut world = World::new(factory, cast, random.fork());
    world.machines = Some(Machines::new(question.costs, question.workers));
    let from = world.now().millis();
    let mut work = Work::of_size(TRANSACTION_BYTES);
    let authors: Vec<Author> = world.authors().collect();
    for author in authors.into_iter().cycle().take(usize::try_from(question.transactions).unwrap_or(0)) {
        world.submit_at(random.below(50), author, work.next(&mut random));
    }
    let all = usize::try_from(question.transactions).unwrap_or(usize::MAX);
    let give_up = from + setup.give_up_ms;
    while world.checker.ordered() < all && world.now().millis() < give_up && world.turn() {}
    let (ordered, millis) = (world.checker.ordered(), world.now().millis() - from);
    if ordered < all {
        return Err(SetupError(format!("{ordered} of {all} transactions were ordered in {millis} ms")));
    }
    Ok(Carried { bytes: question.transactions * TRANSACTION_BYTES, millis })
}
