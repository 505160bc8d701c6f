//! Requests for quotes and their answers.
//!
//! Invariant: a request names each instrument once; whoever is concerned hears of every change of it. What comes of an
//! acceptance is in `accepting`.

use std::collections::BTreeSet;

use num::{Cash, Fix, Side};
use serde_json::{Value, json};

use crate::{
    lock,
    model::Kind,
    rfq::{
        Disclosure, Execution, Hedge, Leg, NewQuote, NewRequest, Party, Priced, PricedLeg, Quote, QuoteState,
        Request, RequestState, RfqError, quote_json, request_json, trade_json,
    },
    rpc::{self, Answer, Code, Params, RpcError, RpcResult},
    selection::Selection,
    view::View,
};

use super::{Caller, accepting, market, paging::Backward, terms};

/// Legs of a request, as an offer has them at most.
const LEGS_MAX: usize = wire::limits::BLOCK_LEGS_MAX;
/// Requests in one answer when the call does not say, and at most.
const COUNTS: (u64, u64) = (20, 1_000);

/// Methods of makers and takers.
pub(super) async fn dispatch(caller: Caller<'_>, name: &str, params: &Params) -> Option<Answer> {
    let result = match name {
        "accept_block_rfq" => return Some(accepting::accept(caller, params).await),
        "create_block_rfq" => create(caller, params),
        "cancel_block_rfq" => cancel(caller, params),
        "cancel_block_rfq_trigger" => cancel_trigger(caller, params),
        "add_block_rfq_quote" => add_quote(caller, params),
        "edit_block_rfq_quote" => edit_quote(caller, params),
        "cancel_block_rfq_quote" => cancel_quote(caller, params),
        "cancel_all_block_rfq_quotes" => cancel_quotes(caller, params),
        "get_block_rfqs" => requests(caller, params),
        "get_block_rfq_quotes" => quotes(caller, params),
        "get_block_rfq_makers" => Ok(lock(&caller.gateway.rfq).makers().collect()),
        "get_block_rfq_user_info" => Ok(user_info(caller)),
        _ => return None,
    };
    Some(result.and_then(|result| rpc::answer(&result)))
}

/// The caller's name for others, hidden when the call says so.
fn party(caller: Caller<'_>, params: &Params) -> Result<Party, RpcError> {
    let is_named = params.optional_flag("disclosed")?.unwrap_or(true);
    Ok(Party {
        account: caller.identity.account,
        name: caller.gateway.keyring.name_of(&caller.identity.account).to_owned(),
        disclosure: if is_named { Disclosure::Named } else { Disclosure::Anonymous },
    })
}

pub(super) fn direction(params: &Params) -> Result<Side, RpcError> {
    match params.choice("direction", &["buy", "sell"])? {
        Some("buy") => Ok(Side::Buy),
        Some(_) => Ok(Side::Sell),
        None => Err(RpcError::param("direction", "missing, buy or sell is expected")),
    }
}

/// A positive amount in billionths.
pub(super) fn amount(params: &Params) -> Result<Fix, RpcError> {
    let raw = params.optional_decimal("amount", 9)?;
    let raw = raw.ok_or_else(|| RpcError::param("amount", "missing, a number is expected"))?;
    Ok(Fix::from_raw(raw))
}

pub(super) fn price(params: &Params) -> Result<Cash, RpcError> {
    let raw = params.optional_decimal("price", 6)?;
    let raw = raw.ok_or_else(|| RpcError::param("price", "missing, a number is expected"))?;
    Ok(Cash::from_micros(raw))
}

fn label(params: &Params) -> Result<String, RpcError> {
    let text = params.optional_text("label")?.unwrap_or("");
    terms::label(text).map(|_| text.to_owned())
}

/// The hedge that a call names; `None` without one.
fn hedge(view: &View, params: &Params) -> Result<Option<Hedge>, RpcError> {
    let Some(given) = params.object("hedge")? else { return Ok(None) };
    let it = market::to_trade(view, &given)?;
    if !matches!(it.kind, Kind::Future | Kind::Perpetual) {
        return Err(RpcError::param("hedge", format!("{} given, a future is expected", it.name)));
    }
    let (price, lots) = (price(&given)?, terms::amount(it, &given, None)?);
    terms::ticks(it, price)?;
    let too_large = || RpcError::new(Code::InvalidAmount, "the hedge is too large");
    let amount = it.units(lots).ok_or_else(too_large)?;
    Ok(Some(Hedge { instrument: it.id, side: direction(&given)?, amount, price, lot: it.lot }))
}

/// A call may leave the hedge of a request out, and cannot name another.
pub(super) fn check_hedge(caller: Caller<'_>, request: u64, params: &Params) -> Result<(), RpcError> {
    let named = hedge(&caller.gateway.view(), params)?;
    let book = lock(&caller.gateway.rfq);
    let known = book.request(request).and_then(|it| it.hedge);
    if named.is_none() || named == known { Ok(()) } else { Err(RfqError::OtherHedge.into()) }
}

fn create(caller: Caller<'_>, params: &Params) -> RpcResult {
    let view = caller.gateway.view();
    let (legs, hedge) = (wanted_legs(&view, params)?, hedge(&view, params)?);
    check_legs(&view, &legs, hedge.as_ref())?;
    let makers = match params.get("makers") {
        Some(_) => params.texts("makers")?,
        None => Vec::new(),
    };
    let new = NewRequest { taker: party(caller, params)?, legs, hedge, makers, label: label(params)? };
    let id = lock(&caller.gateway.rfq).create(new, view.now_ms())?;
    Ok(told(caller, &view, id))
}

/// The legs with what is wanted of each.
pub(super) fn wanted_legs(view: &View, params: &Params) -> Result<Vec<Leg>, RpcError> {
    let mut legs: Vec<Leg> = Vec::new();
    for leg in params.objects("legs")? {
        let it = market::to_trade(view, &leg)?;
        // Checks that they are whole lots.
        terms::amount(it, &leg, None)?;
        let (instrument, side, ratio) = (it.id, direction(&leg)?, amount(&leg)?.raw());
        if legs.iter().any(|other| other.instrument == instrument) {
            return Err(RpcError::param("legs", format!("{} is there twice", it.name)));
        }
        legs.push(Leg { instrument, side, ratio, lot: it.lot });
    }
    if legs.is_empty() || legs.len() > LEGS_MAX {
        return Err(RpcError::param("legs", format!("{} given, 1 to {LEGS_MAX} are expected", legs.len())));
    }
    Ok(legs)
}

/// A hedge is of the underlying of the legs, none of them, and trades with them in one offer.
fn check_legs(view: &View, legs: &[Leg], hedge: Option<&Hedge>) -> Result<(), RpcError> {
    let Some(hedge) = hedge else { return Ok(()) };
    let underlying = |id| view.instrument_of(id).map(|it| it.underlying.as_str());
    let wrong = |reason: &str| Err(RpcError::param("hedge", reason));
    if legs.iter().any(|leg| underlying(leg.instrument) != underlying(hedge.instrument)) {
        return wrong("a future of the legs' underlying is expected");
    }
    if legs.iter().any(|leg| leg.instrument == hedge.instrument) {
        return wrong("it is a leg already");
    }
    if legs.len() >= LEGS_MAX { wrong("there are too many legs beside it") } else { Ok(()) }
}

/// The request as its caller sees it, after all who are concerned were told.
fn told(caller: Caller<'_>, view: &View, id: u64) -> Value {
    let book = lock(&caller.gateway.rfq);
    caller.gateway.tell_request(view, &book, id);
    book.request(id).map_or(Value::Null, |it| request_json(view, &book, it, &caller.identity.account))
}

fn cancel(caller: Caller<'_>, params: &Params) -> RpcResult {
    let id = params.u64("block_rfq_id")?;
    let view = caller.gateway.view();
    lock(&caller.gateway.rfq).cancel(&caller.identity.account, id)?;
    Ok(told(caller, &view, id))
}

fn cancel_trigger(caller: Caller<'_>, params: &Params) -> RpcResult {
    let id = params.u64("block_rfq_id")?;
    let side = params.get("direction").map(|_| direction(params)).transpose()?;
    let view = caller.gateway.view();
    lock(&caller.gateway.rfq).cancel_trigger(&caller.identity.account, id, side)?;
    Ok(told(caller, &view, id))
}

/// The legs of a quote with their prices.
fn priced_legs(view: &View, params: &Params) -> Result<Vec<PricedLeg>, RpcError> {
    let read = |leg: &Params| {
        let it = market::to_trade(view, leg)?;
        let price = price(leg)?;
        terms::ticks(it, price)?;
        Ok(PricedLeg { instrument: it.id, side: direction(leg)?, price })
    };
    params.objects("legs")?.iter().map(read).collect()
}

/// A quote's price is that of its legs; a call that names another is told.
fn check_price(
    caller: Caller<'_>,
    (request, legs): (u64, &[PricedLeg]),
    params: &Params,
) -> Result<(), RpcError> {
    let Some(have) = terms::price(params, "price")? else { return Ok(()) };
    let book = lock(&caller.gateway.rfq);
    let known = book.request(request).and_then(|it| it.price(&it.prices(legs)?));
    match known {
        Some(need) if need != have => {
            Err(RpcError::param("price", format!("{have} given, the prices of the legs make {need}")))
        }
        _ => Ok(()),
    }
}

fn add_quote(caller: Caller<'_>, params: &Params) -> RpcResult {
    let request = params.u64("block_rfq_id")?;
    check_hedge(caller, request, params)?;
    let view = caller.gateway.view();
    let execution = match params.choice("execution_instruction", &["any_part_of", "all_or_none"])? {
        Some("all_or_none") => Execution::AllOrNone,
        _ => Execution::AnyPart,
    };
    let legs = priced_legs(&view, params)?;
    check_price(caller, (request, &legs), params)?;
    let new = NewQuote {
        request,
        maker: party(caller, params)?,
        client_id: caller.identity.client_id.clone(),
        offer: Priced { side: direction(params)?, legs, amount: amount(params)? },
        execution,
        label: label(params)?,
        expires_ms: params.optional_u64("expires_at")?,
    };
    let id = lock(&caller.gateway.rfq).quote(new, view.now_ms())?;
    quoted(caller, &view, id)
}

/// A quote as its maker sees it, after the taker was told.
fn quoted(caller: Caller<'_>, view: &View, id: u64) -> RpcResult {
    let book = lock(&caller.gateway.rfq);
    let quote = book.quotes().find(|it| it.id == id);
    let quote = quote.ok_or_else(|| RpcError::new(Code::NotFound, format!("there is no quote {id}")))?;
    caller.gateway.tell_request(view, &book, quote.request);
    caller.gateway.quoted.notify_one();
    Ok(quote_json(view, &book, quote))
}

/// The quote that a call names: by its number, or by its label on a request.
fn named_quote(caller: Caller<'_>, params: &Params) -> Result<u64, RpcError> {
    if let Some(id) = params.optional_u64("block_rfq_quote_id")? {
        return Ok(id);
    }
    let (request, label) = (params.u64("block_rfq_id")?, params.text("label")?);
    let found = lock(&caller.gateway.rfq).own_quote(&caller.identity.account, request, label);
    found.ok_or_else(|| RpcError::new(Code::NotFound, format!("no open quote has the label {label:?}")))
}

fn edit_quote(caller: Caller<'_>, params: &Params) -> RpcResult {
    let id = named_quote(caller, params)?;
    let request = lock(&caller.gateway.rfq).quotes().find(|it| it.id == id).map_or(0, |it| it.request);
    check_hedge(caller, request, params)?;
    let view = caller.gateway.view();
    let terms = (priced_legs(&view, params)?, amount(params)?);
    check_price(caller, (request, &terms.0), params)?;
    lock(&caller.gateway.rfq).edit_quote(&caller.identity.account, id, terms, view.now_ms())?;
    quoted(caller, &view, id)
}

fn cancel_quote(caller: Caller<'_>, params: &Params) -> RpcResult {
    let (id, view) = (named_quote(caller, params)?, caller.gateway.view());
    lock(&caller.gateway.rfq).cancel_quote(&caller.identity.account, id, view.now_ms())?;
    quoted(caller, &view, id)
}

/// Takes back all of a maker's quotes, or those on one request; how many they were, or which.
fn cancel_quotes(caller: Caller<'_>, params: &Params) -> RpcResult {
    let is_detailed = params.flag("detailed")?;
    let only = params.optional_u64("block_rfq_id")?;
    let (view, account) = (caller.gateway.view(), caller.identity.account);
    let mut book = lock(&caller.gateway.rfq);
    let own = book.quotes().filter(|it| it.maker.account == account && it.state == QuoteState::Open);
    let own: Vec<(u64, u64)> =
        own.filter(|it| only.is_none_or(|id| it.request == id)).map(|it| (it.id, it.request)).collect();
    let mut cancelled = BTreeSet::new();
    for (id, request) in own {
        // One that trades now can no longer be taken back.
        if book.cancel_quote(&account, id, view.now_ms()).is_ok() {
            cancelled.insert(id);
            caller.gateway.tell_request(&view, &book, request);
        }
    }
    if !is_detailed {
        return Ok(json!(cancelled.len()));
    }
    let ended = book.quotes().filter(|it| cancelled.contains(&it.id));
    Ok(ended.map(|it| quote_json(&view, &book, it)).collect())
}

fn requests(caller: Caller<'_>, params: &Params) -> RpcResult {
    let page = Backward::read(params, COUNTS)?;
    let state = params.choice("state", &["open", "filled", "traded", "cancelled", "expired", "closed"])?;
    let role = params.choice("role", &["any", "taker", "maker"])?.unwrap_or("any");
    let only = params.optional_u64("block_rfq_id")?;
    let view = caller.gateway.view();
    let selection = Selection::read(&view, params)?;
    let (account, name) = (caller.identity.account, caller.gateway.keyring.name_of(&caller.identity.account));
    let book = lock(&caller.gateway.rfq);
    let is_wanted = |it: &&Request| {
        let own = it.taker.account == account;
        let in_role = (own && role != "maker") || (role != "taker" && it.asks(&account, name));
        in_role
            && is_in_state(it.state, state)
            && only.is_none_or(|id| it.id == id)
            && is_request_of(&view, it, &selection)
    };
    let (found, last) = page.take(book.requests().filter(is_wanted), |it| it.id);
    let found: Value = found.into_iter().map(|it| request_json(&view, &book, it, &account)).collect();
    Ok(json!({ "block_rfqs": found, "continuation": last.map(|id| id.to_string()) }))
}

fn is_in_state(have: RequestState, wanted: Option<&str>) -> bool {
    match wanted {
        None => true,
        Some("traded") => have == RequestState::Filled,
        Some("closed") => !matches!(have, RequestState::Open | RequestState::Trading),
        Some(word) => have.word() == word,
    }
}

/// Whether a leg of a request is among the chosen instruments.
pub(crate) fn is_request_of(view: &View, it: &Request, selection: &Selection) -> bool {
    let chosen = |leg: &Leg| view.instrument_of(leg.instrument).is_some_and(|it| selection.holds(it));
    it.legs.iter().any(chosen)
}

fn quotes(caller: Caller<'_>, params: &Params) -> RpcResult {
    let (request, id) = (params.optional_u64("block_rfq_id")?, params.optional_u64("block_rfq_quote_id")?);
    let label = params.optional_text("label")?;
    let view = caller.gateway.view();
    let book = lock(&caller.gateway.rfq);
    let is_wanted = |it: &&Quote| {
        it.maker.account == caller.identity.account
            && (it.state == QuoteState::Open || id.is_some() || label.is_some())
            && request.is_none_or(|id| it.request == id)
            && id.is_none_or(|id| it.id == id)
            && label.is_none_or(|label| it.label == label)
    };
    Ok(book.quotes().filter(is_wanted).map(|it| quote_json(&view, &book, it)).collect())
}

fn user_info(caller: Caller<'_>) -> Value {
    let name = caller.gateway.keyring.name_of(&caller.identity.account);
    let is_maker = lock(&caller.gateway.rfq).makers().any(|it| it == name);
    let identity = json!({ "identity": name, "is_maker": is_maker });
    let mut user = identity.clone();
    user["user_id"] = json!(super::account::user_id(caller.identity));
    json!({ "parent": identity, "users": [user] })
}

/// Trades that came of requests at this gateway, for everybody.
pub(super) fn trades(gateway: &crate::Gateway, params: &Params) -> RpcResult {
    let page = Backward::read(params, COUNTS)?;
    params.text("currency")?;
    let view = gateway.view();
    let selection = Selection::read(&view, params)?;
    let book = lock(&gateway.rfq);
    let traded = |it: &&Request| it.state == RequestState::Filled && is_request_of(&view, it, &selection);
    let (found, last) = page.take(book.requests().filter(traded), |it| it.id);
    let next = last.and(found.last()).map(|it| format!("{}:{}", it.traded_ms, it.id));
    let found: Value = found.into_iter().map(|it| trade_json(&view, it)).collect();
    Ok(json!({ "block_rfqs": found, "continuation": next }))
}
