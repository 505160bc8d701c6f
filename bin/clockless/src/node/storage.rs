//! The end of the pipe: records to disk, then effects to the world.
//!
//! Invariant: what a restart could contradict leaves only after every record before it is durable. After a failure
//! of the disk the process stops; restarting is the recovery path.

use std::sync::{Arc, mpsc::Sender};

use replica::agreement::{Output, Record};
use tokio::sync::mpsc;
use wire::Snapshot;

use crate::{
    failure::Failure,
    node::{
        execution::Order,
        journal::Journal,
        links::Links,
        metrics::Metrics,
        snapshots::SnapshotFile,
        tickets::{Answers, Fate, Tickets},
        workers::Workers,
    },
};

/// Turns of the agreement that may wait for the disk.
pub const TURNS_MAX: usize = 256;

pub struct Storage {
    pub journal: Journal,
    pub links: Links,
    pub orders: Sender<Order>,
    pub tickets: Arc<Tickets>,
    pub metrics: Arc<Metrics>,
    pub file: SnapshotFile,
    pub workers: Workers,
}

impl Storage {
    pub async fn run(mut self, mut turns: mpsc::Receiver<Vec<Output>>) -> Result<(), Failure> {
        let mut waiting = Vec::new();
        while turns.recv_many(&mut waiting, TURNS_MAX).await > 0 {
            let (records, effects) = split(waiting.drain(..).flatten());
            let failed = |error| Failure::failed(format!("the log failed: {error}"));
            self.journal.append(&records).await.map_err(failed)?;
            if effects.iter().any(promises) {
                let began = std::time::Instant::now();
                self.journal.synchronise().await.map_err(failed)?;
                self.metrics.fsync_seconds.observe(began.elapsed().as_secs_f64());
            }
            self.perform(effects).await?;
        }
        Err(Failure::failed("the agreement has stopped"))
    }

    async fn perform(&mut self, effects: Vec<Output>) -> Result<(), Failure> {
        let mut answers = Answers::default();
        for effect in effects {
            match effect {
                Output::Send { to, message } => self.links.send(to, &message),
                Output::Broadcast { message } => self.links.broadcast(&message),
                Output::Commit(payload) => {
                    self.metrics.commits.inc();
                    let count: usize = payload.blocks.iter().map(|block| block.transactions.len()).sum();
                    self.metrics.transactions.inc_by(u64::try_from(count).unwrap_or(0));
                    self.order(Order::Commit(Box::new(payload)))?;
                }
                Output::Checkpoint(checkpoint) => self.order(Order::Checkpoint(Box::new(checkpoint)))?,
                Output::Adopt { snapshot, encoded } => self.adopt(snapshot, &encoded)?,
                Output::Cut { keep } => self.journal.cut(keep).await.map_err(Failure::failed)?,
                Output::Accepted { ticket } => answers.add(ticket, Fate::Accepted),
                Output::Final { ticket, .. } => answers.add(ticket, Fate::Final),
                Output::Refused { ticket, .. } => answers.add(ticket, Fate::Refused),
                Output::Fault { peer, fault } => {
                    self.metrics.faults.inc();
                    tracing::warn!(peer = peer.0, %fault, "a peer broke a rule");
                    self.links.blame(peer);
                }
                Output::WrongShare { author, round } => {
                    self.metrics.faults.inc();
                    tracing::warn!(author = author.0, round = round.0, "a coin share is wrong");
                }
                Output::Equivocation(proof) => {
                    self.metrics.equivocations.inc();
                    let (author, round) = (proof.author().0, proof.round().0);
                    tracing::warn!(author, round, "a validator signed two blocks for one round");
                }
                Output::Halt { reason } => return Err(Failure::failed(format!("{reason}"))),
                Output::Order { worker, order } => self.workers.tell(worker, order),
                Output::Persist { .. } | Output::WakeAt(_) => {}
            }
        }
        self.tickets.tell(answers);
        Ok(())
    }

    fn order(&self, order: Order) -> Result<(), Failure> {
        self.orders.send(order).map_err(|_| Failure::failed("the execution has stopped"))
    }

    /// A peer's snapshot: durable first, then what the execution goes on from.
    fn adopt(&self, snapshot: Snapshot, encoded: &[u8]) -> Result<(), Failure> {
        let (reference, _) = snapshot.publish();
        let written = self.file.write(&reference, encoded);
        written.map_err(|error| Failure::failed(format!("the snapshot cannot be written: {error}")))?;
        self.metrics.snapshots_adopted.inc();
        tracing::warn!(commit = reference.index, "away for too long: going on from the snapshot of others");
        self.order(Order::Adopt(Box::new(snapshot)))
    }
}

/// Whether somebody may rely on this effect after a restart.
fn promises(effect: &Output) -> bool {
    matches!(
        effect,
        Output::Broadcast { .. } | Output::Accepted { .. } | Output::Checkpoint(_) | Output::Cut { .. }
    )
}

fn split(outputs: impl Iterator<Item = Output>) -> (Vec<(u64, Record)>, Vec<Output>) {
    let (mut records, mut effects) = (Vec::new(), Vec::new());
    for output in outputs {
        match output {
            Output::Persist { section, record } => records.push((section, record)),
            effect => effects.push(effect),
        }
    }
    (records, effects)
}
