//! The end of the pipe: records to disk, then effects to the world.
//!
//! Invariant: what a restart could contradict leaves only after every record before it is durable. After a failure
//! of the disk the process stops; restarting is the recovery path.

use std::{
    net::SocketAddr,
    path::PathBuf,
    sync::{Arc, mpsc::Sender},
};

use crypto::{PublicKey, ThresholdShare};
use replica::{
    agreement::Output,
    succession::{Effect, Seats},
};
use tokio::sync::{mpsc, oneshot};
use wire::{Committee, Endpoint, Snapshot};

use crate::{
    failure::Failure,
    network::address_of,
    node::{
        execution::Order,
        feed::Feed,
        links::Links,
        logs::{Logs, Records},
        metrics::Metrics,
        shares,
        snapshots::SnapshotFile,
        tickets::{Answers, Fate, Tickets},
        workers::Workers,
    },
};

/// Turns of the agreement that may wait for the disk.
pub const TURNS_MAX: usize = 256;

/// Where validators listen.
pub struct Places {
    /// The members of the genesis, in their order, and where the configuration says that they are.
    pub genesis: Committee,
    pub addresses: Vec<SocketAddr>,
}

impl Places {
    /// Where the members of a committee listen: of those of the genesis the configuration knows, others have said it. Whose
    /// address nobody knows is not dialled, and may come by itself.
    pub fn of(
        &self,
        committee: &Committee,
        said: impl Fn(&PublicKey) -> Option<Endpoint>,
    ) -> Vec<SocketAddr> {
        let nowhere = SocketAddr::from(([0, 0, 0, 0], 0));
        let address = |author| {
            let key = committee.key(author)?;
            let known = self.genesis.author_of(&key);
            let known = known.and_then(|author| self.addresses.get(usize::from(author.0)).copied());
            known.or_else(|| said(&key).map(address_of))
        };
        committee.authors().map(|author| address(author).unwrap_or(nowhere)).collect()
    }
}

pub struct Storage {
    pub logs: Logs,
    pub links: Links,
    pub places: Places,
    /// Of the last epoch that is known of.
    pub seats: Seats,
    pub data: PathBuf,
    pub feed: Arc<Feed>,
    /// Told once that this validator has left, and from which epoch on.
    pub left: Option<oneshot::Sender<u64>>,
    pub orders: Sender<Order>,
    pub tickets: Arc<Tickets>,
    pub metrics: Arc<Metrics>,
    pub file: SnapshotFile,
    pub workers: Workers,
}

impl Storage {
    pub async fn run(mut self, mut turns: mpsc::Receiver<Vec<Effect>>) -> Result<(), Failure> {
        let mut waiting = Vec::new();
        while turns.recv_many(&mut waiting, TURNS_MAX).await > 0 {
            let (records, effects) = split(waiting.drain(..).flatten());
            let failed = |error| Failure::failed(format!("the log failed: {error}"));
            self.logs.append_all(&records).await.map_err(failed)?;
            if effects.iter().any(promises) {
                let began = std::time::Instant::now();
                self.logs.synchronise().await.map_err(failed)?;
                self.metrics.fsync_seconds.observe(began.elapsed().as_secs_f64());
            }
            self.perform(effects).await?;
        }
        Err(Failure::failed("the agreement has stopped"))
    }

    async fn perform(&mut self, effects: Vec<Effect>) -> Result<(), Failure> {
        let mut answers = Answers::default();
        for effect in effects {
            match effect {
                Effect::Agreement { epoch, output } => self.put_out(epoch, output, &mut answers).await?,
                Effect::Letter { to, letter } => self.links.tell(to, &letter),
                Effect::Checkpoint { checkpoint, lineage } => {
                    self.order(Order::Checkpoint(Box::new(checkpoint), lineage))?;
                }
                Effect::Blame(blame) => {
                    self.metrics.faults.inc();
                    let (dealer, statements) = (blame.dealer, blame.evidence.len());
                    tracing::warn!(dealer, statements, "a dealer is proven to have lied");
                }
                Effect::Linked(seats) => {
                    self.seats = seats;
                    self.link()?;
                }
                Effect::Began { seats, after } => self.begin_epoch(seats, after)?,
                Effect::Adopted { seats, snapshot, encoded } => {
                    self.feed.set_changes(&seats.changes);
                    let committee = seats.committee.clone();
                    self.seats = seats;
                    self.link()?;
                    self.adopt(snapshot, &encoded, Some(committee))?;
                }
                Effect::Share { epoch, share } => self.take_part(epoch, &share)?,
                // Whoever waits for it ends the process.
                Effect::Left { epoch } => drop(self.left.take().map(|left| left.send(epoch))),
            }
        }
        self.tickets.tell(answers);
        Ok(())
    }

    async fn put_out(&mut self, epoch: u64, output: Output, answers: &mut Answers) -> Result<(), Failure> {
        match output {
            Output::Send { to, message } => self.links.of(epoch).send(to, &message),
            Output::Broadcast { message } => self.links.of(epoch).broadcast(&message),
            Output::Commit(payload) => {
                self.metrics.commits.inc();
                let count: usize = payload.blocks.iter().map(|block| block.transactions.len()).sum();
                self.metrics.transactions.inc_by(u64::try_from(count).unwrap_or(0));
                self.order(Order::Commit(Box::new(payload)))?;
            }
            Output::Adopt { snapshot, encoded } => self.adopt(snapshot, &encoded, None)?,
            Output::Cut { keep } => self.logs.cut(epoch, keep).await.map_err(Failure::failed)?,
            Output::Accepted { ticket } => answers.add(ticket, Fate::Accepted),
            Output::Final { ticket, .. } => answers.add(ticket, Fate::Final),
            Output::Refused { ticket, .. } => answers.add(ticket, Fate::Refused),
            Output::Fault { peer, fault } => {
                self.metrics.faults.inc();
                tracing::warn!(peer = peer.0, %fault, "a peer broke a rule");
                self.links.of(epoch).blame(peer);
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
            Output::Order { worker, order } => self.workers.tell((epoch, worker), order),
            Output::Persist { .. } | Output::WakeAt(_) | Output::Checkpoint(_) => {}
        }
        Ok(())
    }

    /// Brings up the links with the committee.
    pub fn link(&mut self) -> Result<(), Failure> {
        let seats = &self.seats;
        let addresses = self.places.of(&seats.committee, |key| seats.endpoint(key));
        self.links.track(&seats.committee, &addresses)
    }

    /// With its share this validator takes part in an epoch.
    fn take_part(&self, epoch: u64, share: &ThresholdShare) -> Result<(), Failure> {
        shares::keep(&self.data, epoch, share)?;
        if epoch == self.seats.committee.epoch() {
            self.workers.seat(&self.seats);
        }
        Ok(())
    }

    fn begin_epoch(&mut self, seats: Seats, after: u64) -> Result<(), Failure> {
        let (epoch, members) = (seats.committee.epoch(), seats.committee.size());
        tracing::info!(epoch, members, after, "the committee has handed over");
        self.feed.set_changes(&seats.changes);
        let committee = seats.committee.clone();
        self.seats = seats;
        self.link()?;
        self.order(Order::Epoch(committee))
    }

    fn order(&self, order: Order) -> Result<(), Failure> {
        self.orders.send(order).map_err(|_| Failure::failed("the execution has stopped"))
    }

    /// A peer's snapshot: durable first, then what the execution goes on from.
    fn adopt(
        &self,
        snapshot: Box<Snapshot>,
        encoded: &[u8],
        seated: Option<Committee>,
    ) -> Result<(), Failure> {
        let (reference, _) = snapshot.publish();
        let written = self.file.write(&reference, encoded);
        written.map_err(|error| Failure::failed(format!("the snapshot cannot be written: {error}")))?;
        self.metrics.snapshots_adopted.inc();
        tracing::warn!(
            commit = reference.index,
            "new, or away for too long: going on from the snapshot of others"
        );
        self.order(Order::Adopt(snapshot, seated))
    }
}

/// Whether somebody may rely on this effect after a restart.
fn promises(effect: &Effect) -> bool {
    match effect {
        Effect::Agreement { output, .. } => matches!(
            output,
            Output::Broadcast { .. } | Output::Accepted { .. } | Output::Checkpoint(_) | Output::Cut { .. }
        ),
        Effect::Checkpoint { .. } | Effect::Adopted { .. } | Effect::Began { .. } => true,
        _ => false,
    }
}

fn split(all: impl Iterator<Item = Effect>) -> (Records, Vec<Effect>) {
    let (mut records, mut effects) = (Records::new(), Vec::new());
    for effect in all {
        match effect {
            Effect::Agreement { epoch, output: Output::Persist { section, record } } => {
                records.entry(epoch).or_default().push((section, record));
            }
            effect => effects.push(effect),
        }
    }
    (records, effects)
}
