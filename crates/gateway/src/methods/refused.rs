//! Parameters of the venue that mean nothing here.
//!
//! Invariant: a parameter that the venue knows and that would change what a call does, or whom it is about, is understood
//! or refused by its name. One that the venue does not know either is passed over, as there.

use serde_json::{Value, json};

use crate::{
    auth::Identity,
    rpc::{Code, Params, RpcError},
};

use super::account::user_id;

/// Methods, and the parameters of the venue's that they refuse.
const REFUSED: [(&[&str], &[&str]); 8] = [
    (
        &["buy", "sell", "close_position"],
        &["trigger_offset", "otoco_config", "linked_order_type", "trigger_fill_condition"],
    ),
    (
        &["edit", "edit_by_label"],
        &["trigger_price", "trigger_offset", "advanced", "display_amount", "max_show"],
    ),
    (
        &[
            "cancel_all",
            "cancel_all_by_instrument",
            "cancel_all_by_currency",
            "cancel_all_by_currency_pair",
            "cancel_all_by_kind_or_type",
            "cancel_quotes",
        ],
        &["freeze_quotes"],
    ),
    (&["create_block_rfq"], &["trade_allocations"]),
    (&["get_block_trades"], &["broker_code", "block_rfq_id"]),
    (&["get_mmp_config", "set_mmp_config", "reset_mmp"], &["block_rfq", "trade_count_limit"]),
    (&["subscribe"], &["label"]),
    (&["edit_api_key"], &["enabled_features", "ip_whitelist"]),
];

/// Refuses what a private method does not offer, and other accounts than the caller's own.
pub(super) fn check(identity: &Identity, (name, params): (&str, &Params)) -> Result<(), RpcError> {
    let of_method = REFUSED.iter().filter(|(methods, _)| methods.contains(&name));
    let mut refused = of_method.flat_map(|(_, parameters)| *parameters);
    if let Some(parameter) = refused.find(|it| is_meant(params.get(it))) {
        return Err(not_offered(parameter, "this"));
    }
    let own = u64::from(user_id(identity));
    match params.optional_u64("subaccount_id")? {
        Some(other) if other != own => {
            let reason = format!("{other} given, a key is of one account: {own}");
            Err(RpcError {
                code: Code::Forbidden,
                data: json!({ "param": "subaccount_id", "reason": reason }),
            })
        }
        _ => Ok(()),
    }
}

/// Whether a value asks for anything.
fn is_meant(value: Option<&Value>) -> bool {
    match value {
        None | Some(Value::Null | Value::Bool(false)) => false,
        Some(Value::String(text)) => !matches!(text.as_str(), "" | "false" | "[]"),
        Some(Value::Array(items)) => !items.is_empty(),
        Some(_) => true,
    }
}

pub(super) fn not_offered(name: &str, have: &str) -> RpcError {
    let reason = format!("{have} is not offered");
    RpcError { code: Code::NotImplemented, data: json!({ "param": name, "reason": reason }) }
}
