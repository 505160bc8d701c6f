//! What of a commit is stored.
//!
//! Invariant: a row's value is what the venue's methods answer with; names of callers, who come and go, are left out
//! and filled in when it is read.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::value::to_raw_value;
use wire::{CommittedPayload, InstrumentId, OrderId};

use super::{Key, Row, Table, account_name, signed};
use crate::{
    follow::Changes,
    history::{Candle, Entry},
    methods::{BlockTrade, funding_hour_json, log_entry_json, settlement_json},
    model::{Fill, Order, Trade},
    view::View,
};

/// Lengths of stored candles in minutes: every resolution that can be asked for is made of one of them.
pub(crate) const CANDLE_MINUTES: [u64; 3] = [1, 60, 1_440];

/// One commit and what it made.
#[derive(Debug)]
pub(crate) struct Batch {
    pub commit: u64,
    pub payload: Vec<u8>,
    pub rows: Vec<(Table, Row)>,
}

/// What of a commit is to be stored; `view` has applied it, `before_ms` is the time of the commit before.
pub(crate) fn batch(view: &View, payload: &CommittedPayload, changes: &Changes, before_ms: u64) -> Batch {
    let mut rows: Vec<(Table, Row)> = Vec::new();
    rows.extend(changes.trades.iter().map(|it| (Table::Trades, trade(view, it))));
    rows.extend(changes.fills.iter().map(|it| (Table::Fills, fill(view, it))));
    rows.extend(blocks(view, changes).map(|row| (Table::Blocks, row)));
    // An order that was filled and so ended was touched twice.
    let touched: BTreeSet<OrderId> = changes.orders.iter().map(|(_, id)| *id).collect();
    let ended = touched.into_iter().filter_map(|id| ended_order(view, id));
    rows.extend(ended.map(|row| (Table::Orders, row)));
    rows.extend(changes.log.iter().map(|it| (Table::Log, log_entry(view, it))));
    rows.extend(changes.settlements.iter().map(|it| {
        let account = it.account.as_ref().map(account_name).unwrap_or_default();
        let row = row((account, it.id), it.instrument, it.time_ms, &settlement_json(view, it));
        (Table::Settlements, row)
    }));
    rows.extend(candles(view, changes).map(|row| (Table::Candles, row)));
    rows.extend(hours(view, before_ms).map(|row| (Table::Funding, row)));
    let payload = commonware_codec::Encode::encode(payload).to_vec();
    Batch { commit: view.commit_index(), payload, rows }
}

fn row((account, id): (String, u64), it: InstrumentId, time_ms: u64, value: &impl Serialize) -> Row {
    let key = Key { account, id: signed(id), part: 0 };
    let value = to_raw_value(value).expect("invariant: our rows are objects with names for keys");
    Row { key, instrument: signed(u64::from(it.0)), time_ms: signed(time_ms), sequence: 0, value }
}

fn trade(view: &View, it: &Trade) -> Row {
    let public = (String::new(), it.id);
    Row { sequence: signed(it.sequence), ..row(public, it.instrument, it.time_ms, &view.trade_object(it)) }
}

fn fill(view: &View, it: &Fill) -> Row {
    let own = (account_name(&it.account), it.trade.id);
    let mut row = row(own, it.trade.instrument, it.trade.time_ms, &view.fill_object(it));
    (row.key.part, row.sequence) = (signed(it.order.0), signed(it.trade.sequence));
    row
}

/// Blocks that traded: all trades of one are of one commit.
fn blocks<'a>(view: &'a View, changes: &'a Changes) -> impl Iterator<Item = Row> + 'a {
    let mut found: BTreeMap<(String, u64), Vec<&Fill>> = BTreeMap::new();
    for it in changes.fills.iter().rev() {
        let block = it.trade.block.map(|block| (account_name(&it.account), block));
        block.into_iter().for_each(|block| found.entry(block).or_default().push(it));
    }
    let each_leg = |((account, id), fills): ((String, u64), Vec<&'a Fill>)| -> Vec<Row> {
        let block = BlockTrade::new(view, id, &fills);
        let legs = fills.iter().zip(0..).map(|(fill, part)| {
            let trade = &fill.trade;
            let mut row = row((account.clone(), id), trade.instrument, trade.time_ms, &block);
            row.key.part = part;
            row
        });
        legs.collect()
    };
    found.into_iter().flat_map(each_leg)
}

/// Nobody asks a year later for the quotes that a market maker replaced every second and that never traded.
fn ended_order(view: &View, id: OrderId) -> Option<Row> {
    let has_traded = |it: &Order| it.filled.raw() > 0;
    let is_kept = |it: &&Order| !it.is_open() && (has_traded(it) || !it.is_quote);
    let it = view.history().find_order(id).filter(is_kept)?;
    let own = (account_name(&it.account), id.0);
    let filled = it.filled.raw();
    Some(Row { sequence: filled, ..row(own, it.instrument, it.updated_ms, &view.order_object(it)) })
}

fn log_entry(view: &View, it: &Entry) -> Row {
    let mut row =
        row((account_name(&it.account), it.id), InstrumentId(0), it.time_ms, &log_entry_json(view, it));
    row.instrument = it.instrument().map_or(-1, |it| signed(u64::from(it.0)));
    row
}

/// The candles that trades of this commit moved.
fn candles<'a>(view: &'a View, changes: &'a Changes) -> impl Iterator<Item = Row> + 'a {
    let traded: BTreeSet<InstrumentId> = changes.trades.iter().map(|trade| trade.instrument).collect();
    let each = traded.into_iter().flat_map(|it| CANDLE_MINUTES.map(|minutes| (it, minutes)));
    each.filter_map(move |(it, minutes)| {
        let now = view.history().candle_now(it, minutes, view.now_ms())?;
        let mut row = row((String::new(), now.start_ms), it, now.start_ms, &candle_json(&now));
        // Of each length and instrument there is one candle that starts at a time.
        row.key.part = signed(u64::from(it.0) * 10_000 + minutes);
        row.sequence = signed(minutes);
        Some(row)
    })
}

fn candle_json(it: &Candle) -> [i64; 6] {
    [
        it.open.micros(),
        it.high.micros(),
        it.low.micros(),
        it.close.micros(),
        it.volume.raw(),
        it.cost.micros(),
    ]
}

/// Hours of perpetuals that ended with this commit.
fn hours(view: &View, before_ms: u64) -> impl Iterator<Item = Row> + '_ {
    let perpetuals = view.instruments().iter().filter(|it| it.expiry_ms.is_none());
    let ended = perpetuals.flat_map(move |it| {
        let hours = view.history().funding(it.id).into_iter();
        let ended = hours.flat_map(move |of| of.hours(before_ms + 1, view.now_ms()));
        ended.map(move |hour| (it.id, hour))
    });
    ended.map(|(it, hour)| {
        let mut row = row((String::new(), hour.end_ms), it, hour.end_ms, &funding_hour_json(hour));
        row.key.part = signed(u64::from(it.0));
        row
    })
}
