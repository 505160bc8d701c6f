//! One commit more: the exchange's program runs, history grows, listeners are told.
//!
//! Invariant: what listeners hear follows from the commits alone, in their order.

use std::collections::{BTreeMap, BTreeSet};

use exchange::{State, apply};
use num::{Cash, Rounding, Side};
use serde_json::Value;
use wire::{
    AccountId, CommittedPayload, Event, InstrumentId, IntentId, OrderEnd, OrderId, TradeEvent, TradeKind,
};

use crate::{
    json,
    methods::{fill_json, order_json},
    model::{Fill, Liquidity, OrderState, Trade},
    outcome::{Outcome, rejected},
    rpc::RpcError,
    view::View,
};

/// What a commit changed, for those who listen.
#[derive(Debug, Default)]
pub struct Changes {
    pub trades: Vec<Trade>,
    pub fills: Vec<Fill>,
    pub orders: Vec<(AccountId, OrderId)>,
    pub books: BTreeSet<InstrumentId>,
    pub accounts: BTreeSet<AccountId>,
    pub outcomes: BTreeMap<IntentId, Result<Outcome, RpcError>>,
    pub placed: u64,
    pub rejected: u64,
}

impl View {
    /// Applies a commit.
    pub fn follow(&mut self, payload: &CommittedPayload) -> Changes {
        let mut events = Vec::new();
        let trades_before = self.history.trade_count();
        apply(&mut self.state, payload, &mut events);
        let mut changes = Changes::default();
        for event in &events {
            self.note(event, trades_before, &mut changes);
        }
        changes
    }

    fn note(&mut self, event: &Event, trades_before: u64, changes: &mut Changes) {
        match event {
            Event::OrderPlaced { order, account, terms } => {
                changes.placed += 1;
                if let Some(placed) = self.placed_order(*order, *account, terms) {
                    self.history.order(placed);
                }
                self.touch(*order, changes);
            }
            Event::OrderAmended { order, lots, price, .. } => {
                let now = self.now_ms();
                let it = self.history.find_order(*order).and_then(|it| self.state.instrument(it.instrument));
                let terms = it.and_then(|it| Some((State::amount(it, *lots), it.market.price(*price)?)));
                if let Some((amended, (amount, price))) = self.history.find_order_mut(*order).zip(terms) {
                    (amended.amount, amended.price, amended.updated_ms) = (amount, Some(price), now);
                }
                self.touch(*order, changes);
            }
            Event::OrderEnded { order, end, .. } => {
                let now = self.now_ms();
                if let Some(mut ended) = self.history.find_order(*order).cloned() {
                    ended.state =
                        if *end == OrderEnd::Filled { OrderState::Filled } else { OrderState::Cancelled };
                    ended.updated_ms = now;
                    self.history.order(ended);
                }
                self.touch(*order, changes);
            }
            Event::Traded { trade } => self.note_trade(trade, changes),
            Event::Receipt { intent, outcomes, .. } => {
                changes.rejected += u64::try_from(
                    outcomes.iter().filter(|it| matches!(it, wire::Outcome::Rejected { .. })).count(),
                )
                .unwrap_or(0);
                let outcome = Outcome::read(self.state.commit(), trades_before, outcomes);
                changes.outcomes.insert(*intent, outcome);
            }
            Event::IntentRejected { intent, reject } => {
                changes.rejected += 1;
                changes.outcomes.insert(*intent, Err(rejected(reject)));
            }
            Event::Deposited { account, .. } | Event::PositionSettled { account, .. } => {
                changes.accounts.insert(*account);
            }
            Event::Transferred { from, to, .. } => changes.accounts.extend([*from, *to]),
            Event::Delivered { .. } => self.refresh_listing(),
            _ => {}
        }
    }

    fn touch(&self, order: OrderId, changes: &mut Changes) {
        if let Some(it) = self.history.find_order(order) {
            changes.books.insert(it.instrument);
            changes.orders.push((it.account, order));
        }
    }

    fn note_trade(&mut self, event: &TradeEvent, changes: &mut Changes) {
        let Some(it) = self.state.instrument(event.instrument) else { return };
        let (Some(price), amount) = (it.market.price(event.price), State::amount(it, event.lots)) else {
            return;
        };
        let value = it.market.notional(event.price, event.lots, Rounding::HalfEven).unwrap_or(Cash::ZERO);
        let trade = Trade {
            id: 0,
            sequence: 0,
            instrument: event.instrument,
            time_ms: self.now_ms(),
            price,
            amount,
            side: event.taker_side,
            mark: it.mark(),
            index: self.state.underlying_of(it.underlying).map(|it| it.index),
            is_liquidation: event.kind == TradeKind::Liquidation,
            tick_direction: 0,
        };
        let trade = self.history.trade(trade);
        let sides = [
            (event.taker, event.taker_order, event.taker_side, event.taker_fee, Liquidity::Taker),
            (event.maker, event.maker_order, event.taker_side.opposite(), event.maker_fee, Liquidity::Maker),
        ];
        for (account, order, side, fee, liquidity) in sides {
            self.note_fill((account, order, side), (fee, liquidity), &trade, changes);
            if let Some(filled) = self.history.find_order_mut(order) {
                filled.filled = filled.filled.checked_add(amount).unwrap_or(filled.filled);
                filled.filled_value = filled.filled_value.checked_add(value).unwrap_or(filled.filled_value);
                filled.updated_ms = trade.time_ms;
            }
            self.touch(order, changes);
            changes.accounts.insert(account);
        }
        changes.trades.push(trade);
    }

    fn note_fill(
        &mut self,
        (account, order, side): (AccountId, OrderId, Side),
        (fee, liquidity): (Cash, Liquidity),
        trade: &Trade,
        changes: &mut Changes,
    ) {
        let label = self.history.find_order(order).map(|it| it.label.clone()).unwrap_or_default();
        let fill = Fill { trade: trade.clone(), account, order, side, fee, liquidity, label };
        self.history.fill(fill.clone());
        changes.fills.push(fill);
    }

    /// The venue's JSON of a trade.
    pub fn trade_value(&self, trade: &Trade) -> Value {
        json::trade(trade, self.instrument_of(trade.instrument).map_or("", |it| it.name.as_str()))
    }

    pub fn order_value(&self, order: OrderId) -> Option<Value> {
        self.history.find_order(order).map(|order| order_json(self, order))
    }

    pub fn fill_value(&self, fill: &Fill) -> Value {
        fill_json(self, fill)
    }
}
