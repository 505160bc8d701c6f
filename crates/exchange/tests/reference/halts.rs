//! Halts: what moves too far too fast, or is taken from one side only, stands; first it takes cancels, then it collects
//! orders, then it opens.

use std::collections::BTreeMap;

use num::{Side, Timestamp};
use wire::{Event, HaltCause, InstrumentId, Reject, UnderlyingId};

use super::{Marks, ONE, Reference};

/// The steps of a window: prices of one step count as seen at its first.
const STEPS: u64 = 64;

#[derive(Clone, Debug, Default)]
pub(super) struct Halts {
    /// The indices of late, each with the time it counts as seen at.
    indices: BTreeMap<UnderlyingId, Vec<(Timestamp, i128)>>,
    /// What was bought and sold since the last bucket was full.
    taken: BTreeMap<InstrumentId, [u64; 2]>,
    /// When each bucket was full, and how much of it was one-sided, in billionths.
    buckets: BTreeMap<InstrumentId, Vec<(Timestamp, u64)>>,
    /// From when on what stands collects orders, and when it opens.
    pub standing: BTreeMap<InstrumentId, (Timestamp, Timestamp)>,
    pub collected: Vec<(InstrumentId, u64)>,
}

impl Reference {
    pub(super) fn check_trading(&self, have: InstrumentId) -> Result<(), Reject> {
        match self.halts.standing.get(&have) {
            Some((_, opens_at)) => Err(Reject::Halted { have, need: *opens_at }),
            None => Ok(()),
        }
    }

    pub(super) fn collects(&self, id: InstrumentId) -> bool {
        let from = self.halts.standing.get(&id).map(|it| it.0);
        from.is_some_and(|from| from <= self.now) && !self.closed.contains(&id)
    }

    fn halt(&mut self, instrument: InstrumentId, cause: HaltCause) {
        let rules = self.genesis.halt.expect("what stands has rules");
        let collects_from = Timestamp::from_millis(self.now.millis() + rules.cancel_only_ms);
        let opens_at = Timestamp::from_millis(collects_from.millis() + rules.collect_ms);
        self.halts.standing.insert(instrument, (collects_from, opens_at));
        self.tell(Event::Halted { instrument, cause, collects_from, opens_at });
    }

    /// Stops all markets of an index that is too far from any other of the window.
    pub(super) fn watch_indices(&mut self, state: &Marks) {
        let Some(rules) = self.genesis.halt else { return };
        let now = self.now;
        for (id, index) in self.indices.clone() {
            let seen = self.halts.indices.entry(id).or_default();
            seen.retain(|(at, _)| now.since(*at).millis() <= rules.window_ms);
            let step = seen.last().map(|(at, _)| *at);
            let step = step.filter(|at| now.since(*at).millis() <= rules.window_ms / STEPS);
            seen.push((step.unwrap_or(now), index));
            let is_far = |from: i128| (index - from).abs() * ONE > from * i128::from(rules.move_billionths);
            if !seen.iter().any(|(_, from)| is_far(*from)) {
                continue;
            }
            *seen = vec![(now, index)];
            let of = self.listed(state).filter(|it| it.underlying == id);
            for it in of.filter(|it| !self.closed.contains(&it.id)).map(|it| it.id).collect::<Vec<_>>() {
                self.halt(it, HaltCause::Volatility);
            }
        }
    }

    /// Counts what was taken; stops a market whose last buckets came fast and lean one way on average.
    pub(super) fn note_flow(&mut self, id: InstrumentId, (side, lots): (Side, u64)) {
        let Some(rules) = self.genesis.halt else { return };
        let taken = self.halts.taken.entry(id).or_default();
        taken[usize::from(side == Side::Sell)] += lots;
        let [bought, sold] = *taken;
        if bought + sold < rules.flow_bucket_lots {
            return;
        }
        *taken = [0, 0];
        let one = u64::try_from(ONE).expect("a billion");
        let buckets = self.halts.buckets.entry(id).or_default();
        buckets.push((self.now, bought.abs_diff(sold) * one / (bought + sold)));
        let number = usize::try_from(rules.flow_buckets).expect("few");
        let Some(first) = buckets.len().checked_sub(number) else { return };
        let last = &buckets[first..];
        let is_fast = self.now.since(last[0].0).millis() <= rules.window_ms;
        let sum: u64 = last.iter().map(|(_, leans)| leans).sum();
        if is_fast && sum >= rules.flow_billionths.unsigned_abs() * rules.flow_buckets {
            self.halt(id, HaltCause::Flow);
        }
    }
}
