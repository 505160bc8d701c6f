//! Orders: from a call to a signed intent and back to the venue's order.
//!
//! Invariant: an answer is final. It is given when the intent is ordered and executed, never before; when
//! that takes too long the caller is told that the outcome is not known yet.

use num::Side;
use serde::Serialize;
use serde_json::json;
use wire::{Action, OrderTarget, PostOnly, ReduceOnly};

use crate::{
    json::{FillObject, OrderObject},
    model::Order,
    outcome::Outcome,
    rpc::{self, Answer, Code, Params, RpcError},
};

use super::{Caller, cancelling, market, orders, protection, terms};

pub(super) async fn place(caller: Caller<'_>, side: Side, params: &Params) -> Answer {
    let action = {
        let view = caller.gateway.view();
        let it = market::to_trade(&view, params)?;
        let action = terms::place((&view, it), side, params, None)?;
        let group = protection::protecting(&view, &caller.identity.account, (it, None));
        if let Some(group) = group.filter(|_| params.flag("mmp") == Ok(true)) {
            let lots = terms::amount(it, params, None)?;
            protection::check_room(caller, &view, &group, (it, side, lots))?;
        }
        action
    };
    submit(caller, action, params).await
}

/// Closes a position with an order of its whole size that can only reduce it.
pub(super) async fn close_position(caller: Caller<'_>, params: &Params) -> Answer {
    let action = {
        let view = caller.gateway.view();
        let it = market::to_trade(&view, params)?;
        let (side, size) = cancelling::closing(&view, caller.identity, params)?;
        params
            .choice("type", &["limit", "market"])?
            .ok_or_else(|| RpcError::param("type", "missing, limit or market is expected"))?;
        match terms::place((&view, it), side, params, Some(terms::lots(it, size)?))? {
            Action::Place { mut order } => {
                order.reduce_only = ReduceOnly::On;
                Action::Place { order }
            }
            _ => return Err(RpcError::new(Code::InvalidArguments, "closing takes no conditions")),
        }
    };
    submit(caller, action, params).await
}

async fn submit(caller: Caller<'_>, action: Action, params: &Params) -> Answer {
    let until = terms::valid_until(params)?;
    let outcome = caller.gateway.execute_until(caller.identity, vec![action], until).await?.whole()?;
    placed(caller, &outcome)
}

pub(super) async fn edit(caller: Caller<'_>, params: &Params) -> Answer {
    let order = orders::own_open_order(&caller.gateway.view(), caller.identity, params)?;
    amend(caller, &order, params).await
}

pub(super) async fn edit_by_label(caller: Caller<'_>, params: &Params) -> Answer {
    let order = {
        let view = caller.gateway.view();
        let (it, label) = (market::to_trade(&view, params)?, params.text("label")?);
        let mut open = view.open_orders(&caller.identity.account).into_iter();
        let found = open.find(|order| order.instrument == it.id && order.label == label);
        found.ok_or_else(|| {
            let reason = format!("no open order in {} has the label {label:?}", it.name);
            RpcError::new(Code::OrderNotFound, reason)
        })?
    };
    amend(caller, &order, params).await
}

async fn amend(caller: Caller<'_>, order: &Order, params: &Params) -> Answer {
    let action = {
        let view = caller.gateway.view();
        let it = view
            .instrument_of(order.instrument)
            .ok_or_else(|| RpcError::new(Code::NotOpenOrder, "the instrument is no longer listed"))?;
        check_flags(order, params)?;
        let lots = terms::amount(it, params, Some(order.amount))?;
        let price = terms::price(params, "price")?.or(order.price);
        let price = price
            .ok_or_else(|| RpcError::new(Code::NotOpenOrder, "a market order cannot be edited"))
            .and_then(|price| terms::ticks(it, price))?;
        Action::Amend { target: OrderTarget::Id { order: order.id }, lots, price }
    };
    let until = terms::valid_until(params)?;
    let outcome = caller.gateway.execute_until(caller.identity, vec![action], until).await?;
    let outcome = outcome.whole().map_err(orders::known_order)?;
    let outcome = Outcome { orders: vec![order.id], ..outcome };
    placed(caller, &outcome)
}

/// An edit keeps what kind of order it is; whoever asks for another kind is told.
fn check_flags(order: &Order, params: &Params) -> Result<(), RpcError> {
    let flags = [
        ("post_only", order.post_only != PostOnly::Off),
        ("reject_post_only", order.post_only == PostOnly::Reject),
        ("reduce_only", order.reduce_only == ReduceOnly::On),
        ("mmp", order.protected),
    ];
    for (name, present) in flags {
        if params.optional_flag(name)?.is_some_and(|wanted| wanted != present) {
            let reason = format!("{name} of an order cannot be changed, it is {present}");
            return Err(RpcError {
                code: Code::InvalidArguments,
                data: json!({ "param": name, "reason": reason }),
            });
        }
    }
    Ok(())
}

/// The answer to an order that was placed or edited: its state and the trades of it.
fn placed(caller: Caller<'_>, outcome: &Outcome) -> Answer {
    caller.session.note_orders(&outcome.orders);
    let view = caller.gateway.view();
    let order = outcome
        .orders
        .first()
        .and_then(|id| view.history().find_order(*id))
        .ok_or_else(|| RpcError::new(Code::InternalServerError, "the order left no trace"))?;
    let of_order =
        view.history().fills(&order.account).take_while(|fill| fill.trade.id > outcome.trades_above);
    let mut trades: Vec<FillObject<'_>> =
        of_order.filter(|fill| fill.order == order.id).map(|fill| view.fill_object(fill)).collect();
    trades.reverse();
    let intent = outcome.intent.to_string();
    rpc::answer(&Placed { commit: outcome.commit, intent, order: view.order_object(order), trades })
}

#[derive(Serialize)]
struct Placed<'a> {
    commit: u64,
    /// What `user.clockless.intents` calls it.
    intent: String,
    order: OrderObject<'a>,
    /// The earliest first.
    trades: Vec<FillObject<'a>>,
}
