//! Instruments and the present market.
//!
//! Invariant: read only; every answer is of one commit.

use std::collections::BTreeSet;

use num::{Fix, Side};
use serde_json::{Map, Value, json};
use wire::InstrumentId;

use crate::{
    Gateway, json,
    model::{Instrument, Kind, Market},
    rpc::{Code, Params, RpcError, RpcResult},
    selection::Selection,
    view::View,
};

const DEPTH_DEFAULT: usize = 5;

/// Finds the instrument that a call asks about.
pub(crate) fn named<'a>(view: &'a View, params: &Params) -> Result<&'a Instrument, RpcError> {
    find(view, params, Code::NotFound)
}

/// Finds the instrument that a call wants to trade.
pub(crate) fn to_trade<'a>(view: &'a View, params: &Params) -> Result<&'a Instrument, RpcError> {
    find(view, params, Code::InvalidInstrument)
}

fn find<'a>(view: &'a View, params: &Params, otherwise: Code) -> Result<&'a Instrument, RpcError> {
    let name = params.text("instrument_name")?;
    let reason = || format!("there is no instrument {name:?}");
    let unknown =
        || RpcError { code: otherwise, data: json!({ "param": "instrument_name", "reason": reason() }) };
    view.instrument(name).ok_or_else(unknown)
}

/// The gateway's clock, by which signatures are judged; what is committed has the time of its commit.
pub(super) fn get_time() -> RpcResult {
    Ok(json!(crate::rpc::now_us() / 1_000))
}

/// Whether all markets, some or none take nothing but cancels.
pub(super) fn status(gateway: &Gateway) -> RpcResult {
    let view = gateway.view();
    let locked = view.locked();
    let word = match (view.is_paused(), locked.is_empty()) {
        (true, _) => "true",
        (false, false) => "partial",
        (false, true) => "false",
    };
    let indices: Vec<String> = locked.iter().map(|it| json::price_index(it)).collect();
    Ok(json!({ "locked": word, "locked_currencies": locked, "locked_indices": indices }))
}

pub(super) fn get_currencies(gateway: &Gateway) -> RpcResult {
    let currency = |name: &str| {
        json!({
            "currency": name,
            "currency_long": name,
            "coin_type": name,
            "min_confirmations": 0,
            "min_withdrawal_fee": 0.0,
            "withdrawal_fee": 0.0,
            "withdrawal_priorities": [],
            "in_cross_collateral_pool": name == "USDC",
            "decimals": 6,
        })
    };
    let mut names = vec!["USDC".to_owned()];
    names.extend(gateway.view().underlyings());
    Ok(names.iter().map(|name| currency(name)).collect())
}

pub(super) fn get_instruments(gateway: &Gateway, params: &Params) -> RpcResult {
    let view = gateway.view();
    let (selection, expired) = (Selection::read(&view, params)?, params.flag("expired")?);
    let chosen = view.instruments().iter().filter(|it| selection.shows(it) && it.is_active() != expired);
    Ok(chosen.map(json::instrument).collect())
}

pub(super) fn get_instrument(gateway: &Gateway, params: &Params) -> RpcResult {
    let view = gateway.view();
    named(&view, params).map(json::instrument)
}

pub(super) fn get_expirations(gateway: &Gateway, params: &Params) -> RpcResult {
    let view = gateway.view();
    let kind = params.choice("kind", &["future", "option", "any"])?.unwrap_or("any");
    let currency = params.optional_text("currency")?.unwrap_or("any");
    let kinds = |selection: &Selection| -> Value {
        let wanted = ["future", "option"].into_iter().filter(|it| kind == "any" || *it == kind);
        wanted
            .map(|kind| (kind.to_owned(), expirations(&view, selection, kind)))
            .collect::<Map<_, _>>()
            .into()
    };
    if currency == "grouped" {
        let of =
            |underlying: &String| (underlying.to_lowercase(), kinds(&Selection::of_underlying(underlying)));
        return Ok(Value::Object(view.underlyings().iter().map(of).collect()));
    }
    let selection = match params.optional_text("currency_pair")? {
        None => Selection::of(&view, "any", currency),
        Some(pair) => crate::channel::underlying(&view, pair).map(|it| Selection::of_underlying(&it)),
    };
    let selection = selection.ok_or_else(|| {
        RpcError::param("currency", format!("{currency:?} given, such as USDC is expected"))
    })?;
    Ok(match currency {
        "any" => kinds(&selection),
        currency => json!({ currency.to_lowercase(): kinds(&selection) }),
    })
}

/// The dates of a kind's names, the earliest first.
fn expirations(view: &View, selection: &Selection, kind: &str) -> Value {
    let of_kind = view
        .instruments()
        .iter()
        .filter(|it| it.is_active() && selection.holds(it) && json::kind(it.kind) == kind);
    let date = |it: &Instrument| it.name.split('-').nth(1).unwrap_or_default().to_owned();
    let dated: BTreeSet<(u64, String)> =
        of_kind.map(|it| (it.expiry_ms.unwrap_or(json::NEVER_MS), date(it))).collect();
    dated.into_iter().map(|(_, date)| date).collect()
}

pub(super) fn get_contract_size(gateway: &Gateway, params: &Params) -> RpcResult {
    let view = gateway.view();
    named(&view, params).map(|it| json!({ "contract_size": crate::decimal::fix(it.lot) }))
}

pub(super) fn ticker(gateway: &Gateway, params: &Params) -> RpcResult {
    let view = gateway.view();
    Ok(market_ticker(&view, named(&view, params)?))
}

/// The ticker object of an instrument.
pub(crate) fn market_ticker(view: &View, it: &Instrument) -> Value {
    let market = view.market(it, 1);
    json::ticker(it, &market, &view.stats(it.id), implied(view, it, &market), view.now_ms())
}

/// The implied volatilities of the best bid and ask of an option.
pub(crate) fn implied(view: &View, it: &Instrument, market: &Market) -> (Option<Fix>, Option<Fix>) {
    let of = |levels: &[crate::model::Level]| {
        levels.first().and_then(|level| view.implied_vol(it, market.forward, level.price))
    };
    match it.kind {
        Kind::Option { .. } => (of(&market.bids), of(&market.asks)),
        // One volatility says little of an exotic's price.
        Kind::Exotic { .. } => (None, None),
        Kind::Future | Kind::Perpetual | Kind::FutureCombo | Kind::OptionCombo => (None, None),
    }
}

pub(super) fn get_order_book(gateway: &Gateway, params: &Params) -> RpcResult {
    let depth = read_depth(params)?;
    let view = gateway.view();
    Ok(order_book(&view, named(&view, params)?, depth))
}

pub(super) fn get_order_book_by_id(gateway: &Gateway, params: &Params) -> RpcResult {
    let (depth, id) = (read_depth(params)?, params.u64("instrument_id")?);
    let view = gateway.view();
    let it = u32::try_from(id).ok().and_then(|id| view.instrument_of(InstrumentId(id)));
    let it = it.ok_or_else(|| RpcError::new(Code::NotFound, format!("there is no instrument {id}")))?;
    Ok(order_book(&view, it, depth))
}

/// Any depth up to the largest of the venue's is understood, not its list of them only.
fn read_depth(params: &Params) -> Result<usize, RpcError> {
    match params.optional_u64("depth")? {
        None => Ok(DEPTH_DEFAULT),
        Some(depth @ 1..=10_000) => Ok(usize::try_from(depth).unwrap_or(DEPTH_DEFAULT)),
        Some(depth) => Err(RpcError::param("depth", format!("{depth} given, 1 to 10000 is expected"))),
    }
}

/// The object of `public/get_order_book`: the ticker's fields and the levels, and of a combo what its legs' books offer.
fn order_book(view: &View, it: &Instrument, depth: usize) -> Value {
    let market = view.market(it, depth);
    let mut value = json::ticker(it, &market, &view.stats(it.id), implied(view, it, &market), view.now_ms());
    value["change_id"] = json!(view.commit_index());
    value["bids"] = market.bids.iter().map(json::level).collect();
    value["asks"] = market.asks.iter().map(json::level).collect();
    if it.is_combo() {
        json::put_implied(&mut value, view.implied_level(it.id, Side::Buy), "bid");
        json::put_implied(&mut value, view.implied_level(it.id, Side::Sell), "ask");
    }
    value
}

pub(super) fn summary_by_currency(gateway: &Gateway, params: &Params) -> RpcResult {
    let view = gateway.view();
    let selection = Selection::read(&view, params)?;
    let chosen = view.instruments().iter().filter(|it| it.is_active() && selection.shows(it));
    Ok(chosen.map(|it| summary(&view, it)).collect())
}

pub(super) fn summary_by_instrument(gateway: &Gateway, params: &Params) -> RpcResult {
    let view = gateway.view();
    Ok(json!([summary(&view, named(&view, params)?)]))
}

fn summary(view: &View, it: &Instrument) -> Value {
    json::book_summary(it, &view.market(it, 1), &view.stats(it.id), view.now_ms())
}
