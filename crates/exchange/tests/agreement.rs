//! The exchange and its slow reference say the same, event by event, whatever users ask for.
//!
//! `CLOCKLESS_INTENTS=1000000 cargo test --release -p clockless-exchange --test agreement` compares a million.

#![allow(clippy::unwrap_used, reason = "a test fails where it fails")]

mod reference;
mod support;

use num::{Cash, Lots, Side, Ticks};
use reference::Reference;
use support::*;
use wire::{
    Action, Event, InstrumentId, NewOrder, OrderId, OrderKind, OrderTarget, PostOnly, ReduceOnly, TimeInForce,
};

/// Intents compared where nothing else is asked for, and those of one run before all begins anew.
const INTENTS: u64 = 3_000;
const INTENTS_OF_A_RUN: u64 = 600;

/// Numbers that only look drawn.
struct Draw(u64);

impl Draw {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }

    fn between(&mut self, low: i64, high: i64) -> i64 {
        low + i64::try_from(self.below(high.abs_diff(low) + 1)).unwrap()
    }
}

/// Near the mark mostly, so that orders meet; sometimes where no order may be.
fn price(bench: &Bench, id: InstrumentId, draw: &mut Draw) -> Ticks {
    let mark = bench.state.instrument(id).and_then(|it| it.market.ticks(it.mark()?, num::Rounding::Floor));
    let mark = mark.map_or(100, Ticks::get);
    let away = match draw.below(20) {
        0 => draw.between(-200_000, 200_000),
        1..4 => draw.between(-3_000, 3_000),
        _ => draw.between(-4, 4),
    };
    Ticks::new(mark + away)
}

fn order(bench: &Bench, draw: &mut Draw) -> NewOrder {
    let instrument = InstrumentId(u32::try_from(draw.below(8)).unwrap());
    let lots = match draw.below(12) {
        0 => 0,
        1 => draw.below(2_000_000),
        2..5 => draw.below(3_000),
        _ => 1 + draw.below(60),
    };
    let price = price(bench, instrument, draw);
    NewOrder {
        instrument,
        side: if draw.below(2) == 0 { Side::Buy } else { Side::Sell },
        lots: Lots::new(lots),
        kind: if draw.below(12) == 0 { OrderKind::Market } else { OrderKind::Limit { price } },
        time_in_force: match draw.below(8) {
            0 => TimeInForce::ImmediateOrCancel,
            1 => TimeInForce::FillOrKill,
            _ => TimeInForce::GoodTilCancelled,
        },
        post_only: match draw.below(8) {
            0 => PostOnly::Reject,
            1 => PostOnly::Reprice,
            _ => PostOnly::Off,
        },
        reduce_only: if draw.below(8) == 0 { ReduceOnly::On } else { ReduceOnly::Off },
        label: label(""),
    }
}

fn action(bench: &Bench, draw: &mut Draw, orders: u64) -> Action {
    let recent = orders.saturating_sub(draw.below(40));
    let target = OrderTarget::Id { order: OrderId(recent) };
    match draw.below(20) {
        0 => Action::CancelAll { instrument: None },
        1 => Action::CancelAll { instrument: Some(InstrumentId(u32::try_from(draw.below(9)).unwrap())) },
        2..5 => Action::Cancel { target },
        5..9 => {
            let of = bench.state.find_order(OrderId(recent)).map_or(PERPETUAL, |it| it.instrument);
            Action::Amend { target, lots: Lots::new(draw.below(80)), price: price(bench, of, draw) }
        }
        9 if draw.below(6) == 0 => Action::Faucet { amount: Cash::from_micros(draw.between(1, 5_000_000)) },
        _ => Action::Place { order: order(bench, draw) },
    }
}

/// One exchange from its beginning, and its reference, until it liquidates somebody: that is beyond the reference.
/// Answers with how many intents were compared.
fn run(seed: u64, intents: u64) -> u64 {
    let mut draw = Draw(seed);
    let mut bench = Bench::new();
    let mut reference = Reference::new(genesis());
    // Some have much, some have little, so that margin says yes and no.
    let funds = [2_000_000, 300_000, 40_000, 6_000, 900];
    let deposits = (1..).zip(funds).map(|(user, usd)| bench.intent(user, vec![faucet(usd)]));
    let deposits: Vec<_> = deposits.collect();
    assert_eq!(reference.commit(&bench.state.clone(), &deposits), bench.commit(deposits.clone()));
    let (mut done, mut orders) = (0, 0);
    while done < intents {
        let together = 1 + draw.below(5);
        let signed: Vec<_> = (0..together)
            .map(|_| {
                let user = u8::try_from(1 + draw.below(5)).unwrap();
                let actions = (0..=draw.below(4)).map(|_| action(&bench, &mut draw, orders)).collect();
                bench.intent(user, actions)
            })
            .collect();
        let need = reference.commit(&bench.state, &signed);
        let have = bench.commit(signed);
        let liquidates = have.iter().position(|it| matches!(it, Event::LiquidationStarted { .. }));
        let (have, need) = liquidates.map_or((&have[..], &need[..]), |at| (&have[..at], &need[..at]));
        for (place, (have, need)) in have.iter().zip(need).enumerate() {
            assert_eq!(have, need, "seed {seed}, intent {done}, event {place}");
        }
        assert_eq!(have.len(), need.len(), "seed {seed}, intent {done}");
        orders = need.iter().fold(orders, |last, event| match event {
            Event::OrderPlaced { order, .. } => last.max(order.0),
            _ => last,
        });
        done += together;
        if liquidates.is_some() {
            return done;
        }
    }
    compare_ends(&bench, &reference);
    done
}

/// Money and positions at the end.
fn compare_ends(bench: &Bench, reference: &Reference) {
    for (id, holder) in &reference.holders {
        let index = bench.state.account_index(id).unwrap();
        assert_eq!(i128::from(bench.state.balance(index).micros()), holder.balance);
        let held: Vec<_> = bench
            .state
            .holdings(index)
            .map(|(it, held)| (it.id, i128::from(held.position.get()), i128::from(held.entry.micros())))
            .collect();
        let need: Vec<_> = holder.holdings.iter().map(|(id, it)| (*id, it.position, it.entry)).collect();
        assert_eq!(held, need);
    }
    assert_eq!(i128::from(bench.state.totals().fees.micros()), reference.fees);
}

#[test]
fn the_exchange_and_its_reference_agree_event_by_event() {
    let asked = std::env::var("CLOCKLESS_INTENTS").ok().and_then(|text| text.parse().ok());
    let intents: u64 = asked.unwrap_or(INTENTS);
    let (mut done, mut seed) = (0, 0);
    while done < intents {
        done += run(seed, INTENTS_OF_A_RUN);
        seed += 1;
    }
}
