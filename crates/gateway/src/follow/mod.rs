//! One commit more: the exchange's program runs, history grows, listeners are told.
//!
//! Invariant: what listeners hear follows from the commits alone, in their order.

mod money;
mod orders;
mod trades;
mod transfers;

use std::collections::{BTreeMap, BTreeSet};

use exchange::{State, apply, name::Contract};
use num::{Cash, Fix, Position, Side, Timestamp};
use wire::{AccountId, CommittedPayload, Event, Exercise, InstrumentId, IntentId, OrderId, UnderlyingId};

use crate::{
    history::{Delivery, Entry, Settlement, Why, balance},
    json::{FillObject, OrderObject, TradeObject},
    model::{Fill, Order, Trade},
    outcome::{Outcome, rejected},
    rpc::RpcError,
    view::View,
    volatility::series_name,
};

use trades::{Block, ComboTrading};
use transfers::Transfer;

/// What a commit changed, for those who listen.
#[derive(Debug, Default)]
pub struct Changes {
    pub trades: Vec<Trade>,
    pub fills: Vec<Fill>,
    pub orders: Vec<(AccountId, OrderId)>,
    pub books: BTreeSet<InstrumentId>,
    pub accounts: BTreeSet<AccountId>,
    pub log: Vec<Entry>,
    pub settlements: Vec<Settlement>,
    pub outcomes: BTreeMap<IntentId, Result<Outcome, RpcError>>,
    /// Underlyings whose index moved.
    pub indices: BTreeSet<UnderlyingId>,
    /// Instruments that stopped trading or were settled.
    pub ended: BTreeSet<InstrumentId>,
    /// Groups that traded too much, and until when they are frozen.
    pub tripped: Vec<(AccountId, u16, Timestamp)>,
    /// Orders that were placed or amended.
    pub entered: u64,
    pub rejected: u64,
    /// The block that the last trade was of.
    block: Option<Block>,
    /// The combo that trades, until the last of its legs.
    combo: Option<ComboTrading>,
    /// Positions that changed hands, until it was told why.
    transfers: Vec<Transfer>,
}

impl Changes {
    /// Whether an account's money, positions or orders changed.
    pub fn concerns(&self, account: &AccountId) -> bool {
        self.accounts.contains(account) || self.orders.iter().any(|(owner, _)| owner == account)
    }
}

impl View {
    /// Applies a commit.
    pub fn follow(&mut self, payload: &CommittedPayload) -> Changes {
        let mut events = Vec::new();
        let trades_before = self.history.trade_count();
        apply(&mut self.state, payload, &mut events);
        self.state.forget_changes();
        let mut changes = Changes::default();
        for event in &events {
            self.note(event, trades_before, &mut changes);
        }
        self.note_combo_done(&mut changes);
        for outcome in changes.outcomes.values_mut().flatten() {
            outcome.trades_last = self.history.trade_count();
        }
        changes.ended.extend(self.refresh_listing());
        self.note_funding();
        self.note_volatility(&changes.indices);
        let mut log = core::mem::take(&mut changes.log);
        balance(&mut log, |account| self.balance(account));
        changes.log = log.into_iter().map(|entry| self.history.log_entry(entry)).collect();
        changes
    }

    fn note(&mut self, event: &Event, trades_before: u64, changes: &mut Changes) {
        match event {
            Event::Traded { trade } => self.note_trade(trade, changes),
            Event::ComboTraded { trade } => self.note_combo_trade(trade, changes),
            Event::Receipt { intent, outcomes, .. } => {
                changes.rejected += u64::try_from(
                    outcomes.iter().filter(|it| matches!(it, wire::Outcome::Rejected { .. })).count(),
                )
                .unwrap_or(0);
                for outcome in outcomes.iter() {
                    self.note_quoted(outcome);
                }
                let outcome = Outcome::read((*intent, self.state.commit()), trades_before, outcomes);
                changes.outcomes.insert(*intent, Ok(outcome));
            }
            Event::IntentRejected { intent, reject } => {
                changes.rejected += 1;
                changes.outcomes.insert(*intent, Err(rejected(reject)));
            }
            Event::PositionSettled { account, instrument, position, amount } => {
                let price = self.state.instrument(*instrument).and_then(|it| self.delivery_price(it));
                let price = price.unwrap_or(Cash::ZERO);
                self.note_settled((*account, *instrument), (*position, *amount, price), changes);
            }
            Event::Exercised { account, instrument, exercise } => {
                self.note_exercised((*account, *instrument), exercise, (Side::Sell, changes));
            }
            Event::Assigned { account, instrument, exercise } => {
                self.note_exercised((*account, *instrument), exercise, (Side::Buy, changes));
            }
            Event::IndexMoved { underlying, price } => {
                changes.indices.insert(*underlying);
                if let Some(it) = self.state.underlying_of(*underlying) {
                    self.history.index_moved(&it.symbol, self.state.time().millis(), *price);
                }
            }
            Event::ProtectionTripped { account, group, until } => {
                changes.tripped.push((*account, *group, until.unwrap_or(Timestamp::MAX)));
            }
            Event::Delivered { underlying, expiry, price } => {
                self.note_delivered((*underlying, *expiry, *price), changes);
            }
            _ => {
                self.note_move(event, changes);
                self.note_transfer(event, changes);
                self.note_order(event, changes);
            }
        }
    }

    fn log(&self, account: AccountId, why: Why, change: Cash, changes: &mut Changes) {
        changes.accounts.insert(account);
        changes.log.push(Entry::new((account, self.now_ms()), why, change));
    }

    fn note_funding(&mut self) {
        let (now_ms, span) = (self.now_ms(), num::Duration::from_millis(8 * num::HOUR_MS));
        for it in self.state.instruments().iter().filter(|it| it.contract == Contract::Perpetual) {
            let index = self.state.underlying_of(it.underlying).map_or(Cash::ZERO, |it| it.index);
            self.history.funded(it.id, (now_ms, self.state.funding_over(it.id, span)), index);
        }
    }

    fn note_volatility(&mut self, moved: &BTreeSet<UnderlyingId>) {
        for id in moved {
            let symbol = self.state.underlying_of(*id).map(|it| it.symbol.clone()).unwrap_or_default();
            if let Some(value) = self.volatility_index(&symbol) {
                self.history.index_moved(&series_name(&symbol), self.now_ms(), value);
            }
        }
    }

    fn note_delivered(
        &mut self,
        (underlying, expiry, price): (UnderlyingId, Timestamp, Cash),
        changes: &mut Changes,
    ) {
        let now = self.now_ms();
        let Some(symbol) = self.state.underlying_of(underlying).map(|it| it.symbol.clone()) else { return };
        let settled: Vec<Settlement> = self
            .state
            .instruments()
            .iter()
            .filter(|it| {
                it.underlying == underlying && it.contract.expiry() == Some(expiry) && !it.is_combo()
            })
            .map(|it| Settlement {
                id: 0,
                account: None,
                instrument: it.id,
                time_ms: now,
                position: Fix::ZERO,
                mark: it.payoff(price),
                index: price,
                paid: Cash::ZERO,
                profit: Cash::ZERO,
            })
            .collect();
        changes.settlements.extend(settled.into_iter().map(|it| self.history.settled(it)));
        let expiry_ms = expiry.millis();
        self.history.delivered(Delivery { underlying: symbol, expiry_ms, price, time_ms: now });
    }

    /// A position, or a part of it, was paid for at a price of the underlying.
    fn note_settled(
        &mut self,
        (account, instrument): (AccountId, InstrumentId),
        (position, paid, price): (Position, Cash, Cash),
        changes: &mut Changes,
    ) {
        let time_ms = self.now_ms();
        let Some(it) = self.state.instrument(instrument) else { return };
        let (position, mark) = (State::units(it, position), it.payoff(price));
        let settled = self.history.settled(Settlement {
            id: 0,
            account: Some(account),
            instrument,
            time_ms,
            position,
            mark,
            index: price,
            paid,
            profit: Cash::ZERO,
        });
        changes.settlements.push(settled);
        self.log(account, Why::Delivery, paid, changes);
        let told = Some((instrument, position, mark));
        changes.log.iter_mut().last().into_iter().for_each(|entry| entry.delivered = told);
    }

    /// What a holder was long of, who sells it by exercise, or what an assigned account was short of.
    fn note_exercised(
        &mut self,
        of: (AccountId, InstrumentId),
        it: &Exercise,
        (side, changes): (Side, &mut Changes),
    ) {
        let lots = i64::try_from(it.lots.get()).unwrap_or(i64::MAX);
        let minus = it.amount.checked_neg().unwrap_or(it.amount);
        let (position, paid) = if side == Side::Sell { (lots, it.amount) } else { (-lots, minus) };
        self.note_settled(of, (Position::new(position), paid, it.price), changes);
    }

    fn touch(&self, order: OrderId, changes: &mut Changes) {
        if let Some(it) = self.history.find_order(order) {
            changes.books.insert(it.instrument);
            changes.orders.push((it.account, order));
        }
    }

    /// The venue's object of a trade.
    pub fn trade_object(&self, trade: &Trade) -> TradeObject<'_> {
        TradeObject::new(trade, &|id| self.name_of(id))
    }

    /// The venue's object of an order.
    pub fn order_object<'a>(&'a self, order: &'a Order) -> OrderObject<'a> {
        match self.instrument_of(order.instrument) {
            Some(it) => OrderObject::new(order, &it.name, it.lot),
            None => OrderObject::new(order, "", Fix::ONE),
        }
    }

    /// The venue's object of a fill.
    pub fn fill_object<'a>(&'a self, fill: &'a Fill) -> FillObject<'a> {
        FillObject::new(fill, &|id| self.name_of(id), self.history.find_order(fill.order))
    }

    fn name_of(&self, id: InstrumentId) -> &str {
        self.instrument_of(id).map_or("", |it| it.name.as_str())
    }
}
