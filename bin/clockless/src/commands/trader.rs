//! Who trades, for which account, through which node.
//!
//! Invariant: an intent is signed for the network that the node names, and with `--genesis` only if that is the
//! network of the genesis. Whatever a node says stays a claim until a proof says the same.

use std::{
    path::PathBuf,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use clap::Args;
use client::{NodeClient, NodeError, Wallet, protocol::InstrumentRecord};
use crypto::{Digest, PublicKey, SigningKey};
use wire::{AccountId, Action, Atomicity};

use crate::{
    commands::{
        block_on,
        keys::{PasswordArguments, unlock},
        outcome::{Became, Units, follow},
    },
    failure::Failure,
    network::{NetworkGenesis, parse_key},
};

/// How long anything may take that a node was asked for.
const PATIENCE: Duration = Duration::from_secs(30);

/// Which node, and how far it is trusted.
#[derive(Args, Debug)]
pub struct NodeArguments {
    /// The rpc address of a node, such as 127.0.0.1:7001.
    #[arg(long, env = "CLOCKLESS_NODE")]
    node: String,
    /// The network's genesis: then the node's word is checked against it.
    #[arg(long, env = "CLOCKLESS_GENESIS")]
    genesis: Option<PathBuf>,
}

/// Who signs, and for whom.
#[derive(Args, Debug)]
pub struct SignerArguments {
    /// The key to sign with: a file of `clockless keys`, or 64 hexadecimal digits in a file.
    #[arg(long)]
    key: PathBuf,
    #[command(flatten)]
    password: PasswordArguments,
    /// The account's owner, 64 hexadecimal digits, when the key is a session key of theirs.
    #[arg(long)]
    owner: Option<String>,
    #[arg(long, default_value_t = 0)]
    subaccount: u16,
}

/// Through which node, and who signs.
#[derive(Args, Debug)]
pub struct Through {
    #[command(flatten)]
    pub node: NodeArguments,
    #[command(flatten)]
    pub signer: SignerArguments,
}

/// Somebody who may sign for an account.
#[derive(Debug)]
pub struct Signer {
    pub key: SigningKey,
    pub account: AccountId,
}

/// A node that answers.
#[derive(Debug)]
pub struct Connection {
    pub node: NodeClient,
    /// Digest of the network's genesis, as the node says or as the genesis has it.
    pub network: Digest,
    pub genesis: Option<NetworkGenesis>,
    executed: u64,
}

impl SignerArguments {
    pub fn read(&self) -> Result<Signer, Failure> {
        let key = unlock(&self.key, &self.password)?;
        let owner = match &self.owner {
            None => key.public_key(),
            Some(text) => parse_owner(text)?,
        };
        Ok(Signer { key, account: AccountId { owner, subaccount: self.subaccount } })
    }
}

pub fn parse_owner(text: &str) -> Result<PublicKey, Failure> {
    parse_key(text)
        .ok_or_else(|| Failure::bad_input(format!("--owner {text:?}: 64 hexadecimal digits are expected")))
}

/// A node that cannot be asked is bad input; one that refuses has failed.
pub fn node_failure(error: NodeError) -> Failure {
    match error {
        NodeError::Address { .. } | NodeError::Unreachable { .. } => Failure::bad_input(error.to_string()),
        NodeError::Refused { .. } | NodeError::Malformed { .. } => Failure::failed(error.to_string()),
    }
}

/// Gives a node up that does not answer.
pub async fn patiently<T>(
    what: &str,
    asked: impl Future<Output = Result<T, NodeError>>,
) -> Result<T, Failure> {
    match tokio::time::timeout(PATIENCE, asked).await {
        Ok(answer) => answer.map_err(node_failure),
        Err(_) => Err(Failure::failed(format!("{what}: no answer within {PATIENCE:?}"))),
    }
}

impl NodeArguments {
    /// The genesis that was named.
    pub fn genesis(&self) -> Result<Option<NetworkGenesis>, Failure> {
        self.genesis.as_deref().map(NetworkGenesis::read).transpose()
    }

    pub async fn connect(&self) -> Result<Connection, Failure> {
        let genesis = self.genesis()?;
        let address = self.node.strip_prefix("http://").unwrap_or(&self.node).trim_end_matches('/');
        let mut node = patiently(address, NodeClient::connect(address)).await?;
        let status = patiently(address, node.status()).await?;
        let malformed = |_| Failure::failed(format!("{address}: the node names no network"));
        let network = Digest(status.network.try_into().map_err(malformed)?);
        if let Some(need) = genesis.as_ref().map(NetworkGenesis::digest).filter(|need| *need != network) {
            return Err(Failure::failed(format!(
                "{address}: the node is of network {network}, the genesis of {need}"
            )));
        }
        Ok(Connection { node, network, genesis, executed: status.executed })
    }
}

impl Through {
    /// Signs, submits and tells what came of an action that needs no instruments.
    pub fn submit(&self, action: Action, as_json: bool) -> Result<(), Failure> {
        let signer = self.signer.read()?;
        block_on(async {
            let mut connection = self.node.connect().await?;
            let became = connection.submit(&signer, action).await?;
            became.tell(signer.account, &Units(&[]), as_json)
        })?
    }

    /// The same of an action that is said in the units of what the node has listed.
    pub fn submit_in_units(
        &self,
        action: impl FnOnce(&[InstrumentRecord]) -> Result<Action, Failure>,
        as_json: bool,
    ) -> Result<(), Failure> {
        let signer = self.signer.read()?;
        block_on(async {
            let mut connection = self.node.connect().await?;
            let instruments = connection.instruments().await?;
            let became = connection.submit(&signer, action(&instruments)?).await?;
            became.tell(signer.account, &Units(&instruments), as_json)
        })?
    }
}

impl Connection {
    pub async fn instruments(&mut self) -> Result<Vec<InstrumentRecord>, Failure> {
        patiently("instruments", self.node.instruments()).await
    }

    /// Signs an action, submits it, and waits for what comes of it.
    pub async fn submit(&mut self, signer: &Signer, action: Action) -> Result<Became, Failure> {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let nonce = u64::try_from(since.as_micros()).unwrap_or(u64::MAX - 1);
        let mut wallet = Wallet::new(self.network, signer.account, signer.key.clone(), nonce);
        let (intent, transaction) = wallet
            .sign(vec![action], Atomicity::Independent)
            .ok_or_else(|| Failure::failed("the intent is too large"))?;
        let began = Instant::now();
        let refusals = patiently("submit", self.node.submit(vec![transaction])).await?;
        if let Some(reason) = refusals.into_iter().find(|reason| !reason.is_empty()) {
            return Err(Failure::failed(format!("the node refused the intent: {reason}")));
        }
        let accepted = began.elapsed();
        let found = patiently("accepted, and it may still be ordered", async {
            follow(&mut self.node, self.executed + 1, intent).await
        });
        let (commit, judged, events) =
            found.await?.ok_or_else(|| Failure::failed("the node's events ended before the intent's"))?;
        Ok(Became { intent, commit, accepted, finality: began.elapsed(), judged, events })
    }
}
