//! Orders meet: best price first, then whoever queued first; and what a fill does to both sides.

use exchange::{Instrument, State};
use num::{Cash, Lots, Side, Ticks};
use wire::{
    AccountId, Event, InstrumentId, OrderEnd, OrderId, OrderTarget, ReduceOnly, Reject, TradeEvent, TradeKind,
};

use super::{Reference, Resting, ceil};

impl Reference {
    /// The order of a side that trades next.
    pub(super) fn front(&self, id: InstrumentId, side: Side) -> Option<&Resting> {
        let orders = self.orders.iter().filter(|it| it.instrument == id && it.side == side);
        orders.min_by_key(|it| (-it.price * side.sign(), it.queued))
    }

    /// An order trades, and what is left of it rests where it may.
    pub(super) fn enter(&mut self, state: &State, mut order: Resting, stays: bool) {
        let mut end = self.trade(state, &mut order);
        if !stays {
            end = end.or(Some(OrderEnd::Dropped));
        }
        if order.filled == order.lots {
            self.tell_ended(&order, OrderEnd::Filled);
        } else if let Some(end) = end {
            self.tell_ended(&order, end);
        } else {
            self.queued += 1;
            order.queued = self.queued;
            self.orders.push(order);
        }
    }

    fn trade(&mut self, state: &State, order: &mut Resting) -> Option<OrderEnd> {
        let it = state.instrument(order.instrument).expect("listed");
        while order.filled < order.lots {
            let front = self.front(order.instrument, order.side.opposite()).cloned();
            let front = front.filter(|it| (order.price - it.price) * order.side.sign() >= 0)?;
            if front.account == order.account {
                self.end(front.id, OrderEnd::SelfTrade);
                continue;
            }
            let mut shown = front.lots - front.filled;
            if front.reduce_only == ReduceOnly::On {
                shown = shown.min(self.reducible(front.account, it.id, front.side));
            }
            let lots = shown.min(order.lots - order.filled);
            if lots == 0 {
                self.end(front.id, OrderEnd::NothingToReduce);
                continue;
            }
            if self.is_too_much(it, order.account, (order.side, lots)) {
                return Some(OrderEnd::PositionLimit);
            }
            if self.is_too_much(it, front.account, (front.side, lots)) {
                self.end(front.id, OrderEnd::PositionLimit);
                continue;
            }
            self.fill(state, it, (order, &front, lots));
            order.filled += lots;
        }
        None
    }

    fn is_too_much(&self, it: &Instrument, account: AccountId, (side, lots): (Side, u64)) -> bool {
        let before = self.position(account, it.id);
        let after = (before + i128::from(side.sign()) * i128::from(lots)).unsigned_abs();
        after > before.unsigned_abs() && after > u128::from(it.position_max.get())
    }

    fn fill(&mut self, state: &State, it: &Instrument, (taker, maker, lots): (&Resting, &Resting, u64)) {
        let rates = self.genesis.fees;
        let fees = [rates.future_taker_billionths, rates.future_maker_billionths]
            .map(|rate| self.fee(state, it, (maker.price, lots, rate)));
        for (side, fee) in [(taker, fees[0]), (maker, fees[1])] {
            self.pay(it, side, (maker.price, lots));
            self.holders.get_mut(&side.account).expect("it trades").balance -= fee;
            self.fees += fee;
        }
        let cash = |micros: i128| Cash::from_i128(micros).expect("a test's money fits");
        let trade = TradeEvent {
            instrument: it.id,
            price: Ticks::new(maker.price),
            lots: Lots::new(lots),
            taker_side: taker.side,
            taker: taker.account,
            taker_order: OrderId(taker.id),
            taker_fee: cash(fees[0]),
            maker: maker.account,
            maker_order: OrderId(maker.id),
            maker_fee: cash(fees[1]),
            kind: TradeKind::Ordinary,
        };
        self.events.push(Event::Traded { trade });
        let place = self.orders.iter().position(|it| it.id == maker.id).expect("it rests");
        self.orders[place].filled += lots;
        if self.orders[place].filled == self.orders[place].lots {
            self.end(maker.id, OrderEnd::Filled);
        }
    }

    fn fee(&self, state: &State, it: &Instrument, (price, lots, rate): (i64, u64, i64)) -> i128 {
        const ONE: i128 = 1_000_000_000;
        let size = i128::from(lots) * i128::from(it.market.lot_size().raw());
        let notional = ceil(i128::from(price) * i128::from(it.market.tick_size().micros()) * size, ONE);
        let part = |of: i128, rate: i64| ceil(of * i128::from(rate), ONE).max(0);
        if !it.is_option() {
            return part(notional, rate);
        }
        let index = i128::from(state.underlying_of(it.underlying).expect("of genesis").index.micros());
        let on_index = part(ceil(index * size, ONE), self.genesis.fees.option_billionths);
        on_index.min(part(notional, self.genesis.fees.option_cap_billionths))
    }

    /// A premium at once; of a future, what closing makes or loses. What does not divide rounds against the account.
    fn pay(&mut self, it: &Instrument, side: &Resting, (price, lots): (i64, u64)) {
        let size = i128::from(lots) * i128::from(it.market.lot_size().raw());
        let value = i128::from(price) * i128::from(it.market.tick_size().micros()) * size;
        let paid = value.div_euclid(1_000_000_000) * i128::from(side.side.sign());
        let signed = i128::from(lots) * i128::from(side.side.sign());
        let holder = self.holders.get_mut(&side.account).expect("it trades");
        let mut held = holder.holdings.get(&it.id).copied().unwrap_or_default();
        let mut realised = 0;
        if held.position.signum() * signed.signum() >= 0 {
            held.entry += paid;
        } else {
            let (before, lots) = (held.position.abs(), signed.abs());
            let closed = before.min(lots);
            let out = if closed == before { held.entry } else { ceil(held.entry * closed, before) };
            let back = if closed == lots { paid } else { ceil(paid * closed, lots) };
            realised = -(out + back);
            held.entry += paid - back - out;
        }
        held.position += signed;
        holder.balance += if it.is_option() { -paid } else { realised };
        if held.position == 0 {
            holder.holdings.remove(&it.id);
        } else {
            holder.holdings.insert(it.id, held);
        }
    }

    /// A smaller size at the same price keeps its place; anything else queues anew, and may trade.
    pub(super) fn amend(
        &mut self,
        state: &State,
        account: AccountId,
        (target, lots, price): (&OrderTarget, u64, i64),
    ) -> Result<u64, Reject> {
        let id = self.target(account, target)?;
        let place = self.orders.iter().position(|it| it.id == id).expect("it was found");
        let order = self.orders[place].clone();
        let it = state.instrument(order.instrument).expect("listed");
        self.check_lots(Lots::new(lots))?;
        self.check_price(Ticks::new(price), self.band(state, it))?;
        if lots <= order.filled {
            return Err(Reject::AmendBelowFilled { have: Lots::new(lots), need: Lots::new(order.filled) });
        }
        let open = self.check_reduce(account, it, (order.side, order.reduce_only, lots - order.filled))?;
        let lots = order.filled + open;
        let tell = |price: i64, kept_place: bool| Event::OrderAmended {
            order: OrderId(id),
            account,
            lots: Lots::new(lots),
            price: Ticks::new(price),
            kept_place,
        };
        if price == order.price && lots <= order.lots {
            self.orders[place].lots = lots;
            self.events.push(tell(price, true));
            return Ok(id);
        }
        self.check_position(account, it, (order.side, open))?;
        let price = self.check_post_only(it.id, (order.side, order.post_only, price))?;
        let amended = Resting { lots, price, placed: self.acting, ..order };
        if amended.reduce_only == ReduceOnly::Off {
            self.check_margin(state, account, (&amended, Some(id)))?;
        }
        // Moved back to where it was: only its size has changed.
        if amended.price == self.orders[place].price && lots <= self.orders[place].lots {
            self.orders[place].lots = lots;
            self.events.push(tell(amended.price, true));
            return Ok(id);
        }
        self.orders.remove(place);
        self.events.push(tell(price, false));
        self.enter(state, amended, true);
        Ok(id)
    }
}
