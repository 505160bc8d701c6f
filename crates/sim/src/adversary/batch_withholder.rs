//! Refers to batches in its blocks and gives them to nobody, or to one validator only.
//!
//! Invariant: its blocks keep every rule; that the batches cannot be had is all that is wrong with them.

use wire::{Author, Message, WorkerMessage};

use crate::adversary::{Byzantine, InFlight, Powers};

/// Withholds the batches of its validators.
#[derive(Debug)]
pub struct BatchWithholder {
    is_given_to_one: bool,
}

impl BatchWithholder {
    /// Every other seed gives each batch to one correct validator: then all must get it.
    pub const fn new(seed: u64) -> Self {
        Self { is_given_to_one: !(seed / 16).is_multiple_of(2) }
    }

    fn confidant(&self, from: Author, members: u16) -> Option<Author> {
        self.is_given_to_one.then(|| Author((from.0 + 1) % members))
    }
}

impl Byzantine for BatchWithholder {
    fn speak(&mut self, message: InFlight, powers: &mut Powers, out: &mut Vec<InFlight>) {
        let is_batch = match &message.message {
            Message::Worker { message, .. } => !matches!(message, WorkerMessage::Fetch { .. }),
            _ => false,
        };
        if !is_batch || self.confidant(message.from, powers.members) == Some(message.to) {
            out.push(message);
        }
    }
}
