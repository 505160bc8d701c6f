//! API keys: what this gateway knows of them, and what it may change.
//!
//! Invariant: a key changes keys of its own account whose files allow no more than it may itself; what opens less than
//! before opens nothing on the connections and tokens that it had. A secret is shown once, when it is made.
//! Left out on purpose: new keys. A session key takes its owner's signature, which no gateway has.

use serde_json::{Value, json};

use crate::{
    Gateway, api_key,
    api_key::Changes,
    auth::Identity,
    rpc::{self, Answer, Code, Params, RpcError, RpcResult, now_us},
    view::View,
};

use super::Caller;

const NO_NEW_KEYS: &str = "a session key takes its owner's signature: register one with `clockless keys register`, and \
                           add it to the gateway's key file";

/// All keys of the caller's account.
pub(super) fn list(gateway: &Gateway, identity: &Identity) -> RpcResult {
    let view = gateway.view();
    let keys = gateway.keyring.of_account(&identity.account).into_iter();
    Ok(keys.map(|(key, changes)| key_json(&view, &key, (&changes, ""))).collect())
}

pub(super) fn create() -> Answer {
    Err(RpcError::new(Code::PermissionDenied, NO_NEW_KEYS))
}

/// Changes one key as the method of a name does.
pub(super) async fn change(caller: Caller<'_>, (method, params): (&str, &Params)) -> Answer {
    let Caller { gateway, session, identity } = caller;
    let _turn = gateway.changing.lock().await;
    let (key, of_file) = find(gateway, identity, params.u64("id")?)?;
    let client_id = key.client_id.as_str();
    let before = gateway.keyring.changes(client_id);
    let mut after = Changes { changed_ms: now_us() / 1_000, ..before.clone() };
    match method {
        "change_api_key_name" => after.name = api_key::name(params)?.ok_or_else(|| missing("name"))?,
        "change_scope_in_api_key" => {
            after.scope = api_key::scope(&of_file.scope, params.text("max_scope")?)?;
        }
        "enable_api_key" => after.is_disabled = false,
        "disable_api_key" => after.is_disabled = true,
        "remove_api_key" => after.is_removed = true,
        "reset_api_key" => after.resets += 1,
        _ => {
            after.scope = api_key::scope(&of_file.scope, params.text("max_scope")?)?;
            after.name = api_key::name(params)?.unwrap_or(after.name);
            after.is_disabled = params.optional_flag("enabled")?.map_or(after.is_disabled, |is_on| !is_on);
        }
    }
    gateway.keyring.set_changes(client_id, after.clone());
    let opens_less =
        after.is_live() != before.is_live() || (&after.scope, after.resets) != (&before.scope, before.resets);
    if opens_less {
        gateway.end_sessions(client_id, session);
    }
    gateway.keep_key(client_id).await?;
    if after.is_removed {
        return rpc::answer("ok");
    }
    let secret = if method == "reset_api_key" { gateway.keyring.secret(client_id) } else { String::new() };
    let view = gateway.view();
    let key = Identity { scope: of_file.scope.narrowed(&after.scope), ..key };
    rpc::answer(&key_json(&view, &key, (&after, &secret)))
}

/// A key of the caller's account that he may change, as it is and as its file has it.
fn find(gateway: &Gateway, caller: &Identity, id: u64) -> Result<(Identity, Identity), RpcError> {
    let keys = gateway.keyring.of_account(&caller.account).into_iter();
    let found = keys.map(|(key, _)| key).find(|key| api_key::number(&key.client_id) == id);
    let reason = || format!("there is no key {id} of this account");
    let key = found.ok_or_else(|| RpcError::new(Code::NotFound, reason()))?;
    let of_file = gateway.keyring.of_file(&key.client_id)?;
    if caller.scope.covers(&of_file.scope) {
        return Ok((key, of_file));
    }
    let (have, need) = (caller.scope.areas(), of_file.scope.areas());
    let reason = format!("{have:?} is the caller's scope, the key's file allows {need:?}");
    Err(RpcError::new(Code::Forbidden, reason))
}

fn missing(name: &str) -> RpcError {
    RpcError::param(name, "missing, a text is expected")
}

fn key_json(view: &View, key: &Identity, (changes, secret): (&Changes, &str)) -> Value {
    json!({
        "id": api_key::number(&key.client_id),
        "client_id": key.client_id,
        "client_secret": secret,
        "name": changes.name,
        "max_scope": key.scope.areas(),
        "enabled": !changes.is_disabled,
        "enabled_features": [],
        "default": false,
        "timestamp": changes.changed_ms.max(view.start_ms()),
    })
}
