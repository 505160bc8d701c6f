//! `clockless gateway --config FILE`: the Deribit-compatible server and the page.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use gateway::auth::ApiKeyFile;
use rand::Rng as _;
use serde::{Deserialize, Serialize};

use crate::{failure::Failure, network::NetworkGenesis};

/// A gateway's configuration; paths are relative to its folder.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GatewayFile {
    pub genesis: PathBuf,
    /// The rpc address of the node to follow.
    pub node: String,
    pub listen: SocketAddr,
    /// API keys and the session keys behind them.
    pub keys: PathBuf,
    /// As in the validators' configuration: what their clocks are ahead of this machine's.
    #[serde(default)]
    pub clock_offset_ms: i64,
    /// How much callers may ask for, as calls a second and at once.
    #[serde(default)]
    pub limits: gateway::Limits,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyFile {
    pub keys: Vec<ApiKeyFile>,
}

pub fn run(path: &Path) -> Result<(), Failure> {
    let text = fs::read_to_string(path).map_err(|error| Failure::file(path, &error))?;
    let bad = |error: &dyn std::fmt::Display| Failure::bad_input(format!("{}: {error}", path.display()));
    let file: GatewayFile = toml::from_str(&text).map_err(|error| bad(&error))?;
    let folder = path.parent().unwrap_or(Path::new("."));
    let genesis = NetworkGenesis::read(&folder.join(&file.genesis))?;
    let keys_path = folder.join(&file.keys);
    let keys = fs::read_to_string(&keys_path).map_err(|error| Failure::file(&keys_path, &error))?;
    let keys: KeyFile = serde_json::from_str(&keys)
        .map_err(|error| Failure::bad_input(format!("{}: {error}", keys_path.display())))?;
    let mut token_key = [0; 32];
    rand::rng().fill_bytes(&mut token_key);
    let config = gateway::Config {
        listen: file.listen,
        node: file.node,
        network: genesis.digest(),
        committee: genesis.committee()?,
        validators: genesis.validators.iter().map(|it| it.name.clone()).collect(),
        exchange: genesis.exchange,
        keys: keys.keys,
        limits: file.limits,
        clock_offset_ms: file.clock_offset_ms,
        token_key,
    };
    super::block_on(gateway::serve(config))?.map_err(|error| Failure::bad_input(error.to_string()))
}
