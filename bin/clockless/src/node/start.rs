//! A node as its disk left it: the last snapshot, then the log.
//!
//! Invariant: nothing is taken from a data folder of another network, and nothing is skipped that cannot be read.

use std::{fs, path::Path, sync::Arc};

use commonware_runtime::tokio::Context;
use crypto::OpeningKey;
use replica::{
    agreement::Output,
    execution::Execution,
    founding::Past,
    succession::{Effect, Settings, Succession},
};
use wire::{BlockRef, List, Record};

use crate::{
    failure::Failure,
    network::NetworkGenesis,
    node::{
        config::{ExecutionMode, NodeConfig},
        execution::{Executor, Surroundings},
        feed::Feed,
        founding::{self, Coin},
        identity::Identity,
        logs::Logs,
        shares,
        snapshots::{SnapshotFile, Stored},
    },
};

/// The cores of a node, and what they are kept in.
pub struct Started {
    pub succession: Succession,
    pub executor: Executor,
    pub logs: Logs,
    pub file: SnapshotFile,
}

/// Brings the cores to where the node was.
pub async fn from_disk(
    (context, config): (&Context, &NodeConfig),
    (identity, coin): (Identity, Option<Coin>),
    past: Past,
    feed: &Arc<Feed>,
) -> Result<Started, Failure> {
    let file = SnapshotFile::new(&config.data);
    let first = identity.committee.epoch();
    let author = identity.committee.author_of(&identity.key.public_key());
    let mut executor = executor(config, &identity, (feed, &file))?;
    let mut succession = succession(config, identity, coin, (&file, &mut executor))?;
    let mut logs = Logs::new(context, config.data.clone(), config.fsync, ("journal", first));
    logs.clear_before(succession.era().epoch()).map_err(|error| Failure::file(&config.data, &error))?;
    let (snapshot, mut records) = (*feed.height().borrow(), 0_u64);
    loop {
        let epoch = succession.era().epoch();
        let restore = |section, record| {
            records += 1;
            let mut effects = Vec::new();
            succession.restore(section, record, &mut effects);
            replay(&mut executor, effects);
        };
        let opened = logs.open(epoch, restore).await;
        opened.map_err(|error| Failure::bad_input(format!("{}: {error}", config.data.display())))?;
        let mut effects = Vec::new();
        let turned = succession.turn(&mut effects).map_err(|error| Failure::failed(error.to_string()))?;
        replay(&mut executor, effects);
        if !turned {
            break;
        }
    }
    if let (Past::None, Some(author)) = (past, author) {
        // Nothing was ever said: nobody has to be asked, and nobody after a restart.
        let (batches, sequences) = (List::default(), List::default());
        let record = Record::Own { latest: BlockRef::genesis(author), batches, sequences };
        succession.restore(0, record.clone(), &mut Vec::new());
        logs.append(first, &[(0, record)]).await.map_err(Failure::failed)?;
        logs.synchronise().await.map_err(Failure::failed)?;
    }
    feed.set_changes(&succession.seats().changes);
    let epoch = succession.era().epoch();
    tracing::info!(snapshot, records, epoch, commits = *feed.height().borrow(), "log replayed");
    Ok(Started { succession, executor, logs, file })
}

fn executor(
    config: &NodeConfig,
    identity: &Identity,
    (feed, file): (&Arc<Feed>, &SnapshotFile),
) -> Result<Executor, Failure> {
    let Identity { genesis, committee, key, .. } = identity;
    let execution = match config.execution {
        ExecutionMode::None => None,
        ExecutionMode::Exchange => {
            let execution = Execution::new(&genesis.exchange, genesis.digest())
                .map_err(|error| Failure::bad_input(format!("genesis: exchange: {error}")))?;
            Some(execution.with_committee(committee.clone(), genesis.attest_every))
        }
    };
    let (feed, file) = (Arc::clone(feed), file.clone());
    let surroundings = Surroundings { genesis: genesis.exchange.clone(), feed, key: key.clone(), file };
    Ok(Executor::new(execution, surroundings))
}

/// The agreement at the last snapshot, to which the execution is taken too, or at the beginning.
fn succession(
    config: &NodeConfig,
    identity: Identity,
    coin: Option<Coin>,
    (file, executor): (&SnapshotFile, &mut Executor),
) -> Result<Succession, Failure> {
    let Identity { genesis, committee, key } = identity;
    let mut shares = shares::read(&config.data)?;
    let (coin_key, share) = coin.unzip();
    shares.extend(share.map(|share| (committee.epoch(), share)));
    let settings = Settings {
        network: genesis.digest(),
        genesis: committee,
        parameters: genesis.parameters(),
        pacing: config.pacing(),
        opening: OpeningKey::from_secret(&key.to_bytes()),
        key,
        seed: founding::seed(config)?,
        shares,
    };
    let Some(Stored { snapshot, reference, encoded }) = file.read().map_err(Failure::bad_input)? else {
        let begun = Succession::new(settings, coin_key);
        return begun.map_err(|error| Failure::bad_input(format!("genesis: {error}")));
    };
    let wrong = |error: &dyn core::fmt::Display| {
        Failure::bad_input(format!("the snapshot of commit {}: {error}", reference.index))
    };
    let resumed = Succession::resume(settings, &snapshot, (reference, encoded));
    let succession = resumed.map_err(|error| wrong(&error))?;
    executor.seat(succession.era().committee.clone());
    executor.adopt(&snapshot).map_err(|error| wrong(&error))?;
    Ok(succession)
}

/// Refuses a data folder that was written for another network.
pub fn claim_data(data: &Path, genesis: &NetworkGenesis) -> Result<(), Failure> {
    fs::create_dir_all(data).map_err(|error| Failure::file(data, &error))?;
    let mark = data.join("network");
    let digest = genesis.digest().to_string();
    match fs::read_to_string(&mark) {
        Ok(have) if have.trim() == digest => Ok(()),
        Ok(have) => Err(Failure::bad_input(format!(
            "{}: written for network {}, the genesis is of {digest}",
            data.display(),
            have.trim()
        ))),
        // Whole or not at all: a half written mark would shut the node out of its own folder.
        Err(_) => {
            let new = data.join("network.new");
            let written = fs::write(&new, &digest).and_then(|()| fs::rename(&new, &mark));
            written.map_err(|error| Failure::file(&mark, &error))
        }
    }
}

/// Takes the execution along.
fn replay(executor: &mut Executor, effects: Vec<Effect>) {
    for effect in effects {
        match effect {
            Effect::Agreement { output: Output::Commit(payload), .. } => executor.replay(&payload),
            // What is attested to is said again when there is a new commit.
            Effect::Began { seats, .. } => drop(executor.begin_epoch(seats.committee)),
            _ => {}
        }
    }
}
