//! What a node counts, and how to ask it whether it is well.
//!
//! Invariant: names carry their units, by Prometheus' conventions.

use std::{
    net::SocketAddr,
    sync::{Arc, PoisonError},
};

use axum::{Router, extract::State, http::StatusCode, routing::get};
use prometheus_client::{
    encoding::text::encode,
    metrics::{
        counter::Counter,
        gauge::Gauge,
        histogram::{Histogram, exponential_buckets},
    },
    registry::Registry,
};

use crate::node::{core::SharedStatus, feed::Feed, links::Heard};

/// The node's metrics.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    pub commits: Counter,
    pub transactions: Counter,
    pub faults: Counter,
    /// Validators proved to have signed two blocks for one round.
    pub equivocations: Counter,
    /// Snapshots of peers that this node went on from.
    pub snapshots_adopted: Counter,
    pub fsync_seconds: Histogram,
    /// Of the node's own load, from the moment a transaction was due.
    pub load_finality_seconds: Histogram,
    pub load_refused: Counter,
    round: Gauge,
    undecided_rounds: Gauge,
    rounds_behind: Gauge,
    peers: Gauge,
    peers_shut_out: Gauge,
    executed_commit: Gauge,
    certified_commit: Gauge,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut root = Registry::with_prefix("clockless");
        let equivocations = Counter::default();
        root.register(
            "equivocations",
            "Validators that signed two blocks for a round",
            equivocations.clone(),
        );
        let registry = root.sub_registry_with_prefix("node");
        let (commits, transactions, faults) = (Counter::default(), Counter::default(), Counter::default());
        let snapshots_adopted = Counter::default();
        let help = "Snapshots of peers that the node went on from";
        registry.register("snapshots_adopted", help, snapshots_adopted.clone());
        let fsync_seconds = Histogram::new([0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0]);
        registry.register("commits", "Commits ordered", commits.clone());
        registry.register("transactions", "Transactions ordered", transactions.clone());
        registry.register("faults", "Rules that peers broke", faults.clone());
        registry.register("fsync_seconds", "Time to make records durable", fsync_seconds.clone());
        // Steps of five percent from 1 ms to 10 s, so that a quantile read from it is that exact.
        let load_finality_seconds = Histogram::new(exponential_buckets(0.001, 1.05, 190));
        let help = "Time from when a transaction of the node's own load was due until it was final";
        registry.register("load_finality_seconds", help, load_finality_seconds.clone());
        let load_refused = Counter::default();
        registry.register("load_refused", "Transactions of the own load refused", load_refused.clone());
        let mut gauge = |name: &str, help: &str| {
            let gauge = Gauge::default();
            registry.register(name, help, gauge.clone());
            gauge
        };
        let round = gauge("round", "The round of the last own block");
        let undecided_rounds =
            gauge("undecided_rounds", "Rounds from the first undecided slot to the highest block");
        let rounds_behind =
            gauge("rounds_behind", "Rounds that an honest validator is known to be ahead of this one");
        let peers = gauge("peers_connected", "Validators heard of lately");
        let peers_shut_out =
            gauge("peers_shut_out", "Validators without a link for a while because they broke rules");
        let executed_commit = gauge("executed_commit", "The last commit executed");
        let certified_commit = gauge("certified_commit", "The last commit with a certified root");
        Self {
            registry: root,
            equivocations,
            commits,
            transactions,
            faults,
            snapshots_adopted,
            fsync_seconds,
            load_finality_seconds,
            load_refused,
            round,
            undecided_rounds,
            rounds_behind,
            peers,
            peers_shut_out,
            executed_commit,
            certified_commit,
        }
    }
}

type Sources = (SharedStatus, Arc<Feed>, Arc<Heard>);

#[derive(Clone)]
struct Shared {
    metrics: Arc<Metrics>,
    sources: Sources,
}

/// Serves /metrics, /health and /ready.
pub async fn serve(address: SocketAddr, metrics: Arc<Metrics>, sources: Sources) {
    let routes = Router::new()
        .route("/health", get(async || "ok\n"))
        .route("/ready", get(ready))
        .route("/metrics", get(show))
        .with_state(Shared { metrics, sources });
    let served = match tokio::net::TcpListener::bind(address).await {
        Ok(listener) => axum::serve(listener, routes).await,
        Err(error) => Err(error),
    };
    if let Err(error) = served {
        tracing::error!(%address, %error, "the metrics service ended");
    }
}

async fn ready(State(shared): State<Shared>) -> (StatusCode, &'static str) {
    if *shared.sources.1.height().borrow() > 0 {
        (StatusCode::OK, "ready\n")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "no commit yet\n")
    }
}

async fn show(State(shared): State<Shared>) -> String {
    let (status, feed, heard) = &shared.sources;
    let metrics = &shared.metrics;
    let signed = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
    if let Some(status) = &*status.lock().unwrap_or_else(PoisonError::into_inner) {
        metrics.round.set(signed(status.round.0));
        metrics.undecided_rounds.set(signed(status.undecided_depth));
        metrics.rounds_behind.set(signed(status.rounds_behind()));
    }
    metrics.peers.set(i64::try_from(heard.connected()).unwrap_or(0));
    metrics.peers_shut_out.set(i64::try_from(heard.shut_out()).unwrap_or(0));
    metrics.executed_commit.set(signed(*feed.height().borrow()));
    metrics.certified_commit.set(signed(feed.certified()));
    let mut text = String::new();
    match encode(&mut text, &metrics.registry) {
        Ok(()) => text,
        Err(error) => format!("# {error}\n"),
    }
}
