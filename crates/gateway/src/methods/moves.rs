//! Deposits, withdrawals and transfers between subaccounts.
//!
//! Invariant: the latest first; there is one currency, and of any other nothing ever moved.

use num::Cash;
use serde_json::{Value, json};
use wire::Action;

use crate::{
    Gateway,
    auth::Identity,
    decimal::cash,
    history::{Move, What},
    rpc::{self, Answer, Params, RpcResult},
    selection::{SETTLEMENT, Selection},
};

/// What the faucet gives when the call does not say.
const FAUCET_DEFAULT: Cash = Cash::from_micros(10_000_000_000);
const COUNT_DEFAULT: u64 = 10;
const COUNT_MAX: u64 = 1_000;

/// Which movements a call asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Deposits,
    Withdrawals,
    Transfers,
}

/// USDC out of nothing, where the network gives it.
pub(super) async fn faucet(gateway: &Gateway, identity: &Identity, params: &Params) -> Answer {
    let micros = params.optional_decimal("amount", 6)?;
    let amount = micros.map_or(FAUCET_DEFAULT, Cash::from_micros);
    gateway.execute(identity, vec![Action::Faucet { amount }]).await?;
    let balance = gateway.view().balance(&identity.account);
    rpc::answer(&json!({ "amount": cash(amount), "balance": cash(balance) }))
}

pub(super) fn get(gateway: &Gateway, identity: &Identity, (kind, params): (Kind, &Params)) -> RpcResult {
    let currency = params.text("currency")?;
    let count = params.optional_u64("count")?.unwrap_or(COUNT_DEFAULT).clamp(1, COUNT_MAX);
    let offset = usize::try_from(params.optional_u64("offset")?.unwrap_or(0)).unwrap_or(usize::MAX);
    let view = gateway.view();
    Selection::read(&view, params)?;
    let is_ours = currency == SETTLEMENT || currency == "any";
    let of_kind = |it: &&Move| is_ours && kind_of(it) == kind;
    let all: Vec<&Move> = view.history().moves(&identity.account).filter(of_kind).collect();
    let count = usize::try_from(count).unwrap_or(1);
    let data: Value = all.iter().skip(offset).take(count).map(|it| movement(it)).collect();
    Ok(json!({ "count": all.len(), "data": data }))
}

const fn kind_of(it: &Move) -> Kind {
    match it.what {
        What::Deposit => Kind::Deposits,
        What::Transfer { .. } => Kind::Transfers,
        What::Withdrawal { .. } => Kind::Withdrawals,
    }
}

fn movement(it: &Move) -> Value {
    let mut value = json!({
        "currency": SETTLEMENT,
        "amount": cash(it.amount),
        "updated_timestamp": it.updated_ms,
    });
    let fields = match &it.what {
        What::Deposit => json!({
            "address": "",
            "received_timestamp": it.time_ms,
            "state": "completed",
            "transaction_id": it.id.to_string(),
        }),
        What::Transfer { other, is_income } => json!({
            "id": it.id,
            "created_timestamp": it.time_ms,
            "direction": if *is_income { "income" } else { "payment" },
            "other_side": format!("{}/{}", other.owner, other.subaccount),
            "state": "confirmed",
            "type": "subaccount",
        }),
        What::Withdrawal { to, ready_ms, state } => json!({
            "id": it.id,
            "address": to,
            "created_timestamp": it.time_ms,
            "confirmed_timestamp": ready_ms,
            "fee": 0.0,
            "priority": 1.0,
            "state": state.word(),
            "transaction_id": null,
        }),
    };
    for (name, field) in fields.as_object().into_iter().flatten() {
        value[name] = field.clone();
    }
    value
}
