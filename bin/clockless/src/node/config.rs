//! A node's configuration: a file, over it CLOCKLESS_* of the environment, over that the command line.
//!
//! Invariant: an unknown key is an error that names it; paths are relative to the file's folder.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

use clap::Args;
use replica::agreement::WorkerPlaces;
use serde::{Deserialize, Serialize};

use crate::{failure::Failure, network::read_config};

/// Whether the node runs the exchange on the order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExecutionMode {
    Exchange,
    /// Orders and does nothing with it: to measure ordering alone.
    None,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NodeConfig {
    pub genesis: PathBuf,
    pub key: PathBuf,
    /// The share of a coin that a dealer dealt; without it the validators make their coin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coin_share: Option<PathBuf>,
    pub data: PathBuf,
    /// For the other validators.
    pub listen: SocketAddr,
    /// For gateways and tools.
    pub rpc: SocketAddr,
    /// For /metrics, /health and /ready.
    pub metrics: SocketAddr,
    /// Waits to be voted into the committee, for a key that is none of the genesis.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub joins: bool,
    /// Where each validator of the genesis listens, in its order; the own entry is not used.
    pub peers: Vec<SocketAddr>,
    /// Whether records reach the disk before what depends on them leaves. Off only for measurements.
    #[serde(default = "yes")]
    pub fsync: bool,
    #[serde(default = "exchange")]
    pub execution: ExecutionMode,
    /// Added to the clock that block timestamps show: to trade a chain of another day.
    #[serde(default)]
    pub clock_offset_ms: i64,
    /// Workers of this validator, each a stream of batches of its own: 1 to 16.
    #[serde(default = "two")]
    pub workers: u8,
    /// When the workers are processes of their own: where they find this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worker_listen: Option<SocketAddr>,
    #[serde(default)]
    pub pacing: PacingConfig,
    /// Makes transactions inside the node: to measure ordering without clients.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub load: Option<LoadConfig>,
}

/// What load a node makes for itself.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoadConfig {
    pub transactions_per_s: u64,
    /// Size of each, 16 to 16,384.
    pub transaction_bytes: usize,
}

/// See `replica::agreement::Pacing`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PacingConfig {
    pub batch_delay_ms: Option<u64>,
    pub round_delay_ms_min: Option<u64>,
    pub grace_ms: Option<u64>,
    pub heartbeat_ms: Option<u64>,
    pub retry_ms: Option<u64>,
    /// Rounds kept for peers that are behind; who is further behind begins at a snapshot.
    pub retain_rounds: Option<u64>,
    /// Batches at hand beyond which fewer rounds are kept, in MiB.
    pub retain_mib: Option<usize>,
}

/// What the command line says instead of the environment and of the file.
#[derive(Args, Clone, Debug, Default, Serialize)]
pub struct NodeSettings {
    /// Where the other validators reach it.
    #[arg(long)]
    #[serde(skip_serializing_if = "Option::is_none")]
    listen: Option<SocketAddr>,
    /// Where gateways and tools reach it.
    #[arg(long)]
    #[serde(skip_serializing_if = "Option::is_none")]
    rpc: Option<SocketAddr>,
    /// For /metrics, /health and /ready.
    #[arg(long)]
    #[serde(skip_serializing_if = "Option::is_none")]
    metrics: Option<SocketAddr>,
    /// The folder of its log and snapshots, from the configuration's folder.
    #[arg(long)]
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<PathBuf>,
}

/// What the environment can override: CLOCKLESS_LISTEN and the like.
const OVERRIDES: [&str; 5] = ["listen", "rpc", "metrics", "data", "fsync"];

const fn yes() -> bool {
    true
}

const fn two() -> u8 {
    2
}

const fn exchange() -> ExecutionMode {
    ExecutionMode::Exchange
}

impl NodeConfig {
    pub fn read(path: &Path) -> Result<Self, Failure> {
        Self::read_under(path, &NodeSettings::default())
    }

    /// The same under what the command line says.
    pub fn read_under(path: &Path, settings: &NodeSettings) -> Result<Self, Failure> {
        let mut config: Self = read_config(path, &OVERRIDES, settings)?;
        let folder = path.parent().unwrap_or(Path::new("."));
        let files = [&mut config.genesis, &mut config.key, &mut config.data];
        for file in files.into_iter().chain(&mut config.coin_share) {
            *file = folder.join(&*file);
        }
        Ok(config)
    }

    pub fn pacing(&self) -> replica::agreement::Pacing {
        let usual = replica::agreement::Pacing::default();
        let given = &self.pacing;
        replica::agreement::Pacing {
            workers: self.workers,
            worker_places: match self.worker_listen {
                None => WorkerPlaces::Here,
                Some(_) => WorkerPlaces::Away,
            },
            batch_delay_ms: given.batch_delay_ms.unwrap_or(usual.batch_delay_ms),
            round_delay_ms_min: given.round_delay_ms_min.unwrap_or(usual.round_delay_ms_min),
            grace_ms: given.grace_ms.unwrap_or(usual.grace_ms),
            heartbeat_ms: given.heartbeat_ms.unwrap_or(usual.heartbeat_ms),
            retry_ms: given.retry_ms.unwrap_or(usual.retry_ms),
            retain_rounds: given.retain_rounds.unwrap_or(usual.retain_rounds),
            retain_bytes: given.retain_mib.map_or(usual.retain_bytes, |mib| mib.saturating_mul(1024 * 1024)),
            ..usual
        }
    }
}
