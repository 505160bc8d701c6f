//! Authentication, subscriptions, heartbeats and what a connection wants to happen at its end.
//!
//! Invariant: a channel that does not exist is left out of the answer, as the venue does; a private channel
//! is bound to the account that subscribed to it.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::{
    Gateway,
    auth::{Identity, Signed},
    rpc::{Code, Params, RpcError, RpcResult},
    session::Session,
    token::{Kind, lifetime},
};

/// The venue asks for at least ten seconds.
const HEARTBEAT_SECONDS_MIN: u64 = 10;
const HEARTBEAT_SECONDS_MAX: u64 = 3_600;
const COD_SCOPES: [&str; 2] = ["connection", "account"];

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

/// The caller: the one of an `access_token` parameter, or the connection's.
pub(super) fn identify(gateway: &Gateway, session: &Session, params: &Params) -> Result<Identity, RpcError> {
    match params.optional_text("access_token")? {
        Some(token) => gateway.keyring.by_token((Kind::Access, token), session.connection),
        None => gateway.keyring.still(session.identity()?),
    }
}

pub(super) fn auth(gateway: &Gateway, session: &Session, params: &Params) -> RpcResult {
    let keyring = &gateway.keyring;
    let grants = ["client_credentials", "client_signature", "refresh_token"];
    let identity = match params.choice("grant_type", &grants)? {
        Some("client_credentials") => {
            keyring.by_credentials(params.text("client_id")?, params.text("client_secret")?)?
        }
        Some("client_signature") => {
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
        Some(_) => keyring.by_token((Kind::Refresh, params.text("refresh_token")?), session.connection)?,
        None => return Err(RpcError::param("grant_type", format!("missing, one of {grants:?} is expected"))),
    };
    let is_refreshed = params.optional_text("grant_type")? == Some("refresh_token");
    let scope = match params.optional_text("scope")? {
        None if is_refreshed => identity.scope.clone(),
        asked => identity.scope.narrowed(asked.unwrap_or("")),
    };
    let identity = Identity { scope, ..identity };
    let mut answer = tokens(gateway, session, &identity);
    if let Some(state) = params.optional_text("state")? {
        answer["state"] = json!(state);
    }
    gateway.log_in(session, identity);
    Ok(answer)
}

/// A second session of the same caller.
pub(super) fn fork_token(gateway: &Gateway, session: &Session, params: &Params) -> RpcResult {
    let token = (Kind::Refresh, params.text("refresh_token")?);
    let identity = gateway.keyring.by_token(token, session.connection)?;
    let name = params.text("session_name")?;
    let scope = identity.scope.narrowed(&format!("session:{name}"));
    Ok(tokens(gateway, session, &Identity { scope, ..identity }))
}

fn tokens(gateway: &Gateway, session: &Session, identity: &Identity) -> Value {
    let (access, refresh) = gateway.keyring.issue(identity, session.connection);
    json!({
        "access_token": access,
        "refresh_token": refresh,
        "expires_in": lifetime(&identity.scope),
        "scope": identity.scope.text(),
        "token_type": "bearer",
        "enabled_features": [],
        "sid": identity.client_id,
    })
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

/// Ends the connection once this is answered; what rests stays, cancel-on-disconnect or not.
pub(super) fn logout(
    gateway: &Gateway,
    session: &Session,
    identity: &Identity,
    params: &Params,
) -> RpcResult {
    let connection = connection(session)?;
    if params.optional_flag("invalidate_token")?.unwrap_or(true) {
        gateway.keyring.forget(connection, Some(identity));
    }
    session.log_out();
    Ok(json!("ok"))
}

pub(super) fn set_heartbeat(session: &Session, params: &Params) -> RpcResult {
    connection(session)?;
    let interval = params.u64("interval")?;
    if !(HEARTBEAT_SECONDS_MIN..=HEARTBEAT_SECONDS_MAX).contains(&interval) {
        let range = format!("{HEARTBEAT_SECONDS_MIN} to {HEARTBEAT_SECONDS_MAX}");
        return Err(RpcError::param("interval", format!("{interval} given, {range} seconds are expected")));
    }
    session.set_heartbeat(Some(interval));
    Ok(json!("ok"))
}

pub(super) fn disable_heartbeat(session: &Session) -> RpcResult {
    connection(session)?;
    session.set_heartbeat(None);
    Ok(json!("ok"))
}

/// `scope` account: also for connections that log in later; connection: for this one.
pub(super) fn cancel_on_disconnect(
    gateway: &Gateway,
    session: &Session,
    (identity, switch): (&Identity, Switch),
    params: &Params,
) -> RpcResult {
    let orders = (switch == Switch::On).then(BTreeSet::new);
    if params.choice("scope", &COD_SCOPES)? == Some("account") {
        gateway.set_cancel_on_disconnect(identity.account, switch);
        if session.connection.is_some() {
            session.set_cancel_on_disconnect(orders);
        }
        return Ok(json!("ok"));
    }
    connection(session)?;
    session.set_cancel_on_disconnect(orders);
    Ok(json!("ok"))
}

pub(super) fn get_cancel_on_disconnect(
    gateway: &Gateway,
    session: &Session,
    identity: &Identity,
    params: &Params,
) -> RpcResult {
    let scope = params.choice("scope", &COD_SCOPES)?.unwrap_or("connection");
    let enabled = match scope {
        "account" => gateway.cancels_on_disconnect(&identity.account),
        _ => session.cancel_on_disconnect(),
    };
    Ok(json!({ "scope": scope, "enabled": enabled }))
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
