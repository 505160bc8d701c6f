//! Commits, from the store and from a node, one after the other.
//!
//! Invariant: each commit is applied once and in its place; those who wait for an intent are answered before listeners
//! are told; a commit is stored before the next one is applied, or waits for the store in order.

use std::{
    ops::ControlFlow,
    sync::Arc,
    sync::PoisonError,
    time::{Duration, Instant},
};

use client::Committed;
use num::Timestamp;
use serde_json::{Value, json};

use crate::{Gateway, lock, rpc::now_us, store::batch};

/// The least time from one try to the next.
const RETRY: Duration = Duration::from_millis(300);

/// Goes through what was stored, then follows a node; turns to the next when it is gone, or to the same when it comes back.
pub(crate) async fn follow(gateway: Arc<Gateway>) {
    if let Some(store) = &gateway.store {
        let stored =
            |payload| gateway.take(&Committed { payload, root: Vec::new(), certificates: Vec::new() });
        if let Err(error) = store.replay(stored).await {
            tracing::error!(%error, "the history cannot be read: the node's commits are followed from here");
        }
    }
    loop {
        let began = Instant::now();
        let (turn, mut node) = gateway.nodes.current();
        gateway.nodes.note_heard();
        let from = gateway.view().commit_index() + 1;
        let commits = node.commits(from, |committed| {
            gateway.nodes.note_heard();
            gateway.take(&committed);
            ControlFlow::Continue(())
        });
        tokio::select! {
            ended = commits => match ended {
                Err(error) => tracing::warn!(%error, "following stopped: turning to the next node"),
                Ok(()) => tracing::warn!("the node hands out no more: turning to the next node"),
            },
            // One that takes no intents may hand out commits late, too.
            () = gateway.nodes.turned(turn) => tracing::warn!("the node takes no intents: turning to the next node"),
            () = gateway.nodes.silence() => tracing::warn!("the node is silent: turning to the next node"),
        }
        gateway.nodes.leave(turn);
        if gateway.nodes.has_another() {
            gateway.submit_again().await;
        }
        tokio::time::sleep(RETRY.saturating_sub(began.elapsed())).await;
    }
}

impl Gateway {
    pub(crate) fn take(&self, committed: &Committed) {
        let mut view = self.view.write().unwrap_or_else(PoisonError::into_inner);
        let (index, before_ms) = (committed.payload.commit.index, view.now_ms());
        if index != view.commit_index() + 1 {
            return;
        }
        let mut changes = view.follow(&committed.payload);
        let news = self.store.as_ref().filter(|store| store.last() < index);
        let news = news.map(|store| (store, batch(&view, &committed.payload, &changes, before_ms)));
        drop(view);
        if let Some((store, batch)) = news {
            store.writer().store(batch);
        }
        self.metrics.commit_index.set(i64::try_from(index).unwrap_or(i64::MAX));
        self.metrics.trades.inc_by(u64::try_from(changes.trades.len()).unwrap_or(0));
        let outcomes = core::mem::take(&mut changes.outcomes);
        let mut latencies = Vec::new();
        for (intent, outcome) in outcomes {
            if let Some(waiting) = lock(&self.waiting).remove(&intent) {
                tracing::debug!(commit = index, %intent, is_refused = outcome.is_err(), "ordered");
                latencies.push(waiting.since.elapsed());
                self.tell_final(intent, (waiting.intent.intent.account, index));
                drop(waiting.sender.send(outcome));
            }
        }
        let mut network = lock(&self.network);
        network.note(&committed.payload, &changes, &committed.certificates);
        network.note_age(self.age_ms(committed.payload.commit.time));
        for taken in latencies {
            self.metrics.finality_seconds.observe(taken.as_secs_f64());
            network.note_latency(taken);
        }
        drop(network);
        if let Some(certified) = committed.certificates.iter().map(|it| it.commit).max() {
            self.tell_certified(certified);
        }
        let view = self.view();
        lock(&self.feed).after_commit(self, &view, &changes);
    }

    /// How long ago a time of the data was, by this machine's clock.
    fn age_ms(&self, time: Timestamp) -> i64 {
        let signed = |millis: u64| i64::try_from(millis).unwrap_or(i64::MAX);
        signed(now_us() / 1_000).saturating_add(self.clock_offset_ms).saturating_sub(signed(time.millis()))
    }

    /// How final a commit is: `final` once it is ordered, `certified` once a quorum has signed a root at or
    /// after it.
    pub(crate) fn finality(&self, last: u64, commit: u64) -> Value {
        let network = lock(&self.network);
        let (certified, root) = network.certified();
        let state = match certified {
            Some(certified) if certified >= commit => "certified",
            _ if last >= commit => "final",
            _ => "unknown",
        };
        json!({ "commit": commit, "state": state, "final_commit": last, "certified_commit": certified, "root": root })
    }
}
