//! What happens to exotics until they end: levels that are met, fixings that are made, what is paid at the end.
//!
//! A level is watched on the index as it is after each commit's observations, while reporters speak and the index is
//! good (`ladder`), in commits before the expiry. A delivery price at the level or beyond meets it too. Fixings of Asian
//! options are the delivery prices of days, so that they are decided by data time like every delivery.
//!
//! Invariant: a level is met once, and an event says at which price; fixings are made in the order of their days, each
//! once. An average is rounded half to even to a millionth of a USDC.

use num::{Cash, Duration, Timestamp, div_half_even};
use wire::{Event, ExoticStyle, InstrumentId, Knock, UnderlyingId};

use super::{Exotic, FIXINGS_APART, first_fixing, intrinsic, meets};
use crate::{
    instrument::{Instrument, Listing},
    ladder::Use,
    name::{Contract, Right},
    state::State,
};

impl State {
    /// Notes the levels that the index has met, and marks what that changes at once.
    pub(crate) fn watch_levels(&mut self) {
        if self.parameters.exotics.is_none() {
            return;
        }
        for place in 0..self.underlyings.len() {
            let Ok(id) = u16::try_from(place).map(UnderlyingId) else { continue };
            let underlying = self.underlying(id);
            let (index, speaks) = (underlying.index, underlying.index_at == self.time);
            if !speaks || self.check_rung(id, Use::Settle).is_err() {
                continue;
            }
            let watched = self.instruments.iter().filter(|it| it.underlying == id && it.is_open());
            let met = watched.filter(|it| !it.has_expired(self.time) && it.awaits(index));
            let met: Vec<InstrumentId> = met.map(|it| it.id).collect();
            if !met.is_empty() {
                self.touch(&met, index);
                self.mark_underlying(id);
            }
        }
    }

    /// Notes the levels of what expires that its delivery price has met.
    pub(crate) fn touch_at_delivery(&mut self, due: &[InstrumentId], price: Cash) {
        let met = due.iter().copied().filter(|id| self.instrument_at(*id).awaits(price));
        let met: Vec<InstrumentId> = met.collect();
        self.touch(&met, price);
    }

    fn touch(&mut self, met: &[InstrumentId], price: Cash) {
        for id in met {
            if let Some(life) = &mut self.instrument_mut(*id).exotic {
                life.touched = Some(price);
            }
            self.emit(Event::BarrierTouched { instrument: *id, price });
        }
    }

    /// Makes the fixings that fall on a day whose delivery price is known.
    pub(crate) fn fix_averages(&mut self, underlying: UnderlyingId, day: Timestamp, price: Cash) {
        let of = self.instruments.iter().filter(|it| it.underlying == underlying && it.fixes_at(day));
        for id in of.map(|it| it.id).collect::<Vec<_>>() {
            let Some(life) = &mut self.instrument_mut(id).exotic else { continue };
            life.fixed = life.fixed.checked_add(price).unwrap_or(life.fixed);
            life.made += 1;
            let made = life.made;
            self.emit(Event::AsianFixed { instrument: id, price, made });
        }
    }
}

impl Instrument {
    /// Whether it is a barrier option whose level was not met before and is at this price.
    fn awaits(&self, price: Cash) -> bool {
        let untouched = self.exotic.as_ref().is_some_and(|life| life.touched.is_none());
        let Some(ExoticStyle::Barrier { crossing, level, .. }) = self.style() else { return false };
        untouched && meets(price, crossing, level)
    }

    /// Whether its next fixing is at this time.
    fn fixes_at(&self, at: Timestamp) -> bool {
        let Contract::Exotic { expiry, style: ExoticStyle::Asian { fixings }, .. } = self.contract else {
            return false;
        };
        let made = self.exotic.as_ref().map_or(fixings, |life| life.made);
        let since = FIXINGS_APART.millis().saturating_mul(made.into());
        let next = first_fixing(expiry, fixings).saturating_add(Duration::from_millis(since));
        let lives = matches!(self.listing, Listing::Open | Listing::Expired);
        lives && made < fixings && next == at
    }
}

fn average(life: &Exotic) -> Option<Cash> {
    div_half_even(life.fixed.micros().into(), life.made.into()).and_then(Cash::from_i128)
}

/// What one whole unit pays at the delivery price.
pub(crate) fn payoff(it: &Instrument, price: Cash) -> Cash {
    let (Contract::Exotic { strike, right, style, .. }, Some(life)) = (it.contract, &it.exotic) else {
        return Cash::ZERO;
    };
    let pays = match right {
        Right::Call => price > strike,
        Right::Put => price < strike,
    };
    match style {
        ExoticStyle::Cash { amount } if pays => amount,
        ExoticStyle::Asset if pays => price,
        ExoticStyle::Cash { .. } | ExoticStyle::Asset => Cash::ZERO,
        ExoticStyle::American => intrinsic(right, price, strike),
        ExoticStyle::Asian { .. } => intrinsic(right, average(life).unwrap_or(price), strike),
        ExoticStyle::Barrier { knock, rebate, .. } => {
            let lives = life.touched.is_some() == (knock == Knock::In);
            if lives { intrinsic(right, price, strike) } else { rebate }
        }
    }
}
