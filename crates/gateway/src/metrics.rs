//! What the gateway counts, by Prometheus' conventions.
//!
//! Invariant: names carry their units; labels have few values.

use prometheus_client::{
    encoding::text::encode,
    metrics::{counter::Counter, gauge::Gauge, histogram::Histogram},
    registry::Registry,
};

/// The gateway's metrics.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    pub requests: Counter,
    pub errors: Counter,
    pub connections: Gauge,
    pub commit_index: Gauge,
    pub trades: Counter,
    /// From the submission of an intent to the commit that orders it.
    pub finality_seconds: Histogram,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("clockless_gateway");
        let buckets = [0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.2, 0.5, 1.0, 2.5, 5.0, 10.0];
        let metrics = (
            Counter::default(),
            Counter::default(),
            Gauge::default(),
            Gauge::default(),
            Counter::default(),
            Histogram::new(buckets),
        );
        let (requests, errors, connections, commit_index, trades, finality_seconds) = metrics;
        registry.register("requests", "JSON-RPC calls received", requests.clone());
        registry.register("errors", "JSON-RPC calls answered with an error", errors.clone());
        registry.register("connections", "Open WebSocket connections", connections.clone());
        registry.register("commit_index", "The last commit applied", commit_index.clone());
        registry.register("trades", "Trades seen", trades.clone());
        registry.register("finality_seconds", "Submission to order", finality_seconds.clone());
        Self { registry, requests, errors, connections, commit_index, trades, finality_seconds }
    }
}

impl Metrics {
    /// The OpenMetrics text.
    pub fn encode(&self) -> String {
        let mut text = String::new();
        match encode(&mut text, &self.registry) {
            Ok(()) => text,
            Err(error) => format!("# {error}\n"),
        }
    }
}
