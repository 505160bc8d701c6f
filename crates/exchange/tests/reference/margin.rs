//! Portfolio margin from nothing but positions, orders and the present valuations: every sum taken anew.

use std::collections::BTreeMap;

use exchange::{Genesis, Instrument, State};
use num::{Fix, Side};
use wire::{InstrumentId, UnderlyingId};

use super::{Holding, Resting, ceil};

const ONE: i128 = 1_000_000_000;

/// Equity and initial margin, in micros.
pub struct Judged {
    pub equity: i128,
    pub initial: i128,
}

/// What an account holds and has open.
pub struct Portfolio<'a> {
    pub balance: i128,
    pub holdings: &'a BTreeMap<InstrumentId, Holding>,
    pub orders: Vec<Resting>,
}

/// One underlying's sums.
#[derive(Default)]
struct Sums {
    positions: Vec<i128>,
    orders: Vec<i128>,
    value: i128,
    /// Net, buys and sells of each strike, and of each instrument, in billionths of the underlying.
    strikes: BTreeMap<(u64, i64), [i128; 3]>,
    instruments: BTreeMap<InstrumentId, (bool, [i128; 3])>,
}

pub fn judge(state: &State, genesis: &Genesis, it: &Portfolio<'_>) -> Judged {
    let mut all: BTreeMap<UnderlyingId, Sums> = BTreeMap::new();
    for (id, holding) in it.holdings {
        let instrument = state.instrument(*id).expect("listed");
        let sums = all.entry(instrument.underlying).or_default();
        sums.hold(instrument, holding);
    }
    for order in &it.orders {
        let instrument = state.instrument(order.instrument).expect("listed");
        let sums = all.entry(instrument.underlying).or_default();
        sums.open(state, genesis, (instrument, order));
    }
    let (mut separate, mut contingency, mut value) = (0, 0, 0);
    let mut shared: Vec<i128> = Vec::new();
    for (id, sums) in &all {
        let scenarios = sums.scenarios();
        add(&mut shared, scenarios.iter().copied());
        separate += ceil(loss(&scenarios), ONE);
        contingency += sums.contingency(state, genesis, *id);
        value += sums.value.div_euclid(ONE);
    }
    if all.len() > 1 {
        let beyond = (separate - ceil(loss(&shared), ONE)).max(0);
        separate -= beyond * i128::from(genesis.margin.correlation_billionths) / ONE;
    }
    let initial = ceil(separate * i128::from(genesis.margin.initial_billionths), ONE) + contingency;
    Judged { equity: it.balance + value, initial }
}

fn loss(scenarios: &[i128]) -> i128 {
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
    fn hold(&mut self, it: &Instrument, holding: &Holding) {
        let valuation = it.valuation.as_ref().expect("everything is marked");
        let units = holding.position * i128::from(it.market.lot_size().raw());
        add(&mut self.positions, valuation.scenarios.iter().map(|profit| units * i128::from(*profit)));
        let owed = if it.is_option() { 0 } else { holding.entry };
        self.value += units * i128::from(valuation.mark.micros()) - owed * ONE;
        self.interest(it, [units, 0, 0]);
    }

    fn open(&mut self, state: &State, genesis: &Genesis, (it, order): (&Instrument, &Resting)) {
        let valuation = it.valuation.as_ref().expect("everything is marked");
        let size = i128::from(order.lots - order.filled) * i128::from(it.market.lot_size().raw());
        let units = if order.side == Side::Buy { size } else { -size };
        let price = i128::from(order.price) * i128::from(it.market.tick_size().micros());
        let part = |of: i128, rate: i64| ceil(of * i128::from(rate), ONE);
        let index = state.underlying_of(it.underlying).and_then(|it| it.marked).expect("marked").0;
        let fees = &genesis.fees;
        let fee = if it.is_option() {
            let on_index = part(i128::from(index.micros()), fees.option_billionths);
            on_index.min(part(price, fees.option_cap_billionths))
        } else {
            part(price, fees.future_maker_billionths.max(fees.future_taker_billionths))
        };
        let at_once = units * (i128::from(valuation.mark.micros()) - price) - size * (fee + 1);
        let profits = valuation.scenarios.iter();
        add(&mut self.orders, profits.map(|profit| (units * i128::from(*profit) + at_once).min(0)));
        self.interest(it, if units > 0 { [0, size, 0] } else { [0, 0, size] });
    }

    fn interest(&mut self, it: &Instrument, more: [i128; 3]) {
        let plus = |have: &mut [i128; 3]| have.iter_mut().zip(more).for_each(|(have, more)| *have += more);
        if let exchange::name::Contract::Option { expiry, strike, .. } = it.contract {
            plus(self.strikes.entry((expiry.millis(), strike.micros())).or_default());
        }
        plus(&mut self.instruments.entry(it.id).or_insert((it.is_option(), [0; 3])).1);
    }

    fn scenarios(&self) -> Vec<i128> {
        let mut sums = self.positions.clone();
        add(&mut sums, self.orders.iter().copied());
        sums
    }

    fn contingency(&self, state: &State, genesis: &Genesis, id: UnderlyingId) -> i128 {
        let size = |[net, buys, sells]: [i128; 3]| (net + buys).abs().max((net - sells).abs());
        let short: i128 = self.strikes.values().map(|[net, _, sells]| (sells - net).max(0)).sum();
        let futures: i128 = self.instruments.values().filter(|it| !it.0).map(|it| size(it.1)).sum();
        let gross: i128 = self.instruments.values().map(|it| size(it.1)).sum();
        let (underlying, rules) = (state.underlying_of(id).expect("of genesis"), &genesis.margin);
        let index = i128::from(underlying.index.micros());
        let each = |rate: i64| ceil(index * i128::from(rate), ONE);
        let notional = ceil(index * gross, ONE);
        let doubt = (underlying.uncertainty.raw() - rules.uncertainty_free_billionths).max(0);
        let large = (notional - i128::from(rules.concentration_free_micros)).max(0);
        let units = each(rules.short_option_billionths) * short + each(rules.future_billionths) * futures;
        debug_assert_eq!(i128::from(Fix::SCALE), ONE);
        ceil(units, ONE)
            + ceil(notional * i128::from(doubt), ONE)
            + ceil(large * i128::from(rules.concentration_billionths), ONE)
    }
}
