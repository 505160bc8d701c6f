//! Balances, margin and positions.
//!
//! Invariant: one USDC pool per account; there is no other currency to report.

use serde_json::{Value, json};

use crate::{
    Gateway, Rate,
    auth::Identity,
    decimal::cash,
    json,
    model::Order,
    rpc::{Code, Params, RpcError, RpcResult},
    selection::{SETTLEMENT, Selection},
    view::View,
};

use super::{
    market::{named, to_trade},
    terms,
};

pub(super) fn positions(gateway: &Gateway, identity: &Identity, params: &Params) -> RpcResult {
    let view = gateway.view();
    let selection = Selection::read(&view, params)?;
    let mut values = Vec::new();
    for position in view.positions(&identity.account) {
        if let Some(it) = view.instrument_of(position.instrument).filter(|it| selection.holds(it)) {
            let mut value = json::position(&position, it);
            view.tell_liquidation(&identity.account, it, &mut value);
            values.push(value);
        }
    }
    Ok(Value::Array(values))
}

pub(super) fn position(gateway: &Gateway, identity: &Identity, params: &Params) -> RpcResult {
    let view = gateway.view();
    let it = named(&view, params)?;
    let held = view.positions(&identity.account).into_iter().find(|position| position.instrument == it.id);
    let mut value = json::position(&held.unwrap_or_else(|| view.flat(it)), it);
    view.tell_liquidation(&identity.account, it, &mut value);
    Ok(value)
}

/// What an order would add to the initial margin, bought or sold, and the prices it may have.
pub(super) fn margins(gateway: &Gateway, identity: &Identity, params: &Params) -> RpcResult {
    let view = gateway.view();
    let it = to_trade(&view, params)?;
    let price = terms::price(params, "price")?
        .ok_or_else(|| RpcError::param("price", "missing, a number is expected"))?;
    let order = (terms::amount(it, params, None)?, terms::ticks(it, price)?);
    let (buy, sell) = view
        .margins(&identity.account, it.id, order)
        .ok_or_else(|| RpcError::new(Code::NotEnoughFunds, "the account never had money"))?;
    let band = view.market(it, 0).band;
    Ok(json!({
        "buy": cash(buy),
        "sell": cash(sell),
        "min_price": json::optional(band.map(|(low, _)| low)),
        "max_price": json::optional(band.map(|(_, high)| high)),
    }))
}

/// The summary of the currency that accounts are kept in; of any other currency there is nothing.
pub(super) fn summary(gateway: &Gateway, identity: &Identity, params: &Params) -> RpcResult {
    let currency = params.text("currency")?;
    let view = gateway.view();
    if currency != "any" && Selection::of(&view, "any", currency).is_none() {
        return Err(RpcError::param("currency", format!("{currency:?} given, USDC is expected")));
    }
    let mut value = account_json(gateway, &view, identity);
    if currency != SETTLEMENT && currency != "any" {
        let fees = value["fees"].clone();
        value = json::summary(&crate::model::Summary::default());
        (value["currency"], value["fees"]) = (json!(currency), fees);
    }
    if params.flag("extended")? {
        for (name, detail) in owner_json(&view, identity).as_object().into_iter().flatten() {
            value[name] = detail.clone();
        }
    }
    Ok(value)
}

pub(super) fn summaries(gateway: &Gateway, identity: &Identity) -> RpcResult {
    let view = gateway.view();
    let mut value = owner_json(&view, identity);
    value["summaries"] = json!([account_json(gateway, &view, identity)]);
    Ok(value)
}

/// The one account that the key stands for.
pub(super) fn subaccounts(gateway: &Gateway, identity: &Identity, params: &Params) -> RpcResult {
    let view = gateway.view();
    let mut value = owner_json(&view, identity);
    for (name, detail) in [("is_password", json!(false)), ("receive_notifications", json!(false))] {
        value[name] = detail;
    }
    if params.flag("with_portfolio")? {
        value["portfolio"] = json!({ "usdc": account_json(gateway, &view, identity) });
    }
    Ok(json!([value]))
}

/// What the one account that the key stands for holds, and its open orders where they are asked for.
pub(super) fn subaccounts_details(gateway: &Gateway, identity: &Identity, params: &Params) -> RpcResult {
    let currency = params.text("currency")?;
    let mut chosen = Params::default();
    chosen.0.insert("currency".to_owned(), json!(currency));
    let mut value = json!({ "uid": user_id(identity), "positions": positions(gateway, identity, &chosen)? });
    if params.flag("with_open_orders")? {
        let view = gateway.view();
        let selection = Selection::read(&view, &chosen)?;
        let is_chosen = |it: &&Order| view.instrument_of(it.instrument).is_some_and(|it| selection.holds(it));
        let open = view.open_orders(&identity.account);
        value["open_orders"] = open.iter().filter(is_chosen).map(|it| json!(view.order_object(it))).collect();
    }
    Ok(json!([value]))
}

fn account_json(gateway: &Gateway, view: &View, identity: &Identity) -> Value {
    let mut value = json::summary(&view.summary(&identity.account));
    view.tell_liquidation_ratios(&identity.account, &mut value);
    value["fees"] = view
        .fee_table()
        .into_iter()
        .map(|(kind, maker, taker)| {
            json!({
                "currency": "USDC",
                "instrument_type": kind,
                "fee_type": "relative",
                "maker_fee": crate::decimal::fix(maker),
                "taker_fee": crate::decimal::fix(taker),
            })
        })
        .collect();
    let rate = |it: Rate| json!({ "rate": it.rate, "burst": it.burst });
    let limits = gateway.pools.limits;
    value["limits"] = json!({
        "limits_per_currency": false,
        "non_matching_engine": rate(limits.connection),
        "matching_engine": {
            "trading": { "total": rate(limits.trading) },
            "cancel_all": rate(limits.trading),
        },
    });
    value
}

/// A number for an account, as the venue's users have one: three bytes of its owner's key.
pub(super) fn user_id(identity: &Identity) -> u32 {
    let owner = &identity.account.owner.0;
    u32::from_be_bytes([0, owner[0], owner[1], owner[2]])
}

fn owner_json(view: &View, identity: &Identity) -> Value {
    json!({
        "id": u32::from_be_bytes([0, identity.account.owner.0[0], identity.account.owner.0[1], identity.account.owner.0[2]]),
        "username": identity.client_id,
        "system_name": identity.client_id,
        "email": "",
        "type": if identity.account.subaccount == 0 { "main" } else { "subaccount" },
        "login_enabled": true,
        "security_keys_enabled": false,
        "mmp_enabled": false,
        "interuser_transfers_enabled": false,
        "creation_timestamp": view.start_ms(),
        "owner": identity.account.owner.to_string(),
        "subaccount": identity.account.subaccount,
    })
}
