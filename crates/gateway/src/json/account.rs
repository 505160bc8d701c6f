//! Positions and accounts in the venue's JSON.
//!
//! Invariant: amounts are in units of the underlying; profits leave fees out.

use num::Cash;
use serde_json::{Value, json};
use wire::MarginModel;

use crate::{
    decimal::{cash, fix},
    model::{Instrument, Kind, Position, Summary},
};

use super::{greeks, kind};

pub fn position(it: &Position, instrument: &Instrument) -> Value {
    let direction = match it.size.raw() {
        0 => "zero",
        1.. => "buy",
        _ => "sell",
    };
    let total = it.unrealised.checked_add(it.realised).unwrap_or(it.unrealised);
    let mut value = json!({
        "instrument_name": instrument.name,
        "kind": kind(instrument.kind),
        "direction": direction,
        "size": fix(it.size),
        "average_price": cash(it.average_price),
        "mark_price": cash(it.mark),
        "index_price": cash(it.index),
        "settlement_price": cash(it.mark),
        "floating_profit_loss": cash(it.unrealised),
        "realized_profit_loss": cash(it.realised),
        "total_profit_loss": cash(total),
        "initial_margin": cash(it.initial_margin),
        "maintenance_margin": cash(it.maintenance_margin),
        "open_orders_margin": 0.0,
        "delta": fix(it.greeks.delta),
    });
    if let Kind::Option { .. } | Kind::Exotic { .. } = instrument.kind {
        for (name, greek) in greeks(&it.greeks).as_object().into_iter().flatten() {
            value[name] = greek.clone();
        }
    } else {
        value["size_currency"] = fix(it.size);
        value["leverage"] = json!(it.leverage);
        value["realized_funding"] = cash(it.funding);
    }
    value
}

/// The venue's word for how an account is margined.
pub const fn margin_model(it: MarginModel) -> &'static str {
    match it {
        MarginModel::Portfolio => "cross_pm",
        MarginModel::Standard => "cross_sm",
    }
}

pub fn summary(it: &Summary) -> Value {
    let sensitivities = greeks(&it.options);
    let projected = it.options_profit.checked_add(it.futures_profit).unwrap_or(it.options_profit);
    json!({
        "currency": "USDC",
        "balance": cash(it.balance),
        "equity": cash(it.equity),
        "margin_balance": cash(it.equity),
        "available_funds": cash(it.available),
        "available_withdrawal_funds": cash(it.available.min(it.balance).max(Cash::ZERO)),
        "initial_margin": cash(it.initial_margin),
        "maintenance_margin": cash(it.maintenance_margin),
        "projected_initial_margin": cash(it.initial_margin),
        "projected_maintenance_margin": cash(it.maintenance_margin),
        "margin_model": margin_model(it.model.unwrap_or(MarginModel::Portfolio)),
        "portfolio_margining_enabled": it.model != Some(MarginModel::Standard),
        "cross_collateral_enabled": false,
        "session_upl": cash(projected),
        "session_rpl": cash(it.realised),
        "total_pl": cash(projected.checked_add(it.realised).unwrap_or(projected)),
        "futures_pl": cash(it.futures_profit),
        "futures_session_upl": cash(it.futures_profit),
        "futures_session_rpl": 0.0,
        "options_pl": cash(it.options_profit),
        "options_session_upl": cash(it.options_profit),
        "options_session_rpl": 0.0,
        "options_value": cash(it.options_value),
        "options_delta": sensitivities["delta"],
        "options_gamma": sensitivities["gamma"],
        "options_vega": sensitivities["vega"],
        "options_theta": sensitivities["theta"],
        "options_gamma_map": {},
        "options_theta_map": {},
        "options_vega_map": {},
        "delta_total": fix(it.delta),
        "projected_delta_total": fix(it.delta),
        "delta_total_map": {},
        "fee_balance": 0.0,
        "spot_reserve": 0.0,
        "additional_reserve": 0.0,
    })
}
