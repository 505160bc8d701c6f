//! The venue's methods by name.
//!
//! Invariant: one match knows every method; a method is public or private by its name.

mod accepting;
mod access;
mod account;
mod account_log;
mod api_keys;
mod archive;
mod block_rfq;
mod block_trade;
mod cancelling;
mod chain;
mod combos;
mod exotics;
mod index;
mod margining;
mod market;
mod market_history;
mod moves;
mod orders;
mod paging;
mod protection;
mod quoting;
mod refused;
mod risk_matrix;
mod session;
mod settlements;
mod simulating;
mod terms;
mod trading;

use serde_json::{Value, json};

use crate::{
    Gateway,
    auth::Identity,
    rpc::{self, Answer, Code, Params, RpcError},
    scope::{Access, Area},
    session::Session,
};

pub(crate) use accepting::follow_quotes;
pub(crate) use account_log::log_entry_json;
pub(crate) use block_rfq::is_request_of;
pub(crate) use block_trade::Block as BlockTrade;
use cancelling::Which;
pub(crate) use chain::chain;
pub(crate) use market::market_ticker;
pub(crate) use market_history::funding_hour_json;
use orders::Labelled;
pub(crate) use protection::{group_of_number, trip_json};
pub(crate) use session::{Listening, Switch};
pub(crate) use settlements::settlement_json;

/// Calls a method by its full name, such as `public/ticker`.
pub(crate) async fn dispatch(gateway: &Gateway, session: &Session, method: &str, params: &Params) -> Answer {
    match method.split_once('/') {
        Some(("public", name)) => match archive::answer(gateway, None, (name, params)).await {
            Some(answer) => answer,
            None => public(gateway, session, name, params),
        },
        Some(("private", name)) => private(gateway, session, name, params).await,
        _ => Err(unknown(method)),
    }
}

fn public(gateway: &Gateway, session: &Session, name: &str, params: &Params) -> Answer {
    let result = match name {
        "auth" => session::auth(gateway, session, params),
        "fork_token" => session::fork_token(gateway, session, params),
        "hello" => session::hello(params),
        "test" => session::test(params),
        "set_heartbeat" => session::set_heartbeat(session, params),
        "disable_heartbeat" => session::disable_heartbeat(session),
        "subscribe" => {
            let identity = session.identity().and_then(|it| gateway.keyring.still(it)).ok();
            session::subscribe(gateway, session, identity.as_ref(), params)
        }
        "unsubscribe" => session::unsubscribe(gateway, session, params),
        "unsubscribe_all" => session::unsubscribe_all(gateway, session, session::Scope::Public),
        "get_time" => market::get_time(),
        "status" => market::status(gateway),
        "get_currencies" => market::get_currencies(gateway),
        "get_instruments" => market::get_instruments(gateway, params),
        "get_instrument" => market::get_instrument(gateway, params),
        "get_contract_size" => market::get_contract_size(gateway, params),
        "get_combos" => combos::active(gateway, params),
        "get_combo_ids" => combos::ids(gateway, params),
        "get_combo_details" => combos::details(gateway, params),
        "get_expirations" => market::get_expirations(gateway, params),
        "get_index_price" => index::price(gateway, params),
        "get_index_price_names" | "get_supported_index_names" => index::names(gateway, params),
        "get_index_chart_data" => index::chart(gateway, params),
        "get_delivery_prices" => index::delivery_prices(gateway, params),
        "get_historical_volatility" => index::historical_volatility(gateway, params),
        "get_volatility_index_data" => index::volatility_index(gateway, params),
        "ticker" => market::ticker(gateway, params),
        "get_order_book" => market::get_order_book(gateway, params),
        "get_order_book_by_instrument_id" => market::get_order_book_by_id(gateway, params),
        "get_book_summary_by_currency" => market::summary_by_currency(gateway, params),
        "get_book_summary_by_instrument" => market::summary_by_instrument(gateway, params),
        "get_last_trades_by_instrument" | "get_last_trades_by_instrument_and_time" => {
            return market_history::trades_by_instrument(gateway, params);
        }
        "get_last_trades_by_currency" | "get_last_trades_by_currency_and_time" => {
            return market_history::trades_by_currency(gateway, params);
        }
        "get_trade_volumes" => market_history::trade_volumes(gateway, params),
        "get_tradingview_chart_data" => market_history::chart(gateway, params),
        "get_mark_price_history" => market_history::mark_price_history(gateway, params),
        "get_funding_chart_data" => market_history::funding_chart(gateway, params),
        "get_funding_rate_value" => market_history::funding_rate(gateway, params),
        "get_funding_rate_history" => market_history::funding_history(gateway, params),
        "get_last_settlements_by_instrument" | "get_last_settlements_by_currency" => {
            settlements::of_market(gateway, params)
        }
        "get_block_rfq_trades" => block_rfq::trades(gateway, params),
        "get_announcements" => Ok(json!([])),
        "clockless/get_exotic" => exotics::get(gateway, params),
        "clockless/get_chain" => chain::get_chain(gateway, params),
        "clockless/get_finality" => {
            let last = gateway.view().commit_index();
            Ok(gateway.finality(last, params.u64("commit")?))
        }
        "clockless/get_committee" => Ok(gateway.committee_json()),
        "clockless/get_network" => chain::get_network(gateway),
        _ => Err(unknown(&format!("public/{name}"))),
    };
    rpc::answer(&result?)
}

async fn private(gateway: &Gateway, session: &Session, name: &str, params: &Params) -> Answer {
    let Some((area, access)) = access::of(name) else { return Err(unknown(&format!("private/{name}"))) };
    let identity = session::identify(gateway, session, params)?;
    if identity.scope.access(area) < access {
        let reason = format!("{name} needs more than the scope {:?}", identity.scope.text());
        return Err(RpcError::new(Code::Forbidden, reason));
    }
    refused::check(&identity, (name, params))?;
    if name == "clockless/get_balance_proof" {
        return rpc::answer(&gateway.prove(identity.account).await?);
    }
    let caller = Caller { gateway, session, identity: &identity };
    if let Some(answer) = beside_the_books(caller, (area, access), (name, params)).await {
        return answer;
    }
    if (area, access) != (Area::Trade, Access::ReadWrite) {
        return match archive::answer(gateway, Some(&identity), (name, params)).await {
            Some(answer) => answer,
            None => private_reading(gateway, session, &identity, (name, params)),
        };
    }
    gateway.may_trade_now(identity.account)?;
    match name {
        "buy" => trading::place(caller, num::Side::Buy, params).await,
        "sell" => trading::place(caller, num::Side::Sell, params).await,
        "edit" => trading::edit(caller, params).await,
        "edit_by_label" => trading::edit_by_label(caller, params).await,
        "close_position" => trading::close_position(caller, params).await,
        "create_combo" => combos::create(caller, params).await,
        "clockless/create_exotic" => exotics::create(caller, params).await,
        "clockless/exercise" => exotics::exercise(caller, params).await,
        "mass_quote" => quoting::mass_quote(caller, params).await,
        "set_mmp_config" => protection::set(caller, params).await,
        "reset_mmp" => protection::reset(caller, params).await,
        "change_margin_model" => margining::change(caller, params).await,
        "cancel" => cancelling::one(gateway, &identity, params).await,
        "cancel_by_label" => cancelling::by_label(gateway, &identity, params).await,
        "cancel_all" => cancelling::several(gateway, &identity, Which::All, params).await,
        "cancel_all_by_instrument" => {
            cancelling::several(gateway, &identity, Which::Instrument, params).await
        }
        "cancel_all_by_currency" => cancelling::several(gateway, &identity, Which::Currency, params).await,
        "cancel_all_by_currency_pair" => {
            cancelling::several(gateway, &identity, Which::CurrencyPair, params).await
        }
        "cancel_all_by_kind_or_type" => {
            cancelling::several(gateway, &identity, Which::KindOrType, params).await
        }
        "cancel_quotes" => cancelling::quotes(gateway, &identity, params).await,
        _ => Err(unknown(&format!("private/{name}"))),
    }
}

/// Methods of block trades, of requests for quotes, and of what could be; `None` for any other.
async fn beside_the_books(
    caller: Caller<'_>,
    (area, access): (Area, Access),
    (name, params): (&str, &Params),
) -> Option<Answer> {
    let Caller { gateway, identity, .. } = caller;
    let is_block = matches!(area, Area::BlockTrade | Area::BlockRfq);
    let is_acting = (is_block && access == Access::ReadWrite) || name == "clockless/faucet";
    if is_acting && let Err(error) = gateway.may_trade_now(identity.account) {
        return Some(Err(error));
    }
    match (area, name) {
        (Area::BlockTrade, _) => match archive::answer(gateway, Some(identity), (name, params)).await {
            Some(answer) => Some(answer),
            None => block_trade::dispatch(caller, name, params).await,
        },
        (Area::BlockRfq, _) => block_rfq::dispatch(caller, name, params).await,
        (Area::Account, "create_api_key") => Some(api_keys::create()),
        (Area::Account, _) if access == Access::ReadWrite => {
            Some(api_keys::change(caller, (name, params)).await)
        }
        (_, "clockless/faucet") => Some(moves::faucet(gateway, identity, params).await),
        (_, "clockless/get_margin_envelope") => Some(simulating::envelope(gateway, identity).await),
        _ => None,
    }
}

/// Who trades, and on which connection.
#[derive(Clone, Copy)]
pub(crate) struct Caller<'a> {
    pub gateway: &'a Gateway,
    pub session: &'a Session,
    pub identity: &'a Identity,
}

/// Private methods that change nothing.
fn private_reading(
    gateway: &Gateway,
    session: &Session,
    identity: &Identity,
    (name, params): (&str, &Params),
) -> Answer {
    let result = match name {
        "subscribe" => session::subscribe(gateway, session, Some(identity), params),
        "unsubscribe" => session::unsubscribe(gateway, session, params),
        "unsubscribe_all" => session::unsubscribe_all(gateway, session, session::Scope::Private),
        "logout" => session::logout(gateway, session, identity, params),
        "enable_cancel_on_disconnect" => {
            session::cancel_on_disconnect(gateway, session, (identity, Switch::On), params)
        }
        "disable_cancel_on_disconnect" => {
            session::cancel_on_disconnect(gateway, session, (identity, Switch::Off), params)
        }
        "get_cancel_on_disconnect" => session::get_cancel_on_disconnect(gateway, session, identity, params),
        "get_open_orders" | "get_open_orders_by_currency" | "get_open_orders_by_instrument" => {
            return orders::open(gateway, identity, params);
        }
        "get_open_orders_by_label" => return orders::by_label(gateway, identity, params, Labelled::Open),
        "get_order_state" => return orders::state(gateway, identity, params),
        "get_order_state_by_label" => return orders::by_label(gateway, identity, params, Labelled::All),
        "get_order_history_by_instrument" | "get_order_history_by_currency" => {
            return orders::ended(gateway, identity, params);
        }
        "get_trigger_order_history" => return orders::triggered(gateway, identity, params),
        "get_order_margin_by_ids" => return orders::margins(gateway, identity, params),
        "get_user_trades_by_instrument"
        | "get_user_trades_by_instrument_and_time"
        | "get_user_trades_by_currency"
        | "get_user_trades_by_currency_and_time" => return orders::fills(gateway, identity, params),
        "get_user_trades_by_order" => return orders::fills_of_order(gateway, identity, params),
        "get_positions" => account::positions(gateway, identity, params),
        "get_position" => account::position(gateway, identity, params),
        "get_margins" => account::margins(gateway, identity, params),
        "get_account_summary" => account::summary(gateway, identity, params),
        "get_account_summaries" => account::summaries(gateway, identity),
        "get_subaccounts" => account::subaccounts(gateway, identity, params),
        "get_subaccounts_details" => account::subaccounts_details(gateway, identity, params),
        "get_transaction_log" => account_log::get(gateway, identity, params),
        "get_settlement_history_by_instrument" | "get_settlement_history_by_currency" => {
            settlements::of_account(gateway, identity, params)
        }
        "get_deposits" => moves::get(gateway, identity, (moves::Kind::Deposits, params)),
        "get_withdrawals" => moves::get(gateway, identity, (moves::Kind::Withdrawals, params)),
        "get_transfers" => moves::get(gateway, identity, (moves::Kind::Transfers, params)),
        "get_mmp_config" => protection::get(gateway, identity, params),
        "get_mmp_status" => protection::status(gateway, identity, params),
        "get_leg_prices" => combos::leg_prices(gateway, params),
        "simulate_portfolio" => simulating::portfolio(gateway, identity, params),
        "pme/simulate" => risk_matrix::simulate(gateway, identity, params),
        "list_api_keys" => api_keys::list(gateway, identity),
        "get_user_locks" | "get_access_log" | "get_address_book" => Ok(json!([])),
        "get_current_deposit_address" => Ok(Value::Null),
        _ => Err(RpcError::new(
            Code::Forbidden,
            "the gateway's session keys cannot move money: sign with the owner's key",
        )),
    };
    rpc::answer(&result?)
}

fn unknown(method: &str) -> RpcError {
    RpcError::new(Code::MethodNotFound, format!("there is no method {method:?}"))
}
