//! Authentication, subscriptions, heartbeats and what a connection wants to happen at its end.
//!
//! Invariant: a channel that does not exist is left out of the answer, as the venue does; a private channel
//! is bound to the account that subscribed to it.

use serde_json::{Value, json};

use crate::{
    Gateway,
    auth::{Identity, Signed, TOKEN_SECONDS},
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

pub(super) fn hello(params: &Params) -> RpcResult {
    params.text("client_name")?;
    params.text("client_version")?;
    Ok(version())
}

/// Also answers a `test_request` of the heartbeat; the venue lets clients see what an error looks like here.
pub(super) fn test(params: &Params) -> RpcResult {
    match params.choice("expected_result", &["exception"])? {
        Some(_) => Err(RpcError::new(Code::InternalServerError, "the exception that was asked for")),
        None => Ok(version()),
    }
}

fn version() -> Value {
    json!({ "version": env!("CARGO_PKG_VERSION") })
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
        return Err(RpcError::new(Code::NeedsWebSocket, "a plain HTTP request has no connection"));
    }
    session.set_cancel_on_disconnect(switch == Switch::On);
    Ok(json!("ok"))
}

pub(super) fn get_cancel_on_disconnect(session: &Session) -> RpcResult {
    Ok(json!({ "scope": "connection", "enabled": session.cancel_on_disconnect() }))
}

pub(super) fn subscribe(
    gateway: &Gateway,
    session: &Session,
    identity: Option<&Identity>,
    params: &Params,
) -> RpcResult {
    let connection = connection(session)?;
    let names = params.texts("channels")?;
    let mut subscribed = Vec::new();
    let mut withheld = false;
    for name in &names {
        match gateway.listen(connection, identity, name) {
            Listening::Yes => subscribed.push(name.as_str()),
            Listening::NeedsLogin => withheld = true,
            Listening::NoSuchChannel => {}
            Listening::TooMany => {
                let reason = format!("more than {} channels", crate::hub::CHANNELS_MAX);
                return Err(RpcError::new(Code::TooManyRequests, reason));
            }
        }
    }
    if withheld && subscribed.is_empty() {
        return Err(RpcError::new(Code::RawNeedsLogin, "authenticate with public/auth first"));
    }
    Ok(json!(subscribed))
}

pub(super) fn unsubscribe(gateway: &Gateway, session: &Session, params: &Params) -> RpcResult {
    let connection = connection(session)?;
    let channels = params.texts("channels")?;
    gateway.hub.unsubscribe_where(connection, |topic| channels.contains(&topic.channel));
    Ok(json!(channels))
}

pub(super) fn unsubscribe_all(gateway: &Gateway, session: &Session, scope: Scope) -> RpcResult {
    let connection = connection(session)?;
    gateway.hub.unsubscribe_where(connection, |topic| topic.account.is_some() == (scope == Scope::Private));
    Ok(json!("ok"))
}

/// What became of a wish to listen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Listening {
    Yes,
    /// The channel is for those who say who they are.
    NeedsLogin,
    NoSuchChannel,
    TooMany,
}

fn connection(session: &Session) -> Result<crate::hub::ConnectionId, RpcError> {
    session.connection.ok_or_else(|| RpcError::new(Code::NeedsWebSocket, "there is no connection to push to"))
}
