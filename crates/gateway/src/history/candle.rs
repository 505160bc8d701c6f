//! Candles: a span of trading in six numbers, and longer ones made of shorter ones.
//!
//! Invariant: after the first trade there is no hole; a span without a trade stays at the last price with no volume.

use num::{Cash, Fix, MINUTE_MS};

/// One minute of trading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candle {
    pub start_ms: u64,
    pub open: Cash,
    pub high: Cash,
    pub low: Cash,
    pub close: Cash,
    pub volume: Fix,
    pub cost: Cash,
}

impl Candle {
    /// A time without a trade.
    pub const fn flat(start_ms: u64, price: Cash) -> Self {
        Self {
            start_ms,
            open: price,
            high: price,
            low: price,
            close: price,
            volume: Fix::ZERO,
            cost: Cash::ZERO,
        }
    }

    /// Adds flat candles of `span` after the last one, up to before `end_ms`.
    fn fill(candles: &mut Vec<Self>, (span, end_ms): (u64, u64)) {
        let room = |last: &Self| last.start_ms.saturating_add(span) < end_ms;
        while let Some(last) = candles.last().copied().filter(room) {
            candles.push(Self::flat(last.start_ms + span, last.close));
        }
    }

    pub(super) fn merge(&mut self, later: &Self) {
        self.high = self.high.max(later.high);
        self.low = self.low.min(later.low);
        self.close = later.close;
        self.volume = self.volume.checked_add(later.volume).unwrap_or(self.volume);
        self.cost = self.cost.checked_add(later.cost).unwrap_or(self.cost);
    }

    /// Candles of `minutes` minutes that start in a span, made of shorter ones that come in their order, without a
    /// hole after the first; `before` is the one before them.
    pub fn merged<'a>(
        shorter: impl Iterator<Item = &'a Self>,
        before: Option<&Self>,
        minutes: u64,
        (from_ms, to_ms): (u64, u64),
    ) -> Vec<Self> {
        let span = minutes.max(1) * MINUTE_MS;
        let from_ms = first_start(minutes, from_ms);
        let mut merged: Vec<Self> =
            before.map(|it| Self::flat(from_ms.saturating_sub(span), it.close)).into_iter().collect();
        for candle in shorter.take_while(|candle| candle.start_ms <= to_ms) {
            let start_ms = candle.start_ms - candle.start_ms % span;
            match merged.last_mut() {
                Some(last) if last.start_ms == start_ms => last.merge(candle),
                _ => {
                    Self::fill(&mut merged, (span, start_ms));
                    merged.push(Self { start_ms, ..*candle });
                }
            }
        }
        Self::fill(&mut merged, (span, to_ms.saturating_add(1)));
        merged.drain(..usize::from(before.is_some()));
        merged
    }
}

/// When the first candle of `minutes` minutes starts that does not begin before a time.
pub(super) fn first_start(minutes: u64, from_ms: u64) -> u64 {
    let span = minutes.max(1) * MINUTE_MS;
    from_ms.div_ceil(span).saturating_mul(span)
}
