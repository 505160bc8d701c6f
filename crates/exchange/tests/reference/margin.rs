//! Margin from nothing but positions, orders and the present valuations: every sum taken anew.

use std::collections::BTreeMap;

use exchange::{Genesis, Instrument, name::Contract};
use num::Side;
use wire::{AccountId, InstrumentId, MarginModel, UnderlyingId};

use super::{
    Holding, Marks, ONE, Reference, Resting,
    assets::{Asset, Leg},
    ceil,
};

/// Equity, initial and maintenance margin, in micros.
pub(super) struct Judged {
    pub equity: i128,
    pub initial: i128,
    pub maintenance: i128,
}

/// What some of the state means for margin.
#[derive(Clone, Copy)]
struct Surroundings<'a> {
    state: &'a Marks,
    genesis: &'a Genesis,
    index: i128,
    underlying: UnderlyingId,
}

/// One underlying's sums.
#[derive(Default)]
struct Sums {
    positions: Vec<i128>,
    orders: Vec<i128>,
    value: i128,
    standard: i128,
    /// Net, buys and sells of each strike, and of each instrument, in billionths of the underlying.
    strikes: BTreeMap<(u64, i64), [i128; 3]>,
    /// Exotics net with nothing.
    exotics: BTreeMap<InstrumentId, [i128; 3]>,
    instruments: BTreeMap<InstrumentId, (bool, [i128; 3])>,
}

impl Reference {
    /// An account with some orders more and some less.
    pub(super) fn judge(
        &self,
        state: &Marks,
        account: AccountId,
        (more, less): (&[Resting], &[u64]),
    ) -> Judged {
        let holder = &self.holders[&account];
        let mut all: BTreeMap<UnderlyingId, Sums> = BTreeMap::new();
        let at = |underlying: UnderlyingId| Surroundings {
            state,
            genesis: &self.genesis,
            index: self.indices[&underlying],
            underlying,
        };
        for (id, holding) in &holder.holdings {
            let it = self.asset(state, *id).expect("listed");
            all.entry(it.underlying).or_default().hold(&it, holding);
        }
        let mine = self.orders.iter().filter(|it| it.account == account && !less.contains(&it.id));
        for order in mine.chain(more) {
            let it = self.asset(state, order.instrument).expect("listed");
            all.entry(it.underlying).or_default().open(at(it.underlying), (&it, order));
        }
        let (mut loss, mut contingency, mut value) = (0, 0, 0);
        let mut shared: Vec<i128> = Vec::new();
        for (id, sums) in &all {
            let scenarios = sums.scenarios();
            add(&mut shared, scenarios.iter().copied());
            loss += match holder.model {
                MarginModel::Portfolio => ceil(worst(&scenarios), ONE),
                MarginModel::Standard => ceil(sums.standard, ONE),
            };
            contingency += sums.contingency(at(*id), holder.model);
            value += sums.value.div_euclid(ONE);
        }
        if all.len() > 1 && holder.model == MarginModel::Portfolio {
            let beyond = (loss - ceil(worst(&shared), ONE)).max(0);
            loss -= beyond * i128::from(self.genesis.margin.correlation_billionths) / ONE;
        }
        let initial = ceil(loss * i128::from(self.genesis.margin.initial_billionths), ONE) + contingency;
        Judged { equity: holder.balance + value, initial, maintenance: loss + contingency }
    }
}

fn worst(scenarios: &[i128]) -> i128 {
    -scenarios.iter().copied().min().unwrap_or(0).min(0)
}

fn add(sums: &mut Vec<i128>, more: impl Iterator<Item = i128>) {
    for (place, more) in more.enumerate() {
        if sums.len() <= place {
            sums.push(0);
        }
        sums[place] += more;
    }
}

impl Sums {
    fn hold(&mut self, it: &Asset<'_>, holding: &Holding) {
        let units = holding.position * it.lot;
        add(&mut self.positions, it.profits().into_iter().map(|profit| units * profit));
        let owed = if it.legs[0].it.is_option() { 0 } else { holding.entry };
        self.value += units * it.mark() - owed * ONE;
        self.standard += units.abs() * it.standard(units);
        self.interest(it.legs[0].it, [units, 0, 0]);
    }

    fn open(&mut self, at: Surroundings<'_>, (it, order): (&Asset<'_>, &Resting)) {
        let size = i128::from(order.left()) * it.lot;
        let units = if order.side == Side::Buy { size } else { -size };
        let price = i128::from(order.price) * it.tick;
        let fee = at.largest_fee(it, price);
        let at_once = units * (it.mark() - price) - size * fee;
        let profits = it.profits().into_iter();
        add(&mut self.orders, profits.map(|profit| (units * profit + at_once).min(0)));
        self.standard += size * it.standard(units) + (-at_once).max(0);
        for leg in &it.legs {
            let units = units * leg.ratio;
            self.interest(leg.it, if units > 0 { [0, units, 0] } else { [0, 0, -units] });
        }
    }

    fn interest(&mut self, it: &Instrument, more: [i128; 3]) {
        let plus = |have: &mut [i128; 3]| have.iter_mut().zip(more).for_each(|(have, more)| *have += more);
        if let Contract::Option { expiry, strike, .. } = it.contract {
            plus(self.strikes.entry((expiry.millis(), strike.micros())).or_default());
        }
        if matches!(it.contract, Contract::Exotic { .. }) {
            plus(self.exotics.entry(it.id).or_default());
        }
        plus(&mut self.instruments.entry(it.id).or_insert((it.is_option(), [0; 3])).1);
    }

    fn scenarios(&self) -> Vec<i128> {
        let mut sums = self.positions.clone();
        add(&mut sums, self.orders.iter().copied());
        sums
    }

    /// Naked shorts and basis, which the standard model asks for by itself; doubt and size.
    fn contingency(&self, at: Surroundings<'_>, model: MarginModel) -> i128 {
        let size = |[net, buys, sells]: [i128; 3]| (net + buys).abs().max((net - sells).abs());
        let options = self.strikes.values().chain(self.exotics.values());
        let short: i128 = options.map(|[net, _, sells]| (sells - net).max(0)).sum();
        let futures: i128 = self.instruments.values().filter(|it| !it.0).map(|it| size(it.1)).sum();
        let gross: i128 = self.instruments.values().map(|it| size(it.1)).sum();
        let rules = &at.genesis.margin;
        let uncertainty = at.state.underlying_of(at.underlying).expect("of genesis").uncertainty;
        let each = |rate: i64| ceil(at.index * i128::from(rate), ONE);
        let notional = ceil(at.index * gross, ONE);
        let doubt = (uncertainty.raw() - rules.uncertainty_free_billionths).max(0);
        let large = (notional - i128::from(rules.concentration_free_micros)).max(0);
        let units = each(rules.short_option_billionths) * short + each(rules.future_billionths) * futures;
        let asked = match model {
            MarginModel::Portfolio => ceil(units, ONE),
            MarginModel::Standard => 0,
        };
        asked
            + ceil(notional * i128::from(doubt), ONE)
            + ceil(large * i128::from(rules.concentration_billionths), ONE)
    }
}

impl Surroundings<'_> {
    /// The largest fee of a unit at a price; of a combo, that of its legs at the ends of their bands.
    fn largest_fee(&self, it: &Asset<'_>, price: i128) -> i128 {
        let marked = self.state.underlying_of(self.underlying).and_then(|it| it.marked).expect("marked").0;
        let marked = i128::from(marked.micros());
        let width = ceil(marked * i128::from(self.genesis.limits.price_band_billionths), ONE);
        let of_leg = |leg: &Leg<'_>| {
            let mark = i128::from(leg.it.mark().map_or(0, num::Cash::micros));
            leg.ratio.abs() * leg_fee(self.genesis, leg.it, (mark + width, marked))
        };
        match it.alone() {
            Some(alone) => leg_fee(self.genesis, alone, (price, marked)),
            None => it.legs.iter().map(of_leg).sum(),
        }
    }
}

/// The largest fee of a unit of an instrument at a price; each lot may round up by a micro.
pub(super) fn leg_fee(genesis: &Genesis, it: &Instrument, (price, marked): (i128, i128)) -> i128 {
    let part = |of: i128, rate: i64| ceil(of * i128::from(rate), ONE);
    let fees = &genesis.fees;
    if !it.is_option() {
        return part(price, fees.future_maker_billionths.max(fees.future_taker_billionths)) + 1;
    }
    let on_index = part(marked, fees.option_billionths);
    on_index.min(part(price, fees.option_cap_billionths)) + 1
}
