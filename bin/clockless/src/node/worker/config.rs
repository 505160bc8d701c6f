//! The configuration of a worker that is a process of its own.
//!
//! Invariant: an unknown key is an error that names it; paths are relative to the file's folder.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use num::Duration;
use replica::agreement::{Pacing, UNREFERENCED_BYTES_MAX};
use serde::{Deserialize, Serialize};
use wire::{Author, Committee};
use worker::Settings;

use crate::{failure::Failure, network::read_config, node::config::ExecutionMode};

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WorkerConfig {
    pub genesis: PathBuf,
    /// The validator's: its worker signs the links in its name.
    pub key: PathBuf,
    /// Which of the validator's workers this is, from 0.
    pub number: u8,
    pub data: PathBuf,
    /// For the workers of this number of the other validators.
    pub listen: SocketAddr,
    /// For clients.
    pub rpc: SocketAddr,
    /// Where the validator's node meets its workers: its `worker_listen`.
    pub primary: SocketAddr,
    /// Where the worker of this number of each validator listens, in the order of the genesis; the own entry is not
    /// used.
    pub peers: Vec<SocketAddr>,
    #[serde(default = "yes")]
    pub fsync: bool,
    /// As the node's: what clients' transactions are looked at for.
    pub execution: ExecutionMode,
    /// How long a transaction waits for company.
    #[serde(default = "batch_delay_ms")]
    pub batch_delay_ms: u64,
    #[serde(default = "retry_ms")]
    pub retry_ms: u64,
}

/// A worker is told nothing by its environment and its command line.
const NO_FLAGS: BTreeMap<&str, &str> = BTreeMap::new();

const fn yes() -> bool {
    true
}

/// Shorter than in the node's process: here no block in the making fetches what waits.
pub const fn batch_delay_ms() -> u64 {
    5
}

pub fn retry_ms() -> u64 {
    Pacing::default().retry_ms
}

impl WorkerConfig {
    pub fn read(path: &Path) -> Result<Self, Failure> {
        let mut config: Self = read_config(path, &[], &NO_FLAGS)?;
        let folder = path.parent().unwrap_or(Path::new("."));
        for file in [&mut config.genesis, &mut config.key, &mut config.data] {
            *file = folder.join(&*file);
        }
        Ok(config)
    }

    /// But for the epoch and the place in its committee, which are those of the first.
    pub fn settings(&self, committee: &Committee) -> Settings {
        let usual = Pacing::default();
        Settings {
            epoch: committee.epoch(),
            author: Author(0),
            committee_size: committee.size(),
            number: self.number,
            batch_bytes: usual.batch_bytes,
            batch_delay: Duration::from_millis(self.batch_delay_ms),
            retry: Duration::from_millis(self.retry_ms),
            open_bytes_max: usual.open_bytes_max,
            unreferenced_bytes_max: UNREFERENCED_BYTES_MAX,
        }
    }
}
