//! Tokens that stand for a client for a while.
//!
//! Invariant: a token is unpredictable, of one kind, and dies at its time or when its session logs out. One
//! that was given to a connection without a session's name works on that connection alone.

use std::collections::BTreeMap;

use crate::{
    hub::ConnectionId,
    rpc::{Code, RpcError},
    scope::Scope,
};

/// Life of an access token in seconds, unless a shorter one was asked for.
pub const ACCESS_SECONDS: u64 = 900;
/// Life of a refresh token in seconds.
const REFRESH_SECONDS: u64 = 24 * 3_600;
const TOKENS_MAX: usize = 100_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Access,
    Refresh,
}

/// What a token stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    pub client_id: String,
    pub scope: Scope,
    /// The only connection it works on.
    pub connection: Option<ConnectionId>,
}

#[derive(Debug, Default)]
pub struct Tokens {
    grants: BTreeMap<(Kind, String), (Grant, u64)>,
    serial: u64,
}

impl Tokens {
    /// Keeps a grant under the token that `make` makes of a text that never repeats.
    pub fn issue(&mut self, kind: Kind, grant: Grant, now_s: u64, make: impl Fn(&str) -> String) -> String {
        self.serial += 1;
        let token = make(&format!("{kind:?} {} {}", grant.client_id, self.serial));
        if self.grants.len() >= TOKENS_MAX {
            self.grants.retain(|_, (_, expiry)| *expiry > now_s);
        }
        if self.grants.len() >= TOKENS_MAX {
            self.grants.pop_first();
        }
        let life = match kind {
            Kind::Access => lifetime(&grant.scope),
            Kind::Refresh => REFRESH_SECONDS,
        };
        self.grants.insert((kind, token.clone()), (grant, now_s.saturating_add(life)));
        token
    }

    /// What a token stands for on a connection, or in an HTTP request when there is none.
    pub fn find(
        &self,
        (kind, token): (Kind, &str),
        connection: Option<ConnectionId>,
        now_s: u64,
    ) -> Result<&Grant, RpcError> {
        let unauthorized = |reason: &str| RpcError::new(Code::Unauthorized, reason);
        let (grant, expiry) = self
            .grants
            .get(&(kind, token.to_owned()))
            .ok_or_else(|| unauthorized("the token is not known"))?;
        if *expiry <= now_s {
            return Err(unauthorized("the token has expired"));
        }
        if grant.connection.is_some() && grant.connection != connection {
            return Err(unauthorized("the token is of another connection: ask for scope session:name"));
        }
        Ok(grant)
    }

    /// Forgets the tokens that work on one connection alone.
    pub fn forget_connection(&mut self, connection: ConnectionId) {
        self.grants.retain(|_, (grant, _)| grant.connection != Some(connection));
    }

    /// Forgets all tokens of a client.
    pub fn forget_client(&mut self, client_id: &str) {
        self.grants.retain(|_, (grant, _)| grant.client_id != client_id);
    }

    /// Forgets a client's tokens of the session that one of his scopes names.
    pub fn forget_session(&mut self, client_id: &str, session: &str) {
        self.grants.retain(|_, (grant, _)| {
            grant.client_id != client_id || grant.scope.session.as_deref() != Some(session)
        });
    }
}

/// Seconds that an access token of a scope lives.
pub fn lifetime(scope: &Scope) -> u64 {
    scope.expires.map_or(ACCESS_SECONDS, |asked| asked.clamp(1, REFRESH_SECONDS))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grant(scope: &str, connection: Option<ConnectionId>) -> Grant {
        Grant { client_id: "alice".into(), scope: Scope::default().narrowed(scope), connection }
    }

    #[test]
    fn a_token_is_of_its_kind_its_connection_and_its_time() {
        let mut tokens = Tokens::default();
        let bound = tokens.issue(Kind::Access, grant("", Some(7)), 0, str::to_owned);
        let named = tokens.issue(Kind::Access, grant("session:a expires:10", None), 0, str::to_owned);
        let found = |tokens: &Tokens, kind, token: &str, connection, now_s| {
            tokens.find((kind, token), connection, now_s).is_ok()
        };
        assert!(found(&tokens, Kind::Access, &bound, Some(7), ACCESS_SECONDS - 1));
        assert!(!found(&tokens, Kind::Access, &bound, Some(7), ACCESS_SECONDS));
        assert!(!found(&tokens, Kind::Access, &bound, Some(8), 0));
        assert!(!found(&tokens, Kind::Access, &bound, None, 0));
        assert!(!found(&tokens, Kind::Refresh, &bound, Some(7), 0));
        assert!(found(&tokens, Kind::Access, &named, Some(8), 9));
        assert!(!found(&tokens, Kind::Access, &named, None, 10));
        tokens.forget_connection(7);
        tokens.forget_session("alice", "a");
        assert!(tokens.grants.is_empty());
    }
}
