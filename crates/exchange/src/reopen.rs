//! The opening of a halted market: orders are collected, then all that can trade does at one price.
//!
//! The price is the one at which most trades; of several the one that leaves least over, then the one nearest
//! to the mark, then the lowest. Better prices go first, at a price what rests already, then the lower number.
//!
//! Invariant: whoever trades in an opening trades at its price, which is within everybody's limit. What is
//! left rests, and the book is not crossed.

use std::collections::BTreeMap;

use num::{Lots, Rounding, Side, Ticks};
use wire::{
    Conditions, Event, InstrumentId, NewOrder, OrderEnd, OrderId, OrderKind, Outcome, PostOnly, ReduceOnly,
    Reject, TimeInForce,
};

use crate::{
    book::{Depth, Slot},
    ladder::Use,
    ledger::AccountIndex,
    order::{HeldOrder, Order, Standing},
    place::{Entering, Plan},
    state::State,
    trade::{Cross, later, reducible},
};

/// Orders that come with an opening, and are not in the book yet: each side with the first to trade at its end. Some may
/// have ended since.
#[derive(Debug, Default)]
struct Pool {
    buys: Vec<OrderId>,
    sells: Vec<OrderId>,
}

impl Pool {
    fn of(orders: &[Order]) -> Self {
        let side = |side: Side| {
            let mut all: Vec<&Order> = orders.iter().filter(|order| order.side == side).collect();
            all.sort_by_key(|order| core::cmp::Reverse(rank(order)));
            all.into_iter().map(|order| order.id).collect()
        };
        Self { buys: side(Side::Buy), sells: side(Side::Sell) }
    }

    const fn side(&mut self, side: Side) -> &mut Vec<OrderId> {
        match side {
            Side::Buy => &mut self.buys,
            Side::Sell => &mut self.sells,
        }
    }
}

/// Better prices first, then lower numbers.
fn rank(order: &Order) -> (i64, OrderId) {
    (-order.price.get() * order.side.sign(), order.id)
}

impl State {
    /// Keeps an order for the opening: a limit that stays, and nothing that must trade at once or never.
    pub(crate) fn collect(
        &mut self,
        account: AccountIndex,
        (terms, conditions): (&NewOrder, &Conditions),
    ) -> Result<Outcome, Reject> {
        let it = self.instrument_at(terms.instrument);
        let stays =
            matches!(terms.time_in_force, TimeInForce::GoodTilCancelled | TimeInForce::GoodTilTime { .. });
        let is_limit = matches!(terms.kind, OrderKind::Limit { .. });
        if !stays || !is_limit || terms.post_only != PostOnly::Off {
            self.check_trading(it)?;
        }
        self.check_standing(account, terms, conditions)?;
        self.check_lots(terms.lots)?;
        self.check_price(it, terms)?;
        self.check_label(account, terms)?;
        let order = self.next_order_id();
        let (commit, place) = (self.commit, self.acting);
        let (kept, asked) = (terms.clone(), conditions.clone());
        let held = HeldOrder { terms: kept, conditions: asked, primary: None, commit, place };
        self.list_held(account, order, held);
        self.instrument_mut(terms.instrument).collected.push((order, account));
        Ok(Outcome::Placed { order })
    }

    /// Opens every market whose time has come.
    pub(crate) fn reopen(&mut self) {
        if self.check_running().is_err() {
            return;
        }
        let now = self.time;
        let due = self.instruments.iter().filter(|it| it.halt.is_some_and(|halt| now >= halt.opens_at));
        // After a stall it opens on fresh prices only.
        let due = due.filter(|it| self.check_rung(it.underlying, Use::Trade).is_ok());
        let due: Vec<InstrumentId> = due.map(|it| it.id).collect();
        for id in due {
            let it = self.instrument_mut(id);
            it.halt = None;
            let collected = core::mem::take(&mut it.collected);
            if it.is_open() {
                self.open_market(id, collected);
            }
        }
    }

    fn open_market(&mut self, id: InstrumentId, collected: Vec<(OrderId, AccountIndex)>) {
        let mut admitted = Vec::new();
        for (order, account) in collected {
            let beside = u32::try_from(admitted.len()).unwrap_or(u32::MAX);
            admitted.extend(self.admit_collected(account, (order, beside)));
        }
        let mut pool = Pool::of(&admitted);
        let price = self.clearing_price(id, &admitted);
        let lots = price.map_or(0, |price| self.uncross(id, &mut pool, price));
        self.emit(Event::Reopened { instrument: id, price, lots: Lots::new(lots) });
        let mut rest: Vec<OrderId> = pool.buys.into_iter().chain(pool.sells).collect();
        rest.sort_unstable();
        for order in rest {
            self.rest_collected(order);
        }
    }

    /// Puts what is left of a collected order into the book, unless that would cross it.
    fn rest_collected(&mut self, id: OrderId) {
        let Some(mut order) = self.order(id).cloned() else { return };
        if self.book(order.instrument).crosses(order.side, order.price) {
            return self.end_order(id, OrderEnd::Dropped);
        }
        order.show_next();
        self.put_to_rest(&mut order);
        self.store_order(&order);
    }

    /// A collected order as it enters beside others: every rule of a new one holds, and it counts as open from here on.
    fn admit_collected(&mut self, account: AccountIndex, (order, beside): (OrderId, u32)) -> Option<Order> {
        let held = self.unlist_held(account, order)?;
        let id = self.account(account).id;
        let plan =
            match self.plan_order(account, &held.terms, (&held.conditions, Entering::Opening(order, beside)))
            {
                Ok(plan) => plan,
                Err(reject) => {
                    self.emit(Event::OrderRefused { order, account: id, reject });
                    self.tell_held_ended(account, order, (&held, OrderEnd::Refused));
                    return None;
                }
            };
        let Plan { terms, conditions, size: (price, lots), .. } = plan;
        self.emit(Event::OrderPlaced { order, account: id, terms: terms.clone() });
        let admitted = Order {
            id: order,
            account,
            instrument: terms.instrument,
            side: terms.side,
            price,
            lots,
            filled: Lots::ZERO,
            hidden: Lots::ZERO,
            post_only: terms.post_only,
            reduce_only: terms.reduce_only,
            standing: Standing::of(&terms, &conditions),
            label: terms.label,
            commit: self.commit,
            place: self.acting,
            slot: Slot::NOWHERE,
        };
        self.open_order_of(&admitted);
        Some(admitted)
    }

    /// The price at which most trades, if anything does.
    fn clearing_price(&self, id: InstrumentId, collected: &[Order]) -> Option<Ticks> {
        let it = self.instrument_at(id);
        let mark = it.mark().and_then(|mark| it.market.ticks(mark, Rounding::HalfEven));
        let mut offers: BTreeMap<Ticks, [u64; 2]> = BTreeMap::new();
        offers.extend(mark.map(|mark| (mark, [0, 0])));
        let mut offer = |side: Side, price: Ticks, lots: Lots| {
            let sum = &mut offers.entry(price).or_default()[usize::from(side == Side::Sell)];
            *sum = sum.saturating_add(lots.get());
        };
        for side in [Side::Buy, Side::Sell] {
            self.book(id).levels(side).for_each(|level| offer(side, level.price, level.lots));
        }
        collected.iter().for_each(|it| offer(it.side, it.price, it.remaining()));
        // Between two prices less may be left over than at either: the first and last tick of a gap stand for it, for the
        // mark is nearest to one of them unless it lies in it.
        let beside: Vec<i64> = offers.keys().flat_map(|it| [it.get() - 1, it.get() + 1]).collect();
        for ticks in beside {
            offers.entry(Ticks::new(ticks)).or_default();
        }
        let distance = |price: Ticks| mark.map_or(0, |mark| price.get().abs_diff(mark.get()));
        let ranked =
            clearings(&offers).map(|(price, lots, left)| ((u64::MAX - lots, left, distance(price)), price));
        ranked.min().filter(|((missed, ..), _)| *missed < u64::MAX).map(|(_, price)| price)
    }

    /// Trades at one price until one side has nobody left who reaches it; returns the lots.
    fn uncross(&mut self, id: InstrumentId, pool: &mut Pool, price: Ticks) -> u64 {
        let mut traded = 0;
        loop {
            let (Some(buy), Some(sell)) =
                (self.next_at(id, pool, (Side::Buy, price)), self.next_at(id, pool, (Side::Sell, price)))
            else {
                return traded;
            };
            match self.match_pair((&buy, &sell), price) {
                Ok(cross) => {
                    traded += cross.lots.get();
                    self.write_cross((&buy, &sell), &cross);
                }
                Err((Side::Buy, end)) => self.end_order(buy.id, end),
                Err((Side::Sell, end)) => self.end_order(sell.id, end),
            }
        }
    }

    /// Who trades next on a side at a price, of the book and those that were collected.
    fn next_at(&self, id: InstrumentId, pool: &mut Pool, (side, price): (Side, Ticks)) -> Option<Order> {
        let reaches = |order: &Order| order.price.get() * side.sign() >= price.get() * side.sign();
        let resting = self.book(id).front(side).and_then(|front| self.order(front.id)).cloned();
        let waiting = pool.side(side);
        while waiting.pop_if(|order| self.order(*order).is_none()).is_some() {}
        let collected = waiting.last().and_then(|order| self.order(*order)).cloned();
        resting.into_iter().chain(collected).filter(reaches).min_by_key(rank)
    }

    /// What a pair trades, or which of the two may not and why.
    fn match_pair(&self, (buy, sell): (&Order, &Order), price: Ticks) -> Result<Cross, (Side, OrderEnd)> {
        if buy.account == sell.account {
            return Err((later(buy, sell), OrderEnd::SelfTrade));
        }
        if let Some(order) = [buy, sell].into_iter().find(|order| self.tradable(order).is_zero()) {
            return Err((order.side, OrderEnd::NothingToReduce));
        }
        let lots = self.tradable(buy).min(self.tradable(sell));
        self.plan_cross((buy, sell), (price, lots)).map_err(|blocked| (blocked, OrderEnd::PositionLimit))
    }

    /// What of an order may trade now: what the book shows of it, or what it still has to reduce.
    fn tradable(&self, order: &Order) -> Lots {
        match order.reduce_only {
            ReduceOnly::Off => order.shown(),
            ReduceOnly::On => order
                .shown()
                .min(reducible(self.account(order.account).position(order.instrument), order.side)),
        }
    }

    fn write_cross(&mut self, (buy, sell): (&Order, &Order), cross: &Cross) {
        for (order, side) in [(buy, &cross.buy), (sell, &cross.sell)] {
            let filled = self.fill_in_opening(order, cross.lots);
            self.write_cross_side(order, side);
            if filled.remaining().is_zero() {
                self.forget_order(&filled, OrderEnd::Filled);
            }
        }
        self.tell_cross((buy, sell), cross);
        for order in [buy, sell] {
            self.note_fill(
                (order.account, order.id, order.standing),
                order.instrument,
                (order.side, cross.lots),
            );
        }
    }

    /// Takes a fill from an order, in the book or collected, and returns it as it is then.
    fn fill_in_opening(&mut self, order: &Order, lots: Lots) -> Order {
        let book = self.book_mut(order.instrument);
        if book.find(order.slot, order.id).is_some() {
            let front = book.fill_front(order.side, lots);
            front.expect("invariant: the order is in front of its side");
        }
        self.take_from_maker(order.id, lots)
    }
}

/// For each price, lowest first: what trades at it, and what the larger side has left over.
fn clearings(offers: &BTreeMap<Ticks, [u64; 2]>) -> impl Iterator<Item = (Ticks, u64, u64)> {
    let mut bought = offers.values().fold(0u64, |sum, [buys, _]| sum.saturating_add(*buys));
    let mut sold = 0u64;
    offers.iter().map(move |(price, [buys, sells])| {
        sold = sold.saturating_add(*sells);
        let clearing = (*price, bought.min(sold), bought.abs_diff(sold));
        bought = bought.saturating_sub(*buys);
        clearing
    })
}
