//! Prices from outside, without a clock: reporters' observations, the index, the delivery price.
//!
//! Invariant: an observation's own time decides what it counts for: those of a delivery window count in
//! whatever order they arrive, as long as they do before the price is delivered. The index is the weighted median of the latest observations of at least a quorum of reporters.
//! A delivery price is the weighted median, over a quorum of reporters that have reported from beyond the
//! expiry, of each one's average over the last 30 minutes before it: liars below half the weight of a
//! quorum stay inside the range of the honest, and so does whoever delays messages. A reporter that wants
//! its whole window counted names, with `after`, the block of its last word in it when it speaks beyond.
//! Left out on purpose: what a price is used for.

use std::collections::BTreeMap;

use num::{Cash, Duration, MINUTE_MS, Timestamp, div_half_even};
use wire::UnderlyingId;

/// The span before an expiry over which delivery prices average.
pub const DELIVERY_WINDOW: Duration = Duration::from_millis(30 * MINUTE_MS);

/// A reporter by its place in genesis.
pub type ReporterIndex = usize;

/// What an oracle goes by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OracleParameters {
    /// Weight of each reporter, in their order.
    pub weights: Vec<u64>,
    /// Weight that must have reported before there is a price.
    pub quorum: u64,
    /// Observations older than this, by commit time, do not count for the index.
    pub age_max: Duration,
    /// How far ahead of the commit time an observation's own time may lie.
    pub lead_max: Duration,
    /// The prices that may be observed of each underlying, both included.
    pub ranges: Vec<(Cash, Cash)>,
}

/// Why an observation is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ObservationError {
    UnknownUnderlying,
    OutOfRange {
        have: Cash,
        low: Cash,
        high: Cash,
    },
    /// From the future: `need` is the latest time taken.
    Ahead {
        have: Timestamp,
        need: Timestamp,
    },
    /// Not newer than this reporter's last one, and in no open delivery window.
    Stale {
        have: Timestamp,
        need: Timestamp,
    },
}

/// A reporter's word, to be put into the oracle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Observation {
    pub reporter: ReporterIndex,
    pub underlying: UnderlyingId,
    pub price: Cash,
    pub observed_at: Timestamp,
}

/// The oracle of all underlyings.
#[derive(Clone, Debug)]
pub struct Oracle {
    parameters: OracleParameters,
    feeds: Vec<Feed>,
}

#[derive(Clone, Debug)]
pub(crate) struct Feed {
    latest: Vec<Option<(Timestamp, Cash)>>,
    windows: BTreeMap<Timestamp, Window>,
}

saved!(Feed { latest, windows });

/// What reporters said around one expiry.
#[derive(Clone, Debug)]
struct Window {
    reporters: Vec<Coverage>,
}

saved!(Window { reporters });

#[derive(Clone, Copy, Debug, Default)]
struct Coverage {
    sum: i128,
    count: i128,
    /// The earliest observation at or beyond the expiry.
    beyond: Option<(Timestamp, Cash)>,
}

saved!(Coverage { sum, count, beyond });

impl Oracle {
    /// An oracle for as many underlyings as there are ranges.
    pub fn new(parameters: OracleParameters) -> Self {
        let feed = Feed { latest: vec![None; parameters.weights.len()], windows: BTreeMap::new() };
        Self { feeds: vec![feed; parameters.ranges.len()], parameters }
    }

    /// What reporters have said, to be saved.
    pub(crate) const fn feeds(&self) -> &Vec<Feed> {
        &self.feeds
    }

    /// The same oracle with what reporters said to another; `None` when that one had other reporters or
    /// underlyings, or counted what cannot have been said.
    pub(crate) fn with_feeds(&self, feeds: Vec<Feed>) -> Option<Self> {
        let reporters = self.parameters.weights.len();
        let fits = |feed: &Feed| {
            feed.latest.len() == reporters
                && feed.windows.values().all(|window| {
                    window.reporters.len() == reporters && window.reporters.iter().all(Coverage::is_possible)
                })
        };
        let all_fit = feeds.len() == self.feeds.len() && feeds.iter().all(fits);
        all_fit.then(|| Self { parameters: self.parameters.clone(), feeds })
    }

    /// Starts to collect for an expiry.
    pub fn list_expiry(&mut self, underlying: UnderlyingId, expiry: Timestamp) {
        let reporters = vec![Coverage::default(); self.parameters.weights.len()];
        if let Some(feed) = self.feed_mut(underlying) {
            feed.windows.entry(expiry).or_insert(Window { reporters });
        }
    }

    /// Whether `observe` would take it in a commit of time `now`.
    pub fn check(&self, it: &Observation, now: Timestamp) -> Result<(), ObservationError> {
        let feed = self.feed(it.underlying).ok_or(ObservationError::UnknownUnderlying)?;
        let (low, high) = self.range(it.underlying);
        if !(low..=high).contains(&it.price) {
            return Err(ObservationError::OutOfRange { have: it.price, low, high });
        }
        let latest_taken = now.saturating_add(self.parameters.lead_max);
        if it.observed_at > latest_taken {
            return Err(ObservationError::Ahead { have: it.observed_at, need: latest_taken });
        }
        match feed.latest.get(it.reporter) {
            Some(Some((need, _))) if it.observed_at <= *need && !feed.is_in_window(it.observed_at) => {
                Err(ObservationError::Stale { have: it.observed_at, need: *need })
            }
            _ => Ok(()),
        }
    }

    /// Takes an observation that `check` accepts.
    pub fn observe(&mut self, it: &Observation) {
        let Some(feed) = self.feed_mut(it.underlying) else { return };
        if let Some(latest) = feed.latest.get_mut(it.reporter) {
            let is_newer = latest.is_none_or(|(before, _)| it.observed_at > before);
            *latest = if is_newer { Some((it.observed_at, it.price)) } else { *latest };
        }
        // Windows that have not begun are not asked: there can be many.
        let begun = ..=it.observed_at.saturating_add(DELIVERY_WINDOW);
        for (expiry, window) in feed.windows.range_mut(begun) {
            if let Some(coverage) = window.reporters.get_mut(it.reporter) {
                coverage.add(it, *expiry);
            }
        }
    }

    /// The index at commit time `now`; `None` while less than a quorum has reported lately.
    pub fn index(&self, underlying: UnderlyingId, now: Timestamp) -> Option<Cash> {
        weighted_median(self.fresh(underlying, now), self.parameters.quorum)
    }

    /// The latest time from which on a quorum has spoken, among what is fresh.
    pub fn spoken_at(&self, underlying: UnderlyingId, now: Timestamp) -> Option<Timestamp> {
        let latest = self.feed(underlying)?.latest.iter().zip(&self.parameters.weights);
        let mut latest: Vec<(Timestamp, u64)> = latest
            .filter_map(|(latest, weight)| Some(((*latest)?.0, *weight)))
            .filter(|(at, _)| now.since(*at) <= self.parameters.age_max)
            .collect();
        latest.sort_unstable();
        let mut reached: u128 = 0;
        latest.into_iter().rev().find_map(|(at, weight)| {
            reached += u128::from(weight);
            (reached >= u128::from(self.parameters.quorum)).then_some(at)
        })
    }

    /// How far the prices that a third and two thirds of the fresh weight reach are apart. Liars below a
    /// third of it cannot widen this beyond the range of the honest.
    pub fn spread(&self, underlying: UnderlyingId, now: Timestamp) -> Option<Cash> {
        let fresh = || self.fresh(underlying, now);
        let low = weighted_quantile(fresh(), self.parameters.quorum, (1, 3))?;
        let high = weighted_quantile(fresh(), self.parameters.quorum, (2, 3))?;
        high.checked_sub(low)
    }

    /// Each reporter's latest price with its weight, unless it is too old.
    fn fresh(&self, underlying: UnderlyingId, now: Timestamp) -> Vec<(Cash, u64)> {
        let Some(feed) = self.feed(underlying) else { return Vec::new() };
        let latest = feed.latest.iter().zip(&self.parameters.weights);
        let fresh = latest.filter_map(|(latest, weight)| {
            let (observed_at, price) = (*latest)?;
            (now.since(observed_at) <= self.parameters.age_max).then_some((price, *weight))
        });
        fresh.collect()
    }

    /// Expiries up to a time that have a delivery price: a quorum has reported from beyond them.
    pub fn deliverable(&self, now: Timestamp) -> Vec<(UnderlyingId, Timestamp, Cash)> {
        let mut ready = Vec::new();
        for (index, feed) in self.feeds.iter().enumerate() {
            let Ok(underlying) = u16::try_from(index).map(UnderlyingId) else { continue };
            for (expiry, window) in feed.windows.range(..=now) {
                if let Some(price) = window.delivery_price(&self.parameters) {
                    ready.push((underlying, *expiry, price));
                }
            }
        }
        ready
    }

    /// Forgets an expiry that was settled.
    pub fn settled(&mut self, underlying: UnderlyingId, expiry: Timestamp) {
        if let Some(feed) = self.feed_mut(underlying) {
            feed.windows.remove(&expiry);
        }
    }

    /// The prices that may be observed of an underlying.
    pub(crate) fn range(&self, underlying: UnderlyingId) -> (Cash, Cash) {
        let range = self.parameters.ranges.get(usize::from(underlying.0));
        range.copied().unwrap_or((Cash::ZERO, Cash::ZERO))
    }

    fn feed(&self, underlying: UnderlyingId) -> Option<&Feed> {
        self.feeds.get(usize::from(underlying.0))
    }

    fn feed_mut(&mut self, underlying: UnderlyingId) -> Option<&mut Feed> {
        self.feeds.get_mut(usize::from(underlying.0))
    }
}

impl Feed {
    fn is_in_window(&self, observed_at: Timestamp) -> bool {
        let first = self.windows.keys().next();
        first.is_some_and(|expiry| expiry.saturating_sub(DELIVERY_WINDOW) <= observed_at)
    }
}

impl Window {
    fn delivery_price(&self, parameters: &OracleParameters) -> Option<Cash> {
        let beyond = self.reporters.iter().zip(&parameters.weights);
        let averages = beyond.filter_map(|(coverage, weight)| Some((coverage.average()?, *weight)));
        weighted_median(averages.collect(), parameters.quorum)
    }
}

impl Coverage {
    /// Whether a count can have made it: prices are of 64 bits.
    fn is_possible(&self) -> bool {
        const COUNT_MAX: i128 = 1 << 60;
        (0..=COUNT_MAX).contains(&self.count) && (0..=self.count * i128::from(i64::MAX)).contains(&self.sum)
    }

    fn add(&mut self, it: &Observation, expiry: Timestamp) {
        if it.observed_at >= expiry {
            let word = (it.observed_at, it.price);
            self.beyond = Some(self.beyond.map_or(word, |earliest| earliest.min(word)));
        } else if expiry.since(it.observed_at) <= DELIVERY_WINDOW {
            self.sum += i128::from(it.price.micros());
            self.count += 1;
        }
    }

    /// `None` until the reporter has spoken from beyond the expiry. One who said nothing in the window
    /// counts with the first word after it. Rounded half to even.
    fn average(&self) -> Option<Cash> {
        let (_, beyond) = self.beyond?;
        Some(div_half_even(self.sum, self.count).and_then(Cash::from_i128).unwrap_or(beyond))
    }
}

/// The least price at which half of the weight or more is reached; `None` below the quorum.
fn weighted_median(prices: Vec<(Cash, u64)>, quorum: u64) -> Option<Cash> {
    weighted_quantile(prices, quorum, (1, 2))
}

/// The least price at which a part of the weight or more is reached; `None` below the quorum.
fn weighted_quantile(mut prices: Vec<(Cash, u64)>, quorum: u64, (part, of): (u128, u128)) -> Option<Cash> {
    prices.sort_unstable();
    let total: u128 = prices.iter().map(|(_, weight)| u128::from(*weight)).sum();
    if prices.is_empty() || total < u128::from(quorum) {
        return None;
    }
    let mut reached = 0;
    prices.into_iter().find_map(|(price, weight)| {
        reached += u128::from(weight);
        (reached * of >= total * part).then_some(price)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const BTC: UnderlyingId = UnderlyingId(0);
    const EXPIRY: Timestamp = Timestamp::from_millis(100 * MINUTE_MS);

    fn oracle() -> Oracle {
        let parameters = OracleParameters {
            weights: vec![1; 4],
            quorum: 3,
            age_max: Duration::from_millis(10 * MINUTE_MS),
            lead_max: Duration::from_millis(1_000),
            ranges: vec![(Cash::from_micros(1), Cash::from_micros(i64::MAX / 4))],
        };
        let mut oracle = Oracle::new(parameters);
        oracle.list_expiry(BTC, EXPIRY);
        oracle
    }

    fn said(reporter: usize, price: i64, minute: u64) -> Observation {
        let observed_at = Timestamp::from_millis(minute * MINUTE_MS);
        Observation { reporter, underlying: BTC, price: Cash::from_micros(price), observed_at }
    }

    fn at(minute: u64) -> Timestamp {
        Timestamp::from_millis(minute * MINUTE_MS)
    }

    #[test]
    fn there_is_an_index_only_while_a_quorum_is_fresh() {
        let mut oracle = oracle();
        oracle.observe(&said(0, 100, 1));
        oracle.observe(&said(1, 102, 1));
        assert_eq!(oracle.index(BTC, at(1)), None);
        oracle.observe(&said(2, 1_000_000, 1));
        assert_eq!(oracle.index(BTC, at(1)), Some(Cash::from_micros(102)));
        assert_eq!(oracle.index(BTC, at(11)), Some(Cash::from_micros(102)));
        assert_eq!(oracle.index(BTC, at(12)), None);
    }

    #[test]
    fn an_observation_is_refused_with_its_reason() {
        let mut oracle = oracle();
        oracle.observe(&said(0, 100, 5));
        let now = at(5);
        let unknown = Observation { underlying: UnderlyingId(9), ..said(0, 1, 6) };
        assert_eq!(oracle.check(&unknown, now), Err(ObservationError::UnknownUnderlying));
        assert!(matches!(oracle.check(&said(1, 0, 5), now), Err(ObservationError::OutOfRange { .. })));
        assert!(matches!(oracle.check(&said(1, 1, 6), now), Err(ObservationError::Ahead { .. })));
        assert!(matches!(oracle.check(&said(0, 1, 5), now), Err(ObservationError::Stale { .. })));
        assert_eq!(oracle.check(&said(1, 1, 5), now), Ok(()));
    }

    #[test]
    fn delivery_averages_the_window_of_those_who_passed_the_expiry() {
        let mut oracle = oracle();
        for reporter in 0..4 {
            let shift = i64::try_from(reporter).unwrap();
            oracle.observe(&said(reporter, 9_999, 69));
            oracle.observe(&said(reporter, 100 + shift, 75));
            oracle.observe(&said(reporter, 200 + shift, 99));
        }
        assert!(oracle.deliverable(at(200)).is_empty());
        oracle.observe(&said(0, 5, 100));
        oracle.observe(&said(1, 5, 101));
        assert!(oracle.deliverable(at(200)).is_empty());
        oracle.observe(&said(3, 5, 130));
        assert_eq!(oracle.deliverable(at(200)), [(BTC, EXPIRY, Cash::from_micros(151))]);
        oracle.settled(BTC, EXPIRY);
        assert!(oracle.deliverable(at(200)).is_empty());
    }

    #[test]
    fn a_late_observation_counts_in_its_window_and_never_for_the_index() {
        let mut oracle = oracle();
        for reporter in 0..4 {
            oracle.observe(&said(reporter, 200, 99));
            oracle.observe(&said(reporter, 900, 100));
        }
        assert!(matches!(oracle.check(&said(0, 100, 69), at(100)), Err(ObservationError::Stale { .. })));
        for reporter in 0..4 {
            assert_eq!(oracle.check(&said(reporter, 100, 75), at(100)), Ok(()));
            oracle.observe(&said(reporter, 100, 75));
        }
        assert_eq!(oracle.index(BTC, at(100)), Some(Cash::from_micros(900)));
        assert_eq!(oracle.deliverable(at(200)), [(BTC, EXPIRY, Cash::from_micros(150))]);
        oracle.settled(BTC, EXPIRY);
        assert!(matches!(oracle.check(&said(0, 100, 80), at(100)), Err(ObservationError::Stale { .. })));
    }

    proptest! {
        #[test]
        fn a_delivery_price_does_not_depend_on_the_order_of_arrival(
            (said_in_order, said_shuffled) in proptest::collection::vec((0..4usize, 1..1_000i64, 60..130u64), 1..40)
                .prop_flat_map(|all| (Just(all.clone()), Just(all).prop_shuffle())),
        ) {
            let price = |words: &[(usize, i64, u64)]| {
                let mut oracle = oracle();
                for (reporter, price, minute) in words {
                    let it = said(*reporter, *price, *minute);
                    if oracle.check(&it, at(200)).is_ok() { oracle.observe(&it); }
                }
                oracle.deliverable(at(200))
            };
            prop_assert_eq!(price(&said_in_order), price(&said_shuffled));
        }

        #[test]
        fn one_liar_of_four_cannot_leave_the_range_of_the_honest(
            honest in proptest::collection::vec(1_000..2_000i64, 3),
            lie in 1..i64::MAX / 4,
            liar_first in any::<bool>(),
        ) {
            let mut oracle = oracle();
            let mut say = |reporter: usize, price: i64| {
                oracle.observe(&said(reporter, price, 90));
                oracle.observe(&said(reporter, price, 100));
            };
            if liar_first { say(3, lie); }
            for (reporter, price) in honest.iter().enumerate() { say(reporter, *price); }
            if !liar_first { say(3, lie); }
            let (_, _, price) = oracle.deliverable(at(200))[0];
            let (low, high) = (honest.iter().min().unwrap(), honest.iter().max().unwrap());
            prop_assert!((*low..=*high).contains(&price.micros()));
        }
    }
}
