//! The exchange as this gateway has followed it, in the gateway's own plain values.
//!
//! Invariant: a view is of one commit. All reading of `exchange::State` happens here.

use std::collections::BTreeMap;

use exchange::{State, name::Contract, name::Right as NameRight};
use num::{Cash, Fix, Lots, Position as Signed, Rounding, Side, Ticks};
use pricing::Quote;
use wire::{AccountId, InstrumentId, UnderlyingId};

use crate::{
    history::History,
    json::Stats,
    liquidation::Estimates,
    model::{Greeks, Instrument, Kind, Level, Market, Order, OrderState, Position, Right, Summary},
};

/// State, history and the instruments by name.
#[derive(Debug)]
pub struct View {
    pub(crate) state: State,
    pub(crate) history: History,
    instruments: Vec<Instrument>,
    names: BTreeMap<String, usize>,
    pub(crate) estimates: Estimates,
}

impl View {
    pub fn new(state: State) -> Self {
        let start_ms = state.parameters().start.millis();
        let instruments: Vec<Instrument> =
            state.instruments().iter().map(|it| describe(&state, it, start_ms)).collect();
        let names = instruments.iter().enumerate().map(|(place, it)| (it.name.clone(), place)).collect();
        let mut history = History::default();
        for it in state.underlyings() {
            history.index_moved(&it.symbol, start_ms, it.index);
        }
        Self { state, history, instruments, names, estimates: Estimates::default() }
    }

    /// Notes which instruments still trade and lists new ones; what changed.
    pub(crate) fn refresh_listing(&mut self) -> Vec<InstrumentId> {
        let (mut changed, now_ms, is_paused) = (Vec::new(), self.now_ms(), self.is_paused());
        for (it, listed) in self.instruments.iter_mut().zip(self.state.instruments()) {
            if it.listing != listed.listing {
                (it.listing, it.state_ms) = (listed.listing, now_ms);
                changed.push(it.id);
            }
            it.is_locked = is_paused || listed.halt.is_some();
        }
        for listed in &self.state.instruments()[self.instruments.len()..] {
            let it = Instrument { is_locked: is_paused, ..describe(&self.state, listed, now_ms) };
            changed.push(it.id);
            self.names.insert(it.name.clone(), self.instruments.len());
            self.instruments.push(it);
        }
        changed
    }

    /// Whether the guardian has stopped trading.
    pub fn is_paused(&self) -> bool {
        self.state.time() < self.state.governance().paused_until
    }

    /// Underlyings in whose markets only cancels are taken, in some or in all.
    pub fn locked(&self) -> Vec<String> {
        let is_locked = |symbol: &String| {
            self.instruments.iter().any(|it| it.is_locked && it.is_active() && it.underlying == *symbol)
        };
        self.underlyings().into_iter().filter(is_locked).collect()
    }

    /// The delivery price of an instrument that was settled or is being settled.
    pub(crate) fn delivery_price(&self, it: &exchange::Instrument) -> Option<Cash> {
        let expiry_ms = it.contract.expiry()?.millis();
        let symbol = &self.state.underlying_of(it.underlying)?.symbol;
        self.history.deliveries(symbol).find(|delivery| delivery.expiry_ms == expiry_ms).map(|it| it.price)
    }

    pub fn now_ms(&self) -> u64 {
        self.state.time().millis()
    }

    pub fn start_ms(&self) -> u64 {
        self.state.parameters().start.millis()
    }

    pub fn commit_index(&self) -> u64 {
        self.state.commit()
    }

    pub fn history(&self) -> &History {
        &self.history
    }

    pub fn instruments(&self) -> &[Instrument] {
        &self.instruments
    }

    pub fn instrument(&self, name: &str) -> Option<&Instrument> {
        self.names.get(name).and_then(|place| self.instruments.get(*place))
    }

    pub fn instrument_of(&self, id: InstrumentId) -> Option<&Instrument> {
        self.instruments.get(usize::try_from(id.0).ok()?)
    }

    pub fn underlyings(&self) -> Vec<String> {
        self.state.underlyings().iter().map(|it| it.symbol.clone()).collect()
    }

    pub fn underlying_id(&self, symbol: &str) -> Option<UnderlyingId> {
        let place = self.state.underlyings().iter().position(|it| it.symbol == symbol)?;
        u16::try_from(place).ok().map(UnderlyingId)
    }

    /// The protection group that the venue's name of an index stands for: the underlying's number.
    pub fn protection_group(&self, underlying: &str) -> Option<u16> {
        self.underlying_id(underlying).map(|id| id.0)
    }

    pub fn protection(&self, account: &AccountId, group: u16) -> Option<&wire::ProtectionLimits> {
        self.state.protection(self.state.account_index(account)?, group)
    }

    /// Until when a group of an account is frozen; `None` when it is not.
    pub fn frozen_until(&self, account: &AccountId, group: u16) -> Option<num::Timestamp> {
        self.state.frozen_until(self.state.account_index(account)?, group)
    }

    /// What has become of an exotic; `None` of everything else.
    pub fn exotic(&self, id: InstrumentId) -> Option<&exchange::Exotic> {
        self.state.instrument(id)?.exotic.as_ref()
    }

    pub fn index(&self, underlying: &str) -> Option<Cash> {
        self.state.underlyings().iter().find(|it| it.symbol == underlying).map(|it| it.index)
    }

    pub fn stats(&self, id: InstrumentId) -> Stats {
        self.history.stats(id, self.now_ms())
    }

    /// The market in an instrument with up to `depth` levels a side.
    pub fn market(&self, it: &Instrument, depth: usize) -> Market {
        let Some(listed) = self.state.instrument(it.id) else { return Market::default() };
        let levels = |side: Side| -> Vec<Level> {
            let level = |level: exchange::book::Level| {
                let price = listed.market.price(level.price)?;
                Some(Level { price, amount: State::amount(listed, level.lots) })
            };
            self.state.levels(it.id, side, depth).into_iter().filter_map(level).collect()
        };
        let valuation = listed.valuation.as_ref();
        let interest = i64::try_from(listed.open_interest).unwrap_or(i64::MAX);
        Market {
            bids: levels(Side::Buy),
            asks: levels(Side::Sell),
            mark: valuation.map(|it| it.mark),
            mark_iv: valuation.and_then(|it| it.volatility),
            index: self.index(&it.underlying),
            forward: valuation.map(|it| it.forward),
            greeks: valuation.map(|it| greeks(&it.greeks)),
            open_interest: State::units(listed, Signed::new(interest)),
            funding: self.state.funding_over(it.id, num::Duration::from_millis(8 * num::HOUR_MS)),
            band: self.band(listed),
        }
    }

    /// Names of a combo's legs and their units for one bought unit, sold where negative; none of what is no combo.
    pub fn combo_legs(&self, id: InstrumentId) -> Vec<(&str, i64)> {
        let combo = self.state.instrument(id).and_then(|it| it.combo.as_ref());
        let legs = combo.into_iter().flat_map(|combo| &combo.legs);
        legs.filter_map(|leg| Some((self.instrument_of(leg.instrument)?.name.as_str(), leg.ratio))).collect()
    }

    /// The best price at which the books of a combo's legs stand on a side of it, with the amount there is at least.
    pub fn implied_level(&self, id: InstrumentId, side: Side) -> Option<Level> {
        let (it, implied) = self.state.instrument(id).zip(self.state.implied(id, side))?;
        let price = it.market.price(implied.price)?;
        Some(Level { price, amount: State::amount(it, implied.lots) })
    }

    /// What an order of either side would add to the account's initial margin: (buy, sell). `None` for an
    /// account that never had money, or an instrument that is gone.
    pub fn margins(
        &self,
        account: &AccountId,
        id: InstrumentId,
        (lots, price): (Lots, Ticks),
    ) -> Option<(Cash, Cash)> {
        let index = self.state.account_index(account)?;
        let (_, now) = self.state.margin_summary(index);
        let added = |side| {
            let then = self.state.margin_with_order(index, id, (side, lots, price))?;
            then.initial.checked_sub(now.initial)
        };
        Some((added(Side::Buy)?, added(Side::Sell)?))
    }

    /// Equity and margin with other positions; `None` for an account without money, or positions that no margin has.
    pub fn simulated(
        &self,
        account: &AccountId,
        present: exchange::Present,
        positions: &[(InstrumentId, Signed)],
    ) -> Option<(Cash, exchange::Margin)> {
        self.state.margin_with_positions(self.state.account_index(account)?, present, positions)
    }

    /// Whether an account would be margined with the legs of a block: what they cost against their marks counts.
    pub fn covers(&self, account: &AccountId, legs: &[wire::BlockLeg]) -> bool {
        let signed =
            |leg: &wire::BlockLeg| Some(Signed::new(leg.side.sign() * i64::try_from(leg.lots.get()).ok()?));
        let gain = |leg: &wire::BlockLeg| {
            let it = self.state.instrument(leg.instrument)?;
            let (lots, mark) = (signed(leg)?, it.mark()?);
            let paid = it.market.value(it.market.price(leg.price)?, lots, Rounding::Ceil)?;
            it.market.value(mark, lots, Rounding::Floor)?.checked_sub(paid)
        };
        let positions: Option<Vec<_>> = legs.iter().map(|leg| Some((leg.instrument, signed(leg)?))).collect();
        let covered = || {
            let gained = legs.iter().try_fold(Cash::ZERO, |sum, leg| sum.checked_add(gain(leg)?))?;
            let (equity, margin) = self.simulated(account, exchange::Present::Kept, &positions?)?;
            Some(equity.checked_add(gained)? >= margin.initial)
        };
        covered().unwrap_or(false)
    }

    /// A position that was bought at its mark, and that mark.
    pub fn simulated_position(&self, id: InstrumentId, lots: Signed) -> Option<(Position, Cash)> {
        let it = self.state.instrument(id)?;
        let mark = it.mark()?;
        let entry = it.market.value(mark, lots, Rounding::Floor)?;
        let holding = exchange::Holding { position: lots, entry, ..exchange::Holding::default() };
        Some((self.position(&AccountId::default(), it, &holding), mark))
    }

    /// The delta of one unit of an instrument; `None` before it has a mark.
    pub fn delta(&self, id: InstrumentId) -> Option<Fix> {
        self.state.instrument(id)?.valuation.as_ref().map(|it| it.greeks.delta)
    }

    /// The prices that an order may have: so far around the mark.
    fn band(&self, listed: &exchange::Instrument) -> Option<(Cash, Cash)> {
        let (low, high) = self.state.price_band(listed.id)?;
        Some((listed.market.price(low)?, listed.market.price(high)?))
    }

    /// The volatility that a price of an option implies.
    pub fn implied_vol(&self, it: &Instrument, forward: Option<Cash>, price: Cash) -> Option<Fix> {
        let Kind::Option { strike, right } = it.kind else { return None };
        let right = match right {
            Right::Call => pricing::Right::Call,
            Right::Put => pricing::Right::Put,
        };
        let time = num::Timestamp::from_millis(it.expiry_ms?).since(self.state.time());
        let quote = Quote { right, forward: forward?, strike, time, volatility: Fix::ZERO };
        pricing::quote_implied(&quote, price)
    }

    /// Orders that rest or wait for their trigger.
    pub fn open_orders(&self, account: &AccountId) -> Vec<Order> {
        self.history.open_orders(account).cloned().collect()
    }

    pub fn positions(&self, account: &AccountId) -> Vec<Position> {
        let Some(index) = self.state.account_index(account) else { return Vec::new() };
        self.state.holdings(index).map(|(it, holding)| self.position(account, it, holding)).collect()
    }

    fn position(
        &self,
        account: &AccountId,
        it: &exchange::Instrument,
        holding: &exchange::Holding,
    ) -> Position {
        let (lots, cost) = (holding.position, self.history.cost(account, it.id));
        let mark = it.mark().unwrap_or(Cash::ZERO);
        let value = it.market.value(mark, lots, Rounding::Floor).unwrap_or(Cash::ZERO);
        let size = State::units(it, lots);
        let sum = i128::from(holding.entry.micros()) * i128::from(Fix::SCALE);
        let average = sum.checked_div(i128::from(size.raw())).and_then(Cash::from_i128).unwrap_or(Cash::ZERO);
        let unit = it.valuation.as_ref().map(|valuation| greeks(&valuation.greeks)).unwrap_or_default();
        let (initial_margin, maintenance_margin) = self.margin_alone(it, size);
        let scaled = |greek: Fix| greek.mul(size, Rounding::HalfEven).unwrap_or(Fix::ZERO);
        Position {
            instrument: it.id,
            size,
            average_price: average,
            mark,
            index: self.state.underlying_of(it.underlying).map_or(Cash::ZERO, |it| it.index),
            unrealised: value.checked_sub(holding.entry).unwrap_or(Cash::ZERO),
            realised: cost.realised,
            funding: cost.funded,
            leverage: self.leverage(it),
            greeks: Greeks {
                delta: scaled(unit.delta),
                gamma: scaled(unit.gamma),
                vega: scaled(unit.vega),
                theta: scaled(unit.theta),
                rho: scaled(unit.rho),
            },
            initial_margin,
            maintenance_margin,
        }
    }

    /// One at least: whole times that the initial margin of a unit goes into its mark.
    fn leverage(&self, it: &exchange::Instrument) -> i64 {
        let (initial, _) = self.margin_alone(it, Fix::ONE);
        let mark = it.mark().unwrap_or(Cash::ZERO);
        mark.micros().checked_div(initial.micros()).unwrap_or(1).max(1)
    }

    /// What an account without a position in an instrument is shown.
    pub fn flat(&self, it: &Instrument) -> Position {
        let market = self.market(it, 0);
        Position {
            instrument: it.id,
            size: Fix::ZERO,
            average_price: Cash::ZERO,
            mark: market.mark.unwrap_or(Cash::ZERO),
            index: market.index.unwrap_or(Cash::ZERO),
            unrealised: Cash::ZERO,
            realised: Cash::ZERO,
            funding: Cash::ZERO,
            leverage: self.state.instrument(it.id).map_or(1, |it| self.leverage(it)),
            greeks: Greeks::default(),
            initial_margin: Cash::ZERO,
            maintenance_margin: Cash::ZERO,
        }
    }

    /// What the faucet gives at once; zero where there is none.
    pub fn faucet_max(&self) -> Cash {
        self.state.parameters().faucet_max
    }

    pub fn balance(&self, account: &AccountId) -> Cash {
        self.state.account_index(account).map_or(Cash::ZERO, |index| self.state.balance(index))
    }

    pub fn summary(&self, account: &AccountId) -> Summary {
        let Some(index) = self.state.account_index(account) else { return Summary::default() };
        let (equity, margin) = self.state.margin_summary(index);
        let mut summary = Summary {
            model: Some(self.state.margin_model(index)),
            balance: self.state.balance(index),
            equity,
            initial_margin: margin.initial,
            maintenance_margin: margin.maintenance,
            available: equity.checked_sub(margin.initial).unwrap_or(Cash::MIN),
            realised: self.state.realised(index),
            ..Summary::default()
        };
        for position in self.positions(account) {
            let is_option =
                self.instrument_of(position.instrument).is_some_and(|it| it.is_option() || it.is_exotic());
            summary.add(&position, is_option.then_some(position.mark));
        }
        summary
    }

    /// What a position would need if it were alone: its worst scenario and the contingencies.
    fn margin_alone(&self, it: &exchange::Instrument, size: Fix) -> (Cash, Cash) {
        let Some(valuation) = &it.valuation else { return (Cash::ZERO, Cash::ZERO) };
        let parameters = &self.state.parameters().margin;
        let worth = |profit: &i64| Cash::from_micros(*profit).scale(size, Rounding::Floor);
        let worst = valuation.scenarios.iter().filter_map(worth).min().unwrap_or(Cash::ZERO).min(Cash::ZERO);
        let loss = worst.checked_neg().unwrap_or(Cash::MAX);
        let index = self.state.underlying_of(it.underlying).map_or(Cash::ZERO, |it| it.index);
        let part = if !it.is_option() {
            parameters.future_billionths
        } else if size < Fix::ZERO {
            parameters.short_option_billionths
        } else {
            0
        };
        let units = Fix::from_raw(size.raw().saturating_abs());
        let contingency = index
            .scale(Fix::from_raw(part), Rounding::Ceil)
            .and_then(|per_unit| per_unit.scale(units, Rounding::Ceil))
            .unwrap_or(Cash::MAX);
        let initial = loss.scale(Fix::from_raw(parameters.initial_billionths), Rounding::Ceil);
        let with = |loss: Cash| loss.checked_add(contingency).unwrap_or(Cash::MAX);
        (with(initial.unwrap_or(Cash::MAX)), with(loss))
    }

    /// Kind, maker and taker fee of each kind of instrument, by the venue's names.
    pub fn fee_table(&self) -> Vec<(&'static str, Fix, Fix)> {
        let fees = self.state.fees();
        let (maker, taker) =
            (Fix::from_raw(fees.future_maker_billionths), Fix::from_raw(fees.future_taker_billionths));
        let option = Fix::from_raw(fees.option_billionths);
        vec![("future", maker, taker), ("perpetual", maker, taker), ("option", option, option)]
    }

    /// An order the moment it is placed, or the moment it begins to wait.
    pub(crate) fn placed_order(
        &self,
        id: wire::OrderId,
        account: AccountId,
        terms: &wire::NewOrder,
    ) -> Option<Order> {
        let it = self.state.instrument(terms.instrument)?;
        let (price, implied) = match terms.kind {
            wire::OrderKind::Market => (None, None),
            wire::OrderKind::Volatility { volatility } => (None, Some(volatility)),
            wire::OrderKind::Limit { price } => (it.market.price(price), None),
        };
        let now = self.now_ms();
        Some(Order {
            id,
            account,
            instrument: terms.instrument,
            side: terms.side,
            price,
            amount: State::amount(it, terms.lots),
            filled: Fix::ZERO,
            filled_value: Cash::ZERO,
            state: OrderState::Open,
            time_in_force: terms.time_in_force,
            post_only: terms.post_only,
            reduce_only: terms.reduce_only,
            label: String::from_utf8_lossy(&terms.label).into_owned(),
            created_ms: now,
            updated_ms: now,
            is_liquidation: false,
            replaced: false,
            cancel_reason: None,
            display: None,
            implied,
            trigger: None,
            protected: false,
            is_quote: false,
        })
    }
}

fn greeks(it: &exchange::Greeks) -> Greeks {
    Greeks { delta: it.delta, gamma: it.gamma, vega: it.vega, theta: it.theta, rho: it.rho }
}

fn has_options(it: &exchange::Instrument) -> bool {
    let mut legs = it.combo.iter().flat_map(|combo| &combo.legs);
    legs.any(|leg| matches!(leg.contract, Contract::Option { .. }))
}

/// An instrument that was listed at a time.
fn describe(state: &State, it: &exchange::Instrument, listed_ms: u64) -> Instrument {
    let fees = state.fees();
    let (maker, taker) = if it.is_option() {
        (fees.option_billionths, fees.option_billionths)
    } else {
        (fees.future_maker_billionths, fees.future_taker_billionths)
    };
    let side = |right: NameRight| match right {
        NameRight::Call => Right::Call,
        NameRight::Put => Right::Put,
    };
    let kind = match it.contract {
        Contract::Option { strike, right, .. } => Kind::Option { strike, right: side(right) },
        Contract::Exotic { strike, right, style, .. } => Kind::Exotic { strike, right: side(right), style },
        Contract::Future { .. } => Kind::Future,
        Contract::Perpetual => Kind::Perpetual,
        Contract::Combo { .. } if has_options(it) => Kind::OptionCombo,
        Contract::Combo { .. } => Kind::FutureCombo,
    };
    Instrument {
        id: it.id,
        name: it.name.clone(),
        kind,
        underlying: state.underlying_of(it.underlying).map(|it| it.symbol.clone()).unwrap_or_default(),
        expiry_ms: it.contract.expiry().map(num::Timestamp::millis),
        created_ms: listed_ms,
        state_ms: listed_ms,
        tick: it.market.tick_size(),
        lot: it.market.lot_size(),
        maker_fee: Fix::from_raw(maker),
        taker_fee: Fix::from_raw(taker),
        listing: it.listing,
        is_locked: false,
    }
}
