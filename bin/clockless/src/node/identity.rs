//! Who a node is, and where its coin comes from.
//!
//! Invariant: everything is read and checked before anything is opened; an error says which file is wrong.

use std::{fs, path::Path};

use crypto::{PublicCoin, SigningKey, ThresholdCoin, ThresholdShare};
use replica::{
    agreement::{Pacing, WorkerPlaces},
    execution::Execution,
    founding::Founders,
};
use wire::{Author, Committee};

use crate::{
    failure::Failure,
    network::{NetworkGenesis, read_signing_key},
    node::{config::NodeConfig, founding::Coin},
};

/// Everything read and checked before anything is opened.
pub struct Identity {
    pub genesis: NetworkGenesis,
    /// Of the genesis.
    pub committee: Committee,
    pub key: SigningKey,
}

/// Where the coin comes from.
pub enum CoinSource {
    /// From a dealer, who knows it: for tests and benchmarks.
    Dealt(Box<Coin>),
    /// From the validators, in epoch 0.
    Made(Box<Founders>),
    /// From nobody: this validator is to join, and learns of it then.
    Nobody,
}

impl Identity {
    /// Reads the genesis and the validator's key; there must be an address for each validator.
    pub fn read(genesis: &Path, key: &Path, peers: usize) -> Result<Self, Failure> {
        let genesis = NetworkGenesis::read(genesis)?;
        let committee = genesis.committee()?;
        let key = read_signing_key(key)?;
        if peers != usize::from(committee.size()) {
            let need = committee.size();
            let reason = format!("peers: {peers} addresses, one for each of {need} validators is expected");
            return Err(Failure::bad_input(reason));
        }
        Ok(Self { genesis, committee, key })
    }

    /// Which validator of the genesis this is, if it is one.
    pub fn author(&self) -> Option<Author> {
        self.committee.author_of(&self.key.public_key())
    }

    pub fn is_no_validator(&self, key: &Path, genesis: &Path) -> Failure {
        Failure::bad_input(format!("{}: this key is no validator of {}", key.display(), genesis.display()))
    }
}

/// Reads what a node is started with.
pub fn identify(config: &NodeConfig) -> Result<(Identity, CoinSource), Failure> {
    let identity = Identity::read(&config.genesis, &config.key, config.peers.len())?;
    let author = identity.author();
    if author.is_none() && !config.joins {
        let failure = identity.is_no_validator(&config.key, &config.genesis);
        return Err(Failure::bad_input(format!("{failure}, and there is no `joins = true`")));
    }
    let Identity { genesis, committee, .. } = &identity;
    check(genesis, committee)?;
    let source = match author {
        Some(author) => coin_source(config, genesis, author)?,
        None => CoinSource::Nobody,
    };
    Ok((identity, source))
}

/// What is wrong with a genesis is said before the others are waited for.
fn check(genesis: &NetworkGenesis, committee: &Committee) -> Result<(), Failure> {
    let bad = |error: String| Failure::bad_input(format!("genesis: {error}"));
    let coin = PublicCoin::new(genesis.digest(), 1);
    ordering::Ordering::new(committee.clone(), genesis.parameters(), Box::new(coin))
        .map_err(|error| bad(error.to_string()))?;
    Execution::new(&genesis.exchange, genesis.digest()).map_err(|error| bad(format!("exchange: {error}")))?;
    Ok(())
}

fn coin_source(config: &NodeConfig, genesis: &NetworkGenesis, author: Author) -> Result<CoinSource, Failure> {
    let (coin_key, path) = match (genesis.coin_key()?, &config.coin_share) {
        (Some(coin_key), Some(path)) => (coin_key, path),
        (Some(_), None) => {
            return Err(Failure::bad_input("coin_share: the genesis has a coin_key, so there must be one"));
        }
        (None, _) => {
            let (committee, sealing) = genesis.founders()?;
            // Epoch 0 has no users, and needs no worker from elsewhere.
            let pacing = Pacing { worker_places: WorkerPlaces::Here, ..config.pacing() };
            let network = genesis.digest();
            let founders = Founders { network, committee, sealing, author, pacing };
            return Ok(CoinSource::Made(Box::new(founders)));
        }
    };
    let text = fs::read_to_string(path).map_err(|error| Failure::file(path, &error))?;
    let share = hex::decode(text.trim()).ok().and_then(ThresholdShare::decode);
    let share =
        share.ok_or_else(|| Failure::bad_input(format!("{}: this is no coin share", path.display())))?;
    let (have, need) = (share.member(), author.0);
    if have != u32::from(need) {
        let path = path.display();
        return Err(Failure::bad_input(format!("{path}: the share of validator {have}, this is {need}")));
    }
    if ThresholdCoin::new(coin_key.clone(), share.clone(), genesis.epoch).is_none() {
        let path = path.display();
        return Err(Failure::bad_input(format!("{path}: this share is not of the coin key of the genesis")));
    }
    Ok(CoinSource::Dealt(Box::new((coin_key, share))))
}
