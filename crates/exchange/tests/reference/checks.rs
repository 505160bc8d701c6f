//! The rules of an order, one by one: what its market, its account and its margin have room for.

use exchange::{Instrument, name::Contract};
use num::{Cash, Fix, Lots, Side, Ticks};
use wire::{
    AccountId, Conditions, InstrumentId, NewOrder, OrderId, OrderKind, PostOnly, ReduceOnly, Reject,
    SelfTrade, TimeInForce, UnderlyingId,
};

use super::{
    Marks, ONE, Reference, Resting,
    assets::{Asset, in_ticks},
    cash, ceil, lots,
    placing::{Asked, Planned},
    until,
};

impl Reference {
    /// In one pool at a time: that of a position, or of an order, or of a debt.
    pub(super) fn check_pool(
        &self,
        state: &Marks,
        account: AccountId,
        entered: UnderlyingId,
    ) -> Result<(), Reject> {
        let pool_of = |it: UnderlyingId| self.genesis.underlyings[usize::from(it.0)].pool;
        let pool = |id: InstrumentId| pool_of(self.asset(state, id).expect("listed").underlying);
        let holder = &self.holders[&account];
        let held = holder.holdings.keys().next().copied();
        let ordered = self.orders.iter().filter(|it| it.account == account).map(|it| it.instrument).next();
        let bound = held
            .or(ordered)
            .map(pool)
            .or((holder.balance < 0 || holder.distress.is_some()).then_some(holder.pool));
        match (bound, pool_of(entered)) {
            (Some(have), need) if have != need => Err(Reject::OtherPool { have, need }),
            _ => Ok(()),
        }
    }

    pub(super) fn check_standing(
        &self,
        account: AccountId,
        terms: &NewOrder,
        conditions: &Conditions,
    ) -> Result<(), Reject> {
        self.check_protection(account, conditions.protection)?;
        if let Some(have) = until(terms).filter(|until| *until <= self.now) {
            return Err(Reject::TimeNotAhead { have, need: self.now });
        }
        match conditions.display {
            Some(have) if have.is_zero() || have > terms.lots => {
                Err(Reject::DisplayOutOfRange { have, need: terms.lots })
            }
            _ => Ok(()),
        }
    }

    pub(super) fn check_lots(&self, have: Lots) -> Result<(), Reject> {
        let need = lots(self.genesis.limits.order_lots_max);
        if have.is_zero() {
            return Err(Reject::LotsZero);
        }
        if have > need { Err(Reject::LotsTooLarge { have, need }) } else { Ok(()) }
    }

    /// The worst price that an order trades at.
    pub(super) fn limit(&self, it: &Asset<'_>, terms: &NewOrder) -> Result<i64, Reject> {
        match terms.kind {
            OrderKind::Limit { price } => self.check_price(it, price),
            OrderKind::Volatility { volatility } => {
                let price = it.alone().and_then(|it| self.at_volatility(it, terms.side, volatility));
                let none = Reject::NoVolatilityPrice { have: volatility, on: it.id };
                self.check_price(it, price.ok_or(none)?)
            }
            OrderKind::Market if it.check_marked().is_err() => Err(Reject::NoMark { have: it.id }),
            OrderKind::Market if terms.post_only == PostOnly::Reject => Err(Reject::PostOnlyWithoutLimit),
            OrderKind::Market if it.check_marked().is_err() => Err(Reject::NoMark { have: it.id }),
            OrderKind::Market if terms.side == Side::Buy => Ok(self.band(it).1),
            OrderKind::Market => Ok(self.band(it).0),
        }
    }

    /// What an option costs at a volatility up to 10,000 %, in ticks away from trading.
    pub(super) fn at_volatility(&self, it: &Instrument, side: Side, volatility: Fix) -> Option<Ticks> {
        let Contract::Option { expiry, strike, right } = it.contract else { return None };
        if !(1..=100 * ONE).contains(&i128::from(volatility.raw())) {
            return None;
        }
        let right = match right {
            exchange::name::Right::Call => pricing::Right::Call,
            exchange::name::Right::Put => pricing::Right::Put,
        };
        let forward = it.valuation.as_ref()?.forward;
        let time = expiry.since(self.now);
        let (price, _) = pricing::quote(&pricing::Quote { right, forward, strike, time, volatility });
        let (price, tick) = (i128::from(price.micros()), i128::from(it.market.tick_size().micros()));
        let ticks = if side == Side::Buy { price.div_euclid(tick) } else { ceil(price, tick) };
        Some(Ticks::new(i64::try_from(ticks).ok()?))
    }

    pub(super) fn band(&self, it: &Asset<'_>) -> (i64, i64) {
        it.alone().map_or_else(|| self.combo_band(it), |it| self.leg_band(it))
    }

    /// A part of the index around the mark, at least a tick.
    pub(super) fn leg_band(&self, it: &Instrument) -> (i64, i64) {
        let part = i128::from(self.genesis.limits.price_band_billionths);
        let width = ceil(self.indices[&it.underlying] * part, ONE);
        let mark = i128::from(it.mark().map_or(0, Cash::micros));
        let tick = i128::from(it.market.tick_size().micros());
        let (low, high) = in_ticks((mark - width, mark + width), tick);
        (low.max(1), high.max(1))
    }

    pub(super) fn check_price(&self, it: &Asset<'_>, have: Ticks) -> Result<i64, Reject> {
        if have.get() <= 0 && !it.is_combo {
            return Err(Reject::PriceNotPositive { have });
        }
        it.check_marked()?;
        let (low, high) = self.band(it);
        if (low..=high).contains(&have.get()) {
            return Ok(have.get());
        }
        Err(Reject::PriceOutsideBand { have, low: Ticks::new(low), high: Ticks::new(high) })
    }

    pub(super) fn check_label(&self, account: AccountId, terms: &NewOrder) -> Result<(), Reject> {
        let named = self.holders[&account].labels.get(&terms.label).filter(|named| named.ended.is_none());
        if let Some(named) = named {
            return Err(Reject::LabelInUse { have: OrderId(named.order) });
        }
        match terms.time_in_force {
            TimeInForce::ImmediateOrCancel | TimeInForce::FillOrKill => Ok(()),
            TimeInForce::GoodTilCancelled | TimeInForce::GoodTilTime { .. } => {
                self.check_open_orders(account)
            }
        }
    }

    pub(super) fn check_open_orders(&self, account: AccountId) -> Result<(), Reject> {
        let have = self.open_where(account, |_| true, |_| true).len();
        let (have, need) = (u32::try_from(have).expect("few"), self.genesis.limits.open_orders_max);
        if have < need { Ok(()) } else { Err(Reject::OpenOrderLimit { have, need }) }
    }

    pub(super) fn check_room(&self, id: InstrumentId) -> Result<(), Reject> {
        let have = self.orders.iter().filter(|it| it.instrument == id).count();
        let (have, need) = (u32::try_from(have).expect("few"), self.genesis.limits.book_orders_max);
        if have < need { Ok(()) } else { Err(Reject::BookFull { have, need }) }
    }

    pub(super) fn check_reduce(
        &self,
        account: AccountId,
        id: InstrumentId,
        (side, reduce_only, lots): (Side, ReduceOnly, u64),
    ) -> Result<u64, Reject> {
        if reduce_only == ReduceOnly::Off {
            self.check_health(account)?;
            return Ok(lots);
        }
        let have = i64::try_from(self.position(account, id)).unwrap_or(0);
        match self.reducible(account, id, side) {
            0 => Err(Reject::ReduceOnlyWouldOpen { have }),
            most => Ok(lots.min(most)),
        }
    }

    pub(super) fn check_health(&self, account: AccountId) -> Result<(), Reject> {
        if self.holders[&account].distress.is_some() { Err(Reject::Liquidating) } else { Ok(()) }
    }

    pub(super) fn check_position(
        &self,
        account: AccountId,
        it: &Asset<'_>,
        (side, more): (Side, u64),
    ) -> Result<(), Reject> {
        let mut legs = it.legs.iter();
        legs.try_for_each(|leg| self.check_leg_position(account, leg.it, (leg.side(side), leg.each * more)))
    }

    fn check_leg_position(
        &self,
        account: AccountId,
        it: &Instrument,
        (side, more): (Side, u64),
    ) -> Result<(), Reject> {
        let id = it.id;
        let before = self.position(account, id);
        let after = before + i128::from(side.sign()) * i128::from(more);
        if after.abs() <= before.abs() {
            return Ok(());
        }
        let (have, need) = (self.open_interest(id), self.genesis.limits.open_interest_lots_max);
        if have >= need {
            return Err(Reject::OpenInterestLimit { have, need });
        }
        let have = lots(u64::try_from(after.abs()).unwrap_or(u64::MAX));
        if have <= it.position_max {
            return Ok(());
        }
        Err(Reject::PositionTooLarge { have, need: it.position_max })
    }

    /// What is held long.
    pub(super) fn open_interest(&self, id: InstrumentId) -> u64 {
        let held = self.holders.values().filter_map(|it| it.holdings.get(&id));
        u64::try_from(held.map(|it| it.position.max(0)).sum::<i128>()).expect("counted")
    }

    pub(super) fn check_post_only(
        &self,
        it: &Asset<'_>,
        (side, post_only, price): (Side, PostOnly, i64),
    ) -> Result<i64, Reject> {
        let own = self.front(it.id, side.opposite()).map(|front| front.price);
        let met = own.into_iter().chain(self.implied(it, side)).min_by_key(|met| met * side.sign());
        let Some(met) = met else { return Ok(price) };
        let trades = (price - met) * side.sign() >= 0;
        if post_only == PostOnly::Off || !trades {
            return Ok(price);
        }
        let beside = met - side.sign();
        if post_only == PostOnly::Reprice && (beside > 0 || it.is_combo) {
            return Ok(beside);
        }
        Err(Reject::PostOnlyWouldTrade { have: Ticks::new(price), need: Ticks::new(met) })
    }

    /// What others have at rest within the limit, up to an own order that would end this one; what may only reduce is
    /// not sure to trade.
    pub(super) fn check_fillable(
        &self,
        account: AccountId,
        (terms, conditions): Asked<'_>,
        it: &Planned,
    ) -> Result<(), Reject> {
        let is_met = |o: &&Resting| {
            o.instrument == terms.instrument
                && o.side != terms.side
                && (it.limit - o.price) * terms.side.sign() >= 0
        };
        let mut met: Vec<&Resting> = self.orders.iter().filter(is_met).collect();
        met.sort_by_key(|o| (o.price * terms.side.sign(), o.queued));
        let is_passed =
            |o: &&&Resting| o.account != account || conditions.self_trade == SelfTrade::ExpireMaker;
        let sure = met.iter().take_while(is_passed);
        let sure = sure.filter(|o| o.account != account && o.reduce_only == ReduceOnly::Off);
        let sum: u64 = sure.map(|o| o.left()).sum();
        if sum >= it.lots {
            return Ok(());
        }
        Err(Reject::NotFillable { have: lots(sum), need: lots(it.lots) })
    }

    /// Initial margin with some orders more, and perhaps some less, is covered or not larger than it was.
    pub(super) fn check_margin(
        &self,
        state: &Marks,
        account: AccountId,
        change: (&[Resting], &[u64]),
    ) -> Result<(), Reject> {
        let (now, then) = (self.judge(state, account, (&[], &[])), self.judge(state, account, change));
        if now.equity >= then.initial || then.initial <= now.initial {
            return Ok(());
        }
        Err(Reject::MarginTooLow { have: cash(now.equity), need: cash(then.initial) })
    }
}
