//! Instruments and the present market.
//!
//! Invariant: read only; every answer is of one commit.

use num::Fix;
use serde_json::{Value, json};

use crate::{
    Gateway, json,
    model::{Instrument, Kind, Market},
    rpc::{Code, Params, RpcError, RpcResult},
    view::View,
};

const DEPTHS: [u64; 9] = [1, 5, 10, 20, 50, 100, 1_000, 10_000, 0];
const DEPTH_DEFAULT: usize = 5;
const DEPTH_MAX: usize = 10_000;

/// Finds the instrument that a call names.
pub(crate) fn named<'a>(view: &'a View, params: &Params) -> Result<&'a Instrument, RpcError> {
    by_name(view, params.text("instrument_name")?)
}

pub(crate) fn by_name<'a>(view: &'a View, name: &str) -> Result<&'a Instrument, RpcError> {
    view.instrument(name)
        .ok_or_else(|| RpcError::new(Code::InvalidInstrument, format!("there is no instrument {name:?}")))
}

/// Which instruments a call with `currency` and `kind` means.
pub(crate) struct Selection {
    /// The underlying; `None` for all.
    underlying: Option<String>,
    kind: Option<String>,
}

impl Selection {
    /// `currency` may be the settlement currency (everything settles in USDC) or an underlying.
    pub(crate) fn read(params: &Params) -> Result<Self, RpcError> {
        let currency = params.optional_text("currency")?.filter(|it| !matches!(*it, "any" | "USDC"));
        let kind = params.optional_text("kind")?.filter(|it| *it != "any");
        if let Some(kind) = kind
            && !["future", "option", "spot", "future_combo", "option_combo"].contains(&kind)
        {
            return Err(RpcError::param("kind", format!("{kind:?} given, future or option is expected")));
        }
        Ok(Self { underlying: currency.map(str::to_owned), kind: kind.map(str::to_owned) })
    }

    pub(crate) fn holds(&self, it: &Instrument) -> bool {
        self.underlying.as_ref().is_none_or(|underlying| *underlying == it.underlying)
            && self.kind.as_ref().is_none_or(|kind| kind == json::kind(it.kind))
    }
}

pub(super) fn get_time(gateway: &Gateway) -> RpcResult {
    Ok(json!(gateway.view().now_ms()))
}

pub(super) fn status() -> RpcResult {
    Ok(json!({ "locked": "false", "locked_currencies": [] }))
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
    let selection = Selection::read(params)?;
    let expired = params.flag("expired")?;
    let view = gateway.view();
    let chosen = view.instruments().iter().filter(|it| selection.holds(it) && it.is_active != expired);
    Ok(chosen.map(json::instrument).collect())
}

pub(super) fn get_instrument(gateway: &Gateway, params: &Params) -> RpcResult {
    let view = gateway.view();
    named(&view, params).map(json::instrument)
}

pub(super) fn get_expirations(gateway: &Gateway, params: &Params) -> RpcResult {
    let selection = Selection::read(params)?;
    let view = gateway.view();
    let names = |kind: &str| -> Vec<String> {
        let of_kind =
            view.instruments().iter().filter(|it| selection.holds(it) && json::kind(it.kind) == kind);
        let mut dated: Vec<(u64, String)> = of_kind
            .map(|it| {
                let name = it.name.split('-').nth(1).unwrap_or_default().to_owned();
                (it.expiry_ms.unwrap_or(json::NEVER_MS), name)
            })
            .collect();
        dated.sort();
        dated.dedup();
        dated.into_iter().map(|(_, name)| name).collect()
    };
    let kinds = json!({ "future": names("future"), "option": names("option") });
    Ok(match params.optional_text("currency")? {
        Some(currency) => json!({ currency.to_lowercase(): kinds }),
        None => kinds,
    })
}

pub(super) fn get_index_price(gateway: &Gateway, params: &Params) -> RpcResult {
    let name = params.text("index_name")?;
    let underlying = name.split('_').next().unwrap_or_default().to_uppercase();
    let view = gateway.view();
    let index = view
        .index(&underlying)
        .ok_or_else(|| RpcError::param("index_name", format!("there is no index {name:?}")))?;
    Ok(
        json!({ "index_price": crate::decimal::cash(index), "estimated_delivery_price": crate::decimal::cash(index) }),
    )
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
        levels.first().and_then(|level| view.implied_vol(it, market, level.price))
    };
    match it.kind {
        Kind::Option { .. } => (of(&market.bids), of(&market.asks)),
        Kind::Future | Kind::Perpetual => (None, None),
    }
}

pub(super) fn get_order_book(gateway: &Gateway, params: &Params) -> RpcResult {
    let depth = match params.optional_u64("depth")? {
        None => DEPTH_DEFAULT,
        Some(0) => DEPTH_MAX,
        Some(depth) if depth <= 10_000 => usize::try_from(depth).unwrap_or(DEPTH_MAX),
        Some(depth) => {
            return Err(RpcError::param("depth", format!("{depth} given, one of {DEPTHS:?} is expected")));
        }
    };
    let view = gateway.view();
    Ok(order_book(&view, named(&view, params)?, depth))
}

/// The object of `public/get_order_book`: the ticker's fields and the levels.
fn order_book(view: &View, it: &Instrument, depth: usize) -> Value {
    let market = view.market(it, depth);
    let mut value = json::ticker(it, &market, &view.stats(it.id), implied(view, it, &market), view.now_ms());
    value["change_id"] = json!(view.commit_index());
    value["bids"] = market.bids.iter().map(json::level).collect();
    value["asks"] = market.asks.iter().map(json::level).collect();
    value
}

pub(super) fn summary_by_currency(gateway: &Gateway, params: &Params) -> RpcResult {
    let selection = Selection::read(params)?;
    let view = gateway.view();
    let chosen = view.instruments().iter().filter(|it| it.is_active && selection.holds(it));
    Ok(chosen.map(|it| summary(&view, it)).collect())
}

pub(super) fn summary_by_instrument(gateway: &Gateway, params: &Params) -> RpcResult {
    let view = gateway.view();
    Ok(json!([summary(&view, named(&view, params)?)]))
}

fn summary(view: &View, it: &Instrument) -> Value {
    json::book_summary(it, &view.market(it, 1), &view.stats(it.id), view.now_ms())
}
