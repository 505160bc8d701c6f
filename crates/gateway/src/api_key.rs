//! What callers have changed about their API keys since the key file was written.
//!
//! Invariant: a change is of this gateway and never gives a key more than its file does. No secret is kept: a new one is
//! derived from the session key, and only how many there were is remembered.

use hmac::Mac;
use serde::{Deserialize, Serialize};

use crate::{
    auth::{Identity, hasher},
    rpc::{Params, RpcError},
    scope::Scope,
};

/// Characters of a key's name, as on the venue.
const NAME_MAX: usize = 16;
const AREAS: [&str; 5] = ["account", "block_rfq", "block_trade", "trade", "wallet"];
const ACCESSES: [&str; 3] = ["none", "read", "read_write"];

/// The changes of one key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Changes {
    pub name: String,
    pub is_disabled: bool,
    /// It is as if it had never been.
    pub is_removed: bool,
    /// What its scope was narrowed to; empty while it is the file's.
    pub scope: String,
    /// How many secrets it has had besides the file's.
    pub resets: u64,
    pub changed_ms: u64,
}

impl Changes {
    /// Whether it still opens anything.
    pub fn is_live(&self) -> bool {
        !self.is_disabled && !self.is_removed
    }

    /// The present secret of a key whose file says another.
    pub fn secret(&self, identity: &Identity, of_file: &str) -> String {
        if self.resets == 0 {
            return of_file.to_owned();
        }
        let text = format!("clockless gateway api secret 2026\n{}\n{}", identity.client_id, self.resets);
        hex::encode(hasher(&identity.key.to_bytes()).chain_update(text).finalize().into_bytes())
    }
}

/// The number that the venue's methods know a key by: the same after a restart, and at every gateway.
pub fn number(client_id: &str) -> u64 {
    let digest = crypto::Digest::of("clockless gateway api key 2026", client_id.as_bytes());
    // As much as a number of JSON holds exactly.
    digest.0[..6].iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// A key's new name.
pub(crate) fn name(params: &Params) -> Result<Option<String>, RpcError> {
    let Some(name) = params.optional_text("name")? else { return Ok(None) };
    let is_meant = |it: char| it.is_ascii_alphanumeric() || it == '_';
    if name.len() > NAME_MAX || !name.chars().all(is_meant) {
        let reason = format!("{name:?} given, at most {NAME_MAX} letters, digits and _ are expected");
        return Err(RpcError::param("name", reason));
    }
    Ok(Some(name.to_owned()))
}

/// The scope of a file's that `max_scope` asks for; as on the venue what it does not name is none.
pub(crate) fn scope(of_file: &Scope, asked: &str) -> Result<String, RpcError> {
    let mut words: Vec<(&str, &str)> = Vec::new();
    for word in asked.split([' ', ',']).filter(|word| !word.is_empty()) {
        let known =
            word.split_once(':').filter(|(area, access)| AREAS.contains(area) && ACCESSES.contains(access));
        let reason = || format!("{word:?} given, words such as trade:read are expected");
        words.push(known.ok_or_else(|| RpcError::param("max_scope", reason()))?);
    }
    let unnamed = AREAS.into_iter().filter(|area| words.iter().all(|(named, _)| named != area));
    let unnamed: Vec<(&str, &str)> = unnamed.map(|area| (area, "none")).collect();
    let words: Vec<String> =
        words.into_iter().chain(unnamed).map(|(area, access)| format!("{area}:{access}")).collect();
    Ok(of_file.narrowed(&words.join(" ")).areas())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_is_what_was_asked_for_and_never_more_than_the_file_has() {
        let of_file = Scope::of_key("trade:read");
        let narrowed = |asked: &str| scope(&of_file, asked);
        let none = "account:none block_rfq:none block_trade:none trade:none wallet:none";
        assert_eq!(narrowed("").unwrap(), none);
        assert_eq!(
            narrowed("trade:read_write").unwrap(),
            none.replace("trade:none wallet", "trade:read wallet")
        );
        assert_eq!(
            narrowed("account:read_write,wallet:read").unwrap(),
            "account:read block_rfq:none block_trade:none trade:none wallet:read"
        );
        for wrong in ["trade", "trade:write", "custody:read", "session:x"] {
            assert!(narrowed(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn numbers_are_kept_and_fit_a_number_of_json() {
        assert_eq!(number("alice"), number("alice"));
        assert!(number("alice") != number("bob") && number("alice") < 1 << 53);
    }
}
