//! The logs on disk: one for each epoch that is not over, or whose end a restart may still have to find.
//!
//! Invariant: records of an earlier epoch become durable before those of a later one. A log goes when the one after it
//! is cut, because there is a durable snapshot in that epoch then.

use std::{collections::BTreeMap, fs, path::PathBuf};

use commonware_runtime::{Supervisor as _, tokio::Context};
use wire::Record;

use crate::node::journal::Journal;

pub struct Logs {
    context: Context,
    data: PathBuf,
    fsync: bool,
    /// What the log of the first epoch is called; those of later ones have a number behind it.
    name: &'static str,
    first: u64,
    journals: BTreeMap<u64, Journal>,
}

/// Records by epoch and section.
pub type Records = BTreeMap<u64, Vec<(u64, Record)>>;

impl Logs {
    pub fn new(context: &Context, data: PathBuf, fsync: bool, (name, first): (&'static str, u64)) -> Self {
        Self { context: context.child("storage"), data, fsync, name, first, journals: BTreeMap::new() }
    }

    fn partition(&self, epoch: u64) -> String {
        if epoch == self.first { self.name.to_owned() } else { format!("{}-{epoch}", self.name) }
    }

    /// Whether an earlier life has left a log of an epoch, which is not open.
    pub fn is_left(&self, epoch: u64) -> bool {
        !self.journals.contains_key(&epoch) && self.data.join(self.partition(epoch)).exists()
    }

    /// Opens the log of an epoch and hands every record over, in order.
    pub async fn open(&mut self, epoch: u64, take: impl FnMut(u64, Record)) -> Result<(), String> {
        let context = self.context.child("epoch").with_attribute("number", epoch);
        let journal = Journal::open((context, &self.partition(epoch)), self.fsync, take).await?;
        self.journals.insert(epoch, journal);
        Ok(())
    }

    /// Writes records behind the others of their epochs. After a failure the node must restart.
    pub async fn append(&mut self, epoch: u64, records: &[(u64, Record)]) -> Result<(), String> {
        if !self.journals.contains_key(&epoch) {
            self.synchronise().await?;
            self.open(epoch, |_, _| {}).await?;
        }
        match self.journals.get_mut(&epoch) {
            Some(journal) => journal.append(records).await,
            None => Ok(()),
        }
    }

    /// Writes the records of several epochs.
    pub async fn append_all(&mut self, records: &Records) -> Result<(), String> {
        for (epoch, records) in records {
            self.append(*epoch, records).await?;
        }
        Ok(())
    }

    /// Makes everything that was appended durable.
    pub async fn synchronise(&mut self) -> Result<(), String> {
        for journal in self.journals.values_mut() {
            journal.synchronise().await?;
        }
        Ok(())
    }

    /// Drops the sections of an epoch's log before `keep`, and the logs of earlier epochs.
    pub async fn cut(&mut self, epoch: u64, keep: u64) -> Result<(), String> {
        if let Some(journal) = self.journals.get_mut(&epoch) {
            journal.cut(keep).await?;
        }
        let later = self.journals.split_off(&epoch);
        for (_, journal) in core::mem::replace(&mut self.journals, later) {
            journal.destroy().await?;
        }
        Ok(())
    }

    /// Clears away the logs of epochs before, which were not opened.
    pub fn clear_before(&self, epoch: u64) -> std::io::Result<()> {
        for epoch in self.first..epoch {
            let folder = self.data.join(self.partition(epoch));
            if folder.exists() {
                fs::remove_dir_all(folder)?;
            }
        }
        Ok(())
    }
}
