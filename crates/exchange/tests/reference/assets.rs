//! What is traded: an instrument, or several of one underlying in fixed ratios. What an instrument is and is worth comes
//! from the exchange; a combo is the sum of its legs.

use exchange::Instrument;
use num::{Cash, Fix};
use wire::{ContractKind, InstrumentId, Reject, UnderlyingId};

use super::{Marks, Reference, ceil};

/// A part of an asset: so many units for one of the whole, and so many lots for one lot.
#[derive(Clone, Copy)]
pub(super) struct Leg<'a> {
    pub it: &'a Instrument,
    pub ratio: i128,
    pub each: u64,
}

pub(super) struct Asset<'a> {
    pub id: InstrumentId,
    pub underlying: UnderlyingId,
    /// In micros, and in billionths of the underlying.
    pub tick: i128,
    pub lot: i128,
    pub is_combo: bool,
    pub legs: Vec<Leg<'a>>,
}

/// Legs of a combo in the order of their contracts, with their ratios.
pub(super) type Ratios = Vec<(InstrumentId, i64)>;

fn tick(it: &Instrument) -> i128 {
    it.market.tick_size().micros().into()
}

fn lot(it: &Instrument) -> i128 {
    it.market.lot_size().raw().into()
}

/// The least that is a whole number of each.
fn least_multiple(sizes: impl Iterator<Item = i128> + Clone) -> i128 {
    let largest = sizes.clone().max().expect("it has legs");
    let is_whole = |of: &i128| sizes.clone().all(|size| of % size == 0);
    (1..).map(|times| times * largest).find(is_whole).expect("their product is one")
}

impl Reference {
    /// What there is by now, without combos.
    pub(super) fn listed<'a>(&self, state: &'a Marks) -> impl Iterator<Item = &'a Instrument> + use<'a> {
        let next = self.listings.next;
        state.instruments().iter().filter(move |it| it.id.0 < next && it.combo.is_none())
    }

    pub(super) fn asset<'a>(&self, state: &'a Marks, have: InstrumentId) -> Result<Asset<'a>, Reject> {
        if have.0 >= self.listings.next {
            return Err(Reject::UnknownInstrument { have });
        }
        let Some(ratios) = self.combos.get(&have) else {
            let it = state.instrument(have).filter(|it| it.combo.is_none());
            let it = it.ok_or(Reject::UnknownInstrument { have })?;
            let (underlying, legs) = (it.underlying, vec![Leg { it, ratio: 1, each: 1 }]);
            return Ok(Asset { id: have, underlying, tick: tick(it), lot: lot(it), is_combo: false, legs });
        };
        let legs: Vec<(&Instrument, i64)> =
            ratios.iter().map(|(id, ratio)| (state.instrument(*id).expect("listed"), *ratio)).collect();
        let lot_size = least_multiple(legs.iter().map(|(it, _)| lot(it)));
        let tick_size = least_multiple(legs.iter().map(|(it, _)| tick(it)));
        let each = |it: &Instrument, ratio: i64| {
            u64::try_from(lot_size / lot(it) * i128::from(ratio.abs())).expect("a test's lots fit")
        };
        let leg =
            |(it, ratio): &(&'a Instrument, i64)| Leg { it, ratio: (*ratio).into(), each: each(it, *ratio) };
        Ok(Asset {
            id: have,
            underlying: legs[0].0.underlying,
            tick: tick_size,
            lot: lot_size,
            is_combo: true,
            legs: legs.iter().map(leg).collect(),
        })
    }
}

impl<'a> Asset<'a> {
    /// The instrument itself; a combo has none.
    pub(super) fn alone(&self) -> Option<&'a Instrument> {
        (!self.is_combo).then(|| self.legs[0].it)
    }

    pub(super) fn kind(&self) -> ContractKind {
        self.alone().map_or(ContractKind::Combo, Instrument::kind)
    }

    fn sum(&self, of: impl Fn(&Instrument) -> i128) -> i128 {
        self.legs.iter().map(|leg| leg.ratio * of(leg.it)).sum()
    }

    /// What was listed just now has no marks yet.
    pub(super) fn check_marked(&self) -> Result<(), Reject> {
        let is_marked = self.legs.iter().all(|leg| leg.it.valuation.is_some());
        if is_marked { Ok(()) } else { Err(Reject::NoMark { have: self.id }) }
    }

    /// In micros for one unit.
    pub(super) fn mark(&self) -> i128 {
        self.sum(|it| it.mark().map_or(0, Cash::micros).into())
    }

    /// Profit of one unit in each scenario, in micros.
    pub(super) fn profits(&self) -> Vec<i128> {
        let mut sums: Vec<i128> = Vec::new();
        for leg in &self.legs {
            let scenarios = &leg.it.valuation.as_ref().expect("everything is marked").scenarios;
            sums.resize(scenarios.len(), 0);
            sums.iter_mut()
                .zip(scenarios.iter())
                .for_each(|(sum, each)| *sum += leg.ratio * i128::from(*each));
        }
        sums
    }

    /// What the standard model asks for one unit, short where `units` are.
    pub(super) fn standard(&self, units: i128) -> i128 {
        let each = |leg: &Leg<'_>| {
            let standard = leg.it.valuation.as_ref().expect("everything is marked").standard;
            let each = if leg.ratio * units < 0 { standard.short } else { standard.long };
            leg.ratio.abs() * i128::from(each)
        };
        self.legs.iter().map(each).sum()
    }

    /// Delta and vega of one unit.
    pub(super) fn greeks(&self) -> [i128; 2] {
        let of = |greek: fn(&exchange::Greeks) -> Fix| {
            self.sum(|it| greek(&it.valuation.as_ref().expect("everything is marked").greeks).raw().into())
        };
        [of(|greeks| greeks.delta), of(|greeks| greeks.vega)]
    }
}

/// Prices between two ends, both included, in whole ticks.
pub(super) fn in_ticks((low, high): (i128, i128), tick: i128) -> (i64, i64) {
    let ticks = |ticks: i128| i64::try_from(ticks).unwrap_or(i64::MAX);
    (ticks(ceil(low, tick)), ticks(high.div_euclid(tick)))
}
