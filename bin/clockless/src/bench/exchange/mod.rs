//! `clockless bench exchange`: signed actions a second through the exchange alone.
//!
//! Commits of some five thousand actions are made first, on an exchange of their own; then the same commits are
//! applied to a new one, decoding, signatures, matching, margin and marks included: as a validator does it, one
//! thread reading the next commits while another applies one, without the tree and with it and its root after every
//! commit; and on one thread alone. What counts is the time from the first measured commit to the end of the last.
//!
//! And the commit in which 1,500 instruments expire (`expiry`).
//!
//! Invariant: what is measured was seen to do the same as when it was made: on one thread event by event, on two by
//! the state in the end, byte by byte.

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
    node::execution::AHEAD,
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
    /// Of all events, and of the state in the end.
    events: Digest,
    state: Digest,
}

/// What the measured commits took, each and together.
struct Ran {
    each: Vec<Duration>,
    all: Duration,
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
    let applied = made.applied()?;
    let one_thread = made.on_one_thread()?;
    let with_tree = made.with_tree()?;
    let expired = expiry::run()?;
    let rate = |took: Duration| (made.actions as f64 / took.as_secs_f64()).round();
    let out = json!({
        "threads": 2,
        "instruments": made.genesis.instruments.len(),
        "commits": made.payloads.len() - WARM_UP,
        "actions": made.actions,
        "actions_per_signature": flow::ACTIONS,
        "taken": made.counts.taken,
        "rejected": made.counts.rejected,
        "trades": made.counts.trades,
        "orders_ended": made.counts.ended,
        "actions_per_s": rate(applied.all),
        "commit_ms": spread(&applied.each),
        "actions_per_s_one_thread": rate(one_thread),
        "actions_per_s_with_tree": rate(with_tree.all),
        "commit_with_tree_ms": spread(&with_tree.each),
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
            state: Digest::ZERO,
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
        made.state = digest(&state);
        Ok(made)
    }

    /// `apply` of commits that another thread has read.
    fn applied(&self) -> Result<Ran, Failure> {
        let mut state = State::new(&self.genesis, self.network).map_err(|error| refused(&error))?;
        let mut events = Vec::new();
        let ran = self.read_ahead(|payload, reading| {
            events.clear();
            apply_read(&mut state, (payload, reading), &mut events);
            state.forget_changes();
            Ok(())
        })?;
        self.check(&state)?;
        Ok(ran)
    }

    /// The same with the tree and its root.
    fn with_tree(&self) -> Result<Ran, Failure> {
        let mut execution = Execution::new(&self.genesis, self.network).map_err(|error| refused(&error))?;
        let ran = self.read_ahead(|payload, reading| {
            let executed = execution.apply_read(payload, reading);
            executed.broken_invariant.map_or(Ok(()), |broken| Err(Failure::failed(broken)))
        })?;
        self.check(execution.state())?;
        Ok(ran)
    }

    /// All commits through `apply`, each read by another thread while those before it are applied.
    fn read_ahead(
        &self,
        mut apply: impl FnMut(&CommittedPayload, Reading) -> Result<(), Failure>,
    ) -> Result<Ran, Failure> {
        let (read, ready) = sync_channel(AHEAD);
        std::thread::scope(|scope| {
            scope.spawn(move || {
                let mut payloads = self.payloads.iter();
                payloads.all(|payload| read.send((payload, Reading::of(payload))).is_ok())
            });
            let (mut each, mut first) = (Vec::new(), Instant::now());
            for (place, (payload, reading)) in ready.iter().enumerate() {
                let began = Instant::now();
                if place == WARM_UP {
                    first = began;
                }
                apply(payload, reading)?;
                each.push(began.elapsed());
            }
            Ok(Ran { each: each.split_off(WARM_UP), all: first.elapsed() })
        })
    }

    /// How long `apply` takes for all of them on one thread.
    fn on_one_thread(&self) -> Result<Duration, Failure> {
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
        Ok(took.iter().skip(WARM_UP).sum())
    }

    fn check(&self, state: &State) -> Result<(), Failure> {
        let same = digest(state) == self.state;
        same.then_some(()).ok_or_else(|| Failure::failed("the same commits led to another state"))
    }
}

fn digest(state: &State) -> Digest {
    let mut saved = Vec::new();
    state.save(&mut saved);
    Digest::of("clockless bench state 2026", &saved)
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
