//! What reporters say, and the index: the least price that half of the weight of those who spoke lately reaches.

use num::{Cash, Timestamp};
use wire::{Event, Reject, UnderlyingId};

use super::{Marks, Reference};

/// How many times the index of genesis a price may be, either way.
const FACTOR_MAX: i64 = 100;

impl Reference {
    pub(super) fn observe(
        &mut self,
        state: &Marks,
        owner: crypto::PublicKey,
        (underlying, price, observed_at): (UnderlyingId, Cash, Timestamp),
    ) -> Result<(), Reject> {
        let key = hex::encode(owner.0);
        let reporter = self.genesis.oracle.reporters.iter().position(|it| it.key == key);
        let reporter = reporter.ok_or(Reject::NotReporter)?;
        if state.underlying_of(underlying).is_none() {
            return Err(Reject::UnknownUnderlying { have: underlying });
        }
        let first = self.genesis.underlyings[usize::from(underlying.0)].index_micros;
        let (low, high) = (Cash::from_micros(first / FACTOR_MAX), Cash::from_micros(first * FACTOR_MAX));
        if price < low || price > high {
            return Err(Reject::ObservationOutOfRange { have: price, low, high });
        }
        let need = Timestamp::from_millis(self.now.millis() + self.genesis.oracle.lead_ms_max);
        if observed_at > need {
            return Err(Reject::ObservationAhead { have: observed_at, need });
        }
        if let Some((last, _)) = self.words.get(&(underlying, reporter))
            && observed_at <= *last
            && !self.is_in_window(underlying, observed_at)
        {
            return Err(Reject::ObservationStale { have: observed_at, need: *last });
        }
        self.said.push((underlying, reporter, observed_at, price));
        let last = self.words.entry((underlying, reporter)).or_insert((observed_at, price));
        if observed_at > last.0 {
            *last = (observed_at, price);
        }
        Ok(())
    }

    pub(super) fn refresh_indices(&mut self) {
        let places: Vec<UnderlyingId> = self.indices.keys().copied().collect();
        self.spoken.clear();
        for underlying in places {
            let Some(price) = self.median(underlying) else { continue };
            self.spoken.insert(underlying);
            if self.indices[&underlying] != i128::from(price.micros()) {
                self.indices.insert(underlying, price.micros().into());
                self.tell(Event::IndexMoved { underlying, price });
            }
        }
    }

    fn median(&self, of: UnderlyingId) -> Option<Cash> {
        let rules = &self.genesis.oracle;
        let fresh = self.words.iter().filter(|((underlying, _), (at, _))| {
            *underlying == of && self.now.since(*at).millis() <= rules.age_ms_max
        });
        let said = fresh.map(|((_, reporter), (_, price))| (*price, rules.reporters[*reporter].weight));
        self.weighted_median(said.collect())
    }

    /// The least price that half of the weight reaches; none below the quorum.
    pub(super) fn weighted_median(&self, mut said: Vec<(Cash, u64)>) -> Option<Cash> {
        said.sort_unstable();
        let all: u64 = said.iter().map(|(_, weight)| weight).sum();
        let reaches = |price: Cash| {
            let below = said.iter().filter(|(said, _)| *said <= price);
            below.map(|(_, weight)| weight).sum::<u64>() * 2 >= all
        };
        said.iter()
            .map(|(price, _)| *price)
            .find(|price| reaches(*price))
            .filter(|_| all >= self.genesis.oracle.quorum)
    }
}
