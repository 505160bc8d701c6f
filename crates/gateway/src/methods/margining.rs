//! How an account is margined.
//!
//! Invariant: what is told of a change is what the exchange's own rules make of it; a trial changes nothing.

use num::{Cash, Fix, Rounding};
use serde_json::{Value, json};
use wire::{Action, MarginModel};

use crate::{
    decimal::{cash, fix},
    rpc::{self, Answer, Code, Params, RpcError},
};

use super::{
    Caller,
    refused::{check_own, not_offered},
};

/// The venue's models; of each currency on its own there is none here.
const MODELS: [&str; 4] = ["cross_pm", "cross_sm", "segregated_pm", "segregated_sm"];

/// Margins the account by another model, or tells what that would be.
pub(super) async fn change(caller: Caller<'_>, params: &Params) -> Answer {
    check_own(caller.identity, (params, "user_id"))?;
    let account = caller.identity.account;
    let model = match params.choice("margin_model", &MODELS)? {
        Some("cross_pm") => MarginModel::Portfolio,
        Some("cross_sm") => MarginModel::Standard,
        Some(other) => return Err(not_offered("margin_model", other)),
        None => {
            return Err(RpcError::param("margin_model", format!("missing, one of {}", MODELS.join(", "))));
        }
    };
    let told = {
        let view = caller.gateway.view();
        let no_money = || RpcError::new(Code::NotEnoughFunds, "the account never had money");
        let index = view.state.account_index(&account).ok_or_else(no_money)?;
        let (equity, before) = view.state.margin_summary(index);
        let after = view.state.margin_under(index, model);
        let state = |margin: &exchange::Margin| state_json(equity, (margin.initial, margin.maintenance));
        json!([{ "currency": "usdc", "old_state": state(&before), "new_state": state(&after) }])
    };
    if params.flag("dry_run")? {
        return rpc::answer(&told);
    }
    caller.gateway.execute(caller.identity, vec![Action::SetMarginModel { model }]).await?;
    rpc::answer(&told)
}

fn state_json(equity: Cash, (initial, maintenance): (Cash, Cash)) -> Value {
    let rate = |margin: Cash| {
        let rate = Fix::ratio(margin.micros(), equity.micros(), Rounding::HalfEven);
        rate.filter(|_| equity.is_positive()).map_or(Value::Null, fix)
    };
    json!({
        "initial_margin_rate": rate(initial),
        "maintenance_margin_rate": rate(maintenance),
        "available_balance": cash(equity.checked_sub(initial).unwrap_or(Cash::MIN)),
    })
}
