//! A worker as a process: the pure core, and around it its log, its links, and its clients.
//!
//! Invariant: nothing is said of a batch, to peers, clients or the primary, before it is on disk. After a failure of
//! the disk the process stops; restarting is the recovery path.

pub mod config;
mod primary;
mod service;
mod storage;
mod thread;

use std::sync::Arc;

use commonware_runtime::{Runner as _, Supervisor as _, tokio::Context};
use tokio::sync::mpsc;
use wire::{Author, Committee, Letter, Message, Record};
use worker::{Input, Shelf, Worker};

use self::{config::WorkerConfig, primary::Primary, service::Service, storage::Storage};
use crate::{
    failure::Failure,
    node::{
        door::Door,
        identity::Identity,
        inbox::Inbox,
        intake::{self, Entry, Intake},
        journal::Journal,
        links::{self, Heard, LinkConfig, Route},
        runner, serve_rpc, start, stop_signal,
        tickets::Tickets,
    },
};

/// Turns of the core that may wait for the disk.
const TURNS_MAX: usize = 256;

/// Runs a worker until it is told to stop.
pub fn run(config: &WorkerConfig) -> Result<(), Failure> {
    let identity = Identity::read(&config.genesis, &config.key, config.peers.len())?;
    let author = identity.author().ok_or_else(|| identity.is_no_validator(&config.key, &config.genesis))?;
    if usize::from(config.number) >= wire::limits::WORKERS_MAX {
        let (have, need) = (config.number, wire::limits::WORKERS_MAX);
        return Err(Failure::bad_input(format!("number: {have}, must be below {need}")));
    }
    let runner = runner(&[config.listen, config.rpc], &config.data)?;
    runner.start(|context| serve(context, config.clone(), identity, author))
}

/// Where the letters of the other workers go.
#[derive(Clone)]
struct Routes {
    committee: Committee,
    number: u8,
    inbox: Inbox<Input>,
}

impl Route for Routes {
    fn connected(&self, _: crypto::PublicKey) {}

    fn pass_on(&self, from: crypto::PublicKey, letter: Letter) {
        if let Letter::Agreement { epoch, message: Message::Worker { worker, message } } = letter
            && (epoch, worker) == (self.committee.epoch(), self.number)
            && let Some(from) = self.committee.author_of(&from)
        {
            self.inbox.put(Input::Message { from, message });
        }
    }
}

async fn serve(
    context: Context,
    config: WorkerConfig,
    identity: Identity,
    author: Author,
) -> Result<(), Failure> {
    let Identity { genesis, committee, key } = identity;
    start::claim_data(&config.data, &genesis)?;
    let mut worker = Worker::new(config.settings(&committee, author));
    let mut batches = 0_u64;
    let restore = |section, record| {
        if let Record::Batch { batch } = record
            && let Some((digest, held)) = Shelf::read(batch.into_bytes())
        {
            batches += 1;
            worker.restore(section, digest, held);
        }
    };
    let opened = Journal::open((context.child("storage"), "batches"), config.fsync, restore).await;
    let journal =
        opened.map_err(|error| Failure::bad_input(format!("{}: {error}", config.data.display())))?;
    tracing::info!(batches, "log replayed");

    let (inbox, inputs) = Inbox::new(thread::INPUTS_MAX);
    let namespace = format!("clockless workers {}", config.number);
    let link_config = LinkConfig {
        namespace: namespace.as_bytes(),
        committee: &committee,
        secret: key.to_bytes(),
        listen: config.listen,
        addresses: &config.peers,
    };
    let routes = Routes { committee: committee.clone(), number: config.number, inbox: inbox.clone() };
    let links = links::open(&context, &link_config, &routes, &Arc::new(Heard::default()))?;
    let (outbox, turns) = mpsc::channel(TURNS_MAX);
    let thread = |error: std::io::Error| Failure::failed(format!("no thread: {error}"));
    thread::spawn(worker, inputs, outbox).map_err(thread)?;
    let primary = Primary::default();
    let meeting = primary::Meeting { key, number: config.number, address: config.primary };
    tokio::spawn(primary::keep(context.child("primary"), meeting, primary.clone(), inbox.clone()));
    let tickets = Arc::new(Tickets::default());
    let intake = Intake {
        door: Door::of(config.execution, genesis.digest()),
        tickets: Arc::clone(&tickets),
        take: Arc::new(move |Entry { client, ticket, transaction }| {
            let taken = inbox.put(Input::Submit { client, ticket, transaction });
            taken.then_some(()).ok_or(intake::BUSY)
        }),
    };
    tokio::spawn(serve_rpc(config.rpc, Service { intake }));
    let (number, listen, rpc) = (config.number, config.listen, config.rpc);
    tracing::info!(author = author.0, number, %listen, %rpc, "worker is up");
    let storage = Storage { number, journal, links, primary, tickets };
    tokio::select! {
        ended = storage.run(turns) => ended,
        () = stop_signal() => Ok(()),
    }
}
