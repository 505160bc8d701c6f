//! Authentication, subscriptions, heartbeats and what a connection wants to happen at its end.
//!
//! Invariant: a channel that does not exist is left out of the answer, as the venue does; a private channel
//! is bound to the account that subscribed to it.

use serde_json::{Value, json};

use crate::{
    Gateway,
    auth::{Identity, Signed, TOKEN_SECONDS},
    hub::Topic,
    rpc::{Code, Params, RpcError, RpcResult},
    session::Session,
};

/// Which channels `unsubscribe_all` leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    Public,
    Private,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Switch {
    On,
    Off,
}

/// The caller: the connection's identity, or the one of an `access_token` parameter.
pub(super) fn identify(gateway: &Gateway, session: &Session, params: &Params) -> Result<Identity, RpcError> {
    match params.optional_text("access_token")? {
        Some(token) if !session.is_authenticated() => gateway.keyring.by_token(token, "access"),
        _ => session.identity(),
    }
}

pub(super) fn auth(gateway: &Gateway, session: &Session, params: &Params) -> RpcResult {
    let keyring = &gateway.keyring;
    let identity = match params.text("grant_type")? {
        "client_credentials" => {
            keyring.by_credentials(params.text("client_id")?, params.text("client_secret")?)?
        }
        "client_signature" => {
            let payload = params.optional_text("data")?.unwrap_or("");
            let timestamp = params.u64("timestamp")?.to_string();
            keyring.by_signature(Signed {
                client_id: params.text("client_id")?,
                timestamp: &timestamp,
                nonce: params.optional_text("nonce")?.unwrap_or(""),
                signature: params.text("signature")?,
                payload,
            })?
        }
        "refresh_token" => keyring.by_token(params.text("refresh_token")?, "refresh")?,
        other => {
            let reason =
                format!("{other:?} given, client_credentials, client_signature or refresh_token is expected");
            return Err(RpcError::param("grant_type", reason));
        }
    };
    let scope = params.optional_text("scope")?.unwrap_or("connection");
    let answer = json!({
        "access_token": keyring.issue(&identity.client_id, "access"),
        "refresh_token": keyring.issue(&identity.client_id, "refresh"),
        "expires_in": TOKEN_SECONDS,
        "scope": format!("{scope} account:read trade:read_write wallet:read"),
        "token_type": "bearer",
        "enabled_features": [],
        "sid": identity.client_id,
    });
    session.log_in(identity);
    Ok(answer)
}

pub(super) fn logout(session: &Session) -> RpcResult {
    session.log_out();
    Ok(json!("ok"))
}

pub(super) fn set_heartbeat(session: &Session, params: &Params) -> RpcResult {
    let interval = params.u64("interval")?;
    if interval < 10 {
        return Err(RpcError::param(
            "interval",
            format!("{interval} given, at least 10 seconds are expected"),
        ));
    }
    session.set_heartbeat(Some(interval.min(3_600)));
    Ok(json!("ok"))
}

pub(super) fn disable_heartbeat(session: &Session) -> RpcResult {
    session.set_heartbeat(None);
    Ok(json!("ok"))
}

pub(super) fn cancel_on_disconnect(session: &Session, switch: Switch) -> RpcResult {
    if session.connection.is_none() {
        return Err(RpcError::new(Code::BadRequest, "a plain HTTP request has no connection"));
    }
    session.set_cancel_on_disconnect(switch == Switch::On);
    Ok(json!("ok"))
}

pub(super) fn get_cancel_on_disconnect(session: &Session) -> RpcResult {
    Ok(json!({ "scope": "connection", "enabled": session.cancel_on_disconnect() }))
}

pub(super) fn subscribe(gateway: &Gateway, session: &Session, params: &Params) -> RpcResult {
    let connection = connection(session)?;
    let mut subscribed = Vec::new();
    for channel in params.texts("channels")? {
        let Some(topic) = topic_of(gateway, session, &channel) else { continue };
        if !gateway.hub.subscribe(connection, topic.clone()) {
            let reason = format!("more than {} channels", crate::hub::CHANNELS_MAX);
            return Err(RpcError::new(Code::TooManyRequests, reason));
        }
        gateway.feed_first(connection, &topic);
        subscribed.push(Value::String(channel));
    }
    Ok(Value::Array(subscribed))
}

pub(super) fn unsubscribe(gateway: &Gateway, session: &Session, params: &Params) -> RpcResult {
    let connection = connection(session)?;
    let channels = params.texts("channels")?;
    for channel in &channels {
        if let Some(topic) = topic_of(gateway, session, channel) {
            gateway.hub.unsubscribe(connection, &topic);
        }
    }
    Ok(json!(channels))
}

pub(super) fn unsubscribe_all(gateway: &Gateway, session: &Session, scope: Scope) -> RpcResult {
    let connection = connection(session)?;
    gateway.hub.unsubscribe_where(connection, |topic| topic.account.is_some() == (scope == Scope::Private));
    Ok(json!("ok"))
}

/// The topic of a channel, when there is such a channel and the session may listen to it.
pub(crate) fn topic_of(gateway: &Gateway, session: &Session, channel: &str) -> Option<Topic> {
    let mut parts = channel.split('.');
    let (family, rest) = (parts.next()?, parts.collect::<Vec<_>>());
    let view = gateway.view();
    let exists = |name: &&str| view.instrument(name).is_some();
    let is_interval = |interval: &&str| matches!(*interval, "raw" | "100ms" | "agg2");
    let public = match (family, rest.as_slice()) {
        ("book" | "ticker" | "trades" | "perpetual", [name, interval]) => {
            exists(name) && is_interval(interval)
        }
        ("trades", [kind, _, interval]) => {
            matches!(*kind, "future" | "option" | "any") && is_interval(interval)
        }
        ("book", [name, group, depth, interval]) => {
            exists(name) && *group == "none" && matches!(*depth, "1" | "10" | "20") && is_interval(interval)
        }
        ("quote" | "incremental_ticker", [name]) => exists(name),
        ("chart", ["trades", name, resolution]) => {
            exists(name) && (*resolution == "1D" || resolution.parse::<u64>().is_ok())
        }
        ("deribit_price_index", [_]) | ("platform_state", []) => true,
        ("instrument", ["state", _, _]) => true,
        ("clockless", ["network" | "dag"]) => true,
        ("clockless", ["chain", _, expiry]) => expiry.parse::<u64>().is_ok(),
        _ => false,
    };
    if public {
        return Some(Topic { channel: channel.to_owned(), account: None });
    }
    let private =
        family == "user" && matches!(rest.first(), Some(&("orders" | "trades" | "portfolio" | "changes")));
    let account = session.identity().ok()?.account;
    private.then(|| Topic { channel: channel.to_owned(), account: Some(account) })
}

fn connection(session: &Session) -> Result<crate::hub::ConnectionId, RpcError> {
    session.connection.ok_or_else(|| RpcError::new(Code::BadRequest, "subscriptions need a WebSocket"))
}
