//! Index and marks: what everything is worth at the moment, and the margin sums that follow.
//!
//! Futures and options are on the forward of their expiry: the index times a ratio. Options are marked by Black-76 on
//! the smile of their expiry. Genesis states the first ratios and smiles; both follow what is quoted (`smiles`).
//!
//! Invariant: marks change only here, and when they do every margin sum of the underlying is made anew. They
//! change when the index has moved by a parameter or a period of data time has passed: a rule, not a timer.

use std::sync::OnceLock;

use num::{Cash, Fix, Rounding, Side, Ticks, Timestamp};
use pricing::{Exposure, Quote, Slice};
use wire::{Event, InstrumentId, UnderlyingId};

use crate::{
    exotic,
    genesis::MarginParameters,
    instrument::{Greeks, Instrument, Valuation},
    ledger::AccountIndex,
    margin::{NarrowSums, OpenOrder},
    name::{Contract, Right},
    risk::{Grid, time_to},
    state::{State, Underlying},
};

/// The highest volatility that an order may name: 10,000 %.
const VOLATILITY_MAX: Fix = Fix::from_raw(100 * Fix::SCALE);

impl State {
    /// Takes the oracle's word for every underlying.
    pub(crate) fn refresh_indices(&mut self) {
        for place in 0..self.underlyings.len() {
            let Ok(id) = u16::try_from(place).map(UnderlyingId) else { continue };
            let Some(price) = self.oracle.index(id, self.time) else { continue };
            let now = self.time;
            let underlying = self.underlying_mut(id);
            underlying.index_at = now;
            if underlying.index != price {
                underlying.index = price;
                self.lift_ceilings();
                self.emit(Event::IndexMoved { underlying: id, price });
            }
        }
    }

    /// Makes marks anew where it is time.
    pub(crate) fn refresh_marks(&mut self) {
        for place in 0..self.underlyings.len() {
            let Ok(id) = u16::try_from(place).map(UnderlyingId) else { continue };
            if self.is_mark_due(id) {
                self.follow_quotes(id);
                self.mark_underlying(id);
            }
        }
    }

    fn is_mark_due(&self, id: UnderlyingId) -> bool {
        let underlying = self.underlying(id);
        let Some((marked, at)) = underlying.marked else { return true };
        let moved = i128::from(underlying.index.micros()) - i128::from(marked.micros());
        let rules = &self.parameters.marks;
        let enough = i128::from(marked.micros()) * i128::from(rules.move_billionths) / i128::from(Fix::SCALE);
        let doubt = (self.present_uncertainty(id).raw() - underlying.uncertainty.raw()).abs();
        moved.abs() > enough
            || doubt > rules.move_billionths
            || self.time.since(at).millis() >= rules.period_ms
    }

    /// How far reporters are apart now; what it was while too few speak.
    fn present_uncertainty(&self, id: UnderlyingId) -> Fix {
        let underlying = self.underlying(id);
        let Some(spread) = self.oracle.spread(id, self.time) else { return underlying.uncertainty };
        Fix::ratio(spread.micros(), underlying.index.micros(), Rounding::Ceil).unwrap_or(Fix::ONE)
    }

    pub(crate) fn mark_underlying(&mut self, id: UnderlyingId) {
        let underlying = self.underlying(id);
        let (index, now) = (underlying.index, self.time);
        let smiles: Vec<(Timestamp, Option<Slice>)> = underlying.surfaces.iter().map(smile).collect();
        let rules = (self.parameters.grid_of(&underlying.symbol), &self.parameters.margin);
        let mut valuations: Vec<(InstrumentId, Option<Valuation>)> = Vec::new();
        let mut are_same = true;
        for it in self.instruments.iter().filter(|it| it.underlying == id && it.is_open() && !it.is_combo()) {
            let forward = forward(it, underlying);
            let value = |forward| value(it, (index, forward), &smiles, (now, rules));
            valuations.push((it.id, forward.and_then(value)));
        }
        for (id, valuation) in valuations {
            let place = usize::try_from(id.0).unwrap_or(usize::MAX);
            if let Some(it) = self.instruments.get_mut(place) {
                are_same &= it.valuation.is_some() == valuation.is_some();
                it.valuation = valuation;
            }
        }
        let uncertainty = self.present_uncertainty(id);
        let underlying = self.underlying_mut(id);
        (underlying.marked, underlying.uncertainty) = (Some((index, now)), uncertainty);
        are_same &= self.mark_combos(id);
        self.lift_ceilings();
        if !are_same {
            // What has a value now has none in the sums.
            self.accounts.iter_mut().for_each(|holder| holder.risks = OnceLock::new());
        }
        self.revalue(id);
    }

    /// Makes those margin sums anew that depend on marks, of whom they are kept: what is counted is the same as before,
    /// so that its units stay. Everybody who has something is looked at again.
    fn revalue(&mut self, underlying: UnderlyingId) {
        let at = self.underlying(underlying).marked.map_or(Cash::ZERO, |(index, _)| index);
        let instruments = &self.instruments;
        let mut narrow = NarrowSums::of(instruments, self.parameters.grid.len());
        let find = |id: InstrumentId| {
            let it = instruments.get(usize::try_from(id.0).unwrap_or(usize::MAX));
            it.filter(|it| it.underlying == underlying)
        };
        let mut concerned: Vec<AccountIndex> = Vec::with_capacity(self.accounts.len());
        for (account, holder) in (0..).zip(&mut self.accounts) {
            if holder.holdings.is_empty() && holder.orders.is_empty() {
                continue;
            }
            concerned.push(account);
            let Some(risk) = holder.risks.get_mut().and_then(|risks| risks.get_mut(&underlying)) else {
                continue;
            };
            risk.forget_values();
            let held = holder.holdings.iter().filter_map(|(id, held)| Some((find(*id)?, held)));
            risk.add_values(held.map(|(it, held)| (it, held.position, held.cost(it))), &mut narrow);
            let orders = holder.orders.iter().filter_map(|id| self.orders.get(id));
            for (it, order) in orders.filter_map(|order| Some((find(order.instrument)?, order))) {
                let open = OpenOrder::of(
                    it,
                    (order.side, order.remaining(), order.price),
                    (&self.parameters.fees, at),
                );
                risk.add_order_value(it, &open, 1);
            }
        }
        self.liquidations.watch_all(concerned);
    }
}

pub(crate) fn smile(surface: &crate::genesis::Surface) -> (Timestamp, Option<Slice>) {
    let nodes: Vec<(Cash, Fix)> = surface
        .nodes
        .iter()
        .map(|node| (Cash::from_micros(node.strike_micros), Fix::from_raw(node.volatility_billionths)))
        .collect();
    (Timestamp::from_millis(surface.expiry_ms), Slice::new(&nodes).ok())
}

/// What an instrument is worth at an index, on a forward of its expiry.
pub(crate) fn value(
    it: &Instrument,
    (index, forward): (Cash, Cash),
    smiles: &[(Timestamp, Option<Slice>)],
    (now, (grid, margin)): (Timestamp, (&Grid, &MarginParameters)),
) -> Option<Valuation> {
    let smile = |expiry: Timestamp| smiles.iter().find(|(of, _)| *of == expiry)?.1.as_ref();
    if let Contract::Exotic { expiry, .. } = it.contract {
        let smile = smile(expiry)?;
        return exotic::value(it, &exotic::Surroundings { index, forward, smile, now, grid, margin });
    }
    let Contract::Option { expiry, strike, right } = it.contract else {
        return Some(Valuation {
            mark: forward,
            forward,
            volatility: None,
            greeks: Greeks { delta: Fix::ONE, ..Greeks::default() },
            standard: margin.standard_future(forward),
            scenarios: grid.profits(&Exposure::linear(forward)),
        });
    };
    let volatility = smile(expiry)?.volatility(strike);
    let quote = Quote { right: priced(right), forward, strike, time: time_to(expiry, now), volatility };
    let (mark, [delta, gamma, vega, theta, rho]) = pricing::quote(&quote);
    let greeks = Greeks { delta, gamma, vega, theta, rho };
    Some(Valuation {
        mark,
        forward,
        volatility: Some(volatility),
        greeks,
        standard: margin.standard_option((right, strike), (index, mark)),
        scenarios: grid.profits(&Exposure::option(&quote)),
    })
}

impl State {
    /// What an option costs at a volatility, at the forward of the present mark, in ticks away from trading;
    /// `None` where there is no such price.
    pub(crate) fn price_at_volatility(&self, it: &Instrument, side: Side, volatility: Fix) -> Option<Ticks> {
        let Contract::Option { expiry, strike, right } = it.contract else { return None };
        let forward = it.valuation.as_ref()?.forward;
        if volatility <= Fix::ZERO || volatility > VOLATILITY_MAX {
            return None;
        }
        let time = time_to(expiry, self.time);
        let quote = Quote { right: priced(right), forward, strike, time, volatility };
        let rounding = if side == Side::Buy { Rounding::Floor } else { Rounding::Ceil };
        it.market.ticks(pricing::quote(&quote).0, rounding)
    }
}

pub(crate) const fn priced(right: Right) -> pricing::Right {
    match right {
        Right::Call => pricing::Right::Call,
        Right::Put => pricing::Right::Put,
    }
}

/// The index times a ratio: one and the premium of a perpetual, that of the expiry for the rest, one where none
/// is stated.
pub(crate) fn forward(it: &Instrument, underlying: &Underlying) -> Option<Cash> {
    let expiry = match it.contract.expiry() {
        None => return underlying.index.scale(Fix::ONE.checked_add(it.funding.premium)?, Rounding::HalfEven),
        Some(expiry) => expiry,
    };
    let surface = underlying.surfaces.iter().find(|surface| surface.expiry_ms == expiry.millis());
    let ratio = surface.map_or(Fix::ONE, |surface| Fix::from_raw(surface.forward_billionths));
    underlying.index.scale(ratio, Rounding::HalfEven)
}
