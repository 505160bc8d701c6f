//! Pools are isolated: what fails in one is not paid by another.

mod support;

use exchange::genesis::PoolGenesis;
use num::Cash;
use support::*;
use wire::{Action, InstrumentId, Reject};

const ETH: InstrumentId = InstrumentId(5);

/// BTC with a fund of a million in pool 0, ETH with one of seven USDC in pool 1.
fn bench() -> Bench {
    Bench::with(|genesis| {
        genesis.pools = vec![PoolGenesis { name: "ether".to_owned(), insurance_micros: usdc(7).micros() }];
        genesis.underlyings[1].pool = 1;
    })
    .fund()
}

#[test]
fn an_account_trades_in_one_pool_at_a_time() {
    let mut bench = bench();
    bench.act(1, vec![sell(PERPETUAL, 10, AT)]);
    let other = Reject::OtherPool { have: 0, need: 1 };
    assert_eq!(bench.reject_of(1, buy(ETH, 10, 40_000)), Some(other.clone()));
    let quote = Action::Quote {
        instrument: ETH,
        protection: None,
        bid: Some(wire::QuoteSide { price: num::Ticks::new(39_000), lots: num::Lots::new(1) }),
        ask: None,
    };
    assert_eq!(bench.reject_of(1, quote), Some(other));
    bench.act(1, vec![Action::CancelAll { instrument: None }]);
    assert_eq!(bench.reject_of(1, buy(ETH, 10, 40_000)), None, "with nothing in a pool it may enter another");
    assert_eq!(bench.reject_of(1, sell(PERPETUAL, 10, AT)), Some(Reject::OtherPool { have: 1, need: 0 }));
}

#[test]
fn a_failure_in_one_pool_reaches_neither_the_fund_nor_the_collateral_of_another() {
    let mut bench = bench();
    bench.act(3, vec![sell(PERPETUAL, 100, AT)]);
    bench.act(4, vec![buy(PERPETUAL, 100, AT)]);
    bench.act(1, vec![sell(ETH, 200_000, 40_000)]);
    bench.act(2, vec![buy(ETH, 200_000, 40_000)]);
    let (bitcoin, others) = (bench.state.insurance_of(0), [3, 4].map(|user| bench.balance(user)));
    // Ether falls by more than its long can pay, and nobody bids.
    for usd in [1_700, 1_400] {
        bench.now_ms += 1_000;
        bench.report(1, usd);
    }
    for _ in 0..12 {
        bench.now_ms += 10_000;
        bench.report(1, 1_400);
    }
    assert_eq!(bench.position(2, ETH), 0, "closed against the other side");
    assert_eq!(bench.state.insurance_of(1), Cash::ZERO, "ether's fund paid what it had");
    assert_eq!(bench.state.insurance_of(0), bitcoin);
    assert_eq!([3, 4].map(|user| bench.balance(user)), others);
    assert_eq!([3, 4].map(|user| bench.position(user, PERPETUAL)), [-100, 100]);
}
