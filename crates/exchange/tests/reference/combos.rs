//! Combos: who lists one, its prices, and what its orders trade at.

use exchange::{Instrument, name::Contract};
use num::{Cash, Side, Ticks};
use wire::{
    AccountId, ComboLeg, ComboMaker, ComboTrade, Event, InstrumentId, InstrumentName, OrderEnd, OrderId,
    Outcome, Reject, TradeEvent, TradeKind,
};

use super::{
    Marks, Reference, Resting,
    assets::{Asset, Leg, Ratios, in_ticks},
    cash, half_even, lots,
    matching::Role,
};

/// The largest ratio of a leg.
const RATIO_MAX: u64 = 10;

/// What a step of matching came to.
pub(super) enum Step {
    Traded(u64),
    Again,
    Over,
    Stop(OrderEnd),
}

/// One side of a leg's fill: how much at which price, and the number it is told under.
pub(super) type LegTrade<'a> = (Leg<'a>, (i64, u64), [(AccountId, u64, Side); 2]);

impl Leg<'_> {
    pub(super) fn side(&self, of: Side) -> Side {
        if self.ratio > 0 { of } else { of.opposite() }
    }
}

impl Reference {
    pub(super) fn create_combo(
        &mut self,
        state: &Marks,
        account: AccountId,
        asked: &[ComboLeg],
    ) -> Result<Outcome, Reject> {
        let rules = self.genesis.combos.ok_or(Reject::CombosClosed)?;
        let (ratios, side) = self.check_legs(state, asked)?;
        let known = self.combos.iter().find(|(_, it)| **it == ratios).map(|(id, _)| *id);
        if let Some(instrument) = known.filter(|id| !self.closed.contains(id)) {
            return Ok(Outcome::Combo { instrument, side });
        }
        let underlying = |ratios: &Ratios| state.instrument(ratios[0].0).expect("listed").underlying;
        let open = self.combos.iter().filter(|(id, _)| !self.closed.contains(id));
        let have = open.filter(|(_, it)| underlying(it) == underlying(&ratios)).count();
        let (have, need) = (u32::try_from(have).expect("few"), rules.open_max);
        if have >= need {
            return Err(Reject::ComboLimit { have, need });
        }
        let fee = i128::from(rules.fee_micros);
        self.charge(state, account, fee)?;
        let instrument = self.listings.number(known);
        self.listings.used.insert(instrument, self.now);
        self.closed.remove(&instrument);
        let legs =
            ratios.iter().map(|(instrument, ratio)| ComboLeg { instrument: *instrument, ratio: *ratio });
        let legs = wire::List::new(legs.collect()).expect("as many as were asked for");
        self.combos.insert(instrument, ratios);
        let name = self.names.get(&instrument).cloned().unwrap_or_default();
        let name = InstrumentName::new(name.into_bytes()).expect("names are short");
        self.tell(Event::Listed { instrument, name });
        self.tell(Event::ComboListed { instrument, legs, account, fee: cash(fee) });
        Ok(Outcome::Combo { instrument, side })
    }

    /// Ratios without a common factor, in the order of contracts, the first of them bought; and who buys it so.
    fn check_legs(&self, state: &Marks, asked: &[ComboLeg]) -> Result<(Ratios, Side), Reject> {
        let odd = Reject::ComboLegs { have: u32::try_from(asked.len()).expect("few"), need: 4 };
        let mut legs: Vec<(Contract, &Instrument, i64)> = Vec::new();
        let mut is_odd = asked.len() < 2;
        for leg in asked {
            if self.combos.contains_key(&leg.instrument) {
                is_odd = true;
                continue;
            }
            let have = leg.instrument;
            let it = self.asset(state, have)?.legs[0].it;
            is_odd |= self.check_has_book(have).is_err();
            is_odd |= legs.iter().any(|(_, other, _)| other.id == it.id || other.underlying != it.underlying);
            legs.push((it.contract, it, leg.ratio));
        }
        if is_odd {
            return Err(odd);
        }
        legs.iter().try_for_each(|(_, it, _)| self.check_open_alone(it.id))?;
        legs.sort_by_key(|(contract, ..)| *contract);
        let divides = |by: &i64| legs.iter().all(|(_, _, ratio)| ratio % by == 0);
        let largest = legs.iter().map(|(_, _, ratio)| ratio.abs()).max().expect("it has legs");
        let factor = (1..=largest).rev().find(divides).unwrap_or(1);
        let side = if legs[0].2 < 0 { Side::Sell } else { Side::Buy };
        let ratios = legs.iter().map(|(_, it, ratio)| (it.id, ratio / factor * side.sign()));
        let ratios: Ratios = ratios.collect();
        let sizes = || ratios.iter().map(|(_, ratio)| ratio.unsigned_abs());
        let have = sizes().max().expect("it has legs");
        if have > RATIO_MAX || sizes().any(|size| size == 0) || !sizes().any(|size| size == 1) {
            return Err(Reject::ComboRatios { have, need: RATIO_MAX });
        }
        Ok((ratios, side))
    }

    /// The leg that takes what is left of a price: of those with a ratio of one the dearest, of equals the first. And
    /// what the others trade at: their marks, in whole ticks of the combo, halves to even.
    fn named(&self, it: &Asset<'_>) -> (usize, Vec<i128>) {
        let mark = |leg: &Leg<'_>| i128::from(leg.it.mark().map_or(0, Cash::micros));
        let rounded = |mark: i128| (half_even(mark, it.tick) * it.tick).max(it.tick);
        let ones = it.legs.iter().enumerate().filter(|(_, leg)| leg.ratio.abs() == 1);
        let dearest =
            ones.min_by_key(|(place, leg)| (-mark(leg), *place)).expect("one leg has a ratio of one");
        (dearest.0, it.legs.iter().map(|leg| rounded(mark(leg))).collect())
    }

    /// What legs other than the named one add up to.
    fn others(&self, it: &Asset<'_>) -> (usize, i128, Vec<i128>) {
        let (place, prices) = self.named(it);
        let rest = it.legs.iter().zip(&prices).enumerate().filter(|(other, _)| *other != place);
        (place, rest.map(|(_, (leg, price))| leg.ratio * price).sum(), prices)
    }

    /// Prices that leave the named leg one within its band.
    pub(super) fn combo_band(&self, it: &Asset<'_>) -> (i64, i64) {
        let (place, others, _) = self.others(it);
        let leg = &it.legs[place];
        let tick = i128::from(leg.it.market.tick_size().micros());
        let (low, high) = self.leg_band(leg.it);
        let ends = [low, high].map(|end| others + leg.ratio * i128::from(end) * tick);
        in_ticks((ends[0].min(ends[1]), ends[0].max(ends[1])), it.tick)
    }

    /// The price of each leg, in its ticks, when two orders of a combo trade.
    fn split(&self, it: &Asset<'_>, price: i64) -> Option<Vec<i64>> {
        let (place, others, mut prices) = self.others(it);
        prices[place] = (i128::from(price) * it.tick - others) * it.legs[place].ratio;
        let ticks = it.legs.iter().zip(&prices).map(|(leg, price)| {
            i64::try_from(price / i128::from(leg.it.market.tick_size().micros())).expect("near a mark")
        });
        let ticks: Vec<i64> = ticks.collect();
        let (low, high) = self.leg_band(it.legs[place].it);
        (low..=high).contains(&ticks[place]).then_some(ticks)
    }

    /// Trades an order of a combo with the better of its book and its legs' books, step by step.
    pub(super) fn trade_combo(&mut self, state: &Marks, order: &mut Resting) -> Option<OrderEnd> {
        while order.left() > 0 {
            match self.step_combo(state, order) {
                Step::Traded(lots) => order.filled += lots,
                Step::Again => continue,
                Step::Over => return None,
                Step::Stop(end) => return Some(end),
            }
            if order.left() > 0 && self.is_frozen(order.account, order.conditions.protection) {
                return Some(OrderEnd::Protection);
            }
        }
        None
    }

    fn step_combo(&mut self, state: &Marks, order: &Resting) -> Step {
        let it = self.asset(state, order.instrument).expect("listed");
        if self.check_open(&it).is_err() {
            // The last step has stopped a leg.
            return Step::Stop(OrderEnd::Dropped);
        }
        let sign = order.side.sign();
        let front = self.front(it.id, order.side.opposite()).cloned();
        let front = front.filter(|front| (order.price - front.price) * sign >= 0);
        let limit = front.as_ref().map_or(order.price, |front| front.price);
        let offer = self.offer(&it, (order.side, order.left()), Some(order.account));
        let offer = offer.filter(|offer| {
            let cost = i128::from(offer.lots) * it.lot * i128::from(limit) * it.tick * i128::from(sign);
            if front.is_some() { offer.cost < cost } else { offer.cost <= cost }
        });
        match (offer, front) {
            (Some(offer), _) => self.take_offer(state, (&it, order), &offer),
            (None, Some(front)) => self.take_front(state, (&it, order), &front),
            (None, None) => Step::Over,
        }
    }

    /// Trades with the first order of the combo's own book: every leg at its part of the price.
    fn take_front(&mut self, state: &Marks, (it, order): (&Asset<'_>, &Resting), front: &Resting) -> Step {
        if front.account == order.account {
            let is_over = self.prevents(order, front);
            return if is_over { Step::Stop(OrderEnd::SelfTrade) } else { Step::Again };
        }
        let Some(prices) = self.split(it, front.price) else {
            self.end_any(front.id, OrderEnd::NoLegPrices);
            return Step::Again;
        };
        let size = order.left().min(front.shown);
        for leg in &it.legs {
            let (side, lots) = (leg.side(order.side), leg.each * size);
            if self.is_too_much(leg.it, order.account, (side, lots)) {
                return Step::Stop(OrderEnd::PositionLimit);
            }
            if self.is_too_much(leg.it, front.account, (side.opposite(), lots)) {
                self.end_any(front.id, OrderEnd::PositionLimit);
                return Step::Again;
            }
            let moves = [(order.account, side, lots), (front.account, side.opposite(), lots)];
            if self.is_too_open(leg.it.id, &moves) {
                return Step::Stop(OrderEnd::PositionLimit);
            }
        }
        self.take_from_quietly(front.id, size);
        let fees = it.legs.iter().zip(&prices);
        let fee = fees.map(|(leg, price)| self.fee(leg.it, (*price, leg.each * size), Role::Taker)).sum();
        let maker = ComboMaker::Order { account: front.account, order: OrderId(front.id) };
        self.tell_combo((it.id, front.price, size), order, (fee, maker));
        for (leg, price) in it.legs.iter().zip(prices) {
            let (made, taken) = (self.number(), self.number());
            let side = leg.side(order.side);
            let sides = [(order.account, taken, side), (front.account, made, side.opposite())];
            self.trade_leg((*leg, (price, leg.each * size), sides));
        }
        self.end_if_filled(front.id);
        self.note_fill(state, order, size);
        self.note_fill(state, front, size);
        Step::Traded(size)
    }

    pub(super) fn tell_combo(
        &mut self,
        (instrument, price, size): (InstrumentId, i64, u64),
        order: &Resting,
        (fee, maker): (i128, ComboMaker),
    ) {
        self.lasts.insert(instrument, price);
        let trade = ComboTrade {
            instrument,
            price: Ticks::new(price),
            lots: lots(size),
            taker_side: order.side,
            taker: order.account,
            taker_order: OrderId(order.id),
            taker_fee: cash(fee),
            maker,
        };
        self.tell(Event::ComboTraded { trade });
    }

    /// Moves money and positions of both sides of a leg, taker first, and tells it.
    pub(super) fn trade_leg(&mut self, (leg, (price, size), [taker, maker]): LegTrade<'_>) {
        let fees = [Role::Taker, Role::Maker].map(|role| self.fee(leg.it, (price, size), role));
        for ((account, _, side), fee) in [taker, maker].into_iter().zip(fees) {
            self.pay(leg.it, (account, side), (price, size));
            self.holder(account).balance -= fee;
            self.fees += fee;
        }
        let trade = TradeEvent {
            instrument: leg.it.id,
            price: Ticks::new(price),
            lots: lots(size),
            taker_side: taker.2,
            taker: taker.0,
            taker_order: OrderId(taker.1),
            taker_fee: cash(fees[0]),
            maker: maker.0,
            maker_order: OrderId(maker.1),
            maker_fee: cash(fees[1]),
            kind: TradeKind::Combo,
        };
        self.tell(Event::Traded { trade });
    }
}
