//! Combos: which there are, what they are made of, what their legs are worth in them, and the listing of one.
//!
//! Invariant: legs are told as the exchange has them, for one bought unit; a listing is answered when it is executed.
//! Left out on purpose: which legs make a combo; the exchange decides, and a refusal names `trades`.

use num::{Cash, Rounding, Side};
use serde_json::json;
use wire::{Action, ComboLeg, InstrumentId, List, limits::COMBO_LEGS_MAX};

use crate::{
    Gateway,
    decimal::{cash, fix},
    json,
    model::Instrument,
    rfq::{Leg, structure},
    rpc::{self, Answer, Code, Params, RpcError, RpcResult},
    selection::Selection,
    view::View,
};

use super::{
    Caller,
    block_rfq::{self, direction},
    market, terms,
};

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

/// Prices of legs that come to a price of their structure, as the exchange splits a combo's: each leg at its mark, and what
/// is left at the dearest of those with the least ratio.
pub(super) fn leg_prices(gateway: &Gateway, params: &Params) -> RpcResult {
    let view = gateway.view();
    let (legs, amount) = structure(&block_rfq::wanted_legs(&view, params)?);
    let price = block_rfq::price(params)?;
    let priced = split(&view, &legs, price)?;
    let shown = priced.iter().map(|(leg, it, price)| {
        json!({
            "ratio": leg.ratio,
            "instrument_name": it.name,
            "direction": json::side(leg.side),
            "price": cash(*price),
        })
    });
    Ok(json!({ "legs": shown.collect::<serde_json::Value>(), "amount": fix(amount) }))
}

type PricedLeg<'a> = (Leg, &'a Instrument, Cash);

fn split<'a>(view: &'a View, legs: &[Leg], price: Cash) -> Result<Vec<PricedLeg<'a>>, RpcError> {
    let mut priced = legs.iter().map(|leg| at_mark(view, *leg)).collect::<Result<Vec<_>, _>>()?;
    let least = legs.iter().map(|leg| leg.ratio).min().unwrap_or(1);
    let with_least = priced.iter().enumerate().filter(|(_, (leg, ..))| leg.ratio == least);
    let dearest = with_least.max_by_key(|(place, (.., mark))| (*mark, core::cmp::Reverse(*place)));
    let Some(named) = dearest.map(|(place, _)| place) else { return Ok(priced) };
    let signed = |(leg, _, price): &PricedLeg<'_>| {
        let whole = i128::from(price.micros()) * i128::from(leg.ratio);
        if leg.side == Side::Buy { whole } else { -whole }
    };
    let others: i128 =
        priced.iter().enumerate().filter(|(place, _)| *place != named).map(|(_, it)| signed(it)).sum();
    let (leg, it, taken) = &mut priced[named];
    let left = i128::from(price.micros()) - others;
    let left = if leg.side == Side::Buy { left } else { -left };
    let whole = num::div_exact(left, i128::from(leg.ratio)).and_then(Cash::from_i128);
    *taken = whole
        .ok_or_else(|| RpcError::param("price", format!("it leaves {} no price in whole ticks", it.name)))?;
    terms::ticks(it, *taken)
        .map_err(|error| RpcError::param("price", format!("{}: {}", it.name, error.data["reason"])))?;
    Ok(priced)
}

/// A leg at its mark, in whole ticks.
fn at_mark(view: &View, leg: Leg) -> Result<PricedLeg<'_>, RpcError> {
    let unpriced = |name: &str| RpcError::new(Code::TemporarilyUnavailable, format!("{name} has no mark"));
    let it = view.instrument_of(leg.instrument).ok_or_else(|| unpriced("a leg"))?;
    let mark = view.market(it, 0).mark.ok_or_else(|| unpriced(&it.name))?;
    let market = num::Market::new(it.tick, it.lot);
    let rounded = market.ok().and_then(|market| market.price(market.ticks(mark, Rounding::HalfEven)?));
    Ok((leg, it, rounded.ok_or_else(|| unpriced(&it.name))?.max(it.tick)))
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
