//! Any orders of combos and of their legs: every invariant holds after every commit, every trade of a combo is whole,
//! and its legs cost what it does.
#![allow(clippy::unwrap_used, reason = "a test fails where it fails")]

mod support;

use exchange::{State, genesis::ComboParameters};
use num::{Lots, Side, Ticks};
use proptest::{prelude::*, strategy::ValueTree, test_runner::TestRunner};
use support::*;
use wire::{
    Action, Atomicity, ComboLeg, ComboMaker, ComboTrade, Conditions, Event, InstrumentId, List, NewOrder,
    PostOnly, ReduceOnly, SelfTrade, TimeInForce, TradeEvent, TradeKind,
};

const FAR_CALL: InstrumentId = InstrumentId(4);
/// Units of the legs in one unit of each combo.
const COMBOS: [&[(InstrumentId, i64)]; 4] = [
    &[(FUTURE, 1), (PERPETUAL, -1)],
    &[(CALL, 1), (PUT, -1)],
    &[(CALL, 1), (PERPETUAL, -1)],
    &[(CALL, 1), (FAR_CALL, -2), (FUTURE, 1)],
];
const LEGS: [InstrumentId; 5] = [PERPETUAL, FUTURE, CALL, PUT, FAR_CALL];

/// One order, as numbers: who, of which market, and how.
#[derive(Clone, Debug)]
struct Draw {
    user: u8,
    market: usize,
    side: Side,
    lots: u64,
    /// Ticks from the mark.
    away: i64,
    manner: u8,
}

fn draws() -> impl Strategy<Value = Vec<Draw>> {
    let side = prop_oneof![Just(Side::Buy), Just(Side::Sell)];
    let draw = (1..=4u8, 0..COMBOS.len() + LEGS.len(), side, 1..40u64, -12..12i64, 0..12u8);
    let draw = draw.prop_map(|(user, market, side, lots, away, manner)| Draw {
        user,
        market,
        side,
        lots,
        away,
        manner,
    });
    proptest::collection::vec(draw, 1..120)
}

fn create(legs: &[(InstrumentId, i64)]) -> Action {
    let legs = legs.iter().map(|(instrument, ratio)| ComboLeg { instrument: *instrument, ratio: *ratio });
    Action::CreateCombo { legs: List::new(legs.collect()).unwrap() }
}

fn bench() -> (Bench, Vec<InstrumentId>) {
    let mut bench = Bench::with(|genesis| {
        genesis.combos =
            Some(ComboParameters { idle_ms: 2_000, fee_micros: 1, ..ComboParameters::default() });
        genesis.limits.position_lots_max = 400;
    })
    .fund();
    let first = bench.state.instruments().len();
    bench.act(1, COMBOS.map(create).to_vec());
    let combos = bench.state.instruments().iter().skip(first).map(|it| it.id).collect();
    (bench, combos)
}

fn action(state: &State, id: InstrumentId, draw: &Draw) -> Action {
    let it = state.instrument(id).unwrap();
    let mark = it.mark().map_or(0, |mark| mark.micros() / it.market.tick_size().micros());
    let mut order = limit(id, draw.side, draw.lots, mark + draw.away);
    let mut conditions = Conditions::default();
    match draw.manner {
        0 => order.time_in_force = TimeInForce::ImmediateOrCancel,
        1 => order.time_in_force = TimeInForce::FillOrKill,
        2 => order.post_only = PostOnly::Reprice,
        3 => order.post_only = PostOnly::Reject,
        4 => order.reduce_only = ReduceOnly::On,
        5 => conditions.display = Some(Lots::new(draw.lots.div_ceil(3))),
        6 => conditions.self_trade = SelfTrade::ExpireTaker,
        7 => conditions.rivals = Some(1),
        8 => return Action::CancelAll { instrument: Some(id) },
        9 => order = NewOrder { kind: wire::OrderKind::Market, ..order },
        _ => {}
    }
    with(order, conditions)
}

/// What follows a trade of a combo: its legs' trades, up to the next combo's.
fn legs_of<'a>(state: &State, trade: &ComboTrade, events: &'a [Event]) -> Vec<&'a TradeEvent> {
    let trades = events.iter().filter_map(|event| match event {
        Event::Traded { trade } if trade.kind == TradeKind::Combo => Some(trade),
        _ => None,
    });
    let legs = &state.instrument(trade.instrument).unwrap().combo.as_ref().unwrap().legs;
    let mut left: Vec<(InstrumentId, u64)> =
        legs.iter().map(|leg| (leg.instrument, leg.lots_each * trade.lots.get())).collect();
    let mut found = Vec::new();
    for leg in trades {
        if left.iter().all(|(_, lots)| *lots == 0) {
            break;
        }
        let place = left.iter().position(|(id, _)| *id == leg.instrument).unwrap();
        left[place].1 -= leg.lots.get();
        found.push(leg);
    }
    assert!(left.iter().all(|(_, lots)| *lots == 0), "every leg whole: {left:?}");
    found
}

/// Micros times billionths that a side pays at a price.
fn cost(state: &State, id: InstrumentId, (side, lots, price): (Side, Lots, Ticks)) -> i128 {
    let market = state.instrument(id).unwrap().market;
    let units = i128::from(lots.get()) * i128::from(market.lot_size().raw());
    i128::from(side.sign()) * i128::from(market.price(price).unwrap().micros()) * units
}

fn check_trades(state: &State, events: &[Event]) {
    for (place, event) in events.iter().enumerate() {
        let Event::ComboTraded { trade } = event else { continue };
        let legs = legs_of(state, trade, &events[place + 1..]);
        let paid: i128 =
            legs.iter().map(|leg| cost(state, leg.instrument, (leg.taker_side, leg.lots, leg.price))).sum();
        let told = cost(state, trade.instrument, (trade.taker_side, trade.lots, trade.price));
        let tick = cost(state, trade.instrument, (Side::Buy, trade.lots, Ticks::new(1)));
        match trade.maker {
            ComboMaker::Order { account, .. } => {
                assert_eq!(paid, told, "legs add up to the combo");
                assert_ne!(account, trade.taker);
            }
            ComboMaker::Legs => assert!(paid <= told && told < paid + tick, "rounded against the taker"),
        }
        let fees: i64 = legs.iter().map(|leg| leg.taker_fee.micros()).sum();
        assert_eq!(fees, trade.taker_fee.micros());
        assert!(legs.iter().all(|leg| leg.price > Ticks::new(0) && leg.taker == trade.taker));
    }
}

/// Plays orders, three a commit, with a new index now and then; every commit is checked.
fn play(draws: &[Draw], index: i64) -> Bench {
    let (mut bench, combos) = bench();
    assert_eq!(combos.len(), COMBOS.len());
    let markets: Vec<InstrumentId> = combos.into_iter().chain(LEGS).collect();
    for (turn, draws) in draws.chunks(3).enumerate() {
        let actions = draws.iter().map(|it| (it.user, action(&bench.state, markets[it.market], it)));
        let actions: Vec<(u8, Action)> = actions.collect();
        let atomicity = if turn % 4 == 3 { Atomicity::AllOrNothing } else { Atomicity::Independent };
        let intents = actions.into_iter().map(|(user, it)| bench.intent_of(user, vec![it], atomicity));
        let intents = intents.collect();
        let events = bench.commit(intents);
        check_trades(&bench.state, &events);
        if turn % 7 == 6 {
            bench.report(0, index + i64::try_from(turn).unwrap());
        }
    }
    bench
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn combos_and_legs_keep_every_invariant(draws in draws(), index in 63_000..65_000i64) {
        let bench = play(&draws, index);
        let mut bytes = Vec::new();
        bench.state.save(&mut bytes);
        let mut genesis = genesis();
        genesis.combos = bench.state.parameters().combos;
        genesis.limits.position_lots_max = 400;
        let read = State::load(&genesis, network(), &mut exchange::Input::new(&bytes)).unwrap();
        let mut again = Vec::new();
        read.save(&mut again);
        prop_assert_eq!(bytes, again);
    }
}

#[test]
fn what_is_drawn_trades_with_combos_and_with_legs() {
    let mut runner = TestRunner::deterministic();
    let mut traded = [0, 0];
    for _ in 0..12 {
        let drawn = draws().new_tree(&mut runner).unwrap().current();
        for event in play(&drawn, 64_100).events {
            match event {
                Event::ComboTraded { trade } if trade.maker == ComboMaker::Legs => traded[1] += 1,
                Event::ComboTraded { .. } => traded[0] += 1,
                _ => {}
            }
        }
    }
    assert!(traded.iter().all(|count| *count >= 10), "{traded:?}");
}
