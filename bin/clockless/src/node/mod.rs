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
mod feed;
mod founding;
mod intake;
mod journal;
mod links;
mod load;
mod metrics;
mod patience;
mod queries;
mod service;
mod snapshots;
mod start;
mod storage;
mod tickets;
pub mod worker;
mod workers;

use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::Receiver,
    },
};

pub use self::core::Clock;

use commonware_runtime::{
    Runner as _,
    tokio::{Config as RuntimeConfig, Context, Runner},
};
use crypto::{PublicCoin, SigningKey, ThresholdCoin, ThresholdShare};
use replica::{
    agreement::{Input, Pacing, WorkerPlaces},
    execution::Execution,
    founding::{Founders, Past},
};
use tokio::sync::mpsc;
use wire::{Author, Committee};

use crate::{
    failure::Failure,
    network::{NetworkGenesis, read_signing_key},
    node::{
        config::NodeConfig,
        core::{Inbox, SharedStatus},
        door::Door,
        feed::Feed,
        founding::{Founder, Word},
        intake::{Entry, Intake},
        links::{Heard, LinkConfig, Links, Routes},
        metrics::Metrics,
        service::Service,
        start::Started,
        storage::{Storage, TURNS_MAX},
        tickets::Tickets,
        workers::{Meeting, Workers},
    },
};

/// Everything read and checked before anything is opened.
struct Identity {
    genesis: NetworkGenesis,
    committee: Committee,
    author: Author,
    key: SigningKey,
}

/// Where the coin comes from.
enum CoinSource {
    /// From a dealer, who knows it: for tests and benchmarks.
    Dealt(Box<ThresholdCoin>),
    /// From the validators, in epoch 0.
    Made(Box<Founders>),
}

/// Runs a node until it is told to stop.
pub fn run(config: &NodeConfig) -> Result<(), Failure> {
    let (identity, source) = identify(config)?;
    for address in [config.listen, config.rpc, config.metrics] {
        std::net::TcpListener::bind(address)
            .map_err(|error| Failure::bad_input(format!("{address}: {error}")))?;
    }
    let runtime = RuntimeConfig::new()
        .with_storage_directory(&config.data)
        .with_worker_threads(2)
        .with_tcp_nodelay(Some(true))
        .with_catch_panics(false);
    Runner::new(runtime).start(|context| serve(context, config.clone(), identity, source))
}

fn identify(config: &NodeConfig) -> Result<(Identity, CoinSource), Failure> {
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
    check(&genesis, &committee)?;
    let source = coin_source(config, &genesis, author)?;
    Ok((Identity { genesis, committee, author, key }, source))
}

/// What is wrong with a genesis is said before the others are waited for.
fn check(genesis: &NetworkGenesis, committee: &Committee) -> Result<(), Failure> {
    let bad = |error: String| Failure::bad_input(format!("genesis: {error}"));
    let coin = PublicCoin::new(genesis.digest(), 1);
    ordering::Ordering::new(committee.clone(), genesis.parameters(), Box::new(coin))
        .map_err(|error| bad(error.to_string()))?;
    Execution::new(&genesis.exchange, genesis.digest()).map_err(|error| bad(format!("exchange: {error}")))?;
    Ok(())
}

fn coin_source(config: &NodeConfig, genesis: &NetworkGenesis, author: Author) -> Result<CoinSource, Failure> {
    let (coin_key, path) = match (genesis.coin_key()?, &config.coin_share) {
        (Some(coin_key), Some(path)) => (coin_key, path),
        (Some(_), None) => {
            return Err(Failure::bad_input("coin_share: the genesis has a coin_key, so there must be one"));
        }
        (None, _) => {
            let (committee, sealing) = genesis.founders()?;
            // Epoch 0 has no users, and needs no worker from elsewhere.
            let pacing = Pacing { worker_places: WorkerPlaces::Here, ..config.pacing() };
            let network = genesis.digest();
            let founders = Founders { network, committee, sealing, author, pacing };
            return Ok(CoinSource::Made(Box::new(founders)));
        }
    };
    let text = fs::read_to_string(path).map_err(|error| Failure::file(path, &error))?;
    let share = hex::decode(text.trim()).ok().and_then(ThresholdShare::decode);
    let share =
        share.ok_or_else(|| Failure::bad_input(format!("{}: this is no coin share", path.display())))?;
    let (have, need) = (share.member(), author.0);
    if have != u32::from(need) {
        let path = path.display();
        return Err(Failure::bad_input(format!("{path}: the share of validator {have}, this is {need}")));
    }
    let coin = ThresholdCoin::new(coin_key, share, genesis.epoch).ok_or_else(|| {
        Failure::bad_input(format!("{}: this share is not of the coin key of the genesis", path.display()))
    })?;
    Ok(CoinSource::Dealt(Box::new(coin)))
}

async fn serve(
    context: Context,
    config: NodeConfig,
    identity: Identity,
    source: CoinSource,
) -> Result<(), Failure> {
    let feed = Arc::new(Feed::new());
    let (network, author) = (identity.genesis.digest(), identity.author);
    let (key, committee) = (identity.key.clone(), identity.committee.clone());
    let (inbox, inputs) = Inbox::new();
    let heard = Arc::new(Heard::default());
    let metrics = Arc::new(Metrics::default());
    let tickets = Arc::new(Tickets::default());
    let status = SharedStatus::default();
    let link_config = LinkConfig {
        committee: &committee,
        namespace: links::NAMESPACE,
        secret: key.to_bytes(),
        listen: config.listen,
        addresses: &config.peers,
    };
    let (founding, words) = founding::Inbox::new();
    let open = Arc::new(AtomicBool::new(false));
    let routes = Routes {
        epoch: committee.epoch(),
        agreement: inbox.clone(),
        open: Arc::clone(&open),
        founding: Some(founding),
    };
    // Operators look at a validator that waits for the others, too.
    let sources = (Arc::clone(&status), Arc::clone(&feed), Arc::clone(&heard));
    tokio::spawn(metrics::serve(config.metrics, Arc::clone(&metrics), sources));
    start::claim_data(&config.data, &identity.genesis)?;
    let past = founding::past(&config);
    let links = links::open(&context, &link_config, &routes, &heard)?;
    let coin = tokio::select! {
        coin = coin((&context, &config), (&identity, past), source, (words, links.of_epoch(0))) => coin?,
        () = stop_signal() => return Ok(()),
    };
    let Started { agreement, executor, journal, file } =
        start::from_disk((&context, &config), (identity, coin), past, &feed).await?;
    open.store(true, Ordering::Relaxed);
    let thread = |error: std::io::Error| Failure::failed(format!("no thread: {error}"));
    let orders = executor.spawn(inbox.clone()).map_err(thread)?;
    let (outbox, turns) = mpsc::channel(TURNS_MAX);
    let clock = Clock { offset_ms: config.clock_offset_ms };
    core::spawn(agreement, (inputs, outbox), clock, Arc::clone(&status)).map_err(thread)?;
    let intake = intake(&config, network, (&inbox, &tickets));
    let author = author.0;
    let service = Service { author, network, intake, feed, orders: orders.clone(), status };
    if let Some(wanted) = config.load {
        let (tickets, metrics) = (Arc::clone(&tickets), Arc::clone(&metrics));
        tokio::spawn(load::run(wanted, author, inbox.clone(), tickets, metrics));
    }
    tokio::spawn(serve_rpc(config.rpc, service));
    tracing::info!(author, listen = %config.listen, rpc = %config.rpc, %network, "node is up");
    let workers = meet_workers(&context, &config, key, inbox).await?;
    let storage = Storage { journal, links, orders, tickets, metrics, file, workers };
    tokio::select! {
        ended = storage.run(turns) => ended,
        () = stop_signal() => {
            tracing::info!("stopping");
            Ok(())
        }
    }
}

/// The coin: at hand, or made with the others.
async fn coin(
    (context, config): (&Context, &NodeConfig),
    (identity, past): (&Identity, Past),
    source: CoinSource,
    (words, links): (Receiver<Word>, Links),
) -> Result<ThresholdCoin, Failure> {
    match source {
        CoinSource::Dealt(coin) => Ok(*coin),
        CoinSource::Made(founders) => {
            let (key, epoch) = (identity.key.clone(), identity.committee.epoch());
            let founder = Founder { founders: *founders, key, epoch, past };
            founding::make(context, config, founder, (words, links)).await
        }
    }
}

/// The workers that are processes of their own, as they come.
async fn meet_workers(
    context: &Context,
    config: &NodeConfig,
    key: SigningKey,
    inbox: Inbox,
) -> Result<Workers, Failure> {
    let workers = Workers::default();
    if let Some(address) = config.worker_listen {
        let place = Meeting { key, workers: config.workers, address };
        workers::listen(context, place, &workers, inbox).await?;
    }
    Ok(workers)
}

/// Where clients' transactions go: to the agreement, which hands them to a worker of this process.
fn intake(config: &NodeConfig, network: crypto::Digest, (inbox, tickets): (&Inbox, &Arc<Tickets>)) -> Intake {
    let (inbox, is_elsewhere) = (inbox.clone(), config.worker_listen.is_some());
    let take = move |Entry { client, ticket, transaction }: Entry| {
        if is_elsewhere {
            return Err("this validator takes transactions at its workers");
        }
        let taken = inbox.put(Input::Submit { client, ticket, transaction });
        taken.then_some(()).ok_or(intake::BUSY)
    };
    Intake { door: Door::of(config.execution, network), tickets: Arc::clone(tickets), take: Arc::new(take) }
}

async fn serve_rpc<S: client::protocol::node_server::Node>(address: std::net::SocketAddr, service: S) {
    use client::protocol::{DESCRIPTOR, node_server::NodeServer};
    const MESSAGE_BYTES_MAX: usize = 16 * 1024 * 1024;
    let node = NodeServer::new(service)
        .max_decoding_message_size(MESSAGE_BYTES_MAX)
        .max_encoding_message_size(256 * 1024 * 1024);
    let (health, health_service) = tonic_health::server::health_reporter();
    health.set_serving::<NodeServer<S>>().await;
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
