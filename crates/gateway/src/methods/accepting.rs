//! Acceptances of quotes, at once or as soon as there is a quote, and the trade that comes of them.
//!
//! Invariant: what is taken is signed only then, by the session keys of both sides, and trades whole or not at all; a
//! request whose trade may or may not have been ordered never trades again.

use std::sync::Arc;

use num::{Cash, Fix, Side, Timestamp};
use serde::Serialize;
use serde_json::Value;
use wire::{Action, BlockLeg, BlockOffer, Boxed, InstrumentId};

use crate::{
    Gateway,
    auth::Identity,
    lock,
    outcome::Outcome,
    rfq::{Acceptance, Due, Ending, Leg, Quote, Request, RfqError, trigger_json},
    rpc::{self, Answer, Code, Params, RpcError},
    view::View,
};

use super::{
    Caller,
    block_rfq::{amount, check_hedge, direction, price},
    block_trade, market, terms,
};

/// How long an offer stands once it is signed, by the time of commits.
const OFFER_MS: u64 = 15_000;

/// What came of an acceptance.
#[derive(Serialize)]
struct Accepted<'a> {
    /// Null where it did not have to wait.
    trade_trigger: Option<Value>,
    block_trades: Vec<block_trade::Block<'a>>,
}

/// Takes what can be had, or lets the acceptance wait where that is asked for.
pub(super) async fn accept(caller: Caller<'_>, params: &Params) -> Answer {
    let id = params.u64("block_rfq_id")?;
    check_hedge(caller, id, params)?;
    let lasting = params.choice("time_in_force", &["fill_or_kill", "good_til_cancelled"])?;
    check_legs(caller, id, params)?;
    let wanted = Acceptance { side: direction(params)?, price: price(params)?, amount: amount(params)? };
    let account = caller.identity.account;
    let taken = lock(&caller.gateway.rfq).take(&account, id, wanted);
    let taken = match taken {
        Err(RfqError::NotFillable { .. }) if lasting == Some("good_til_cancelled") => {
            return wait(caller, id, wanted);
        }
        taken => taken?,
    };
    let (outcome, legs) = trade(caller.gateway, caller.identity, (id, taken)).await?;
    let view = caller.gateway.view();
    let block_trades = block_trade::of_outcome(&view, &account, (&outcome, &legs));
    rpc::answer(&Accepted { trade_trigger: None, block_trades })
}

/// A call may leave the legs of a request out, and cannot name others.
fn check_legs(caller: Caller<'_>, id: u64, params: &Params) -> Result<(), RpcError> {
    if params.get("legs").is_none() {
        return Ok(());
    }
    let view = caller.gateway.view();
    let book = lock(&caller.gateway.rfq);
    let known = book.request(id).map(|it| it.legs.as_slice()).unwrap_or_default();
    let given = params.objects("legs")?;
    for leg in &given {
        let (it, side, ratio) = (market::named(&view, leg)?, direction(leg)?, leg.optional_u64("ratio")?);
        let is_this = |known: &&Leg| known.instrument == it.id && known.side == side;
        let known = known.iter().find(is_this).ok_or(RfqError::OtherLegs)?;
        if ratio.is_some_and(|ratio| u64::try_from(known.ratio) != Ok(ratio)) {
            return Err(RfqError::OtherLegs.into());
        }
    }
    if given.len() == known.len() { Ok(()) } else { Err(RfqError::OtherLegs.into()) }
}

fn wait(caller: Caller<'_>, id: u64, wanted: Acceptance) -> Answer {
    let (gateway, identity) = (caller.gateway, caller.identity);
    let view = gateway.view();
    let mut book = lock(&gateway.rfq);
    book.wait(&identity.account, id, (wanted, &identity.client_id))?;
    gateway.tell_request(&view, &book, id);
    // A quote may have come since it was looked for.
    gateway.quoted.notify_one();
    let trade_trigger = book.request(id).and_then(|it| it.triggers.foremost()).map(trigger_json);
    rpc::answer(&Accepted { trade_trigger, block_trades: Vec::new() })
}

/// Trades what waited, with every quote that comes.
pub(crate) async fn follow_quotes(gateway: Arc<Gateway>) {
    loop {
        gateway.quoted.notified().await;
        let due = lock(&gateway.rfq).take_due();
        for due in due {
            tokio::spawn(trade_due(Arc::clone(&gateway), due));
        }
    }
}

async fn trade_due(gateway: Arc<Gateway>, due: Due) {
    let refused = |error: RpcError| error.data["reason"].as_str().unwrap_or_default().to_owned();
    let done = match gateway.keyring.by_client(&due.client_id) {
        Ok(taker) => order(&gateway, &taker, (due.request, &due.taken)).await.map(|_| ()),
        Err(error) => Err(error),
    };
    let view = gateway.view();
    let ending = ending(&view, &done);
    let reason = done.err().map(refused).unwrap_or_default();
    let mut book = lock(&gateway.rfq);
    book.finish_due(&due, (ending, &reason));
    gateway.tell_request(&view, &book, due.request);
}

type Traded = (Outcome, Vec<Vec<BlockLeg>>);

/// Trades what a caller has taken; however that ends, and though nobody waits for it any more, the request is told of it.
async fn trade(
    gateway: &Gateway,
    taker: &Identity,
    (id, taken): (u64, Vec<(Quote, Fix)>),
) -> Result<Traded, RpcError> {
    let mut trading = Trading { gateway, id, taken, ending: Ending::Unknown };
    let done = order(gateway, taker, (id, &trading.taken)).await;
    trading.ending = ending(&gateway.view(), &done);
    done
}

fn ending<T>(view: &View, done: &Result<T, RpcError>) -> Ending {
    match done {
        Ok(_) => Ending::Traded { at_ms: view.now_ms() },
        Err(error) if error.code == Code::TimedOut => Ending::Unknown,
        Err(_) => Ending::Refused,
    }
}

/// A request that trades.
struct Trading<'a> {
    gateway: &'a Gateway,
    id: u64,
    taken: Vec<(Quote, Fix)>,
    ending: Ending,
}

impl Drop for Trading<'_> {
    fn drop(&mut self) {
        let view = self.gateway.view();
        let mut book = lock(&self.gateway.rfq);
        book.finish(self.id, &self.taken, self.ending);
        self.gateway.tell_request(&view, &book, self.id);
    }
}

/// Signs for both sides and waits for the order; the legs of each offer that was taken.
async fn order(
    gateway: &Gateway,
    taker: &Identity,
    (id, taken): (u64, &[(Quote, Fix)]),
) -> Result<Traded, RpcError> {
    let until = Timestamp::from_millis(gateway.view().now_ms().saturating_add(OFFER_MS));
    let offers = offers(gateway, taker, (id, taken, until))?;
    let legs = offers.iter().map(|offer| offer.terms.legs.to_vec()).collect();
    let take = |offer| Action::TakeBlock { offer: Boxed::new(offer) };
    let outcome = gateway.execute_together(taker, offers.into_iter().map(take).collect(), until).await?;
    Ok((outcome, legs))
}

/// What the taker carries: one offer for each quote that he takes, signed now.
fn offers(
    gateway: &Gateway,
    taker: &Identity,
    (id, taken, until): (u64, &[(Quote, Fix)], Timestamp),
) -> Result<Vec<BlockOffer>, RpcError> {
    let view = gateway.view();
    let request = lock(&gateway.rfq).request(id).cloned().ok_or(RfqError::UnknownRequest { have: id })?;
    let offer = |(quote, part): &(Quote, Fix)| {
        let maker = gateway.keyring.by_client(&quote.client_id)?;
        let legs = block_legs(&view, &request, (quote, *part))?;
        gateway.offer(&maker, Some(taker.account), (until, legs))
    };
    taken.iter().map(offer).collect()
}

/// The legs of a part of a quote as its maker trades them, the hedge last.
fn block_legs(
    view: &View,
    request: &Request,
    (quote, part): (&Quote, Fix),
) -> Result<Vec<BlockLeg>, RpcError> {
    let too_large = || RpcError::new(Code::InvalidAmount, "the amount is too large");
    let of = |side: Side| if quote.terms.side == Side::Buy { side } else { side.opposite() };
    let mut legs = Vec::with_capacity(request.legs.len() + 1);
    for (leg, price) in request.legs.iter().zip(&quote.terms.prices) {
        let whole = i128::from(part.raw()) * i128::from(leg.ratio);
        let units = i64::try_from(whole).map(Fix::from_raw).map_err(|_| too_large())?;
        legs.push(block_leg(view, leg.instrument, (of(leg.side), *price, units))?);
    }
    if request.hedge.is_some() {
        let (hedge, units) = request.hedge_of(part).ok_or_else(too_large)?;
        legs.push(block_leg(view, hedge.instrument, (of(hedge.side), hedge.price, units))?);
    }
    Ok(legs)
}

fn block_leg(
    view: &View,
    instrument: InstrumentId,
    (side, price, units): (Side, Cash, Fix),
) -> Result<BlockLeg, RpcError> {
    let it = view.instrument_of(instrument);
    let it = it.ok_or_else(|| RpcError::new(Code::BookClosed, "a leg is gone"))?;
    Ok(BlockLeg { instrument, side, price: terms::ticks(it, price)?, lots: terms::lots(it, units)? })
}
