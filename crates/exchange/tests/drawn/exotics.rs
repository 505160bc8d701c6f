//! Exotics that only look drawn, and exercises of them.

use num::{Cash, DAY_MS, HOUR_MS, Lots, Timestamp};
use wire::{Action, Crossing, ExoticStyle, ExoticTerms, InstrumentId, Knock, OptionRight, UnderlyingId};

use super::Drawing;
use crate::support::*;

impl Drawing<'_> {
    pub(super) fn exotics(&self) -> Vec<InstrumentId> {
        let all = self.bench.state.instruments().iter();
        all.filter(|it| it.exotic.is_some() && it.is_open()).map(|it| it.id).collect()
    }

    /// Terms near the index, mostly such as may be.
    pub(super) fn exotic(&mut self) -> Action {
        let number = if self.draw.one_in(16) { 2 } else { self.draw.below(2) };
        let underlying = UnderlyingId(u16::try_from(number).unwrap());
        let of = self.bench.state.underlying_of(underlying);
        let (index, step) = of.map_or((1, 1), |it| {
            let index = it.index.micros();
            // 1, 2 or 5 times a power of ten, mostly the one that is asked for.
            (index, if index > 50_000_000_000 { 100_000_000 } else { 2_000_000 })
        });
        let near =
            |it: &mut Self, far: i64| Cash::from_micros((index / step + it.draw.between(-far, far)) * step);
        let strike = near(self, 12);
        let morning = (self.bench.now_ms + 16 * HOUR_MS) / DAY_MS * DAY_MS + 8 * HOUR_MS;
        let expiries = of.into_iter().flat_map(|it| &it.surfaces).map(|it| it.expiry_ms);
        let expiries: Vec<u64> = expiries.filter(|it| *it > self.bench.now_ms).chain([morning]).collect();
        let expiry_ms = self.draw.of(&expiries);
        let level = near(self, 4);
        let is_ahead = level.micros() > index;
        let crossing = if is_ahead == self.draw.one_in(12) { Crossing::Falls } else { Crossing::Rises };
        let style = match self.draw.below(10) {
            0 => ExoticStyle::Asset,
            1 => ExoticStyle::Cash { amount: Cash::from_micros(self.draw.between(-1, 3_000) * 1_000_000) },
            2..5 => ExoticStyle::American,
            5..7 => {
                let days = expiry_ms.saturating_sub(morning) / DAY_MS;
                ExoticStyle::Asian { fixings: u32::try_from(days + self.draw.below(2)).unwrap() }
            }
            _ => ExoticStyle::Barrier {
                crossing,
                knock: self.draw.of(&[Knock::In, Knock::Out]),
                level,
                rebate: Cash::from_micros(self.draw.between(0, 3) * 5_000_000),
            },
        };
        let right = self.draw.of(&[OptionRight::Call, OptionRight::Put]);
        let expiry = Timestamp::from_millis(expiry_ms);
        Action::CreateExotic { terms: ExoticTerms { underlying, expiry, strike, right, style } }
    }

    /// Of something that the user holds; an offer where there is nothing.
    pub(super) fn exercise(&mut self) -> Action {
        let state = &self.bench.state;
        let index = state.account_index(&account(self.user));
        let held = index.into_iter().flat_map(|index| state.holdings(index));
        let held: Vec<(InstrumentId, i64)> = held
            .filter(|(it, held)| it.exotic.is_some() && held.position.get() > 0)
            .map(|(it, held)| (it.id, held.position.get()))
            .collect();
        if held.is_empty() {
            return self.block();
        }
        let (instrument, most) = self.draw.of(&held);
        Action::Exercise { instrument, lots: Lots::new(self.draw.below(u64::try_from(most).unwrap() + 2)) }
    }
}
