//! Combos: which there are, what they are made of, and the listing of one.
//!
//! Invariant: legs are told as the exchange has them, for one bought unit; a listing is answered when it is executed.
//! Left out on purpose: which legs make a combo; the exchange decides, and a refusal names `trades`.

use num::Side;
use serde_json::json;
use wire::{Action, ComboLeg, InstrumentId, List, limits::COMBO_LEGS_MAX};

use crate::{
    Gateway, json,
    model::Instrument,
    rpc::{self, Answer, Code, Params, RpcError, RpcResult},
    selection::Selection,
    view::View,
};

use super::{Caller, block_rfq::direction, market, terms};

/// Those that can be traded, with their legs.
pub(super) fn active(gateway: &Gateway, params: &Params) -> RpcResult {
    let view = gateway.view();
    let chosen = selected(&view, params)?;
    Ok(chosen.filter(|it| it.is_active()).map(|it| details_of(&view, it)).collect())
}

/// Names in any state, or in the one that is asked for.
pub(super) fn ids(gateway: &Gateway, params: &Params) -> RpcResult {
    let wanted = params.choice("state", &["rfq", "active", "inactive"])?;
    let view = gateway.view();
    let chosen =
        selected(&view, params)?.filter(|it| wanted.is_none_or(|word| word == json::combo_state(it)));
    Ok(chosen.map(|it| json!(it.name)).collect())
}

pub(super) fn details(gateway: &Gateway, params: &Params) -> RpcResult {
    let id = params.text("combo_id")?;
    let view = gateway.view();
    let found = view.instrument(id).filter(|it| it.is_combo());
    let unknown = || RpcError {
        code: Code::NotFound,
        data: json!({ "param": "combo_id", "reason": format!("there is no combo {id:?}") }),
    };
    found.map(|it| details_of(&view, it)).ok_or_else(unknown)
}

/// Lists the combo of these trades, or finds the one that there is; its legs tell on which side it is what was asked.
pub(super) async fn create(caller: Caller<'_>, params: &Params) -> Answer {
    let legs = legs(&caller.gateway.view(), params)?;
    let action = Action::CreateCombo { legs };
    let outcome = caller.gateway.execute(caller.identity, vec![action]).await.map_err(of_trades)?;
    let view = caller.gateway.view();
    let it = outcome.listed.and_then(|id| view.instrument_of(id));
    let it = it.ok_or_else(|| RpcError::new(Code::InternalServerError, "the combo left no trace"))?;
    rpc::answer(&details_of(&view, it))
}

fn selected<'a>(
    view: &'a View,
    params: &Params,
) -> Result<impl Iterator<Item = &'a Instrument> + use<'a>, RpcError> {
    params.text("currency")?;
    let selection = Selection::read(view, params)?;
    Ok(view.instruments().iter().filter(move |it| it.is_combo() && selection.holds(it)))
}

fn details_of(view: &View, it: &Instrument) -> serde_json::Value {
    json::combo(it, &view.combo_legs(it.id))
}

/// The legs that are asked for, with their amounts for ratios: the exchange takes out the common factor.
fn legs(view: &View, params: &Params) -> Result<List<ComboLeg, COMBO_LEGS_MAX>, RpcError> {
    let read = |trade: &Params| -> Result<ComboLeg, RpcError> {
        let instrument: InstrumentId = market::to_trade(view, trade)?.id;
        let side = direction(trade)?;
        let ratio = terms::units(trade)?.raw();
        Ok(ComboLeg { instrument, ratio: if side == Side::Buy { ratio } else { -ratio } })
    };
    let legs = params.objects("trades")?.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    let have = legs.len();
    List::new(legs)
        .ok_or_else(|| RpcError::param("trades", format!("{have} given, 2 to {COMBO_LEGS_MAX} are expected")))
}

/// What the exchange says of legs is said of the parameter that they came in.
fn of_trades(mut error: RpcError) -> RpcError {
    if matches!(error.code, Code::InvalidArguments | Code::BookClosed) {
        error.data["param"] = json!("trades");
    }
    error
}
