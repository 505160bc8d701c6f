//! Protection groups, times, and markets that do not trade.

use exchange::genesis::{HaltParameters, PoolGenesis};
use num::{Duration, Fix, HOUR_MS, Lots, Side, Timestamp};
use wire::{Action, Conditions, InstrumentId, ProtectionLimits, Reject};

use super::{Row, last, told};
use crate::support::*;

const GROUP: Conditions = Conditions { protection: Some(1), ..EMPTY };
const EMPTY: Conditions = Conditions {
    trigger: None,
    rivals: None,
    self_trade: wire::SelfTrade::ExpireMaker,
    display: None,
    protection: None,
};

fn protection(group: u16, interval_ms: u64) -> Action {
    let limits = ProtectionLimits {
        interval: Duration::from_millis(interval_ms),
        frozen: Duration::from_millis(0),
        quantity: Some(Fix::from_raw(1)),
        delta: None,
        vega: None,
    };
    Action::SetProtection { group, limits: Some(limits) }
}

fn halted() -> Bench {
    let rules = HaltParameters { move_billionths: Fix::SCALE / 10, ..HaltParameters::default() };
    let mut bench = Bench::with(|genesis| genesis.halt = Some(rules)).fund();
    bench.report(0, 71_000);
    bench
}

pub const TIMES: &[Row] = &[
    ("UnknownProtection", || told(Action::ResetProtection { group: 1 })),
    ("ProtectionLimit", || {
        last(&mut Bench::funded(), 1, (0..17).map(|group| protection(group, 1_000)).collect())
    }),
    ("ProtectionFrozen", || {
        let mut bench = Bench::funded();
        bench.act(1, vec![protection(1, 1_000), with(limit(PERPETUAL, Side::Sell, 1, AT), GROUP)]);
        bench.act(2, vec![buy(PERPETUAL, 1, AT)]);
        bench.reject_of(1, with(limit(PERPETUAL, Side::Sell, 1, AT), GROUP))
    }),
    ("TimeNotAhead", || told(Action::SetSwitch { at: Some(Timestamp::from_millis(START_MS)) })),
    ("SpanZero", || told(protection(1, 0))),
];

pub const MARKETS: &[Row] = &[
    ("UnknownInstrument", || told(buy(InstrumentId(99), 1, AT))),
    ("InstrumentClosed", || {
        let mut bench = Bench::funded();
        bench.now_ms = START_MS + 8 * HOUR_MS;
        bench.reject_of(1, buy(CALL, 1, 1_000))
    }),
    ("Halted", || halted().reject_of(1, buy(PERPETUAL, 1, AT))),
    ("OtherPool", other_pool),
];

fn other_pool() -> Option<Reject> {
    let mut bench = Bench::with(|genesis| {
        genesis.pools = vec![PoolGenesis { name: "ether".to_owned(), insurance_micros: 1 }];
        genesis.underlyings[1].pool = 1;
    })
    .fund();
    bench.act(1, vec![sell(PERPETUAL, 10, AT)]);
    bench.reject_of(1, buy(InstrumentId(5), 10, 40_000))
}

/// What user 1 hides behind so much of ten lots.
pub fn showing(lots: u64) -> Action {
    with(limit(PERPETUAL, Side::Buy, 10, AT), Conditions { display: Some(Lots::new(lots)), ..EMPTY })
}
