//! Who is calling: API keys, signatures, tokens.
//!
//! An API key stands for a session key of an account; the gateway holds that session key and signs with it.
//! It can trade and it cannot withdraw or register keys: the exchange enforces that, not the gateway.
//!
//! Invariant: secrets are compared in constant time and never shown; a signed request counts once.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Mutex, PoisonError, RwLock};

use crypto::SigningKey;
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use wire::AccountId;

use crate::{
    api_key::Changes,
    hub::ConnectionId,
    rpc::{Code, RpcError, now_us},
    scope::Scope,
    token::{Grant, Kind, Tokens},
};

/// Signed requests are refused when their timestamp is further away than this from the gateway's clock.
const SKEW_MS_MAX: u64 = 60_000;
/// Signatures remembered against replays; older ones are refused by their timestamp.
const REPLAY_WINDOW: usize = 100_000;

/// One line of the gateway's key file.
#[derive(Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ApiKeyFile {
    pub client_id: String,
    pub client_secret: String,
    /// The owner's public key, hex.
    pub owner: String,
    #[serde(default)]
    pub subaccount: u16,
    /// The session key's secret bytes, hex. Where a program reads this from a file, it may name a key file that it unlocks.
    pub session_key: String,
    /// What may be done with it, such as `trade:read account:read`; empty for all that a session key can do.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub scope: String,
}

impl core::fmt::Debug for ApiKeyFile {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("ApiKeyFile").field("client_id", &self.client_id).finish_non_exhaustive()
    }
}

/// An authenticated caller.
#[derive(Clone, Debug)]
pub struct Identity {
    pub client_id: String,
    pub account: AccountId,
    pub key: SigningKey,
    pub scope: Scope,
}

/// Why a key file is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyFileError {
    #[error("key {client_id:?}: `{field}` must be 64 hexadecimal digits")]
    Hex { client_id: String, field: &'static str },
    #[error("key {client_id:?} is there twice")]
    Duplicate { client_id: String },
}

struct Entry {
    secret: String,
    identity: Identity,
}

#[derive(Default)]
struct Issued {
    tokens: Tokens,
    seen: BTreeSet<[u8; 32]>,
    seen_order: VecDeque<[u8; 32]>,
}

/// The API keys of a gateway and what it has issued on them.
pub struct Keyring {
    entries: BTreeMap<String, Entry>,
    /// Of those keys that were changed since their file was written.
    changes: RwLock<BTreeMap<String, Changes>>,
    issued: Mutex<Issued>,
    token_key: [u8; 32],
}

/// The parts of a signed request.
#[derive(Clone, Copy, Debug)]
pub struct Signed<'a> {
    pub client_id: &'a str,
    pub timestamp: &'a str,
    pub nonce: &'a str,
    pub signature: &'a str,
    /// What follows timestamp and nonce under the signature.
    pub payload: &'a str,
}

impl Keyring {
    /// `token_key` must be unpredictable; tokens are derived from it.
    pub fn new(files: Vec<ApiKeyFile>, token_key: [u8; 32]) -> Result<Self, KeyFileError> {
        let mut entries = BTreeMap::new();
        for file in files {
            let client_id = file.client_id.clone();
            let (client_id, entry) = (client_id.clone(), Entry::read(file)?);
            if entries.insert(client_id.clone(), entry).is_some() {
                return Err(KeyFileError::Duplicate { client_id });
            }
        }
        Ok(Self { entries, changes: RwLock::default(), issued: Mutex::default(), token_key })
    }

    /// Checks a client's id and secret.
    pub fn by_credentials(&self, client_id: &str, secret: &str) -> Result<Identity, RpcError> {
        let (entry, changes) = self.live(client_id)?;
        let present = entry.secret_under(&changes);
        let matches = mac(&self.token_key, secret.as_bytes()) == mac(&self.token_key, present.as_bytes());
        if matches { Ok(entry.identity_under(&changes)) } else { Err(invalid_credentials()) }
    }

    /// Checks an HMAC signature: hex(HMAC_SHA256(secret, timestamp \n nonce \n payload)).
    pub fn by_signature(&self, signed: Signed<'_>) -> Result<Identity, RpcError> {
        let (entry, changes) = self.live(signed.client_id)?;
        let secret = entry.secret_under(&changes);
        let given = hex::decode(signed.signature).map_err(|_| invalid_credentials())?;
        let text = format!("{}\n{}\n{}", signed.timestamp, signed.nonce, signed.payload);
        hasher(secret.as_bytes())
            .chain_update(text.as_bytes())
            .verify_slice(&given)
            .map_err(|_| invalid_credentials())?;
        self.check_fresh(signed.timestamp)?;
        let replayed = !self.remember(mac(secret.as_bytes(), text.as_bytes()));
        if replayed {
            return Err(RpcError::new(Code::InvalidCredentials, "this signature was used before"));
        }
        Ok(entry.identity_under(&changes))
    }

    /// An access and a refresh token for a caller; for `connection` alone unless his scope names a session.
    pub fn issue(&self, identity: &Identity, connection: Option<ConnectionId>) -> (String, String) {
        let connection = if identity.scope.session.is_some() { None } else { connection };
        let grant =
            Grant { client_id: identity.client_id.clone(), scope: identity.scope.clone(), connection };
        let now_s = now_us() / 1_000_000;
        let make = |text: &str| hex::encode(mac(&self.token_key, text.as_bytes()));
        let tokens = &mut self.lock().tokens;
        let access = tokens.issue(Kind::Access, grant.clone(), now_s, make);
        (access, tokens.issue(Kind::Refresh, grant, now_s, make))
    }

    /// Whose token this is, when used on a connection or, without one, in an HTTP request.
    pub fn by_token(
        &self,
        (kind, token): (Kind, &str),
        connection: Option<ConnectionId>,
    ) -> Result<Identity, RpcError> {
        let now_s = now_us() / 1_000_000;
        let grant = self.lock().tokens.find((kind, token), connection, now_s)?.clone();
        let identity = self.by_client(&grant.client_id)?;
        Ok(Identity { scope: grant.scope.within(&identity.scope), ..identity })
    }

    /// Forgets the tokens of a connection that has ended or logged out.
    pub fn forget(&self, connection: ConnectionId, identity: Option<&Identity>) {
        let tokens = &mut self.lock().tokens;
        tokens.forget_connection(connection);
        if let Some((identity, session)) = identity.and_then(|it| Some((it, it.scope.session.as_ref()?))) {
            tokens.forget_session(&identity.client_id, session);
        }
    }

    /// The caller that an API key stands for, for what he has asked for before.
    pub fn by_client(&self, client_id: &str) -> Result<Identity, RpcError> {
        self.live(client_id).map(|(entry, changes)| entry.identity_under(&changes))
    }

    /// A caller of before, as far as his key still goes.
    pub fn still(&self, identity: Identity) -> Result<Identity, RpcError> {
        let changed = |_| RpcError::new(Code::Unauthorized, "the API key was disabled or removed");
        let now = self.by_client(&identity.client_id).map_err(changed)?;
        Ok(Identity { scope: identity.scope.within(&now.scope), ..identity })
    }

    /// The caller that a key's file alone makes.
    pub(crate) fn of_file(&self, client_id: &str) -> Result<Identity, RpcError> {
        self.entry(client_id).map(|entry| entry.identity.clone())
    }

    /// The keys of an account that were not removed, with the scopes that they have.
    pub(crate) fn of_account(&self, account: &AccountId) -> Vec<(Identity, Changes)> {
        let own = self.entries.values().filter(|entry| entry.identity.account == *account);
        let known = own.map(|entry| (entry, self.changes(&entry.identity.client_id)));
        let present = known.filter(|(_, changes)| !changes.is_removed);
        present.map(|(entry, changes)| (entry.identity_under(&changes), changes)).collect()
    }

    pub(crate) fn changes(&self, client_id: &str) -> Changes {
        let changes = self.changes.read().unwrap_or_else(PoisonError::into_inner);
        changes.get(client_id).cloned().unwrap_or_default()
    }

    pub(crate) fn set_changes(&self, client_id: &str, changed: Changes) {
        let mut changes = self.changes.write().unwrap_or_else(PoisonError::into_inner);
        changes.insert(client_id.to_owned(), changed);
    }

    /// The present secret of a key; empty when it opens nothing.
    pub(crate) fn secret(&self, client_id: &str) -> String {
        self.live(client_id).map(|(entry, changes)| entry.secret_under(&changes)).unwrap_or_default()
    }

    /// Forgets all tokens of a key.
    pub(crate) fn forget_client(&self, client_id: &str) {
        self.lock().tokens.forget_client(client_id);
    }

    /// A key that opens something, and what was changed about it.
    fn live(&self, client_id: &str) -> Result<(&Entry, Changes), RpcError> {
        let (entry, changes) = (self.entry(client_id)?, self.changes(client_id));
        if changes.is_live() { Ok((entry, changes)) } else { Err(invalid_credentials()) }
    }

    /// What other callers know an account by: the first of its API keys.
    pub fn name_of(&self, account: &AccountId) -> &str {
        let own = self.entries.iter().find(|(_, entry)| entry.identity.account == *account);
        own.map_or("", |(client_id, _)| client_id)
    }

    fn entry(&self, client_id: &str) -> Result<&Entry, RpcError> {
        self.entries.get(client_id).ok_or_else(invalid_credentials)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Issued> {
        self.issued.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn check_fresh(&self, timestamp: &str) -> Result<(), RpcError> {
        let now = now_us() / 1_000;
        let given: u64 = timestamp
            .parse()
            .map_err(|_| RpcError::param("timestamp", "milliseconds since 1970 are expected"))?;
        if given.abs_diff(now) > SKEW_MS_MAX {
            let reason = format!("timestamp {given} is more than {SKEW_MS_MAX} ms away from {now}");
            return Err(RpcError::new(Code::InvalidCredentials, reason));
        }
        Ok(())
    }

    fn remember(&self, signature: [u8; 32]) -> bool {
        let mut issued = self.lock();
        if !issued.seen.insert(signature) {
            return false;
        }
        issued.seen_order.push_back(signature);
        if issued.seen_order.len() > REPLAY_WINDOW
            && let Some(oldest) = issued.seen_order.pop_front()
        {
            issued.seen.remove(&oldest);
        }
        true
    }
}

impl Entry {
    fn read(file: ApiKeyFile) -> Result<Self, KeyFileError> {
        let bytes = |field: &'static str, text: &str| -> Result<[u8; 32], KeyFileError> {
            hex::decode(text)
                .ok()
                .and_then(|bytes| bytes.try_into().ok())
                .ok_or(KeyFileError::Hex { client_id: file.client_id.clone(), field })
        };
        let owner = crypto::PublicKey(bytes("owner", &file.owner)?);
        let key = SigningKey::from_bytes(bytes("session_key", &file.session_key)?);
        let account = AccountId { owner, subaccount: file.subaccount };
        let scope = Scope::of_key(&file.scope);
        let identity = Identity { client_id: file.client_id, account, key, scope };
        Ok(Self { secret: file.client_secret, identity })
    }

    fn identity_under(&self, changes: &Changes) -> Identity {
        Identity { scope: self.identity.scope.narrowed(&changes.scope), ..self.identity.clone() }
    }

    fn secret_under(&self, changes: &Changes) -> String {
        changes.secret(&self.identity, &self.secret)
    }
}

impl core::fmt::Debug for Keyring {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Keyring").field("keys", &self.entries.len()).finish_non_exhaustive()
    }
}

/// The fields of `deri-hmac-sha256 id=..,ts=..,sig=..,nonce=..`, in any order.
pub fn header_fields(header: &str) -> Option<BTreeMap<&str, &str>> {
    let fields = header.strip_prefix("deri-hmac-sha256 ")?;
    fields.split(',').map(|field| field.trim().split_once('=')).collect()
}

fn invalid_credentials() -> RpcError {
    RpcError::new(Code::InvalidCredentials, "client_id, secret or signature is wrong")
}

pub(crate) fn hasher(key: &[u8]) -> Hmac<Sha256> {
    Hmac::<Sha256>::new_from_slice(key).expect("invariant: HMAC takes keys of any length")
}

fn mac(key: &[u8], message: &[u8]) -> [u8; 32] {
    hasher(key).chain_update(message).finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keyring() -> Keyring {
        let file = ApiKeyFile {
            client_id: "alice".into(),
            client_secret: "s3cret".into(),
            owner: "11".repeat(32),
            subaccount: 0,
            session_key: "22".repeat(32),
            scope: "trade:read".into(),
        };
        Keyring::new(vec![file], [7; 32]).unwrap()
    }

    fn sign(secret: &str, timestamp: &str, nonce: &str, payload: &str) -> String {
        hex::encode(mac(secret.as_bytes(), format!("{timestamp}\n{nonce}\n{payload}").as_bytes()))
    }

    #[test]
    fn a_signature_counts_once_and_only_near_its_time() {
        let keyring = keyring();
        let now = (now_us() / 1_000).to_string();
        let signature = sign("s3cret", &now, "n", "GET\n/x\n\n");
        let signed = Signed {
            client_id: "alice",
            timestamp: &now,
            nonce: "n",
            signature: &signature,
            payload: "GET\n/x\n\n",
        };
        assert!(keyring.by_signature(signed).is_ok());
        assert!(keyring.by_signature(signed).is_err(), "replayed");
        assert!(keyring.by_signature(Signed { payload: "GET\n/y\n\n", ..signed }).is_err());
        let old = sign("s3cret", "1000", "n", "");
        let stale = Signed { timestamp: "1000", signature: &old, payload: "", ..signed };
        assert!(keyring.by_signature(stale).is_err());
    }

    #[test]
    fn a_token_stands_for_the_caller_and_his_scope() {
        let keyring = keyring();
        let identity = keyring.by_credentials("alice", "s3cret").unwrap();
        let (access, refresh) = keyring.issue(&identity, Some(3));
        let found = keyring.by_token((Kind::Access, &access), Some(3)).unwrap();
        assert_eq!((found.client_id.as_str(), &found.scope), ("alice", &identity.scope));
        assert!(keyring.by_token((Kind::Refresh, &access), Some(3)).is_err());
        keyring.forget(3, None);
        assert!(keyring.by_token((Kind::Refresh, &refresh), Some(3)).is_err());
    }

    #[test]
    fn wrong_credentials_are_all_answered_alike() {
        let keyring = keyring();
        assert!(keyring.by_credentials("alice", "s3cret").is_ok());
        let wrong_secret = keyring.by_credentials("alice", "S3cret").unwrap_err();
        let wrong_id = keyring.by_credentials("bob", "s3cret").unwrap_err();
        assert_eq!(wrong_secret, wrong_id);
    }

    #[test]
    fn header_fields_come_in_any_order() {
        let fields = header_fields("deri-hmac-sha256 id=a,ts=1,nonce=n,sig=ff").unwrap();
        assert_eq!((fields["id"], fields["ts"], fields["nonce"], fields["sig"]), ("a", "1", "n", "ff"));
        assert!(header_fields("Bearer x").is_none());
        assert!(header_fields("deri-hmac-sha256 idonly").is_none());
    }
}
