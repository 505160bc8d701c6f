//! What an account must hold: orders at their worst, contingencies, offsets between underlyings, two models.

mod support;

use exchange::{Margin, Present};
use num::{Cash, Side, Timestamp};
use support::*;
use wire::{Action, MarginModel, Outcome, Reject, UnderlyingId};

fn margin(bench: &Bench, user: u8) -> Margin {
    bench.state.margin_summary(bench.state.account_index(&account(user)).expect("the user is known")).1
}

/// A bench where scenarios are all that counts, but for one change.
fn bench_with(change: impl FnOnce(&mut exchange::genesis::MarginParameters)) -> Bench {
    let bench = Bench::with(|genesis| {
        let margin = &mut genesis.margin;
        (margin.short_option_billionths, margin.future_billionths, margin.correlation_billionths) = (0, 0, 0);
        change(margin);
    });
    bench.fund()
}

#[test]
fn open_orders_count_at_the_worst_subset_of_their_fills() {
    let mut bench = bench_with(|_| ());
    let one = |bench: &mut Bench, side: Side, lots: u64| {
        bench.act(
            1,
            vec![Action::Place {
                order: limit(PERPETUAL, side, lots, if side == Side::Buy { AT } else { AT + 40 }),
            }],
        );
        margin(bench, 1).maintenance.micros()
    };
    let bid = one(&mut bench, Side::Buy, 1_000);
    let both = one(&mut bench, Side::Sell, 1_000);
    // Only one of the two can be the bad one in any scenario: 18 % of 64,000 either way, and what they cost.
    assert!((11_500_000_000..11_700_000_000).contains(&bid), "{bid}");
    assert!(both - bid < 100_000_000, "{both}");
    let more = one(&mut bench, Side::Sell, 1_000);
    assert!(more > both + 11_000_000_000, "{more}");
}

#[test]
fn naked_shorts_are_charged_by_strike_calls_and_puts_together_orders_included() {
    let charge = |actions: Vec<Action>| {
        let margins = [0, 10_000_000].map(|part| {
            let mut bench = bench_with(|margin| margin.short_option_billionths = part);
            bench.act(2, vec![buy(CALL, 2_000, 2_000), buy(PUT, 2_000, 2_000)]);
            for action in actions.clone() {
                assert_eq!(bench.reject_of(1, action), None);
            }
            margin(&bench, 1).maintenance.micros()
        });
        (margins[1] - margins[0]) / 1_000_000
    };
    // A lot is a hundredth: 1 % of 64,000 for each whole unit.
    assert_eq!(charge(vec![sell(CALL, 100, 2_000)]), 640);
    assert_eq!(charge(vec![sell(CALL, 100, 2_100)]), 640, "an order that could fill");
    assert_eq!(charge(vec![sell(CALL, 100, 2_000), sell(PUT, 100, 2_000)]), 1_280, "one strike");
}

#[test]
fn futures_are_charged_for_their_basis_at_the_larger_side() {
    let charge = |actions: Vec<Action>| {
        let margins = [0, 6_000_000].map(|part| {
            let mut bench = bench_with(|margin| margin.future_billionths = part);
            bench.act(1, actions.clone());
            margin(&bench, 1).maintenance.micros()
        });
        (margins[1] - margins[0]) / 1_000_000
    };
    assert_eq!(charge(vec![buy(PERPETUAL, 1_000, AT)]), 384);
    assert_eq!(charge(vec![buy(PERPETUAL, 1_000, AT), sell(PERPETUAL, 400, AT + 20)]), 384);
    assert_eq!(charge(vec![buy(PERPETUAL, 1_000, AT), sell(FUTURE, 1_000, AT + 900)]), 768);
}

#[test]
fn size_beyond_what_is_free_is_charged() {
    let mut bench = bench_with(|margin| {
        (margin.concentration_free_micros, margin.concentration_billionths) = (64_000_000_000, 50_000_000);
    });
    let mut free = bench_with(|margin| margin.concentration_billionths = 0);
    for (lots, charged) in [(1_000, 0), (500, 1_600)] {
        for bench in [&mut bench, &mut free] {
            bench.act(1, vec![buy(PERPETUAL, lots, AT)]);
        }
        let more = margin(&bench, 1).maintenance.micros() - margin(&free, 1).maintenance.micros();
        assert_eq!(more, charged * 1_000_000, "5 % of what is beyond one BTC");
    }
}

#[test]
fn reporters_who_do_not_agree_cost_margin_and_one_liar_does_not() {
    let mut bench = bench_with(|margin| margin.uncertainty_free_billionths = 0);
    bench.act(1, vec![buy(PERPETUAL, 1_000, AT)]);
    let mut say = |prices: [i64; 4]| {
        let observed_at = Timestamp::from_millis(bench.now_ms);
        let said = (201..=204).zip(prices).map(|(reporter, usd)| {
            let observe = Action::Observe { underlying: UnderlyingId(0), price: usdc(usd), observed_at };
            bench.intent(reporter, vec![observe])
        });
        let said = said.collect();
        bench.commit(said);
        margin(&bench, 1).maintenance.micros()
    };
    let agreed = say([64_000, 64_000, 64_000, 64_000]);
    assert_eq!(say([64_000, 64_000, 64_000, 99_000]), agreed, "one of four");
    assert_eq!(say([64_000, 64_000, 64_640, 64_640]) - agreed, 640_000_000, "1 % of the notional");
}

#[test]
fn underlyings_that_hedge_each_other_are_let_off_a_part() {
    let maintenance = |part: i64, hedge: Side| {
        let mut bench = bench_with(|margin| margin.correlation_billionths = part);
        let eth = bench.state.instrument_named("ETH_USDC-PERPETUAL").expect("genesis lists it").id;
        let it = bench.state.instrument(eth).expect("it is listed");
        let price = it.market.ticks(it.mark().unwrap(), num::Rounding::Floor).unwrap();
        bench.act(1, vec![buy(PERPETUAL, 1_000, AT)]);
        bench.act(2, vec![sell(PERPETUAL, 1_000, AT)]);
        for (user, side) in [(1, hedge), (2, hedge.opposite())] {
            let order = limit(eth, side, 1_000, price.get());
            assert_eq!(bench.reject_of(user, Action::Place { order }), None);
        }
        assert_ne!(bench.position(1, eth), 0);
        margin(&bench, 1).maintenance.micros()
    };
    let (none, half, all) = (
        maintenance(0, Side::Sell),
        maintenance(500_000_000, Side::Sell),
        maintenance(1_000_000_000, Side::Sell),
    );
    assert!(none > half && half > all, "{none} {half} {all}");
    assert!((none + all - 2 * half).abs() <= 2, "in proportion: {none} {half} {all}");
    assert_eq!(
        maintenance(0, Side::Buy),
        maintenance(1_000_000_000, Side::Buy),
        "same way, nothing is let off"
    );
}

#[test]
fn the_standard_model_margins_each_position_on_its_own() {
    let mut bench = bench_with(|_| ());
    let standard = Action::SetMarginModel { model: MarginModel::Standard };
    bench.act(1, vec![buy(PERPETUAL, 1_000, AT), sell(FUTURE, 1_000, AT + 640)]);
    bench.act(2, vec![sell(PERPETUAL, 1_000, AT), buy(FUTURE, 1_000, AT + 640)]);
    let hedged = margin(&bench, 1).maintenance;
    assert!(hedged < usdc(500), "{hedged}");
    assert_eq!(bench.act(1, vec![standard]), [Outcome::Done]);
    // 5 % of 64,000 and of 64,320, whichever way they are.
    assert_eq!(margin(&bench, 1).maintenance, usdc(3_200 + 3_216));
    assert_eq!(margin(&bench, 1).initial, Cash::from_micros(6_416_000_000 / 10 * 13));
    let option = bench.state.instrument(CALL).unwrap().clone();
    bench.act(1, vec![sell(CALL, 100, 1_000)]);
    bench.act(2, vec![buy(CALL, 100, 1_000)]);
    let short = margin(&bench, 1).maintenance.micros() - 6_416_000_000;
    let mark = option.mark().unwrap().micros();
    assert!(
        (short - mark - 9_600_000_000).abs() <= 1_000_000,
        "the mark and 15 % of the index: {short} {mark}"
    );
}

#[test]
fn a_model_that_the_equity_does_not_cover_is_refused() {
    let mut bench = bench_with(|_| ());
    let wide = 40_000;
    bench.act(1, vec![buy(PERPETUAL, wide, AT), sell(FUTURE, wide, AT + 640)]);
    bench.act(2, vec![faucet(100_000_000), sell(PERPETUAL, wide, AT), buy(FUTURE, wide, AT + 640)]);
    bench.act(2, vec![faucet(1)]);
    let before = margin(&bench, 1);
    let withdrawn = Action::Transfer { subaccount: 9, amount: usdc(700_000) };
    assert_eq!(bench.reject_of(1, withdrawn), None);
    let reject = bench.reject_of(1, Action::SetMarginModel { model: MarginModel::Standard });
    assert!(matches!(reject, Some(Reject::MarginTooLow { .. })), "{reject:?}");
    assert_eq!(margin(&bench, 1), before);
}

#[test]
fn positions_that_are_tried_on_need_what_held_ones_need() {
    let mut bench = Bench::funded();
    bench.act(2, vec![buy(CALL, 2_000, 2_000), sell(PERPETUAL, 100, AT)]);
    bench.act(1, vec![sell(CALL, 100, 2_000), buy(PERPETUAL, 100, AT)]);
    let index = bench.state.account_index(&account(1)).expect("the user is known");
    let held: Vec<_> = bench.state.holdings(index).map(|(it, held)| (it.id, held.position)).collect();
    assert_eq!(held.len(), 2);
    let (equity, margin) = bench.state.margin_summary(index);
    let tried = |present, positions: &[_]| bench.state.margin_with_positions(index, present, positions);
    assert_eq!(tried(Present::Kept, &[]), Some((equity, margin)));
    let (alone, same) = tried(Present::LeftOut, &held).expect("they have marks");
    assert_eq!((same.initial, same.maintenance), (margin.initial, margin.maintenance));
    assert_eq!(alone, bench.balance(1), "bought at their marks, they are worth what they cost");
    let closing: Vec<_> = held.iter().map(|(id, lots)| (*id, num::Position::new(-lots.get()))).collect();
    let (after, none) = tried(Present::Kept, &closing).expect("they have marks");
    assert_eq!((after, none.initial), (equity, Cash::ZERO));
    assert_eq!(tried(Present::Kept, &[(PERPETUAL, num::Position::new(i64::MAX))]), None);
    assert_eq!(tried(Present::Kept, &[(wire::InstrumentId(9_999), num::Position::new(1))]), None);
}
