//! Openings: orders are collected while a market stands, then all that can trade does so at one price.
//!
//! The price is, of all that there are, the one at which most trades; of several the one that leaves least over, then
//! the nearest to the mark, then the lowest.

use exchange::Instrument;
use num::{Lots, Side, Ticks};
use wire::{
    AccountId, Event, InstrumentId, NewOrder, OrderEnd, OrderId, OrderKind, Outcome, PostOnly, ReduceOnly,
    Reject, TimeInForce, TradeEvent, TradeKind,
};

use super::{Marks, Reference, Resting, cash, half_even, matching::Role, placing::Asked};

impl Reference {
    /// Keeps a limit that stays; anything else would have to trade at once or never.
    pub(super) fn collect(
        &mut self,
        state: &Marks,
        account: AccountId,
        (terms, conditions): Asked<'_>,
    ) -> Result<Outcome, Reject> {
        let it = self.asset(state, terms.instrument)?;
        let stays =
            matches!(terms.time_in_force, TimeInForce::GoodTilCancelled | TimeInForce::GoodTilTime { .. });
        let is_limit = matches!(terms.kind, OrderKind::Limit { .. });
        if !stays || !is_limit || terms.post_only != PostOnly::Off {
            self.check_trading(it.id)?;
        }
        self.check_standing(account, terms, conditions)?;
        self.check_lots(terms.lots)?;
        self.limit(&it, terms)?;
        self.check_label(account, terms)?;
        let id = self.keep_held(account, (terms, conditions), None);
        self.halts.collected.push((it.id, id));
        Ok(Outcome::Placed { order: OrderId(id) })
    }

    /// Opens what has stood for long enough.
    pub(super) fn reopen(&mut self, state: &Marks) {
        if self.check_running().is_err() {
            return;
        }
        let due = self.halts.standing.iter().filter(|(_, (_, opens_at))| *opens_at <= self.now);
        for id in due.map(|(id, _)| *id).collect::<Vec<_>>() {
            self.halts.standing.remove(&id);
            let (collected, others) = self.halts.collected.iter().partition(|(of, _)| *of == id);
            self.halts.collected = others;
            if !self.closed.contains(&id) {
                self.open_market(state, id, collected);
            }
        }
    }

    fn open_market(&mut self, state: &Marks, id: InstrumentId, collected: Vec<(InstrumentId, u64)>) {
        let it = state.instrument(id).expect("listed");
        for (_, order) in collected {
            self.admit_collected(state, order);
        }
        let price = self.clearing_price(it);
        let lots = price.map_or(0, |price| self.uncross(state, (it, price)));
        self.tell(Event::Reopened { instrument: id, price: price.map(Ticks::new), lots: Lots::new(lots) });
        let (mut left, others): (Vec<Resting>, _) =
            core::mem::take(&mut self.orders).into_iter().partition(|it| it.is_collected);
        self.orders = others;
        left.sort_by_key(|order| order.id);
        for order in left {
            let front = self.front(id, order.side.opposite());
            if front.is_some_and(|front| (order.price - front.price) * order.side.sign() >= 0) {
                self.tell_ended(&order, OrderEnd::Dropped);
            } else {
                self.queue(Resting { is_collected: false, ..order });
            }
        }
    }

    /// By every rule of a new order.
    fn admit_collected(&mut self, state: &Marks, id: u64) {
        let Some(held) = self.take_held(id) else { return };
        let (order, account) = (OrderId(id), held.account);
        let asked = (&held.terms, &held.conditions);
        match self.plan(state, account, (asked, Some(id))) {
            Ok(planned) => {
                let kind = OrderKind::Limit { price: Ticks::new(planned.limit) };
                let terms = NewOrder { kind, lots: Lots::new(planned.lots), ..held.terms.clone() };
                self.tell(Event::OrderPlaced { order, account, terms });
                let it = self.as_order((account, id), asked, &planned);
                self.queued += 1;
                let (shown, queued) = (it.left(), self.queued);
                self.orders.push(Resting { is_collected: true, shown, queued, ..it });
            }
            Err(reject) => {
                self.tell(Event::OrderRefused { order, account, reject });
                self.tell_held_ended(&held, OrderEnd::Refused);
            }
        }
    }

    fn clearing_price(&self, it: &Instrument) -> Option<i64> {
        let of = |side: Side| self.orders.iter().filter(move |o| o.instrument == it.id && o.side == side);
        let low = of(Side::Sell).map(|order| order.price).min()?;
        let high = of(Side::Buy).map(|order| order.price).max()?;
        let tick = it.market.tick_size().micros();
        let mark = it.mark().map(|mark| half_even(mark.micros().into(), tick.into()));
        let rank = |price: i64| {
            let sum = |side: Side| -> u64 {
                of(side).filter(|o| (o.price - price) * side.sign() >= 0).map(|order| order.shown).sum()
            };
            let (bought, sold) = (sum(Side::Buy), sum(Side::Sell));
            let away = mark.map_or(0, |mark| (i128::from(price) - mark).abs());
            (core::cmp::Reverse(bought.min(sold)), bought.abs_diff(sold), away, price)
        };
        (low..=high).map(rank).min().map(|(.., price)| price)
    }

    /// Who is next of a side: the better price, then what rested before, then what came first.
    fn next_at(&self, id: InstrumentId, (side, price): (Side, i64)) -> Option<Resting> {
        let orders = self.orders.iter().filter(|it| it.instrument == id && it.side == side);
        let reaching = orders.filter(|it| (it.price - price) * side.sign() >= 0);
        reaching.min_by_key(|it| (-it.price * side.sign(), it.is_collected, it.queued)).cloned()
    }

    fn uncross(&mut self, state: &Marks, (it, price): (&Instrument, i64)) -> u64 {
        let mut traded = 0;
        while let Some((buy, sell)) =
            self.next_at(it.id, (Side::Buy, price)).zip(self.next_at(it.id, (Side::Sell, price)))
        {
            let later = if buy.id > sell.id { buy.id } else { sell.id };
            if buy.account == sell.account {
                self.end_any(later, OrderEnd::SelfTrade);
                continue;
            }
            let most = [&buy, &sell].map(|order| match order.reduce_only {
                ReduceOnly::On => order.shown.min(self.reducible(order.account, it.id, order.side)),
                ReduceOnly::Off => order.shown,
            });
            if let Some((order, _)) = [&buy, &sell].into_iter().zip(most).find(|(_, most)| *most == 0) {
                self.end_any(order.id, OrderEnd::NothingToReduce);
                continue;
            }
            let lots = most[0].min(most[1]);
            let moves = [&buy, &sell].map(|order| (order.account, order.side, lots));
            let too_much = [&buy, &sell]
                .into_iter()
                .find(|order| self.is_too_much(it, order.account, (order.side, lots)))
                .map(|order| order.id)
                .or_else(|| self.is_too_open(it.id, &moves).then_some(later));
            if let Some(order) = too_much {
                self.end_any(order, OrderEnd::PositionLimit);
                continue;
            }
            self.cross(state, (it, price, lots), [&buy, &sell]);
            traded += lots;
        }
        traded
    }

    /// Both pay what makers pay.
    fn cross(
        &mut self,
        state: &Marks,
        (it, price, lots): (&Instrument, i64, u64),
        [buy, sell]: [&Resting; 2],
    ) {
        let fee = self.fee(it, (price, lots), Role::Maker);
        for order in [buy, sell] {
            self.take_from_quietly(order.id, lots);
            self.pay(it, (order.account, order.side), (price, lots));
            self.holder(order.account).balance -= fee;
            self.fees += fee;
            self.end_if_filled(order.id);
        }
        self.lasts.insert(it.id, price);
        let (taker, maker) = if buy.id > sell.id { (buy, sell) } else { (sell, buy) };
        let trade = TradeEvent {
            instrument: it.id,
            price: Ticks::new(price),
            lots: Lots::new(lots),
            taker_side: taker.side,
            taker: taker.account,
            taker_order: OrderId(taker.id),
            taker_fee: cash(fee),
            maker: maker.account,
            maker_order: OrderId(maker.id),
            maker_fee: cash(fee),
            kind: TradeKind::Opening,
        };
        self.tell(Event::Traded { trade });
        for order in [buy, sell] {
            self.note_fill(state, order, lots);
        }
    }
}
