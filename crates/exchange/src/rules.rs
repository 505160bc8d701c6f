//! What an order must keep to, rule by rule; the callers own the order in which they are looked at.
//!
//! Invariant: a rule only reads. Each answers with the first thing that is wrong, with what was had and what
//! is needed.
//! Left out on purpose: margin (`coverage`), which is looked at last because it costs most.

use num::{Cash, Fix, Lots, Position, Rounding, Side, Ticks};
use wire::{Conditions, NewOrder, OrderKind, PostOnly, ReduceOnly, Reject, SelfTrade, TimeInForce};

use crate::{
    account::Health, book::Depth, instrument::Instrument, ladder::Use, ledger::AccountIndex, state::State,
    trade::reducible,
};

/// Prices an order may have, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Band {
    pub low: Ticks,
    pub high: Ticks,
}

impl Band {
    /// The last price at which a side may trade.
    pub(crate) const fn edge(self, side: Side) -> Ticks {
        match side {
            Side::Buy => self.high,
            Side::Sell => self.low,
        }
    }
}

/// How much of an order there may be, and at which price.
pub(crate) type Size = (Ticks, Lots);

impl State {
    pub(crate) fn check_open(&self, it: &Instrument) -> Result<(), Reject> {
        if !it.is_open() || it.has_expired(self.time) {
            return Err(Reject::InstrumentClosed { have: it.id });
        }
        self.check_running()?;
        self.check_trading(it)?;
        self.check_rung(it.underlying, Use::Trade)?;
        let legs = it.combo.iter().flat_map(|combo| &combo.legs);
        legs.map(|leg| self.instrument_at(leg.instrument)).try_for_each(|leg| self.check_open(leg))
    }

    pub(crate) fn check_lots(&self, lots: Lots) -> Result<(), Reject> {
        let need = Lots::new(self.parameters.limits.order_lots_max);
        match lots {
            Lots::ZERO => Err(Reject::LotsZero),
            have if have > need => Err(Reject::LotsTooLarge { have, need }),
            _ => Ok(()),
        }
    }

    /// The worst price at which an order trades: its own, or the edge of the band for a market order.
    pub(crate) fn check_price(&self, it: &Instrument, terms: &NewOrder) -> Result<Ticks, Reject> {
        match terms.kind {
            OrderKind::Limit { price } => self.check_limit(it, price).map(|()| price),
            OrderKind::Volatility { volatility } => {
                let none = Reject::NoVolatilityPrice { have: volatility, on: it.id };
                let price = self.price_at_volatility(it, terms.side, volatility).ok_or(none)?;
                self.check_limit(it, price).map(|()| price)
            }
            OrderKind::Market => {
                let band = self.band(it, self.parameters.limits.price_band_billionths)?;
                if terms.post_only == PostOnly::Reject {
                    return Err(Reject::PostOnlyWithoutLimit);
                }
                Ok(band.edge(terms.side))
            }
        }
    }

    pub(crate) fn check_limit(&self, it: &Instrument, price: Ticks) -> Result<(), Reject> {
        if price.get() <= 0 && !it.is_combo() {
            return Err(Reject::PriceNotPositive { have: price });
        }
        let billionths = self.parameters.limits.price_band_billionths;
        if self.is_within(it, price, billionths) {
            return Ok(());
        }
        let Band { low, high } = self.band(it, billionths)?;
        if price < low || price > high {
            return Err(Reject::PriceOutsideBand { have: price, low, high });
        }
        Ok(())
    }

    /// Prices within a part of the index around the mark; at least one tick above zero, but for a combo.
    pub(crate) fn band(&self, it: &Instrument, billionths: i64) -> Result<Band, Reject> {
        if let Some(combo) = &it.combo {
            return self.combo_band((it, combo), billionths).ok_or(Reject::NoMark { have: it.id });
        }
        let around = |mark: Cash| {
            let index = self.underlying(it.underlying).index;
            let width = index.scale(Fix::from_raw(billionths), Rounding::Ceil)?;
            let low = it.market.ticks(mark.checked_sub(width)?, Rounding::Ceil)?;
            let high = it.market.ticks(mark.checked_add(width)?, Rounding::Floor)?;
            Some(Band { low: low.max(Ticks::new(1)), high: high.max(Ticks::new(1)) })
        };
        it.mark().and_then(around).ok_or(Reject::NoMark { have: it.id })
    }

    /// Whether a price is within the band, seen without a division; false where only the band can tell.
    fn is_within(&self, it: &Instrument, price: Ticks, billionths: i64) -> bool {
        let index = i128::from(self.underlying(it.underlying).index.micros());
        let is_near = |(mark, price): (Cash, Cash)| {
            let apart = i128::from(mark.micros()) - i128::from(price.micros());
            apart.abs() * i128::from(Fix::SCALE) <= index * i128::from(billionths)
        };
        !it.is_combo() && it.mark().zip(it.market.price(price)).is_some_and(is_near)
    }

    pub(crate) fn check_label(&self, index: AccountIndex, terms: &NewOrder) -> Result<(), Reject> {
        let account = self.account(index);
        if let Some(have) = account.labelled(&terms.label) {
            return Err(Reject::LabelInUse { have });
        }
        match terms.time_in_force {
            TimeInForce::ImmediateOrCancel | TimeInForce::FillOrKill => Ok(()),
            TimeInForce::GoodTilCancelled | TimeInForce::GoodTilTime { .. } => self.check_open_orders(index),
        }
    }

    pub(crate) fn check_open_orders(&self, index: AccountIndex) -> Result<(), Reject> {
        let account = self.account(index);
        let need = self.parameters.limits.open_orders_max;
        let have = u32::try_from(account.orders.len() + account.held.len()).unwrap_or(u32::MAX);
        if have < need { Ok(()) } else { Err(Reject::OpenOrderLimit { have, need }) }
    }

    /// Times ahead, groups that are not frozen, and a part to show that is one.
    pub(crate) fn check_standing(
        &self,
        account: AccountIndex,
        terms: &NewOrder,
        conditions: &Conditions,
    ) -> Result<(), Reject> {
        self.check_protection(account, conditions.protection)?;
        if let TimeInForce::GoodTilTime { until } = terms.time_in_force
            && until <= self.time
        {
            return Err(Reject::TimeNotAhead { have: until, need: self.time });
        }
        match conditions.display {
            Some(have) if have.is_zero() || have > terms.lots => {
                Err(Reject::DisplayOutOfRange { have, need: terms.lots })
            }
            _ => Ok(()),
        }
    }

    /// Room in the book for one more than those that rest, and those that are to rest beside it.
    pub(crate) fn check_room(&self, it: &Instrument, beside: u32) -> Result<(), Reject> {
        let have = self.book(it.id).resting().saturating_add(beside);
        let need = self.parameters.limits.book_orders_max;
        if have < need { Ok(()) } else { Err(Reject::BookFull { have, need }) }
    }

    /// How many of `lots` the order may have: all, or what is left to reduce when it may only reduce.
    pub(crate) fn check_reduce(
        &self,
        index: AccountIndex,
        it: &Instrument,
        (side, reduce_only, lots): (Side, ReduceOnly, Lots),
    ) -> Result<Lots, Reject> {
        let account = self.account(index);
        if reduce_only == ReduceOnly::Off {
            let is_sound = account.health == Health::Sound;
            return if is_sound { Ok(lots) } else { Err(Reject::Liquidating) };
        }
        let position = account.position(it.id);
        match reducible(position, side) {
            Lots::ZERO => Err(Reject::ReduceOnlyWouldOpen { have: position.get() }),
            most => Ok(lots.min(most)),
        }
    }

    /// The position that a whole fill leaves must be one that can be counted at any price there may be.
    pub(crate) fn check_position(
        &self,
        account: AccountIndex,
        it: &Instrument,
        (side, lots): (Side, Lots),
    ) -> Result<(), Reject> {
        if let Some(combo) = &it.combo {
            return combo.legs.iter().try_for_each(|leg| {
                let size = (leg.side_of(side), leg.lots_of(lots).unwrap_or(Lots::new(u64::MAX)));
                self.check_position(account, self.instrument_at(leg.instrument), size)
            });
        }
        let most = self.parameters.limits.open_interest_lots_max;
        // Nobody holds more than the open interest.
        let size_max = it.open_interest.saturating_add(lots.get());
        if it.open_interest < most && size_max <= it.position_max.get() {
            return Ok(());
        }
        let before = self.account(account).position(it.id);
        let have = before.after_fill(side, lots).map_or(Lots::new(u64::MAX), Position::size);
        if have <= before.size() {
            return Ok(());
        }
        if it.open_interest >= most {
            return Err(Reject::OpenInterestLimit { have: it.open_interest, need: most });
        }
        let need = it.position_max;
        if have <= need { Ok(()) } else { Err(Reject::PositionTooLarge { have, need }) }
    }

    /// The price an order may rest at: its own, or the nearest that does not trade.
    pub(crate) fn check_post_only(
        &self,
        it: &Instrument,
        (side, post_only, price): (Side, PostOnly, Ticks),
    ) -> Result<Ticks, Reject> {
        if post_only == PostOnly::Off {
            return Ok(price);
        }
        let implied = self.implied_by_legs(it, side.opposite()).map(|level| level.price);
        let offers = self.book(it.id).best(side.opposite()).into_iter().chain(implied);
        let Some(need) = offers.min_by_key(|it| it.get() * side.sign()) else { return Ok(price) };
        if need.get() * side.sign() > price.get() * side.sign() {
            return Ok(price);
        }
        let beside = Ticks::new(need.get() - side.sign());
        if post_only == PostOnly::Reprice && (beside.get() > 0 || it.is_combo()) {
            return Ok(beside);
        }
        Err(Reject::PostOnlyWouldTrade { have: price, need })
    }

    pub(crate) fn check_fillable(
        &self,
        account: AccountIndex,
        (terms, self_trade): (&NewOrder, SelfTrade),
        size: Size,
    ) -> Result<(), Reject> {
        if terms.time_in_force != TimeInForce::FillOrKill {
            return Ok(());
        }
        let (have, need) = (self.certain_fill(account, (terms, self_trade), size), size.1);
        if have < need { Err(Reject::NotFillable { have, need }) } else { Ok(()) }
    }

    /// Lots that are sure to trade: what is at rest within the limit, but for the account's own orders,
    /// which would be expired or expire it, and reduce-only ones, which may have nothing left to reduce. What
    /// an order hides trades after what it shows, at the same price.
    fn certain_fill(
        &self,
        account: AccountIndex,
        (terms, self_trade): (&NewOrder, SelfTrade),
        (limit, lots): Size,
    ) -> Lots {
        let book = self.book(terms.instrument);
        let mut sum = Lots::ZERO;
        for resting in book.orders(terms.side.opposite()) {
            let beyond = match terms.side {
                Side::Buy => resting.price > limit,
                Side::Sell => resting.price < limit,
            };
            let is_end = resting.owner == account && self_trade != SelfTrade::ExpireMaker;
            if beyond || is_end || sum >= lots {
                break;
            }
            let open = self.order(resting.id).filter(|order| order.reduce_only == ReduceOnly::Off);
            if resting.owner != account {
                let all = open.map_or(Lots::ZERO, |order| order.remaining());
                sum = sum.checked_add(all).unwrap_or(lots);
            }
        }
        sum.min(lots)
    }
}
