//! `clockless gateway --config FILE`: the Deribit-compatible server and the page.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use clap::Args;
use gateway::auth::ApiKeyFile;
use rand::Rng as _;
use serde::{Deserialize, Serialize};

use crate::{
    commands::keys::{PasswordArguments, unlock},
    failure::Failure,
    network::{NetworkGenesis, read_config},
};

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

/// What the command line says instead of the environment and of the file.
#[derive(Args, Clone, Debug, Default, Serialize)]
pub struct GatewaySettings {
    /// The rpc address of the node to follow.
    #[arg(long)]
    #[serde(skip_serializing_if = "Option::is_none")]
    node: Option<String>,
    #[arg(long)]
    #[serde(skip_serializing_if = "Option::is_none")]
    listen: Option<SocketAddr>,
    /// sqlite:FILE, postgres://USER@HOST/NAME, or none; a password belongs into CLOCKLESS_HISTORY.
    #[arg(long)]
    #[serde(skip_serializing_if = "Option::is_none")]
    history: Option<String>,
    #[command(flatten)]
    #[serde(skip)]
    password: PasswordArguments,
}

/// What the environment may say instead of the file, with CLOCKLESS_ before it and in capitals: above all the
/// password in `history`.
const OVERRIDES: [&str; 3] = ["history", "listen", "node"];

impl GatewayFile {
    /// Reads a file, over it the environment, over that the command line; paths are relative to the file.
    fn read(path: &Path, settings: &GatewaySettings) -> Result<Self, Failure> {
        read_config(path, &OVERRIDES, settings)
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

/// The keys with the secrets of those that name a file of `clockless keys` instead of 64 digits.
fn unlocked(
    (folder, keys): (&Path, Vec<ApiKeyFile>),
    password: &PasswordArguments,
) -> Result<Vec<ApiKeyFile>, Failure> {
    let is_plain = |text: &str| text.len() == 64 && hex::decode(text).is_ok();
    let unlocked = |key: ApiKeyFile| {
        if is_plain(&key.session_key) {
            return Ok(key);
        }
        let secret = unlock(&folder.join(&key.session_key), password)?;
        Ok(ApiKeyFile { session_key: hex::encode(secret.to_bytes()), ..key })
    };
    keys.into_iter().map(unlocked).collect()
}

pub fn run(path: &Path, settings: &GatewaySettings) -> Result<(), Failure> {
    let file = GatewayFile::read(path, settings)?;
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
        keys: unlocked((keys_path.parent().unwrap_or(folder), keys.keys), &settings.password)?,
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

    #[test]
    fn a_flag_goes_before_the_file_and_what_is_not_said_stays() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("gateway.toml");
        let text = "genesis = \"g\"\nnode = \"n\"\nlisten = \"127.0.0.1:1\"\nkeys = \"k\"\n";
        fs::write(&path, text).expect("it is written");
        let said = GatewaySettings { node: Some("other".to_owned()), ..GatewaySettings::default() };
        let file = GatewayFile::read(&path, &said).expect("it is whole");
        assert_eq!((file.node.as_str(), file.listen.port()), ("other", 1));
    }

    #[test]
    fn a_session_key_is_64_digits_or_the_name_of_a_file_under_a_password() {
        let folder = tempfile::tempdir().expect("a folder");
        let secret = crypto::SigningKey::from_bytes([9; 32]);
        let sealed =
            crate::keystore::Keystore::seal(&secret, "word", &mut rand::rng()).expect("it is sealed");
        let write =
            |name: &str, text: &str| fs::write(folder.path().join(name), text).expect("it is written");
        write("desk.key", &serde_json::to_string(&sealed).expect("JSON"));
        write("password", "word\n");
        write("other", "ward\n");
        let key = |session_key: &str| ApiKeyFile {
            client_id: "desk".to_owned(),
            client_secret: "s".to_owned(),
            owner: "11".repeat(32),
            subaccount: 0,
            session_key: session_key.to_owned(),
            scope: String::new(),
        };
        let read = |session_key: &str, password: &str| {
            let password = PasswordArguments::of_file(folder.path().join(password));
            unlocked((folder.path(), vec![key(session_key)]), &password)
                .map(|keys| keys[0].session_key.clone())
        };
        let plain = hex::encode([9; 32]);
        assert_eq!(read(&plain, "none").expect("nothing is locked"), plain);
        assert_eq!(read("desk.key", "password").expect("the password is right"), plain);
        assert!(read("desk.key", "other").unwrap_err().to_string().contains("the password is wrong"));
        assert!(read("nothing.key", "password").is_err());
    }
}
