//! One validator as a process: the pure cores, and around them files, links, clocks and clients.
//!
//! Invariant: what a restart could contradict leaves only after every record before it is on disk: own blocks
//! (with their coin shares), own batches, and the word that a transaction is accepted. What others sent is
//! written at once and durable with the next own block. After a failure of the disk the process stops;
//! restarting is the recovery path.

pub mod config;
mod core;
mod door;
mod events;
mod execution;
mod journal;
mod links;
mod load;
mod metrics;
mod queries;
mod service;
mod tickets;

use std::{fs, path::Path, sync::Arc};

pub use self::core::Clock;

use commonware_runtime::{
    Runner as _,
    tokio::{Config as RuntimeConfig, Context, Runner},
};
use crypto::{SigningKey, ThresholdCoin, ThresholdShare};
use replica::{
    agreement::{Agreement, Config, Output},
    execution::Execution,
};
use tokio::sync::mpsc;
use wire::{Author, Committee, Record};

use crate::{
    failure::Failure,
    network::{NetworkGenesis, read_signing_key},
    node::{
        config::{ExecutionMode, NodeConfig},
        core::{Inbox, SharedStatus},
        door::Door,
        execution::{Executor, Feed, Order},
        journal::Journal,
        links::{Heard, LinkConfig, Links},
        metrics::Metrics,
        service::Service,
        tickets::{Answers, Fate, Tickets},
    },
};

/// Turns of the agreement that may wait for the disk.
const TURNS_MAX: usize = 256;

/// Everything read and checked before anything is opened.
struct Identity {
    genesis: NetworkGenesis,
    committee: Committee,
    author: Author,
    key: SigningKey,
    coin: ThresholdCoin,
}

/// Runs a node until it is told to stop.
pub fn run(config: &NodeConfig) -> Result<(), Failure> {
    let identity = identify(config)?;
    for address in [config.listen, config.rpc, config.metrics] {
        std::net::TcpListener::bind(address)
            .map_err(|error| Failure::bad_input(format!("{address}: {error}")))?;
    }
    let runtime = RuntimeConfig::new()
        .with_storage_directory(&config.data)
        .with_worker_threads(2)
        .with_tcp_nodelay(Some(true))
        .with_catch_panics(false);
    Runner::new(runtime).start(|context| serve(context, config.clone(), identity))
}

fn identify(config: &NodeConfig) -> Result<Identity, Failure> {
    let genesis = NetworkGenesis::read(&config.genesis)?;
    let committee = genesis.committee()?;
    let key = read_signing_key(&config.key)?;
    let author = committee.author_of(&key.public_key()).ok_or_else(|| {
        let reason =
            format!("{}: this key is no validator of {}", config.key.display(), config.genesis.display());
        Failure::bad_input(reason)
    })?;
    if config.peers.len() != usize::from(committee.size()) {
        let (have, need) = (config.peers.len(), committee.size());
        return Err(Failure::bad_input(format!(
            "peers: {have} addresses, one for each of {need} validators is expected"
        )));
    }
    let path = &config.coin_share;
    let text = fs::read_to_string(path).map_err(|error| Failure::file(path, &error))?;
    let share = hex::decode(text.trim()).ok().and_then(ThresholdShare::decode);
    let share =
        share.ok_or_else(|| Failure::bad_input(format!("{}: this is no coin share", path.display())))?;
    let (have, need) = (share.member(), author.0);
    if have != u32::from(need) {
        let path = path.display();
        return Err(Failure::bad_input(format!("{path}: the share of validator {have}, this is {need}")));
    }
    let coin = ThresholdCoin::new(genesis.coin_key()?, share, genesis.epoch).ok_or_else(|| {
        Failure::bad_input(format!("{}: this share is not of the coin key of the genesis", path.display()))
    })?;
    Ok(Identity { genesis, committee, author, key, coin })
}

/// Refuses a data folder that was written for another network.
fn claim_data(data: &Path, genesis: &NetworkGenesis) -> Result<(), Failure> {
    fs::create_dir_all(data).map_err(|error| Failure::file(data, &error))?;
    let mark = data.join("network");
    let digest = genesis.digest().to_string();
    match fs::read_to_string(&mark) {
        Ok(have) if have.trim() == digest => Ok(()),
        Ok(have) => Err(Failure::bad_input(format!(
            "{}: written for network {}, the genesis is of {digest}",
            data.display(),
            have.trim()
        ))),
        // Whole or not at all: a half written mark would shut the node out of its own folder.
        Err(_) => {
            let new = data.join("network.new");
            let written = fs::write(&new, &digest).and_then(|()| fs::rename(&new, &mark));
            written.map_err(|error| Failure::file(&mark, &error))
        }
    }
}

async fn serve(context: Context, config: NodeConfig, identity: Identity) -> Result<(), Failure> {
    let Identity { genesis, committee, author, key, coin } = identity;
    let feed = Arc::new(Feed::new());
    let network = genesis.digest();
    let execution = match config.execution {
        ExecutionMode::None => None,
        ExecutionMode::Exchange => {
            let execution = Execution::new(&genesis.exchange, network)
                .map_err(|error| Failure::bad_input(format!("genesis: exchange: {error}")))?;
            Some(execution.with_committee(committee.clone(), genesis.attest_every))
        }
    };
    let (parameters, pacing) = (genesis.parameters(), config.pacing());
    let settings = Config { committee: committee.clone(), author, parameters, pacing };
    let mut agreement = Agreement::new(settings, key.clone(), Box::new(coin))
        .map_err(|error| Failure::bad_input(format!("genesis: {error}")))?;
    claim_data(&config.data, &genesis)?;
    let mut executor = Executor::new(execution, &feed, &key);
    let mut records = 0_u64;
    let restore = |record: Record| {
        records += 1;
        restore(&mut agreement, &mut executor, record);
    };
    let opened = Journal::open(context_child(&context), config.fsync, restore).await;
    let journal =
        opened.map_err(|error| Failure::bad_input(format!("{}: {error}", config.data.display())))?;
    tracing::info!(author = author.0, records, commits = *feed.height().borrow(), "log replayed");

    let (inbox, inputs) = Inbox::new();
    let heard = Arc::new(Heard::default());
    let metrics = Arc::new(Metrics::default());
    let tickets = Arc::new(Tickets::default());
    let status = SharedStatus::default();
    let link_config = LinkConfig {
        committee: &committee,
        secret: key.to_bytes(),
        listen: config.listen,
        addresses: &config.peers,
    };
    let links = links::open(&context, &link_config, &inbox, &heard)?;
    let thread = |error: std::io::Error| Failure::failed(format!("no thread: {error}"));
    let orders = executor.spawn(inbox.clone()).map_err(thread)?;
    let (outbox, turns) = mpsc::channel(TURNS_MAX);
    let clock = Clock { offset_ms: config.clock_offset_ms };
    core::spawn(agreement, (inputs, outbox), clock, Arc::clone(&status)).map_err(thread)?;
    let service = Service {
        author: author.0,
        network,
        door: Door::of(config.execution, network),
        inbox,
        tickets: Arc::clone(&tickets),
        feed: Arc::clone(&feed),
        orders: orders.clone(),
        status: Arc::clone(&status),
    };
    tokio::spawn(metrics::serve(config.metrics, Arc::clone(&metrics), (status, feed, heard)));
    if let Some(wanted) = config.load {
        let (inbox, tickets) = (service.inbox.clone(), Arc::clone(&tickets));
        tokio::spawn(load::run(wanted, author.0, inbox, tickets, Arc::clone(&metrics)));
    }
    tokio::spawn(serve_rpc(config.rpc, service));
    tracing::info!(author = author.0, listen = %config.listen, rpc = %config.rpc, %network, "node is up");
    let storage = Storage { journal, links, orders, tickets, metrics };
    tokio::select! {
        ended = storage.run(turns) => ended,
        () = stop_signal() => {
            tracing::info!("stopping");
            Ok(())
        }
    }
}

fn context_child(context: &Context) -> Context {
    use commonware_runtime::Supervisor as _;
    context.child("storage")
}

fn restore(agreement: &mut Agreement, executor: &mut Executor, record: Record) {
    let mut out = Vec::new();
    agreement.restore(record, &mut out);
    for output in out {
        if let Output::Commit(payload) = output {
            executor.apply(&payload);
        }
    }
}

async fn serve_rpc(address: std::net::SocketAddr, service: Service) {
    use client::protocol::{DESCRIPTOR, node_server::NodeServer};
    const MESSAGE_BYTES_MAX: usize = 16 * 1024 * 1024;
    let node = NodeServer::new(service)
        .max_decoding_message_size(MESSAGE_BYTES_MAX)
        .max_encoding_message_size(256 * 1024 * 1024);
    let (health, health_service) = tonic_health::server::health_reporter();
    health.set_serving::<NodeServer<Service>>().await;
    let reflection = tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(DESCRIPTOR)
        .build_v1();
    let mut server = tonic::transport::Server::builder().tcp_nodelay(true).add_service(node);
    server = server.add_service(health_service);
    let served = match reflection {
        Ok(reflection) => server.add_service(reflection).serve(address).await,
        Err(_) => server.serve(address).await,
    };
    if let Err(error) = served {
        tracing::error!(%address, %error, "the RPC service ended");
    }
}

/// Resolves when this process is told to end.
pub async fn stop_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let terminate = async {
        match signal(SignalKind::terminate()) {
            Ok(mut signal) => drop(signal.recv().await),
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        () = terminate => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}

/// The end of the pipe: records to disk, then effects to the world.
struct Storage {
    journal: Journal,
    links: Links,
    orders: std::sync::mpsc::Sender<Order>,
    tickets: Arc<Tickets>,
    metrics: Arc<Metrics>,
}

impl Storage {
    async fn run(mut self, mut turns: mpsc::Receiver<Vec<Output>>) -> Result<(), Failure> {
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
            self.perform(effects)?;
        }
        Err(Failure::failed("the agreement has stopped"))
    }

    fn perform(&mut self, effects: Vec<Output>) -> Result<(), Failure> {
        let mut answers = Answers::default();
        for effect in effects {
            match effect {
                Output::Send { to, message } => self.links.send(to, &message),
                Output::Broadcast { message } => self.links.broadcast(&message),
                Output::Commit(payload) => {
                    self.metrics.commits.inc();
                    let count: usize = payload.blocks.iter().map(|block| block.transactions.len()).sum();
                    self.metrics.transactions.inc_by(u64::try_from(count).unwrap_or(0));
                    let sent = self.orders.send(Order::Commit(Box::new(payload)));
                    sent.map_err(|_| Failure::failed("the execution has stopped"))?;
                }
                Output::Accepted { ticket } => answers.add(ticket, Fate::Accepted),
                Output::Final { ticket, .. } => answers.add(ticket, Fate::Final),
                Output::Refused { ticket, .. } => answers.add(ticket, Fate::Refused),
                Output::Fault { peer, fault } => {
                    self.metrics.faults.inc();
                    tracing::warn!(peer = peer.0, %fault, "a peer broke a rule");
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
                Output::Persist(_) | Output::WakeAt(_) => {}
            }
        }
        self.tickets.tell(answers);
        Ok(())
    }
}

/// Whether somebody may rely on this effect after a restart.
fn promises(effect: &Output) -> bool {
    matches!(effect, Output::Broadcast { .. } | Output::Accepted { .. })
}

fn split(outputs: impl Iterator<Item = Output>) -> (Vec<Record>, Vec<Output>) {
    let (mut records, mut effects) = (Vec::new(), Vec::new());
    for output in outputs {
        match output {
            Output::Persist(record) => records.push(record),
            effect => effects.push(effect),
        }
    }
    (records, effects)
}
