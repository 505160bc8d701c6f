//! Who decides about deliveries. One file each.
//!
//! Invariant: an adversary of the network sees everything that was sent and everything that was revealed,
//! and nothing that is still hidden; it can delay and lose, it cannot forge.

mod fair;
mod leader_delayer;
mod lossy;
mod scheduler;

use num::Timestamp;
use wire::{Author, Message, Round};

use crate::random::Random;

pub use fair::Fair;
pub use leader_delayer::LeaderDelayer;
pub use lossy::Lossy;
pub use scheduler::Scheduler;

/// A message on its way.
#[derive(Clone, Debug)]
pub struct InFlight {
    pub from: Author,
    pub to: Author,
    pub sent_at: Timestamp,
    pub message: Message,
}

/// What the adversary may look at.
#[derive(Clone, Debug)]
pub struct View {
    /// The highest round in which each validator has made a block.
    pub rounds: Vec<Round>,
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
pub trait Adversary {
    fn fate(&mut self, message: &InFlight, view: &View, random: &mut Random) -> Fate;
}

/// The adversaries by the name that the command line knows.
pub const NAMES: [&str; 4] = ["fair", "lossy", "scheduler", "leader-delayer"];

/// `None` for an unknown name.
pub fn by_name(name: &str, members: u16) -> Option<Box<dyn Adversary>> {
    match name {
        "fair" => Some(Box::new(Fair)),
        "lossy" => Some(Box::new(Lossy)),
        "scheduler" => Some(Box::new(Scheduler::default())),
        "leader-delayer" => Some(Box::new(LeaderDelayer::new(members))),
        _ => None,
    }
}
