//! What a run is made of: committee, coin, network, faults, work. Everything follows from it.

use crypto::{Coin, SigningKey};
use num::Timestamp;
use replica::{
    Replica,
    agreement::{Agreement, Config, Pacing},
    execution::Execution,
};
use wire::{Author, Committee};

use crate::{
    coin::{CoinKind, HiddenCoin, RoundRobinCoin},
    program::{Order, Program},
    work,
};

/// Whether timers ever fire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timers {
    On,
    /// No tick is ever delivered: what is decided without one never needed one.
    Off,
}

/// Whether validators crash and start again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Crashes {
    None,
    /// One at a time, at random moments, with a disk that forgets what was not synchronised.
    OneAtATime,
    /// All at once, at one moment.
    Everybody,
    /// One at a time, and each comes back with an empty disk.
    WithoutDisk,
}

/// What commits are handed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Executes {
    /// The whole exchange on every validator, with attested roots.
    Exchange,
    /// Nothing: the run is about the order.
    Nothing,
}

/// One run.
#[derive(Clone, Debug)]
pub struct Setup {
    pub seed: u64,
    pub members: u16,
    pub wave_length: u8,
    pub leaders_per_round: u16,
    pub coin: CoinKind,
    /// One of `adversary::NAMES`.
    pub adversary: &'static str,
    pub crashes: Crashes,
    /// The time between two crashes, one at a time; a restart takes at most three quarters of it.
    pub crash_every_ms: u64,
    pub executes: Executes,
    pub timers: Timers,
    /// Of each validator.
    pub workers: u8,
    /// Bytes of open transactions a validator, as in [`Pacing`].
    pub open_bytes_max: usize,
    pub intents: u64,
    /// How long work comes in, in milliseconds of the run's time.
    pub work_ms: u64,
    /// When the run is given up, in milliseconds of the run's time.
    pub give_up_ms: u64,
}

impl Setup {
    /// The usual run of a seed: the seed also picks the committee, the wave, the faults.
    pub fn of_seed(seed: u64, adversary: &'static str) -> Self {
        let pick = |of: u64, salt: u64| (seed / salt) % of;
        Self {
            seed,
            members: if pick(4, 1) == 3 { 7 } else { 4 },
            wave_length: if pick(2, 4) == 0 { 5 } else { 4 },
            leaders_per_round: if pick(3, 8) == 2 { 1 } else { 2 },
            coin: CoinKind::Hidden,
            adversary,
            crashes: match pick(4, 3) {
                0 => Crashes::None,
                1 => Crashes::Everybody,
                _ => Crashes::OneAtATime,
            },
            crash_every_ms: if pick(16, 5) == 0 { 4_000 } else { 500 },
            executes: if pick(16, 7) == 0 { Executes::Exchange } else { Executes::Nothing },
            timers: Timers::On,
            workers: if pick(3, 11) == 0 { 1 } else { 2 },
            open_bytes_max: Pacing::default().open_bytes_max,
            intents: 24,
            work_ms: if pick(16, 5) == 0 { 2_000 } else { 400 },
            give_up_ms: 120_000,
        }
    }
}

/// Makes the validators of a run, again after each crash.
#[derive(Debug)]
pub(crate) struct Factory {
    setup: Setup,
    committee: Committee,
    genesis: Option<exchange::Genesis>,
}

impl Factory {
    pub(crate) fn new(setup: Setup, genesis: Option<exchange::Genesis>) -> Result<Self, String> {
        let members: Vec<_> = (0..setup.members).map(|author| (key(setup.seed, author), 1)).collect();
        let committee = Committee::simulated(1, &members).map_err(|error| error.to_string())?;
        Ok(Self { setup, committee, genesis })
    }

    pub(crate) const fn members(&self) -> u16 {
        self.setup.members
    }

    pub(crate) const fn wave_length(&self) -> u8 {
        self.setup.wave_length
    }

    /// The longest that a validator is down.
    pub(crate) const fn crash_ms_max(&self) -> u64 {
        self.setup.crash_every_ms / 4 * 3
    }

    pub(crate) fn start_ms(&self) -> u64 {
        Timestamp::from_millis(1_700_000_000_000).millis()
    }

    pub(crate) fn program(&self, author: Author, coin: Box<dyn Coin>) -> Result<Program, String> {
        let config = Config {
            committee: self.committee.clone(),
            author,
            parameters: ordering::Parameters {
                wave_length: self.setup.wave_length,
                leaders_per_round: self.setup.leaders_per_round,
                gc_depth: 60,
                checkpoint_rounds: 64,
            },
            pacing: Pacing {
                workers: self.setup.workers,
                open_bytes_max: self.setup.open_bytes_max,
                ..match self.setup.timers {
                    Timers::On => Pacing::default(),
                    Timers::Off => Pacing::none(),
                }
            },
        };
        let signer = self.key(author);
        let agreement = Agreement::new(config, signer.clone(), coin).map_err(|error| error.to_string())?;
        let Some(genesis) = &self.genesis else {
            return Ok(Program::Agreement(Box::new(Order::new(agreement))));
        };
        let execution = Execution::new(genesis, work::network())
            .map_err(|error| error.to_string())?
            .with_committee(self.committee.clone(), 1);
        Ok(Program::Whole(Box::new(Replica::new(agreement, execution, (genesis.clone(), signer)))))
    }

    pub(crate) fn key(&self, author: Author) -> SigningKey {
        key(self.setup.seed, author.0)
    }

    pub(crate) fn coin(&self, author: Author) -> Box<dyn Coin> {
        let quorum = usize::try_from(self.committee.quorum()).unwrap_or(usize::MAX);
        match self.setup.coin {
            CoinKind::Hidden => Box::new(HiddenCoin::new(self.setup.seed, author.0, quorum)),
            CoinKind::RoundRobin => Box::new(RoundRobinCoin::new(self.setup.members, quorum)),
        }
    }
}

fn key(seed: u64, author: u16) -> SigningKey {
    let bytes = [&seed.to_be_bytes()[..], &author.to_be_bytes()].concat();
    SigningKey::simulated(crypto::Digest::of("clockless sim validator key", &bytes).0)
}
