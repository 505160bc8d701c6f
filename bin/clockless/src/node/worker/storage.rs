//! The end of the pipe: batches to disk, then effects to the world.
//!
//! Invariant: every effect leaves after every batch before it is durable.

use std::sync::Arc;

use tokio::sync::mpsc;
use wire::{Message, Record};
use worker::Output;

use super::{TURNS_MAX, primary::Primary};
use crate::{
    failure::Failure,
    node::{
        journal::Journal,
        links::Links,
        tickets::{Answers, Fate, Tickets},
    },
};

pub struct Storage {
    pub number: u8,
    pub journal: Journal,
    pub links: Links,
    pub primary: Primary,
    pub tickets: Arc<Tickets>,
}

impl Storage {
    pub async fn run(mut self, mut turns: mpsc::Receiver<Vec<Output>>) -> Result<(), Failure> {
        let mut waiting = Vec::new();
        while turns.recv_many(&mut waiting, TURNS_MAX).await > 0 {
            let (mut records, mut effects) = (Vec::new(), Vec::new());
            for output in waiting.drain(..).flatten() {
                match output {
                    Output::Persist { section, batch } => records.push((section, Record::Batch { batch })),
                    effect => effects.push(effect),
                }
            }
            let failed = |error| Failure::failed(format!("the log failed: {error}"));
            self.journal.append(&records).await.map_err(failed)?;
            if effects.iter().any(promises) {
                self.journal.synchronise().await.map_err(failed)?;
            }
            self.perform(effects).await?;
        }
        Err(Failure::failed("the worker's thread has stopped"))
    }

    async fn perform(&mut self, effects: Vec<Output>) -> Result<(), Failure> {
        let mut answers = Answers::default();
        let worker = self.number;
        for effect in effects {
            match effect {
                Output::Send { to, message } => self.links.send(to, &Message::Worker { worker, message }),
                Output::Broadcast { message } => self.links.broadcast(&Message::Worker { worker, message }),
                Output::Introduction => self.primary.introduce(),
                Output::Word(word) => self.primary.tell(word),
                Output::Accepted { ticket } => answers.add(ticket, Fate::Accepted),
                Output::Final { ticket, .. } => answers.add(ticket, Fate::Final),
                Output::Refused { ticket, .. } => answers.add(ticket, Fate::Refused),
                Output::Fault { peer } => {
                    tracing::warn!(peer = peer.0, "a peer sent what is no batch");
                    self.links.blame(peer);
                }
                Output::Cut { keep } => self.journal.cut(keep).await.map_err(Failure::failed)?,
                Output::Persist { .. } => {}
            }
        }
        self.tickets.tell(answers);
        Ok(())
    }
}

/// Whether somebody may rely on this effect after a restart.
fn promises(effect: &Output) -> bool {
    matches!(
        effect,
        Output::Broadcast { .. } | Output::Word(_) | Output::Accepted { .. } | Output::Cut { .. }
    )
}
