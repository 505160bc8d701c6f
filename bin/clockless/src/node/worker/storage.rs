//! The end of the pipe: batches to disk, then effects to the world.
//!
//! Invariant: every effect leaves after every batch before it is durable.

use std::sync::Arc;

use replica::succession::Seats;
use tokio::sync::mpsc;
use wire::{Message, Record};
use worker::{Effect, Output};

use super::{TURNS_MAX, primary::Primary};
use crate::{
    failure::Failure,
    node::{
        links::Links,
        logs::{Logs, Records},
        start_again,
        storage::Places,
        tickets::{Answers, Fate, Tickets},
    },
};

pub struct Storage {
    pub number: u8,
    pub logs: Logs,
    pub links: Links,
    /// Where the workers of this number of the others listen.
    pub places: Places,
    pub primary: Primary,
    pub tickets: Arc<Tickets>,
}

impl Storage {
    pub async fn run(mut self, mut turns: mpsc::Receiver<Vec<Effect>>) -> Result<(), Failure> {
        let mut waiting = Vec::new();
        while turns.recv_many(&mut waiting, TURNS_MAX).await > 0 {
            self.perform(waiting.drain(..).flatten().collect()).await?;
        }
        Err(Failure::failed("the worker's thread has stopped"))
    }

    pub async fn perform(&mut self, effects: Vec<Effect>) -> Result<(), Failure> {
        for effect in &effects {
            if let Effect::Linked { committee, .. } = effect
                && self.logs.is_left(committee.epoch())
            {
                // A life before this one was further, and what it has accepted is in that log: the next one reads it.
                tracing::warn!(epoch = committee.epoch(), "there is a log of this epoch that was not read");
                start_again();
            }
        }
        let (records, effects) = split(effects);
        let failed = |error| Failure::failed(format!("the log failed: {error}"));
        self.logs.append_all(&records).await.map_err(failed)?;
        if effects.iter().any(promises) {
            self.logs.synchronise().await.map_err(failed)?;
        }
        let mut answers = Answers::default();
        for effect in effects {
            match effect {
                Effect::Linked { committee, changes } => self.link(Seats { committee, changes })?,
                Effect::Worker { epoch, output } => self.put_out(epoch, output, &mut answers).await?,
            }
        }
        self.tickets.tell(answers);
        Ok(())
    }

    fn link(&mut self, seats: Seats) -> Result<(), Failure> {
        let (epoch, number) = (seats.committee.epoch(), self.number);
        tracing::info!(epoch, members = seats.committee.size(), "seated");
        let addresses = self.places.of(&seats.committee, |key| seats.worker_endpoint(key, number));
        self.links.track(&seats.committee, &addresses)
    }

    async fn put_out(&mut self, epoch: u64, output: Output, answers: &mut Answers) -> Result<(), Failure> {
        let worker = self.number;
        let letter = |message| Message::Worker { worker, message };
        match output {
            Output::Send { to, message } => self.links.of(epoch).send(to, &letter(message)),
            Output::Broadcast { message } => self.links.of(epoch).broadcast(&letter(message)),
            Output::Introduction => self.primary.introduce(),
            Output::Word(word) => self.primary.tell(word),
            Output::Accepted { ticket } => answers.add(ticket, Fate::Accepted),
            Output::Final { ticket, .. } => answers.add(ticket, Fate::Final),
            Output::Refused { ticket, .. } => answers.add(ticket, Fate::Refused),
            Output::Fault { peer } => {
                tracing::warn!(peer = peer.0, "a peer sent what is no batch");
                self.links.of(epoch).blame(peer);
            }
            Output::Cut { keep } => self.logs.cut(epoch, keep).await.map_err(Failure::failed)?,
            Output::Persist { .. } => {}
        }
        Ok(())
    }
}

/// Whether somebody may rely on this effect after a restart.
fn promises(effect: &Effect) -> bool {
    let Effect::Worker { output, .. } = effect else { return false };
    matches!(
        output,
        Output::Broadcast { .. } | Output::Word(_) | Output::Accepted { .. } | Output::Cut { .. }
    )
}

fn split(all: Vec<Effect>) -> (Records, Vec<Effect>) {
    let (mut records, mut effects) = (Records::new(), Vec::new());
    for effect in all {
        match effect {
            Effect::Worker { epoch, output: Output::Persist { section, batch } } => {
                records.entry(epoch).or_default().push((section, Record::Batch { batch }));
            }
            effect => effects.push(effect),
        }
    }
    (records, effects)
}
