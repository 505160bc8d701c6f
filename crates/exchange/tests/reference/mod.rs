//! The exchange a second time, slow and obvious: one list of orders that is searched for everything, money and
//! positions in 128 bits, margin summed anew for every look.
//!
//! It covers deposits, orders of every time in force, post-only and reduce-only, amendments, cancels, matching, fees,
//! positions, portfolio margin and the turns of a commit. Marks are read from the exchange it is compared with.
//! Left out on purpose: what happens between commits by itself (expiry, funding, liquidation), and held orders.
#![allow(dead_code, reason = "fields that only events show")]

mod margin;
mod matching;

use std::collections::BTreeMap;

use exchange::{Genesis, Instrument, State};
use num::{Cash, Lots, Side, Ticks};
use wire::{
    AccountId, Action, Event, InstrumentId, NewOrder, OrderEnd, OrderId, OrderKind, OrderTarget, Outcome,
    PostOnly, ReduceOnly, Reject, SignedIntent, TimeInForce,
};

use margin::{Portfolio, judge};

pub(crate) fn ceil(a: i128, b: i128) -> i128 {
    a.div_euclid(b) + i128::from(a.rem_euclid(b) > 0)
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Holding {
    pub position: i128,
    pub entry: i128,
}

/// An order at rest.
#[derive(Clone, Debug)]
pub struct Resting {
    pub id: u64,
    pub account: AccountId,
    pub instrument: InstrumentId,
    pub side: Side,
    pub price: i64,
    pub lots: u64,
    pub filled: u64,
    pub post_only: PostOnly,
    pub reduce_only: ReduceOnly,
    /// Who queued first at a price trades first.
    queued: u64,
    /// Commit, intent and action that placed or last queued it.
    placed: (u64, usize, usize),
}

#[derive(Debug, Default)]
pub struct Holder {
    pub balance: i128,
    pub holdings: BTreeMap<InstrumentId, Holding>,
}

#[derive(Debug)]
pub struct Reference {
    genesis: Genesis,
    pub holders: BTreeMap<AccountId, Holder>,
    orders: Vec<Resting>,
    next_order: u64,
    queued: u64,
    acting: (u64, usize, usize),
    pub fees: i128,
    events: Vec<Event>,
}

/// A new order as it will trade.
struct Planned {
    limit: i64,
    lots: u64,
}

impl Reference {
    pub fn new(genesis: Genesis) -> Self {
        Self {
            genesis,
            holders: BTreeMap::new(),
            orders: Vec::new(),
            next_order: 1,
            queued: 0,
            acting: (0, 0, 0),
            fees: 0,
            events: Vec::new(),
        }
    }

    /// Applies a commit of well-formed intents to which `before` is the exchange just before it.
    pub fn commit(&mut self, before: &State, intents: &[SignedIntent]) -> Vec<Event> {
        let number = before.commit() + 1;
        let mut steps = Vec::new();
        for (i, signed) in intents.iter().enumerate() {
            self.holders.entry(signed.intent.account).or_default();
            for (a, action) in signed.intent.actions.iter().enumerate() {
                steps.push((self.turn(&signed.intent.account, action), i, a));
                if matches!(action, Action::CancelAll { .. }) {
                    steps.push((4, i, a));
                }
            }
        }
        steps.sort_by_key(|step| step.0);
        let mut outcomes: BTreeMap<(usize, usize), Outcome> = BTreeMap::new();
        for (_, i, a) in steps {
            self.acting = (number, i, a);
            let intent = &intents[i].intent;
            let done = self.act(before, intent.account, &intent.actions[a]);
            outcomes.insert((i, a), done.unwrap_or_else(|reject| Outcome::Rejected { reject }));
        }
        for (i, signed) in intents.iter().enumerate() {
            let of = outcomes.range((i, 0)..(i + 1, 0)).map(|(_, outcome)| outcome.clone()).collect();
            let outcomes = wire::List::new(of).expect("as many as actions");
            let (intent, account) = (signed.intent.id(), signed.intent.account);
            self.events.push(Event::Receipt { intent, account, outcomes });
        }
        core::mem::take(&mut self.events)
    }

    /// Money, then cancels of what rests, then what cannot take, then the rest.
    fn turn(&self, account: &AccountId, action: &Action) -> u8 {
        let own = |target: &OrderTarget| {
            let OrderTarget::Id { order } = target else { return None };
            self.orders.iter().find(|it| it.id == order.0 && it.account == *account)
        };
        match action {
            Action::Faucet { .. } => 1,
            Action::Cancel { target } if own(target).is_none() => 4,
            Action::Cancel { .. } | Action::CancelAll { .. } => 2,
            Action::Amend { target, .. } if own(target).is_some_and(|it| it.post_only != PostOnly::Off) => 3,
            Action::Place { order } if order.post_only != PostOnly::Off => 3,
            _ => 4,
        }
    }

    fn act(&mut self, state: &State, account: AccountId, action: &Action) -> Result<Outcome, Reject> {
        match action {
            Action::Faucet { amount } => {
                self.holders.entry(account).or_default().balance += i128::from(amount.micros());
                self.events.push(Event::Deposited { account, amount: *amount });
                Ok(Outcome::Done)
            }
            Action::Place { order } => self.place(state, account, order),
            Action::Amend { target, lots, price } => {
                let order = self.amend(state, account, (target, lots.get(), price.get()))?;
                Ok(Outcome::Placed { order: OrderId(order) })
            }
            Action::Cancel { target } => {
                let id = self.target(account, target)?;
                self.end(id, OrderEnd::Cancelled);
                Ok(Outcome::Done)
            }
            Action::CancelAll { instrument } => {
                if let Some(have) = *instrument
                    && state.instrument(have).is_none()
                {
                    return Err(Reject::UnknownInstrument { have });
                }
                let mine = |it: &&Resting| {
                    it.account == account
                        && it.placed < self.acting
                        && instrument.is_none_or(|only| only == it.instrument)
                };
                let mut ids: Vec<u64> = self.orders.iter().filter(mine).map(|it| it.id).collect();
                ids.sort_unstable();
                ids.into_iter().for_each(|id| self.end(id, OrderEnd::Cancelled));
                Ok(Outcome::Done)
            }
            other => unreachable!("the reference is not asked for {other:?}"),
        }
    }

    fn target(&self, account: AccountId, target: &OrderTarget) -> Result<u64, Reject> {
        let OrderTarget::Id { order } = target else { return Err(Reject::UnknownOrder) };
        match self.orders.iter().find(|it| it.id == order.0) {
            Some(it) if it.account != account => Err(Reject::NotOwner { have: *order }),
            Some(it) if it.placed < self.acting => Ok(it.id),
            _ => Err(Reject::UnknownOrder),
        }
    }

    fn end(&mut self, id: u64, end: OrderEnd) {
        let place = self.orders.iter().position(|it| it.id == id).expect("it rests");
        let it = self.orders.remove(place);
        self.tell_ended(&it, end);
    }

    fn tell_ended(&mut self, it: &Resting, end: OrderEnd) {
        let (account, instrument, unfilled) = (it.account, it.instrument, Lots::new(it.lots - it.filled));
        self.events.push(Event::OrderEnded { order: OrderId(it.id), account, instrument, end, unfilled });
    }

    fn place(&mut self, state: &State, account: AccountId, terms: &NewOrder) -> Result<Outcome, Reject> {
        let Planned { limit, lots } = self.plan(state, account, terms)?;
        let id = self.next_order;
        self.next_order += 1;
        let is_market = terms.kind == OrderKind::Market;
        let kind = if is_market { terms.kind } else { OrderKind::Limit { price: Ticks::new(limit) } };
        let told = NewOrder { kind, lots: Lots::new(lots), ..terms.clone() };
        self.events.push(Event::OrderPlaced { order: OrderId(id), account, terms: told });
        let order = Resting {
            id,
            account,
            instrument: terms.instrument,
            side: terms.side,
            price: limit,
            lots,
            filled: 0,
            post_only: terms.post_only,
            reduce_only: terms.reduce_only,
            queued: 0,
            placed: self.acting,
        };
        let stays = terms.time_in_force == TimeInForce::GoodTilCancelled && !is_market;
        self.enter(state, order, stays);
        Ok(Outcome::Placed { order: OrderId(id) })
    }

    fn plan(&self, state: &State, account: AccountId, terms: &NewOrder) -> Result<Planned, Reject> {
        let have = terms.instrument;
        let it = state.instrument(have).ok_or(Reject::UnknownInstrument { have })?;
        self.check_lots(terms.lots)?;
        let (low, high) = self.band(state, it);
        let limit = match terms.kind {
            OrderKind::Limit { price } => self.check_price(price, (low, high))?,
            _ if terms.post_only == PostOnly::Reject => return Err(Reject::PostOnlyWithoutLimit),
            _ if terms.side == Side::Buy => high,
            _ => low,
        };
        if terms.time_in_force == TimeInForce::GoodTilCancelled {
            let (have, need) = (self.count(|it| it.account == account), self.genesis.limits.open_orders_max);
            if have >= need {
                return Err(Reject::OpenOrderLimit { have, need });
            }
        }
        let (have, need) = (self.count(|o| o.instrument == it.id), self.genesis.limits.book_orders_max);
        if have >= need {
            return Err(Reject::BookFull { have, need });
        }
        let lots = self.check_reduce(account, it, (terms.side, terms.reduce_only, terms.lots.get()))?;
        self.check_position(account, it, (terms.side, lots))?;
        let limit = self.check_post_only(it.id, (terms.side, terms.post_only, limit))?;
        let planned = Planned { limit, lots };
        if terms.time_in_force == TimeInForce::FillOrKill {
            self.check_fillable(account, terms, &planned)?;
        }
        if terms.reduce_only == ReduceOnly::Off {
            self.check_margin(state, account, (&self.imagined(account, terms, &planned), None))?;
        }
        Ok(planned)
    }

    fn imagined(&self, account: AccountId, terms: &NewOrder, planned: &Planned) -> Resting {
        Resting {
            id: 0,
            account,
            instrument: terms.instrument,
            side: terms.side,
            price: planned.limit,
            lots: planned.lots,
            filled: 0,
            post_only: terms.post_only,
            reduce_only: terms.reduce_only,
            queued: 0,
            placed: self.acting,
        }
    }

    fn count(&self, counts: impl Fn(&Resting) -> bool) -> u32 {
        u32::try_from(self.orders.iter().filter(|it| counts(it)).count()).unwrap_or(u32::MAX)
    }

    fn check_lots(&self, have: Lots) -> Result<(), Reject> {
        let need = Lots::new(self.genesis.limits.order_lots_max);
        if have.is_zero() {
            return Err(Reject::LotsZero);
        }
        if have > need { Err(Reject::LotsTooLarge { have, need }) } else { Ok(()) }
    }

    /// A part of the index around the mark, at least a tick.
    fn band(&self, state: &State, it: &Instrument) -> (i64, i64) {
        let index = i128::from(state.underlying_of(it.underlying).expect("of genesis").index.micros());
        let part = i128::from(self.genesis.limits.price_band_billionths);
        let width = ceil(index * part, 1_000_000_000);
        let mark = i128::from(it.mark().map_or(0, Cash::micros));
        let tick = i128::from(it.market.tick_size().micros());
        let ticks = |ticks: i128| i64::try_from(ticks).unwrap_or(i64::MAX).max(1);
        (ticks(ceil(mark - width, tick)), ticks((mark + width).div_euclid(tick)))
    }

    fn check_price(&self, have: Ticks, (low, high): (i64, i64)) -> Result<i64, Reject> {
        if have.get() <= 0 {
            return Err(Reject::PriceNotPositive { have });
        }
        if (low..=high).contains(&have.get()) {
            return Ok(have.get());
        }
        Err(Reject::PriceOutsideBand { have, low: Ticks::new(low), high: Ticks::new(high) })
    }

    fn position(&self, account: AccountId, id: InstrumentId) -> i128 {
        self.holders.get(&account).and_then(|it| it.holdings.get(&id)).map_or(0, |it| it.position)
    }

    /// Lots of a side that bring a position nearer to zero.
    fn reducible(&self, account: AccountId, id: InstrumentId, side: Side) -> u64 {
        let position = self.position(account, id);
        let toward = if side == Side::Buy { -position } else { position };
        u64::try_from(toward).unwrap_or(0)
    }

    fn check_reduce(
        &self,
        account: AccountId,
        it: &Instrument,
        (side, reduce_only, lots): (Side, ReduceOnly, u64),
    ) -> Result<u64, Reject> {
        if reduce_only == ReduceOnly::Off {
            return Ok(lots);
        }
        let have = i64::try_from(self.position(account, it.id)).unwrap_or(0);
        match self.reducible(account, it.id, side) {
            0 => Err(Reject::ReduceOnlyWouldOpen { have }),
            most => Ok(lots.min(most)),
        }
    }

    fn check_position(
        &self,
        account: AccountId,
        it: &Instrument,
        (side, lots): (Side, u64),
    ) -> Result<(), Reject> {
        let before = self.position(account, it.id);
        let after = (before + i128::from(side.sign()) * i128::from(lots)).unsigned_abs();
        if after <= u128::from(it.position_max.get()) || after <= before.unsigned_abs() {
            return Ok(());
        }
        let have = Lots::new(u64::try_from(after).unwrap_or(u64::MAX));
        Err(Reject::PositionTooLarge { have, need: it.position_max })
    }

    fn check_post_only(
        &self,
        id: InstrumentId,
        (side, post_only, price): (Side, PostOnly, i64),
    ) -> Result<i64, Reject> {
        let Some(front) = self.front(id, side.opposite()) else { return Ok(price) };
        let trades = (price - front.price) * side.sign() >= 0;
        if post_only == PostOnly::Off || !trades {
            return Ok(price);
        }
        let beside = front.price - side.sign();
        if post_only == PostOnly::Reprice && beside > 0 {
            return Ok(beside);
        }
        Err(Reject::PostOnlyWouldTrade { have: Ticks::new(price), need: Ticks::new(front.price) })
    }

    /// What others have at rest within the limit; what may only reduce is not sure to trade.
    fn check_fillable(&self, account: AccountId, terms: &NewOrder, it: &Planned) -> Result<(), Reject> {
        let meets = |o: &&Resting| {
            o.instrument == terms.instrument
                && o.side != terms.side
                && o.account != account
                && o.reduce_only == ReduceOnly::Off
                && (it.limit - o.price) * terms.side.sign() >= 0
        };
        let sum: u64 = self.orders.iter().filter(meets).map(|o| o.lots - o.filled).sum();
        if sum >= it.lots {
            return Ok(());
        }
        Err(Reject::NotFillable { have: Lots::new(sum), need: Lots::new(it.lots) })
    }

    /// Initial margin with an order more, and perhaps one less, is covered or not larger than it was.
    fn check_margin(
        &self,
        state: &State,
        account: AccountId,
        (more, less): (&Resting, Option<u64>),
    ) -> Result<(), Reject> {
        let holder = &self.holders[&account];
        let mine = |it: &&Resting| it.account == account;
        let portfolio = |orders: Vec<Resting>| {
            let it = Portfolio { balance: holder.balance, holdings: &holder.holdings, orders };
            judge(state, &self.genesis, &it)
        };
        let now: Vec<Resting> = self.orders.iter().filter(mine).cloned().collect();
        let mut then: Vec<Resting> = now.iter().filter(|it| Some(it.id) != less).cloned().collect();
        then.push(more.clone());
        let (now, then) = (portfolio(now), portfolio(then));
        if now.equity >= then.initial || then.initial <= now.initial {
            return Ok(());
        }
        let cash = |micros: i128| Cash::from_i128(micros).expect("a test's money fits");
        Err(Reject::MarginTooLow { have: cash(now.equity), need: cash(then.initial) })
    }
}
