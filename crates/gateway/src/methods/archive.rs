//! Answers from the store, where memory has forgotten what is asked for.
//!
//! Invariant: an answer is what memory would give if it forgot nothing; `None` is returned wherever memory has it all.

use num::{Cash, Fix};
use serde::Serialize;
use serde_json::{Value, json, value::RawValue};
use wire::{InstrumentId, OrderId};

use crate::{
    Gateway,
    auth::Identity,
    history::{Candle, History},
    rpc::{self, Answer, Code, Params, RpcError},
    selection::{SETTLEMENT, Selection},
    store::{CANDLE_MINUTES, Direction, Query, Row, Store, StoreError, Table, account_name},
    view::View,
};

use super::{
    account_log::{self, named_for, words_of},
    block_trade,
    market::named,
    market_history::{Trades, candles_json, chart_span},
    orders::Orders,
    paging::{Backward, Page, SORTINGS},
    settlements,
};

/// Rows that are looked through for those that fit a text.
const SEARCHED_MAX: usize = 5_000;

/// A query and what to make of its rows.
struct Asked {
    query: Query,
    shape: Shape,
}

enum Shape {
    /// `trades` and `has_more`.
    Trades(Page),
    /// A list, or with a continuation after the given order.
    Orders {
        page: Page,
        is_continued: bool,
        after: Option<OrderId>,
    },
    Log {
        page: Backward,
        words: String,
    },
    Settlements {
        page: Backward,
    },
    Candles {
        minutes: u64,
        times: (u64, u64),
    },
    Block,
    /// Rows of one block for each of its legs follow each other.
    Blocks {
        count: usize,
    },
    /// A bare list.
    All,
    One,
}

pub(super) async fn answer(
    gateway: &Gateway,
    identity: Option<&Identity>,
    (name, params): (&str, &Params),
) -> Option<Answer> {
    let store = gateway.store.as_ref()?;
    let asked = {
        let view = gateway.view();
        match identity {
            None => public(&view, name, params),
            Some(identity) => private(&view, identity, (name, params)),
        }
    };
    match asked {
        Ok(None) => None,
        Ok(Some(asked)) => Some(give(store, identity, asked).await),
        // Whatever is wrong with the call, the method itself says so.
        Err(_) => None,
    }
}

fn public(view: &View, name: &str, params: &Params) -> Result<Option<Asked>, RpcError> {
    let history = view.history();
    match name {
        "get_last_trades_by_instrument" | "get_last_trades_by_instrument_and_time" => {
            let (it, page) = (named(view, params)?, Page::read(params)?);
            let is_needed =
                history.forgot_trades(it.id) && !page.is_among_latest(history.trades(it.id).count());
            Ok(is_needed.then(|| trades(page, (Table::Trades, String::new()), vec![it.id])))
        }
        "get_last_trades_by_currency" | "get_last_trades_by_currency_and_time" => {
            let (page, chosen) = (Page::read(params)?, instruments(view, params)?);
            let is_needed = chosen.iter().any(|it| history.forgot_trades(*it));
            Ok(is_needed.then(|| trades(page, (Table::Trades, String::new()), chosen)))
        }
        "get_last_settlements_by_instrument" | "get_last_settlements_by_currency" => {
            let is_needed = history.forgot_settlements(None) && settlements::wants_deliveries(params)?;
            is_needed.then(|| settlements(view, String::new(), params)).transpose()
        }
        "get_tradingview_chart_data" => candles(view, params),
        _ => Ok(None),
    }
}

fn private(
    view: &View,
    identity: &Identity,
    (name, params): (&str, &Params),
) -> Result<Option<Asked>, RpcError> {
    let (history, account) = (view.history(), &identity.account);
    let own = account_name(account);
    match name {
        "get_user_trades_by_instrument"
        | "get_user_trades_by_instrument_and_time"
        | "get_user_trades_by_currency"
        | "get_user_trades_by_currency_and_time" => {
            let (page, chosen) = (Page::read(params)?, instruments(view, params)?);
            Ok(history.forgot_fills(account).then(|| trades(page, (Table::Fills, own), chosen)))
        }
        "get_user_trades_by_order" => {
            let Some(id) = order_id(params)?.filter(|_| history.forgot_fills(account)) else {
                return Ok(None);
            };
            let part = i64::try_from(id.0).ok();
            let direction = match params.choice("sorting", &SORTINGS)? {
                Some("desc") => Direction::LatestFirst,
                _ => Direction::EarliestFirst,
            };
            let query = Query { part, direction, ..Query::latest(Table::Fills, own, SEARCHED_MAX) };
            Ok(Some(Asked { query, shape: Shape::All }))
        }
        "get_order_state" => {
            let Some(id) = order_id(params)?.filter(|id| is_forgotten(history, *id)) else { return Ok(None) };
            let query = Query { ids: id.0..=id.0, ..Query::latest(Table::Orders, own, 1) };
            Ok(Some(Asked { query, shape: Shape::One }))
        }
        "get_order_history_by_instrument" | "get_order_history_by_currency" => {
            history.forgot_orders(account).then(|| orders(view, own, params)).transpose()
        }
        "get_transaction_log" => {
            let is_needed = history.forgot_log(account) && params.text("currency")? == SETTLEMENT;
            is_needed.then(|| log(own, params)).transpose()
        }
        "get_block_trade" => {
            let id = block_trade::read_id("id", params.text("id")?)?;
            let query = Query { ids: id..=id, ..Query::latest(Table::Blocks, own, 1) };
            Ok(history.forgot_fills(account).then_some(Asked { query, shape: Shape::Block }))
        }
        "get_block_trades" => history.forgot_fills(account).then(|| blocks(view, own, params)).transpose(),
        "get_settlement_history_by_instrument" | "get_settlement_history_by_currency" => {
            let is_forgotten = history.forgot_settlements(Some(account));
            let is_needed = is_forgotten && settlements::wants_deliveries(params)?;
            is_needed.then(|| settlements(view, own, params)).transpose()
        }
        _ => Ok(None),
    }
}

fn is_forgotten(history: &History, id: OrderId) -> bool {
    history.find_order(id).is_none()
}

fn order_id(params: &Params) -> Result<Option<OrderId>, RpcError> {
    Ok(params.text("order_id")?.parse().ok().map(OrderId))
}

/// Instruments that a call means: the named one, or those of its currency and kind.
fn instruments(view: &View, params: &Params) -> Result<Vec<InstrumentId>, RpcError> {
    if params.get("instrument_name").is_some() {
        return Ok(vec![named(view, params)?.id]);
    }
    let selection = Selection::read(view, params)?;
    Ok(view.instruments().iter().filter(|it| selection.holds(it)).map(|it| it.id).collect())
}

fn trades(page: Page, (table, account): (Table, String), chosen: Vec<InstrumentId>) -> Asked {
    let query = Query { instruments: Some(chosen), ..page.query(table, account) };
    Asked { query, shape: Shape::Trades(page) }
}

fn orders(view: &View, own: String, params: &Params) -> Result<Asked, RpcError> {
    let page = Page::read_counted(params, 20)?;
    let after = match params.optional_text("continuation")? {
        None | Some("" | "none") => None,
        Some(_) => Some(OrderId(params.u64("continuation")?)),
    };
    let (is_continued, unfilled) = (params.flag("with_continuation")?, params.flag("include_unfilled")?);
    let mut query = Query { instruments: Some(instruments(view, params)?), ..page.query(Table::Orders, own) };
    query.sequences = u64::from(!unfilled)..=u64::MAX;
    Ok(Asked { query, shape: Shape::Orders { page, is_continued, after } })
}

fn log(own: String, params: &Params) -> Result<Asked, RpcError> {
    let page = Backward::read(params, account_log::COUNTS)?;
    let times = params.u64("start_timestamp")?..=params.u64("end_timestamp")?;
    let words = params.optional_text("query")?.unwrap_or("").to_lowercase();
    let mut query = Query { times, ..page.query(Table::Log, own) };
    if !words.is_empty() {
        query.limit = SEARCHED_MAX;
    }
    Ok(Asked { query, shape: Shape::Log { page, words } })
}

fn settlements(view: &View, account: String, params: &Params) -> Result<Asked, RpcError> {
    let page = Backward::read(params, settlements::COUNTS)?;
    let times = 0..=params.optional_u64("search_start_timestamp")?.unwrap_or(u64::MAX);
    let instruments = Some(instruments(view, params)?);
    let query = Query { times, instruments, ..page.query(Table::Settlements, account) };
    Ok(Asked { query, shape: Shape::Settlements { page } })
}

fn blocks(view: &View, own: String, params: &Params) -> Result<Asked, RpcError> {
    let block_trade::Asked { count, ids } = block_trade::Asked::read(params)?;
    let instruments = Some(instruments(view, params)?);
    let rows_max = count.saturating_mul(wire::limits::BLOCK_LEGS_MAX);
    let query = Query { ids, instruments, ..Query::latest(Table::Blocks, own, rows_max) };
    Ok(Asked { query, shape: Shape::Blocks { count } })
}

fn candles(view: &View, params: &Params) -> Result<Option<Asked>, RpcError> {
    let (it, (minutes, from_ms, to_ms)) = (named(view, params)?, chart_span(view, params)?);
    if !view.history().forgot_candles(it.id, from_ms) {
        return Ok(None);
    }
    let fits = |length: &&u64| minutes.is_multiple_of(**length);
    let length = CANDLE_MINUTES.iter().rev().find(fits).copied().unwrap_or(1);
    let span = minutes * num::MINUTE_MS;
    let rows_max =
        usize::try_from((to_ms.saturating_sub(from_ms) / num::MINUTE_MS) / length).unwrap_or(0) + 2;
    let query = Query {
        times: from_ms.div_ceil(span) * span..=to_ms,
        sequences: length..=length,
        instruments: Some(vec![it.id]),
        direction: Direction::EarliestFirst,
        ..Query::latest(Table::Candles, String::new(), rows_max)
    };
    Ok(Some(Asked { query, shape: Shape::Candles { minutes, times: (from_ms, to_ms) } }))
}

async fn give(store: &Store, identity: Option<&Identity>, asked: Asked) -> Answer {
    let unavailable = |error: StoreError| RpcError::new(Code::TemporarilyUnavailable, error.to_string());
    let Asked { mut query, shape } = asked;
    if let Shape::Orders { after: Some(after), .. } = &shape {
        let found =
            Query { ids: after.0..=after.0, ..Query::latest(Table::Orders, query.account.clone(), 1) };
        let found = store.rows(&found).await.map_err(unavailable)?;
        let at = found.first().and_then(|row| u64::try_from(row.time_ms).ok()).unwrap_or(0);
        (query.times, query.limit) = (0..=at, query.limit + SEARCHED_MAX);
    }
    let rows = store.rows(&query).await.map_err(unavailable)?;
    match shape {
        Shape::Trades(page) => {
            let (rows, has_more) = page.cut(rows);
            rpc::answer(&Trades { trades: values(rows), has_more })
        }
        Shape::Orders { page, is_continued, after, .. } => {
            let is_after = |row: &Row| after.is_some_and(|after| i64::try_from(after.0) == Ok(row.key.id));
            let skipped = rows.iter().position(is_after).map_or(0, |it| it + 1);
            let (rows, has_more) = page.cut(rows.into_iter().skip(skipped).collect());
            let continuation = rows.last().filter(|_| has_more).map(|row| row.key.id.to_string());
            let orders = values(rows);
            if is_continued { rpc::answer(&Orders { orders, continuation }) } else { rpc::answer(&orders) }
        }
        Shape::Log { page, words } => rpc::answer(&log_page(rows, (page, &words), identity)),
        Shape::Settlements { page } => {
            let (rows, last) = page.take(rows.into_iter(), number);
            let continuation = last.map(|id| id.to_string());
            rpc::answer(&Settlements { settlements: values(rows), continuation })
        }
        Shape::Candles { minutes, times } => {
            let stored: Vec<Candle> = rows.iter().filter_map(candle).collect();
            rpc::answer(&candles_json(&Candle::merged(stored.iter(), None, minutes, times)))
        }
        Shape::Block => rpc::answer(&rows.into_iter().next().ok_or_else(block_trade::unknown)?.value),
        Shape::Blocks { count } => {
            let mut rows = rows;
            rows.dedup_by_key(|row| row.key.id);
            rows.truncate(count);
            rpc::answer(&values(rows))
        }
        Shape::All => rpc::answer(&values(rows)),
        Shape::One => {
            let found = rows.into_iter().next().map(|row| row.value);
            found.ok_or_else(|| RpcError::new(Code::OrderNotFound, "there is no such order"))
        }
    }
}

#[derive(Serialize)]
struct Settlements {
    settlements: Vec<Box<RawValue>>,
    continuation: Option<String>,
}

fn values(rows: Vec<Row>) -> Vec<Box<RawValue>> {
    rows.into_iter().map(|row| row.value).collect()
}

/// A row's number among those of its table.
fn number(row: &Row) -> u64 {
    u64::try_from(row.key.id).unwrap_or(0)
}

fn log_page(rows: Vec<Row>, (page, words): (Backward, &str), identity: Option<&Identity>) -> Value {
    let read = |row: Row| Some((number(&row), serde_json::from_str::<Value>(row.value.get()).ok()?));
    let fits = |(_, entry): &(u64, Value)| {
        let text = words_of(entry);
        words.split_whitespace().all(|word| text.contains(word))
    };
    let (found, continuation) = page.take(rows.into_iter().filter_map(read).filter(fits), |(id, _)| *id);
    let named = |(_, entry)| identity.map_or(Value::Null, |identity| named_for(identity, entry));
    json!({ "logs": found.into_iter().map(named).collect::<Value>(), "continuation": continuation })
}

/// A stored candle: start, then open, high, low, close, volume and cost in their smallest units.
fn candle(row: &Row) -> Option<Candle> {
    let [open, high, low, close, volume, cost]: [i64; 6] = serde_json::from_str(row.value.get()).ok()?;
    Some(Candle {
        start_ms: u64::try_from(row.time_ms).ok()?,
        open: Cash::from_micros(open),
        high: Cash::from_micros(high),
        low: Cash::from_micros(low),
        close: Cash::from_micros(close),
        volume: Fix::from_raw(volume),
        cost: Cash::from_micros(cost),
    })
}
