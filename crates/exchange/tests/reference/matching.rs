//! Orders meet: best price first, then whoever queued first; and what a fill does to both sides.

use exchange::Instrument;
use num::{Lots, Side, Ticks};
use wire::{
    AccountId, Event, InstrumentId, OrderEnd, OrderId, OrderTarget, ReduceOnly, Reject, SelfTrade,
    TradeEvent, TradeKind,
};

use super::{Marks, ONE, Reference, Resting, cash, ceil};

/// Who was there first.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Taker,
    Maker,
}

impl Reference {
    /// The order of a side that trades next.
    pub(super) fn front(&self, id: InstrumentId, side: Side) -> Option<&Resting> {
        let orders =
            self.orders.iter().filter(|it| it.instrument == id && it.side == side && !it.is_collected);
        orders.min_by_key(|it| (-it.price * side.sign(), it.queued))
    }

    /// An order trades, and what is left of it rests where it may. Answers with how much has filled.
    pub(super) fn enter(&mut self, state: &Marks, mut order: Resting, stays: bool) -> u64 {
        let mut end = self.trade(state, &mut order);
        if !stays {
            end = end.or(Some(OrderEnd::Dropped));
        }
        let filled = order.filled;
        if order.left() == 0 {
            self.tell_ended(&order, OrderEnd::Filled);
        } else if let Some(end) = end {
            self.tell_ended(&order, end);
        } else {
            self.queue(order);
        }
        filled
    }

    /// Puts an order behind all others of its price, with as much of it as it shows.
    pub(super) fn queue(&mut self, mut order: Resting) {
        self.queued += 1;
        order.queued = self.queued;
        order.shown = order.conditions.display.map_or(order.left(), |it| it.get().min(order.left()));
        self.orders.push(order);
    }

    fn trade(&mut self, state: &Marks, order: &mut Resting) -> Option<OrderEnd> {
        let Some(it) = self.asset(state, order.instrument).expect("listed").alone() else {
            return self.trade_combo(state, order);
        };
        while order.left() > 0 {
            let front = self.front(order.instrument, order.side.opposite()).cloned();
            let front = front.filter(|it| (order.price - it.price) * order.side.sign() >= 0)?;
            if self.check_trading(it.id).is_err() {
                // The last fill has stopped the market.
                return Some(OrderEnd::Dropped);
            }
            if front.account == order.account {
                if self.prevents(order, &front) {
                    return Some(OrderEnd::SelfTrade);
                }
                continue;
            }
            let mut shown = front.shown;
            if front.reduce_only == ReduceOnly::On {
                shown = shown.min(self.reducible(front.account, it.id, front.side));
            }
            let lots = shown.min(order.left());
            if lots == 0 {
                self.end_any(front.id, OrderEnd::NothingToReduce);
                continue;
            }
            if self.is_too_much(it, order.account, (order.side, lots)) {
                return Some(OrderEnd::PositionLimit);
            }
            if self.is_too_much(it, front.account, (front.side, lots)) {
                self.end_any(front.id, OrderEnd::PositionLimit);
                continue;
            }
            let moves = [(order.account, order.side, lots), (front.account, front.side, lots)];
            if self.is_too_open(it.id, &moves) {
                return Some(OrderEnd::PositionLimit);
            }
            self.fill(it, (order, &front, lots));
            order.filled += lots;
            self.note_fill(state, order, lots);
            self.note_fill(state, &front, lots);
            if order.left() > 0 && self.is_frozen(order.account, order.conditions.protection) {
                return Some(OrderEnd::Protection);
            }
        }
        None
    }

    /// Ends whom the taker's mode says, and answers whether that is the taker.
    pub(super) fn prevents(&mut self, taker: &Resting, maker: &Resting) -> bool {
        let mode = taker.conditions.self_trade;
        if mode != SelfTrade::ExpireTaker {
            self.end_any(maker.id, OrderEnd::SelfTrade);
        }
        mode != SelfTrade::ExpireMaker
    }

    pub(super) fn is_too_much(&self, it: &Instrument, account: AccountId, (side, lots): (Side, u64)) -> bool {
        let before = self.position(account, it.id);
        let after = (before + i128::from(side.sign()) * i128::from(lots)).unsigned_abs();
        after > before.unsigned_abs() && after > u128::from(it.position_max.get())
    }

    /// Whether more would be held long than may be.
    pub(super) fn is_too_open(&self, id: InstrumentId, moves: &[(AccountId, Side, u64)]) -> bool {
        let growth = moves.iter().map(|(account, side, lots)| {
            let before = self.position(*account, id);
            let after = before + i128::from(side.sign()) * i128::from(*lots);
            after.max(0) - before.max(0)
        });
        let growth: i128 = growth.sum();
        let most = self.genesis.limits.open_interest_lots_max;
        growth > 0 && i128::from(self.open_interest(id)) + growth > i128::from(most)
    }

    fn fill(&mut self, it: &Instrument, (taker, maker, lots): (&Resting, &Resting, u64)) {
        let fees = [Role::Taker, Role::Maker].map(|role| self.fee(it, (maker.price, lots), role));
        for (side, fee) in [(taker, fees[0]), (maker, fees[1])] {
            self.pay(it, (side.account, side.side), (maker.price, lots));
            self.holder(side.account).balance -= fee;
        }
        // Whoever is liquidated pays the fund that stands behind all.
        let to_fund = if taker.kind == TradeKind::Liquidation { fees[0] } else { 0 };
        let pool = self.holders[&taker.account].pool;
        *self.funds.get_mut(&pool).expect("of genesis") += to_fund;
        self.fees += fees[0] + fees[1] - to_fund;
        self.lasts.insert(it.id, maker.price);
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
            kind: taker.kind,
        };
        self.tell(Event::Traded { trade });
        if taker.kind == TradeKind::Ordinary {
            self.note_flow(it.id, (taker.side, lots));
        }
        self.take_from(maker.id, lots);
    }

    /// A resting order has traded, and perhaps to its end.
    pub(super) fn take_from(&mut self, id: u64, lots: u64) {
        self.take_from_quietly(id, lots);
        self.end_if_filled(id);
    }

    pub(super) fn end_if_filled(&mut self, id: u64) {
        if self.orders.iter().any(|it| it.id == id && it.left() == 0) {
            self.end_any(id, OrderEnd::Filled);
        }
    }

    /// What is left of a resting order shows its next part when the last one is gone.
    pub(super) fn take_from_quietly(&mut self, id: u64, lots: u64) {
        let place = self.orders.iter().position(|it| it.id == id).expect("it rests");
        let order = &mut self.orders[place];
        order.filled += lots;
        order.shown -= lots;
        if order.left() > 0 && order.shown == 0 {
            let order = self.orders.remove(place);
            self.queue(order);
        }
    }

    pub(super) fn fee(&self, it: &Instrument, (price, lots): (i64, u64), role: Role) -> i128 {
        let size = i128::from(lots) * i128::from(it.market.lot_size().raw());
        let notional = ceil(i128::from(price) * i128::from(it.market.tick_size().micros()) * size, ONE);
        let part = |of: i128, rate: i64| ceil(of * i128::from(rate), ONE).max(0);
        let rates = &self.genesis.fees;
        if !it.is_option() {
            let is_taker = role == Role::Taker;
            let rate = if is_taker { rates.future_taker_billionths } else { rates.future_maker_billionths };
            return part(notional, rate);
        }
        let on_index = part(ceil(self.indices[&it.underlying] * size, ONE), rates.option_billionths);
        on_index.min(part(notional, rates.option_cap_billionths))
    }

    pub(super) fn pay(
        &mut self,
        it: &Instrument,
        (account, side): (AccountId, Side),
        (price, lots): (i64, u64),
    ) {
        let size = i128::from(lots) * i128::from(it.market.lot_size().raw());
        let value = i128::from(price) * i128::from(it.market.tick_size().micros()) * size;
        let paid = value.div_euclid(ONE) * i128::from(side.sign());
        self.move_holding(it, (account, i128::from(lots) * i128::from(side.sign())), paid);
    }

    /// So many lots come, or go where negative, for so much money: a premium at once; of a future, what closing makes or
    /// loses. What does not divide rounds against the account.
    pub(super) fn move_holding(&mut self, it: &Instrument, (account, signed): (AccountId, i128), paid: i128) {
        let pool = self.genesis.underlyings[usize::from(it.underlying.0)].pool;
        self.pay_own_funding((account, it.id));
        self.note_exotic_use(it.id);
        let holder = self.holder(account);
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
        holder.pool = pool;
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
        state: &Marks,
        account: AccountId,
        (target, lots, price): (&OrderTarget, u64, i64),
    ) -> Result<u64, Reject> {
        let id = self.target(account, target)?;
        let order = self.orders.iter().find(|it| it.id == id).cloned().ok_or(Reject::UnknownOrder)?;
        let it = self.asset(state, order.instrument)?;
        self.check_open(&it)?;
        self.check_lots(Lots::new(lots))?;
        self.check_price(&it, Ticks::new(price))?;
        if lots <= order.filled {
            return Err(Reject::AmendBelowFilled { have: Lots::new(lots), need: Lots::new(order.filled) });
        }
        let open = self.check_reduce(account, it.id, (order.side, order.reduce_only, lots - order.filled))?;
        let lots = order.filled + open;
        if price == order.price && lots <= order.lots {
            self.shrink(id, lots);
            return Ok(id);
        }
        self.check_position(account, &it, (order.side, open))?;
        let price = self.check_post_only(&it, (order.side, order.post_only, price))?;
        let amended = Resting { lots, price, placed: self.acting, ..order.clone() };
        if amended.reduce_only == ReduceOnly::Off {
            self.check_margin(state, account, (core::slice::from_ref(&amended), &[id]))?;
        }
        // Moved back to where it was: only its size has changed.
        if price == order.price && lots <= order.lots {
            self.shrink(id, lots);
            return Ok(id);
        }
        self.orders.retain(|it| it.id != id);
        let (order, lots, price) = (OrderId(id), Lots::new(lots), Ticks::new(price));
        self.tell(Event::OrderAmended { order, account, lots, price, kept_place: false });
        self.enter(state, amended, true);
        Ok(id)
    }

    /// A smaller total at its place; what is hidden goes first.
    pub(super) fn shrink(&mut self, id: u64, lots: u64) {
        let order = self.orders.iter_mut().find(|it| it.id == id).expect("it rests");
        order.lots = lots;
        order.shown = order.shown.min(order.lots - order.filled);
        let (account, price, lots) = (order.account, Ticks::new(order.price), Lots::new(lots));
        self.tell(Event::OrderAmended { order: OrderId(id), account, lots, price, kept_place: true });
    }
}
