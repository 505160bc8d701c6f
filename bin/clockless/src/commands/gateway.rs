//! `clockless gateway --config FILE`: the Deribit-compatible server and the page.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use figment::{
    Figment,
    providers::{Env, Format as _, Toml},
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
    /// The rpc address of the node to follow; of several, with commas between them, the next when one is gone.
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
    /// Where history is kept: `sqlite:FILE`, `postgres://USER:PASSWORD@HOST/NAME`, or `none` for what memory holds.
    #[serde(default = "usual_history")]
    pub history: String,
}

fn usual_history() -> String {
    "sqlite:history.sqlite".to_owned()
}

/// What the environment may say instead of the file, with CLOCKLESS_ before it and in capitals: above all the
/// password in `history`.
const OVERRIDES: [&str; 3] = ["history", "listen", "node"];

impl GatewayFile {
    /// Reads a file, over it the environment; paths are relative to the file.
    fn read(path: &Path) -> Result<Self, Failure> {
        if !path.is_file() {
            return Err(Failure::bad_input(format!("{}: there is no such file", path.display())));
        }
        let figment =
            Figment::new().merge(Toml::file_exact(path)).merge(Env::prefixed("CLOCKLESS_").only(&OVERRIDES));
        figment.extract().map_err(|error| Failure::bad_input(format!("{}: {error}", path.display())))
    }

    fn nodes(&self) -> Vec<String> {
        self.node.split(',').map(|address| address.trim().to_owned()).collect()
    }

    /// The URL that the gateway is told; `None` to keep nothing.
    fn history_url(&self, folder: &Path) -> Option<String> {
        match self.history.strip_prefix("sqlite:") {
            Some(file) => Some(format!("sqlite:{}?mode=rwc", folder.join(file).display())),
            None => (self.history != "none").then(|| self.history.clone()),
        }
    }
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyFile {
    pub keys: Vec<ApiKeyFile>,
}

pub fn run(path: &Path) -> Result<(), Failure> {
    let file = GatewayFile::read(path)?;
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
        nodes: file.nodes(),
        network: genesis.digest(),
        committee: genesis.committee()?,
        validators: genesis.validators.iter().map(|it| it.name.clone()).collect(),
        exchange: genesis.exchange,
        keys: keys.keys,
        limits: file.limits,
        clock_offset_ms: file.clock_offset_ms,
        token_key,
        history: file.history_url(folder),
    };
    super::block_on(gateway::serve(config))?.map_err(|error| Failure::bad_input(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_history_file_lies_beside_the_configuration() {
        let text = "genesis = \"g\"\nnode = \"n\"\nlisten = \"127.0.0.1:1\"\nkeys = \"k\"\n";
        let url = |more: &str| {
            let file: GatewayFile = toml::from_str(&format!("{text}{more}")).expect("it is whole");
            file.history_url(Path::new("/etc/clockless"))
        };
        assert_eq!(url("").as_deref(), Some("sqlite:/etc/clockless/history.sqlite?mode=rwc"));
        assert_eq!(url("history = \"none\""), None);
        assert_eq!(url("history = \"postgres://u@h/d\"").as_deref(), Some("postgres://u@h/d"));
    }
}
