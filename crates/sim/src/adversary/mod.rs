//! Who works against the validators. One file each.
//!
//! There are two seams. A [`Network`] decides about deliveries. A [`Byzantine`] stands behind up to f validators:
//! each of them runs the real program, and the adversary rewrites what it says, with the validator's own key, or
//! says more in its name.
//!
//! Invariant: an adversary sees everything that was sent and everything that was revealed, and nothing that is
//! still hidden; a network can delay and lose and cannot forge; a faulty validator signs with its own key only.

mod batch_withholder;
mod equivocator;
mod fabricator;
mod fair;
mod far_future;
mod flooder;
mod garbage;
mod leader_delayer;
mod lossy;
mod powers;
mod replayer;
mod scheduler;
mod selective;
mod share_garbler;
mod silent;
mod slow;
mod vote_twins;
mod wide;

use crypto::Coin;
use num::Timestamp;
use wire::{Author, Message, Round};

use crate::random::Random;

pub use fair::Fair;
pub use leader_delayer::LeaderDelayer;
pub use lossy::Lossy;
pub use powers::Powers;
pub use scheduler::Scheduler;
pub use wide::{Wide, mean_delay_us};

/// A message on its way.
#[derive(Clone, Debug)]
pub struct InFlight {
    pub from: Author,
    pub to: Author,
    pub sent_at: Timestamp,
    pub message: Message,
}

/// What a network may look at.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// The highest round in which each validator has made a block.
    pub rounds: &'a [Round],
    pub wave_length: u8,
}

/// What becomes of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It arrives after so many milliseconds.
    After(u64),
    /// It is asked about again when its receiver has made another block.
    Hold,
    /// It is lost.
    Lose,
}

/// A network's will.
pub trait Network {
    fn fate(&mut self, message: &InFlight, view: &View<'_>, random: &mut Random) -> Fate;
}

/// What must come out about a faulty validator before a run may end well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Demand {
    /// What it does cannot be told from bad luck.
    Nothing,
    /// A correct validator blames it.
    Accusation,
    /// A commit orders the proof that it signed twice.
    Conviction,
}

/// The will behind the faulty validators.
pub trait Byzantine {
    /// One of its validators wants to say this; what leaves instead goes to `out`.
    fn speak(&mut self, message: InFlight, powers: &mut Powers, out: &mut Vec<InFlight>);

    /// One of its validators hears this, and may answer at once.
    fn hear(&mut self, _message: &InFlight, _powers: &mut Powers, _out: &mut Vec<InFlight>) {}

    /// The coin that its validators run with.
    fn coin(&self, honest: Box<dyn Coin>) -> Box<dyn Coin> {
        honest
    }

    fn demand(&self) -> Demand {
        Demand::Nothing
    }
}

/// The adversaries by the name that the command line knows: networks first.
pub const NAMES: [&str; 16] = [
    "fair",
    "lossy",
    "scheduler",
    "leader-delayer",
    "equivocator",
    "vote-twins",
    "silent",
    "slow",
    "share-garbler",
    "batch-withholder",
    "far-future",
    "fabricated-ancestors",
    "replayer",
    "flooder",
    "selective",
    "garbage",
];

/// Whose turn it is when every seed takes its turn.
pub fn of_seed(seed: u64) -> &'static str {
    let count = u64::try_from(NAMES.len()).unwrap_or(u64::MAX);
    usize::try_from(seed % count).ok().and_then(|turn| NAMES.get(turn)).copied().unwrap_or("fair")
}

/// The network of a name, `None` when it is not a network's.
pub fn network(name: &str, members: u16) -> Option<Box<dyn Network>> {
    Some(match name {
        "fair" => Box::new(Fair),
        "lossy" => Box::new(Lossy),
        "scheduler" => Box::new(Scheduler::default()),
        "leader-delayer" => Box::new(LeaderDelayer::new(members)),
        "wide" => Box::new(Wide),
        _ => return None,
    })
}

/// The will of a name behind faulty validators, `None` when it is not such a name. `seed` picks its variant.
pub fn byzantine(name: &str, seed: u64) -> Option<Box<dyn Byzantine>> {
    Some(match name {
        "equivocator" => Box::new(equivocator::Equivocator),
        "vote-twins" => Box::new(vote_twins::VoteTwins),
        "silent" => Box::new(silent::Silent::new(seed)),
        "slow" => Box::new(slow::Slow::default()),
        "share-garbler" => Box::new(share_garbler::ShareGarbler),
        "batch-withholder" => Box::new(batch_withholder::BatchWithholder::new(seed)),
        "far-future" => Box::new(far_future::FarFuture::default()),
        "fabricated-ancestors" => Box::new(fabricator::Fabricator::default()),
        "replayer" => Box::new(replayer::Replayer::default()),
        "flooder" => Box::new(flooder::Flooder::default()),
        "selective" => Box::new(selective::Selective::new(seed)),
        "garbage" => Box::new(garbage::Garbage::default()),
        _ => return None,
    })
}
