//! A node as its disk left it: the last snapshot, then the log.
//!
//! Invariant: nothing is taken from a data folder of another network, and nothing is skipped that cannot be read.

use std::{fs, path::Path, sync::Arc};

use commonware_runtime::{Supervisor as _, tokio::Context};
use crypto::ThresholdCoin;
use replica::{
    agreement::{Agreement, Config, Output},
    execution::Execution,
    founding::Past,
};
use wire::{BlockRef, List, Record};

use crate::{
    failure::Failure,
    network::NetworkGenesis,
    node::{
        Identity,
        config::{ExecutionMode, NodeConfig},
        execution::{Executor, Surroundings},
        feed::Feed,
        journal::Journal,
        snapshots::{SnapshotFile, Stored},
    },
};

/// The cores of a node, and what they are kept in.
pub struct Started {
    pub agreement: Agreement,
    pub executor: Executor,
    pub journal: Journal,
    pub file: SnapshotFile,
}

/// Brings the cores to where the node was.
pub async fn from_disk(
    (context, config): (&Context, &NodeConfig),
    (identity, coin): (Identity, ThresholdCoin),
    past: Past,
    feed: &Arc<Feed>,
) -> Result<Started, Failure> {
    let file = SnapshotFile::new(&config.data);
    let (author, genesis) = (identity.author, identity.genesis.clone());
    let (mut agreement, mut executor) = cores(config, (identity, coin), feed, &file)?;
    claim_data(&config.data, &genesis)?;
    resume(&file, &mut agreement, &mut executor)?;
    let (snapshot, mut records) = (*feed.height().borrow(), 0_u64);
    let restore = |section, record| {
        records += 1;
        restore(&mut agreement, &mut executor, (section, record));
    };
    let opened = Journal::open((context.child("storage"), "journal"), config.fsync, restore).await;
    let mut journal =
        opened.map_err(|error| Failure::bad_input(format!("{}: {error}", config.data.display())))?;
    if past == Past::None {
        // Nothing was ever said: nobody has to be asked, and nobody after a restart.
        let (batches, sequences) = (List::default(), List::default());
        let record = Record::Own { latest: BlockRef::genesis(author), batches, sequences };
        agreement.restore(0, record.clone(), &mut Vec::new());
        journal.append(&[(0, record)]).await.map_err(Failure::failed)?;
        journal.synchronise().await.map_err(Failure::failed)?;
    }
    tracing::info!(snapshot, records, commits = *feed.height().borrow(), "log replayed");
    Ok(Started { agreement, executor, journal, file })
}

fn cores(
    config: &NodeConfig,
    (identity, coin): (Identity, ThresholdCoin),
    feed: &Arc<Feed>,
    file: &SnapshotFile,
) -> Result<(Agreement, Executor), Failure> {
    let Identity { genesis, committee, author, key } = identity;
    let execution = match config.execution {
        ExecutionMode::None => None,
        ExecutionMode::Exchange => {
            let execution = Execution::new(&genesis.exchange, genesis.digest())
                .map_err(|error| Failure::bad_input(format!("genesis: exchange: {error}")))?;
            Some(execution.with_committee(committee.clone(), genesis.attest_every))
        }
    };
    let (parameters, pacing) = (genesis.parameters(), config.pacing());
    let settings = Config { committee, author, parameters, pacing };
    let agreement = Agreement::new(settings, key.clone(), Box::new(coin))
        .map_err(|error| Failure::bad_input(format!("genesis: {error}")))?;
    let (feed, file) = (Arc::clone(feed), file.clone());
    let surroundings = Surroundings { genesis: genesis.exchange, feed, key, file };
    Ok((agreement, Executor::new(execution, surroundings)))
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

/// Takes both halves to the last snapshot, if there is one.
fn resume(file: &SnapshotFile, agreement: &mut Agreement, executor: &mut Executor) -> Result<(), Failure> {
    let Some(Stored { snapshot, reference, encoded }) = file.read().map_err(Failure::bad_input)? else {
        return Ok(());
    };
    executor.adopt(&snapshot).map_err(|error| {
        Failure::bad_input(format!("the snapshot of commit {}: {error}", reference.index))
    })?;
    agreement.resume(&snapshot, (reference, encoded));
    Ok(())
}

fn restore(agreement: &mut Agreement, executor: &mut Executor, (section, record): (u64, Record)) {
    let mut out = Vec::new();
    agreement.restore(section, record, &mut out);
    for output in out {
        if let Output::Commit(payload) = output {
            executor.apply(&payload);
        }
    }
}
