//! Bytes that are no block, no batch, or somebody else's with the wrong signature.
//!
//! Invariant: whoever gets them can see at once that they are wrong, and whose fault it is.

use wire::{Blob, List, Message, WorkerMessage};

use crate::adversary::{Byzantine, Demand, InFlight, Powers};

/// Its validators' messages between two pieces of garbage.
const EVERY: u64 = 9;

/// Sends what cannot be read.
#[derive(Debug, Default)]
pub struct Garbage {
    said: u64,
}

fn garble<const MAX: usize>(blob: &Blob<MAX>, powers: &mut Powers) -> Option<Blob<MAX>> {
    let mut bytes = blob.to_vec();
    let place = usize::try_from(powers.random.below(u64::try_from(bytes.len()).ok()?)).ok()?;
    *bytes.get_mut(place)? ^= 1 << powers.random.below(8);
    Blob::new(bytes)
}

fn noise<const MAX: usize>(powers: &mut Powers) -> Option<Blob<MAX>> {
    Blob::new(powers.random.bytes::<80>().to_vec())
}

fn of_worker(message: WorkerMessage) -> Message {
    Message::Worker { worker: 0, message }
}

impl Garbage {
    fn piece(&self, message: &Message, powers: &mut Powers) -> Option<Message> {
        Some(match (message, powers.random.below(4)) {
            (Message::Block { block }, 0 | 1) => Message::Block { block: garble(block, powers)? },
            (_, 0) => Message::Block { block: noise(powers)? },
            (_, 1) => of_worker(WorkerMessage::Batch { batch: noise(powers)? }),
            (_, 2) => Message::Blocks { blocks: List::new(vec![noise(powers)?, noise(powers)?])? },
            _ => of_worker(WorkerMessage::Batches { batches: List::new(vec![noise(powers)?])? }),
        })
    }
}

impl Byzantine for Garbage {
    fn speak(&mut self, message: InFlight, powers: &mut Powers, out: &mut Vec<InFlight>) {
        self.said += 1;
        if self.said.is_multiple_of(EVERY) {
            let piece = self.piece(&message.message, powers);
            out.extend(piece.map(|piece| InFlight { message: piece, ..message.clone() }));
        }
        out.push(message);
    }

    fn demand(&self) -> Demand {
        Demand::Accusation
    }
}
