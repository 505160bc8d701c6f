//! The log on disk: records in sections, in order, synchronised in groups.
//!
//! Invariant: records become durable in their order; `synchronise` returns when all that were appended are
//! (unless it is switched off). A torn end is cut off at the start; anything else that cannot be read stops the
//! node.

use std::{
    collections::BTreeSet,
    num::{NonZeroU16, NonZeroUsize},
};

use commonware_runtime::{ReadOptions, buffer::paged::CacheRef, tokio::Context};
use commonware_storage::journal::segmented::variable::{Config, Journal as Segments};
use wire::Record;

const WRITE_BUFFER: NonZeroUsize = NonZeroUsize::new(1024 * 1024).expect("invariant: above zero");
const PAGE_BYTES: NonZeroU16 = NonZeroU16::new(4_096).expect("invariant: above zero");
const PAGES: NonZeroUsize = NonZeroUsize::new(64).expect("invariant: above zero");

/// A validator's log.
pub struct Journal {
    segments: Option<Segments<Context, Record>>,
    /// Sections that were written to since they were synchronised.
    open: BTreeSet<u64>,
    fsync: bool,
}

impl Journal {
    /// Opens the log and hands every record over, in order.
    pub async fn open(
        (context, partition): (Context, &str),
        fsync: bool,
        mut take: impl FnMut(u64, Record),
    ) -> Result<Self, String> {
        use commonware_runtime::Supervisor as _;
        let page_cache = CacheRef::new(PAGE_BYTES, PAGES);
        let config = Config {
            partition: partition.to_owned(),
            compression: None,
            codec_config: (),
            page_cache,
            write_buffer: WRITE_BUFFER,
        };
        let segments =
            Segments::init(context.child("journal"), config).await.map_err(|error| error.to_string())?;
        let replay = segments.replay(0, 0, WRITE_BUFFER, ReadOptions::default()).await;
        let mut replay = replay.map_err(|error| error.to_string())?;
        while let Some(item) = replay.next().await {
            let (section, _, _, record) = item.map_err(|error| error.to_string())?;
            take(section, record);
        }
        let segments = replay.finish().map_err(|error| error.to_string())?;
        Ok(Self { segments: Some(segments), open: BTreeSet::new(), fsync })
    }

    /// Writes records behind the others. After a failure the log is gone and the node must restart.
    pub async fn append(&mut self, records: &[(u64, Record)]) -> Result<(), String> {
        let mut segments = self.segments.take().ok_or("the log failed before")?;
        for (section, record) in records {
            (segments, _, _) = segments.append(*section, record).await.map_err(|error| error.to_string())?;
            self.open.insert(*section);
        }
        self.segments = Some(segments);
        Ok(())
    }

    /// Makes everything that was appended durable.
    pub async fn synchronise(&mut self) -> Result<(), String> {
        if self.fsync {
            // Lower sections first: what is durable is a beginning of the log, whenever the power goes.
            while let Some(section) = self.open.pop_first() {
                let segments = self.segments.take().ok_or("the log failed before")?;
                self.segments = Some(segments.sync(section).await.map_err(|error| error.to_string())?);
            }
        }
        Ok(())
    }

    /// Removes the whole log.
    pub async fn destroy(self) -> Result<(), String> {
        match self.segments {
            Some(segments) => segments.destroy().await.map_err(|error| error.to_string()),
            None => Ok(()),
        }
    }

    /// Drops the sections before `keep`.
    pub async fn cut(&mut self, keep: u64) -> Result<(), String> {
        let segments = self.segments.take().ok_or("the log failed before")?;
        self.open = self.open.split_off(&keep);
        let (segments, _) = segments.prune(keep).await.map_err(|error| error.to_string())?;
        self.segments = Some(segments);
        Ok(())
    }
}
