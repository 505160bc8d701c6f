//! The network as the commits show it: who makes blocks, how fast, how the DAG grows.
//!
//! Invariant: everything comes from commits; nothing here asks a validator how it feels.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use wire::{BlockRef, Certificate, CommittedPayload, Committee};

use crate::follow::Changes;

/// Seconds over which rates are averaged.
const WINDOW: Duration = Duration::from_secs(5);
/// Latencies remembered.
const LATENCIES_MAX: usize = 2_000;
/// A commit older than this on arrival is one that this gateway catches up with.
const AGE_MS_MAX: i64 = 20_000;
/// A validator whose last block is so many rounds behind the highest counts as down.
const ROUNDS_BEHIND_MAX: u64 = 40;

#[derive(Clone, Copy, Debug)]
struct Sample {
    at: Instant,
    commits: u64,
    orders: u64,
    trades: u64,
}

/// Figures of the network.
#[derive(Debug)]
pub struct Network {
    names: Vec<String>,
    rounds: Vec<(u64, Instant)>,
    total: Sample,
    samples: VecDeque<Sample>,
    latencies_ms: VecDeque<f64>,
    ages_ms: VecDeque<f64>,
    certified: Option<u64>,
    root: Option<String>,
    intents: u64,
    new_blocks: Vec<Value>,
    new_commits: Vec<Value>,
}

impl Network {
    pub fn new(names: Vec<String>) -> Self {
        let now = Instant::now();
        let total = Sample { at: now, commits: 0, orders: 0, trades: 0 };
        Self {
            rounds: vec![(0, now); names.len()],
            names,
            total,
            samples: VecDeque::from([total]),
            latencies_ms: VecDeque::new(),
            ages_ms: VecDeque::new(),
            certified: None,
            root: None,
            intents: 0,
            new_blocks: Vec::new(),
            new_commits: Vec::new(),
        }
    }

    pub fn note(&mut self, payload: &CommittedPayload, changes: &Changes, certificates: &[Certificate]) {
        let now = Instant::now();
        for block in &payload.blocks {
            let reference = block.reference;
            if let Some(round) = self.rounds.get_mut(usize::from(reference.author.0))
                && reference.round.0 > round.0
            {
                *round = (reference.round.0, now);
            }
            self.intents += u64::try_from(block.transactions.len()).unwrap_or(0);
            self.new_blocks.push(json!({
                "round": reference.round.0,
                "author": reference.author.0,
                "digest": reference.digest.to_string()[..8],
                "parents": block.parents.iter().map(place).collect::<Value>(),
                "transactions": block.transactions.len(),
            }));
        }
        self.new_commits.push(json!({
            "index": payload.commit.index,
            "leader": place(&payload.commit.leader),
            "coin": hex::encode(payload.commit.coin.0)[..8],
            "blocks": payload.commit.blocks.iter().map(place).collect::<Value>(),
        }));
        let excess = self.new_blocks.len().saturating_sub(2_000);
        self.new_blocks.drain(..excess);
        let excess = self.new_commits.len().saturating_sub(500);
        self.new_commits.drain(..excess);
        for certificate in certificates {
            self.certified = Some(self.certified.unwrap_or(0).max(certificate.commit));
            self.root = Some(certificate.root.to_string());
        }
        self.total = Sample {
            at: now,
            commits: self.total.commits + 1,
            orders: self.total.orders + changes.entered,
            trades: self.total.trades + u64::try_from(changes.trades.len()).unwrap_or(0),
        };
    }

    /// An intent that this gateway submitted was final after so long.
    pub fn note_latency(&mut self, taken: Duration) {
        remember(&mut self.latencies_ms, taken.as_secs_f64() * 1e3);
    }

    /// A commit arrived so many milliseconds after its own time. That time is the median of what the parents of
    /// its leader were stamped with: so long ago the blocks that it made final were made. A commit that is read
    /// from the past tells nothing.
    pub fn note_age(&mut self, age_ms: i64) {
        if (0..=AGE_MS_MAX).contains(&age_ms) {
            remember(&mut self.ages_ms, age_ms as f64);
        }
    }

    /// The last commit whose root a quorum has signed.
    pub fn certified(&self) -> (Option<u64>, Option<&str>) {
        (self.certified, self.root.as_deref())
    }

    /// Begins a new tenth of a second.
    pub fn tick(&mut self) {
        let now = Instant::now();
        self.samples.push_back(Sample { at: now, ..self.total });
        while self.samples.front().is_some_and(|sample| now.duration_since(sample.at) > WINDOW) {
            self.samples.pop_front();
        }
    }

    /// What is new in the DAG since the last call.
    pub fn take_dag(&mut self) -> Value {
        json!({
            "blocks": core::mem::take(&mut self.new_blocks),
            "commits": core::mem::take(&mut self.new_commits),
        })
    }

    pub fn has_dag_news(&self) -> bool {
        !self.new_commits.is_empty()
    }

    pub fn show(&self, commit_index: u64, instruments: usize) -> Value {
        let now = Instant::now();
        let highest = self.rounds.iter().map(|(round, _)| *round).max().unwrap_or(0);
        let validators: Value = self
            .names
            .iter()
            .zip(&self.rounds)
            .enumerate()
            .map(|(index, (name, (round, at)))| {
                let silent = now.duration_since(*at).as_millis();
                let alive = round + ROUNDS_BEHIND_MAX > highest && silent < 3_000;
                json!({"index": index, "name": name, "round": round, "lag_ms": u64::try_from(silent).unwrap_or(0), "alive": alive})
            })
            .collect();
        let first = self.samples.front().copied().unwrap_or(self.total);
        let seconds = now.duration_since(first.at).as_secs_f64().max(0.1);
        let rate = |now: u64, then: u64| ((now - then) as f64 / seconds * 10.0).round() / 10.0;
        json!({
            "validators": validators,
            "round": highest,
            "commit_index": commit_index,
            "certified_commit": self.certified,
            "root": self.root,
            "commits_per_s": rate(self.total.commits, first.commits),
            "orders_per_s": rate(self.total.orders, first.orders),
            "trades_per_s": rate(self.total.trades, first.trades),
            "finality_ms": self.finality(),
            "finality_of": if self.latencies_ms.is_empty() { "commits" } else { "orders" },
            "instruments": instruments,
            "intents": self.intents,
        })
    }

    /// From submission to order of what went through this gateway; until something did, the ages of commits.
    fn finality(&self) -> Value {
        let measured = if self.latencies_ms.is_empty() { &self.ages_ms } else { &self.latencies_ms };
        if measured.is_empty() {
            return json!({ "p50": null, "p99": null });
        }
        let mut sorted: Vec<f64> = measured.iter().copied().collect();
        sorted.sort_by(f64::total_cmp);
        let at = |part: f64| {
            let place = (part * (sorted.len() - 1) as f64).round() as usize;
            (sorted[place] * 10.0).round() / 10.0
        };
        json!({ "p50": at(0.5), "p99": at(0.99) })
    }
}

/// The committee as a verifier reads it.
pub fn committee(it: &Committee, names: &[String]) -> Value {
    let members: Value = it
        .authors()
        .filter_map(|author| {
            let name = names.get(usize::from(author.0)).map_or("", String::as_str);
            Some(json!({ "name": name, "key": it.key(author)?.to_string(), "stake": it.stake(author) }))
        })
        .collect();
    json!({ "epoch": it.epoch(), "members": members })
}

fn remember(queue: &mut VecDeque<f64>, value: f64) {
    queue.push_back(value);
    if queue.len() > LATENCIES_MAX {
        queue.pop_front();
    }
}

fn place(block: &BlockRef) -> Value {
    json!([block.round.0, block.author.0])
}
