//! What callers told this gateway and no commit says, kept over its restarts where it has a store.
//!
//! Invariant: whoever is answered that something was set finds it set after a restart.

use num::Fix;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use wire::AccountId;

use crate::{
    Gateway, lock,
    protection::Group,
    rpc::{Code, RpcError},
    store::{StoreError, Subject, account_name},
};

/// A group as it is stored.
#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    underlying: String,
    name: String,
    number: u16,
    /// Billionths.
    most: Option<i64>,
}

impl Gateway {
    /// Takes up what was kept.
    pub(crate) async fn recall(&self) -> Result<(), StoreError> {
        let Some(store) = &self.store else { return Ok(()) };
        let unreadable = |name: &str| StoreError::Setting { name: name.to_owned() };
        for (client_id, value) in store.settings(Subject::ApiKey).await? {
            let changes = serde_json::from_value(value).map_err(|_| unreadable(&client_id))?;
            self.keyring.set_changes(&client_id, changes);
        }
        for (name, value) in store.settings(Subject::ProtectionGroup).await? {
            let kept: Option<Kept> = serde_json::from_value(value).map_err(|_| unreadable(&name))?;
            let account = name.split_once(' ').and_then(|(account, _)| account_of(account));
            let account = account.ok_or_else(|| unreadable(&name))?;
            if let Some(Kept { underlying, name, number, most }) = kept {
                lock(&self.groups).set(account, Group { underlying, name, number }, most.map(Fix::from_raw));
            }
        }
        Ok(())
    }

    /// Keeps what was changed about an API key.
    pub(crate) async fn keep_key(&self, client_id: &str) -> Result<(), RpcError> {
        let changes = serde_json::to_value(self.keyring.changes(client_id)).unwrap_or_default();
        self.keep(Subject::ApiKey, client_id, &changes).await
    }

    /// Keeps what a group of an account is called and how much of it may stand; `None` when it is gone.
    pub(crate) async fn keep_group(&self, account: &AccountId, number: u16) -> Result<(), RpcError> {
        let kept = lock(&self.groups).get(account, number).map(|(group, most)| Kept {
            underlying: group.underlying.clone(),
            name: group.name.clone(),
            number,
            most: most.map(Fix::raw),
        });
        let value = serde_json::to_value(kept).unwrap_or_default();
        self.keep(Subject::ProtectionGroup, &format!("{} {number}", account_name(account)), &value).await
    }

    async fn keep(&self, subject: Subject, name: &str, value: &Value) -> Result<(), RpcError> {
        let Some(store) = &self.store else { return Ok(()) };
        store.keep(subject, name, value).await.map_err(|error| {
            let reason = format!("set until the gateway is restarted, and not kept: {error}");
            RpcError::new(Code::TemporarilyUnavailable, reason)
        })
    }
}

/// The account of a name that `account_name` gave.
fn account_of(name: &str) -> Option<AccountId> {
    let (owner, subaccount) = name.split_once('/')?;
    let owner = crypto::PublicKey(hex::decode(owner).ok()?.try_into().ok()?);
    Some(AccountId { owner, subaccount: subaccount.parse().ok()? })
}
