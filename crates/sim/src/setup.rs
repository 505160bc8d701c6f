//! What a run is made of: committee, coin, network, faults, work. Everything follows from it.

use crypto::{Coin, SigningKey};
use num::Timestamp;
use replica::{
    Replica,
    agreement::{Agreement, Config, Pacing},
    execution::Execution,
};
use wire::{Author, Committee, Member};

use crate::{
    coin::{CoinKind, HiddenCoin, RoundRobinCoin},
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
    pub timers: Timers,
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
            timers: Timers::On,
            intents: 40,
            work_ms: 2_000,
            give_up_ms: 120_000,
        }
    }
}

/// Makes the validators of a run, again after each crash.
#[derive(Debug)]
pub(crate) struct Factory {
    setup: Setup,
    committee: Committee,
    genesis: exchange::Genesis,
}

impl Factory {
    pub(crate) fn new(setup: Setup, genesis: exchange::Genesis) -> Result<Self, String> {
        let members = (0..setup.members).map(|i| Member { key: key(setup.seed, i).public_key(), stake: 1 });
        let committee = Committee::new(1, members.collect()).map_err(|error| error.to_string())?;
        Ok(Self { setup, committee, genesis })
    }

    pub(crate) const fn members(&self) -> u16 {
        self.setup.members
    }

    pub(crate) const fn wave_length(&self) -> u8 {
        self.setup.wave_length
    }

    pub(crate) fn start_ms(&self) -> u64 {
        Timestamp::from_millis(1_700_000_000_000).millis()
    }

    pub(crate) fn replica(&self, author: Author) -> Result<Replica, String> {
        let config = Config {
            committee: self.committee.clone(),
            author,
            parameters: ordering::Parameters {
                wave_length: self.setup.wave_length,
                leaders_per_round: self.setup.leaders_per_round,
                gc_depth: 60,
                checkpoint_rounds: 64,
            },
            pacing: match self.setup.timers {
                Timers::On => Pacing::default(),
                Timers::Off => Pacing::none(),
            },
        };
        let signer = key(self.setup.seed, author.0);
        let agreement =
            Agreement::new(config, signer.clone(), self.coin(author)).map_err(|error| error.to_string())?;
        let execution = Execution::new(&self.genesis, work::network())
            .map_err(|error| error.to_string())?
            .with_committee(self.committee.clone(), 1);
        Ok(Replica::new(agreement, execution, (self.genesis.clone(), signer)))
    }

    fn coin(&self, author: Author) -> Box<dyn Coin> {
        let quorum = usize::try_from(self.committee.quorum()).unwrap_or(usize::MAX);
        match self.setup.coin {
            CoinKind::Hidden => Box::new(HiddenCoin::new(self.setup.seed, author.0, quorum)),
            CoinKind::RoundRobin => Box::new(RoundRobinCoin::new(self.setup.members, quorum)),
        }
    }
}

fn key(seed: u64, author: u16) -> SigningKey {
    let bytes = [&seed.to_be_bytes()[..], &author.to_be_bytes()].concat();
    SigningKey::from_bytes(crypto::Digest::of("clockless sim validator key", &bytes).0)
}
