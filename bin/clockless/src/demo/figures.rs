//! What a demo counts.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use wire::{Event, Outcome, Reject};

/// Latencies remembered.
const LATENCIES_MAX: usize = 1_000_000;

#[derive(Debug, Default)]
struct Inner {
    commits: u64,
    intents: u64,
    orders: u64,
    trades: u64,
    rejected: u64,
    reasons: BTreeMap<String, u64>,
    latencies_ms: Vec<f64>,
}

/// Shared counters.
#[derive(Debug, Default)]
pub struct Figures(Mutex<Inner>);

/// A reading of the counters.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reading {
    pub commits: u64,
    pub intents: u64,
    pub orders: u64,
    pub trades: u64,
    pub rejected: u64,
    pub p50_ms: f64,
    pub p99_ms: f64,
}

impl Figures {
    pub fn note_commit(&self, events: &[Event]) {
        let mut inner = self.lock();
        inner.commits += 1;
        events.iter().for_each(|event| inner.note(event));
    }

    pub fn note_final(&self, submitted: Instant) {
        let mut inner = self.lock();
        if inner.latencies_ms.len() < LATENCIES_MAX {
            inner.latencies_ms.push(submitted.elapsed().as_secs_f64() * 1e3);
        }
    }

    pub fn read(&self) -> Reading {
        let inner = self.lock();
        let mut sorted = inner.latencies_ms.clone();
        sorted.sort_by(f64::total_cmp);
        let at = |part: f64| {
            let place = (part * sorted.len().saturating_sub(1) as f64).round() as usize;
            sorted.get(place).map_or(0.0, |ms| (ms * 10.0).round() / 10.0)
        };
        Reading {
            commits: inner.commits,
            intents: inner.intents,
            orders: inner.orders,
            trades: inner.trades,
            rejected: inner.rejected,
            p50_ms: at(0.5),
            p99_ms: at(0.99),
        }
    }

    /// Rejects by their kind.
    pub fn reasons(&self) -> BTreeMap<String, u64> {
        self.lock().reasons.clone()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn note(&mut self, event: &Event) {
        match event {
            Event::OrderPlaced { .. } | Event::OrderAmended { .. } => self.orders += 1,
            Event::Traded { .. } => self.trades += 1,
            Event::IntentRejected { reject, .. } => self.note_reject(reject),
            Event::Receipt { outcomes, .. } => {
                self.intents += 1;
                outcomes.iter().filter_map(reject_of).for_each(|reject| self.note_reject(reject));
            }
            _ => {}
        }
    }

    fn note_reject(&mut self, reject: &Reject) {
        self.rejected += 1;
        let text = format!("{reject:?}");
        let kind = text.split([' ', '{', '(']).next().unwrap_or_default().to_owned();
        *self.reasons.entry(kind).or_default() += 1;
    }
}

const fn reject_of(outcome: &Outcome) -> Option<&Reject> {
    match outcome {
        Outcome::Rejected { reject } => Some(reject),
        _ => None,
    }
}
