//! An incoming order of a combo: against the best of its own book and of its legs' books, step by step.
//!
//! When two combo orders meet, every leg trades at its mark, rounded to the combo's tick, and the named leg takes what
//! is left of the combo's price: of the legs with a ratio of one the dearest by its mark, of equals the first.
//!
//! Invariant: a step trades whole combos, every leg or none, and is decided before it is written. Prices of legs, times
//! their ratios, sum up to the price of the combo. No leg trades outside of its band.

use num::{Cash, Lots, Rounding, Side, Ticks, div_ceil, div_exact, div_floor};
use wire::{ComboMaker, ComboTrade, Event, InstrumentId, OrderEnd, TradeEvent, TradeKind};

use super::Combo;
use crate::{
    book::{Depth, RestingOrder},
    fees::Role,
    instrument::Instrument,
    ledger::{AccountIndex, Purse},
    matching::Taken,
    rules::{Band, Size},
    state::State,
    trade::{Blocked, FillSide, TakerSide},
};

/// What a step of matching came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Traded(Lots),
    /// An order that stood in the way is gone: look again.
    Again,
    /// Nothing is left that the order reaches.
    Over,
    Stop(OrderEnd),
}

/// One leg of a trade between two combo orders.
struct LegFill {
    instrument: InstrumentId,
    /// The side of the taker.
    side: Side,
    price: Ticks,
    lots: Lots,
    taken: FillSide,
    made: FillSide,
}

/// A leg that takes what is left of a combo's price, and what the others cost in micros.
struct Named {
    place: usize,
    ratio: i64,
    others: i128,
    prices: Vec<Cash>,
}

impl State {
    /// Trades up to `lots` of a combo at `limit` or better.
    pub(crate) fn trade_combo(&mut self, id: InstrumentId, taker: TakerSide, (limit, lots): Size) -> Taken {
        let mut rest = lots;
        while !rest.is_zero() {
            match self.step_combo(id, taker, (limit, rest)) {
                Step::Traded(lots) => rest = rest.checked_sub(lots).unwrap_or(Lots::ZERO),
                Step::Again => {}
                Step::Over => break,
                Step::Stop(end) => return Taken { rest, end: Some(end) },
            }
            if !rest.is_zero() && self.is_frozen(taker.account, taker.standing.protection) {
                return Taken { rest, end: Some(OrderEnd::Protection) };
            }
        }
        Taken { rest, end: None }
    }

    fn step_combo(&mut self, id: InstrumentId, taker: TakerSide, (limit, rest): Size) -> Step {
        let it = self.instrument_at(id);
        if self.check_open(it).is_err() {
            // The last step stopped a leg; what is left may cross what rests.
            return Step::Stop(OrderEnd::Dropped);
        }
        let reaches = |price: Ticks| price.get() * taker.side.sign() <= limit.get() * taker.side.sign();
        let front = self.book(id).front(taker.side.opposite()).filter(|front| reaches(front.price));
        let offer = self.legs_offer(it, (taker.side, rest), Some(taker.account));
        let offer = offer.filter(|offer| match &front {
            Some(front) => offer.is_better_than(it, front.price),
            None => offer.is_within(it, limit),
        });
        match (offer, front) {
            (Some(offer), _) => self.take_from_legs(id, taker, offer),
            (None, Some(front)) => self.take_from_front(id, taker, (front, rest)),
            (None, None) => Step::Over,
        }
    }

    /// Trades with the first order of the combo's own book.
    fn take_from_front(
        &mut self,
        id: InstrumentId,
        taker: TakerSide,
        (front, rest): (RestingOrder, Lots),
    ) -> Step {
        if front.owner == taker.account {
            let is_over = self.prevent_self_trade(front.id, taker.standing.self_trade);
            return if is_over { Step::Stop(OrderEnd::SelfTrade) } else { Step::Again };
        }
        let lots = rest.min(front.remaining);
        let it = self.instrument_at(id);
        let Some((combo, prices)) = it.combo.as_ref().zip(self.split(it, front.price)) else {
            self.end_order(front.id, OrderEnd::NoLegPrices);
            return Step::Again;
        };
        match self.plan_legs((combo, &prices), taker, (front.owner, lots)) {
            Ok(legs) => {
                self.write_combo_fill(id, taker, (front.price, lots), &legs);
                Step::Traded(lots)
            }
            Err(Blocked::Maker) => {
                self.end_order(front.id, OrderEnd::PositionLimit);
                Step::Again
            }
            Err(Blocked::Taker) => Step::Stop(OrderEnd::PositionLimit),
        }
    }

    fn plan_legs(
        &self,
        (combo, prices): (&Combo, &[Ticks]),
        taker: TakerSide,
        (maker, lots): (AccountIndex, Lots),
    ) -> Result<Vec<LegFill>, Blocked> {
        let mut legs = Vec::with_capacity(prices.len());
        for (leg, price) in combo.legs.iter().zip(prices) {
            let (instrument, side) = (leg.instrument, leg.side_of(taker.side));
            let lots = leg.lots_of(lots).ok_or(Blocked::Taker)?;
            let taken = self.plan_side(taker.account, instrument, (side, Role::Taker), (*price, lots));
            let made = self.plan_side(maker, instrument, (side.opposite(), Role::Maker), (*price, lots));
            let (taken, made) = (taken.ok_or(Blocked::Taker)?, made.ok_or(Blocked::Maker)?);
            let after = [(taker.account, &taken.after), (maker, &made.after)];
            if self.passes_open_interest_with(instrument, after.into_iter()) {
                return Err(Blocked::Taker);
            }
            legs.push(LegFill { instrument, side, price: *price, lots, taken, made });
        }
        Ok(legs)
    }

    fn write_combo_fill(
        &mut self,
        id: InstrumentId,
        taker: TakerSide,
        (price, lots): Size,
        legs: &[LegFill],
    ) {
        let filled = self.book_mut(id).fill_front(taker.side.opposite(), lots);
        let fill = filled.expect("invariant: the plan is made of the order in front");
        let maker = self.take_from_maker(fill.maker, lots);
        let standing = maker.standing;
        let of = ComboMaker::Order { account: self.account(fill.owner).id, order: fill.maker };
        self.tell_combo(id, taker, (price, lots), (total(legs.iter().map(|leg| leg.taken.fee())), of));
        for leg in legs {
            self.write_combo_leg((taker.account, fill.owner), leg);
        }
        if maker.remaining().is_zero() {
            self.forget_order(&maker, OrderEnd::Filled);
        }
        self.note_fill((taker.account, taker.order, taker.standing), id, (taker.side, lots));
        self.note_fill((fill.owner, fill.maker, standing), id, (taker.side.opposite(), lots));
    }

    /// Tells of a trade of whole combos, before those of its legs.
    pub(super) fn tell_combo(
        &mut self,
        id: InstrumentId,
        taker: TakerSide,
        (price, lots): Size,
        (taker_fee, maker): (Cash, ComboMaker),
    ) {
        self.instrument_mut(id).last_trade = Some(price);
        let trade = ComboTrade {
            instrument: id,
            price,
            lots,
            taker_side: taker.side,
            taker: self.account(taker.account).id,
            taker_order: taker.order,
            taker_fee,
            maker,
        };
        self.emit(Event::ComboTraded { trade });
    }

    fn write_combo_leg(&mut self, (taker, maker): (AccountIndex, AccountIndex), leg: &LegFill) {
        for (account, side) in [(taker, &leg.taken), (maker, &leg.made)] {
            self.write_side(account, leg.instrument, side);
            self.pay(Purse::Account(account), Purse::Fees, side.fee());
        }
        self.trades += 1;
        let (maker_order, taker_order) = (self.next_order_id(), self.next_order_id());
        let trade = TradeEvent {
            instrument: leg.instrument,
            price: leg.price,
            lots: leg.lots,
            taker_side: leg.side,
            taker: self.account(taker).id,
            taker_order,
            taker_fee: leg.taken.fee(),
            maker: self.account(maker).id,
            maker_order,
            maker_fee: leg.made.fee(),
            kind: TradeKind::Combo,
        };
        self.emit(Event::Traded { trade });
    }

    /// The price of each leg when two orders of a combo trade at a price; `None` where there are none.
    fn split(&self, it: &Instrument, price: Ticks) -> Option<Vec<Ticks>> {
        let combo = it.combo.as_ref()?;
        let named = self.named_leg(it, combo)?;
        let left = i128::from(it.market.price(price)?.micros()) - named.others;
        let mut prices = named.prices;
        *prices.get_mut(named.place)? = Cash::from_i128(left * i128::from(named.ratio))?;
        let in_ticks = |(leg, price): (&super::Leg, &Cash)| {
            let market = self.instrument_at(leg.instrument).market;
            let ticks = div_exact(price.micros().into(), market.tick_size().micros().into())?;
            i64::try_from(ticks).ok().map(Ticks::new)
        };
        let prices = combo.legs.iter().zip(&prices).map(in_ticks).collect::<Option<Vec<Ticks>>>()?;
        let leg = self.instrument_at(combo.legs.get(named.place)?.instrument);
        let Band { low, high } = self.band(leg, self.parameters.limits.price_band_billionths).ok()?;
        let taken = *prices.get(named.place)?;
        (low <= taken && taken <= high).then_some(prices)
    }

    /// The leg that takes what is left, and what the others trade at.
    fn named_leg(&self, it: &Instrument, combo: &Combo) -> Option<Named> {
        let tick = it.market.tick_size();
        let mut prices = Vec::with_capacity(combo.legs.len());
        let mut named: Option<(usize, i64, Cash)> = None;
        for (place, leg) in combo.legs.iter().enumerate() {
            let mark = self.instrument_at(leg.instrument).mark()?;
            let rounded = it.market.price(it.market.ticks(mark, Rounding::HalfEven)?)?;
            prices.push(rounded.max(tick));
            if leg.ratio.unsigned_abs() == 1 && named.is_none_or(|(.., dearest)| mark > dearest) {
                named = Some((place, leg.ratio, mark));
            }
        }
        let (place, ratio, _) = named?;
        let rest = combo.legs.iter().zip(&prices).enumerate().filter(|(other, _)| *other != place);
        let others = rest.map(|(_, (leg, price))| i128::from(leg.ratio) * i128::from(price.micros())).sum();
        Some(Named { place, ratio, others, prices })
    }

    /// Prices at which a combo's orders can trade with each other: those that leave the named leg one within its band.
    pub(crate) fn combo_band(&self, (it, combo): (&Instrument, &Combo), billionths: i64) -> Option<Band> {
        let Named { place, ratio, others, .. } = self.named_leg(it, combo)?;
        let leg = self.instrument_at(combo.legs.get(place)?.instrument);
        let Band { low, high } = self.band(leg, billionths).ok()?;
        let ends = [leg.market.price(low)?, leg.market.price(high)?];
        let [low, high] = ends.map(|end| others + i128::from(ratio) * i128::from(end.micros()));
        let tick = i128::from(it.market.tick_size().micros());
        let ticks = |ticks: Option<i128>| ticks.and_then(|it| i64::try_from(it).ok()).map(Ticks::new);
        Some(Band {
            low: ticks(div_ceil(low.min(high), tick))?,
            high: ticks(div_floor(low.max(high), tick))?,
        })
    }
}

/// Fees together; saturates, which only a telling sees.
pub(super) fn total(fees: impl Iterator<Item = Cash>) -> Cash {
    fees.fold(Cash::ZERO, |sum, fee| sum.checked_add(fee).unwrap_or(Cash::MAX))
}
