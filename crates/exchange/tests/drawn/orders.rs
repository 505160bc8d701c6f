//! Orders and quotes that only look drawn.

use num::{Cash, Fix, Lots, Side, Ticks};
use wire::{
    Action, Conditions, ContractKind, Crossing, InstrumentId, Label, NewOrder, OrderFilter, OrderKind,
    PostOnly, PriceSource, QuoteSide, ReduceOnly, SelfTrade, TimeInForce, Trigger, UnderlyingId,
};

use super::{Draw, Drawing};
use crate::support::*;

const SIDES: [Side; 2] = [Side::Buy, Side::Sell];

pub fn any_label(draw: &mut Draw) -> Label {
    label(draw.of(&["", "", "", "a", "b", "c"]))
}

/// Near the mark mostly, so that orders meet; sometimes where no order may be.
pub fn any_price(it: &mut Drawing<'_>, id: InstrumentId) -> Ticks {
    let mark = it.bench.state.instrument(id).and_then(|it| it.market.ticks(it.mark()?, num::Rounding::Floor));
    let mark = mark.map_or(100, Ticks::get);
    let away = match it.draw.below(40) {
        0 => it.draw.between(-200_000, 200_000),
        1..4 => it.draw.between(-3_000, 3_000),
        _ => it.draw.between(-4, 4),
    };
    Ticks::new(mark + away)
}

pub fn any_lots(draw: &mut Draw) -> Lots {
    Lots::new(match draw.below(24) {
        0 => 0,
        1 => draw.below(2_000_000),
        2..6 => draw.below(3_000),
        _ => 1 + draw.below(60),
    })
}

pub fn any_order(it: &mut Drawing<'_>) -> NewOrder {
    let instrument = it.instrument();
    let price = any_price(it, instrument);
    let until = it.time();
    let stands = it.bench.state.instrument(instrument).is_some_and(|it| it.halt.is_some());
    let draw = &mut *it.draw;
    if stands && !draw.one_in(4) {
        // Such as is collected.
        let (side, lots) = (draw.of(&SIDES), Lots::new(1 + draw.below(20)));
        let label = any_label(draw);
        return NewOrder { label, ..limit(instrument, side, lots.get(), price.get()) };
    }
    NewOrder {
        instrument,
        side: draw.of(&SIDES),
        lots: any_lots(draw),
        kind: match draw.below(16) {
            0 => OrderKind::Market,
            1 => OrderKind::Volatility { volatility: Fix::from_raw(draw.between(0, 12) * (Fix::SCALE / 10)) },
            _ => OrderKind::Limit { price },
        },
        time_in_force: match draw.below(12) {
            0 => TimeInForce::ImmediateOrCancel,
            1 => TimeInForce::FillOrKill,
            2 => TimeInForce::GoodTilTime { until },
            _ => TimeInForce::GoodTilCancelled,
        },
        post_only: match draw.below(8) {
            0 => PostOnly::Reject,
            1 => PostOnly::Reprice,
            _ => PostOnly::Off,
        },
        reduce_only: if draw.one_in(8) { ReduceOnly::On } else { ReduceOnly::Off },
        label: any_label(draw),
    }
}

pub fn any_conditions(it: &mut Drawing<'_>) -> Conditions {
    Conditions {
        trigger: if it.draw.one_in(3) { Some(any_trigger(it)) } else { None },
        rivals: it.draw.maybe(4, |draw| u32::try_from(draw.below(2)).unwrap()),
        self_trade: it.draw.of(&[SelfTrade::ExpireMaker, SelfTrade::ExpireTaker, SelfTrade::ExpireBoth]),
        display: it.draw.maybe(3, |draw| Lots::new(draw.below(12))),
        protection: it.draw.maybe(3, |draw| u16::try_from(draw.below(3)).unwrap()),
    }
}

/// A price near one of those that may be watched, or an order that is to fill.
fn any_trigger(it: &mut Drawing<'_>) -> Trigger {
    if it.draw.one_in(2) {
        return Trigger::Filled { primary: it.target() };
    }
    let id = it.instrument();
    let near = it.bench.state.instrument(id).and_then(exchange::Instrument::mark);
    let near = near.map_or(-50, Cash::micros);
    let price = Cash::from_micros(near + near / 100_000 * it.draw.between(-60, 60));
    let source = it.draw.of(&[PriceSource::Mark, PriceSource::Index, PriceSource::Last]);
    Trigger::Price { source, crossing: it.draw.of(&[Crossing::Rises, Crossing::Falls]), price }
}

pub fn any_quote(it: &mut Drawing<'_>) -> Action {
    let instrument = it.instrument();
    let mut side = |chance: u64| {
        let price = any_price(it, instrument);
        let lots = any_lots(it.draw);
        (!it.draw.one_in(chance)).then_some(QuoteSide { price, lots })
    };
    let (bid, ask) = (side(5), side(5));
    let protection = it.draw.maybe(2, |draw| u16::try_from(draw.below(3)).unwrap());
    Action::Quote { instrument, protection, bid, ask }
}

pub fn any_filter(it: &mut Drawing<'_>) -> OrderFilter {
    let instrument = it.instrument();
    let draw = &mut *it.draw;
    OrderFilter {
        underlying: draw.maybe(3, |draw| UnderlyingId(u16::try_from(draw.below(3)).unwrap())),
        instrument: draw.maybe(4, |_| instrument),
        kind: draw.maybe(4, |draw| {
            draw.of(&[
                ContractKind::Option,
                ContractKind::Future,
                ContractKind::Perpetual,
                ContractKind::Combo,
            ])
        }),
        side: draw.maybe(3, |draw| draw.of(&SIDES)),
        label: draw.maybe(4, any_label),
        protection: draw.maybe(4, |draw| u16::try_from(draw.below(3)).unwrap()),
    }
}
