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
pub mod execution;
mod feed;
mod founding;
mod identity;
mod inbox;
mod intake;
mod journal;
mod links;
mod load;
mod logs;
mod metrics;
mod patience;
mod queries;
mod receipts;
mod roll;
mod service;
mod shares;
mod snapshots;
mod start;
mod storage;
mod tickets;
pub mod worker;
mod workers;

use std::{
    net::SocketAddr,
    path::Path,
    sync::{
        Arc, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc::Receiver,
    },
    time::Duration,
};

pub use self::core::Clock;

use commonware_runtime::{
    Runner as _,
    tokio::{Config as RuntimeConfig, Context, Runner},
};
use crypto::SigningKey;
use replica::{agreement::Input, founding::Past};
use tokio::sync::{mpsc, oneshot};

use crate::{
    failure::Failure,
    node::{
        config::NodeConfig,
        core::SharedStatus,
        door::Door,
        feed::Feed,
        founding::{Coin, Founder, Word},
        identity::{CoinSource, Identity, identify},
        inbox::Inbox,
        intake::{Entry, Intake},
        links::{Heard, LinkConfig, Links, Routes},
        metrics::Metrics,
        service::Service,
        start::Started,
        storage::{Places, Storage, TURNS_MAX},
        tickets::Tickets,
        workers::{Meeting, Workers},
    },
};

/// How long a validator that has left answers those who have not come so far.
const LINGER: Duration = Duration::from_secs(2);

/// Runs a node until it is told to stop.
pub fn run(config: &NodeConfig) -> Result<(), Failure> {
    let (identity, source) = identify(config)?;
    let runner = runner(&[config.listen, config.rpc, config.metrics], &config.data)?;
    runner.start(|context| serve(context, config.clone(), identity, source))
}

/// What a process of the network runs on, once it is seen that it can listen where it has to.
fn runner(addresses: &[SocketAddr], data: &Path) -> Result<Runner, Failure> {
    for address in addresses {
        std::net::TcpListener::bind(address)
            .map_err(|error| Failure::bad_input(format!("{address}: {error}")))?;
    }
    let runtime = RuntimeConfig::new()
        .with_storage_directory(data)
        .with_worker_threads(2)
        .with_tcp_nodelay(Some(true))
        .with_catch_panics(false);
    Ok(Runner::new(runtime))
}

async fn serve(
    context: Context,
    config: NodeConfig,
    identity: Identity,
    source: CoinSource,
) -> Result<(), Failure> {
    let feed = Arc::new(Feed::new());
    let (network, key, committee) =
        (identity.genesis.digest(), identity.key.clone(), identity.committee.clone());
    let (inbox, inputs) = Inbox::new(core::WORDS_MAX);
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
    let (founding, words) = Inbox::new(founding::WORDS_MAX);
    let open = Arc::new(AtomicBool::new(false));
    let (founders, agreement) = (committee.clone(), inbox.clone());
    let routes = Routes { founders, agreement, open: Arc::clone(&open), founding };
    // Operators look at a validator that waits for the others, too.
    let sources = (Arc::clone(&status), Arc::clone(&feed), Arc::clone(&heard));
    tokio::spawn(metrics::serve(config.metrics, Arc::clone(&metrics), sources));
    start::claim_data(&config.data, &identity.genesis)?;
    let past = founding::past(&config);
    let links = links::open(&context, &link_config, &routes, &heard)?;
    let coin = tokio::select! {
        coin = coin((&context, &config), (&key, past), source, (words, links.of_epoch(0))) => coin?,
        () = stop_signal() => return Ok(()),
    };
    let Started { succession, executor, logs, file } =
        start::from_disk((&context, &config), (identity, coin), past, &feed).await?;
    let (seats, is_active) = (succession.seats(), succession.is_active());
    open.store(true, Ordering::Relaxed);
    let thread = |error: std::io::Error| Failure::failed(format!("no thread: {error}"));
    let orders = executor.spawn(inbox.clone()).map_err(thread)?;
    let (outbox, turns) = mpsc::channel(TURNS_MAX);
    let clock = Clock { offset_ms: config.clock_offset_ms };
    core::spawn(succession, (inputs, outbox), clock, Arc::clone(&status)).map_err(thread)?;
    let intake = intake(&config, network, (&inbox, &tickets, &status));
    let service = Service { network, intake, feed: Arc::clone(&feed), orders: orders.clone(), status };
    if let Some(wanted) = config.load {
        let (tickets, metrics) = (Arc::clone(&tickets), Arc::clone(&metrics));
        tokio::spawn(load::run(wanted, key.public_key(), inbox.clone(), tickets, metrics));
    }
    tokio::spawn(serve_rpc(config.rpc, service));
    tracing::info!(key = %key.public_key(), listen = %config.listen, rpc = %config.rpc, %network, "node is up");
    let workers = meet_workers(&context, &config, key, inbox).await?;
    if is_active {
        workers.seat(&seats);
    }
    let places = Places { genesis: committee, addresses: config.peers.clone() };
    let (left, leaving) = oneshot::channel();
    let (left, data) = (Some(left), config.data.clone());
    let mut storage =
        Storage { logs, links, places, seats, data, feed, left, orders, tickets, metrics, file, workers };
    storage.link()?;
    tokio::select! {
        ended = storage.run(turns) => ended,
        () = leave(leaving) => Ok(()),
        () = stop_signal() => {
            tracing::info!("stopping");
            Ok(())
        }
    }
}

/// Resolves when this validator has left the committee, and others had time to ask it for what they lack.
async fn leave(left: oneshot::Receiver<u64>) {
    let Ok(epoch) = left.await else { return std::future::pending().await };
    tracing::warn!(epoch, "this validator has left the committee: it stops");
    tokio::time::sleep(LINGER).await;
}

/// The coin of the first epoch: at hand, made with the others, or none to know.
async fn coin(
    (context, config): (&Context, &NodeConfig),
    (key, past): (&SigningKey, Past),
    source: CoinSource,
    (words, links): (Receiver<Word>, Links),
) -> Result<Option<Coin>, Failure> {
    match source {
        CoinSource::Dealt(coin) => Ok(Some(*coin)),
        CoinSource::Made(founders) => {
            let founder = Founder { founders: *founders, key: key.clone(), past };
            founding::make(context, config, founder, (words, links)).await.map(Some)
        }
        CoinSource::Nobody => Ok(None),
    }
}

/// The workers that are processes of their own, as they come.
async fn meet_workers(
    context: &Context,
    config: &NodeConfig,
    key: SigningKey,
    inbox: Inbox<core::Word>,
) -> Result<Workers, Failure> {
    let workers = Workers::default();
    if let Some(address) = config.worker_listen {
        let place = Meeting { key, workers: config.workers, address };
        workers::listen(context, place, &workers, inbox).await?;
    }
    Ok(workers)
}

/// Where clients' transactions go: to the agreement, which hands them to a worker of this process.
fn intake(
    config: &NodeConfig,
    network: crypto::Digest,
    (inbox, tickets, status): (&Inbox<core::Word>, &Arc<Tickets>, &SharedStatus),
) -> Intake {
    let status = Arc::clone(status);
    let behind = move || {
        let status = status.lock().unwrap_or_else(PoisonError::into_inner);
        status.as_ref().map_or(0, replica::agreement::Status::rounds_behind)
    };
    let (inbox, is_elsewhere) = (inbox.clone(), config.worker_listen.is_some());
    let take = move |Entry { client, ticket, transaction }: Entry| {
        if is_elsewhere {
            return Err("this validator takes transactions at its workers");
        }
        let taken = inbox.put(Input::Submit { client, ticket, transaction });
        taken.then_some(()).ok_or(intake::BUSY)
    };
    Intake {
        door: Door::of(config.execution, network),
        tickets: Arc::clone(tickets),
        take: Arc::new(take),
        behind: Arc::new(behind),
    }
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

/// Starts this program again in its place: a restart is what a validator and its workers are made for.
fn start_again() -> ! {
    use std::os::unix::process::CommandExt;
    tracing::warn!("starting again");
    let again = std::env::current_exe()
        .map(|path| std::process::Command::new(path).args(std::env::args_os().skip(1)).exec());
    tracing::error!(?again, "cannot start again");
    std::process::exit(1);
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
