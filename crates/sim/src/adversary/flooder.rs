//! Much of everything: many twins a round, unasked batches, and questions whose answers are long.
//!
//! Invariant: each message alone is well formed and of present rounds; only their number is the attack.

use bytes::Bytes;
use commonware_codec::Encode;
use num::Timestamp;
use wire::{Author, Batch, Blob, Block, List, Message, Round, Transaction, WorkerMessage};

use crate::adversary::{Byzantine, Demand, InFlight, Powers};

/// Messages for each one that its program says.
const TIMES: u64 = 4;
/// Floods in all: a link's rate limit would stop it too.
const FLOODS_MAX: u64 = 300;

/// Floods its peers.
#[derive(Debug, Default)]
pub struct Flooder {
    floods: u64,
}

impl Flooder {
    fn one_more(&mut self, from: Author, block: &Block, powers: &mut Powers) -> Option<Message> {
        self.floods += 1;
        match self.floods % 4 {
            0 => powers.sign(Block { timestamp: Timestamp::from_millis(self.floods), ..block.clone() }),
            1 => Some(Message::FetchRounds { from: Round(1) }),
            2 => Some(Message::FetchBlocks { blocks: List::new(block.parents.to_vec())? }),
            _ => {
                let noise = Transaction::new(Bytes::from(powers.random.bytes::<64>().to_vec()))?;
                let transactions = List::new(vec![noise])?;
                let (epoch, sequence) = (block.epoch, u64::MAX - self.floods);
                let batch = Batch { epoch, author: from, worker: 0, sequence, transactions };
                let message = WorkerMessage::Batch { batch: Blob::new(batch.encode())? };
                Some(Message::Worker { worker: 0, message })
            }
        }
    }
}

impl Byzantine for Flooder {
    fn speak(&mut self, message: InFlight, powers: &mut Powers, out: &mut Vec<InFlight>) {
        if let Some(block) = Powers::own_block(&message)
            && self.floods < FLOODS_MAX
        {
            for _ in 0..TIMES {
                let said = self.one_more(message.from, &block, powers);
                out.extend(said.map(|said| InFlight { message: said, ..message.clone() }));
            }
        }
        out.push(message);
    }

    fn demand(&self) -> Demand {
        Demand::Conviction
    }
}
