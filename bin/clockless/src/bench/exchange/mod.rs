//! `clockless bench exchange`: signed actions a second through the exchange alone, on one thread.
//!
//! Commits of some five thousand actions are made first, on an exchange of their own; then the same commits are
//! applied to a new one, decoding, signatures, matching, margin and marks included: once with `apply` alone on one
//! thread, once with a second that reads the next commits as a validator's does, and once with the tree and its root
//! after every commit.
//!
//! And the commit in which 1,500 instruments expire (`expiry`).
//!
//! Invariant: what is measured was seen to do the same as when it was made, event by event.

mod expiry;
mod flow;
pub mod market;
pub mod scene;

use std::{
    sync::mpsc::sync_channel,
    time::{Duration, Instant},
};

use clap::Args;
use commonware_codec::Encode;
use crypto::Digest;
use exchange::{Genesis, Reading, State, apply, apply_read};
use replica::execution::Execution;
use serde_json::{Value, json};
use wire::{CommittedPayload, Event, Outcome};

use crate::{
    bench::{
        exchange::{flow::Flow, market::Builder},
        rounded,
    },
    failure::Failure,
};

/// Data time between two commits.
const COMMIT_MS: u64 = 5;
/// Commits that fill the books before anything is measured.
const WARM_UP: usize = 40;

#[derive(Args, Debug)]
pub struct ExchangeArguments {
    /// How many actions are measured, at least.
    #[arg(long, default_value_t = 1_000_000)]
    actions: usize,
    #[arg(long)]
    json: bool,
}

/// Commits, and what they did when they were made.
struct Made {
    genesis: Genesis,
    network: Digest,
    payloads: Vec<CommittedPayload>,
    /// Actions in the commits that are measured.
    actions: usize,
    counts: Counts,
    events: Digest,
}

/// What became of the measured actions.
#[derive(Default)]
struct Counts {
    taken: usize,
    rejected: usize,
    trades: usize,
    ended: usize,
}

pub fn run(arguments: &ExchangeArguments) -> Result<(), Failure> {
    let made = Made::new(arguments.actions)?;
    let alone = made.alone()?;
    let read_ahead = made.read_ahead()?;
    let with_tree = made.with_tree()?;
    let expired = expiry::run()?;
    let rate = |took: Duration| (made.actions as f64 / took.as_secs_f64()).round();
    let out = json!({
        "threads": 1,
        "instruments": made.genesis.instruments.len(),
        "commits": made.payloads.len() - WARM_UP,
        "actions": made.actions,
        "actions_per_signature": flow::ACTIONS,
        "taken": made.counts.taken,
        "rejected": made.counts.rejected,
        "trades": made.counts.trades,
        "orders_ended": made.counts.ended,
        "actions_per_s": rate(alone.iter().sum()),
        "commit_ms": spread(&alone),
        "actions_per_s_two_threads": rate(read_ahead),
        "actions_per_s_with_tree": rate(with_tree.iter().sum()),
        "commit_with_tree_ms": spread(&with_tree),
        "expiry": {
            "instruments": expired.instruments,
            "positions": expired.positions,
            "orders_ended": expired.orders,
            "commit_ms": rounded(expired.took.as_secs_f64() * 1e3),
        },
    });
    let text = if arguments.json { out.to_string() } else { format!("{out:#}") };
    println!("{text}");
    Ok(())
}

/// Median and worst of what commits took.
fn spread(took: &[Duration]) -> Value {
    let mut ms: Vec<f64> = took.iter().map(|it| it.as_secs_f64() * 1e3).collect();
    ms.sort_by(f64::total_cmp);
    let at = |part| crate::bench::quantile(&ms, part).map(rounded);
    json!({ "p50": at(0.5), "p99": at(0.99), "max": at(1.0) })
}

fn refused(error: &exchange::GenesisError) -> Failure {
    Failure::failed(error.to_string())
}

impl Made {
    fn new(actions_min: usize) -> Result<Self, Failure> {
        let genesis = market::genesis();
        let network = Digest::of("clockless bench network 2026", b"exchange");
        let mut state = State::new(&genesis, network).map_err(|error| refused(&error))?;
        let (mut flow, mut builder) = (Flow::new(), Builder::new());
        let mut made = Self {
            genesis,
            network,
            payloads: Vec::new(),
            actions: 0,
            counts: Counts::default(),
            events: Digest::ZERO,
        };
        let mut events = Vec::new();
        while made.actions < actions_min {
            let (transactions, actions) = if made.payloads.is_empty() {
                (flow.deposits(network)?, 0)
            } else {
                flow.next(network, &state)?
            };
            let payload = builder.commit(transactions, COMMIT_MS)?;
            events.clear();
            apply(&mut state, &payload, &mut events);
            state.forget_changes();
            made.events = fold(made.events, &events);
            made.payloads.push(payload);
            if made.payloads.len() > WARM_UP {
                made.actions += actions;
                made.counts.add(&events);
            }
        }
        state.check_invariants().map_err(|broken| Failure::failed(broken.to_string()))?;
        Ok(made)
    }

    /// How long each measured commit takes `apply`.
    fn alone(&self) -> Result<Vec<Duration>, Failure> {
        let mut state = State::new(&self.genesis, self.network).map_err(|error| refused(&error))?;
        let (mut took, mut all, mut events) = (Vec::new(), Digest::ZERO, Vec::new());
        for payload in &self.payloads {
            events.clear();
            let began = Instant::now();
            apply(&mut state, payload, &mut events);
            took.push(began.elapsed());
            state.forget_changes();
            all = fold(all, &events);
        }
        if all != self.events {
            return Err(Failure::failed("the same commits had other events"));
        }
        Ok(took.split_off(WARM_UP))
    }

    /// How long all measured commits take together while another thread reads those that come next.
    fn read_ahead(&self) -> Result<Duration, Failure> {
        const AHEAD: usize = 4;
        let mut state = State::new(&self.genesis, self.network).map_err(|error| refused(&error))?;
        let (read, ready) = sync_channel(AHEAD);
        let (mut events, mut took) = (Vec::new(), Duration::ZERO);
        std::thread::scope(|scope| {
            scope.spawn(move || {
                let mut payloads = self.payloads.iter();
                payloads.all(|payload| read.send((payload, Reading::of(payload))).is_ok())
            });
            let mut began = Instant::now();
            for (place, (payload, reading)) in ready.iter().enumerate() {
                if place == WARM_UP {
                    began = Instant::now();
                }
                events.clear();
                apply_read(&mut state, (payload, reading), &mut events);
                state.forget_changes();
            }
            took = began.elapsed();
        });
        Ok(took)
    }

    /// How long each takes with the tree and its root.
    fn with_tree(&self) -> Result<Vec<Duration>, Failure> {
        let mut execution = Execution::new(&self.genesis, self.network).map_err(|error| refused(&error))?;
        let mut took = Vec::new();
        for payload in &self.payloads {
            let began = Instant::now();
            let executed = execution.apply(payload);
            took.push(began.elapsed());
            if let Some(broken) = executed.broken_invariant {
                return Err(Failure::failed(broken));
            }
        }
        Ok(took.split_off(WARM_UP))
    }
}

/// One digest for all events so far.
fn fold(before: Digest, events: &[Event]) -> Digest {
    let mut bytes = before.0.to_vec();
    events.iter().for_each(|event| bytes.extend_from_slice(&event.encode()));
    Digest::of("clockless bench events 2026", &bytes)
}

impl Counts {
    fn add(&mut self, events: &[Event]) {
        for event in events {
            match event {
                Event::Receipt { outcomes, .. } => {
                    let rejected =
                        outcomes.iter().filter(|it| matches!(it, Outcome::Rejected { .. })).count();
                    self.rejected += rejected;
                    self.taken += outcomes.len() - rejected;
                }
                Event::Traded { .. } => self.trades += 1,
                Event::OrderEnded { .. } => self.ended += 1,
                _ => {}
            }
        }
    }
}
