//! Exotics: the listing of one by its name, what has become of it, and the exercise of American ones.
//!
//! Invariant: a listing and an exercise are answered when they are executed.
//! Left out on purpose: prices. Exotics have no books: they trade in block trades and block RFQs like any leg.

use exchange::{Exotic, name};
use num::{Fix, Lots};
use serde_json::{Value, json};
use wire::{Action, ExoticTerms};

use crate::{
    Gateway,
    decimal::{cash, fix},
    json,
    model::Instrument,
    rpc::{self, Answer, Code, Params, RpcError, RpcResult},
    view::View,
};

use super::{Caller, market, terms};

/// The instrument with what has become of it.
pub(super) fn get(gateway: &Gateway, params: &Params) -> RpcResult {
    let view = gateway.view();
    let it = market::named(&view, params)?;
    let life = view.exotic(it.id).ok_or_else(|| no_exotic(&it.name))?;
    Ok(details(it, life))
}

/// Lists the exotic of a name, or finds the one that there is.
pub(super) async fn create(caller: Caller<'_>, params: &Params) -> Answer {
    let terms = terms_of(&caller.gateway.view(), params.text("instrument_name")?)?;
    let action = Action::CreateExotic { terms };
    let outcome = caller.gateway.execute(caller.identity, vec![action]).await?;
    let view = caller.gateway.view();
    let listed = outcome.listed.and_then(|id| Some((view.instrument_of(id)?, view.exotic(id)?)));
    let (it, life) =
        listed.ok_or_else(|| RpcError::new(Code::InternalServerError, "the exotic left no trace"))?;
    rpc::answer(&details(it, life))
}

/// Exercises an amount of an American option that is held.
pub(super) async fn exercise(caller: Caller<'_>, params: &Params) -> Answer {
    let (instrument, lots): (_, Lots) = {
        let view = caller.gateway.view();
        let it = market::to_trade(&view, params)?;
        (it.id, terms::amount(it, params, None)?)
    };
    caller.gateway.execute(caller.identity, vec![Action::Exercise { instrument, lots }]).await?;
    let view = caller.gateway.view();
    let balance = view.balance(&caller.identity.account);
    let left = view.positions(&caller.identity.account).into_iter().find(|it| it.instrument == instrument);
    let size = left.map_or(Fix::ZERO, |it| it.size);
    rpc::answer(&json!({ "balance": cash(balance), "size": fix(size) }))
}

fn details(it: &Instrument, life: &Exotic) -> Value {
    json::exotic(json::instrument(it), life)
}

fn terms_of(view: &View, text: &str) -> Result<ExoticTerms, RpcError> {
    let (symbol, contract) = name::parse(text).ok_or_else(|| no_exotic(text))?;
    let underlying = view.underlying_id(symbol).ok_or_else(|| no_exotic(text))?;
    contract.exotic_terms(underlying).ok_or_else(|| no_exotic(text))
}

fn no_exotic(text: &str) -> RpcError {
    let reason = format!(
        "{text:?} given, the name of an exotic such as BTC_USDC-27NOV26-90000-C-UO_100000 is expected"
    );
    RpcError::param("instrument_name", reason)
}
