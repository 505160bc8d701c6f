//! A worker as a process: the pure core, and around it its logs, its links, and its clients.
//!
//! Invariant: nothing is said of a batch, to peers, clients or the primary, before it is on disk. After a failure of
//! the disk the process stops; restarting is the recovery path. It begins when its primary has said which epoch they are in.

pub mod config;
mod primary;
mod service;
mod storage;
mod thread;

use std::{
    sync::{
        Arc,
        mpsc::{Receiver, TryRecvError},
    },
    time::Duration,
};

use commonware_runtime::{Runner as _, Supervisor as _, tokio::Context};
use num::Timestamp;
use tokio::sync::mpsc;
use wire::{Letter, Message, Record, WorkerOrder};
use worker::{Epochs, Event, Shelf};

use self::{config::WorkerConfig, primary::Primary, service::Service, storage::Storage};
use crate::{
    failure::Failure,
    node::{
        door::Door,
        identity::Identity,
        inbox::Inbox,
        intake::{self, Entry, Intake},
        links::{self, Heard, LinkConfig, Route},
        logs::Logs,
        runner, serve_rpc, start, stop_signal,
        storage::Places,
        tickets::Tickets,
    },
};

/// Turns of the core that may wait for the disk.
const TURNS_MAX: usize = 256;
/// How long to wait for the next word while there is no epoch to be in.
const PAUSE: Duration = Duration::from_millis(20);

/// Runs a worker until it is told to stop.
pub fn run(config: &WorkerConfig) -> Result<(), Failure> {
    let identity = Identity::read(&config.genesis, &config.key, config.peers.len())?;
    if usize::from(config.number) >= wire::limits::WORKERS_MAX {
        let (have, need) = (config.number, wire::limits::WORKERS_MAX);
        return Err(Failure::bad_input(format!("number: {have}, must be below {need}")));
    }
    let runner = runner(&[config.listen, config.rpc], &config.data)?;
    runner.start(|context| serve(context, config.clone(), identity))
}

/// Where the letters of the other workers go.
#[derive(Clone)]
struct Routes {
    number: u8,
    inbox: Inbox<Event>,
}

impl Route for Routes {
    fn connected(&self, _: crypto::PublicKey) {}

    fn pass_on(&self, from: crypto::PublicKey, letter: Letter) {
        if let Letter::Agreement { epoch, message: Message::Worker { worker, message } } = letter
            && worker == self.number
        {
            self.inbox.put(Event::Message { epoch, from, message });
        }
    }
}

async fn serve(context: Context, config: WorkerConfig, identity: Identity) -> Result<(), Failure> {
    let Identity { genesis, committee, key } = identity;
    start::claim_data(&config.data, &genesis)?;
    let (inbox, events) = Inbox::new(thread::EVENTS_MAX);
    let primary = Primary::default();
    let meeting = primary::Meeting { key: key.clone(), number: config.number, address: config.primary };
    tokio::spawn(primary::keep(context.child("primary"), meeting, primary.clone(), inbox.clone()));
    let mut epochs =
        Epochs::new(genesis.digest(), committee.clone(), key.public_key(), config.settings(&committee));
    let seated = tokio::select! {
        seated = until_seated(&mut epochs, &events) => seated?,
        () = stop_signal() => return Ok(()),
    };
    let first = committee.epoch();
    let mut logs = Logs::new(&context, config.data.clone(), config.fsync, ("batches", first));
    restore(&mut epochs, &mut logs, first..=seated).await?;

    let namespace = format!("clockless workers {}", config.number);
    let link_config = LinkConfig {
        namespace: namespace.as_bytes(),
        committee: &committee,
        secret: key.to_bytes(),
        listen: config.listen,
        addresses: &config.peers,
    };
    let routes = Routes { number: config.number, inbox: inbox.clone() };
    let links = links::open(&context, &link_config, &routes, &Arc::new(Heard::default()))?;
    let places = Places { genesis: committee, addresses: config.peers.clone() };
    let tickets = Arc::new(Tickets::default());
    let mut storage =
        Storage { number: config.number, logs, links, places, primary, tickets: Arc::clone(&tickets) };
    let mut effects = Vec::new();
    epochs.settle_in(&mut effects);
    // In place of the order that was taken before the log was read.
    epochs.take(Timestamp::ZERO, Event::Order(WorkerOrder::Seated { epoch: seated }), &mut effects);
    storage.perform(effects).await?;
    let (outbox, turns) = mpsc::channel(TURNS_MAX);
    let thread = |error: std::io::Error| Failure::failed(format!("no thread: {error}"));
    thread::spawn(epochs, events, outbox).map_err(thread)?;
    let intake = Intake {
        door: Door::of(config.execution, genesis.digest()),
        tickets,
        take: Arc::new(move |Entry { client, ticket, transaction }| {
            let taken = inbox.put(Event::Submit { client, ticket, transaction });
            taken.then_some(()).ok_or(intake::BUSY)
        }),
        // Only the primary sees rounds.
        behind: Arc::new(|| 0),
    };
    tokio::spawn(serve_rpc(config.rpc, Service { intake }));
    let (number, listen, rpc) = (config.number, config.listen, config.rpc);
    tracing::info!(number, %listen, %rpc, "worker is up");
    tokio::select! {
        ended = storage.run(turns) => ended,
        () = stop_signal() => Ok(()),
    }
}

/// Waits until the primary says which epoch it takes part in.
async fn until_seated(epochs: &mut Epochs, events: &Receiver<Event>) -> Result<u64, Failure> {
    loop {
        match events.try_recv() {
            Ok(Event::Order(WorkerOrder::Changes { changes })) => epochs
                .follow(&changes)
                .map_err(|error| Failure::failed(format!("the primary's committee: {error}")))?,
            Ok(Event::Order(WorkerOrder::Seated { epoch })) => return Ok(epoch),
            Ok(_) => {}
            Err(TryRecvError::Empty) => tokio::time::sleep(PAUSE).await,
            Err(TryRecvError::Disconnected) => return Err(Failure::failed("nobody speaks to the primary")),
        }
    }
}

/// Brings the worker to where the logs of some epochs left it, and into the last of them.
async fn restore(
    epochs: &mut Epochs,
    logs: &mut Logs,
    known: core::ops::RangeInclusive<u64>,
) -> Result<(), Failure> {
    let seated = *known.end();
    let mut batches = 0_u64;
    for epoch in known {
        if (epoch < seated && !logs.is_left(epoch)) || !epochs.begin(epoch) {
            continue;
        }
        let take = |section, record| {
            if let Record::Batch { batch } = record
                && let Some((digest, held)) = Shelf::read(batch.into_bytes())
            {
                batches += 1;
                epochs.restore(section, digest, held);
            }
        };
        logs.open(epoch, take).await.map_err(Failure::bad_input)?;
    }
    tracing::info!(batches, epoch = seated, "log replayed");
    Ok(())
}
