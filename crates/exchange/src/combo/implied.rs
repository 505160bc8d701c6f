//! What the books of a combo's legs offer for whole combos: implied prices.
//!
//! An incoming order of a combo trades with the legs' books where that is better than its own book. Each leg takes the
//! orders of its book in their order, at their prices, the next part of what an order hides included.
//!
//! Invariant: what is offered here trades whole or not at all; what the first fill does to other orders of its maker
//! happens after the last. No leg is taken outside of its price band.
//! Left out on purpose: a maker's order that may only reduce, and by less than it shows, stands in the way until it is
//! gone, unless it has nothing to reduce; and so do rivals of one another.

use core::iter::Peekable;
use std::collections::{BTreeMap, VecDeque};

use num::{Lots, Position, Side, Ticks, div_ceil};
use wire::{ComboMaker, InstrumentId, OrderEnd, OrderId, ReduceOnly, TradeKind};

use super::matching::{Step, total};
use crate::{
    book::{Depth, RestingOrder},
    fees::Role,
    holding::Holding,
    instrument::Instrument,
    ledger::AccountIndex,
    state::State,
    trade::{FillPlan, Filler, TakerSide, reducible},
};

/// Orders of one leg's book that one step takes at most.
const LEG_ORDERS_MAX: usize = 64;

/// A price and the lots that there are at it at least.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Implied {
    pub price: Ticks,
    pub lots: Lots,
}

/// Whole combos out of the legs' books, as they are offered to a taker.
pub(super) struct Offer {
    side: Side,
    lots: Lots,
    /// What the taker pays, less what he gets: micros times billionths of the underlying.
    cost: i128,
    legs: Vec<LegOffer>,
}

struct LegOffer {
    instrument: InstrumentId,
    /// The side of the taker.
    side: Side,
    takes: Vec<(RestingOrder, Lots)>,
    /// The first order that cannot trade with the taker.
    obstacle: Option<(OrderId, Obstacle)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Obstacle {
    Own,
    NothingToReduce,
}

/// Who has to go before an offer can be taken: an order, or the taker where there is none.
struct Hindrance(Option<OrderId>);

impl Offer {
    /// What the taker would pay for as much at a price of the combo.
    fn cost_at(&self, it: &Instrument, price: Ticks) -> Option<i128> {
        let units = i128::from(self.lots.get()).checked_mul(it.market.lot_size().raw().into())?;
        units.checked_mul(i128::from(it.market.price(price)?.micros()) * i128::from(self.side.sign()))
    }

    pub(super) fn is_better_than(&self, it: &Instrument, price: Ticks) -> bool {
        self.cost_at(it, price).is_some_and(|cost| self.cost < cost)
    }

    pub(super) fn is_within(&self, it: &Instrument, limit: Ticks) -> bool {
        self.cost_at(it, limit).is_some_and(|cost| self.cost <= cost)
    }

    /// The price of one unit in ticks, rounded against the taker.
    fn price(&self, it: &Instrument) -> Option<Ticks> {
        let tick = self.cost_at(it, Ticks::new(self.side.sign()))?;
        let ticks = i64::try_from(div_ceil(self.cost, tick)?).ok()?;
        ticks.checked_mul(self.side.sign()).map(Ticks::new)
    }
}

/// Orders of a side of a book as they trade when each trades whole: what one hides queues behind its price.
struct Turns<'a, I: Iterator<Item = RestingOrder>> {
    state: &'a State,
    orders: Peekable<I>,
    again: VecDeque<(RestingOrder, Lots)>,
}

impl<I: Iterator<Item = RestingOrder>> Iterator for Turns<'_, I> {
    type Item = RestingOrder;

    fn next(&mut self) -> Option<RestingOrder> {
        let price = self.again.front().map(|(order, _)| order.price);
        let is_next = |order: &RestingOrder| price.is_none_or(|price| order.price == price);
        let (order, hidden) = match self.orders.next_if(is_next) {
            Some(order) => (order, self.state.order(order.id).map_or(Lots::ZERO, |it| it.hidden)),
            None => self.again.pop_front()?,
        };
        let display = self.state.order(order.id).and_then(|it| it.standing.display);
        let shown = display.unwrap_or(hidden).min(hidden);
        if !shown.is_zero() {
            let left = hidden.checked_sub(shown).unwrap_or(Lots::ZERO);
            self.again.push_back((RestingOrder { remaining: shown, ..order }, left));
        }
        Some(order)
    }
}

impl State {
    /// The best price at which the books of a combo's legs stand on `side` of it; `None` for what is no combo, and
    /// while a leg has nobody.
    pub fn implied(&self, id: InstrumentId, side: Side) -> Option<Implied> {
        self.implied_by_legs(self.instrument_ref(id)?, side)
    }

    pub(crate) fn implied_by_legs(&self, it: &Instrument, side: Side) -> Option<Implied> {
        let offer = self.legs_offer(it, (side.opposite(), Lots::new(u64::MAX)), None)?;
        Some(Implied { price: offer.price(it)?, lots: offer.lots })
    }

    /// Up to so many combos out of the legs' books: as many as the first order of each holds, or else one.
    pub(super) fn legs_offer(
        &self,
        it: &Instrument,
        (side, most): (Side, Lots),
        taker: Option<AccountIndex>,
    ) -> Option<Offer> {
        let combo = it.combo.as_ref().filter(|_| it.is_open())?;
        let mut lots = most;
        for leg in &combo.legs {
            let front = self.book(leg.instrument).front(leg.side_of(side).opposite())?;
            lots = lots.min(Lots::new((front.remaining.get() / leg.lots_each).max(1)));
        }
        let (mut legs, mut cost) = (Vec::with_capacity(combo.legs.len()), 0i128);
        for leg in &combo.legs {
            let offer = self.leg_offer((leg.instrument, leg.side_of(side)), leg.lots_of(lots)?, taker)?;
            let market = self.instrument_at(leg.instrument).market;
            for (resting, lots) in &offer.takes {
                let units = i128::from(lots.get()) * i128::from(market.lot_size().raw());
                let paid = units.checked_mul(market.price(resting.price)?.micros().into())?;
                cost = cost.checked_add(paid * i128::from(offer.side.sign()))?;
            }
            legs.push(offer);
        }
        let has_rivals = self.has_rivals(&legs);
        (!has_rivals).then_some(Offer { side, lots, cost, legs })
    }

    /// Whether two of the orders are rivals, of which only one may trade.
    fn has_rivals(&self, legs: &[LegOffer]) -> bool {
        let mut met = BTreeMap::new();
        let takes = legs.iter().flat_map(|leg| &leg.takes).map(|(resting, _)| resting);
        let mut rivals = takes.filter_map(|resting| {
            let rivals = self.order(resting.id)?.standing.rivals?;
            Some(((resting.owner, rivals), resting.id))
        });
        rivals.any(|(of, order)| met.insert(of, order).is_some_and(|other| other != order))
    }

    fn leg_offer(
        &self,
        (instrument, side): (InstrumentId, Side),
        need: Lots,
        taker: Option<AccountIndex>,
    ) -> Option<LegOffer> {
        let band = self.band(self.instrument_at(instrument), self.parameters.limits.price_band_billionths);
        let edge = band.ok()?.edge(side).get() * side.sign();
        let orders = self.book(instrument).orders(side.opposite()).peekable();
        let turns = Turns { state: self, orders, again: VecDeque::new() };
        let mut offer = LegOffer { instrument, side, takes: Vec::new(), obstacle: None };
        let (mut left, mut moved) = (need, BTreeMap::new());
        for resting in turns.take(LEG_ORDERS_MAX) {
            if left.is_zero() || resting.price.get() * side.sign() > edge {
                break;
            }
            let lots = resting.remaining.min(left);
            let before = moved.get(&resting.owner).copied();
            let position = before.unwrap_or_else(|| self.account(resting.owner).position(instrument));
            let may = self.may_trade(&resting, position);
            if offer.obstacle.is_none() && taker == Some(resting.owner) {
                offer.obstacle = Some((resting.id, Obstacle::Own));
            } else if may.is_zero() && before.is_none() {
                offer.obstacle = offer.obstacle.or(Some((resting.id, Obstacle::NothingToReduce)));
            } else if may < lots {
                return None;
            }
            moved.insert(resting.owner, position.after_fill(side.opposite(), lots)?);
            offer.takes.push((resting, lots));
            left = left.checked_sub(lots)?;
        }
        left.is_zero().then_some(offer)
    }

    /// What a resting order may trade from a position: all that it shows, or what is left to reduce.
    fn may_trade(&self, resting: &RestingOrder, position: Position) -> Lots {
        match self.order(resting.id) {
            Some(order) if order.reduce_only == ReduceOnly::On => reducible(position, resting.side),
            _ => resting.remaining,
        }
    }

    /// Takes an offer of the legs' books, or ends what stands in its way.
    pub(super) fn take_from_legs(&mut self, id: InstrumentId, taker: TakerSide, offer: Offer) -> Step {
        match offer.legs.iter().find_map(|leg| leg.obstacle) {
            Some((order, Obstacle::Own)) => {
                let is_over = self.prevent_self_trade(order, taker.standing.self_trade);
                return if is_over { Step::Stop(OrderEnd::SelfTrade) } else { Step::Again };
            }
            Some((order, Obstacle::NothingToReduce)) => {
                self.end_order(order, OrderEnd::NothingToReduce);
                return Step::Again;
            }
            None => {}
        }
        let plans = offer.legs.iter().map(|leg| self.plan_takes(taker.account, leg));
        match plans.collect::<Result<Vec<_>, _>>() {
            Ok(plans) => {
                let lots = offer.lots;
                self.write_offer(id, taker, (&offer, plans));
                Step::Traded(lots)
            }
            Err(Hindrance(Some(order))) => {
                self.end_order(order, OrderEnd::PositionLimit);
                Step::Again
            }
            Err(Hindrance(None)) => Step::Stop(OrderEnd::PositionLimit),
        }
    }

    /// The fills of one leg, each after the one before.
    fn plan_takes(&self, taker: AccountIndex, leg: &LegOffer) -> Result<Vec<FillPlan>, Hindrance> {
        let id = leg.instrument;
        let mut held: BTreeMap<AccountIndex, Holding> = BTreeMap::new();
        let mut plans = Vec::with_capacity(leg.takes.len());
        for (resting, lots) in &leg.takes {
            let before = |account: AccountIndex| {
                let now = || self.account(account).holdings.get(&id).copied().unwrap_or_default();
                held.get(&account).copied().unwrap_or_else(now)
            };
            let (price, lots) = (resting.price, *lots);
            let takes = self.plan_side_from(before(taker), id, (leg.side, Role::Taker), (price, lots));
            let makes = (resting.side, Role::Maker);
            let makes = self.plan_side_from(before(resting.owner), id, makes, (price, lots));
            let (taker_fill, maker_fill) =
                (takes.ok_or(Hindrance(None))?, makes.ok_or(Hindrance(Some(resting.id)))?);
            held.insert(taker, taker_fill.after);
            held.insert(resting.owner, maker_fill.after);
            plans.push(FillPlan { price, lots, taker: taker_fill, maker: maker_fill });
        }
        let after = held.iter().map(|(account, holding)| (*account, holding));
        if self.passes_open_interest_with(id, after) { Err(Hindrance(None)) } else { Ok(plans) }
    }

    fn write_offer(
        &mut self,
        id: InstrumentId,
        taker: TakerSide,
        (offer, plans): (&Offer, Vec<Vec<FillPlan>>),
    ) {
        let it = self.instrument_at(id);
        let price = offer.price(it).or(it.last_trade).unwrap_or_default();
        let fee = total(plans.iter().flatten().map(|plan| plan.taker.fee()));
        self.tell_combo(id, taker, (price, offer.lots), (fee, ComboMaker::Legs));
        let mut filled: Vec<(Filler, InstrumentId, (Side, Lots))> = Vec::new();
        for (leg, plans) in offer.legs.iter().zip(plans) {
            let order = self.next_order_id();
            let side = TakerSide { order, side: leg.side, kind: TradeKind::Combo, ..taker };
            for plan in plans {
                let lots = plan.lots;
                let maker = self.write_fill_alone(leg.instrument, side, plan);
                filled.push((maker, leg.instrument, (leg.side, lots)));
            }
        }
        for (maker, leg, (side, lots)) in filled {
            self.note_flow(leg, (side, lots));
            self.note_fill(maker, leg, (side.opposite(), lots));
        }
        self.note_fill((taker.account, taker.order, taker.standing), id, (offer.side, offer.lots));
    }
}
