//! Balances, margin and positions.
//!
//! Invariant: one USDC pool per account; there is no other currency to report.

use serde_json::{Value, json};

use crate::{
    Gateway,
    auth::Identity,
    json,
    rpc::{Params, RpcResult},
    selection::Selection,
    view::View,
};

use super::market::named;

pub(super) fn positions(gateway: &Gateway, identity: &Identity, params: &Params) -> RpcResult {
    let view = gateway.view();
    let selection = Selection::read(&view, params)?;
    let mut values = Vec::new();
    for position in view.positions(&identity.account) {
        if let Some(it) = view.instrument_of(position.instrument).filter(|it| selection.holds(it)) {
            values.push(json::position(&position, it));
        }
    }
    Ok(Value::Array(values))
}

pub(super) fn position(gateway: &Gateway, identity: &Identity, params: &Params) -> RpcResult {
    let view = gateway.view();
    let it = named(&view, params)?;
    let held = view.positions(&identity.account).into_iter().find(|position| position.instrument == it.id);
    Ok(json::position(&held.unwrap_or_else(|| view.flat(it)), it))
}

pub(super) fn summary(gateway: &Gateway, identity: &Identity, params: &Params) -> RpcResult {
    let view = gateway.view();
    let mut value = account_json(&view, identity);
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
    value["summaries"] = json!([account_json(&view, identity)]);
    Ok(value)
}

fn account_json(view: &View, identity: &Identity) -> Value {
    let mut value = json::summary(&view.summary(&identity.account));
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
    value
}

fn owner_json(view: &View, identity: &Identity) -> Value {
    json!({
        "id": u32::from_be_bytes([0, identity.account.owner.0[0], identity.account.owner.0[1], identity.account.owner.0[2]]),
        "username": identity.client_id,
        "system_name": identity.client_id,
        "email": "",
        "type": if identity.account.subaccount == 0 { "main" } else { "subaccount" },
        "login_enabled": true,
        "interuser_transfers_enabled": false,
        "creation_timestamp": view.start_ms(),
        "owner": identity.account.owner.to_string(),
        "subaccount": identity.account.subaccount,
    })
}
