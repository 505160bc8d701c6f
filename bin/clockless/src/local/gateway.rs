//! A gateway process on this machine, with its keys and its configuration.
//!
//! Invariant: its files lie beside the genesis that they name; keys are readable by their owner alone.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

use crypto::{PublicKey, SigningKey};
use gateway::{Limits, auth::ApiKeyFile};

use crate::{
    commands::gateway::{GatewayFile, KeyFile},
    failure::Failure,
    network::{write_config, write_secret},
    node::Clock,
};

use super::Process;

/// How a gateway of this machine is started.
#[derive(Debug)]
pub struct LocalGateway<'a> {
    /// Where the genesis lies; the gateway's own files go there too.
    pub home: &'a Path,
    pub log: PathBuf,
    pub listen: SocketAddr,
    /// The nodes that it may turn to, the first of them first.
    pub nodes: &'a [SocketAddr],
    pub limits: Limits,
    pub clock: Clock,
}

impl LocalGateway<'_> {
    /// Writes its files and starts it; it listens some time later.
    pub fn start(self, keys: Vec<ApiKeyFile>) -> Result<Process, Failure> {
        let text = serde_json::to_string_pretty(&KeyFile { keys });
        let text = text.map_err(|error| Failure::failed(error.to_string()))?;
        write_secret(&self.home.join("api-keys.json"), &text)?;
        let file = GatewayFile {
            genesis: PathBuf::from("genesis.json"),
            node: self.nodes.iter().map(SocketAddr::to_string).collect::<Vec<_>>().join(", "),
            listen: self.listen,
            keys: PathBuf::from("api-keys.json"),
            clock_offset_ms: self.clock.offset_ms,
            limits: self.limits,
            history: "sqlite:history.sqlite".to_owned(),
        };
        let path = self.home.join("gateway.toml");
        write_config(&path, &file)?;
        Process::start(&["gateway", "--config", &path.display().to_string()], &self.log)
    }
}

/// An API key of an owner's main account with all rights of a session key.
pub fn api_key((client_id, secret): (&str, &str), owner: &PublicKey, session: &SigningKey) -> ApiKeyFile {
    ApiKeyFile {
        client_id: client_id.to_owned(),
        client_secret: secret.to_owned(),
        owner: owner.to_string(),
        subaccount: 0,
        session_key: hex::encode(session.to_bytes()),
        scope: String::new(),
    }
}
