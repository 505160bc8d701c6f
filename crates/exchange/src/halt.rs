//! Halts: a market that moves too far too fast, or whose orders all lean one way, stops and opens again.
//!
//! Two statistics, per commit time. Volatility: how far the index is from its lowest or highest of a window.
//! Order flow: the mean imbalance of takers over the last buckets of equal volume, when they came within a
//! window (VPIN; Easley, Lopez de Prado and O'Hara, "Flow Toxicity and Liquidity in a High-frequency World",
//! Review of Financial Studies 25, 2012), with the taker's side known rather than guessed.
//!
//! Invariant: a halted instrument takes cancels only, then collects orders, then opens at one price
//! (`reopen`). No trade happens in it before, not even of a liquidation. What is remembered is bounded.

use std::collections::VecDeque;

use num::{Cash, Duration, Fix, Lots, Side, Timestamp};
use wire::{Event, HaltCause, InstrumentId, Reject, UnderlyingId};

use crate::{genesis::HaltParameters, instrument::Instrument, state::State};

/// Entries that a window of prices is divided into.
const STEPS: u64 = 64;

/// A stop of trading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Halt {
    pub cause: HaltCause,
    /// Until when only cancels are taken.
    pub collects_from: Timestamp,
    /// When it opens, at the first commit from then on.
    pub opens_at: Timestamp,
}

saved!(Halt { cause, collects_from, opens_at });

/// The lowest and highest price around one time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PriceRange {
    from: Timestamp,
    pub(crate) low: Cash,
    pub(crate) high: Cash,
}

saved!(PriceRange { from, low, high });

/// Who took lately, in buckets of equal volume.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct TakerFlow {
    bought: u64,
    sold: u64,
    /// When a bucket was full, and by how much one side took more in it.
    buckets: VecDeque<(Timestamp, u64)>,
}

saved!(TakerFlow { bought, sold, buckets });

impl TakerFlow {
    /// Counts a trade; answers whether the flow is anomalous now.
    fn count(&mut self, (side, lots): (Side, Lots), now: Timestamp, rules: &HaltParameters) -> bool {
        match side {
            Side::Buy => self.bought = self.bought.saturating_add(lots.get()),
            Side::Sell => self.sold = self.sold.saturating_add(lots.get()),
        }
        let volume = self.bought.saturating_add(self.sold);
        if volume < rules.flow_bucket_lots {
            return false;
        }
        let imbalance = u128::from(self.bought.abs_diff(self.sold)) * u128::from(ONE) / u128::from(volume);
        self.buckets.push_back((now, u64::try_from(imbalance).unwrap_or(ONE)));
        (self.bought, self.sold) = (0, 0);
        let most = usize::try_from(rules.flow_buckets).unwrap_or(usize::MAX);
        while self.buckets.len() > most {
            self.buckets.pop_front();
        }
        let is_fast = self.buckets.front().is_some_and(|(at, _)| now.since(*at).millis() <= rules.window_ms);
        let sum: u64 = self.buckets.iter().map(|(_, imbalance)| imbalance).sum();
        self.buckets.len() == most
            && is_fast
            && sum >= rules.flow_billionths.unsigned_abs() * rules.flow_buckets
    }
}

const ONE: u64 = Fix::SCALE.unsigned_abs();

impl TakerFlow {
    /// Whether so many lots more can fill a bucket, which may stop the instrument.
    pub(crate) const fn may_fill_bucket(&self, lots: Lots, rules: &HaltParameters) -> bool {
        self.bought.saturating_add(self.sold).saturating_add(lots.get()) >= rules.flow_bucket_lots
    }

    /// Whether it could have come from counting: no bucket leans more than whole.
    pub(crate) fn is_possible(&self) -> bool {
        self.buckets.iter().all(|(_, imbalance)| *imbalance <= ONE)
    }
}

impl State {
    /// Counts a trade into its instrument's flow, and stops the instrument when it leans too much.
    pub(crate) fn note_flow(&mut self, id: InstrumentId, trade: (Side, Lots)) {
        let Some(rules) = self.parameters.halt else { return };
        let now = self.time;
        if self.instrument_mut(id).flow.count(trade, now, &rules) {
            self.begin_halt(id, HaltCause::Flow);
        }
    }

    /// Remembers the indices, and stops the markets of one that has moved too far.
    pub(crate) fn watch_indices(&mut self) {
        let Some(rules) = self.parameters.halt else { return };
        for place in 0..self.underlyings.len() {
            let Ok(id) = u16::try_from(place).map(UnderlyingId) else { continue };
            let now = self.time;
            let underlying = self.underlying_mut(id);
            remember(&mut underlying.recent, underlying.index, (now, &rules));
            if has_jumped(&underlying.recent, underlying.index, rules.move_billionths) {
                let index = underlying.index;
                // What comes next is measured from here.
                underlying.recent = VecDeque::from([PriceRange { from: now, low: index, high: index }]);
                self.halt_underlying(id);
            }
        }
    }

    fn halt_underlying(&mut self, id: UnderlyingId) {
        // A combo stands while a leg does.
        let open = self.instruments.iter().filter(|it| it.underlying == id && it.is_open() && !it.is_combo());
        let open: Vec<InstrumentId> = open.map(|it| it.id).collect();
        for instrument in open {
            self.begin_halt(instrument, HaltCause::Volatility);
        }
    }

    /// Stops an instrument; one that stands already stands longer.
    fn begin_halt(&mut self, instrument: InstrumentId, cause: HaltCause) {
        let Some(rules) = self.parameters.halt else { return };
        let collects_from = self.time.saturating_add(Duration::from_millis(rules.cancel_only_ms));
        let opens_at = collects_from.saturating_add(Duration::from_millis(rules.collect_ms));
        self.instrument_mut(instrument).halt = Some(Halt { cause, collects_from, opens_at });
        self.emit(Event::Halted { instrument, cause, collects_from, opens_at });
    }

    /// Whether an instrument trades: it is neither halted nor closed.
    pub(crate) fn check_trading(&self, it: &Instrument) -> Result<(), Reject> {
        match it.halt {
            Some(halt) => Err(Reject::Halted { have: it.id, need: halt.opens_at }),
            None => Ok(()),
        }
    }

    /// Whether a halted instrument collects orders for its opening.
    pub(crate) fn collects(&self, it: &Instrument) -> bool {
        it.halt.is_some_and(|halt| self.time >= halt.collects_from)
    }
}

/// Adds a price to those of the window.
fn remember(recent: &mut VecDeque<PriceRange>, price: Cash, (now, rules): (Timestamp, &HaltParameters)) {
    while recent.front().is_some_and(|range| now.since(range.from).millis() > rules.window_ms) {
        recent.pop_front();
    }
    match recent.back_mut() {
        Some(last) if now.since(last.from).millis() <= rules.window_ms / STEPS => {
            (last.low, last.high) = (last.low.min(price), last.high.max(price));
        }
        _ => recent.push_back(PriceRange { from: now, low: price, high: price }),
    }
}

/// Whether the price is farther from the lowest or highest of the window than a part of that.
fn has_jumped(recent: &VecDeque<PriceRange>, price: Cash, part: i64) -> bool {
    let far = |from: Cash| {
        let moved = (i128::from(price.micros()) - i128::from(from.micros())).abs();
        moved * i128::from(Fix::SCALE) > i128::from(from.micros()) * i128::from(part)
    };
    recent.iter().any(|range| far(range.low) || far(range.high))
}
