//! Block trades: what two accounts have agreed on elsewhere, and what came of it.
//!
//! The first party's session key signs an offer of all legs; what the venue calls the signature is that offer, written
//! out. The second party's intent carries it. So it is the exchange that checks both sides, and any gateway will do.
//!
//! Invariant: an offer is carried only if it says what the second party says; whoever signs first has the fees of a maker.
//! Left out on purpose: approval by a second person, brokers.

use std::{collections::BTreeMap, ops::RangeInclusive};

use commonware_codec::{DecodeExt, Encode};
use crypto::Digest;
use num::{Side, Timestamp};
use serde::Serialize;
use serde_json::json;
use wire::{AccountId, Action, BlockLeg, BlockOffer, Boxed};

use crate::{
    json::{FillObject, block_id},
    model::{Fill, Liquidity},
    outcome::Outcome,
    rpc::{self, Answer, Code, Params, RpcError, RpcResult},
    selection::Selection,
    view::View,
};

use super::{Caller, market, terms};

/// How long a signature stands, by the time of commits.
const SIGNATURE_MS: u64 = 300_000;
const COUNT_MAX: u64 = 101;

/// The object of a block trade.
#[derive(Serialize)]
pub(crate) struct Block<'a> {
    id: String,
    timestamp: u64,
    trades: Vec<FillObject<'a>>,
}

impl<'a> Block<'a> {
    /// Of an account's fills in one block, the latest first.
    pub(crate) fn new(view: &'a View, id: u64, fills: &[&'a Fill]) -> Self {
        Self {
            id: block_id(id),
            timestamp: fills.first().map_or(0, |fill| fill.trade.time_ms),
            trades: fills.iter().rev().map(|fill| view.fill_object(fill)).collect(),
        }
    }
}

pub(super) fn read_id(name: &str, text: &str) -> Result<u64, RpcError> {
    let number = text.strip_prefix("BLOCK-").and_then(|number| number.parse().ok());
    number.ok_or_else(|| RpcError::param(name, format!("{text:?} given, such as BLOCK-12 is expected")))
}

/// An account's remembered fills by block, the latest fill of each first.
fn blocks<'a>(view: &'a View, account: &AccountId) -> BTreeMap<u64, Vec<&'a Fill>> {
    let mut found: BTreeMap<u64, Vec<&Fill>> = BTreeMap::new();
    for fill in view.history().fills(account) {
        fill.trade.block.into_iter().for_each(|block| found.entry(block).or_default().push(fill));
    }
    found
}

/// The blocks that came of an intent of an account that took offers of these legs.
pub(super) fn of_outcome<'a>(
    view: &'a View,
    account: &AccountId,
    (outcome, offers): (&Outcome, &[Vec<BlockLeg>]),
) -> Vec<Block<'a>> {
    let found = blocks(view, account);
    let of_commit = found.range(outcome.trades_above + 1..=outcome.trades_last);
    let is_wanted = |fills: &[&Fill]| offers.iter().any(|legs| are_of(fills, legs));
    of_commit.filter(|(_, fills)| is_wanted(fills)).map(|(id, fills)| Block::new(view, *id, fills)).collect()
}

/// Whether fills, the latest first, are the taker's sides of the legs of an offer.
fn are_of(fills: &[&Fill], legs: &[BlockLeg]) -> bool {
    let is = |(fill, leg): (&&Fill, &BlockLeg)| {
        let trade = &fill.trade;
        let have = (trade.instrument, fill.side.opposite(), trade.contracts, fill.liquidity);
        have == (leg.instrument, leg.side, leg.lots.get(), Liquidity::Taker)
    };
    fills.len() == legs.len() && fills.iter().rev().zip(legs).all(is)
}

/// Methods of block trades.
pub(super) async fn dispatch(caller: Caller<'_>, name: &str, params: &Params) -> Option<Answer> {
    Some(match name {
        "execute_block_trade" => execute(caller, params).await,
        "invalidate_block_trade_signature" => invalidate(caller, params).await,
        "verify_block_trade" => verify(caller, params).and_then(|result| rpc::answer(&result)),
        "simulate_block_trade" => simulate(caller, params),
        "get_block_trade" => one(caller, params),
        "get_block_trades" => several(caller, params),
        _ => return None,
    })
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Maker,
    Taker,
}

fn role(params: &Params) -> Result<Role, RpcError> {
    match params.choice("role", &["maker", "taker"])? {
        Some("maker") => Ok(Role::Maker),
        Some(_) => Ok(Role::Taker),
        None => Err(RpcError::param("role", "missing, maker or taker is expected")),
    }
}

/// The legs as the party of a role trades them; directions of a call are the maker's.
fn legs(view: &View, role: Role, params: &Params) -> Result<Vec<BlockLeg>, RpcError> {
    let read = |trade: &Params| {
        let it = market::to_trade(view, trade)?;
        let missing = |name| RpcError::param(name, "missing");
        let price = terms::price(trade, "price")?.ok_or_else(|| missing("price"))?;
        let of_maker = match trade.choice("direction", &["buy", "sell"])? {
            Some("buy") => Side::Buy,
            Some(_) => Side::Sell,
            None => return Err(missing("direction")),
        };
        let side = if role == Role::Maker { of_maker } else { of_maker.opposite() };
        let lots = terms::amount(it, trade, None)?;
        Ok(BlockLeg { instrument: it.id, side, price: terms::ticks(it, price)?, lots })
    };
    params.objects("trades")?.iter().map(read).collect()
}

/// What ties the calls of both parties together beside the legs.
fn agreement(params: &Params) -> Result<String, RpcError> {
    let (timestamp, nonce) = (params.u64("timestamp")?, params.text("nonce")?);
    Ok(Digest::of("clockless block agreement 2026", format!("{timestamp}\n{nonce}").as_bytes()).to_string())
}

fn verify(caller: Caller<'_>, params: &Params) -> RpcResult {
    let (agreement, role) = (agreement(params)?, role(params)?);
    let (legs, now_ms) = {
        let view = caller.gateway.view();
        (legs(&view, role, params)?, view.now_ms())
    };
    let until = Timestamp::from_millis(now_ms.saturating_add(SIGNATURE_MS));
    let offer = caller.gateway.offer(caller.identity, None, (until, legs))?;
    Ok(json!({ "signature": format!("{}.{agreement}", hex::encode(offer.encode())) }))
}

fn wrong_signature(reason: &str) -> RpcError {
    RpcError::param("counterparty_signature", reason)
}

/// The offer in a signature, and the agreement that it was made for.
fn read_signature(text: &str) -> Result<(BlockOffer, &str), RpcError> {
    let unreadable = || wrong_signature("what private/verify_block_trade gave is expected");
    let (offer, agreement) = text.split_once('.').ok_or_else(unreadable)?;
    let bytes = hex::decode(offer).map_err(|_| unreadable())?;
    let offer = BlockOffer::decode(bytes::Bytes::from(bytes)).map_err(|_| unreadable())?;
    Ok((offer, agreement))
}

async fn execute(caller: Caller<'_>, params: &Params) -> Answer {
    let (offer, agreed) = read_signature(params.text("counterparty_signature")?)?;
    if agreed != agreement(params)? {
        return Err(wrong_signature("it was given for another timestamp or nonce"));
    }
    let of_other = match role(params)? {
        Role::Maker => Role::Taker,
        Role::Taker => Role::Maker,
    };
    let until = offer.terms.valid_until;
    if legs(&caller.gateway.view(), of_other, params)? != *offer.terms.legs {
        return Err(wrong_signature("it is for other trades, or for the same role"));
    }
    let offers = [offer.terms.legs.to_vec()];
    let actions = vec![Action::TakeBlock { offer: Boxed::new(offer) }];
    let outcome = caller.gateway.execute_together(caller.identity, actions, until).await?;
    let view = caller.gateway.view();
    let block = of_outcome(&view, &caller.identity.account, (&outcome, &offers)).into_iter().next();
    let block = block.ok_or_else(|| RpcError::new(Code::InternalServerError, "the trade left no trace"))?;
    rpc::answer(&block)
}

/// Uses up the number that an offer would use, so that it can never be carried.
async fn invalidate(caller: Caller<'_>, params: &Params) -> Answer {
    let (offer, _) = read_signature(params.text("signature")?)
        .map_err(|_| RpcError::param("signature", "what private/verify_block_trade gave is expected"))?;
    let terms = &offer.terms;
    if terms.maker != caller.identity.account || terms.key != caller.identity.key.public_key() {
        return Err(RpcError::new(Code::Forbidden, "another API key gave this signature"));
    }
    caller.gateway.revoke(caller.identity, terms).await?;
    rpc::answer("ok")
}

/// Whether the caller's money would cover his side of a block at these prices, fees apart.
fn simulate(caller: Caller<'_>, params: &Params) -> Answer {
    let role = if params.get("role").is_some() { role(params)? } else { Role::Maker };
    let view = caller.gateway.view();
    rpc::answer(&view.covers(&caller.identity.account, &legs(&view, role, params)?))
}

fn one(caller: Caller<'_>, params: &Params) -> Answer {
    let (text, view) = (params.text("id")?, caller.gateway.view());
    let id = read_id("id", text)?;
    let found = blocks(&view, &caller.identity.account);
    let fills = found.get(&id).ok_or_else(unknown)?;
    rpc::answer(&Block::new(&view, id, fills))
}

/// Which blocks a call asks for: how many, and the span of their numbers.
pub(super) struct Asked {
    pub count: usize,
    pub ids: RangeInclusive<u64>,
}

impl Asked {
    pub(super) fn read(params: &Params) -> Result<Self, RpcError> {
        let count = params.optional_u64("count")?.unwrap_or(20).clamp(1, COUNT_MAX);
        let bound = |name: &str| params.optional_text(name)?.map(|text| read_id(name, text)).transpose();
        let before = bound("start_id")?.unwrap_or(u64::MAX);
        let ids = bound("end_id")?.unwrap_or(1)..=before.saturating_sub(1);
        Ok(Self { count: usize::try_from(count).unwrap_or(1), ids })
    }
}

pub(super) fn unknown() -> RpcError {
    RpcError::new(Code::NotFound, "the account has no such block trade")
}

fn several(caller: Caller<'_>, params: &Params) -> Answer {
    let asked = Asked::read(params)?;
    let view = caller.gateway.view();
    let selection = Selection::read(&view, params)?;
    let is_of = |fills: &[&Fill]| {
        let instruments = fills.iter().filter_map(|fill| view.instrument_of(fill.trade.instrument));
        instruments.into_iter().any(|it| selection.holds(it))
    };
    let found = blocks(&view, &caller.identity.account);
    let chosen = found.iter().rev().filter(|(id, fills)| asked.ids.contains(id) && is_of(fills));
    let chosen = chosen.take(asked.count);
    rpc::answer(&chosen.map(|(id, fills)| Block::new(&view, *id, fills)).collect::<Vec<_>>())
}
